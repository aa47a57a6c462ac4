package jacobian_test

import (
	"context"
	"fmt"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

func ExampleDense() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Square() }
	fmt.Println(jacobian.Dense(f, tensor.New([]float64{1, 2})))
	// The Hessian of a scalar function.
	g := func(x *tensor.Tensor) *tensor.Tensor { return x.Prod() }
	fmt.Println(jacobian.Dense(grad.Grad(g), tensor.New([]float64{2, 3})))
	// Output:
	// [[2. 0.]
	//  [0. 4.]]
	// [[0. 1.]
	//  [1. 0.]]
}

func ExamplePrepare() {
	// Each element depends on itself and the one before it.
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Mul(x.Roll([]int{1}, []int{0})) }
	x := tensor.New([]float64{1, 2, 3, 4})
	p, err := jacobian.Prepare(f, x, jacobian.WithMode(jacobian.Forward))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	m := sparse.NewCSR[float64](p.Output())
	if err := p.Run(context.Background(), x, m.Val); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Coloring().Colors(), "products instead of", p.Output().Cols)
	for i := range m.Rows {
		fmt.Println(m.Row(i), m.Val[m.Ptr[i]:m.Ptr[i+1]])
	}
	// Output:
	// 2 products instead of 4
	// [0 3] [4 1]
	// [0 1] [2 1]
	// [1 2] [3 2]
	// [2 3] [4 3]
}

func ExamplePrepared_Values() {
	f := func(x *tensor.Tensor) *tensor.Tensor { // x[i+1] - x[i]²
		return x.Index(tensor.Range(1, 4)).Sub(x.Index(tensor.Range(0, 3)).Square())
	}
	x := tensor.New([]float64{1, 2, 3, 4})
	j, err := jacobian.Prepare(f, x)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer j.Close()
	values, err := grad.Prepare(j.Values, x) // on the device of x
	if err != nil {
		fmt.Println(err)
		return
	}
	defer values.Close()
	fmt.Println(values.Call(x))
	// Output: [-2.  1. -4.  1. -6.  1.]
}

func ExamplePrepareHessian() {
	// Rosenbrock's function, chained.
	f := func(x *tensor.Tensor) *tensor.Tensor {
		n := x.Dim(0)
		a, b := x.Index(tensor.Range(0, n-1)), x.Index(tensor.Range(1, n))
		return b.Sub(a.Square()).Square().MulScalar(100).Add(a.RSubScalar(1).Square()).Sum()
	}
	x := tensor.Ones(4)
	p, err := jacobian.PrepareHessian(f, x, jacobian.WithTriangle(sparse.Lower))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	m := sparse.NewCSR[float64](p.Output())
	if err := p.Run(context.Background(), x, m.Val); err != nil {
		fmt.Println(err)
		return
	}
	for i := range m.Rows {
		fmt.Println(m.Row(i), m.Val[m.Ptr[i]:m.Ptr[i+1]])
	}
	// Output:
	// [0] [802]
	// [0 1] [-400 1002]
	// [1 2] [-400 1002]
	// [2 3] [-400 200]
}

func ExamplePrepared_Check() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Mul(x.Flip(0)) }
	x := tensor.New([]float64{1, 2})
	diagonal, _ := sparse.NewPattern(2, 2, []int{0, 1, 2}, []int32{0, 1}) // too little
	p, err := jacobian.Prepare(f, x, jacobian.WithPattern(diagonal))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	_, stale := p.Check(context.Background(), x, 1).(*jacobian.StaleError)
	fmt.Println("the pattern does not fit:", stale)
	// Output:
	// the pattern does not fit: true
}

// A matrix of package sparse is a factor of tensors, too: its structure once, and its
// values as a tensor. The Jacobian of what is computed with it has just its entries.
func ExamplePrepare_sparse() {
	m, err := (&sparse.COO[float64]{Rows: 2, Cols: 3, Row: []int32{0, 0, 1}, Col: []int32{0, 2, 1}, Val: []float64{1, 2, 3}}).CSR()
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := tensor.NewSparse(m.Rows, m.Cols, m.Ptr, m.Idx)
	if err != nil {
		fmt.Println(err)
		return
	}
	values := tensor.New(m.Val)
	f := func(x *tensor.Tensor) *tensor.Tensor { return a.MatMul(values, x.Square()) }
	x := tensor.New([]float64{1, 2, 3})
	p, err := jacobian.Prepare(f, x)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	fmt.Println(f(x), jacobian.Dense(f, x))
	fmt.Println(p.Output().Equal(m.Pattern), p.Values(x))
	// Output:
	// [19. 12.] [[ 2.  0. 12.]
	//  [ 0. 12.  0.]]
	// true [ 2. 12. 12.]
}
