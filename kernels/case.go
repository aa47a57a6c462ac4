// Test cases that an op declares beside its definition; kernels/spec runs them on every backend.

package kernels

// Case is one sample of an op: operands made from the given shapes and values.
type Case struct {
	Name   string
	Attr   any
	In     []Sample
	Want   []float64 // the elements of the first result, row-major, known from elsewhere than this library
	Shape  []int     // the first result's shape; nil: not checked
	Tol    float64   // relative tolerance in float64 against ref, 0 for the default; float32's is scaled from it
	Kink   bool      // at a point where differences do not converge: Slopes, if any, holds the right derivatives instead
	Slopes []float64 // for a Kink: d(sum of results)/d(each element of the first operand, of the second, ...), by the op's convention
	Only64 bool      // its numbers are beyond float32
	Bad    string    // not empty: Infer or the run must fail, with an error that mentions this text
}

// Sample describes one operand of a case: given values, or random ones.
type Sample struct {
	Shape  []int
	DType  string    // "" means the float type under test; else "int64", "bool", ...
	Values []float64 // given values, row-major; nil: random in [Lo, Hi] (default [-2, 2]) away from kinks
	Lo, Hi float64
	Fixed  bool // not differentiated (an order of a polygamma, say); of integers, that other numbers will not do
}
