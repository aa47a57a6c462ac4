package grad_test

import (
	"context"
	"fmt"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// A condition on a value, and its derivative on either side.
func ExampleCond() {
	f := func(x *tensor.Tensor) *tensor.Tensor {
		return grad.Cond(x.Lt(tensor.Scalar(1)),
			func(x *tensor.Tensor) *tensor.Tensor { return x.Square() },
			func(x *tensor.Tensor) *tensor.Tensor { return x.MulScalar(2).SubScalar(1) },
			x)
	}
	p, err := grad.Prepare(grad.Grad(f), tensor.Scalar(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, x := range []float64{0.5, 3} {
		g, err := p.Run(context.Background(), tensor.Scalar(x))
		fmt.Println(f(tensor.Scalar(x)), g, err)
	}
	// Output:
	// 0.25 1.0 <nil>
	// 5.0 2.0 <nil>
}

// A recurrence over the rows of a tensor: the carry is a running mean, the ys are
// the means so far.
func ExampleScan() {
	decay := tensor.Scalar(0.5)
	means := func(x *tensor.Tensor) *tensor.Tensor {
		_, ys := grad.Scan(func(mean, x *tensor.Tensor) (*tensor.Tensor, *tensor.Tensor) {
			mean = mean.Mul(decay).Add(x.Mul(decay))
			return mean, mean
		}, tensor.Scalar(0), x)
		return ys
	}
	x := tensor.New([]float64{8, 4, 2})
	fmt.Println(means(x))
	last := func(x *tensor.Tensor) *tensor.Tensor { return means(x).Index(tensor.At(-1)) }
	p, err := grad.Prepare(grad.Grad(last), x)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Run(context.Background(), x))
	// Output:
	// [4. 4. 3.]
	// [0.125 0.25  0.5  ] <nil>
}

// Newton's iteration for a square root, and the derivative through it.
func ExampleWhile() {
	type state struct{ X, Error *tensor.Tensor }
	sqrt := func(a *tensor.Tensor) *tensor.Tensor {
		return grad.While(func(s state) *tensor.Tensor {
			return s.Error.Gt(tensor.Scalar(1e-12))
		}, func(s state) state {
			next := s.X.Add(a.Div(s.X)).MulScalar(0.5)
			return state{next, next.Sub(s.X).Abs()}
		}, state{tensor.Scalar(1), tensor.Scalar(1)}).X
	}
	p, err := grad.Prepare(func(a *tensor.Tensor) [2]*tensor.Tensor {
		y, g := grad.ValueAndGrad(sqrt)(a)
		return [2]*tensor.Tensor{y, g}
	}, tensor.Scalar(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	y, err := p.Run(context.Background(), tensor.Scalar(4))
	fmt.Println(y[0], y[1], err)
	// Output: 2.0 0.25 <nil>
}
