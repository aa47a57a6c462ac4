// Problems with sparse derivatives: discretised differential equations, and the
// standard tests of sparse optimisation.

package bench

import (
	"github.com/cotangent-ad/cotangent/tensor"
)

// Brusselator is the right-hand side of the two-species reaction
//
//	u' = α Δu + B + u²v - (A+1)u,  v' = α Δv + A u - u²v,  A = 3.4, B = 1,
//
// on a periodic n x n grid of the unit square: a function of [2 n n] (u, then
// v) with α/h² = 10 (n-1)². Its Jacobian has 6 entries a row. (E. Hairer, G.
// Wanner: Solving Ordinary Differential Equations II, Springer 1996, IV.10.)
func Brusselator(n int) func(uv *T) *T {
	const a, b = 3.4, 1
	al := 10 * float64(n-1) * float64(n-1)
	laplacian := func(u *T) *T {
		around := u.Roll([]int{1}, []int{0}).Add(u.Roll([]int{-1}, []int{0})).Add(u.Roll([]int{1}, []int{1})).Add(u.Roll([]int{-1}, []int{1}))
		return around.Sub(u.MulScalar(4)).MulScalar(al)
	}
	return func(uv *T) *T {
		u, v := uv.Index(tensor.At(0)), uv.Index(tensor.At(1))
		r := u.Square().Mul(v)
		du := laplacian(u).AddScalar(b).Add(r).Sub(u.MulScalar(a + 1))
		dv := laplacian(v).Add(u.MulScalar(a)).Sub(r)
		return tensor.Stack(0, du, dv)
	}
}

// BratuEnergy is the energy of the solid-fuel ignition problem -Δu = λ exp(u),
//
//	½ Σ (differences of neighbours)² - λ h² Σ exp(u),
//
// on the n x n interior points of the unit square with u = 0 outside. (MINPACK-2
// test problem collection, 1992.)
func BratuEnergy(n int, lambda float64) func(u *T) *T {
	h := 1 / float64(n+1)
	return func(u *T) *T {
		p := u.Pad([]int{1, 1}, []int{1, 1})
		all, in := tensor.Range(0, n+2), tensor.Range(1, n+1)
		dx := p.Index(tensor.Range(1, n+2), in).Sub(p.Index(tensor.Range(0, n+1), in))
		dy := p.Index(all, tensor.Range(1, n+2)).Sub(p.Index(all, tensor.Range(0, n+1)))
		grad := dx.Square().Sum().Add(dy.Square().Sum()).MulScalar(0.5)
		return grad.Sub(u.Exp().Sum().MulScalar(lambda * h * h))
	}
}

// BratuResidual is the gradient of [BratuEnergy]: the five-point discretisation of
// -Δu - λ exp(u), times h².
func BratuResidual(n int, lambda float64) func(u *T) *T {
	h := 1 / float64(n+1)
	return func(u *T) *T {
		p := u.Pad([]int{1, 1}, []int{1, 1})
		in := tensor.Range(1, n+1)
		around := p.Index(tensor.Range(0, n), in).Add(p.Index(tensor.Range(2, n+2), in)).Add(p.Index(in, tensor.Range(0, n))).Add(p.Index(in, tensor.Range(2, n+2)))
		return u.MulScalar(4).Sub(around).Sub(u.Exp().MulScalar(lambda * h * h))
	}
}

// ChainedRosenbrock is Σ 100 (x[i+1] - x[i]²)² + (1 - x[i])²: a tridiagonal Hessian.
func ChainedRosenbrock(x *T) *T {
	n := x.Dim(0)
	a, b := x.Index(tensor.Range(0, n-1)), x.Index(tensor.Range(1, n))
	return b.Sub(a.Square()).Square().MulScalar(100).Add(a.RSubScalar(1).Square()).Sum()
}

// Arrowhead is Σ (x[i]² + x[n-1]²)² - 4 x[i] + 3 over i < n-1: a diagonal Hessian
// with a dense last row and column. (ARWHEAD of the CUTEst collection.)
func Arrowhead(x *T) *T {
	n := x.Dim(0)
	a, last := x.Index(tensor.Range(0, n-1)), x.Index(tensor.Range(n-1, n))
	return a.Square().Add(last.Square()).Square().Sub(a.MulScalar(4)).AddScalar(3).Sum()
}
