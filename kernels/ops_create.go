// Values made of nothing, conversions, and the end of derivatives.

package kernels

import (
	"math"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Full is a constant.
var Full = Register(Op{
	Name: "full", NumPy: "full, zeros, ones", Torch: "full, zeros, ones",
	Doc: "A value of the Fill's type and shape with all elements equal. Refuses negative sizes.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		f, err := operandsAttr[Fill]("full", in, 0, attr)
		if err != nil {
			return nil, err
		}
		shape, err := dims("full", f.Shape)
		return one(f.DType, shape), err
	},
	Loop: func(attr any, _ []Aval) *loop.Expr {
		f := attr.(Fill)
		return create(Aval{DType: f.DType, Shape: f.Shape.List()}, func(e *loop.Expr) loop.Node {
			return e.Const(f.DType, f.Value)
		})
	},
	Cases: func() []Case {
		return []Case{
			{Name: "float64", Attr: Fill{device.Float64, DimsOf(2, 2), 1.5}, Want: []float64{1.5, 1.5, 1.5, 1.5}, Shape: []int{2, 2}},
			{Name: "scalar", Attr: Fill{device.Float32, DimsOf(), math.Inf(1)}, Want: []float64{math.Inf(1)}},
			{Name: "NaN", Attr: Fill{device.Float32, DimsOf(1), math.NaN()}, Want: []float64{math.NaN()}},
			{Name: "bool", Attr: Fill{device.Bool, DimsOf(2), 3}, Want: []float64{1, 1}},
			{Name: "empty", Attr: Fill{device.Int64, DimsOf(0, 2), 1}, Want: []float64{}},
			{Name: "negative size", Attr: Fill{device.Int64, DimsOf(-1), 1}, Bad: "negative"},
			{Name: "huge", Attr: Fill{device.Float64, DimsOf(1<<31, 1<<31, 1<<31), 1}, Bad: "too large"},
			{Name: "rank", Attr: Fill{device.Float64, DimsOf(make([]int, 40)...), 1}, Bad: "more than 16"},
			{Name: "dtype", Attr: Fill{DType: 77}, Bad: "dtype"},
			{Name: "attribute", Attr: 7, Bad: "attribute"},
		}
	},
})

// create returns the loop of a value without operands.
func create(out Aval, f func(e *loop.Expr) loop.Node) *loop.Expr {
	return loop.Elementwise(nil, out, func(e *loop.Expr, _ []loop.Node) loop.Node { return f(e) })
}

// Arange counts.
var Arange = Register(Op{
	Name: "arange", NumPy: "arange", Torch: "arange",
	Doc: "Start, Start+Step, ... before Stop, each computed as Start+i*Step; empty where Stop lies on the other side. " +
		"Refuses a step of 0, arguments that are not finite, bools, and integers with fractions.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		s, err := operandsAttr[Sequence]("arange", in, 0, attr)
		if err != nil {
			return nil, err
		}
		n := math.Ceil((s.Stop - s.Start) / s.Step)
		switch whole := s.Start == math.Trunc(s.Start) && s.Step == math.Trunc(s.Step); {
		case s.Step == 0:
			return nil, attrErr("arange", "a step of 0")
		case math.IsNaN(n) || math.IsInf(s.Start, 0) || math.IsInf(s.Step, 0):
			return nil, attrErr("arange", "no sequence from %v to %v by %v", s.Start, s.Stop, s.Step)
		case n > maxElements:
			return nil, attrErr("arange", "too many elements from %v to %v by %v", s.Start, s.Stop, s.Step)
		case s.DType == device.Bool:
			return nil, dtypeErr("arange", nil, "a sequence of bools")
		case s.DType.IsInt() && !whole:
			return nil, attrErr("arange", "a sequence of %v from %v by %v", s.DType, s.Start, s.Step)
		}
		return one(s.DType, []int{int(max(n, 0))}), nil
	},
	Loop: func(attr any, _ []Aval) *loop.Expr {
		s := attr.(Sequence)
		n := max(math.Ceil((s.Stop-s.Start)/s.Step), 0)
		return create(Aval{DType: s.DType, Shape: []int{int(n)}}, func(e *loop.Expr) loop.Node {
			wide := max(s.DType, device.Int64) // int32 steps are counted in int64
			if s.DType.IsFloat() {
				wide = device.Float64
			}
			i := e.Cast(wide, e.Iota(0))
			return e.Cast(s.DType, e.Binary(loop.Add, e.Const(wide, s.Start), e.Binary(loop.Mul, i, e.Const(wide, s.Step))))
		})
	},
	Cases: func() []Case {
		return []Case{
			{Name: "integers", Attr: Sequence{device.Int64, 2, 9, 3}, Want: []float64{2, 5, 8}, Shape: []int{3}},
			{Name: "down", Attr: Sequence{device.Int32, 3, 0, -1}, Want: []float64{3, 2, 1}},
			{Name: "fractions", Attr: Sequence{device.Float64, 0, 1, 0.25}, Want: []float64{0, 0.25, 0.5, 0.75}},
			{Name: "float32", Attr: Sequence{device.Float32, 0.5, 2, 1}, Want: []float64{0.5, 1.5}},
			{Name: "single", Attr: Sequence{device.Float64, 5, 6, 1}, Want: []float64{5}},
			{Name: "empty", Attr: Sequence{device.Float64, 1, 0, 1}, Want: []float64{}},
			{Name: "no step", Attr: Sequence{device.Float64, 0, 1, 0}, Bad: "step of 0"},
			{Name: "NaN", Attr: Sequence{device.Float64, 0, math.NaN(), 1}, Bad: "no sequence"},
			{Name: "too many", Attr: Sequence{device.Float64, 0, 1e300, 1}, Bad: "too many"},
			{Name: "integers with fractions", Attr: Sequence{device.Int64, 0, 3, 0.5}, Bad: "sequence of int64"},
			{Name: "bools", Attr: Sequence{device.Bool, 0, 2, 1}, Bad: "bool"},
		}
	},
})

// Linspace divides an interval.
var Linspace = Register(Op{
	Name: "linspace", NumPy: "linspace", Torch: "linspace",
	Doc: "N floats at equal distances, the first Start and the last exactly Stop; for N = 1 it is Start. Refuses a negative N, " +
		"a distance that is not finite, and types that are not float.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		s, err := operandsAttr[Spacing]("linspace", in, 0, attr)
		switch {
		case err != nil:
			return nil, err
		case !s.DType.IsFloat():
			return nil, dtypeErr("linspace", one(s.DType, nil), "takes a float type")
		case math.IsInf(s.Stop-s.Start, 0) || math.IsNaN(s.Stop-s.Start):
			return nil, attrErr("linspace", "no finite distance from %v to %v", s.Start, s.Stop)
		}
		return one(s.DType, []int{s.N}), nil
	},
	Loop: func(attr any, _ []Aval) *loop.Expr {
		s := attr.(Spacing)
		return create(Aval{DType: s.DType, Shape: []int{s.N}}, func(e *loop.Expr) loop.Node {
			i := e.Iota(0)
			f := func(v float64) loop.Node { return e.Const(device.Float64, v) }
			step := (s.Stop - s.Start) / float64(max(s.N-1, 1))
			v := e.Binary(loop.Add, f(s.Start), e.Binary(loop.Mul, e.Cast(device.Float64, i), f(step)))
			if s.N > 1 {
				v = e.Select(e.Binary(loop.Eq, i, e.ConstInt(device.Int64, int64(s.N-1))), f(s.Stop), v)
			}
			return e.Cast(s.DType, v)
		})
	},
	Cases: func() []Case {
		return []Case{
			{Name: "float64", Attr: Spacing{device.Float64, 1, 2, 5}, Want: []float64{1, 1.25, 1.5, 1.75, 2}, Shape: []int{5}},
			{Name: "float32", Attr: Spacing{device.Float32, 1, -1, 3}, Want: []float64{1, 0, -1}},
			{Name: "exact end", Attr: Spacing{device.Float64, 0, 0.7, 8}, Want: []float64{0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7}, Tol: 1e-15},
			{Name: "single", Attr: Spacing{device.Float64, 3, 4, 1}, Want: []float64{3}},
			{Name: "empty", Attr: Spacing{device.Float64, 3, 4, 0}, Want: []float64{}},
			{Name: "negative", Attr: Spacing{device.Float64, 3, 4, -1}, Bad: "negative"},
			{Name: "infinite", Attr: Spacing{device.Float64, -math.MaxFloat64, math.MaxFloat64, 3}, Bad: "no finite distance"},
			{Name: "integers", Attr: Spacing{device.Int64, 0, 1, 2}, Bad: "float"},
		}
	},
})

// Eye has ones on a diagonal.
var Eye = Register(Op{
	Name: "eye", NumPy: "eye", Torch: "eye",
	Doc: "A matrix of zeros with ones on the diagonal of the given Offset. Refuses negative sizes.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		id, err := operandsAttr[Identity]("eye", in, 0, attr)
		return one(id.DType, []int{id.Rows, id.Cols}), err
	},
	Loop: func(attr any, _ []Aval) *loop.Expr {
		id := attr.(Identity)
		return create(Aval{DType: id.DType, Shape: []int{id.Rows, id.Cols}}, func(e *loop.Expr) loop.Node {
			on := e.Binary(loop.Eq, e.Binary(loop.Sub, e.Iota(1), e.Iota(0)), e.ConstInt(device.Int64, int64(id.Offset)))
			return e.Select(on, e.Const(id.DType, 1), e.Const(id.DType, 0))
		})
	},
	Cases: func() []Case {
		return []Case{
			{Name: "square", Attr: Identity{device.Float64, 2, 2, 0}, Want: []float64{1, 0, 0, 1}, Shape: []int{2, 2}},
			{Name: "above", Attr: Identity{device.Float32, 2, 3, 1}, Want: []float64{0, 1, 0, 0, 0, 1}},
			{Name: "below", Attr: Identity{device.Int64, 3, 2, -2}, Want: []float64{0, 0, 0, 0, 1, 0}},
			{Name: "beside", Attr: Identity{device.Bool, 1, 2, 7}, Want: []float64{0, 0}},
			{Name: "empty", Attr: Identity{device.Float64, 0, 2, 0}, Want: []float64{}},
			{Name: "negative", Attr: Identity{device.Float64, -1, 2, 0}, Bad: "negative"},
		}
	},
})

// Cast converts elements to the type that is its attribute, a device.DType.
var Cast = Register(Op{
	Name: "cast", NumPy: "astype", Torch: "to",
	Doc: "The elements converted to another type: to an integer towards 0 (what lies beyond its range gives an unspecified " +
		"integer), to bool as true where not 0. Between floats the slope is 1, else there is none.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		dt, err := operandsAttr[device.DType]("cast", in, 1, attr)
		if err != nil {
			return nil, err
		}
		return one(dt, in[0].Shape), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		dt := attr.(device.DType)
		return loop.Elementwise(in, Aval{DType: dt, Shape: in[0].Shape}, func(e *loop.Expr, x []loop.Node) loop.Node {
			return convert(e, dt, x[0])
		})
	},
	Cases: func() []Case {
		return []Case{
			{Name: "to float32", Attr: device.Float32, In: []Sample{random(2, 3)}, Tol: 1e-7},
			{Name: "to float64", Attr: device.Float64, In: []Sample{random(2, 3)}},
			{Name: "truncated", Attr: device.Int64, In: []Sample{values(-1.7, 1.7, 0.3)}, Want: []float64{-1, 1, 0}, Kink: true, Slopes: []float64{0, 0, 0}},
			{Name: "to bool", Attr: device.Bool, In: []Sample{values(0, 0.3, math.NaN())}, Want: []float64{0, 1, 1}},
			{Name: "from bool", Attr: device.Float64, In: []Sample{bools(0, 1)}, Want: []float64{0, 1}},
			{Name: "wide integers", Attr: device.Int32, In: []Sample{ints(1, -5)}, Want: []float64{1, -5}},
			{Name: "empty", Attr: device.Int32, In: []Sample{random(0, 2)}},
			{Name: "dtype", Attr: device.DType(99), In: []Sample{random(2)}, Bad: "dtype"},
			{Name: "attribute", Attr: "float32", In: []Sample{random(2)}, Bad: "attribute"},
		}
	},
})

// convert is a Cast node, with bools meaning "not 0".
func convert(e *loop.Expr, dt device.DType, x loop.Node) loop.Node {
	if from := e.DType(x); dt == device.Bool && from != device.Bool {
		return e.Binary(loop.Ne, x, e.Like(x, 0))
	}
	return e.Cast(dt, x)
}

// Clone copies.
var Clone = Register(Op{
	Name: "clone", NumPy: "copy", Torch: "clone",
	Doc:   "A copy in memory of its own.",
	Infer: sameAval("clone"),
	Loop:  identity,
	View:  func(*Inst, *Array) (Array, bool) { return Array{}, false },
	Cases: identityCases,
})

// StopGradient ends derivatives.
var StopGradient = Register(Op{
	Name: "stop_gradient", NumPy: "- (no derivatives)", Torch: "detach", Kind: Opaque,
	Doc:   "The operand as a constant: no derivative passes.",
	Infer: sameAval("stop_gradient"),
	Loop:  identity,
	Batch: func(b Builder, inst *Inst, x []Val, _ Mask, _ int) []Val { return b.Apply(inst.Op, nil, x[0]) }, // still a constant
	Cases: func() []Case {
		return append([]Case{{Name: "slope", In: []Sample{values(1, 2)}, Kink: true, Slopes: []float64{0, 0}}}, identityCases()...)
	},
})

func identityCases() []Case {
	return []Case{
		{Name: "value", In: []Sample{values(1, -2).shaped(2, 1)}, Want: []float64{1, -2}, Shape: []int{2, 1}, Kink: true},
		{Name: "random", In: []Sample{random(2, 3)}},
		{Name: "bools", In: []Sample{bools(0, 1)}},
		{Name: "empty", In: []Sample{random(0, 3)}},
		{Name: "operands", In: []Sample{random(2), random(2)}, Bad: "takes 1"},
	}
}

func sameAval(op string) func(in []Aval, attr any) ([]Aval, error) {
	return func(in []Aval, attr any) ([]Aval, error) {
		if err := noAttr(op, attr); err != nil {
			return nil, err
		}
		if err := operands(op, in, 1); err != nil {
			return nil, err
		}
		return in, nil
	}
}

func identity(_ any, in []Aval) *loop.Expr {
	return loop.Elementwise(in, in[0], func(_ *loop.Expr, x []loop.Node) loop.Node { return x[0] })
}
