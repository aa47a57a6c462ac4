// Arithmetic and elementary functions, element by element.

package tensor

import (
	"math"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Add returns t + x. The operands of this and the other operations on two
// tensors broadcast as in NumPy, and are converted to the later of their dtypes.
func (t *Tensor) Add(x *Tensor) *Tensor { return apply2(kernels.Add, nil, t, x) }

// Sub returns t - x.
func (t *Tensor) Sub(x *Tensor) *Tensor { return apply2(kernels.Sub, nil, t, x) }

// Mul returns t * x, element by element.
func (t *Tensor) Mul(x *Tensor) *Tensor { return apply2(kernels.Mul, nil, t, x) }

// Div returns t / x; of integers and bools it is a float64.
func (t *Tensor) Div(x *Tensor) *Tensor { return apply2(kernels.Div, nil, t, x) }

// Pow returns t to the power of x; of integers and bools it is a float64. A
// negative base with a power that is not whole gives NaN.
func (t *Tensor) Pow(x *Tensor) *Tensor { return apply2(kernels.Pow, nil, t, x) }

// Maximum returns the larger of each pair, NaN if either is. Where they are
// equal each has slope one half.
func (t *Tensor) Maximum(x *Tensor) *Tensor { return apply2(kernels.Maximum, nil, t, x) }

// Minimum returns the smaller of each pair, NaN if either is. Where they are
// equal each has slope one half.
func (t *Tensor) Minimum(x *Tensor) *Tensor { return apply2(kernels.Minimum, nil, t, x) }

// Atan2 returns the angle of the points (x, t), from -π to π.
func (t *Tensor) Atan2(x *Tensor) *Tensor { return apply2(kernels.Atan2, nil, t, x) }

// Hypot returns sqrt(t² + x²) without overflow on the way.
func (t *Tensor) Hypot(x *Tensor) *Tensor { return apply2(kernels.Hypot, nil, t, x) }

// AddScalar returns t + v. The number of this and the other operations with a
// number takes t's dtype if that is float, or an integer type and the number
// is whole; else the result is a float64.
func (t *Tensor) AddScalar(v float64) *Tensor { return t.Add(t.number(v)) }

// SubScalar returns t - v.
func (t *Tensor) SubScalar(v float64) *Tensor { return t.Sub(t.number(v)) }

// RSubScalar returns v - t.
func (t *Tensor) RSubScalar(v float64) *Tensor { return t.number(v).Sub(t) }

// MulScalar returns t * v.
func (t *Tensor) MulScalar(v float64) *Tensor { return t.Mul(t.number(v)) }

// DivScalar returns t / v.
func (t *Tensor) DivScalar(v float64) *Tensor { return t.Div(t.number(v)) }

// RDivScalar returns v / t.
func (t *Tensor) RDivScalar(v float64) *Tensor { return t.number(v).Div(t) }

// PowScalar returns t to the power of v.
func (t *Tensor) PowScalar(v float64) *Tensor { return t.Pow(t.number(v)) }

// MaximumScalar returns the larger of each element and v.
func (t *Tensor) MaximumScalar(v float64) *Tensor { return t.Maximum(t.number(v)) }

// MinimumScalar returns the smaller of each element and v.
func (t *Tensor) MinimumScalar(v float64) *Tensor { return t.Minimum(t.number(v)) }

// number returns v as an operand beside t: of t's type where that can hold it.
func (t *Tensor) number(v float64) *Tensor {
	d := t.Aval().DType
	switch whole := v == math.Trunc(v); {
	case d.IsFloat():
	case d == Bool && whole && math.Abs(v) < 1<<63:
		d = Int64
	case d == Int64 && whole && math.Abs(v) < 1<<63:
	case d == Int32 && whole && math.Abs(v) < 1<<31:
	default:
		d = Float64
	}
	return constant(v, kernels.Aval{DType: d})
}

// Neg returns -t.
func (t *Tensor) Neg() *Tensor { return apply1(kernels.Neg, nil, t) }

// Abs returns |t|. Its slope at 0 is 0.
func (t *Tensor) Abs() *Tensor { return apply1(kernels.Abs, nil, t) }

// Sign returns -1, 0 or 1 by the sign of each element, NaN at NaN.
func (t *Tensor) Sign() *Tensor { return apply1(kernels.Sign, nil, t) }

// Square returns t * t.
func (t *Tensor) Square() *Tensor { return apply1(kernels.Square, nil, t) }

// Sqrt returns the square root, NaN below 0. Its slope at 0 is +Inf. This and
// the following functions take integers and bools as float64.
func (t *Tensor) Sqrt() *Tensor { return apply1(kernels.Sqrt, nil, t) }

// Reciprocal returns 1 / t.
func (t *Tensor) Reciprocal() *Tensor { return apply1(kernels.Reciprocal, nil, t) }

// Exp returns the exponential function.
func (t *Tensor) Exp() *Tensor { return apply1(kernels.Exp, nil, t) }

// Expm1 returns exp(t) - 1, accurate near 0.
func (t *Tensor) Expm1() *Tensor { return apply1(kernels.Expm1, nil, t) }

// Log returns the natural logarithm, -Inf at 0, NaN below.
func (t *Tensor) Log() *Tensor { return apply1(kernels.Log, nil, t) }

// Log1p returns log(1 + t), accurate near 0.
func (t *Tensor) Log1p() *Tensor { return apply1(kernels.Log1p, nil, t) }

// Sin returns the sine of angles in radians.
func (t *Tensor) Sin() *Tensor { return apply1(kernels.Sin, nil, t) }

// Cos returns the cosine of angles in radians.
func (t *Tensor) Cos() *Tensor { return apply1(kernels.Cos, nil, t) }

// Tan returns the tangent of angles in radians.
func (t *Tensor) Tan() *Tensor { return apply1(kernels.Tan, nil, t) }

// Tanh returns the hyperbolic tangent.
func (t *Tensor) Tanh() *Tensor { return apply1(kernels.Tanh, nil, t) }

// Sigmoid returns 1 / (1 + exp(-t)).
func (t *Tensor) Sigmoid() *Tensor { return apply1(kernels.Sigmoid, nil, t) }

// Softplus returns log(1 + exp(t)) without overflow.
func (t *Tensor) Softplus() *Tensor { return apply1(kernels.Softplus, nil, t) }

// Relu returns t where it is positive, else 0. Its slope at 0 is 0.
func (t *Tensor) Relu() *Tensor { return apply1(kernels.Relu, nil, t) }

// Clamp limits each element to [lo, hi]; infinities leave a side open. Its slope is 1
// at both ends. It fails with an *AttrError unless lo <= hi.
func (t *Tensor) Clamp(lo, hi float64) *Tensor {
	return apply1(kernels.Clamp, kernels.Limits{Lo: lo, Hi: hi}, t)
}
