// Indexing: gathers, scatters, diagonals and triangles.

package kernels

import (
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Gather picks elements along an axis, at an index for each.
var Gather = Register(Op{
	Name: "gather", NumPy: "take_along_axis", Torch: "gather (whose index may also be smaller)",
	Doc: "The elements of the first operand at the indices of the second along one axis; elsewhere the two broadcast. Negative " +
		"indices count from the end. Refuses indices that are not integers and, when it runs, those out of range. The derivative " +
		"adds up where an element was picked more than once.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		g, err := gathered("gather", in, attr)
		if err != nil {
			return nil, err
		}
		return one(in[0].DType, g.shape), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		g, _ := gathered("gather", in, attr)
		e := loop.New(loop.Axes(g.shape), in)
		i := e.Load(1, aligned(in[1].Shape, g.shape)...)
		index := aligned(in[0].Shape, g.shape)
		index[g.axis] = loop.Through(i)
		e.Store(loop.Store{Value: e.Load(0, index...), Index: loop.Ats(len(g.shape)), Aval: Aval{DType: in[0].DType, Shape: g.shape}})
		return e
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: AxesOf(false, 1), In: []Sample{values(1, 2, 3, 4, 5, 6).shaped(2, 3), ints(2, 0, -3, 1).shaped(2, 2)}, Want: []float64{3, 1, 4, 5}, Shape: []int{2, 2}},
			{Name: "first axis", Attr: AxesOf(false, 0), In: []Sample{random(4, 2), ints(3, 1, 3, 1).shaped(2, 2)}},
			{Name: "repeated", Attr: AxesOf(false, -1), In: []Sample{random(3), ints(1, 1, 1, 2)}},
			{Name: "broadcast", Attr: AxesOf(false, 1), In: []Sample{random(2, 3), ints(2, 0).shaped(1, 2)}, Shape: []int{2, 2}},
			{Name: "broadcast source", Attr: AxesOf(false, 1), In: []Sample{random(1, 3), ints(2, 0).shaped(2, 1)}, Shape: []int{2, 1}},
			{Name: "int32", Attr: AxesOf(false, 0), In: []Sample{random(3), {Shape: []int{2}, DType: "int32", Values: []float64{2, -1}}}},
			{Name: "integers", Attr: AxesOf(false, 0), In: []Sample{ints(5, 6), ints(1, 1)}, Want: []float64{6, 6}},
			{Name: "empty", Attr: AxesOf(false, 0), In: []Sample{random(3), ints()}},
			{Name: "out of range", Attr: AxesOf(false, 0), In: []Sample{random(3), ints(0, 3)}, Bad: "index 3 out of range for a dimension of size 3"},
			{Name: "out of range below", Attr: AxesOf(false, 0), In: []Sample{random(3), ints(-4)}, Bad: "index -4 out of range"},
			{Name: "of nothing", Attr: AxesOf(false, 0), In: []Sample{random(0), ints(0)}, Bad: "index 0 out of range for a dimension of size 0"},
			{Name: "ranks", Attr: AxesOf(false, 0), In: []Sample{random(3, 2), ints(0)}, Bad: "ranks differ (shapes [3 2], [1])"},
			{Name: "shapes", Attr: AxesOf(false, 0), In: []Sample{random(3, 2), ints(0, 1, 2).shaped(1, 3)}, Bad: "do not broadcast"},
			{Name: "float index", Attr: AxesOf(false, 0), In: []Sample{random(3), random(2)}, Bad: "not integers"},
			{Name: "axis", Attr: AxesOf(false, 1), In: []Sample{random(3), ints(1)}, Bad: "axis 1 out of range for shape [3]"},
		}
	},
})

// gathering is the axis of a gather and the shape that its operands broadcast to.
type gathering struct {
	axis  int
	shape []int
}

// gathered checks the operands of a gather: values and integers of the same
// rank, broadcasting beside the axis. The shape has the index's size there.
func gathered(op string, in []Aval, attr any) (g gathering, err error) {
	a, err := operandsAttr[Axes](op, in, 2, attr)
	if err != nil {
		return g, err
	}
	if g.axis, err = oneAxis(op, a, in[0].Shape); err != nil {
		return g, err
	}
	return gatherShape(op, in, in[0].Shape, in[1], g.axis)
}

func gatherShape(op string, in []Aval, source []int, index Aval, ax int) (gathering, error) {
	g := gathering{axis: ax}
	if !index.DType.IsInt() {
		return g, dtypeErr(op, in, "indices are not integers")
	}
	if len(index.Shape) != len(source) {
		return g, shapeErr(op, in, "ranks differ")
	}
	beside := slices.Clone(source)
	beside[ax] = index.Shape[ax]
	var ok bool
	if g.shape, ok = broadcast(beside, index.Shape); !ok {
		return g, shapeErr(op, in, "shapes do not broadcast beside axis %d", ax)
	}
	return g, nil
}

// aligned is the index of an operand that broadcasts to shape, its dimensions
// aligned at the last.
func aligned(operand, shape []int) []loop.Lin {
	index := make([]loop.Lin, len(operand))
	for d, n := range operand {
		at := len(shape) - len(operand) + d
		if index[d] = loop.At(at); n == 1 && shape[at] != 1 {
			index[d] = loop.Fixed(0)
		}
	}
	return index
}

// Take picks whole slices along an axis.
var Take = Register(Op{
	Name: "take", NumPy: "take", Torch: "index_select (of vectors of indices)",
	Doc: "The slices of the first operand at the indices of the second along one axis, whose place the indices' dimensions take. " +
		"Negative indices count from the end. Refuses indices that are not integers and, when it runs, those out of range.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		ax, err := taken(in, attr)
		if err != nil {
			return nil, err
		}
		return one(in[0].DType, takeShape(in, ax)), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		ax, _ := taken(in, attr)
		shape := takeShape(in, ax)
		e := loop.New(loop.Axes(shape), in)
		at := make([]loop.Lin, len(in[1].Shape))
		for d := range at {
			at[d] = loop.At(ax + d)
		}
		i := e.Load(1, at...)
		index := make([]loop.Lin, len(in[0].Shape))
		for d := range index {
			switch {
			case d < ax:
				index[d] = loop.At(d)
			case d > ax:
				index[d] = loop.At(d - 1 + len(at))
			default:
				index[d] = loop.Through(i)
			}
		}
		e.Store(loop.Store{Value: e.Load(0, index...), Index: loop.Ats(len(shape)), Aval: Aval{DType: in[0].DType, Shape: shape}})
		return e
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: AxesOf(false, 0), In: []Sample{values(1, 2, 3, 4, 5, 6).shaped(3, 2), ints(2, 0, 2)}, Want: []float64{5, 6, 1, 2, 5, 6}, Shape: []int{3, 2}},
			{Name: "matrix of indices", Attr: AxesOf(false, 1), In: []Sample{random(2, 4, 2), ints(3, -1, 0, 1).shaped(2, 2)}, Shape: []int{2, 2, 2, 2}},
			{Name: "one index", Attr: AxesOf(false, -1), In: []Sample{random(2, 3), ints(1).shaped()}, Shape: []int{2}},
			{Name: "empty", Attr: AxesOf(false, 0), In: []Sample{random(3, 2), ints()}, Shape: []int{0, 2}},
			{Name: "out of range", Attr: AxesOf(false, 0), In: []Sample{random(3), ints(7)}, Bad: "index 7 out of range for a dimension of size 3"},
			{Name: "float index", Attr: AxesOf(false, 0), In: []Sample{random(3), random(2)}, Bad: "not integers"},
			{Name: "no axis", Attr: AxesOf(false), In: []Sample{random(3), ints(1)}, Bad: "one axis"},
		}
	},
})

func taken(in []Aval, attr any) (int, error) {
	a, err := operandsAttr[Axes]("take", in, 2, attr)
	if err != nil {
		return 0, err
	}
	if !in[1].DType.IsInt() {
		return 0, dtypeErr("take", in, "indices are not integers")
	}
	return oneAxis("take", a, in[0].Shape)
}

func takeShape(in []Aval, ax int) []int {
	return slices.Concat(in[0].Shape[:ax], in[1].Shape, in[0].Shape[ax+1:])
}

// Index picks elements or slices at positions given by several indices.
var Index = Register(Op{
	Name: "index", NumPy: "x[i, j, ...] (arrays of integers)", Torch: "x[i, j, ...] (tensors of integers)",
	Doc: "The slices of the first operand at positions in its leading dimensions: the other operands, which broadcast, are indices " +
		"into one each. Negative indices count from the end. Refuses indices that are not integers, more than there are dimensions " +
		"and, when it runs, those out of range.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		if err := noAttr("index", attr); err != nil {
			return nil, err
		}
		if len(in) < 2 {
			return nil, shapeErr("index", in, "takes a value and at least one index")
		}
		at, err := positions("index", in, in[0].Shape, in[1:])
		if err != nil {
			return nil, err
		}
		return one(in[0].DType, slices.Concat(at, in[0].Shape[len(in)-1:])), nil
	},
	Loop: func(_ any, in []Aval) *loop.Expr {
		k := len(in) - 1
		at, _ := positions("index", in, in[0].Shape, in[1:])
		shape := slices.Concat(at, in[0].Shape[k:])
		e := loop.New(loop.Axes(shape), in)
		e.Store(loop.Store{
			Value: e.Load(0, through(e, in, 1, len(at), len(in[0].Shape))...),
			Index: loop.Ats(len(shape)), Aval: Aval{DType: in[0].DType, Shape: shape},
		})
		return e
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", In: []Sample{values(1, 2, 3, 4).shaped(2, 2), ints(1, 0), ints(0, -1)}, Want: []float64{3, 2}, Shape: []int{2}},
			{Name: "rows", In: []Sample{random(3, 2), ints(2, 2, 0)}, Shape: []int{3, 2}},
			{Name: "broadcast", In: []Sample{random(2, 3, 2), ints(0, 1).shaped(2, 1), ints(2, 0, 1)}, Shape: []int{2, 3, 2}},
			{Name: "one position", In: []Sample{random(2, 3), ints(1).shaped(), ints(2).shaped()}, Shape: []int{}},
			{Name: "empty", In: []Sample{random(2, 3), ints()}, Shape: []int{0, 3}},
			{Name: "out of range", In: []Sample{random(2, 3), ints(0), ints(3)}, Bad: "index 3 out of range for a dimension of size 3"},
			{Name: "too many", In: []Sample{random(2), ints(0), ints(0)}, Bad: "2 indices for 1 dimensions"},
			{Name: "float index", In: []Sample{random(2), random(2)}, Bad: "not integers"},
			{Name: "shapes", In: []Sample{random(2, 2), ints(0, 1), ints(0, 1, 1)}, Bad: "do not broadcast"},
			{Name: "no index", In: []Sample{random(2)}, Bad: "at least one index"},
		}
	},
})

// positions returns the shape to which indices into the leading dimensions of
// shape broadcast.
func positions(op string, in []Aval, shape []int, indices []Aval) ([]int, error) {
	if len(indices) > len(shape) {
		return nil, shapeErr(op, in, "%d indices for %d dimensions", len(indices), len(shape))
	}
	for _, i := range indices {
		if !i.DType.IsInt() {
			return nil, dtypeErr(op, in, "indices are not integers")
		}
	}
	at, err := broadcastAll(op, indices)
	if err != nil {
		return nil, shapeErr(op, in, "indices do not broadcast")
	}
	return at, nil
}

// through is the index of an operand of the given rank: operands first,
// first+1, ... of e, which broadcast over the n leading axes, in the leading
// dimensions, and the axes after those in the others.
func through(e *loop.Expr, in []Aval, first, n, rank int) []loop.Lin {
	shape := make([]int, n)
	for d := range n {
		shape[d] = e.Axes[d].Size
	}
	var index []loop.Lin
	for k := first; k < len(in); k++ {
		index = append(index, loop.Through(e.Load(k, aligned(in[k].Shape, shape)...)))
	}
	for d := n; len(index) < rank; d++ {
		index = append(index, loop.At(d))
	}
	return index
}

// OneHot marks classes.
var OneHot = Register(Op{
	Name: "one_hot", NumPy: "- (eye(n)[i])", Torch: "nn.functional.one_hot",
	Doc: "Along a new last dimension, 1 at each index and 0 elsewhere, in the type of Classes; an index out of range gives zeros. " +
		"Refuses indices that are not integers.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		c, err := operandsAttr[Classes]("one_hot", in, 1, attr)
		if err != nil {
			return nil, err
		}
		if !in[0].DType.IsInt() {
			return nil, dtypeErr("one_hot", in, "indices are not integers")
		}
		return one(c.DType, append(slices.Clone(in[0].Shape), c.N)), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		c, rank := attr.(Classes), len(in[0].Shape)
		out := Aval{DType: c.DType, Shape: append(slices.Clone(in[0].Shape), c.N)}
		e := loop.New(loop.Axes(out.Shape), in)
		hit := e.Binary(loop.Eq, e.Cast(device.Int64, e.Load(0, loop.Ats(rank)...)), e.Iota(rank))
		e.Store(loop.Store{Value: e.Select(hit, e.Const(c.DType, 1), e.Const(c.DType, 0)), Index: loop.Ats(rank + 1), Aval: out})
		return e
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: Classes{3, device.Float64}, In: []Sample{ints(2, 0)}, Want: []float64{0, 0, 1, 1, 0, 0}, Shape: []int{2, 3}},
			{Name: "bools", Attr: Classes{2, device.Bool}, In: []Sample{ints(1).shaped()}, Want: []float64{0, 1}, Shape: []int{2}},
			{Name: "out of range", Attr: Classes{2, device.Int64}, In: []Sample{ints(5, -1)}, Want: []float64{0, 0, 0, 0}},
			{Name: "no class", Attr: Classes{0, device.Float32}, In: []Sample{ints(0)}, Shape: []int{1, 0}},
			{Name: "empty", Attr: Classes{3, device.Float32}, In: []Sample{ints()}, Shape: []int{0, 3}},
			{Name: "negative", Attr: Classes{-1, device.Float32}, In: []Sample{ints(0)}, Bad: "negative"},
			{Name: "float index", Attr: Classes{2, device.Float32}, In: []Sample{random(2)}, Bad: "not integers"},
		}
	},
})

// Diag extracts or makes a diagonal.
var Diag = Register(Op{
	Name: "diag", NumPy: "diag", Torch: "diag",
	Doc: "The diagonal of a matrix at the given Offset, empty where there is none; or of a vector the matrix of zeros with that " +
		"diagonal. Refuses other ranks.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		o, err := operandsAttr[Offset]("diag", in, 1, attr)
		if err != nil {
			return nil, err
		}
		if rank := len(in[0].Shape); rank != 1 && rank != 2 {
			return nil, shapeErr("diag", in, "takes a vector or a matrix")
		}
		if o < -maxElements || o > maxElements {
			return nil, attrErr("diag", "offset %d is too large", o)
		}
		return one(in[0].DType, diagShape(in[0].Shape, int(o))), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		o := int(attr.(Offset))
		row, column := max(-o, 0), max(o, 0)
		out := Aval{DType: in[0].DType, Shape: diagShape(in[0].Shape, o)}
		on := []loop.Lin{loop.At(0).Plus(row), loop.At(0).Plus(column)}
		n := min(in[0].Shape[0], out.Shape[0])
		e := loop.New(loop.Axes([]int{n}), in)
		if len(in[0].Shape) == 1 {
			e.Store(loop.Store{Value: e.Load(0, loop.At(0)), Index: on, Partial: true, Aval: out})
		} else {
			e.Store(loop.Store{Value: e.Load(0, on...), Index: loop.Ats(1), Aval: out})
		}
		return e
	},
	Cases: func() []Case {
		return []Case{
			{Name: "of a matrix", Attr: Offset(0), In: []Sample{values(1, 2, 3, 4).shaped(2, 2)}, Want: []float64{1, 4}, Shape: []int{2}},
			{Name: "of a vector", Attr: Offset(0), In: []Sample{values(1, 2)}, Want: []float64{1, 0, 0, 2}, Shape: []int{2, 2}},
			{Name: "above", Attr: Offset(1), In: []Sample{values(1, 2, 3, 4, 5, 6).shaped(2, 3)}, Want: []float64{2, 6}},
			{Name: "below", Attr: Offset(-1), In: []Sample{values(1, 2, 3, 4, 5, 6).shaped(3, 2)}, Want: []float64{3, 6}},
			{Name: "vector above", Attr: Offset(2), In: []Sample{values(7)}, Want: []float64{0, 0, 7, 0, 0, 0, 0, 0, 0}},
			{Name: "vector below", Attr: Offset(-1), In: []Sample{random(2)}, Shape: []int{3, 3}},
			{Name: "beside", Attr: Offset(-5), In: []Sample{random(2, 3)}, Shape: []int{0}},
			{Name: "empty", Attr: Offset(0), In: []Sample{random(0)}, Shape: []int{0, 0}},
			{Name: "rank", Attr: Offset(0), In: []Sample{random(2, 2, 2)}, Bad: "takes a vector or a matrix (shapes [2 2 2])"},
			{Name: "far", Attr: Offset(Begin), In: []Sample{random(2)}, Bad: "too large"},
			{Name: "huge", Attr: Offset(1 << 40), In: []Sample{random(2)}, Bad: "too large"},
		}
	},
})

// diagShape returns the shape of the result for an operand of the given one.
func diagShape(shape []int, offset int) []int {
	if len(shape) == 1 {
		n := shape[0] + max(offset, -offset)
		return []int{n, n}
	}
	return []int{max(min(shape[0]-max(-offset, 0), shape[1]-max(offset, 0)), 0)}
}

// Tril and Triu keep a triangle.
var (
	Tril = Register(Op{
		Name: "tril", NumPy: "tril", Torch: "tril",
		Doc:   "The elements of matrices, the last two dimensions, on the diagonal of the given Offset and below; zeros above. Refuses vectors.",
		Infer: inferTriangle("tril"),
		Loop:  triangle(func(e *loop.Expr, beyond, offset loop.Node) loop.Node { return e.Binary(loop.Le, beyond, offset) }),
		Cases: func() []Case {
			return append([]Case{
				{Name: "value", Attr: Offset(0), In: []Sample{values(1, 2, 3, 4, 5, 6).shaped(2, 3)}, Want: []float64{1, 0, 0, 4, 5, 0}},
				{Name: "above", Attr: Offset(1), In: []Sample{values(1, 2, 3, 4, 5, 6).shaped(2, 3)}, Want: []float64{1, 2, 0, 4, 5, 6}},
			}, triangleCases()...)
		},
	})

	Triu = Register(Op{
		Name: "triu", NumPy: "triu", Torch: "triu",
		Doc:   "The elements of matrices, the last two dimensions, on the diagonal of the given Offset and above; zeros below. Refuses vectors.",
		Infer: inferTriangle("triu"),
		Loop:  triangle(func(e *loop.Expr, beyond, offset loop.Node) loop.Node { return e.Binary(loop.Le, offset, beyond) }),
		Cases: func() []Case {
			return append([]Case{
				{Name: "value", Attr: Offset(0), In: []Sample{values(1, 2, 3, 4, 5, 6).shaped(2, 3)}, Want: []float64{1, 2, 3, 0, 5, 6}},
				{Name: "above", Attr: Offset(1), In: []Sample{values(1, 2, 3, 4, 5, 6).shaped(2, 3)}, Want: []float64{0, 2, 3, 0, 0, 6}},
			}, triangleCases()...)
		},
	})
)

func triangleCases() []Case {
	return []Case{
		{Name: "batch", Attr: Offset(0), In: []Sample{random(2, 3, 3)}},
		{Name: "below", Attr: Offset(-1), In: []Sample{random(3, 3)}},
		{Name: "far", Attr: Offset(End), In: []Sample{random(2, 3)}},
		{Name: "far below", Attr: Offset(Begin), In: []Sample{random(2, 3)}},
		{Name: "integers", Attr: Offset(0), In: []Sample{ints(1, 2, 3, 4).shaped(2, 2)}},
		{Name: "size 1", Attr: Offset(0), In: []Sample{random(1, 1)}},
		{Name: "empty", Attr: Offset(0), In: []Sample{random(0, 3)}},
		{Name: "vector", Attr: Offset(0), In: []Sample{random(3)}, Bad: "takes matrices (shapes [3])"},
	}
}

func inferTriangle(op string) func(in []Aval, attr any) ([]Aval, error) {
	return func(in []Aval, attr any) ([]Aval, error) {
		if _, err := operandsAttr[Offset](op, in, 1, attr); err != nil {
			return nil, err
		}
		if len(in[0].Shape) < 2 {
			return nil, shapeErr(op, in, "takes matrices")
		}
		return one(in[0].DType, in[0].Shape), nil
	}
}

// triangle is the loop that keeps the elements for which keep holds, of their
// distance to the right of the main diagonal and the offset.
func triangle(keep func(e *loop.Expr, beyond, offset loop.Node) loop.Node) func(attr any, in []Aval) *loop.Expr {
	return func(attr any, in []Aval) *loop.Expr {
		rank := len(in[0].Shape)
		return loop.Elementwise(in, in[0], func(e *loop.Expr, x []loop.Node) loop.Node {
			beyond := e.Binary(loop.Sub, e.Iota(rank-1), e.Iota(rank-2))
			return e.Select(keep(e, beyond, e.ConstInt(device.Int64, int64(attr.(Offset)))), x[0], e.Like(x[0], 0))
		})
	}
}
