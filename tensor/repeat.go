// Repetition: along axes, and of vectors to the grid that they span.

package tensor

import (
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Tile returns t repeated as a whole, reps[d] times along dimension d, as tiles are laid
// (PyTorch's repeat). The shorter of reps and t's shape is filled up with 1 at its
// beginning, as in NumPy. A negative number is an *AttrError.
func (t *Tensor) Tile(reps ...int) *Tensor {
	const op = "tile"
	if t.bad() {
		return failedOn(op, t)
	}
	shape := slices.Concat(slices.Repeat([]int{1}, max(len(reps)-t.Rank(), 0)), t.arr.Shape)
	reps = slices.Concat(slices.Repeat([]int{1}, len(shape)-len(reps)), reps)
	if err := checkTimes(op, t.arr.DType, shape, reps); err != nil {
		return failed(op, err, t.arr.Aval)
	}
	y := t.Reshape(shape...)
	for d := len(shape) - 1; d >= 0; d-- {
		y = y.repeated(d, d, reps[d])
	}
	return as(op, y, t)
}

// Repeat returns t with each element repeated n times along an axis, next to each other
// (NumPy's repeat, PyTorch's repeat_interleave). A negative n, or an axis that is not
// there, is an *AttrError.
func (t *Tensor) Repeat(axis, n int) *Tensor {
	const op = "repeat"
	ax, err := t.axisOf(op, axis)
	if err == nil {
		reps := slices.Repeat([]int{1}, t.Rank())
		reps[ax] = n
		err = checkTimes(op, t.arr.DType, t.arr.Shape, reps)
	}
	if err != nil {
		return t.noParts(op, err, 1)[0]
	}
	return as(op, t.repeated(ax, ax+1, n), t)
}

// checkTimes returns an error unless a tensor of that shape can be repeated so many
// times along each dimension.
func checkTimes(op string, d DType, shape, reps []int) error {
	all := slices.Clone(shape)
	for i, n := range reps {
		switch {
		case n < 0:
			return &AttrError{Op: op, Reason: fmt.Sprintf("%d times", n)}
		case n > maxElements/max(all[i], 1):
			return &ShapeError{Op: op, Shapes: [][]int{shape}, Reason: "too many elements"}
		}
		all[i] *= n
	}
	return checkType(op, kernels.Aval{DType: d, Shape: all})
}

// repeated returns t with what lies behind its first dimensions repeated n times, and
// the copies counted to dimension d. By one dimension more than t has, this is a
// BroadcastTo; as there may be no more, the others are joined to three.
func (t *Tensor) repeated(d, first, n int) *Tensor {
	shape := t.Shape()
	if n == 1 || t.bad() {
		return t
	}
	outer, inner := product(shape[:first]), product(shape[first:])
	shape[d] *= n
	return t.Reshape(outer, 1, inner).BroadcastTo(outer, n, inner).Reshape(shape...)
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Meshgrid returns, for vectors of sizes n, m, ..., as many tensors of shape [n m ...]:
// the i-th has the elements of the i-th vector along dimension i, and is constant along
// the others. Together they are the coordinates of a grid's points, in the order that
// NumPy and PyTorch call "ij"; for "xy", exchange the first two vectors and the first two
// results, and take [Tensor.SwapAxes] of all. Numbers are vectors of size 1. Another rank is
// a *ShapeError, which all results then carry.
func Meshgrid(xs ...*Tensor) []*Tensor {
	const op = "meshgrid"
	shape := make([]int, len(xs))
	for i, x := range xs {
		switch {
		case x.bad():
			return slices.Repeat([]*Tensor{failedOn(op, x)}, len(xs))
		case x.Rank() > 1:
			err := &ShapeError{Op: op, Shapes: [][]int{x.Shape()}, Reason: "takes vectors"}
			return slices.Repeat([]*Tensor{failed(op, err)}, len(xs))
		}
		shape[i] = x.Size()
	}
	grid := make([]*Tensor, len(xs))
	for i, x := range xs {
		along := slices.Repeat([]int{1}, len(xs))
		along[i] = x.Size()
		grid[i] = as(op, x.Reshape(along...).BroadcastTo(shape...), x)
	}
	return grid
}
