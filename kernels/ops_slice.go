// Selections and paddings: slices, flips, zeros around.

package kernels

import "github.com/cotangent-ad/cotangent/kernels/loop"

// Slice selects ranges of indices.
var Slice = Register(Op{
	Name: "slice", NumPy: "x[a:b:c, i]", Torch: "x[a:b:c, i] (PyTorch has no negative steps)",
	Doc: "The elements at a Range of each leading dimension, by the rules of Python's slices. A view. Refuses a step of 0, an " +
		"item out of range, and more ranges than dimensions.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		cuts, err := cut(in, attr)
		if err != nil {
			return nil, err
		}
		shape := make([]int, 0, len(cuts))
		for _, c := range cuts {
			if !c.drop {
				shape = append(shape, c.n)
			}
		}
		return one(in[0].DType, shape), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		cuts, _ := cut(in, attr)
		var shape []int
		index := make([]loop.Lin, len(cuts))
		for d, c := range cuts {
			if c.drop || c.n == 0 {
				index[d] = loop.Fixed(c.start)
			} else {
				index[d] = loop.Affine(c.start, loop.Term{Axis: len(shape), Coef: c.step})
			}
			if !c.drop {
				shape = append(shape, c.n)
			}
		}
		return rearrange(in, shape, index)
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: RangesOf(Stepped(1, End, 2)), In: []Sample{values(0, 1, 2, 3, 4, 5)}, Want: []float64{1, 3, 5}, Shape: []int{3}},
			{Name: "backwards", Attr: RangesOf(Stepped(End, Begin, -2)), In: []Sample{values(0, 1, 2, 3, 4, 5)}, Want: []float64{5, 3, 1}},
			{Name: "from the end", Attr: RangesOf(From(-2, End)), In: []Sample{values(0, 1, 2, 3)}, Want: []float64{2, 3}},
			{Name: "cut off", Attr: RangesOf(From(-9, 9), Stepped(9, -9, -1)), In: []Sample{random(2, 3)}, Shape: []int{2, 3}},
			{Name: "last column", Attr: RangesOf(All(), Item(-1)), In: []Sample{values(1, 2, 3, 4).shaped(2, 2)}, Want: []float64{2, 4}, Shape: []int{2}},
			{Name: "leading", Attr: RangesOf(Item(1)), In: []Sample{random(2, 3, 2)}, Shape: []int{3, 2}},
			{Name: "item", Attr: RangesOf(Item(0), Item(2)), In: []Sample{random(2, 3)}, Shape: []int{}},
			{Name: "large", Attr: RangesOf(Stepped(End, 0, -3), From(1, End)), In: []Sample{random(67, 31)}},
			{Name: "nothing", Attr: RangesOf(From(2, 1)), In: []Sample{random(3, 2)}, Shape: []int{0, 2}},
			{Name: "empty", Attr: RangesOf(Stepped(0, End, 2)), In: []Sample{random(0, 2)}, Shape: []int{0, 2}},
			{Name: "far step", Attr: RangesOf(Stepped(1, End, End)), In: []Sample{random(3)}, Shape: []int{1}},
			{Name: "no step", Attr: RangesOf(Stepped(0, 1, 0)), In: []Sample{random(3)}, Bad: "step of 0"},
			{Name: "item out of range", Attr: RangesOf(Item(3)), In: []Sample{random(3)}, Bad: "index 3 out of range for a dimension of size 3"},
			{Name: "item out of range below", Attr: RangesOf(Item(Begin)), In: []Sample{random(3)}, Bad: "out of range"},
			{Name: "too many", Attr: RangesOf(All(), All()), In: []Sample{random(3)}, Bad: "2 ranges"},
		}
	},
})

// cutDim is a Range applied to a dimension: n indices from start on.
type cutDim struct {
	start, step, n int
	drop           bool
}

func cut(in []Aval, attr any) ([]cutDim, error) {
	r, err := operandsAttr[Ranges]("slice", in, 1, attr)
	if err != nil {
		return nil, err
	}
	if err := listFits("slice", r.N); err != nil {
		return nil, err
	}
	shape := in[0].Shape
	if int(r.N) > len(shape) {
		return nil, shapeErr("slice", in, "%d ranges for %d dimensions", r.N, len(shape))
	}
	cuts := make([]cutDim, len(shape))
	for d, n := range shape {
		selected := All()
		if d < int(r.N) {
			selected = r.Range[d]
		}
		if cuts[d], err = selected.cut(n); err != nil {
			return nil, err
		}
	}
	return cuts, nil
}

// cut applies the range to a dimension of size n.
func (r Range) cut(n int) (cutDim, error) {
	if r.Drop {
		if r.Start < -n || r.Start >= n {
			return cutDim{}, &IndexError{Op: "slice", Index: int64(r.Start), Size: n}
		}
		return cutDim{start: wrap(r.Start, n), step: 1, n: 1, drop: true}, nil
	}
	switch {
	case r.Step == 0:
		return cutDim{}, attrErr("slice", "a step of 0")
	case r.Step > 0:
		start, stop := min(wrap(r.Start, n), n), min(wrap(r.Stop, n), n)
		start, stop = max(start, 0), max(stop, 0)
		return cutDim{start, r.Step, steps(stop-start, r.Step), false}.clean(), nil
	default:
		start, stop := min(wrap(r.Start, n), n-1), min(wrap(r.Stop, n), n-1)
		start, stop = max(start, -1), max(stop, -1)
		step := max(r.Step, -End) // the least int has no negative
		return cutDim{start, step, steps(start-stop, -step), false}.clean(), nil
	}
}

// wrap counts a negative index from the end, and leaves one that is too far
// below zero negative.
func wrap(i, n int) int {
	if i < 0 && i >= -n {
		return i + n
	}
	return i
}

// steps returns how many steps of the given size begin before length.
func steps(length, step int) int {
	if length <= 0 {
		return 0
	}
	return (length-1)/step + 1
}

// clean makes a selection of one or none independent of its step.
func (c cutDim) clean() cutDim {
	if c.n <= 1 {
		c.step = 1
	}
	if c.n == 0 {
		c.start = 0
	}
	return c
}

// Flip reverses dimensions.
var Flip = Register(Op{
	Name: "flip", NumPy: "flip", Torch: "flip",
	Doc: "The elements in reverse order along the given Axes, or along all. A view.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		a, err := operandsAttr[Axes]("flip", in, 1, attr)
		if err != nil {
			return nil, err
		}
		_, err = axes("flip", a, in[0].Shape)
		return one(in[0].DType, in[0].Shape), err
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		flipped, _ := axes("flip", attr.(Axes), in[0].Shape)
		index := loop.Ats(len(in[0].Shape))
		for _, d := range flipped {
			index[d] = loop.Affine(max(in[0].Shape[d]-1, 0), loop.Term{Axis: d, Coef: -1})
		}
		return rearrange(in, in[0].Shape, index)
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: AxesOf(false, -1), In: []Sample{values(1, 2, 3, 4).shaped(2, 2)}, Want: []float64{2, 1, 4, 3}},
			{Name: "all", Attr: AxesOf(false), In: []Sample{values(1, 2, 3, 4).shaped(2, 2)}, Want: []float64{4, 3, 2, 1}},
			{Name: "random", Attr: AxesOf(false, 0), In: []Sample{random(3, 2)}},
			{Name: "empty", Attr: AxesOf(false), In: []Sample{random(0, 2)}},
			{Name: "out of range", Attr: AxesOf(false, 2), In: []Sample{random(2, 2)}, Bad: "axis 2 out of range for shape [2 2]"},
		}
	},
})

// Pad adds zeros around.
var Pad = Register(Op{
	Name: "pad", NumPy: "pad (constant 0)", Torch: "nn.functional.pad (constant 0)",
	Doc: "The operand with zeros before and after each dimension, or with elements cut off where the numbers are negative. " +
		"Refuses what leaves a negative size.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		p, err := operandsAttr[Padding]("pad", in, 1, attr)
		if err != nil {
			return nil, err
		}
		if err := listFits("pad", p.N); err != nil {
			return nil, err
		}
		if int(p.N) != len(in[0].Shape) {
			return nil, shapeErr("pad", in, "%d paddings for %d dimensions", p.N, len(in[0].Shape))
		}
		shape := make([]int, p.N)
		for d, n := range in[0].Shape {
			if max(p.Lo[d], -p.Lo[d], p.Hi[d], -p.Hi[d]) > maxElements || min(p.Lo[d], p.Hi[d]) == Begin {
				return nil, attrErr("pad", "a padding is too large")
			}
			shape[d] = p.Lo[d] + n + p.Hi[d]
		}
		return one(in[0].DType, shape), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		p := attr.(Padding)
		shape := make([]int, p.N)
		index := make([]loop.Lin, p.N)
		for d, n := range in[0].Shape {
			shape[d] = p.Lo[d] + n + p.Hi[d]
			index[d] = loop.At(d).Plus(-p.Lo[d])
		}
		e := loop.New(loop.Axes(shape), in)
		e.Store(loop.Store{Value: e.LoadGuarded(0, index...), Index: loop.Ats(len(shape)), Aval: Aval{DType: in[0].DType, Shape: shape}})
		return e
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: PaddingOf([]int{1}, []int{2}), In: []Sample{values(5, 6)}, Want: []float64{0, 5, 6, 0, 0}, Shape: []int{5}},
			{Name: "two dimensions", Attr: PaddingOf([]int{0, 1}, []int{2, 0}), In: []Sample{random(2, 3)}, Shape: []int{4, 4}},
			{Name: "cut off", Attr: PaddingOf([]int{-1}, []int{1}), In: []Sample{values(5, 6, 7)}, Want: []float64{6, 7, 0}},
			{Name: "large", Attr: PaddingOf([]int{3, 5}, []int{-1, 1}), In: []Sample{random(33, 35)}},
			{Name: "shifted", Attr: PaddingOf([]int{1, 1}, []int{-1, -1}), In: []Sample{random(5, 4)}},
			{Name: "shifted back", Attr: PaddingOf([]int{-1, -4}, []int{1, 4}), In: []Sample{random(5, 9)}},
			{Name: "none", Attr: PaddingOf([]int{0, 0}, []int{0, 0}), In: []Sample{random(2, 3)}},
			{Name: "empty", Attr: PaddingOf([]int{1}, []int{1}), In: []Sample{random(0)}, Want: []float64{0, 0}},
			{Name: "all cut off", Attr: PaddingOf([]int{-1}, []int{-1}), In: []Sample{random(1)}, Bad: "negative"},
			{Name: "rank", Attr: PaddingOf([]int{1}, []int{1}), In: []Sample{random(2, 2)}, Bad: "1 paddings"},
			{Name: "lengths", Attr: PaddingOf([]int{1}, nil), In: []Sample{random(2)}, Bad: "different lengths"},
			{Name: "huge", Attr: PaddingOf([]int{End}, []int{End}), In: []Sample{random(2)}, Bad: "too large"},
		}
	},
})
