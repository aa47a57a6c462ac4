// Examples of prepared programs.

package grad_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

func ExamplePrepared_Graph() {
	scale := tensor.Scalar(3)
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Mul(scale).Exp() }
	program, err := grad.Prepare(f, tensor.Zeros(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := program.Graph().WriteText(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// %0 = param 0     float64[2]
	// %1 = mul+exp %0  float64[2]
	// return %1
}

func ExamplePrepared_Call() {
	square, err := grad.Prepare(func(x *tensor.Tensor) *tensor.Tensor { return x.Square() }, tensor.Scalar(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(square.Call(tensor.Scalar(3)), grad.Grad(square.Call)(tensor.Scalar(3)))
	// Output: 9.0 6.0
}

func ExamplePrepared_Retrace() {
	rate := 0.5
	step, err := grad.Prepare(func(x *tensor.Tensor) *tensor.Tensor { return x.MulScalar(rate) }, tensor.Scalar(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	rate = 0.25 // of which the program knows nothing
	fmt.Println(step.Call(tensor.Scalar(8)))
	changed, err := step.Retrace()
	fmt.Println(changed, err, step.Call(tensor.Scalar(8)))
	// Output:
	// 4.0
	// true <nil> 2.0
}

func ExampleWithNative() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Sin().Square().Sum() }
	p, err := grad.Prepare(grad.Grad(f), tensor.Zeros(3), grad.WithNative())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	_ = p.Native(context.Background()) // only to wait: until then, and without a compiler, it runs as it is
	fmt.Println(p.Call(tensor.New([]float64{0, 1, 2})))
	// Output:
	// [ 0.          0.90929743 -0.7568025 ]
}

func ExampleMemoryBudget() {
	deep := func(x *tensor.Tensor) *tensor.Tensor {
		for range 50 {
			x = x.CumSum(0).Sin()
		}
		return x.Sum()
	}
	x := tensor.Full(0.01, []int{1000})
	free, err := grad.Prepare(grad.Grad(deep), x)
	if err != nil {
		fmt.Println(err)
		return
	}
	tight, err := grad.Prepare(grad.Grad(deep), x, grad.MemoryBudget(100_000))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(free.Stats().ArenaBytes > 400_000, tight.Stats().ArenaBytes <= 100_000)
	fmt.Println(tight.Call(x).Sub(free.Call(x)).Abs().Max())
	_, err = grad.Prepare(grad.Grad(deep), x, grad.MemoryBudget(10_000))
	if tooLittle := new(graph.BudgetError); errors.As(err, &tooLittle) {
		fmt.Println(tooLittle)
	}
	// Output:
	// true true
	// 0.0
	// graph: no plan was found that needs 10000 bytes or less; the smallest needs 24576
}

func ExamplePrepared_RunInto() {
	gradient, err := grad.Prepare(grad.Grad(func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Sum() }), tensor.Zeros(3))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gradient.Close()
	g := tensor.Zeros(3)
	for _, at := range [][]float64{{1, 2, 3}, {4, 5, 6}} {
		if err := gradient.RunInto(context.Background(), g, tensor.New(at)); err != nil { // allocates nothing
			fmt.Println(err)
			return
		}
		fmt.Println(g)
	}
	// Output:
	// [2. 4. 6.]
	// [ 8. 10. 12.]
}

func ExamplePrepared_WriteC() {
	program, err := grad.Prepare(func(x *tensor.Tensor) *tensor.Tensor { return x.Square().Sum() }, tensor.Zeros(3))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer program.Close()
	var source strings.Builder
	if err := program.WriteC(&source, "energy"); err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(source.String()) {
		if strings.Contains(line, "energy(") {
			fmt.Print(line)
		}
	}
	// Output:
	// int energy(const double *a0, double *r0, void *memory);
	// int energy(const double *a0, double *r0, void *memory) {
}

func ExampleReassociate() {
	a := tensor.Full(0.5, []int{100, 100})
	f := func(p [2]*tensor.Tensor) *tensor.Tensor { return p[0].MatMul(p[0]).MatMul(p[1]) }
	v := tensor.Ones(100)
	for _, opts := range [][]grad.Option{nil, {grad.Reassociate()}} {
		p, err := grad.Prepare(f, [2]*tensor.Tensor{a, v}, opts...)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.Explain().Cost.Products, "operations:", p.Call([2]*tensor.Tensor{a, v}).Index(tensor.At(0)))
	}
	// Output:
	// 2020000 operations: 2500.0
	// 40000 operations: 2500.0
}

// Of a step of a Runge-Kutta method the sweep reads the derivative by the state.
func ExampleReassociate_loop() {
	const h = 0.01
	slope := func(y *tensor.Tensor) *tensor.Tensor { return y.Mul(y.Neg().AddScalar(1)) }
	f := grad.Grad(func(y *tensor.Tensor) *tensor.Tensor {
		y, _ = grad.Scan(func(y *tensor.Tensor, _ struct{}) (*tensor.Tensor, struct{}) {
			k1 := slope(y)
			k2 := slope(y.Add(k1.MulScalar(h / 2)))
			k3 := slope(y.Add(k2.MulScalar(h / 2)))
			k4 := slope(y.Add(k3.MulScalar(h)))
			return y.Add(k1.Add(k2.MulScalar(2)).Add(k3.MulScalar(2)).Add(k4).MulScalar(h / 6)), struct{}{}
		}, y, struct{}{}, grad.Length(100))
		return y.Sum()
	})
	y := tensor.Full(0.25, []int{1024})
	for _, opts := range [][]grad.Option{nil, {grad.Reassociate()}} {
		p, err := grad.Prepare(f, y, opts...)
		if err != nil {
			fmt.Println(err)
			return
		}
		e := p.Explain()
		fmt.Println(e.Preaccumulated.Values, "derivatives of a step kept,", e.Peak>>10, "KiB in all")
	}
	// Output:
	// 0 derivatives of a step kept, 6416 KiB in all
	// 1 derivatives of a step kept, 816 KiB in all
}

// Of a layer of units the sweep reads what the slopes are made of, or the slopes.
func ExampleReassociate_sweep() {
	w := tensor.Full(0.1, []int{64, 64})
	f := grad.Grad(func(x *tensor.Tensor) *tensor.Tensor {
		for range 2 {
			x = x.MatMul(w)
			x = x.Mul(x.Softplus().Tanh())
		}
		return x.Sum()
	})
	x := tensor.Ones(256, 64)
	for _, opts := range [][]grad.Option{nil, {grad.Reassociate()}} {
		p, err := grad.Prepare(f, x, opts...)
		if err != nil {
			fmt.Println(err)
			return
		}
		e := p.Explain()
		fmt.Println(e.Preaccumulated.Values, "slopes kept,", e.Peak>>10, "KiB in all")
	}
	// Output:
	// 0 slopes kept, 512 KiB in all
	// 1 slopes kept, 384 KiB in all
}

// What a pass is worth: the same program with and without it.
func ExampleWithout() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Sin().Exp().Add(x.Sin()).Sum() }
	for _, without := range []graph.Passes{0, graph.Fusion, graph.Fusion | graph.Share, graph.AllPasses} {
		p, err := grad.Prepare(f, tensor.Zeros(1000), grad.Without(without))
		if err != nil {
			fmt.Println(err)
			return
		}
		s := p.Stats()
		fmt.Printf("without [%v]: instructions %d, bytes of memory %d\n", without, s.Instructions, s.ArenaBytes)
		p.Close()
	}
	// Output:
	// without []: instructions 1, bytes of memory 0
	// without [fusion]: instructions 4, bytes of memory 16000
	// without [share,fusion]: instructions 5, bytes of memory 16000
	// without [constants,inline,simplify,share,prune,hoist,fusion,reuse,vector axis]: instructions 5, bytes of memory 32000
}

// What each instruction takes, measured: the graph prints it, also as a picture.
func ExamplePrepared_Profile() {
	w := tensor.Full(0.01, []int{64, 64})
	p, err := grad.Prepare(func(x *tensor.Tensor) *tensor.Tensor { return x.MatMul(w).Tanh() }, tensor.Zeros(64, 64))
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := p.Profile(context.Background(), tensor.Ones(64, 64), 5*time.Millisecond)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, x := range g.Instrs {
		fmt.Println(x.Inst.Name, g.TimeOf(i) > 0)
	}
	// Output:
	// matmul true
	// tanh true
}
