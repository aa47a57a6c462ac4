// Products with sparse matrices: sums over the entries of each row, and their
// derivatives by the values of the entries.
//
// A structure is six vectors of integers, so that a product with the matrix, one
// with its transpose, and what is sampled at its entries are each read in order and
// written once: nothing is scattered, at whatever order of derivative.

package kernels

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Transposed tells SparseMatmul to multiply by the transposed matrix.
type Transposed bool

// The operands of a structure, behind the two that are multiplied. Entries are in
// rows' order, unless by columns.
const (
	rowStart  = 2 + iota // [rows+1]: where each row's entries begin, and the last one's end
	entryCol             // [entries]: the column of each
	entryRow             // [entries]: the row of each
	colStart             // [columns+1]: where each column's entries begin, by columns
	byColRow             // [entries]: the row of each, by columns
	byColumns            // [entries]: which entry each is, by columns
	sparseOperands
)

// structureDoc tells what SparseMatmul and SampledMatmul take behind their first two operands.
const structureDoc = "The structure is six vectors of integers of one type: where each row's entries begin and the last one's end, the column " +
	"and the row of each entry; where each column's begin, and by columns the row of each entry and its place among all. They must tell of one matrix. "

// SparseMatmul multiplies a sparse matrix and a dense one.
var SparseMatmul = Register(Op{
	Name: "sparse_matmul", NumPy: "- (scipy.sparse: A @ x)", Torch: "sparse.mm", Kind: Library,
	Doc: "The product of a sparse matrix, whose entries have the values of the first operand, or of its transpose, with the dense matrix " +
		"of the second; leading dimensions of the two broadcast. " + structureDoc + "Entries at one place add up. Each sum is in the order " +
		"of the entries, in the type of the values. A row whose end is before its beginning is empty. Refuses types that differ or are no floats, sizes that " +
		"do not fit and, when it runs, places out of range.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		s, err := sparseOf("sparse_matmul", in, attr)
		if err != nil {
			return nil, err
		}
		if s.values != s.entries {
			return nil, shapeErr("sparse_matmul", in[:2], "%d values for %d entries", s.values, s.entries)
		}
		if s.right != s.cols {
			return nil, shapeErr("sparse_matmul", in[:2], "a matrix of %d columns times one of %d rows", s.cols, s.right)
		}
		return one(in[0].DType, append(s.lead, s.rows, s.width)), nil
	},
	JVP:       bilinear,
	Saves:     savesFactors,
	Structure: func(inst *Inst) Structure { return Structure{Loops: []*loop.Expr{entryLoop(inst)}} },
	Batch:     batchSparse,
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: Transposed(false), In: sparseCase(values(2, 3, 5), values(10, 20, 30).shaped(3, 1), 3, 3, 0, 1, 0, 2, 2, 0),
				Want: []float64{130, 0, 50}, Shape: []int{3, 1}},
			{Name: "transposed", Attr: Transposed(true), In: sparseCase(values(2, 3, 5), values(10, 1, 20, 2, 30, 3).shaped(3, 2), 3, 3, 0, 1, 0, 2, 2, 0),
				Want: []float64{150, 15, 20, 2, 30, 3}, Shape: []int{3, 2}},
			{Name: "wide", Attr: Transposed(false), In: sparseCase(random(7), random(5, 3), 2, 5, 0, 4, 0, 0, 0, 2, 1, 1, 1, 3, 1, 0, 1, 4), Shape: []int{2, 3}},
			{Name: "tall", Attr: Transposed(false), In: sparseCase(random(4), random(2, 9), 5, 2, 0, 1, 3, 0, 3, 1, 4, 1), Shape: []int{5, 9}},
			{Name: "wide transposed", Attr: Transposed(true), In: sparseCase(random(4), random(2, 2), 2, 4, 0, 3, 0, 0, 1, 2, 1, 3), Shape: []int{4, 2}},
			{Name: "one place twice", Attr: Transposed(false), In: sparseCase(values(2, 3, 4), values(10, 100).shaped(2, 1), 1, 2, 0, 1, 0, 0, 0, 1), Want: []float64{630}},
			{Name: "one place twice transposed", Attr: Transposed(true), In: sparseCase(values(2, 3, 4), values(10).shaped(1, 1), 1, 2, 0, 1, 0, 0, 0, 1), Want: []float64{30, 60}},
			{Name: "batch", Attr: Transposed(false), In: sparseCase(random(2, 3), random(2, 3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Shape: []int{2, 3, 2}},
			{Name: "batch of values", Attr: Transposed(true), In: sparseCase(random(2, 3), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Shape: []int{2, 3, 2}},
			{Name: "broadcast", Attr: Transposed(false), In: sparseCase(random(2, 1, 3), random(3, 3, 1), 3, 3, 0, 1, 0, 2, 2, 0), Shape: []int{2, 3, 3, 1}},
			{Name: "large", Attr: Transposed(false), In: largeSparse(17), Tol: 1e-13},
			{Name: "large vector", Attr: Transposed(true), In: largeSparse(1), Tol: 1e-13},
			{Name: "int32", Attr: Transposed(false), In: inInt32(sparseCase(random(3), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0))},
			{Name: "no entries", Attr: Transposed(false), In: sparseCase(random(0), random(3, 2), 2, 3), Want: []float64{0, 0, 0, 0}},
			{Name: "no rows", Attr: Transposed(false), In: sparseCase(random(0), random(3, 2), 0, 3), Shape: []int{0, 2}},
			{Name: "no columns", Attr: Transposed(true), In: sparseCase(random(0), random(3, 2), 3, 0), Shape: []int{0, 2}},
			{Name: "no width", Attr: Transposed(false), In: sparseCase(random(3), random(3, 0), 3, 3, 0, 1, 0, 2, 2, 0), Shape: []int{3, 0}},
			{Name: "column out of range", Attr: Transposed(false), In: spoiled(entryCol, 1, 7), Bad: "index 7 out of range for a dimension of size 3"},
			{Name: "row out of range", Attr: Transposed(true), In: spoiled(byColRow, 1, -4), Bad: "index -4 out of range for a dimension of size 3"},
			{Name: "place out of range", Attr: Transposed(true), In: spoiled(byColumns, 2, 3), Bad: "index 3 out of range for a dimension of size 3"},
			{Name: "beginning out of range", Attr: Transposed(false), In: spoiled(rowStart, 3, 4), Bad: "index 4 out of range for a dimension of size 4"},
			{Name: "beginning below 0", Attr: Transposed(true), In: spoiled(colStart, 0, -1), Bad: "index -1 out of range for a dimension of size 4"},
			{Name: "values", Attr: Transposed(false), In: sparseCase(random(4), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Bad: "4 values for 3 entries"},
			{Name: "columns", Attr: Transposed(false), In: sparseCase(random(3), random(4, 2), 3, 3, 0, 1, 0, 2, 2, 0), Bad: "a matrix of 3 columns times one of 4 rows"},
			{Name: "vector", Attr: Transposed(false), In: sparseCase(random(3), random(3), 3, 3, 0, 1, 0, 2, 2, 0), Bad: "takes a matrix on the right"},
			{Name: "scalar", Attr: Transposed(false), In: sparseCase(random(), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Bad: "takes a vector of values"},
			{Name: "batches", Attr: Transposed(false), In: sparseCase(random(2, 3), random(3, 3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Bad: "do not broadcast"},
			{Name: "integers", Attr: Transposed(false), In: sparseCase(ints(1, 2, 3), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Bad: "floats of one type"},
			{Name: "float index", Attr: Transposed(false), In: append([]Sample{random(3), random(3, 2)}, slices.Repeat([]Sample{random(4)}, 6)...), Bad: "not of integers of one type"},
			{Name: "lengths", Attr: Transposed(false), In: shortened(entryRow), Bad: "lengths"},
			{Name: "no beginning", Attr: Transposed(false), In: emptied(colStart), Bad: "lengths"},
			{Name: "operands", Attr: Transposed(false), In: []Sample{random(3), random(3, 2)}, Bad: "takes 8"},
			{Name: "attribute", In: sparseCase(random(3), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Bad: "attribute"},
		}
	},
})

// SampledMatmul is the product of two dense matrices at the entries of a sparse one.
var SampledMatmul = Register(Op{
	Name: "sampled_matmul", NumPy: "- (sum(a[row] * b[col], -1))", Torch: "- (sparse.sampled_addmm of dense entries)",
	Doc: "For each entry of a sparse matrix the inner product of the first operand's row at the entry's row and the second's at its column: " +
		"the first times the transposed second, where the entries are. Leading dimensions broadcast. " + structureDoc + "It is the derivative of " +
		"SparseMatmul by the values. Refuses types that differ or are no floats, sizes that do not fit and, when it runs, places out of range.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		s, err := sampledOf(in, attr)
		if err != nil {
			return nil, err
		}
		return one(in[0].DType, append(s.lead, s.entries)), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		s, _ := sampledOf(in, attr)
		shape := append(s.lead, s.entries)
		k := len(shape)
		e := loop.New(loop.Axes(append(slices.Clone(shape), s.width)), in)
		e.Contraction = true
		factor := func(operand, through int) loop.Node {
			index := aligned(in[operand].Shape[:len(in[operand].Shape)-2], shape[:k-1])
			return e.Load(operand, append(index, loop.Through(e.Load(through, loop.At(k-1))), loop.At(k))...)
		}
		e.Store(loop.Store{Value: e.Binary(loop.Mul, factor(0, entryRow), factor(1, entryCol)), Index: loop.Ats(k), Reduce: loop.Sum,
			Aval: Aval{DType: in[0].DType, Shape: shape}})
		return e
	},
	JVP:   bilinear,
	Saves: savesFactors,
	Batch: batchSparse,
	Cases: func() []Case {
		return []Case{
			{Name: "value", In: sparseCase(values(1, 2, 3).shaped(3, 1), values(10, 20, 30).shaped(3, 1), 3, 3, 0, 1, 0, 2, 2, 0), Want: []float64{20, 30, 30}, Shape: []int{3}},
			{Name: "products", In: sparseCase(values(1, 2, 3, 4).shaped(2, 2), values(10, 20, 30, 40, 50, 60).shaped(3, 2), 2, 3, 0, 2, 1, 0, 1, 0), Want: []float64{170, 110, 110}},
			{Name: "wide", In: sparseCase(random(2, 3), random(5, 3), 2, 5, 0, 4, 0, 0, 0, 2, 1, 1, 1, 3), Shape: []int{5}},
			{Name: "batch", In: sparseCase(random(2, 3, 2), random(2, 3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Shape: []int{2, 3}},
			{Name: "broadcast", In: sparseCase(random(3, 2), random(2, 1, 3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Shape: []int{2, 1, 3}},
			{Name: "large", In: sampledLarge(), Tol: 1e-13},
			{Name: "int32", In: inInt32(sparseCase(random(3, 2), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0))},
			{Name: "no entries", In: sparseCase(random(2, 2), random(3, 2), 2, 3), Shape: []int{0}},
			{Name: "no width", In: sparseCase(random(3, 0), random(3, 0), 3, 3, 0, 1, 0, 2, 2, 0), Want: []float64{0, 0, 0}},
			{Name: "out of range", In: replaced(sparseCase(random(3, 2), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0), entryCol, 1, 3), Bad: "index 3 out of range for a dimension of size 3"},
			{Name: "rows", In: sparseCase(random(4, 2), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Bad: "of 4 and 3 rows for a matrix of 3 rows and 3 columns"},
			{Name: "width", In: sparseCase(random(3, 2), random(3, 3), 3, 3, 0, 1, 0, 2, 2, 0), Bad: "columns differ"},
			{Name: "attribute", Attr: Transposed(true), In: sparseCase(random(3, 2), random(3, 2), 3, 3, 0, 1, 0, 2, 2, 0), Bad: "no attribute"},
		}
	},
})

// Each of the two is the other's derivative, so that both must be there first.
func init() { SparseMatmul.VJP, SampledMatmul.VJP = sparseVJP, sampledVJP }

func sparseVJP(b Builder, inst *Inst, x, _, g []Val, want Mask) []Val {
	out := make([]Val, len(x))
	if g[0] == nil {
		return out
	}
	t := inst.Attr.(Transposed)
	if want.Has(0) {
		rows, cols := g[0], x[1]
		if t {
			rows, cols = cols, rows
		}
		out[0] = sumTo(b, One(b, SampledMatmul, nil, append([]Val{rows, cols}, x[rowStart:]...)...), inst.In[0].Shape)
	}
	if want.Has(1) {
		out[1] = sumTo(b, One(b, SparseMatmul, !t, append([]Val{x[0], g[0]}, x[rowStart:]...)...), inst.In[1].Shape)
	}
	return out
}

func sampledVJP(b Builder, inst *Inst, x, _, g []Val, want Mask) []Val {
	out := make([]Val, len(x))
	if g[0] == nil {
		return out
	}
	for i := range 2 {
		if want.Has(i) {
			out[i] = sumTo(b, One(b, SparseMatmul, Transposed(i == 1), append([]Val{g[0], x[1-i]}, x[rowStart:]...)...), inst.In[i].Shape)
		}
	}
	return out
}

// sparseSizes are those of the operands of a product.
type sparseSizes struct {
	rows, cols, entries int   // of the matrix, or of its transpose
	values              int   // that there are for the entries
	right, width        int   // of the dense matrix
	lead                []int // what the leading dimensions broadcast to
}

func sparseOf(op string, in []Aval, attr any) (s sparseSizes, err error) {
	t, err := operandsAttr[Transposed](op, in, sparseOperands, attr)
	if err != nil {
		return s, err
	}
	a, x := in[0].Shape, in[1].Shape
	if len(x) < 2 {
		return s, shapeErr(op, in[:2], "takes a matrix on the right: of a vector, one of one column")
	}
	if len(a) < 1 {
		return s, shapeErr(op, in[:2], "takes a vector of values")
	}
	s.values, s.right, s.width = a[len(a)-1], x[len(x)-2], x[len(x)-1]
	err = s.structure(op, in, a[:len(a)-1], x[:len(x)-2])
	if t {
		s.rows, s.cols = s.cols, s.rows
	}
	return s, err
}

func sampledOf(in []Aval, attr any) (s sparseSizes, err error) {
	const op = "sampled_matmul"
	if err = noAttr(op, attr); err == nil {
		err = operands(op, in, sparseOperands)
	}
	if err != nil {
		return s, err
	}
	a, x := in[0].Shape, in[1].Shape
	if len(a) < 2 || len(x) < 2 {
		return s, shapeErr(op, in[:2], "takes matrices")
	}
	m, n := len(a)-2, len(x)-2
	if err = s.structure(op, in, a[:m], x[:n]); err != nil {
		return s, err
	}
	if a[m] != s.rows || x[n] != s.cols {
		return s, shapeErr(op, in[:2], "matrices of %d and %d rows for a matrix of %d rows and %d columns", a[m], x[n], s.rows, s.cols)
	}
	if s.width = x[n+1]; a[m+1] != s.width {
		return s, shapeErr(op, in[:2], "columns differ")
	}
	return s, nil
}

// structure checks the types, the operands of the structure and the leading dimensions.
func (s *sparseSizes) structure(op string, in []Aval, left, right []int) error {
	if !in[0].DType.IsFloat() || in[1].DType != in[0].DType {
		return dtypeErr(op, in[:2], "takes floats of one type")
	}
	for _, a := range in[2:] {
		if !a.DType.IsInt() || a.DType != in[2].DType {
			return dtypeErr(op, in, "the structure is not of integers of one type")
		}
		if len(a.Shape) != 1 {
			return shapeErr(op, in, "the structure is not of vectors")
		}
	}
	s.rows, s.cols, s.entries = in[rowStart].Shape[0]-1, in[colStart].Shape[0]-1, in[entryCol].Shape[0]
	for _, i := range []int{entryRow, byColRow, byColumns} {
		if in[i].Shape[0] != s.entries || s.rows < 0 || s.cols < 0 {
			return shapeErr(op, in, "the lengths of the structure do not fit each other")
		}
	}
	lead, ok := broadcast(left, right)
	if !ok {
		return shapeErr(op, in[:2], "leading dimensions do not broadcast")
	}
	s.lead = lead
	return nil
}

// savesFactors is what the sweep through a product reads: the other factor, and the structure.
func savesFactors(_ *Inst, want Mask) (in, out Mask) {
	return want>>1&1 | want&1<<1 | 1<<sparseOperands - 1<<rowStart, 0
}

// bilinear is the tangent of an op that is linear in each of its first two operands.
func bilinear(b Builder, inst *Inst, x, _, dx []Val) []Val {
	var sum Val
	for i := range 2 {
		if dx[i] == nil {
			continue
		}
		in := slices.Clone(x)
		in[i] = dx[i]
		if y := One(b, inst.Op, inst.Attr, in...); sum == nil {
			sum = y
		} else {
			sum = One(b, Add, nil, sum, y)
		}
	}
	return []Val{sum}
}

// entryLoop is the product as a loop over the entries, which adds up where they are.
func entryLoop(inst *Inst) *loop.Expr {
	in, out := inst.In, inst.Out[0]
	k := len(out.Shape) - 2 // the axis of the entries
	axes := slices.Clone(out.Shape)
	axes[k] = in[entryCol].Shape[0]
	e := loop.New(loop.Axes(axes), in)
	e.Contraction = true
	row, col := loop.Through(e.Load(entryRow, loop.At(k))), loop.Through(e.Load(entryCol, loop.At(k)))
	if inst.Attr.(Transposed) {
		row, col = col, row
	}
	lead := axes[:k]
	value := e.Load(0, append(aligned(in[0].Shape[:len(in[0].Shape)-1], lead), loop.At(k))...)
	x := e.Load(1, append(aligned(in[1].Shape[:len(in[1].Shape)-2], lead), col, loop.At(k+1))...)
	index := append(loop.Ats(k), row, loop.At(k+1))
	e.Store(loop.Store{Value: e.Binary(loop.Mul, value, x), Index: index, Scatter: true, Aval: out})
	return e
}

// batchSparse makes the batch a leading dimension of the factors. Of structures that
// differ each example is a product of its own.
func batchSparse(b Builder, inst *Inst, x []Val, mask Mask, n int) []Val {
	if mask>>rowStart != 0 {
		return []Val{oneByOne(b, inst, x, mask, n)}
	}
	if y := batchColumns(b, inst, x, mask, n); y != nil {
		return []Val{y}
	}
	core, lead := [2]int{2, 2}, len(inst.Out[0].Shape)-1
	if isProduct(inst) {
		core, lead = [2]int{1, 2}, lead-1
	}
	in := slices.Clone(x)
	for i, c := range core {
		if mask.Has(i) { // between the batch and its own dimensions come those it lacks
			own := inst.In[i].Shape
			in[i] = reshape(b, x[i], slices.Concat([]int{n}, ones(lead-(len(own)-c)), own)...)
		}
	}
	return b.Apply(inst.Op, inst.Attr, in...)
}

// isProduct tells a SparseMatmul from a SampledMatmul.
func isProduct(inst *Inst) bool { return inst.Attr != nil }

// batchColumns makes a batch of dense matrices the columns of one, so that each entry
// is read once for all: nil where that cannot be.
func batchColumns(b Builder, inst *Inst, x []Val, mask Mask, n int) Val {
	in, out := inst.In[1].Shape, inst.Out[0].Shape
	if !isProduct(inst) || mask != 1<<1 || len(out) != 2 {
		return nil
	}
	side := One(b, Transpose, AxesOf(false, 1, 0, 2), x[1])
	y := One(b, inst.Op, inst.Attr, append([]Val{x[0], reshape(b, side, in[0], n*in[1])}, x[2:]...)...)
	return One(b, Transpose, AxesOf(false, 1, 0, 2), reshape(b, y, out[0], n, out[1]))
}

// oneByOne applies an op of one result to each example, and stacks the results.
func oneByOne(b Builder, inst *Inst, x []Val, mask Mask, n int) Val {
	out := inst.Out[0]
	if n == 0 {
		return b.Full(0, Aval{DType: out.DType, Shape: append([]int{0}, out.Shape...)})
	}
	list := make([]Val, n)
	for i := range n {
		in := slices.Clone(x)
		for k, v := range x {
			if mask.Has(k) {
				in[k] = One(b, Slice, RangesOf(Item(i)), v)
			}
		}
		list[i] = One(b, inst.Op, inst.Attr, in...)
	}
	return One(b, Stack, AxesOf(false, 0), list...)
}

// SampledLists are the operands of a SampledMatmul that tell of each entry the row of the
// first operand, and that of the second.
func SampledLists() (row, col int) { return entryRow, entryCol }

// SparseLists are the operands of a SparseMatmul that its sums run along: where those of
// each result begin and the last one's end, the row of the dense matrix that each entry
// meets, and which value is its own (-1: entries are in order).
func SparseLists(inst *Inst) (start, at, entry int) {
	if inst.Attr.(Transposed) {
		return colStart, byColRow, byColumns
	}
	return rowStart, entryCol, -1
}
