// Functions of one and two tensors, element by element, composed of others in forms
// that neither overflow nor cancel, with derivatives of every order that are those of
// the functions at infinities and kinks too. Integers and bools are taken as float64.

package tensor

import (
	"math"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Rsqrt returns 1 / √t, NaN below 0. At 0 it is +Inf with slope -Inf.
func (t *Tensor) Rsqrt() *Tensor { return as("rsqrt", t.Sqrt().Reciprocal(), t) }

// LogSigmoid returns log(1 / (1 + exp(-t))) without overflow.
func (t *Tensor) LogSigmoid() *Tensor {
	return as("log_sigmoid", t.float().Neg().Softplus().Neg(), t)
}

// Silu returns t / (1 + exp(-t)), also known as swish: t times its sigmoid, and 0 at -Inf.
func (t *Tensor) Silu() *Tensor { return as("silu", t.weighted(t.Sigmoid()), t) }

// Gelu returns t Φ(t), Φ the distribution function of the standard normal distribution
// (Hendrycks and Gimpel, Gaussian error linear units, 2016). As Φ is computed by Erf, the
// error is relative to |t|: below -5, where values are less than 1e-5, they have few
// right digits, and none from -9 on in float64, from -6 on in float32.
func (t *Tensor) Gelu() *Tensor {
	phi := t.MulScalar(math.Sqrt2 / 2).Erf().AddScalar(1).MulScalar(0.5)
	return as("gelu", t.weighted(phi), t)
}

// GeluTanh returns the approximation t (1 + tanh(√(2/π) (t + 0.044715 t³)))/2 of
// [Tensor.Gelu], computed as t sigmoid(2 √(2/π) (t + 0.044715 t³)), which it is, and
// which loses nothing far below 0.
func (t *Tensor) GeluTanh() *Tensor {
	const c = 2 * math.Sqrt2 / (math.SqrtPi)
	x := t.float()
	z := x.Mul(x.Square().MulScalar(c * 0.044715).AddScalar(c))
	return as("gelu_tanh", t.weighted(z.Sigmoid()), t)
}

// weighted returns t times a weight, 0 where that is 0: the limit of the functions above at -Inf.
func (t *Tensor) weighted(w *Tensor) *Tensor { return apply2(kernels.SMul, nil, t, w) }

// Elu returns t where it is positive, else alpha (exp(t) - 1). Its slope at 0 is alpha.
func (t *Tensor) Elu(alpha float64) *Tensor {
	return as("elu", Where(t.GtScalar(0), t, t.Expm1().MulScalar(alpha)), t)
}

// LeakyRelu returns t where it is positive, else slope times t. Its slope at 0 is that slope.
func (t *Tensor) LeakyRelu(slope float64) *Tensor {
	x := t.float()
	return as("leaky_relu", Where(x.GtScalar(0), x, x.MulScalar(slope)), t)
}

// Lerp returns t + w (x - t) as t - w t + w x: of finite numbers exactly t for a weight of
// 0 and x for one of 1.
func (t *Tensor) Lerp(x, w *Tensor) *Tensor {
	from := t.float()
	return as("lerp", from.Sub(w.Mul(from)).Add(w.Mul(x)), t, x, w)
}

// LerpScalar is Lerp with a number as the weight.
func (t *Tensor) LerpScalar(x *Tensor, w float64) *Tensor {
	from := t.float()
	return as("lerp_scalar", from.Sub(from.MulScalar(w)).Add(x.float().MulScalar(w)), t, x)
}

// XLogY returns t log(x), 0 where t is 0, whatever x is. Its slope by t is log(x)
// everywhere: -Inf where x is 0, as that of an entropy's term at 0.
func (t *Tensor) XLogY(x *Tensor) *Tensor { return as("xlogy", t.weighted(x.Log()), t, x) }
