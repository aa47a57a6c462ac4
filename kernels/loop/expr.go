// The expression of a loop: axes, operands, scalar nodes, loads and stores.

package loop

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/device"
)

// Aval is what is known of a value before it is computed: the type of its
// elements and its shape. Shapes are never modified once they are in an Aval.
type Aval struct {
	DType device.DType
	Shape []int
}

// Size returns the number of elements.
func (a Aval) Size() int {
	n := 1
	for _, d := range a.Shape {
		n *= d
	}
	return n
}

// Along returns an axis (which may be given as counted from the end) counted from the
// beginning, its size, and the elements of a dense array from one of its indices to the
// next. The axis must be one of a's.
func (a Aval) Along(axis int) (at, n, step int) {
	if axis < 0 {
		axis += len(a.Shape)
	}
	step = 1
	for _, d := range a.Shape[axis+1:] {
		step *= d
	}
	return axis, a.Shape[axis], step
}

// RowMajor returns the strides, in elements, of a dense array.
func RowMajor(shape []int) []int {
	strides, n := make([]int, len(shape)), 1
	for d := len(shape) - 1; d >= 0; d-- {
		strides[d] = n
		n *= shape[d]
	}
	return strides
}

// String returns the type as in float64[2 3].
func (a Aval) String() string { return fmt.Sprintf("%v%v", a.DType, a.Shape) }

// Axis is one loop variable, running from 0 to Size-1.
type Axis struct {
	Name string
	Size int
}

// Term is Coef times the value of axis Axis.
type Term struct{ Axis, Coef int }

// Lin is the index along one dimension of an operand: Const + Σ Terms, or, when
// Via is not None, the value of an integer node (a gather; negative values
// count from the end, values out of range are an error of the run).
type Lin struct {
	Const int
	Terms []Term // distinct axes, ascending, no zero coefficient
	Via   Node
}

// At is the index that is axis a itself.
func At(a int) Lin { return Lin{Terms: []Term{{a, 1}}, Via: None} }

// Fixed is a constant index.
func Fixed(c int) Lin { return Lin{Const: c, Via: None} }

// Through is the index given by an integer node.
func Through(n Node) Lin { return Lin{Via: n} }

// Load reads operand In at Index, one Lin for each of its dimensions. A guarded
// load yields zero where an index is out of range; for another, staying in
// range is the declaration's promise.
type Load struct {
	In      int
	Index   []Lin
	Guarded bool
}

// Combiner says how the values along reduced axes become one.
type Combiner uint8

// The combiners. The order of combination is fixed (see kernels), so that
// results do not depend on the number of workers.
const (
	NoReduce Combiner = iota
	Sum
	Prod
	Max // NaN wins
	Min // NaN wins
	LSE // log of the sum of exponentials, shifted by the maximum
)

// Store writes Value to result number i at Index. Axes that Index does not
// mention are reduced by Reduce. Where Index is the plain list of the first
// axes in order, every element is written once. A Scatter store (an index that
// is gathered, or that is not one-to-one) adds to a result that starts at zero,
// in the order of the loop, and its Reduce is Sum; a Partial one (strided or
// diagonal, one-to-one in the axes of its index) leaves zeros where it does not
// write.
type Store struct {
	Value   Node
	Index   []Lin
	Reduce  Combiner
	Partial bool
	Scatter bool
	Aval    Aval
}

// Node is a scalar value in an Expr, by index. Equal nodes are the same node.
type Node int32

// None is the absence of a node: a symbolic zero in derivatives.
const None Node = -1

// Inst is one node: a function of other nodes, a constant, a load, or the value of an axis.
type Inst struct {
	Fn    Fn
	DType device.DType
	Arg   [3]Node // None where unused
	K     int64   // Load: index into Loads; Iota: axis; Polygamma: order; integer and bool Const: value
	V     float64 // floating-point Const: value
}

// Expr is a loop over all Axes, outermost first, evaluating Nodes in order and
// performing Outs.
type Expr struct {
	Axes  []Axis
	Ins   []Aval
	Nodes []Inst
	Loads []Load
	Outs  []Store

	// Contraction marks sums of products of loads that are matrix products in
	// spirit: products with cotangents in their derivatives are ordinary ones
	// (no strong zero), so that derivatives are contractions again.
	Contraction bool

	// Fused marks a loop that stands for several (see Fusion) and must give what
	// they give, bit for bit: functions stay as they are, and a sum of products is
	// added up in the order of the loop, as its parts would be.
	Fused bool

	table []Node // where equal nodes are found, see table.go
}

// New returns an expression over the axes with the given operands and no nodes.
func New(axes []Axis, ins []Aval) *Expr { return &Expr{Axes: axes, Ins: ins} }
