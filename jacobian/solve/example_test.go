package solve_test

import (
	"context"
	"fmt"

	"github.com/cotangent-ad/cotangent/jacobian/solve"
	"github.com/cotangent-ad/cotangent/tensor"
)

// The square root of 2, with a digit count that doubles.
func ExampleNewton() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Square().SubScalar(2) }
	x, report, err := solve.Newton(context.Background(), f, tensor.New([]float64{1}), solve.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.8f %v\n", x.At(0).Float(), report.Converged)
	// Output:
	// 1.41421356 true
}

func ExampleMinimize() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Exp().Sub(x.MulScalar(2)).Sum() }
	x, _, err := solve.Minimize(context.Background(), f, tensor.Zeros(2), solve.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.6f\n", x.At(0).Float())
	// Output:
	// 0.693147
}

// An exponential through data.
func ExampleLeastSquares() {
	t := tensor.New([]float64{0, 1, 2, 3})
	y := tensor.New([]float64{3, 1.8195919791, 1.1036383235, 0.6693904804}) // 3 exp(-t/2)
	residuals := func(p *tensor.Tensor) *tensor.Tensor {
		return t.Mul(p.At(1)).Exp().Mul(p.At(0)).Sub(y)
	}
	p, _, err := solve.LeastSquares(context.Background(), residuals, tensor.New([]float64{1, 0}), solve.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.4f exp(%.4f t)\n", p.At(0).Float(), p.At(1).Float())
	// Output:
	// 3.0000 exp(-0.5000 t)
}

// A population that grows from little to what its world carries.
func ExampleSteadyState() {
	growth := func(x *tensor.Tensor) *tensor.Tensor { return x.Mul(x.DivScalar(10).RSubScalar(1)) } // x (1 - x/10)
	x, _, err := solve.SteadyState(context.Background(), growth, tensor.New([]float64{0.01}), solve.Options{FirstStep: 0.1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.6f\n", x.At(0).Float())
	// Output:
	// 10.000000
}

// Heat on a rod in steps of time, each a system of equations: the last state is given
// along with the unknown one.
func ExamplePrepareEquations() {
	type state = *tensor.Tensor
	step := func(u, last state) state {
		ends := u.Pad([]int{1}, []int{1}) // which are kept at 0
		n := u.Dim(0)
		flow := ends.Index(tensor.Range(2, n+2)).Add(ends.Index(tensor.Range(0, n))).Sub(u.MulScalar(2))
		return u.Sub(last).Sub(flow.MulScalar(0.5))
	}
	ctx, u := context.Background(), tensor.New([]float64{0, 0, 1, 0, 0})
	heat, err := solve.PrepareEquations(ctx, step, u, u, solve.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer heat.Close()
	for range 3 {
		if u, _, err = heat.Newton(ctx, u, u); err != nil {
			fmt.Println(err)
			return
		}
	}
	v, _ := u.Float64s()
	fmt.Printf("%.4f\n", v)
	// Output:
	// [0.0797 0.1857 0.2844 0.1857 0.0797]
}
