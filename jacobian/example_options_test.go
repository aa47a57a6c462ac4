package jacobian_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// differences are those of the squares of neighbours.
func differences(x *tensor.Tensor) *tensor.Tensor {
	y := x.Square()
	n := y.Dim(0)
	return y.Index(tensor.Range(1, n)).Sub(y.Index(tensor.Range(0, n-1)))
}

func ExamplePrepareContext() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := jacobian.PrepareContext(ctx, differences, tensor.Ones(1000))
	fmt.Println(errors.Is(err, context.Canceled))
	// Output: true
}

func ExamplePrepareHessianContext() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	f := func(x *tensor.Tensor) *tensor.Tensor { return differences(x).Square().Sum() }
	_, err := jacobian.PrepareHessianContext(ctx, f, tensor.Ones(1000))
	fmt.Println(errors.Is(err, context.Canceled))
	// Output: true
}

func ExamplePrepared_Explain() {
	p, err := jacobian.Prepare(differences, tensor.Ones(1000), jacobian.WithMode(jacobian.Forward))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	lines := strings.Split(p.Explain(), "\n")
	fmt.Println(lines[0])
	fmt.Println(strings.Split(lines[1], ",")[0])
	// Output:
	// Jacobian 999 x 1000, 1998 entries: 2 JVPs instead of 1000
	//   colouring: column
}

func ExamplePrepared_Source() {
	p, err := jacobian.Prepare(differences, tensor.Ones(4), jacobian.WithMode(jacobian.Forward))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	for k := range p.Output().Nnz() {
		color, row, _, _ := p.Source(k)
		fmt.Printf("value %d: element %d of product %d\n", k, row, color)
	}
	// Output:
	// value 0: element 0 of product 0
	// value 1: element 0 of product 1
	// value 2: element 1 of product 1
	// value 3: element 1 of product 0
	// value 4: element 2 of product 0
	// value 5: element 2 of product 1
}

func ExampleWithPattern() {
	// One entry more than there are: it comes out as zero.
	q, _ := sparse.NewPattern(2, 3, []int{0, 3, 5}, []int32{0, 1, 2, 1, 2})
	x := tensor.New([]float64{1, 2, 3})
	p, err := jacobian.Prepare(differences, x, jacobian.WithPattern(q))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	values := make([]float64, q.Nnz())
	fmt.Println(p.Run(context.Background(), x, values), values)
	// Output: <nil> [-2 4 0 -4 6]
}

func ExampleAtPoint() {
	f := func(x *tensor.Tensor) *tensor.Tensor {
		return tensor.Where(x.Gt(tensor.Scalar(0)), x.Square(), x.Sum().BroadcastTo(3))
	}
	x := tensor.New([]float64{1, 2, 3})
	everywhere, err := jacobian.Prepare(f, x)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer everywhere.Close()
	here, err := jacobian.Prepare(f, x, jacobian.AtPoint())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer here.Close()
	fmt.Println(everywhere.Pattern().Nnz(), "entries, near the point", here.Pattern().Nnz())
	// Output: 9 entries, near the point 3
}

func ExampleByColumn() {
	x := tensor.New([]float64{1, 2, 3})
	p, err := jacobian.Prepare(differences, x, jacobian.ByColumn())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	values := make([]float64, p.Output().Nnz())
	if err := p.Run(context.Background(), x, values); err != nil {
		fmt.Println(err)
		return
	}
	for j := range p.Output().Rows { // columns of the Jacobian
		at := p.Output().Ptr[j]
		fmt.Println("column", j, "rows", p.Output().Row(j), values[at:p.Output().Ptr[j+1]])
	}
	// Output:
	// column 0 rows [0] [-2]
	// column 1 rows [0 1] [4 -4]
	// column 2 rows [1] [6]
}

func ExampleWithTriangle() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return differences(x).Sum().Square() }
	for _, part := range []sparse.Triangle{sparse.Full, sparse.Lower} {
		p, err := jacobian.PrepareHessian(f, tensor.Ones(4), jacobian.WithTriangle(part))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(part, p.Output().Nnz())
		p.Close()
	}
	// Output:
	// full 16
	// lower 10
}

func ExampleWithRecovery() {
	energy := func(u *tensor.Tensor) *tensor.Tensor { // on a grid of 8 x 8 points
		right := u.Index(tensor.All, tensor.Range(1, 8)).Sub(u.Index(tensor.All, tensor.Range(0, 7)))
		down := u.Index(tensor.Range(1, 8)).Sub(u.Index(tensor.Range(0, 7)))
		return right.Square().Square().Sum().Add(down.Square().Square().Sum())
	}
	for _, r := range []sparse.Recovery{sparse.Direct, sparse.Substitution} {
		p, err := jacobian.PrepareHessian(energy, tensor.Ones(8, 8), jacobian.WithMode(jacobian.Forward), jacobian.WithRecovery(r))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.Coloring().Problem, p.Coloring().Colors())
		p.Close()
	}
	// Output:
	// star 5
	// acyclic 3
}

func ExampleWithColoring() {
	p, err := jacobian.Prepare(differences, tensor.Ones(100), jacobian.WithMode(jacobian.Forward),
		jacobian.WithColoring(sparse.WithOrder(sparse.SmallestLast)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	fmt.Println(p.Coloring().Order, p.Coloring().Colors())
	// Output: smallest-last 2
}

func ExampleWithMemory() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.CumSum(0).Sin() } // 100 colours
	p, err := jacobian.Prepare(f, tensor.Ones(100), jacobian.WithMode(jacobian.Forward), jacobian.WithMemory(40_000))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	for _, line := range strings.Split(p.Explain(), "\n") {
		if sweep, _, ok := strings.Cut(line, ","); ok && strings.Contains(sweep, "sweep") {
			fmt.Println(sweep)
		}
	}
	// Output:   forward sweep: 4 chunks of 25 colours
}

func ExampleWithGrad() {
	// Machine code, where the machine has a C compiler; the values are the same.
	x := tensor.New([]float64{1, 2, 3})
	p, err := jacobian.Prepare(differences, x, jacobian.WithGrad(grad.WithNative()))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	_ = p.Native(context.Background()) // waits for it; its error says why there is none
	values := make([]float64, p.Output().Nnz())
	fmt.Println(p.Run(context.Background(), x, values), values)
	// Output: <nil> [-2 4 -4 6]
}
