// Joining and rolling.

package kernels

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// maxOperands is what a Mask can hold.
const maxOperands = 64

// Join is Concat of at most 64 operands.
var Join = Register(Op{
	Name: "join", NumPy: "concatenate (of at most 64)", Torch: "cat (of at most 64)", Kind: Library,
	Doc: "The operands, at most 64, one after the other along an axis, in their promoted type. Refuses shapes that differ elsewhere.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		if len(in) > maxOperands {
			return nil, shapeErr("join", in[:1], "%d operands, more than %d", len(in), maxOperands)
		}
		return inferConcat("join", in, attr)
	},
	JVP: func(b Builder, inst *Inst, _, _, dx []Val) []Val {
		in := make([]Val, len(dx))
		for i, d := range dx {
			if in[i] = d; d == nil {
				in[i] = b.Full(0, Aval{DType: inst.Out[0].DType, Shape: inst.In[i].Shape})
			}
		}
		return b.Apply(inst.Op, inst.Attr, in...)
	},
	VJP: func(b Builder, inst *Inst, _, _, g []Val, want Mask) []Val {
		out := make([]Val, len(inst.In))
		ax, _ := oneAxis("join", inst.Attr.(Axes), inst.Out[0].Shape)
		at := 0
		for i, a := range inst.In {
			n := a.Shape[ax]
			if want.Has(i) && a.DType.IsFloat() && g[0] != nil {
				out[i] = castTo(b, a.DType, One(b, Slice, along(ax, From(at, at+n)), g[0]))
			}
			at += n
		}
		return out
	},
	Saves: savesNothing,
	Structure: func(inst *Inst) Structure {
		var s Structure
		ax, _ := oneAxis("join", inst.Attr.(Axes), inst.Out[0].Shape)
		at := 0
		for i, a := range inst.In {
			e := loop.New(loop.Axes(a.Shape), inst.In)
			index := loop.Ats(len(a.Shape))
			index[ax] = index[ax].Plus(at)
			e.Store(loop.Store{Value: e.Cast(inst.Out[0].DType, e.Load(i, loop.Ats(len(a.Shape))...)), Index: index, Aval: inst.Out[0]})
			s.Loops = append(s.Loops, e)
			at += a.Shape[ax]
		}
		return s
	},
	Batch: func(b Builder, inst *Inst, x []Val, mask Mask, n int) []Val {
		ax, _ := oneAxis("join", inst.Attr.(Axes), inst.Out[0].Shape)
		return b.Apply(inst.Op, AxesOf(false, ax+1), batchAll(b, inst, x, mask, n)...)
	},
	Cases: concatCases,
})

// Concat joins any number of operands.
var Concat = Register(Op{
	Name: "concat", NumPy: "concatenate", Torch: "cat", Kind: Composite,
	Doc:   "The operands one after the other along an axis, in their promoted type. Refuses shapes that differ elsewhere.",
	Infer: func(in []Aval, attr any) ([]Aval, error) { return inferConcat("concat", in, attr) },
	Compose: func(b Builder, attr any, in []Val) []Val {
		for len(in) > maxOperands {
			var joined []Val
			for group := range slices.Chunk(in, maxOperands) {
				joined = append(joined, One(b, Join, attr, group...))
			}
			in = joined
		}
		return b.Apply(Join, attr, in...)
	},
	Cases: func() []Case { return append([]Case{manyOperands}, concatCases()...) },
})

func concatCases() []Case {
	return []Case{
		{Name: "value", Attr: AxesOf(false, 0), In: []Sample{values(1, 2), values(3)}, Want: []float64{1, 2, 3}, Shape: []int{3}},
		{Name: "columns", Attr: AxesOf(false, -1), In: []Sample{values(1, 2).shaped(2, 1), values(3, 4, 5, 6).shaped(2, 2)}, Want: []float64{1, 3, 4, 2, 5, 6}, Shape: []int{2, 3}},
		{Name: "three", Attr: AxesOf(false, 1), In: []Sample{random(2, 1, 2), random(2, 3, 2), random(2, 2, 2)}, Shape: []int{2, 6, 2}},
		{Name: "one operand", Attr: AxesOf(false, 0), In: []Sample{random(2, 3)}},
		{Name: "promoted", Attr: AxesOf(false, 0), In: []Sample{ints(1, 2), random(2)}},
		{Name: "empty", Attr: AxesOf(false, 0), In: []Sample{random(0, 2), random(1, 2)}, Shape: []int{1, 2}},
		{Name: "shapes", Attr: AxesOf(false, 0), In: []Sample{random(2, 3), random(2, 4)}, Bad: "differ beside axis 0 (shapes [2 3], [2 4])"},
		{Name: "ranks", Attr: AxesOf(false, 0), In: []Sample{random(2, 3), random(2)}, Bad: "differ"},
		{Name: "scalars", Attr: AxesOf(false, 0), In: []Sample{random(), random()}, Bad: "axis 0 out of range for shape []"},
		{Name: "no operands", Attr: AxesOf(false, 0), Bad: "at least one"},
		{Name: "no axis", Attr: AxesOf(false), In: []Sample{random(2)}, Bad: "one axis"},
	}
}

// manyOperands is a case beyond what a Mask can hold.
var manyOperands = func() Case {
	c := Case{Name: "many", Attr: AxesOf(false, 0), Shape: []int{70}}
	for range 70 {
		c.In = append(c.In, random(1))
	}
	return c
}()

func inferConcat(op string, in []Aval, attr any) ([]Aval, error) {
	a, err := attrOf[Axes](op, attr)
	if err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, shapeErr(op, in, "takes at least one operand")
	}
	ax, err := oneAxis(op, a, in[0].Shape)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(in[0].Shape)
	for _, x := range in[1:] {
		if len(x.Shape) != len(shape) {
			return nil, shapeErr(op, in, "ranks differ")
		}
		for d, n := range x.Shape {
			if d == ax && shape[d] <= maxElements { // beyond, the sum is refused anyhow
				shape[d] += n
			} else if n != shape[d] {
				return nil, shapeErr(op, in, "shapes differ beside axis %d", ax)
			}
		}
	}
	return one(promote(in), shape), nil
}

// Stack joins along a new axis.
var Stack = Register(Op{
	Name: "stack", NumPy: "stack", Torch: "stack", Kind: Composite,
	Doc: "The operands, of one shape, along a new axis of the result. Refuses other shapes.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		a, err := attrOf[Axes]("stack", attr)
		if err != nil {
			return nil, err
		}
		if len(in) == 0 {
			return nil, shapeErr("stack", in, "takes at least one operand")
		}
		for _, x := range in[1:] {
			if !slices.Equal(x.Shape, in[0].Shape) {
				return nil, shapeErr("stack", in, "shapes differ")
			}
		}
		shape := append([]int{1}, in[0].Shape...)
		ax, err := oneAxis("stack", a, shape)
		if err != nil {
			return nil, err
		}
		return one(promote(in), slices.Insert(slices.Clone(in[0].Shape), ax, len(in))), nil
	},
	Compose: func(b Builder, attr any, in []Val) []Val {
		rows := make([]Val, len(in))
		for i, x := range in {
			rows[i] = One(b, Unsqueeze, attr, x)
		}
		return b.Apply(Concat, attr, rows...)
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: AxesOf(false, 1), In: []Sample{values(1, 2), values(3, 4)}, Want: []float64{1, 3, 2, 4}, Shape: []int{2, 2}},
			{Name: "last", Attr: AxesOf(false, -1), In: []Sample{random(2, 3), random(2, 3)}, Shape: []int{2, 3, 2}},
			{Name: "scalars", Attr: AxesOf(false, 0), In: []Sample{random(), random(), random()}, Shape: []int{3}},
			{Name: "empty", Attr: AxesOf(false, 0), In: []Sample{random(0), random(0)}, Shape: []int{2, 0}},
			{Name: "shapes", Attr: AxesOf(false, 0), In: []Sample{random(2), random(3)}, Bad: "shapes differ (shapes [2], [3])"},
			{Name: "out of range", Attr: AxesOf(false, 2), In: []Sample{random(2)}, Bad: "out of range"},
			{Name: "no operands", Attr: AxesOf(false, 0), Bad: "at least one"},
		}
	},
})

// Roll shifts elements around.
var Roll = Register(Op{
	Name: "roll", NumPy: "roll", Torch: "roll", Kind: Composite,
	Doc: "The elements shifted along axes by the numbers of Shifts, those beyond the end coming in at the beginning. Without axes, " +
		"shifted in row-major order.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		s, err := operandsAttr[Shifts]("roll", in, 1, attr)
		if err != nil {
			return nil, err
		}
		_, err = axesInOrder("roll", s.Axes, in[0].Shape)
		return one(in[0].DType, in[0].Shape), err
	},
	Compose: func(b Builder, attr any, in []Val) []Val {
		s, x := attr.(Shifts), in[0]
		shape := x.Aval().Shape
		if s.Axes.N == 0 {
			flat := rollAxis(b, One(b, Reshape, DimsOf(-1), x), 0, s.Shift[0])
			return b.Apply(Reshape, DimsOf(shape...), flat)
		}
		rolled, _ := axesInOrder("roll", s.Axes, shape)
		for i, ax := range rolled {
			x = rollAxis(b, x, ax, s.Shift[i])
		}
		return []Val{x}
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: ShiftsOf([]int{1}, []int{0}), In: []Sample{values(1, 2, 3, 4)}, Want: []float64{4, 1, 2, 3}},
			{Name: "flat", Attr: ShiftsOf([]int{-1}, nil), In: []Sample{values(1, 2, 3, 4).shaped(2, 2)}, Want: []float64{2, 3, 4, 1}, Shape: []int{2, 2}},
			{Name: "two axes", Attr: ShiftsOf([]int{1, -7}, []int{1, 0}), In: []Sample{random(3, 4)}},
			{Name: "no shift", Attr: ShiftsOf([]int{4}, []int{-1}), In: []Sample{random(2, 4)}},
			{Name: "empty", Attr: ShiftsOf([]int{1}, []int{0}), In: []Sample{random(0, 2)}},
			{Name: "lengths", Attr: ShiftsOf([]int{1, 2}, []int{0}), In: []Sample{random(3)}, Bad: "different lengths"},
			{Name: "out of range", Attr: ShiftsOf([]int{1}, []int{1}), In: []Sample{random(3)}, Bad: "axis 1 out of range"},
		}
	},
})

func rollAxis(b Builder, x Val, ax, shift int) Val {
	n := x.Aval().Shape[ax]
	if n == 0 || shift%n == 0 {
		return x
	}
	cut := n - (shift%n+n)%n
	return One(b, Join, AxesOf(false, ax), One(b, Slice, along(ax, From(cut, n)), x), One(b, Slice, along(ax, From(0, cut)), x))
}
