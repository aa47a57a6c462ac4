package direct_test

import (
	"context"
	"fmt"

	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/sparse/direct"
)

// Adjoint equations: the derivative of c·x by b, where A x = b, solves Aᵀ y = c.
func ExampleFactor_SolveT() {
	p, err := sparse.NewPattern(2, 2, []int{0, 2, 3}, []int32{0, 1, 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := direct.Analyze(p, direct.General)
	if err != nil {
		fmt.Println(err)
		return
	}
	f := s.NewFactor()
	if err := f.Factor(context.Background(), []float64{2, 1, 4}); err != nil { // [2 1; 0 4]
		fmt.Println(err)
		return
	}
	y := []float64{1, 0}
	err = f.SolveT(y, y)
	fmt.Println(y, err)
	// Output: [0.5 -0.125] <nil>
}

// The second difference with fixed ends: -x[i-1] + 2 x[i] - x[i+1] = 1.
func Example() {
	p, err := sparse.NewPattern(3, 3, []int{0, 2, 5, 7}, []int32{0, 1, 0, 1, 2, 1, 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := direct.Analyze(p, direct.Symmetric)
	if err != nil {
		fmt.Println(err)
		return
	}
	f := s.NewFactor()
	if err := f.Factor(context.Background(), []float64{2, -1, -1, 2, -1, -1, 2}); err != nil {
		fmt.Println(err)
		return
	}
	x := []float64{1, 1, 1}
	if err := f.Solve(x, x); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f\n", x)
	// Output:
	// [1.500 2.000 1.500]
}
