// Reductions and scans along axes. Axes count from the end where negative; the
// reductions of this file take all of them when none is given, and drop them
// from the shape, or keep them with size 1 in the variants named Keep. An axis
// out of range is an *AttrError.

package tensor

import "github.com/cotangent-ad/cotangent/kernels"

// Sum returns the sum along axes; of nothing it is 0. Integers and bools are
// added as int64.
func (t *Tensor) Sum(axes ...int) *Tensor { return apply1(kernels.Sum, axesAttr(axes), t) }

// SumKeep is Sum with the axes kept as size 1.
func (t *Tensor) SumKeep(axes ...int) *Tensor { return apply1(kernels.Sum, keptAttr(axes), t) }

// Mean returns the mean along axes; of nothing it is NaN. Of integers and bools it is
// a float64.
func (t *Tensor) Mean(axes ...int) *Tensor { return apply1(kernels.Mean, axesAttr(axes), t) }

// MeanKeep is Mean with the axes kept as size 1.
func (t *Tensor) MeanKeep(axes ...int) *Tensor { return apply1(kernels.Mean, keptAttr(axes), t) }

// Prod returns the product along axes; of nothing it is 1. Integers and bools
// are multiplied as int64.
func (t *Tensor) Prod(axes ...int) *Tensor { return apply1(kernels.Prod, axesAttr(axes), t) }

// ProdKeep is Prod with the axes kept as size 1.
func (t *Tensor) ProdKeep(axes ...int) *Tensor { return apply1(kernels.Prod, keptAttr(axes), t) }

// Max returns the largest element along axes, NaN if any is. Equal ones share
// the slope. An empty axis is a *ShapeError, bools are a *DTypeError.
func (t *Tensor) Max(axes ...int) *Tensor { return apply1(kernels.MaxReduce, axesAttr(axes), t) }

// MaxKeep is Max with the axes kept as size 1.
func (t *Tensor) MaxKeep(axes ...int) *Tensor { return apply1(kernels.MaxReduce, keptAttr(axes), t) }

// Min returns the smallest element along axes, NaN if any is. Equal ones share
// the slope. An empty axis is a *ShapeError, bools are a *DTypeError.
func (t *Tensor) Min(axes ...int) *Tensor { return apply1(kernels.MinReduce, axesAttr(axes), t) }

// MinKeep is Min with the axes kept as size 1.
func (t *Tensor) MinKeep(axes ...int) *Tensor { return apply1(kernels.MinReduce, keptAttr(axes), t) }

// LogSumExp returns log(Σ exp(t)) along axes without overflow; of nothing it is -Inf.
func (t *Tensor) LogSumExp(axes ...int) *Tensor { return apply1(kernels.LogSumExp, axesAttr(axes), t) }

// LogSumExpKeep is LogSumExp with the axes kept as size 1.
func (t *Tensor) LogSumExpKeep(axes ...int) *Tensor {
	return apply1(kernels.LogSumExp, keptAttr(axes), t)
}

// All reports, a bool, whether all elements along axes are true, numbers where they
// are not 0; of nothing it is true.
func (t *Tensor) All(axes ...int) *Tensor { return as("all", t.Not().Sum(axes...).EqScalar(0), t) }

// AllKeep is All with the axes kept as size 1.
func (t *Tensor) AllKeep(axes ...int) *Tensor {
	return as("all", t.Not().SumKeep(axes...).EqScalar(0), t)
}

// Any reports, a bool, whether any element along axes is true, a number where it is
// not 0; of nothing it is false.
func (t *Tensor) Any(axes ...int) *Tensor {
	return as("any", t.CountNonZero(axes...).NeScalar(0), t)
}

// AnyKeep is Any with the axes kept as size 1.
func (t *Tensor) AnyKeep(axes ...int) *Tensor {
	return as("any", t.CountNonZeroKeep(axes...).NeScalar(0), t)
}

// CountNonZero returns how many elements along axes are not 0, or true, an int64. NaN
// is not 0.
func (t *Tensor) CountNonZero(axes ...int) *Tensor {
	return as("count_non_zero", t.Cast(Bool).Sum(axes...), t)
}

// CountNonZeroKeep is CountNonZero with the axes kept as size 1.
func (t *Tensor) CountNonZeroKeep(axes ...int) *Tensor {
	return as("count_non_zero", t.Cast(Bool).SumKeep(axes...), t)
}

// ArgMax returns the index, an int64, of the first largest element along an
// axis, or, without one, of all in row-major order; a NaN counts as largest.
func (t *Tensor) ArgMax(axis ...int) *Tensor { return apply1(kernels.ArgMax, axesAttr(axis), t) }

// ArgMin returns the index, an int64, of the first smallest element along an
// axis, or, without one, of all in row-major order; a NaN counts as smallest.
func (t *Tensor) ArgMin(axis ...int) *Tensor { return apply1(kernels.ArgMin, axesAttr(axis), t) }

// Softmax returns exp(t)/Σ exp(t) along axes, of t's shape, without overflow.
func (t *Tensor) Softmax(axes ...int) *Tensor { return apply1(kernels.Softmax, axesAttr(axes), t) }

// LogSoftmax returns t - log(Σ exp(t)) along axes, of t's shape, without overflow.
func (t *Tensor) LogSoftmax(axes ...int) *Tensor {
	return apply1(kernels.LogSoftmax, axesAttr(axes), t)
}

// CumSum returns, of t's shape, the sums of the elements up to and with each
// one along an axis. Integers and bools are added as int64.
func (t *Tensor) CumSum(axis int) *Tensor { return t.scan(axis, false) }

// CumSumReverse is CumSum from the end of the axis to its beginning.
func (t *Tensor) CumSumReverse(axis int) *Tensor { return t.scan(axis, true) }

func (t *Tensor) scan(axis int, reverse bool) *Tensor {
	a := kernels.AxesOf(false, axis).Axis[0] // what no int8 holds is out of any range
	return apply1(kernels.CumSum, kernels.Scan{Axis: a, Reverse: reverse}, t)
}

// allKept is the attribute of reductions of all axes that keep them, boxed once.
var allKept any = kernels.AxesOf(true)

func keptAttr(axes []int) any {
	if len(axes) == 0 {
		return allKept
	}
	return kernels.AxesOf(true, axes...)
}
