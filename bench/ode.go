// GradBench's ode.

package bench

import (
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// RungeKutta4 integrates y'_0 = x_0, y'_i = x_i·y_{i-1}, y(0) = 0 to t = 2 by
// steps steps of the classical method of fourth order; x and the result are [n].
func RungeKutta4(x *T, steps int) *T {
	n := x.Dim(0)
	first, rest := x.Index(tensor.Range(0, 1)), x.Index(tensor.Range(1, n))
	slope := func(y *T) *T {
		return tensor.Concat(0, first, rest.Mul(y.Index(tensor.Range(0, n-1))))
	}
	h := 2 / float64(steps)
	opts := []grad.Option{grad.Length(steps)}
	if steps*n >= 1e6 { // what the steps would keep lies in no cache then: computing it again is faster
		opts = append(opts, grad.Recompute())
	}
	y, _ := grad.Scan(func(y *T, _ struct{}) (*T, struct{}) {
		k1 := slope(y)
		k2 := slope(y.Add(k1.MulScalar(h / 2)))
		k3 := slope(y.Add(k2.MulScalar(h / 2)))
		k4 := slope(y.Add(k3.MulScalar(h)))
		return y.Add(k1.Add(k2.MulScalar(2)).Add(k3.MulScalar(2)).Add(k4).MulScalar(h / 6)), struct{}{}
	}, tensor.ZerosLike(x), struct{}{}, opts...)
	return y
}

// LastOfRungeKutta4 returns the function that integrates and takes the last component.
func LastOfRungeKutta4(steps int) func(x *T) *T {
	return func(x *T) *T { return RungeKutta4(x, steps).Index(tensor.At(-1)) }
}
