// Variances and norms along axes, composed of other operations in forms that keep their
// digits: differences from the mean are taken in a second pass, and numbers are scaled
// where their squares would overflow or vanish.

package tensor

import (
	"fmt"
	"math"
)

// Var returns the variance along axes, the mean of the squares of the differences from
// the mean, which divides by the number n of elements as NumPy does; PyTorch's divides
// by n-1, which is VarCorrected(1, axes...). It is computed in two passes, so that a
// large mean takes nothing from it (Chan, Golub and LeVeque, The American Statistician
// 37, 1983, eq. 1.1). Differences whose squares overflow make it Inf. Of nothing it is
// NaN, of integers and bools a float64.
func (t *Tensor) Var(axes ...int) *Tensor { return t.variance("var", 0, false, axes) }

// VarKeep is Var with the axes kept as size 1.
func (t *Tensor) VarKeep(axes ...int) *Tensor { return t.variance("var", 0, true, axes) }

// VarCorrected is Var with the sum of n squares divided by n-correction (NumPy's ddof):
// with 1 it estimates the variance of what the n elements were drawn from. Without a
// difference left to divide by, it is NaN, or Inf. A correction that is not finite is an
// *AttrError.
func (t *Tensor) VarCorrected(correction float64, axes ...int) *Tensor {
	return t.variance("var_corrected", correction, false, axes)
}

// VarCorrectedKeep is VarCorrected with the axes kept as size 1.
func (t *Tensor) VarCorrectedKeep(correction float64, axes ...int) *Tensor {
	return t.variance("var_corrected", correction, true, axes)
}

// Std returns the standard deviation along axes, the square root of [Tensor.Var]. Where
// the variance is 0 it has a kink, and its slope there, at every order, is 0.
func (t *Tensor) Std(axes ...int) *Tensor { return t.deviation("std", 0, false, axes) }

// StdKeep is Std with the axes kept as size 1.
func (t *Tensor) StdKeep(axes ...int) *Tensor { return t.deviation("std", 0, true, axes) }

// StdCorrected is Std with the correction of [Tensor.VarCorrected]: with 1 it is
// PyTorch's.
func (t *Tensor) StdCorrected(correction float64, axes ...int) *Tensor {
	return t.deviation("std_corrected", correction, false, axes)
}

// StdCorrectedKeep is StdCorrected with the axes kept as size 1.
func (t *Tensor) StdCorrectedKeep(correction float64, axes ...int) *Tensor {
	return t.deviation("std_corrected", correction, true, axes)
}

func (t *Tensor) variance(op string, correction float64, keep bool, axes []int) *Tensor {
	mean := t.MeanKeep(axes...)
	if mean.bad() {
		return as(op, mean, t)
	}
	if math.IsNaN(correction) || math.IsInf(correction, 0) {
		return failed(op, &AttrError{Op: op, Reason: fmt.Sprintf("a correction of %v", correction)}, t.arr.Aval)
	}
	n := 1.0 // of elements that share a mean
	for d, size := range t.arr.Shape {
		if size != mean.arr.Shape[d] {
			n *= float64(size)
		}
	}
	squares := t.Sub(mean).Square().sum(keep, axes)
	return as(op, squares.DivScalar(max(n-correction, 0)), t)
}

func (t *Tensor) deviation(op string, correction float64, keep bool, axes []int) *Tensor {
	return t.variance(op, correction, keep, axes).flatSqrt()
}

// sum is Sum or SumKeep.
func (t *Tensor) sum(keep bool, axes []int) *Tensor {
	if keep {
		return t.SumKeep(axes...)
	}
	return t.Sum(axes...)
}

// flatSqrt returns the square root of what is not negative, with slope 0 at 0. There the
// root is taken of a constant, so that this holds of every order, in every mode.
func (t *Tensor) flatSqrt() *Tensor {
	zero := t.EqScalar(0)
	return Where(zero, t.number(0), Where(zero, t.number(1), t).Sqrt())
}

// Norm returns the Euclidean norm along axes, the square root of the sum of squares: of
// a vector its length, of a matrix its Frobenius norm. Numbers whose squares would
// overflow or vanish are scaled on the way, which takes several passes over t where
// t.Square().Sum().Sqrt() takes one. Where all are 0 its slope, at every order, is 0. Of
// nothing it is 0, of integers and bools a float64.
func (t *Tensor) Norm(axes ...int) *Tensor {
	return as("norm", t.norm(axes).Squeeze(axes...), t)
}

// NormKeep is Norm with the axes kept as size 1.
func (t *Tensor) NormKeep(axes ...int) *Tensor { return as("norm", t.norm(axes), t) }

func (t *Tensor) norm(axes []int) *Tensor {
	x := t.float()
	if x.Size() == 0 {
		return x.Square().SumKeep(axes...).flatSqrt()
	}
	scale := x.scaleOfSquares(axes)
	return x.Mul(scale).Square().SumKeep(axes...).flatSqrt().Div(scale)
}

// float returns t if its elements are floats, else as float64.
func (t *Tensor) float() *Tensor {
	if t.DType().IsFloat() {
		return t
	}
	return t.Cast(Float64)
}

// scaleOfSquares returns, with the axes kept, what to multiply by so that the sum of
// squares neither overflows nor vanishes: 1 unless the largest magnitude is extreme, else
// a power of two, so that no bit changes by it. To derivatives it is a constant, as the
// norm does not depend on it: comparisons have none, and leave partial derivatives of
// the others as they are, where StopGradient would have package jacobian ask no further.
func (t *Tensor) scaleOfSquares(axes []int) *Tensor {
	// The sum of 2⁶⁴ squares of most is a float64, and so is the square of the smallest
	// number times factor; of float32, of 2³⁸.
	most, factor := 0x1p480, 0x1p600
	if t.DType() == Float32 {
		most, factor = 0x1p45, 0x1p88
	}
	size := t.Abs()
	large := size.GtScalar(most).AnyKeep(axes...)
	small := size.LtScalar(1 / most).AllKeep(axes...)
	return Where(large, t.number(1/factor), Where(small, t.number(factor), t.number(1)))
}
