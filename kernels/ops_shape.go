// Shapes: the same elements with other dimensions.

package kernels

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Reshape gives the elements another shape.
var Reshape = Register(Op{
	Name: "reshape", NumPy: "reshape", Torch: "reshape", Kind: Library,
	Doc: "The elements in row-major order in another shape, one number of which may be -1: what is left. A view where the layout " +
		"allows it. Refuses shapes of another size, and -1 beside a size of 0.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		d, err := operandsAttr[Dims]("reshape", in, 1, attr)
		if err != nil {
			return nil, err
		}
		shape, err := dims("reshape", d)
		if err != nil {
			return nil, err
		}
		if i := slices.Index(shape, -1); i >= 0 {
			shape[i] = 1
			switch n, ok := product(shape); {
			case slices.Contains(shape, -1):
				return nil, shapeErr("reshape", in, "only one size of %v may be -1", d.List())
			case slices.Contains(shape, 0):
				return nil, shapeErr("reshape", in, "beside a size of 0 nothing tells what -1 stands for in %v", d.List())
			case ok:
				shape[i] = in[0].Size() / n
			}
		}
		if _, ok := product(shape); !ok || (Aval{Shape: shape}).Size() != in[0].Size() {
			return nil, shapeErr("reshape", in, "%d elements do not fill the shape %v", in[0].Size(), d.List())
		}
		return one(in[0].DType, shape), nil
	},
	JVP: linear,
	VJP: func(b Builder, inst *Inst, _, _, g []Val, _ Mask) []Val {
		if g[0] == nil {
			return []Val{nil}
		}
		return b.Apply(inst.Op, DimsOf(inst.In[0].Shape...), g[0])
	},
	Saves:     savesNothing,
	Structure: sameElements,
	Batch: func(b Builder, inst *Inst, x []Val, _ Mask, n int) []Val {
		return b.Apply(inst.Op, DimsOf(append([]int{n}, inst.Out[0].Shape...)...), x[0])
	},
	View: viewReshape,
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: DimsOf(3, 2), In: []Sample{values(1, 2, 3, 4, 5, 6).shaped(2, 3)}, Want: []float64{1, 2, 3, 4, 5, 6}, Shape: []int{3, 2}},
			{Name: "rest", Attr: DimsOf(2, -1, 2), In: []Sample{random(3, 4)}, Shape: []int{2, 3, 2}},
			{Name: "flat", Attr: DimsOf(-1), In: []Sample{random(2, 3, 2)}, Shape: []int{12}},
			{Name: "ones", Attr: DimsOf(1, 2, 1, 3), In: []Sample{random(2, 3)}},
			{Name: "scalar", Attr: DimsOf(), In: []Sample{random(1, 1)}, Shape: []int{}},
			{Name: "integers", Attr: DimsOf(2, 2), In: []Sample{ints(1, 2, 3, 4)}},
			{Name: "empty", Attr: DimsOf(3, 0), In: []Sample{random(0, 2)}, Shape: []int{3, 0}},
			{Name: "other size", Attr: DimsOf(4), In: []Sample{random(2, 3)}, Bad: "6 elements do not fill the shape [4] (shapes [2 3])"},
			{Name: "no rest", Attr: DimsOf(4, -1), In: []Sample{random(2, 3)}, Bad: "do not fill the shape"},
			{Name: "two rests", Attr: DimsOf(-1, -1), In: []Sample{random(2, 3)}, Bad: "only one size"},
			{Name: "rest of nothing", Attr: DimsOf(0, -1), In: []Sample{random(0, 3)}, Bad: "nothing tells what -1 stands for"},
			{Name: "overflow", Attr: DimsOf(1<<62, 4), In: []Sample{random(0)}, Bad: "do not fill the shape"},
		}
	},
})

// viewReshape finds strides for the new shape: the old dimensions are merged to
// blocks without gaps, and the new ones dealt out of the blocks.
func viewReshape(inst *Inst, in *Array) (Array, bool) {
	shape := inst.Out[0].Shape
	v := Array{Aval: inst.Out[0], Ptr: in.Ptr, Buf: in.Buf}
	if in.Dense() || in.Size() == 0 {
		return v, true
	}
	type block struct{ n, stride int }
	var blocks []block
	for d, n := range in.Shape {
		stride, last := in.Stride(d), len(blocks)-1
		switch {
		case n == 1:
		case last >= 0 && blocks[last].stride == n*stride:
			blocks[last] = block{blocks[last].n * n, stride}
		default:
			blocks = append(blocks, block{n, stride})
		}
	}
	v.Strides = make([]int, len(shape))
	rest := block{1, 1}
	for d := len(shape) - 1; d >= 0; d-- {
		if rest.n == 1 && shape[d] != 1 {
			rest, blocks = blocks[len(blocks)-1], blocks[:len(blocks)-1]
		}
		if rest.n%shape[d] != 0 {
			return Array{}, false
		}
		v.Strides[d] = rest.stride
		rest = block{rest.n / shape[d], rest.stride * shape[d]}
	}
	return v, true
}

func savesNothing(*Inst, Mask) (in, out Mask) { return 0, 0 }

// Transpose permutes dimensions.
var Transpose = Register(Op{
	Name: "transpose", NumPy: "transpose", Torch: "permute",
	Doc: "The dimensions in the order of the given Axes, reversed where none are given. A view. Refuses what is no permutation.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		perm, err := permutation(in, attr)
		if err != nil {
			return nil, err
		}
		shape := make([]int, len(perm))
		for d, p := range perm {
			shape[d] = in[0].Shape[p]
		}
		return one(in[0].DType, shape), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		perm, _ := permutation(in, attr)
		shape := make([]int, len(perm))
		index := make([]loop.Lin, len(perm))
		for d, p := range perm {
			shape[d] = in[0].Shape[p]
			index[p] = loop.At(d)
		}
		return rearrange(in, shape, index)
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: AxesOf(false), In: []Sample{values(1, 2, 3, 4, 5, 6).shaped(2, 3)}, Want: []float64{1, 4, 2, 5, 3, 6}, Shape: []int{3, 2}},
			{Name: "cycle", Attr: AxesOf(false, 1, 2, 0), In: []Sample{random(2, 3, 4)}, Shape: []int{3, 4, 2}},
			{Name: "large", Attr: AxesOf(false), In: []Sample{random(37, 41)}},
			{Name: "negative axes", Attr: AxesOf(false, 0, -1, 1), In: []Sample{random(2, 3, 4)}, Shape: []int{2, 4, 3}},
			{Name: "scalar", Attr: AxesOf(false), In: []Sample{random()}},
			{Name: "empty", Attr: AxesOf(false), In: []Sample{random(0, 3)}, Shape: []int{3, 0}},
			{Name: "too few", Attr: AxesOf(false, 1), In: []Sample{random(2, 3)}, Bad: "1 axes for 2 dimensions"},
			{Name: "twice", Attr: AxesOf(false, 0, -2), In: []Sample{random(2, 3)}, Bad: "given twice"},
			{Name: "out of range", Attr: AxesOf(false, 0, 256), In: []Sample{random(2, 3)}, Bad: "out of range"},
		}
	},
})

// permutation returns the Axes of a transpose.
func permutation(in []Aval, attr any) ([]int, error) {
	a, err := operandsAttr[Axes]("transpose", in, 1, attr)
	if err != nil {
		return nil, err
	}
	rank := len(in[0].Shape)
	if a.N == 0 {
		perm := upTo(rank)
		slices.Reverse(perm)
		return perm, nil
	}
	perm, err := axesInOrder("transpose", a, in[0].Shape)
	if err == nil && len(perm) != rank {
		err = shapeErr("transpose", in, "%d axes for %d dimensions", len(perm), rank)
	}
	return perm, err
}

// rearrange is the loop over shape whose result is the operand at index.
func rearrange(in []Aval, shape []int, index []loop.Lin) *loop.Expr {
	e := loop.New(loop.Axes(shape), in)
	e.Store(loop.Store{Value: e.Load(0, index...), Index: loop.Ats(len(shape)), Aval: Aval{DType: in[0].DType, Shape: shape}})
	return e
}

// BroadcastTo repeats along dimensions of size 1 and new leading ones.
var BroadcastTo = Register(Op{
	Name: "broadcast_to", NumPy: "broadcast_to", Torch: "broadcast_to",
	Doc: "The operand repeated to a shape, along new leading dimensions and those of size 1. A view. Refuses shapes that do not fit.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		d, err := operandsAttr[Dims]("broadcast_to", in, 1, attr)
		if err != nil {
			return nil, err
		}
		shape, err := dims("broadcast_to", d)
		if err != nil {
			return nil, err
		}
		if all, ok := broadcast(shape, in[0].Shape); !ok || !slices.Equal(all, shape) {
			return nil, shapeErr("broadcast_to", in, "cannot be repeated to shape %v", shape)
		}
		return one(in[0].DType, shape), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		shape := attr.(Dims).List()
		return loop.Elementwise(in, Aval{DType: in[0].DType, Shape: shape}, func(_ *loop.Expr, x []loop.Node) loop.Node { return x[0] })
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: DimsOf(2, 3), In: []Sample{values(1, 2).shaped(2, 1)}, Want: []float64{1, 1, 1, 2, 2, 2}, Shape: []int{2, 3}},
			{Name: "leading", Attr: DimsOf(4, 2, 3), In: []Sample{random(3)}},
			{Name: "scalar", Attr: DimsOf(2, 2), In: []Sample{random()}},
			{Name: "same", Attr: DimsOf(2, 1), In: []Sample{random(2, 1)}},
			{Name: "empty", Attr: DimsOf(0, 3), In: []Sample{random(1, 3)}},
			{Name: "misfit", Attr: DimsOf(2, 4), In: []Sample{random(2, 3)}, Bad: "cannot be repeated to shape [2 4] (shapes [2 3])"},
			{Name: "too few", Attr: DimsOf(3), In: []Sample{random(2, 3)}, Bad: "cannot be repeated"},
			{Name: "smaller", Attr: DimsOf(1), In: []Sample{random(3)}, Bad: "cannot be repeated"},
			{Name: "negative", Attr: DimsOf(-1, 3), In: []Sample{random(3)}, Bad: "negative"},
			{Name: "huge", Attr: DimsOf(1<<40, 1<<40), In: []Sample{random(1)}, Bad: "too large"},
		}
	},
})

// Squeeze drops dimensions of size 1.
var Squeeze = Register(Op{
	Name: "squeeze", NumPy: "squeeze", Torch: "squeeze",
	Doc: "The operand without the given Axes, or without all of size 1. A view. Refuses axes of another size.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		drop, err := squeezed(in, attr)
		if err != nil {
			return nil, err
		}
		return one(in[0].DType, reduced(in[0].Shape, drop, false)), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		drop, _ := squeezed(in, attr)
		index := make([]loop.Lin, 0, len(in[0].Shape))
		for d, next := 0, 0; d < len(in[0].Shape); d++ {
			if slices.Contains(drop, d) {
				index = append(index, loop.Fixed(0))
			} else {
				index = append(index, loop.At(next))
				next++
			}
		}
		return rearrange(in, reduced(in[0].Shape, drop, false), index)
	},
	Cases: func() []Case {
		return []Case{
			{Name: "all", Attr: AxesOf(false), In: []Sample{random(1, 2, 1, 3)}, Shape: []int{2, 3}},
			{Name: "some", Attr: AxesOf(false, -2), In: []Sample{values(5, 6).shaped(1, 2, 1, 1)}, Want: []float64{5, 6}, Shape: []int{1, 2, 1}},
			{Name: "empty", Attr: AxesOf(false, 0), In: []Sample{random(1, 0)}, Shape: []int{0}},
			{Name: "larger", Attr: AxesOf(false, 1), In: []Sample{random(1, 2)}, Bad: "axis 1 has size 2"},
			{Name: "out of range", Attr: AxesOf(false, 2), In: []Sample{random(1, 1)}, Bad: "axis 2 out of range for shape [1 1]"},
		}
	},
})

func squeezed(in []Aval, attr any) ([]int, error) {
	a, err := operandsAttr[Axes]("squeeze", in, 1, attr)
	if err != nil {
		return nil, err
	}
	drop, err := axes("squeeze", a, in[0].Shape)
	if err != nil {
		return nil, err
	}
	if a.N == 0 {
		return slices.DeleteFunc(drop, func(d int) bool { return in[0].Shape[d] != 1 }), nil
	}
	for _, d := range drop {
		if in[0].Shape[d] != 1 {
			return nil, shapeErr("squeeze", in, "axis %d has size %d", d, in[0].Shape[d])
		}
	}
	return drop, nil
}

// Unsqueeze inserts dimensions of size 1.
var Unsqueeze = Register(Op{
	Name: "unsqueeze", NumPy: "expand_dims", Torch: "unsqueeze",
	Doc: "The operand with dimensions of size 1 inserted, at the given Axes of the result. A view.",
	Infer: func(in []Aval, attr any) ([]Aval, error) {
		shape, _, err := unsqueezed(in, attr)
		if err != nil {
			return nil, err
		}
		return one(in[0].DType, shape), nil
	},
	Loop: func(attr any, in []Aval) *loop.Expr {
		shape, kept, _ := unsqueezed(in, attr)
		index := make([]loop.Lin, len(kept))
		for d, at := range kept {
			index[d] = loop.At(at)
		}
		return rearrange(in, shape, index)
	},
	Cases: func() []Case {
		return []Case{
			{Name: "value", Attr: AxesOf(false, 1), In: []Sample{values(5, 6)}, Want: []float64{5, 6}, Shape: []int{2, 1}},
			{Name: "several", Attr: AxesOf(false, 0, -1), In: []Sample{random(2, 3)}, Shape: []int{1, 2, 3, 1}},
			{Name: "scalar", Attr: AxesOf(false, 0), In: []Sample{random()}, Shape: []int{1}},
			{Name: "empty", Attr: AxesOf(false, 0), In: []Sample{random(0)}, Shape: []int{1, 0}},
			{Name: "out of range", Attr: AxesOf(false, 3), In: []Sample{random(2)}, Bad: "axis 3 out of range for a result of 2 dimensions"},
			{Name: "twice", Attr: AxesOf(false, 1, -2), In: []Sample{random(2)}, Bad: "given twice"},
		}
	},
})

// unsqueezed returns the new shape, and where in it the operand's dimensions are.
func unsqueezed(in []Aval, attr any) (shape, kept []int, err error) {
	a, err := operandsAttr[Axes]("unsqueeze", in, 1, attr)
	if err != nil {
		return nil, nil, err
	}
	if err := listFits("unsqueeze", a.N); err != nil {
		return nil, nil, err
	}
	shape = make([]int, len(in[0].Shape)+int(a.N))
	for _, ax := range a.List() {
		if ax < -len(shape) || ax >= len(shape) {
			return nil, nil, attrErr("unsqueeze", "axis %d out of range for a result of %d dimensions", ax, len(shape))
		}
	}
	at, err := axesInOrder("unsqueeze", a, shape)
	if err != nil {
		return nil, nil, err
	}
	for d := range shape {
		if shape[d] = 1; !slices.Contains(at, d) {
			shape[d] = in[0].Shape[len(kept)]
			kept = append(kept, d)
		}
	}
	return shape, kept, nil
}
