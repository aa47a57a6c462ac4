// What optimisers, solvers and files do with arguments: the tensors in them taken
// one by one, mapped, or put end to end.

package grad

import (
	"fmt"
	"strings"

	"github.com/cotangent-ad/cotangent/tensor"
)

// Leaves returns the tensors in p in a fixed order: fields in order, elements by
// index, map entries by key; nil tensors are left out. The error is a
// *[TypeError] or tensor.ErrNil.
func Leaves[P any](p P) ([]*tensor.Tensor, error) { return leavesOf(p, nil) }

// Rebuild returns a copy of like with its tensors replaced by leaves, of which
// there must be as many as [Leaves] finds. It shares no slice, map or pointer
// that holds tensors with like.
func Rebuild[P any](like P, leaves []*tensor.Tensor) (P, error) {
	old, err := leavesOf(like, nil)
	if err == nil && len(old) != len(leaves) {
		err = fmt.Errorf("grad.Rebuild: %d tensors for %d places", len(leaves), len(old))
	}
	if err != nil {
		return like, err
	}
	return rebuild(like, leaves), nil
}

// Paths returns where each of the [Leaves] stands in p, as in "W" or
// "Layers[2].B"; for a tensor alone it is empty. They are names for the tensors
// of a file.
func Paths[P any](p P) []string {
	paths := pathsOf(p)
	for i, s := range paths {
		paths[i] = strings.TrimPrefix(s, ".")
	}
	return paths
}

// Map returns a value like p in which each tensor is what f returns for the tensors
// at its place in p and in each of the others, which have tensors in the same places.
// A step of gradient descent is
//
//	p = grad.Map(func(x ...*tensor.Tensor) *tensor.Tensor { return x[0].Sub(x[1].MulScalar(rate)) }, p, gradient)
//
// Errors stick to the result: a *[TypeError], a *[PanicError] of f, or one that names
// the places that differ.
func Map[P any](f func(x ...*tensor.Tensor) *tensor.Tensor, p P, others ...P) P {
	const name = "grad.Map"
	leaves, err := leavesOf(p, nil)
	if err != nil {
		return failedLike(p, name, err)
	}
	rows := make([][]*tensor.Tensor, len(leaves))
	for i, t := range leaves {
		rows[i] = append(make([]*tensor.Tensor, 0, 1+len(others)), t)
	}
	for _, o := range others {
		more, err := leavesOf(o, nil)
		if err == nil {
			err = sameTree(name, "others", p, o, len(leaves), len(more))
		}
		if err != nil {
			return failedLike(p, name, err)
		}
		for i, t := range more {
			rows[i] = append(rows[i], t)
		}
	}
	for i, row := range rows {
		y, err := call(func(row []*tensor.Tensor) *tensor.Tensor { return f(row...) }, row)
		if err == nil && y == nil {
			err = tensor.ErrNil
		}
		if err != nil {
			y = tensor.Failed(name, err)
		}
		leaves[i] = y
	}
	return rebuild(p, leaves)
}

// Flatten returns the elements of p's floating-point tensors as one float64 vector, one
// tensor after the other in the order of [Leaves], each row-major: the order of the rows
// and columns of package jacobian. Like any operation it can be transformed, and its
// error sticks to the result.
func Flatten[P any](p P) *tensor.Tensor {
	leaves, err := leavesOf(p, nil)
	if err != nil {
		return tensor.Failed("grad.Flatten", err)
	}
	flat := leaves[:0]
	for _, t := range leaves {
		switch {
		case t.Err() != nil:
			return t
		case t.DType().IsFloat():
			flat = append(flat, t.Cast(tensor.Float64).Flatten())
		}
	}
	switch len(flat) {
	case 0:
		return tensor.Zeros(0)
	case 1:
		return flat[0]
	}
	return tensor.Concat(0, flat...)
}

// Unflatten is [Flatten]'s inverse: a value like the given one, of its shapes and dtypes,
// whose floating-point tensors have the elements of the vector v; other tensors are
// like's. Errors stick to the result: a *tensor.ShapeError for a v of another size.
func Unflatten[P any](like P, v *tensor.Tensor) P {
	const name = "grad.Unflatten"
	leaves, err := leavesOf(like, nil)
	n := 0
	for i := 0; err == nil && i < len(leaves); i++ {
		if err = leaves[i].Err(); err == nil && leaves[i].DType().IsFloat() {
			n += leaves[i].Size()
		}
	}
	if err == nil {
		err = v.Err()
	}
	if err == nil && (v.Rank() != 1 || v.Size() != n) {
		err = &tensor.ShapeError{Op: name, Shapes: [][]int{v.Shape()}, Reason: fmt.Sprintf("a vector of %d elements is wanted", n)}
	}
	if err != nil {
		return failedLike(like, name, err)
	}
	at := 0
	for i, t := range leaves {
		if a := t.Aval(); a.DType.IsFloat() {
			leaves[i] = v.Index(tensor.Range(at, at+a.Size())).Reshape(a.Shape...).Cast(a.DType)
			at += a.Size()
		}
	}
	return rebuild(like, leaves)
}
