// Reductions and scans along axes.

package kernels

import (
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Sum, LogSumExp: loops with derived derivatives.
var (
	Sum = Register(Op{
		Name: "sum", NumPy: "sum", Torch: "sum",
		Doc:   "The sum along Axes, or of all elements; of nothing 0. Integers and bools are added as int64.",
		Infer: inferReduce("sum", asSum),
		Loop:  reduceLoop(loop.Sum, asSum),
		Cases: func() []Case {
			return append(reduceCases([]float64{1, 2, 3, 4, 5, 6}, 21, []float64{5, 7, 9}, []float64{6, 15}),
				Case{Name: "bools", Attr: AxesOf(false), In: []Sample{bools(1, 0, 1)}, Want: []float64{2}},
				Case{Name: "integers", Attr: AxesOf(false), In: []Sample{ints(1, 2, 4)}, Want: []float64{7}},
				Case{Name: "of nothing", Attr: AxesOf(false, 0), In: []Sample{random(0, 2)}, Want: []float64{0, 0}},
				Case{Name: "long", Attr: AxesOf(false, -1), In: []Sample{random(3, 1000)}, Tol: 1e-13})
		},
	})

	LogSumExp = Register(Op{
		Name: "logsumexp", NumPy: "logaddexp.reduce", Torch: "logsumexp",
		Doc: "log(Σ exp(x)) along Axes or of all elements, shifted by the maximum so that nothing overflows; of nothing -Inf. " +
			"The slope of an element that is -Inf beside greater ones is 0.",
		Infer: inferReduce("logsumexp", asFloat),
		Loop:  reduceLoop(loop.LSE, asFloat),
		Cases: func() []Case {
			return append(reduceCases([]float64{0, 0, 0, 0, 0, 0}, math.Log(6), []float64{math.Ln2, math.Ln2, math.Ln2}, []float64{math.Log(3), math.Log(3)}),
				Case{Name: "large", Attr: AxesOf(false), In: []Sample{values(1000, 1000)}, Want: []float64{1000 + math.Ln2}},
				Case{Name: "integers", Attr: AxesOf(false), In: []Sample{ints(0, 0)}, Want: []float64{math.Ln2}},
				Case{Name: "of nothing", Attr: AxesOf(false, 0), In: []Sample{random(0, 2)}, Want: []float64{math.Inf(-1), math.Inf(-1)}},
				Case{Name: "minus infinity", Attr: AxesOf(false), In: []Sample{values(math.Inf(-1), 0)}, Want: []float64{0}, Kink: true, Slopes: []float64{0, 1}})
		},
	})
)

// inferReduce is the type rule of a reduction over Axes, with the given result type.
func inferReduce(op string, result func(device.DType) device.DType) func(in []Aval, attr any) ([]Aval, error) {
	return func(in []Aval, attr any) ([]Aval, error) {
		a, err := operandsAttr[Axes](op, in, 1, attr)
		if err != nil {
			return nil, err
		}
		list, err := axes(op, a, in[0].Shape)
		return one(result(in[0].DType), reduced(in[0].Shape, list, a.Keep)), err
	}
}

// reduceLoop is the loop of a reduction: the result's axes, then the reduced ones.
func reduceLoop(combine loop.Combiner, result func(device.DType) device.DType) func(attr any, in []Aval) *loop.Expr {
	return func(attr any, in []Aval) *loop.Expr {
		a, shape := attr.(Axes), in[0].Shape
		list, _ := axes("", a, shape)
		out := Aval{DType: result(in[0].DType), Shape: reduced(shape, list, a.Keep)}
		sizes := slices.Clone(out.Shape)
		index := make([]loop.Lin, len(shape))
		at := 0
		for d, n := range shape {
			if slices.Contains(list, d) {
				index[d] = loop.At(len(sizes))
				sizes = append(sizes, n)
			} else {
				index[d] = loop.At(at)
			}
			if a.Keep || !slices.Contains(list, d) {
				at++
			}
		}
		e := loop.New(loop.Axes(sizes), in)
		reduce := combine
		if len(sizes) == len(out.Shape) {
			reduce = loop.NoReduce // of one element, all reductions are the element itself
		}
		e.Store(loop.Store{Value: e.Cast(out.DType, e.Load(0, index...)), Index: loop.Ats(len(out.Shape)), Reduce: reduce, Aval: out})
		return e
	}
}

// Reductions whose derivatives are rules. Their loops do not know them, so that
// their batches are the same ops again.
var (
	MaxReduce = Register(Op{
		Name: "max", NumPy: "max", Torch: "amax",
		Doc:   "The largest element along Axes or of all, NaN if any is. Equal ones share the slope. Refuses bools and the maximum of nothing.",
		Infer: inferExtreme("max"),
		Loop:  reduceLoop(loop.Max, sameType),
		JVP:   extremeJVP,
		VJP:   extremeVJP,
		Batch: batchReduce,
		Cases: func() []Case {
			return append(reduceCases([]float64{1, 5, 3, 4, 2, 6}, 6, []float64{4, 5, 6}, []float64{5, 6}), append(extremeCases(),
				Case{Name: "ties", Attr: AxesOf(false), In: []Sample{values(3, 1, 3)}, Want: []float64{3}, Kink: true, Slopes: []float64{0.5, 0, 0.5}},
			)...)
		},
	})

	MinReduce = Register(Op{
		Name: "min", NumPy: "min", Torch: "amin",
		Doc:   "The smallest element along Axes or of all, NaN if any is. Equal ones share the slope. Refuses bools and the minimum of nothing.",
		Infer: inferExtreme("min"),
		Loop:  reduceLoop(loop.Min, sameType),
		JVP:   extremeJVP,
		VJP:   extremeVJP,
		Batch: batchReduce,
		Cases: func() []Case {
			return append(reduceCases([]float64{1, 5, 3, 4, 2, 6}, 1, []float64{1, 2, 3}, []float64{1, 2}), append(extremeCases(),
				Case{Name: "ties", Attr: AxesOf(true, 0), In: []Sample{values(1, 3, 1, 1)}, Kink: true, Slopes: []float64{1. / 3, 0, 1. / 3, 1. / 3}},
			)...)
		},
	})

	Prod = Register(Op{
		Name: "prod", NumPy: "prod", Torch: "prod",
		Doc: "The product along Axes or of all elements; of nothing 1. Integers and bools are multiplied as int64. Its derivatives are " +
			"products of the other elements at every order, zeros among them or not.",
		Infer: inferReduce("prod", asSum),
		Loop:  reduceLoop(loop.Prod, asSum),
		JVP:   prodJVP,
		VJP:   prodVJP,
		Saves: func(*Inst, Mask) (in, out Mask) { return 1, 0 },
		Batch: batchReduce,
		Cases: func() []Case {
			return append(reduceCases([]float64{1, 2, 3, 4, 5, 6}, 720, []float64{4, 10, 18}, []float64{6, 120}),
				Case{Name: "zero", Attr: AxesOf(false), In: []Sample{values(2, 0, 3)}, Want: []float64{0}, Kink: true, Slopes: []float64{0, 6, 0}},
				Case{Name: "zeros", Attr: AxesOf(false), In: []Sample{values(0, 2, 0, 5)}},
				Case{Name: "odd", Attr: AxesOf(false, 1), In: []Sample{random(2, 7)}},
				Case{Name: "bools", Attr: AxesOf(false), In: []Sample{bools(1, 0)}, Want: []float64{0}},
				Case{Name: "of nothing", Attr: AxesOf(false, 0), In: []Sample{random(0, 2)}, Want: []float64{1, 1}})
		},
	})
)

func sameType(dt device.DType) device.DType { return dt }

// inferExtreme is inferReduce for what nothing has: a largest or smallest element.
func inferExtreme(op string) func(in []Aval, attr any) ([]Aval, error) {
	infer := inferReduce(op, sameType)
	return func(in []Aval, attr any) ([]Aval, error) {
		out, err := infer(in, attr)
		if err != nil {
			return nil, err
		}
		if err := numericOperands(op, in); err != nil {
			return nil, err
		}
		return out, refuseNothing(op, in, attr.(Axes))
	}
}

// refuseNothing refuses a reduction along an axis of size 0.
func refuseNothing(op string, in []Aval, a Axes) error {
	list, err := axes(op, a, in[0].Shape)
	for _, d := range list {
		if in[0].Shape[d] == 0 {
			return shapeErr(op, in, "axis %d is empty", d)
		}
	}
	return err
}

func extremeCases() []Case {
	return []Case{
		{Name: "NaN", Attr: AxesOf(false, 0), In: []Sample{values(1, math.NaN(), math.Inf(1), math.Inf(-1)).shaped(4)}, Want: []float64{math.NaN()}, Kink: true},
		{Name: "integers", Attr: AxesOf(false), In: []Sample{ints(4, 4)}, Want: []float64{4}},
		{Name: "empty result", Attr: AxesOf(false, 1), In: []Sample{random(0, 2)}, Shape: []int{0}},
		{Name: "of nothing", Attr: AxesOf(false, 0), In: []Sample{random(0, 2)}, Bad: "axis 0 is empty (shapes [0 2])"},
		{Name: "bools", Attr: AxesOf(false), In: []Sample{bools(1)}, Bad: "not bools"},
	}
}

// extremeShares returns the slope by each element of the operand: one over the
// number of elements equal to the result, for these. It is a constant.
func extremeShares(b Builder, inst *Inst, x, y Val) Val {
	list, _ := axes(inst.Name, inst.Attr.(Axes), inst.In[0].Shape)
	is := One(b, Cast, inst.In[0].DType, One(b, Eq, nil, x, reshape(b, y, reduced(inst.In[0].Shape, list, true)...)))
	return One(b, Div, nil, is, One(b, Sum, AxesOf(true, list...), is))
}

func extremeJVP(b Builder, inst *Inst, x, y, dx []Val) []Val {
	if dx[0] == nil {
		return []Val{nil}
	}
	if len(inst.In[0].Shape) == 0 {
		return dx
	}
	return b.Apply(Sum, inst.Attr, One(b, SMul, nil, extremeShares(b, inst, x[0], y[0]), dx[0]))
}

func extremeVJP(b Builder, inst *Inst, x, y, g []Val, _ Mask) []Val {
	if g[0] == nil || len(inst.In[0].Shape) == 0 {
		return g
	}
	list, _ := axes(inst.Name, inst.Attr.(Axes), inst.In[0].Shape)
	return b.Apply(SMul, nil, extremeShares(b, inst, x[0], y[0]), reshape(b, g[0], reduced(inst.In[0].Shape, list, true)...))
}

// batchReduce applies the reduction along the axes that follow a leading one.
func batchReduce(b Builder, inst *Inst, x []Val, _ Mask, _ int) []Val {
	a := inst.Attr.(Axes)
	list, _ := axes(inst.Name, a, inst.In[0].Shape)
	if len(list) == 0 {
		return x // reducing a scalar
	}
	for i := range list {
		list[i]++
	}
	return b.Apply(inst.Op, AxesOf(a.Keep, list...), x[0])
}

// Mean, Softmax and LogSoftmax are made of other ops.
var (
	Mean = Register(Op{
		Name: "mean", NumPy: "mean", Torch: "mean", Kind: Composite,
		Doc:   "The mean along Axes or of all elements, of integers and bools a float64; of nothing NaN.",
		Infer: inferReduce("mean", asFloat),
		Compose: func(b Builder, attr any, in []Val) []Val {
			x := castTo(b, asFloat(in[0].Aval().DType), in[0])
			n := 1
			list, _ := axes("mean", attr.(Axes), x.Aval().Shape)
			for _, d := range list {
				n *= x.Aval().Shape[d]
			}
			return b.Apply(Div, nil, One(b, Sum, attr, x), b.Full(float64(n), Aval{DType: x.Aval().DType}))
		},
		Cases: func() []Case {
			return append(reduceCases([]float64{1, 2, 3, 4, 5, 6}, 3.5, []float64{2.5, 3.5, 4.5}, []float64{2, 5}),
				Case{Name: "integers", Attr: AxesOf(false), In: []Sample{ints(1, 2)}, Want: []float64{1.5}},
				Case{Name: "of nothing", Attr: AxesOf(false), In: []Sample{random(0)}, Want: []float64{math.NaN()}, Kink: true})
		},
	})

	Softmax = Register(Op{
		Name: "softmax", NumPy: "- (scipy.special.softmax)", Torch: "softmax", Kind: Composite,
		Doc:   "exp(x)/Σ exp(x) along Axes or of all elements, shifted by the maximum so that nothing overflows.",
		Infer: inferNormalize("softmax"),
		Compose: func(b Builder, attr any, in []Val) []Val {
			e := One(b, Exp, nil, shifted(b, attr, in[0]))
			return b.Apply(Div, nil, e, One(b, Sum, keep(attr), e))
		},
		Cases: func() []Case {
			return append(normalizeCases(),
				Case{Name: "value", Attr: AxesOf(false, -1), In: []Sample{values(0, math.Ln2, 5, 5).shaped(2, 2)}, Want: []float64{1. / 3, 2. / 3, 0.5, 0.5}},
				Case{Name: "large", Attr: AxesOf(false, 0), In: []Sample{values(1000, 1000)}, Want: []float64{0.5, 0.5}})
		},
	})

	LogSoftmax = Register(Op{
		Name: "log_softmax", NumPy: "- (scipy.special.log_softmax)", Torch: "log_softmax", Kind: Composite,
		Doc:   "x - log(Σ exp(x)) along Axes or of all elements, shifted by the maximum so that nothing overflows.",
		Infer: inferNormalize("log_softmax"),
		Compose: func(b Builder, attr any, in []Val) []Val {
			x := shifted(b, attr, in[0])
			return b.Apply(Sub, nil, x, One(b, LogSumExp, keep(attr), x))
		},
		Cases: func() []Case {
			return append(normalizeCases(),
				Case{Name: "value", Attr: AxesOf(false, -1), In: []Sample{values(5, 5)}, Want: []float64{-math.Ln2, -math.Ln2}},
				Case{Name: "large", Attr: AxesOf(false, 0), In: []Sample{values(1000, 0)}, Want: []float64{0, -1000}})
		},
	})
)

// keep is the Axes attribute with Keep set.
func keep(attr any) Axes {
	a := attr.(Axes)
	a.Keep = true
	return a
}

// shifted subtracts the maximum along the axes, a constant to derivatives.
func shifted(b Builder, attr any, x Val) Val {
	x = castTo(b, asFloat(x.Aval().DType), x)
	if x.Aval().Size() == 0 {
		return x
	}
	return One(b, Sub, nil, x, One(b, StopGradient, nil, One(b, MaxReduce, keep(attr), x)))
}

func inferNormalize(op string) func(in []Aval, attr any) ([]Aval, error) {
	return func(in []Aval, attr any) ([]Aval, error) {
		a, err := operandsAttr[Axes](op, in, 1, attr)
		if err != nil {
			return nil, err
		}
		_, err = axes(op, a, in[0].Shape)
		return one(asFloat(in[0].DType), in[0].Shape), err
	}
}

func normalizeCases() []Case {
	return []Case{
		{Name: "last axis", Attr: AxesOf(false, -1), In: []Sample{random(2, 3)}},
		{Name: "first axis", Attr: AxesOf(false, 0), In: []Sample{random(2, 3)}},
		{Name: "all", Attr: AxesOf(false), In: []Sample{random(2, 3)}},
		{Name: "scalar", Attr: AxesOf(false), In: []Sample{random()}},
		{Name: "integers", Attr: AxesOf(false), In: []Sample{ints(0, 1)}},
		{Name: "large", Attr: AxesOf(false, 1), In: []Sample{random(17, 67)}},
		{Name: "empty", Attr: AxesOf(false, 0), In: []Sample{random(0, 3)}},
		{Name: "minus infinity", Attr: AxesOf(false), In: []Sample{values(math.Inf(-1), 0, 1)}, Kink: true},
		{Name: "out of range", Attr: AxesOf(false, 2), In: []Sample{random(2, 3)}, Bad: "axis 2 out of range for shape [2 3]"},
	}
}

// reduceCases are the cases of a reduction that gives the results all, and
// along axes 0 and 1, on the elements x of a 2×3 matrix.
func reduceCases(x []float64, all float64, rows, columns []float64) []Case {
	m := []Sample{values(x...).shaped(2, 3)}
	return []Case{
		{Name: "all", Attr: AxesOf(false), In: m, Want: []float64{all}, Shape: []int{}, Kink: true},
		{Name: "axis 0", Attr: AxesOf(false, 0), In: m, Want: rows, Shape: []int{3}, Kink: true},
		{Name: "axis 1, kept", Attr: AxesOf(true, -1), In: m, Want: columns, Shape: []int{2, 1}, Kink: true},
		{Name: "random", Attr: AxesOf(false), In: []Sample{random(2, 3)}},
		{Name: "middle axis", Attr: AxesOf(false, 1), In: []Sample{random(2, 3, 2)}, Shape: []int{2, 2}},
		{Name: "two axes", Attr: AxesOf(false, 0, 2), In: []Sample{random(2, 3, 2)}, Shape: []int{3}},
		{Name: "two axes, kept", Attr: AxesOf(true, 2, 0), In: []Sample{random(2, 3, 2)}, Shape: []int{1, 3, 1}},
		{Name: "large rows", Attr: AxesOf(false, 1), In: []Sample{within(0.9, 1.1, 17, 67)}, Tol: 1e-13},
		{Name: "large columns", Attr: AxesOf(false, 0), In: []Sample{within(0.9, 1.1, 67, 17)}, Tol: 1e-13},
		{Name: "size 1", Attr: AxesOf(false, 0), In: []Sample{random(1, 3)}},
		{Name: "scalar", Attr: AxesOf(false), In: []Sample{random()}, Shape: []int{}},
		{Name: "empty beside", Attr: AxesOf(false, 1), In: []Sample{random(0, 2)}, Shape: []int{0}},
		{Name: "out of range", Attr: AxesOf(false, 2), In: []Sample{random(2, 3)}, Bad: "axis 2 out of range for shape [2 3]"},
		{Name: "far out of range", Attr: AxesOf(false, 256), In: []Sample{random(2, 3)}, Bad: "out of range"},
		{Name: "twice", Attr: AxesOf(false, 1, -1), In: []Sample{random(2, 3)}, Bad: "given twice"},
		{Name: "attribute", In: []Sample{random(2, 3)}, Bad: "attribute"},
	}
}

// ArgMax and ArgMin find positions.
var (
	ArgMax = Register(Op{
		Name: "argmax", NumPy: "argmax", Torch: "argmax", Kind: Opaque,
		Doc: "The index of the first largest element along one axis, or without an axis of all in row-major order, an int64; the first " +
			"NaN counts as largest. Refuses more than one axis and an empty one.",
		Infer: inferArg("argmax"),
		Batch: batchArg,
		Cases: func() []Case {
			return append([]Case{
				{Name: "axis 0", Attr: AxesOf(false, 0), In: []Sample{values(1, 5, 3, 4, 5, 6).shaped(2, 3)}, Want: []float64{1, 0, 1}, Shape: []int{3}},
				{Name: "all", Attr: AxesOf(false), In: []Sample{values(1, 6, 3, 4, 5, 6).shaped(2, 3)}, Want: []float64{1}, Shape: []int{}},
				{Name: "NaN", Attr: AxesOf(false), In: []Sample{values(1, math.NaN(), math.Inf(1), math.NaN())}, Want: []float64{1}},
			}, argCases()...)
		},
	})

	ArgMin = Register(Op{
		Name: "argmin", NumPy: "argmin", Torch: "argmin", Kind: Opaque,
		Doc: "The index of the first smallest element along one axis, or without an axis of all in row-major order, an int64; the first " +
			"NaN counts as smallest. Refuses more than one axis and an empty one.",
		Infer: inferArg("argmin"),
		Batch: batchArg,
		Cases: func() []Case {
			return append([]Case{
				{Name: "axis 0", Attr: AxesOf(false, 0), In: []Sample{values(1, 5, 7, 4, 5, 6).shaped(2, 3)}, Want: []float64{0, 0, 1}, Shape: []int{3}},
				{Name: "all", Attr: AxesOf(false), In: []Sample{values(3, 6, 1, 4, 1, 6).shaped(2, 3)}, Want: []float64{2}, Shape: []int{}},
				{Name: "NaN", Attr: AxesOf(false), In: []Sample{values(1, math.NaN(), math.Inf(-1), math.NaN())}, Want: []float64{1}},
			}, argCases()...)
		},
	})
)

func argCases() []Case {
	return []Case{
		{Name: "last axis, kept", Attr: AxesOf(true, -1), In: []Sample{random(2, 3)}, Shape: []int{2, 1}},
		{Name: "all, kept", Attr: AxesOf(true), In: []Sample{random(2, 3)}, Shape: []int{1, 1}},
		{Name: "integers", Attr: AxesOf(false, 0), In: []Sample{ints(2, 3, 1)}},
		{Name: "bools", Attr: AxesOf(false, 0), In: []Sample{bools(0, 1, 0, 1)}},
		{Name: "scalar", Attr: AxesOf(false), In: []Sample{random()}, Want: []float64{0}},
		{Name: "empty beside", Attr: AxesOf(false, 1), In: []Sample{random(0, 2)}, Shape: []int{0}},
		{Name: "of nothing", Attr: AxesOf(false, 0), In: []Sample{random(0, 2)}, Bad: "axis 0 is empty (shapes [0 2])"},
		{Name: "two axes", Attr: AxesOf(false, 0, 1), In: []Sample{random(2, 2)}, Bad: "one axis"},
		{Name: "out of range", Attr: AxesOf(false, 1), In: []Sample{random(2)}, Bad: "axis 1 out of range for shape [2]"},
	}
}

func inferArg(op string) func(in []Aval, attr any) ([]Aval, error) {
	infer := inferReduce(op, func(device.DType) device.DType { return device.Int64 })
	return func(in []Aval, attr any) ([]Aval, error) {
		out, err := infer(in, attr)
		if err != nil {
			return nil, err
		}
		if a := attr.(Axes); a.N > 1 {
			return nil, attrErr(op, "takes at most one axis, got %d", a.N)
		}
		return out, refuseNothing(op, in, attr.(Axes))
	}
}

func batchArg(b Builder, inst *Inst, x []Val, _ Mask, n int) []Val {
	a := inst.Attr.(Axes)
	if a.N == 0 { // the axes of one example, made one
		flat := One(b, inst.Op, AxesOf(false, 1), reshape(b, x[0], n, inst.In[0].Size()))
		return []Val{reshape(b, flat, append([]int{n}, inst.Out[0].Shape...)...)}
	}
	ax, _ := oneAxis(inst.Name, a, inst.In[0].Shape)
	return b.Apply(inst.Op, AxesOf(a.Keep, ax+1), x[0])
}

// CumSum adds up along an axis.
var CumSum = Register(Op{
	Name: "cumsum", NumPy: "cumsum", Torch: "cumsum", Kind: Library,
	Doc: "The sums of the elements up to and with each one along an axis, from the end where Scan says reverse. Integers and bools " +
		"are added as int64.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		s, err := operandsAttr[Scan]("cumsum", in, 1, attr)
		if err != nil {
			return nil, err
		}
		_, err = axis("cumsum", int(s.Axis), in[0].Shape)
		return one(asSum(in[0].DType), in[0].Shape), err
	},
	JVP: linear,
	VJP: func(b Builder, inst *Inst, _, _, g []Val, _ Mask) []Val {
		if g[0] == nil {
			return []Val{nil}
		}
		s := inst.Attr.(Scan)
		s.Reverse = !s.Reverse
		return b.Apply(inst.Op, s, g[0])
	},
	Saves: savesNothing,
	Structure: func(inst *Inst) Structure {
		s, prefix := sameElements(inst), inst.Attr.(Scan)
		s.Prefix = &prefix
		return s
	},
	Batch: func(b Builder, inst *Inst, x []Val, _ Mask, _ int) []Val {
		s := inst.Attr.(Scan)
		ax, _ := axis("cumsum", int(s.Axis), inst.In[0].Shape)
		s.Axis = int8(ax + 1)
		return b.Apply(inst.Op, s, x[0])
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: Scan{Axis: 0}, In: []Sample{values(1, 2, 3)}, Want: []float64{1, 3, 6}},
			{Name: "reverse", Attr: Scan{0, true}, In: []Sample{values(1, 2, 3)}, Want: []float64{6, 5, 3}},
			{Name: "last axis", Attr: Scan{Axis: -1}, In: []Sample{random(2, 3)}},
			{Name: "first axis", Attr: Scan{0, true}, In: []Sample{random(3, 2)}},
			{Name: "large", Attr: Scan{Axis: 1}, In: []Sample{random(17, 67)}, Tol: 1e-13},
			{Name: "integers", Attr: Scan{Axis: 0}, In: []Sample{ints(1, 2, 3)}, Want: []float64{1, 3, 6}},
			{Name: "bools", Attr: Scan{Axis: 0}, In: []Sample{bools(1, 0, 1)}, Want: []float64{1, 1, 2}},
			{Name: "empty", Attr: Scan{Axis: 0}, In: []Sample{random(0, 2)}},
			{Name: "out of range", Attr: Scan{Axis: 1}, In: []Sample{random(3)}, Bad: "axis 1 out of range for shape [3]"},
			{Name: "scalar", Attr: Scan{}, In: []Sample{random()}, Bad: "axis 0 out of range for shape []"},
		}
	},
})
