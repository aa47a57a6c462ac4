// Operations on shapes. All but Concat, Stack, Roll and Pad give views
// where the layout allows it; a view shares memory, which nobody can tell since
// tensors are immutable.

package tensor

import (
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Reshape returns the elements, row-major, in another shape of the same size.
// One size may be -1: what is left, unless another is 0.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	return apply1(kernels.Reshape, kernels.DimsOf(shape...), t)
}

// Flatten returns the elements, row-major, in one dimension.
func (t *Tensor) Flatten() *Tensor { return t.Reshape(-1) }

// Transpose returns t with its dimensions in the order of axes, reversed
// without any.
func (t *Tensor) Transpose(axes ...int) *Tensor { return apply1(kernels.Transpose, axesAttr(axes), t) }

// T returns t with its last two dimensions exchanged: the transpose of a
// matrix, or of each in a batch. It fails with a *ShapeError below rank 2.
func (t *Tensor) T() *Tensor { return t.exchanged("t", -2, -1) }

// SwapAxes returns t with two dimensions exchanged.
func (t *Tensor) SwapAxes(a, b int) *Tensor { return t.exchanged("swap_axes", a, b) }

func (t *Tensor) exchanged(op string, a, b int) *Tensor {
	if t.bad() {
		return failedOn(op, t)
	}
	rank := t.Rank()
	i, okA := wrapAxis(a, rank)
	j, okB := wrapAxis(b, rank)
	if !okA || !okB {
		return failed(op, &ShapeError{Op: op, Shapes: [][]int{t.Shape()}, Reason: fmt.Sprintf("axes %d and %d are not both dimensions of it", a, b)})
	}
	perm := identityPerm(rank)
	perm[i], perm[j] = perm[j], perm[i]
	return t.Transpose(perm...)
}

// MoveAxis returns t with one dimension moved to another position, the others
// keeping their order.
func (t *Tensor) MoveAxis(from, to int) *Tensor {
	const op = "move_axis"
	if t.bad() {
		return failedOn(op, t)
	}
	rank := t.Rank()
	i, okI := wrapAxis(from, rank)
	j, okJ := wrapAxis(to, rank)
	if !okI || !okJ {
		return failed(op, &AttrError{Op: op, Reason: fmt.Sprintf("no axes %d and %d in rank %d", from, to, rank)})
	}
	perm := slices.Delete(identityPerm(rank), i, i+1)
	return t.Transpose(slices.Insert(perm, j, i)...)
}

func identityPerm(rank int) []int {
	perm := make([]int, rank)
	for i := range perm {
		perm[i] = i
	}
	return perm
}

// wrapAxis counts a negative axis from the end and reports whether there is one.
func wrapAxis(a, rank int) (int, bool) {
	if a < 0 {
		a += rank
	}
	return a, a >= 0 && a < rank
}

// BroadcastTo returns t repeated to a shape, along new leading dimensions and
// those of size 1 (PyTorch's expand). [Tensor.Tile] and [Tensor.Repeat] repeat along
// others.
func (t *Tensor) BroadcastTo(shape ...int) *Tensor {
	return apply1(kernels.BroadcastTo, kernels.DimsOf(shape...), t)
}

// Squeeze returns t without the given dimensions, which have size 1, or
// without all dimensions of size 1.
func (t *Tensor) Squeeze(axes ...int) *Tensor { return apply1(kernels.Squeeze, axesAttr(axes), t) }

// Unsqueeze returns t with dimensions of size 1 inserted at the given
// positions of the result (NumPy's expand_dims).
func (t *Tensor) Unsqueeze(axes ...int) *Tensor { return apply1(kernels.Unsqueeze, axesAttr(axes), t) }

// Flip returns t in reverse order along the given dimensions, or along all.
func (t *Tensor) Flip(axes ...int) *Tensor { return apply1(kernels.Flip, axesAttr(axes), t) }

// Roll returns t with its elements shifted along axes, shift[i] along axes[i];
// those beyond the end come in at the beginning. With nil axes and one shift,
// the elements are shifted in row-major order.
func (t *Tensor) Roll(shift, axes []int) *Tensor {
	return apply1(kernels.Roll, kernels.ShiftsOf(shift, axes), t)
}

// Pad returns t with lo[d] zeros before and hi[d] after dimension d; negative
// numbers cut elements off.
func (t *Tensor) Pad(lo, hi []int) *Tensor {
	return apply1(kernels.Pad, kernels.PaddingOf(lo, hi), t)
}

// Concat returns the tensors one after the other along an axis. Their shapes
// agree elsewhere; their dtypes are promoted.
func Concat(axis int, xs ...*Tensor) *Tensor {
	return applyN(kernels.Concat, kernels.AxesOf(false, axis), xs)[0]
}

// Stack returns tensors of one shape along a new axis of the result.
func Stack(axis int, xs ...*Tensor) *Tensor {
	return applyN(kernels.Stack, kernels.AxesOf(false, axis), xs)[0]
}

// Clone returns a copy in memory of its own, row-major.
func (t *Tensor) Clone() *Tensor { return apply1(kernels.Clone, nil, t) }

// Cast returns the elements converted to another dtype: to an integer towards
// 0, to bool as true where not 0. The slope is 1 between floats, else 0.
func (t *Tensor) Cast(d DType) *Tensor {
	if t != nil && !t.bad() && t.arr.DType == d {
		return t
	}
	return apply1(kernels.Cast, d, t)
}

// StopGradient returns t as a constant: no derivative passes.
func (t *Tensor) StopGradient() *Tensor { return apply1(kernels.StopGradient, nil, t) }

// allAxes is the attribute that operations without axes are given, boxed once.
var allAxes any = kernels.AxesOf(false)

func axesAttr(axes []int) any {
	if len(axes) == 0 {
		return allAxes
	}
	return kernels.AxesOf(false, axes...)
}

// failedOn returns t's error, or the error of a nil t in op.
func failedOn(op string, t *Tensor) *Tensor {
	if t == nil {
		return failed(op, ErrNil)
	}
	return t
}
