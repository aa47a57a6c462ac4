// Parts of a tensor along an axis, the way back from Concat. They are views.

package tensor

import (
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Split returns the parts of t along an axis, of the given sizes in their order. It
// fails with a *ShapeError where they do not add up to the size of the axis, and with an
// *AttrError for an axis that is not there: all parts, and one where no size is given,
// then carry the error.
func (t *Tensor) Split(axis int, sizes ...int) []*Tensor {
	const op = "split"
	if _, err := t.axisOf(op, axis); err != nil {
		return t.noParts(op, err, max(len(sizes), 1))
	}
	left := t.Dim(axis)
	for _, n := range sizes {
		if n < 0 || n > left {
			left = -1
			break
		}
		left -= n
	}
	if left != 0 || len(sizes) == 0 {
		err := &ShapeError{Op: op, Shapes: [][]int{t.Shape()}, Reason: fmt.Sprintf("the sizes %v do not make up axis %d", sizes, axis)}
		return t.noParts(op, err, max(len(sizes), 1))
	}
	return t.cut(axis, sizes)
}

// Chunk returns n parts of t along an axis, of one size if n divides that of the axis;
// else the first ones are larger by 1, as NumPy's array_split has it. It fails with an
// *AttrError for an axis that is not there, and unless n is between 1 and the axis's
// size (or 1): there is then one part, which carries the error.
func (t *Tensor) Chunk(axis, n int) []*Tensor {
	const op = "chunk"
	ax, err := t.axisOf(op, axis)
	if err != nil {
		return t.noParts(op, err, 1)
	}
	size := t.arr.Shape[ax]
	if n < 1 || n > max(size, 1) {
		return t.noParts(op, &AttrError{Op: op, Reason: fmt.Sprintf("no %d parts of axis %d, which has size %d", n, axis, size)}, 1)
	}
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = size / n
		if i < size%n {
			sizes[i]++
		}
	}
	return t.cut(axis, sizes)
}

// axisOf returns an axis of t counted from the beginning, or why there is none.
func (t *Tensor) axisOf(op string, axis int) (int, error) {
	if t.bad() {
		return 0, t.Err()
	}
	ax, ok := wrapAxis(axis, t.Rank())
	if !ok {
		return 0, &AttrError{Op: op, Reason: fmt.Sprintf("axis %d out of range for shape %v", axis, t.arr.Shape)}
	}
	return ax, nil
}

// noParts returns n tensors that carry err, or t's own error.
func (t *Tensor) noParts(op string, err error, n int) []*Tensor {
	bad := t
	if !t.bad() || t == nil {
		bad = failed(op, err, t.Aval())
	}
	return slices.Repeat([]*Tensor{bad}, n)
}

// cut returns the parts of valid sizes.
func (t *Tensor) cut(axis int, sizes []int) []*Tensor {
	ax, _ := wrapAxis(axis, t.Rank())
	parts := make([]*Tensor, len(sizes))
	ranges := slices.Repeat([]kernels.Range{kernels.All()}, ax+1)
	at := 0
	for i, n := range sizes {
		ranges[ax] = kernels.From(at, at+n)
		parts[i] = apply1(kernels.Slice, kernels.RangesOf(ranges...), t)
		at += n
	}
	return parts
}
