// GradBench's llsq and lse.

package bench

import "github.com/cotangent-ad/cotangent/tensor"

// LeastSquares is the fit of a polynomial to the sign function on a grid of n
// points in [-1, 1]: half the sum of squared residuals of its m coefficients.
type LeastSquares struct {
	powers *T // [n m]: t_i^j
	signs  *T // [n]
}

// NewLeastSquares makes the design matrix for n ≥ 2 points and m coefficients.
func NewLeastSquares(n, m int) LeastSquares {
	powers, signs := make([]float64, n*m), make([]float64, n)
	for i := range n {
		t := -1 + 2*float64(i)/float64(n-1)
		switch {
		case t > 0:
			signs[i] = 1
		case t < 0:
			signs[i] = -1
		}
		p := 1.0
		for j := range m {
			powers[i*m+j] = p
			p *= t
		}
	}
	return LeastSquares{tensor.FromSlice(powers, n, m), tensor.FromSlice(signs, n)}
}

// Objective takes the coefficients [m].
func (p LeastSquares) Objective(x *T) *T {
	return p.signs.Sub(p.powers.MatMul(x)).Square().Sum().MulScalar(0.5)
}

// LogSumExp takes x [n].
func LogSumExp(x *T) *T { return x.LogSumExp() }
