// Products of vectors, matrices and tensors: contractions.

package kernels

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Matmul multiplies matrices.
var Matmul = Register(Op{
	Name: "matmul", NumPy: "matmul", Torch: "matmul",
	Doc: "The product of matrices, by NumPy's rules: leading dimensions broadcast, a vector is a row on the left and a column on the " +
		"right, and its dimension goes away. Refuses scalars, bools alone and inner sizes that differ.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		if err := noAttr("matmul", attr); err != nil {
			return nil, err
		}
		c, err := matmul(in)
		if err != nil {
			return nil, err
		}
		return one(promote(in), c.shape()), nil
	},
	Loop: func(_ any, in []Aval) *loop.Expr {
		c, _ := matmul(in)
		return c.loop(in)
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", In: []Sample{values(1, 2, 3, 4).shaped(2, 2), values(5, 6, 7, 8).shaped(2, 2)}, Want: []float64{19, 22, 43, 50}, Shape: []int{2, 2}},
			{Name: "matrices", In: []Sample{random(2, 3), random(3, 4)}, Shape: []int{2, 4}},
			{Name: "vectors", In: []Sample{values(1, 2, 3), values(4, 5, 6)}, Want: []float64{32}, Shape: []int{}},
			{Name: "vector and matrix", In: []Sample{random(3), random(3, 2)}, Shape: []int{2}},
			{Name: "matrix and vector", In: []Sample{random(2, 3), random(3)}, Shape: []int{2}},
			{Name: "batch", In: []Sample{random(2, 2, 3), random(2, 3, 1)}, Shape: []int{2, 2, 1}},
			{Name: "broadcast batch", In: []Sample{random(2, 1, 2, 3), random(3, 3, 2)}, Shape: []int{2, 3, 2, 2}},
			{Name: "vector and batch", In: []Sample{random(3), random(2, 3, 2)}, Shape: []int{2, 2}},
			{Name: "batch and vector", In: []Sample{random(2, 2, 3), random(3)}, Shape: []int{2, 2}},
			{Name: "larger", In: []Sample{random(9, 17), random(17, 5)}},
			{Name: "large", In: []Sample{random(33, 41), random(41, 19)}, Tol: 1e-13},
			{Name: "large batch", In: []Sample{random(3, 17, 15), random(3, 15, 18)}, Tol: 1e-13},
			{Name: "large vector", In: []Sample{random(37, 43), random(43)}, Tol: 1e-13},
			{Name: "integers", In: []Sample{ints(1, 2), ints(3, 4)}, Want: []float64{11}},
			{Name: "promoted", In: []Sample{random(2, 2), ints(3, 4)}},
			{Name: "empty", In: []Sample{random(0, 2), random(2, 3)}, Shape: []int{0, 3}},
			{Name: "empty inside", In: []Sample{random(2, 0), random(0, 3)}, Want: []float64{0, 0, 0, 0, 0, 0}},
			{Name: "inner sizes", In: []Sample{random(2, 3), random(2, 3)}, Bad: "inner sizes 3 and 2 differ (shapes [2 3], [2 3])"},
			{Name: "batches", In: []Sample{random(2, 2, 2), random(3, 2, 2)}, Bad: "do not broadcast"},
			{Name: "scalar", In: []Sample{random(), random(2)}, Bad: "scalar"},
			{Name: "bools", In: []Sample{bools(1, 0), bools(1, 0)}, Bad: "not bools"},
			{Name: "one operand", In: []Sample{random(2, 2)}, Bad: "takes 2"},
			{Name: "huge", In: []Sample{random(1<<40, 0), random(0, 1<<40)}, Bad: "too large"},
		}
	},
})

// contraction is a sum of products of operands: every dimension of an operand,
// and of the result, has a label.
type contraction struct {
	in   [][]int // labels of each operand's dimensions
	out  []int   // labels of the result's
	size []int   // of each label; an operand's own size is this or 1
}

func (c contraction) shape() []int {
	shape := make([]int, len(c.out))
	for d, l := range c.out {
		shape[d] = c.size[l]
	}
	return shape
}

// loop returns the expression: the axes of the result, then the other labels in
// the order of the operands.
func (c contraction) loop(in []Aval) *loop.Expr {
	order := slices.Clone(c.out)
	for _, labels := range c.in {
		for _, l := range labels {
			if !slices.Contains(order, l) {
				order = append(order, l)
			}
		}
	}
	axes := make([]int, len(order))
	for a, l := range order {
		axes[a] = c.size[l]
	}
	e := loop.New(loop.Axes(axes), in)
	e.Contraction = true
	dt := promote(in)
	value := loop.None
	for i, labels := range c.in {
		index := make([]loop.Lin, len(labels))
		for d, l := range labels {
			if index[d] = loop.At(slices.Index(order, l)); in[i].Shape[d] != c.size[l] {
				index[d] = loop.Fixed(0)
			}
		}
		if x := e.Cast(dt, e.Load(i, index...)); value == loop.None {
			value = x
		} else {
			value = e.Binary(loop.Mul, value, x)
		}
	}
	reduce := loop.NoReduce
	if len(order) > len(c.out) {
		reduce = loop.Sum
	}
	e.Store(loop.Store{Value: value, Index: loop.Ats(len(c.out)), Reduce: reduce, Aval: Aval{DType: dt, Shape: c.shape()}})
	return e
}

// label gives the next dimension of an operand a label, and reports whether its
// size fits.
func (c *contraction) label(operand, label, size int) bool {
	for len(c.size) <= label {
		c.size = append(c.size, 1)
	}
	c.in[operand] = append(c.in[operand], label)
	if c.size[label] == 1 {
		c.size[label] = size
	}
	return size == 1 || size == c.size[label]
}

// matmul labels the operands of a product of matrices: the batch's dimensions
// from 0, then rows, columns and the inner dimension.
func matmul(in []Aval) (contraction, error) {
	c := contraction{in: make([][]int, 2)}
	if err := operands("matmul", in, 2); err != nil {
		return c, err
	}
	if err := numericOperands("matmul", in); err != nil {
		return c, err
	}
	a, b := in[0].Shape, in[1].Shape
	if len(a) == 0 || len(b) == 0 {
		return c, shapeErr("matmul", in, "takes no scalar")
	}
	inner := b[max(len(b)-2, 0)]
	if n := a[len(a)-1]; n != inner {
		return c, shapeErr("matmul", in, "inner sizes %d and %d differ", n, inner)
	}
	batch := max(len(a), len(b), 2) - 2
	row, column, sum := batch, batch+1, batch+2
	for i, shape := range [][]int{a, b} {
		lead := max(len(shape)-2, 0)
		for d, n := range shape[:lead] {
			if !c.label(i, batch-lead+d, n) {
				return c, shapeErr("matmul", in, "leading dimensions do not broadcast")
			}
		}
	}
	c.out = upTo(batch)
	if len(a) > 1 {
		c.label(0, row, a[len(a)-2])
		c.out = append(c.out, row)
	}
	c.label(0, sum, inner)
	c.label(1, sum, inner)
	if len(b) > 1 {
		c.label(1, column, b[len(b)-1])
		c.out = append(c.out, column)
	}
	return c, nil
}

// Dot multiplies vectors.
var Dot = Register(Op{
	Name: "dot", NumPy: "dot (of vectors)", Torch: "dot",
	Doc: "The inner product of two vectors. Refuses other ranks, sizes that differ and bools alone.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		if err := vectors("dot", in, attr); err != nil {
			return nil, err
		}
		if in[0].Shape[0] != in[1].Shape[0] {
			return nil, shapeErr("dot", in, "sizes differ")
		}
		return one(promote(in), []int{}), nil
	},
	Loop: func(_ any, in []Aval) *loop.Expr {
		return contraction{in: [][]int{{0}, {0}}, size: in[0].Shape}.loop(in)
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", In: []Sample{values(1, 2, 3), values(4, 5, 6)}, Want: []float64{32}, Shape: []int{}},
			{Name: "random", In: []Sample{random(7), random(7)}},
			{Name: "large", In: []Sample{random(1111), random(1111)}, Tol: 1e-13},
			{Name: "size 1", In: []Sample{random(1), random(1)}},
			{Name: "integers", In: []Sample{ints(1, 2), ints(3, 4)}, Want: []float64{11}},
			{Name: "empty", In: []Sample{random(0), random(0)}, Want: []float64{0}},
			{Name: "sizes", In: []Sample{random(2), random(3)}, Bad: "sizes differ (shapes [2], [3])"},
			{Name: "matrix", In: []Sample{random(2, 2), random(2)}, Bad: "vectors"},
			{Name: "bools", In: []Sample{bools(1), bools(1)}, Bad: "not bools"},
		}
	},
})

// Outer multiplies every element by every other.
var Outer = Register(Op{
	Name: "outer", NumPy: "outer (of vectors)", Torch: "outer",
	Doc: "The matrix of products of the elements of two vectors. Refuses other ranks and bools alone.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		if err := vectors("outer", in, attr); err != nil {
			return nil, err
		}
		return one(promote(in), []int{in[0].Shape[0], in[1].Shape[0]}), nil
	},
	Loop: func(_ any, in []Aval) *loop.Expr {
		return contraction{in: [][]int{{0}, {1}}, out: []int{0, 1}, size: []int{in[0].Shape[0], in[1].Shape[0]}}.loop(in)
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", In: []Sample{values(1, 2), values(3, 4, 5)}, Want: []float64{3, 4, 5, 6, 8, 10}, Shape: []int{2, 3}},
			{Name: "random", In: []Sample{random(3), random(2)}},
			{Name: "size 1", In: []Sample{random(1), random(1)}},
			{Name: "empty", In: []Sample{random(0), random(2)}, Shape: []int{0, 2}},
			{Name: "matrix", In: []Sample{random(2), random(2, 2)}, Bad: "vectors (shapes [2], [2 2])"},
			{Name: "bools", In: []Sample{bools(1), bools(1)}, Bad: "not bools"},
		}
	},
})

// vectors checks that the operands are two vectors of numbers.
func vectors(op string, in []Aval, attr any) error {
	if err := noAttr(op, attr); err != nil {
		return err
	}
	if err := operands(op, in, 2); err != nil {
		return err
	}
	if len(in[0].Shape) != 1 || len(in[1].Shape) != 1 {
		return shapeErr(op, in, "takes vectors")
	}
	return numericOperands(op, in)
}
