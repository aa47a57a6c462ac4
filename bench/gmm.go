// GradBench's gmm.

package bench

import (
	"math"

	"github.com/cotangent-ad/cotangent/tensor"
)

// Mixture is the log-likelihood of a mixture of k normal distributions in d
// dimensions with a Wishart prior on the inverse covariances, at the points X [n d].
type Mixture struct {
	X     *T
	Gamma float64 // the prior's scale
	M     int     // the prior's excess degrees of freedom
	lower *T      // [d² ]: where each entry of Q is found in (exp(q), l, 0)
	d     int
}

// MixtureParams are the variables: weights' logarithms Alpha [k], means Mu [k d],
// and of each inverse covariance's factor the diagonal's logarithms Q [k d] and the
// strictly lower part L [k d(d-1)/2], column by column.
type MixtureParams struct{ Alpha, Mu, Q, L *T }

// NewMixture prepares the objective for points x [n d].
func NewMixture(x *T, gamma float64, m int) Mixture {
	d := x.Dim(1)
	lower := make([]int64, d*d)
	zero := d + d*(d-1)/2
	next := d
	for col := range d {
		for row := range d {
			switch {
			case row == col:
				lower[row*d+col] = int64(row)
			case row > col:
				lower[row*d+col] = int64(next)
				next++
			default:
				lower[row*d+col] = int64(zero)
			}
		}
	}
	return Mixture{X: x, Gamma: gamma, M: m, lower: tensor.FromSlice(lower, d*d), d: d}
}

// Objective returns the logarithm of likelihood times prior.
func (p Mixture) Objective(v MixtureParams) *T {
	n, d, k := float64(p.X.Dim(0)), p.d, v.Alpha.Dim(0)
	sumQ := v.Q.Sum(1)
	expQ := v.Q.Exp()
	factors := tensor.Concat(1, expQ, v.L, tensor.Zeros(k, 1)).Take(1, p.lower).Reshape(k, d, d)
	centred := p.X.Sub(v.Mu.Unsqueeze(1))                 // [k n d]
	scaled := centred.MatMul(factors.Transpose(0, 2, 1))  // [k n d]
	exponents := scaled.Square().Sum(2).MulScalar(-0.5)   // [k n]
	beta := exponents.Add(v.Alpha.Add(sumQ).Unsqueeze(1)) // [k n]
	likelihood := beta.LogSumExp(0).Sum().Sub(v.Alpha.LogSumExp().MulScalar(n))
	squares := expQ.Square().Sum().Add(v.L.Square().Sum())
	prior := squares.MulScalar(-0.5 * p.Gamma * p.Gamma).Add(sumQ.Sum().MulScalar(float64(p.M)))
	return likelihood.Add(prior).AddScalar(p.constant(n, float64(k)))
}

// constant is the part that does not depend on the variables.
func (p Mixture) constant(n, k float64) float64 {
	d := float64(p.d)
	dof := d + float64(p.M) + 1
	logGamma := d * (d - 1) / 4 * math.Log(math.Pi) // of the multivariate gamma function at dof/2
	for j := range p.d {
		l, _ := math.Lgamma(dof/2 - float64(j)/2)
		logGamma += l
	}
	return -n*d/2*math.Log(2*math.Pi) + k*(dof*d*math.Log(p.Gamma/math.Sqrt2)-logGamma)
}
