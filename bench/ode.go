// GradBench's ode.

package bench

import (
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// RungeKutta4 integrates y'_0 = x_0, y'_i = x_i·y_{i-1}, y(0) = 0 to t = 2 by
// steps steps of the classical method of fourth order; x and the result are [n].
func RungeKutta4(x *T, steps int) *T {
	// With y_{-1} = 1 all components are alike: the slope is x times y moved up by one.
	before := tensor.OnesLike(x.Index(tensor.Range(0, 1))).Pad([]int{0}, []int{x.Dim(0) - 1})
	slope := func(y *T) *T { return x.Mul(y.Pad([]int{1}, []int{-1}).Add(before)) }
	h := 2 / float64(steps)
	y, _ := grad.Scan(func(y *T, _ struct{}) (*T, struct{}) {
		k1 := slope(y)
		k2 := slope(y.Add(k1.MulScalar(h / 2)))
		k3 := slope(y.Add(k2.MulScalar(h / 2)))
		k4 := slope(y.Add(k3.MulScalar(h)))
		return y.Add(k1.Add(k2.MulScalar(2)).Add(k3.MulScalar(2)).Add(k4).MulScalar(h / 6)), struct{}{}
	}, tensor.ZerosLike(x), struct{}{}, grad.Length(steps))
	return y
}

// LastOfRungeKutta4 returns the function that integrates and takes the last component.
func LastOfRungeKutta4(steps int) func(x *T) *T {
	return func(x *T) *T { return RungeKutta4(x, steps).Index(tensor.At(-1)) }
}
