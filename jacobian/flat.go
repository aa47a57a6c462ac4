// Arguments and results as vectors of the elements of their floating-point leaves.

package jacobian

import (
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

type array = tensor.Tensor

// sizeOf returns the number of elements of the floating-point values.
func sizeOf(avals []kernels.Aval) int {
	n := 0
	for _, a := range avals {
		if a.DType.IsFloat() {
			n += a.Size()
		}
	}
	return n
}

// avalsOf returns the types of the leaves of p.
func avalsOf[P any](p P) ([]kernels.Aval, error) {
	leaves, err := grad.Leaves(p)
	if err != nil {
		return nil, err
	}
	avals := make([]kernels.Aval, len(leaves))
	for i, t := range leaves {
		if err := t.Err(); err != nil {
			return nil, err
		}
		avals[i] = t.Aval()
	}
	return avals, nil
}

// flatten returns the elements of the floating-point leaves as a vector of float64.
func flatten[P any](p P) *array {
	leaves, err := grad.Leaves(p)
	if err != nil {
		return tensor.Failed("jacobian", err)
	}
	var flat []*array
	for _, t := range leaves {
		if t.Err() != nil {
			return t
		}
		if t.DType().IsFloat() {
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

// unflatten returns a value like p whose floating-point leaves have the elements of
// the vector v; other leaves are p's.
func unflatten[P any](p P, v *array) (P, error) {
	leaves, err := grad.Leaves(p)
	if err != nil {
		return p, err
	}
	at := 0
	for i, t := range leaves {
		if t.Err() != nil {
			return p, t.Err()
		}
		if a := t.Aval(); a.DType.IsFloat() {
			leaves[i] = v.Index(tensor.Range(at, at+a.Size())).Reshape(a.Shape...).Cast(a.DType)
			at += a.Size()
		}
	}
	return grad.Rebuild(p, leaves)
}
