package sparse_test

import (
	"bytes"
	"fmt"
	"log"
	"strings"

	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/gallery"
)

// A tridiagonal Jacobian of any size takes three products.
func Example() {
	p := gallery.Banded(6, 1, nil, nil)
	c, err := sparse.Color(p, sparse.Columns)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Colors(), "products, at least", c.Bound)
	fmt.Println("columns' colours:", c.ColColor)

	plan, err := sparse.NewPlan(p, c, sparse.PlanOptions{})
	if err != nil {
		log.Fatal(err)
	}
	// What automatic differentiation would give: here the products of a known matrix.
	a := sparse.NewCSR[float64](p)
	for k := range a.Val {
		a.Val[k] = float64(k + 1)
	}
	products := make([]float64, plan.ColProducts())
	if err := sparse.Compress(plan, a.Val, products, nil); err != nil {
		log.Fatal(err)
	}
	values := make([]float64, p.Nnz())
	if err := sparse.Recover(plan, values, products, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(values)
	// Output:
	// 3 products, at least 3
	// columns' colours: [0 1 2 0 1 2]
	// [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16]
}

// On a grid, a linear function of the cell's index colours the Hessian of a
// 5-point stencil with three colours, where greedy methods take four.
func ExampleColor() {
	p := gallery.Laplacian(false, 100, 100)
	for _, problem := range []sparse.Problem{sparse.Columns, sparse.Acyclic} {
		c, err := sparse.Color(p, problem)
		if err != nil {
			log.Fatal(err)
		}
		greedy, err := sparse.Color(p, problem, sparse.WithOrder(sparse.Natural))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v: %d colours by %v; greedy %d\n", problem, c.Colors(), c.Lattice, greedy.Colors())
	}
	// Output:
	// column: 5 colours by (i + 2j) mod 5 on 100 x 100; greedy 7
	// acyclic: 3 colours by (i + j) mod 3 on 100 x 100; greedy 4
}

// A dense row and a dense column need as many one-sided products as there are
// columns, but three of both kinds.
func ExampleColor_bidirectional() {
	p := gallery.Arrow(1000)
	for _, problem := range []sparse.Problem{sparse.Columns, sparse.Rows, sparse.StarBicoloring} {
		c, err := sparse.Color(p, problem)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v: %d from the right, %d from the left\n", problem, c.ColColors, c.RowColors)
	}
	// Output:
	// column: 1000 from the right, 0 from the left
	// row: 0 from the right, 1000 from the left
	// star bicolouring: 1 from the right, 2 from the left
}

func ExampleVerify() {
	p := gallery.Laplacian(false, 3, 3)
	c, err := sparse.Color(p, sparse.Star)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sparse.Verify(p, c))
	c.ColColor[4] = c.ColColor[5]
	fmt.Println(sparse.Verify(p, c))
	// Output:
	// <nil>
	// sparse: not a star colouring: entry (4, 5): its row and column both have colour 0
}

func ExamplePattern_Text() {
	fmt.Print(gallery.Laplacian(false, 4, 4).Text(16))
	// Output:
	// ⠻⣦⠑⢄⠀⠀⠀⠀
	// ⠑⢄⠻⣦⠑⢄⠀⠀
	// ⠀⠀⠑⢄⠻⣦⠑⢄
	// ⠀⠀⠀⠀⠑⢄⠻⣦
}

func ExampleReadMatrixMarket() {
	const file = `%%MatrixMarket matrix coordinate real symmetric
% the lower triangle
3 3 4
1 1 2.5
2 1 -1
2 2 2.5
3 3 1
`
	m, err := sparse.ReadMatrixMarket(strings.NewReader(file), sparse.Limits{})
	if err != nil {
		log.Fatal(err)
	}
	a, err := m.CSR()
	if err != nil {
		log.Fatal(err)
	}
	y := make([]float64, 3)
	if err := a.MulVec(y, []float64{1, 1, 1}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Nnz(), "entries,", y)

	_, err = sparse.ReadMatrixMarket(strings.NewReader(strings.Replace(file, "2 1 -1", "9 1 -1", 1)), sparse.Limits{})
	fmt.Println(err)
	// Output:
	// 5 entries, [1.5 1.5 1]
	// sparse: MatrixMarket line 5: row "9" of 3
}

// Plans are prepared once and kept as bytes.
func ExamplePlan_MarshalBinary() {
	p := gallery.Brusselator(24, false)
	c, err := sparse.Color(p, sparse.Columns)
	if err != nil {
		log.Fatal(err)
	}
	plan, err := sparse.NewPlan(p, c, sparse.PlanOptions{Layout: sparse.Stacked})
	if err != nil {
		log.Fatal(err)
	}
	b, err := plan.MarshalBinary()
	if err != nil {
		log.Fatal(err)
	}
	var again sparse.Plan
	if err := again.UnmarshalBinary(b); err != nil {
		log.Fatal(err)
	}
	fmt.Println(again.Coloring().Colors(), "colours for", again.Output().Nnz(), "values")
	// Output:
	// 6 colours for 6912 values
}

func ExamplePattern_WriteSVG() {
	var b bytes.Buffer
	p := gallery.Arrow(2)
	if err := p.WriteSVG(&b, 100, nil); err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.SplitN(b.String(), "\n", 3)[1])
	// Output:
	// <title>2 x 2, 4 entries</title>
}

// A matrix put together from element matrices: entries at one place add up.
func ExampleCOO() {
	m := sparse.COO[float64]{Rows: 3, Cols: 3}
	for i := range 2 { // springs between neighbours
		m.Append(i, i, 1)
		m.Append(i, i+1, -1)
		m.Append(i+1, i, -1)
		m.Append(i+1, i+1, 1)
	}
	a, err := m.CSR()
	if err != nil {
		log.Fatal(err)
	}
	force := make([]float64, 3)
	if err := a.MulVec(force, []float64{0, 1, 3}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.At(1, 1), force)
	var file bytes.Buffer
	if err := sparse.WriteMatrixMarket(&file, a, sparse.FieldReal, sparse.SymmetrySymmetric); err != nil {
		log.Fatal(err)
	}
	fmt.Print(file.String())
	// Output:
	// 2 [-1 -1 2]
	// %%MatrixMarket matrix coordinate real symmetric
	// 3 3 5
	// 1 1 1
	// 2 1 -1
	// 2 2 2
	// 3 2 -1
	// 3 3 1
}

// The directions whose Jacobian products hold all entries: one a colour.
func ExampleSeed() {
	c, err := sparse.Color(gallery.Banded(5, 1, nil, nil), sparse.Columns)
	if err != nil {
		log.Fatal(err)
	}
	n := len(c.ColColor)
	seeds := make([]float64, n*c.Colors())
	if err := sparse.Seed(seeds, c.ColColor, c.Colors(), sparse.Stacked); err != nil {
		log.Fatal(err)
	}
	for k := range c.Colors() {
		fmt.Println(seeds[k*n : (k+1)*n])
	}
	// Output:
	// [1 0 0 1 0]
	// [0 1 0 0 1]
	// [0 0 1 0 0]
}

// A symmetric matrix is written as its lower triangle.
func ExampleWriteMatrixMarket() {
	m := sparse.COO[float64]{Rows: 2, Cols: 2}
	m.Append(0, 0, 2)
	m.Append(0, 1, -1)
	m.Append(1, 0, -1)
	m.Append(1, 1, 0.5)
	a, err := m.CSR()
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := sparse.WriteMatrixMarket(&file, a, sparse.FieldReal, sparse.SymmetrySymmetric); err != nil {
		log.Fatal(err)
	}
	fmt.Print(file.String())
	// Output:
	// %%MatrixMarket matrix coordinate real symmetric
	// 2 2 3
	// 1 1 2
	// 2 1 -1
	// 2 2 0.5
}
