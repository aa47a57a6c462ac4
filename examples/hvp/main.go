package main

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// rosenbrock is (1-x0)² + 100(x1-x0²)².
func rosenbrock(x *tensor.Tensor) *tensor.Tensor {
	x0, x1 := x.Index(tensor.At(0)), x.Index(tensor.At(1))
	return x0.RSubScalar(1).Square().Add(x1.Sub(x0.Square()).Square().MulScalar(100))
}

func main() {
	x, v := tensor.New([]float64{-1, 2}), tensor.New([]float64{1, 0})
	fmt.Println("Hv, forward over reverse", grad.HVP(rosenbrock, x, v))

	slope := func(x *tensor.Tensor) *tensor.Tensor {
		_, d := grad.JVP(rosenbrock, x, v)
		return d
	}
	fmt.Println("Hv, reverse over forward", grad.Grad(slope)(x))

	hessian := grad.Vmap(func(v *tensor.Tensor) *tensor.Tensor { return grad.HVP(rosenbrock, x, v) })(tensor.Eye(2))
	fmt.Println("H")
	fmt.Println(hessian)
}
