package grad_test

import (
	"context"
	"fmt"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// A straight line through points, by gradient descent. The step is a function of
// parameters like any other, so that the whole of it is prepared: gradient and update.
func Example() {
	type params struct{ Slope, Offset *tensor.Tensor }
	x := tensor.Linspace(-1, 1, 21)
	y := x.MulScalar(3).AddScalar(0.5)
	loss := func(p params) *tensor.Tensor {
		return x.Mul(p.Slope).Add(p.Offset).Sub(y).Square().Mean()
	}
	step := func(p params) params {
		g := grad.Grad(loss)(p)
		return grad.Map(func(x ...*tensor.Tensor) *tensor.Tensor { return x[0].Sub(x[1].MulScalar(0.5)) }, p, g)
	}

	p := params{tensor.Scalar(0), tensor.Scalar(0)}
	program, err := grad.Prepare(step, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer program.Close()
	for range 50 {
		if p, err = program.Run(context.Background(), p); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Printf("%.4f %.4f, loss %.4f\n", p.Slope, p.Offset, loss(p))
	// Output: 3.0000 0.5000, loss 0.0000
}

func ExampleGrad() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Sum() }
	fmt.Println(grad.Grad(f)(tensor.New([]float64{1, 2, 3})))
	// Output: [2. 4. 6.]
}

func ExampleGrad_structs() {
	type params struct{ W, B *tensor.Tensor }
	x := tensor.New([]float64{1, 2})
	loss := func(p params) *tensor.Tensor { return p.W.Dot(x).Add(p.B).Square() }
	g := grad.Grad(loss)(params{W: tensor.New([]float64{1, 1}), B: tensor.Scalar(1)})
	fmt.Println(g.W, g.B)
	// Output: [ 8. 16.] 8.0
}

// By the entries of a sparse matrix, one number each, and by the vector that it is
// multiplied with.
func ExampleGrad_sparse() {
	a, err := tensor.NewSparse(2, 3, []int{0, 2, 3}, []int{0, 2, 1}) // [a . b; . c .]
	if err != nil {
		fmt.Println(err)
		return
	}
	type factors struct{ Values, X *tensor.Tensor }
	loss := func(p factors) *tensor.Tensor { return a.MatMul(p.Values, p.X).Square().Sum() }
	g := grad.Grad(loss)(factors{tensor.New([]float64{1, 2, 3}), tensor.New([]float64{1, 1, 2})})
	fmt.Println(g.Values, g.X)
	// Output: [10. 20.  6.] [10. 18. 20.]
}

func ExampleValueAndGrad() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Exp().Sum() }
	y, g := grad.ValueAndGrad(f)(tensor.New([]float64{0, 0}))
	fmt.Println(y, g)
	// Output: 2.0 [1. 1.]
}

func ExampleValueGradAux() {
	f := func(x *tensor.Tensor) (*tensor.Tensor, []*tensor.Tensor) {
		squares := x.Square()
		return squares.Sum(), []*tensor.Tensor{squares}
	}
	y, g, aux := grad.ValueGradAux(f)(tensor.New([]float64{1, 3}))
	fmt.Println(y, g, aux[0])
	// Output: 10.0 [2. 6.] [1. 9.]
}

func ExampleVJP() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Square() }
	y, pullback := grad.VJP(f, tensor.New([]float64{1, 2, 3}))
	fmt.Println(y, pullback(tensor.New([]float64{1, 0, -1})))
	// Output: [1. 4. 9.] [ 2.  0. -6.]
}

func ExampleJVP() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Square() }
	y, dy := grad.JVP(f, tensor.New([]float64{1, 2, 3}), tensor.New([]float64{1, 0, -1}))
	fmt.Println(y, dy)
	// Output: [1. 4. 9.] [ 2.  0. -6.]
}

func ExampleLinearize() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Square() }
	_, linear := grad.Linearize(f, tensor.New([]float64{1, 2}))
	fmt.Println(linear(tensor.New([]float64{1, 0})), linear(tensor.New([]float64{0, 1})))
	// Output: [2. 0.] [0. 4.]
}

func ExampleHVP() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Prod() }
	x, v := tensor.New([]float64{2, 3, 5}), tensor.New([]float64{1, 0, 0})
	fmt.Println(grad.HVP(f, x, v))
	// Output: [0. 5. 3.]
}

func ExampleGradHVP() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Square().Sum() }
	g, hv := grad.GradHVP(f, tensor.New([]float64{1, 2}), tensor.New([]float64{1, 1}))
	fmt.Println(g, hv)
	// Output: [ 4. 32.] [12. 48.]
}

func ExampleVmap() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Sum() }
	rows := tensor.New([][]float64{{1, 2}, {3, 4}})
	fmt.Println(grad.Vmap(f)(rows))
	fmt.Println(grad.Vmap(grad.Grad(f))(rows))
	// Output:
	// [ 5. 25.]
	// [[2. 4.]
	//  [6. 8.]]
}

// Where is masked: sqrt has an infinite slope at 0, and a cotangent of exactly
// zero there. IEEE's product of the two is NaN.
func ExampleIEEE() {
	f := func(x *tensor.Tensor) *tensor.Tensor {
		return tensor.Where(x.GtScalar(0), x.Sqrt(), tensor.Scalar(0)).Sum()
	}
	x := tensor.New([]float64{0, 4})
	fmt.Println(grad.Grad(f)(x))
	fmt.Println(grad.Grad(f, grad.IEEE())(x))
	// Output:
	// [0.   0.25]
	// [ nan 0.25]
}

func ExampleStopGradient() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return grad.StopGradient(x).Mul(x).Sum() }
	fmt.Println(grad.Grad(f)(tensor.New([]float64{3, 4})))
	// Output: [3. 4.]
}

// A square root by Newton's iteration, whose derivative comes from what it
// solves rather than from its steps.
func ExampleCustom() {
	root := grad.Custom(func(a *tensor.Tensor) *tensor.Tensor {
		x := a
		for range 50 {
			x = x.Add(a.Div(x)).MulScalar(0.5)
		}
		return x
	}, grad.Rules[*tensor.Tensor, *tensor.Tensor]{
		VJP: func(a, x, g *tensor.Tensor) *tensor.Tensor { return g.Div(x.MulScalar(2)) },
	})
	fmt.Println(grad.Grad(root)(tensor.Scalar(16)))
	// Output: 0.125
}

func ExamplePrepare() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Sum() }
	x := tensor.New([]float64{1, 2, 3})
	program, err := grad.Prepare(grad.Grad(f), x)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	g, err := program.Run(ctx, x)
	fmt.Println(g, err)

	dst := tensor.Zeros(3).Clone()
	err = program.RunInto(ctx, dst, tensor.New([]float64{4, 5, 6}))
	fmt.Println(dst, err)
	// Output:
	// [2. 4. 6.] <nil>
	// [ 8. 10. 12.] <nil>
}
