// Storing at indices.

package kernels

import (
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Scatter adds values into zeros along an axis.
var Scatter = Register(Op{
	Name: "scatter", NumPy: "- (add.at of zeros)", Torch: "- (scatter_add of zeros)",
	Doc: "Zeros, of the Target's size along its axis, to which the values of the second operand are added at the indices of the " +
		"first; elsewhere the two broadcast. Sums are in the order of the values. Negative indices count from the end. Refuses " +
		"indices that are not integers and, when it runs, those out of range.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		t, g, err := scattered(in, attr)
		if err != nil {
			return nil, err
		}
		shape := slices.Clone(g.shape)
		shape[g.axis] = t.Size
		return one(in[1].DType, shape), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		t, g, _ := scattered(in, attr)
		out := Aval{DType: in[1].DType, Shape: slices.Clone(g.shape)}
		out.Shape[g.axis] = t.Size
		e := loop.New(loop.Axes(g.shape), in)
		index := loop.Ats(len(g.shape))
		index[g.axis] = loop.Through(e.Load(0, aligned(in[0].Shape, g.shape)...))
		e.Store(loop.Store{Value: e.Load(1, aligned(in[1].Shape, g.shape)...), Index: index, Scatter: true, Aval: out})
		return e
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: Target{0, 3}, In: []Sample{ints(2, 0, 2), values(1, 2, 3)}, Want: []float64{2, 0, 4}, Shape: []int{3}},
			{Name: "columns", Attr: Target{-1, 4}, In: []Sample{ints(0, 3, 3, -1).shaped(2, 2), random(2, 2)}, Shape: []int{2, 4}},
			{Name: "broadcast index", Attr: Target{0, 2}, In: []Sample{ints(1, 0, 1).shaped(3, 1), random(3, 2)}, Shape: []int{2, 2}},
			{Name: "broadcast values", Attr: Target{1, 2}, In: []Sample{ints(1, 0, 1, 1).shaped(2, 2), random(1, 1)}, Shape: []int{2, 2}},
			{Name: "empty", Attr: Target{0, 2}, In: []Sample{ints(), random(0)}, Want: []float64{0, 0}},
			{Name: "out of range", Attr: Target{0, 3}, In: []Sample{ints(3), random(1)}, Bad: "index 3 out of range for a dimension of size 3"},
			{Name: "negative size", Attr: Target{0, -1}, In: []Sample{ints(3), random(1)}, Bad: "negative"},
			{Name: "float index", Attr: Target{0, 3}, In: []Sample{random(1), random(1)}, Bad: "not integers"},
			{Name: "ranks", Attr: Target{0, 3}, In: []Sample{ints(1), random(1, 2)}, Bad: "ranks differ"},
			{Name: "bools", Attr: Target{0, 3}, In: []Sample{ints(1), bools(1)}, Bad: "bools"},
		}
	},
})

func scattered(in []Aval, attr any) (t Target, g gathering, err error) {
	if t, err = operandsAttr[Target]("scatter", in, 2, attr); err != nil {
		return t, g, err
	}
	if in[1].DType == device.Bool {
		return t, g, dtypeErr("scatter", in, "cannot add bools")
	}
	if len(in[0].Shape) != len(in[1].Shape) {
		return t, g, shapeErr("scatter", in, "ranks differ")
	}
	ax, err := axis("scatter", int(t.Axis), in[1].Shape)
	if err != nil {
		return t, g, err
	}
	if !in[0].DType.IsInt() {
		return t, g, dtypeErr("scatter", in, "indices are not integers")
	}
	shape, err := broadcastAll("scatter", in)
	return t, gathering{ax, shape}, err
}

// ScatterAdd adds values to elements along an axis.
var ScatterAdd = Register(Op{
	Name: "scatter_add", NumPy: "- (add.at)", Torch: "scatter_add", Kind: Composite,
	Doc: "The first operand with the values of the third added at the indices of the second along one axis; elsewhere indices and " +
		"values broadcast, together to the first operand's sizes. The sums are those of Scatter. Refuses other types of values, indices " +
		"that are not integers and, when it runs, those out of range.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		a, err := operandsAttr[Axes]("scatter_add", in, 3, attr)
		if err != nil {
			return nil, err
		}
		ax, err := oneAxis("scatter_add", a, in[0].Shape)
		if err != nil {
			return nil, err
		}
		if in[0].DType != in[2].DType {
			return nil, dtypeErr("scatter_add", in, "values are of another type")
		}
		_, g, err := scattered(in[1:], Target{int8(ax), in[0].Shape[ax]})
		if err != nil {
			return nil, err
		}
		shape := slices.Clone(g.shape)
		if shape[ax] = in[0].Shape[ax]; !slices.Equal(shape, in[0].Shape) {
			return nil, shapeErr("scatter_add", in, "indices and values do not have the operand's sizes beside axis %d", ax)
		}
		return one(in[0].DType, in[0].Shape), nil
	},
	Compose: func(b Builder, attr any, in []Val) []Val {
		shape := in[0].Aval().Shape
		ax, _ := oneAxis("scatter_add", attr.(Axes), shape)
		return b.Apply(Add, nil, in[0], One(b, Scatter, Target{int8(ax), shape[ax]}, in[1], in[2]))
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: AxesOf(false, 0), In: []Sample{values(10, 20, 30), ints(2, 0, 2), values(1, 2, 3)}, Want: []float64{12, 20, 34}},
			{Name: "columns", Attr: AxesOf(false, 1), In: []Sample{random(2, 3), ints(0, 2, 2, -3).shaped(2, 2), random(2, 2)}},
			{Name: "rows", Attr: AxesOf(false, 0), In: []Sample{random(2, 3), ints(1, 1, 0).shaped(3, 1), random(3, 3)}},
			{Name: "empty", Attr: AxesOf(false, 0), In: []Sample{random(2), ints(), random(0)}},
			{Name: "out of range", Attr: AxesOf(false, 0), In: []Sample{random(3), ints(3), random(1)}, Bad: "index 3 out of range for a dimension of size 3"},
			{Name: "sizes", Attr: AxesOf(false, 0), In: []Sample{random(3, 2), ints(1).shaped(1, 1), random(1, 3)}, Bad: "sizes beside axis 0 (shapes [3 2], [1 1], [1 3])"},
			{Name: "types", Attr: AxesOf(false, 0), In: []Sample{ints(3), ints(0), random(1)}, Bad: "another type"},
			{Name: "axis", Attr: AxesOf(false, 3), In: []Sample{random(3), ints(0), random(1)}, Bad: "axis 3 out of range for shape [3]"},
		}
	},
})

// ScatterND adds slices into zeros at positions given by several indices.
var ScatterND = Register(Op{
	Name: "scatter_nd", NumPy: "- (add.at of zeros)", Torch: "- (index_put of zeros, accumulating)",
	Doc: "Zeros of the shape that its Dims tell, to which the slices of the first operand are added at positions in the leading " +
		"dimensions: the other operands, which broadcast, are indices into one each. It is the transpose of Index. Refuses indices that " +
		"are not integers, slices of another shape and, when it runs, indices out of range.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		d, err := attrOf[Dims]("scatter_nd", attr)
		if err != nil {
			return nil, err
		}
		shape, err := dims("scatter_nd", d)
		if err != nil {
			return nil, err
		}
		if len(in) < 2 {
			return nil, shapeErr("scatter_nd", in, "takes values and at least one index")
		}
		if in[0].DType == device.Bool {
			return nil, dtypeErr("scatter_nd", in, "cannot add bools")
		}
		return one(in[0].DType, shape), slicesFit("scatter_nd", in, shape, in[0], in[1:])
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		shape := attr.(Dims).List()
		at, _ := positions("scatter_nd", in, shape, in[1:])
		over := slices.Concat(at, shape[len(in)-1:])
		e := loop.New(loop.Axes(over), in)
		e.Store(loop.Store{
			Value: e.Load(0, aligned(in[0].Shape, over)...),
			Index: through(e, in, 1, len(at), len(shape)), Scatter: true, Aval: Aval{DType: in[0].DType, Shape: shape},
		})
		return e
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: DimsOf(2, 2), In: []Sample{values(1, 2, 3), ints(0, 1, 0), ints(1, 0, 1)}, Want: []float64{0, 4, 2, 0}, Shape: []int{2, 2}},
			{Name: "rows", Attr: DimsOf(3, 2), In: []Sample{random(2, 2), ints(2, -1)}},
			{Name: "broadcast", Attr: DimsOf(2, 3), In: []Sample{random(3), ints(0, 1).shaped(2, 1), ints(2, 0, 2)}},
			{Name: "empty", Attr: DimsOf(2), In: []Sample{random(0), ints()}, Want: []float64{0, 0}},
			{Name: "out of range", Attr: DimsOf(2), In: []Sample{random(1), ints(2)}, Bad: "index 2 out of range for a dimension of size 2"},
			{Name: "slices", Attr: DimsOf(3, 2), In: []Sample{random(2, 3), ints(2, 0)}, Bad: "values do not broadcast to shape [2 2]"},
			{Name: "too many", Attr: DimsOf(3), In: []Sample{random(2), ints(2, 0), ints(0, 0)}, Bad: "2 indices for 1 dimensions"},
			{Name: "negative", Attr: DimsOf(-3), In: []Sample{random(1), ints(0)}, Bad: "negative"},
		}
	},
})

// slicesFit checks that values broadcast to the slices at the positions.
func slicesFit(op string, in []Aval, shape []int, value Aval, indices []Aval) error {
	at, err := positions(op, in, shape, indices)
	if err != nil {
		return err
	}
	over := slices.Concat(at, shape[len(indices):])
	if all, ok := broadcast(over, value.Shape); !ok || !slices.Equal(all, over) {
		return shapeErr(op, in, "values do not broadcast to shape %v", over)
	}
	return nil
}

// IndexSet replaces slices at positions.
var IndexSet = Register(Op{
	Name: "index_set", NumPy: "x[i, j, ...] = v", Torch: "index_put", Kind: Library,
	Doc: "The first operand with its slices at positions in the leading dimensions replaced by those of the second, cast to the " +
		"first's type: the other operands, which broadcast, are indices into one each. Of several values for one position the last " +
		"in row-major order counts, and only that one has a derivative. Refuses indices that are not integers, values that do not " +
		"broadcast and, when it runs, indices out of range.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		if err := noAttr("index_set", attr); err != nil {
			return nil, err
		}
		return inferPut("index_set", in)
	},
	JVP:   indexSetJVP,
	VJP:   indexSetVJP,
	Saves: func(inst *Inst, _ Mask) (in, out Mask) { return 1<<len(inst.In) - 4, 0 },
	Structure: func(inst *Inst) Structure {
		shape := inst.In[0].Shape
		at, _ := positions("index_set", inst.In, shape, inst.In[2:])
		over := slices.Concat(at, shape[len(inst.In)-2:])
		e := loop.New(loop.Axes(over), inst.In)
		e.Store(loop.Store{
			Value: e.Cast(inst.Out[0].DType, e.Load(1, aligned(inst.In[1].Shape, over)...)),
			Index: through(e, inst.In, 2, len(at), len(shape)), Scatter: true, Aval: inst.Out[0],
		})
		return Structure{Loops: []*loop.Expr{copyLoop(inst.In, 0, inst.In[0].Size()), e}, Overwrite: true}
	},
	Batch: batchPut,
	Cases: func() []Case {
		return append([]Case{
			{Name: "value", In: []Sample{values(1, 2, 3), values(8, 9), ints(2, 0)}, Want: []float64{9, 2, 8}},
			{Name: "repeated", In: []Sample{values(1, 2, 3), values(7, 8, 9), ints(1, 1, 1)}, Want: []float64{1, 9, 3}, Kink: true, Slopes: []float64{1, 0, 1, 0, 0, 1}},
		}, putCases(nil)...)
	},
})

// inferPut checks the operands of IndexSet and IndexPut.
func inferPut(op string, in []Aval) ([]Aval, error) {
	if len(in) < 3 {
		return nil, shapeErr(op, in, "takes an operand, values and at least one index")
	}
	if in[1].DType > in[0].DType {
		return nil, dtypeErr(op, in, "values do not fit the operand's type")
	}
	return one(in[0].DType, in[0].Shape), slicesFit(op, in, in[0].Shape, in[1], in[2:])
}

// indexSetJVP sets tangents where values were set.
func indexSetJVP(b Builder, inst *Inst, x, _, dx []Val) []Val {
	if dx[0] == nil && dx[1] == nil {
		return []Val{nil}
	}
	in := slices.Clone(x)
	for i := range 2 {
		if in[i] = dx[i]; dx[i] == nil {
			in[i] = b.Full(0, Aval{DType: inst.Out[0].DType, Shape: inst.In[i].Shape})
		}
	}
	return b.Apply(inst.Op, nil, in...)
}

// indexSetVJP passes the cotangent to the operand where it was not replaced,
// and to the value that came last where it was.
func indexSetVJP(b Builder, inst *Inst, x, _, g []Val, want Mask) []Val {
	out := make([]Val, len(x))
	if g[0] == nil {
		return out
	}
	indices := x[2:]
	a := inst.Out[0]
	if want.Has(0) {
		zero := b.Full(0, Aval{DType: a.DType})
		out[0] = One(b, inst.Op, nil, append([]Val{g[0], zero}, indices...)...)
	}
	if want.Has(1) && inst.In[1].DType.IsFloat() {
		at, _ := positions("index_set", inst.In, a.Shape, inst.In[2:])
		rest := a.Shape[len(indices):]
		picked := One(b, Index, nil, append([]Val{g[0]}, indices...)...)
		kept := One(b, Where, nil, lastPut(b, inst, at, len(rest), indices), picked, b.Full(0, Aval{DType: a.DType}))
		out[1] = castTo(b, inst.In[1].DType, sumTo(b, kept, inst.In[1].Shape))
	}
	return out
}

// lastPut tells which positions no later one repeats, with as many dimensions
// of size 1 behind them as a slice has. It writes the number of each position
// and sees which are still there.
func lastPut(b Builder, inst *Inst, at []int, rest int, indices []Val) Val {
	n := Aval{Shape: at}.Size()
	number := reshape(b, One(b, Arange, Sequence{DType: device.Int64, Stop: float64(n), Step: 1}), at...)
	lead := Aval{DType: device.Int64, Shape: inst.In[0].Shape[:len(indices)]}
	written := One(b, inst.Op, nil, append([]Val{b.Full(-1, lead), number}, indices...)...)
	last := One(b, Eq, nil, One(b, Index, nil, append([]Val{written}, indices...)...), number)
	return reshape(b, last, append(slices.Clone(at), slices.Repeat([]int{1}, rest)...)...)
}

// sumTo adds up what broadcasting repeated.
func sumTo(b Builder, x Val, shape []int) Val {
	from := x.Aval().Shape
	if slices.Equal(from, shape) {
		return x
	}
	lead := len(from) - len(shape)
	list := upTo(lead)
	for d, n := range shape {
		if n == 1 && from[lead+d] != 1 {
			list = append(list, lead+d)
		}
	}
	return reshape(b, One(b, Sum, AxesOf(true, list...), x), shape...)
}

// batchPut makes the batch one more index, in front.
func batchPut(b Builder, inst *Inst, x []Val, mask Mask, n int) []Val {
	at, _ := positions(inst.Name, inst.In, inst.In[0].Shape, inst.In[2:])
	in := []Val{batchAll(b, inst, x[:1], mask, n)[0]}
	rank := len(at)
	whole := rank + len(inst.In[0].Shape) - (len(x) - 2)
	number := One(b, Arange, Sequence{DType: device.Int64, Stop: float64(n), Step: 1})
	for i, v := range x[1:] {
		if i == 1 {
			in = append(in, reshape(b, number, append([]int{n}, ones(rank)...)...))
		}
		if mask.Has(i + 1) { // between the batch and its own dimensions come those it lacks
			own, all := inst.In[i+1].Shape, rank
			if i == 0 {
				all = whole
			}
			v = reshape(b, v, slices.Concat([]int{n}, ones(all-len(own)), own)...)
		}
		in = append(in, v)
	}
	return b.Apply(inst.Op, inst.Attr, in...)
}

func ones(n int) []int { return slices.Repeat([]int{1}, n) }

// IndexPut replaces slices at positions, or adds to them.
var IndexPut = Register(Op{
	Name: "index_put", NumPy: "x[i, j, ...] = v, or add.at", Torch: "index_put", Kind: Composite,
	Doc: "IndexSet, or, where Put says accumulate, the first operand with the second's slices added at the positions, repeated ones " +
		"too. Refuses what these refuse.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		p, err := attrOf[Put]("index_put", attr)
		if err != nil {
			return nil, err
		}
		out, err := inferPut("index_put", in)
		if err == nil && p.Accumulate && isBool(in[0]) {
			err = dtypeErr("index_put", in, "cannot add bools")
		}
		return out, err
	},
	Compose: func(b Builder, attr any, in []Val) []Val {
		if !attr.(Put).Accumulate {
			return b.Apply(IndexSet, nil, in...)
		}
		a := in[0].Aval()
		values := castTo(b, a.DType, in[1])
		return b.Apply(Add, nil, in[0], One(b, ScatterND, DimsOf(a.Shape...), append([]Val{values}, in[2:]...)...))
	},
	Cases: func() []Case {
		return slices.Concat([]Case{
			{Name: "value", Attr: Put{}, In: []Sample{values(1, 2, 3), values(8, 9), ints(2, 0)}, Want: []float64{9, 2, 8}},
			{Name: "accumulated", Attr: Put{true}, In: []Sample{values(1, 2, 3), values(7, 8, 9), ints(1, 1, 0)}, Want: []float64{10, 17, 3}},
			{Name: "accumulated bools", Attr: Put{true}, In: []Sample{bools(1), bools(1), ints(0)}, Bad: "cannot add bools"},
		}, putCases(Put{}), putCases(Put{true}))
	},
})

// putCases are the cases of IndexSet and IndexPut.
func putCases(attr any) []Case {
	return []Case{
		{Name: "elements", Attr: attr, In: []Sample{random(2, 3), random(2), ints(1, 0), ints(2, -1)}},
		{Name: "rows", Attr: attr, In: []Sample{random(3, 2), random(2, 2), ints(2, 2)}},
		{Name: "broadcast", Attr: attr, In: []Sample{random(3, 3, 2), random(2), ints(0, 2).shaped(2, 1), ints(1, 0)}},
		{Name: "scalar", Attr: attr, In: []Sample{random(3), random(), ints(1, 1)}},
		{Name: "integers into floats", Attr: attr, In: []Sample{random(3), ints(5), ints(1)}},
		{Name: "empty", Attr: attr, In: []Sample{random(3), random(0), ints()}},
		{Name: "out of range", Attr: attr, In: []Sample{random(3), random(1), ints(3)}, Bad: "index 3 out of range for a dimension of size 3"},
		{Name: "values", Attr: attr, In: []Sample{random(3, 2), random(3), ints(0, 1)}, Bad: "values do not broadcast to shape [2 2]"},
		{Name: "types", Attr: attr, In: []Sample{ints(1, 2), random(1), ints(0)}, Bad: "do not fit the operand's type"},
		{Name: "no index", Attr: attr, In: []Sample{random(3), random(1)}, Bad: "at least one index"},
	}
}
