// What is tested of a case, beside derivatives.

package spec

import (
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// checkValue holds the value against the case's.
func (r *runner) checkValue() {
	y := r.apply(r.got, vals(r.operands))
	if err := firstErr(y); err != nil {
		r.errorf("value: %v", err)
		return
	}
	first := y[0].(*value)
	for i, v := range y {
		if r.op.Kind != kernels.Composite && !kernels.EqualAval(v.Aval(), r.inst.Out[i]) {
			r.errorf("value: result %d is %v, want %v", i, v.Aval(), r.inst.Out[i])
		}
	}
	if !kernels.EqualAval(first.aval, r.inst.Out[0]) {
		r.errorf("value: type %v, Infer says %v", first.aval, r.inst.Out[0])
	}
	if r.c.Shape != nil && !slices.Equal(first.aval.Shape, r.c.Shape) {
		r.errorf("value: shape %v, want %v", first.aval.Shape, r.c.Shape)
	}
	if r.c.Want == nil {
		return
	}
	r.counts.Compared++
	got := elements(first.array)
	if len(got) != len(r.c.Want) {
		r.errorf("value: %v, want %v", short(got), short(r.c.Want))
	} else if err := close(got, r.c.Want, r.tol, true); err != nil {
		r.errorf("value: %v", err)
	}
}

// quantities are the results of a case that every backend and layout must agree
// on: the value, and the first derivatives.
func (r *runner) quantities(b eager, x []*value) (value, tangents, cotangents []kernels.Val) {
	value = r.apply(b, vals(x))
	if !r.differentiable() {
		return value, nil, nil
	}
	_, tangents = jvp(b, r.apply, vals(x), r.tangents(0))
	cotangents = vjp(b, r.apply, vals(x), r.want, r.cotangents(0))
	return value, tangents, cotangents
}

// checkAgainstRef compares all with ref.
func (r *runner) checkAgainstRef() {
	y, dy, dx := r.quantities(r.got, r.operands)
	wy, wdy, wdx := r.quantities(r.ref, r.operands)
	r.same("value", y, wy, r.tol)
	r.same("JVP", dy, wdy, r.tol*derivativeFactor)
	r.same("VJP", dx, wdx, r.tol*derivativeFactor)
	if r.differentiable() && !r.c.Kink && !r.large {
		fr, rf := r.second(r.got)
		wfr, wrf := r.second(r.ref)
		tol := r.tol * derivativeFactor * derivativeFactor
		r.same("second derivative, forward on reverse", fr, wfr, tol)
		r.same("second derivative, reverse on forward", rf, wrf, tol)
	}
}

// checkFloat32 compares ref's float32 with its float64.
func (r *runner) checkFloat32() {
	if r.float != device.Float32 || r.c.Kink || r.c.Want != nil {
		return
	}
	wide := make([]*value, len(r.operands))
	for i, v := range r.operands {
		if wide[i] = v; v.aval.DType == device.Float32 {
			wide[i] = dense.filled(kernels.Aval{DType: device.Float64, Shape: v.aval.Shape}, elements(v.array))
		}
	}
	y, want := r.apply(r.got, vals(r.operands)), r.apply(r.got, vals(wide))
	for i := range y {
		g, w := y[i].(*value), want[i].(*value)
		r.counts.Compared++
		if err := close(elements(g.array), elements(w.array), 1e-5, true); err != nil {
			r.errorf("float32 against float64: %v", err)
		}
	}
}

// checkLayouts compares operands of other layouts with the same ones laid out
// densely.
func (r *runner) checkLayouts() {
	for _, l := range layouts {
		x, plain := make([]*value, len(r.operands)), make([]*value, len(r.operands))
		for i, v := range r.operands {
			x[i] = l.copied(v)
			plain[i] = dense.copied(x[i]) // where elements are repeated, not v
		}
		y, dy, dx := r.quantities(r.got, x)
		wy, wdy, wdx := r.quantities(r.ref, plain)
		r.same("value, "+l.name, y, wy, r.tol)
		if v, ok := r.view(x); ok {
			r.same("view, "+l.name, []kernels.Val{v}, wy, 0)
		}
		if l.repeats && r.c.Kink {
			continue
		}
		r.same("JVP, "+l.name, dy, wdy, r.tol*derivativeFactor)
		r.same("VJP, "+l.name, dx, wdx, r.tol*derivativeFactor)
	}
}

// view returns the op's result as a view of its operand, if it has one.
func (r *runner) view(x []*value) (*value, bool) {
	if len(x) != 1 {
		return nil, false
	}
	v, ok := r.inst.AsView(x[0].array)
	return &value{array: &v, aval: v.Aval}, ok
}

// checkBatch compares batches with single examples: of each operand alone and
// of all, of values and of cotangents.
func (r *runner) checkBatch() {
	const n = 3
	all := kernels.Mask(1)<<len(r.operands) - 1
	masks := []kernels.Mask{all}
	for i := range min(len(r.operands), 4) {
		if m := kernels.Mask(1) << i; m != all {
			masks = append(masks, m)
		}
	}
	if all == 0 || r.large {
		return
	}
	for _, mask := range masks {
		r.compareBatch(fmt.Sprintf("batch of operands %b", mask), r.apply, r.operands, mask, n, r.tol)
	}
	r.compareBatch("empty batch", r.apply, r.operands, all, 0, r.tol)
	if r.differentiable() {
		k := len(r.operands)
		f := func(b kernels.Builder, x []kernels.Val) []kernels.Val {
			dx := vjp(b, r.apply, x[:k], r.want, func([]kernels.Val) []kernels.Val { return x[k:] })
			return slices.DeleteFunc(dx, func(v kernels.Val) bool { return v == nil })
		}
		seeds := r.cotangents(0)(r.apply(r.ref, vals(r.operands)))
		x := slices.Clone(r.operands)
		for _, s := range seeds {
			x = append(x, s.(*value))
		}
		r.compareBatch("batch of VJPs", f, x, kernels.Mask(1)<<len(x)-1, n, r.tol*derivativeFactor)
	}
}

// compareBatch compares n examples at once with one by one. Examples differ by
// a rotation of the elements of the operands in mask.
func (r *runner) compareBatch(what string, f function, x []*value, mask kernels.Mask, n int, tol float64) {
	batch := make([]kernels.Val, len(x))
	for i, v := range x {
		if batch[i] = v; mask.Has(i) {
			batch[i] = stacked(v.aval, n, func(k int) []float64 { return rotated(elements(v.array), k) })
		}
	}
	var want []kernels.Val
	for k := range n {
		one := make([]kernels.Val, len(x))
		for i, v := range x {
			if one[i] = v; mask.Has(i) {
				one[i] = dense.filled(v.aval, rotated(elements(v.array), k))
			}
		}
		for i, y := range f(r.ref, one) {
			v := y.(*value)
			if v.err != nil {
				r.errorf("%s, example %d: %v", what, k, v.err)
				return
			}
			if k == 0 {
				want = append(want, stacked(v.aval, n, func(int) []float64 { return nil }))
			}
			for e, w := range elements(v.array) {
				write(want[i].(*value).array, k*v.aval.Size()+e, w)
			}
		}
	}
	got := vmap(r.got, f, batch, mask, n)
	if n == 0 {
		for _, v := range f(r.ref, vals(x)) {
			want = append(want, stacked(v.Aval(), 0, nil))
		}
	}
	r.same(what, got, want, tol)
}

// stacked returns n examples along a leading axis.
func stacked(a kernels.Aval, n int, example func(k int) []float64) *value {
	a.Shape = append([]int{n}, a.Shape...)
	var list []float64
	for k := range n {
		list = append(list, example(k)...)
	}
	return dense.filled(a, list)
}

func rotated(list []float64, k int) []float64 {
	if len(list) == 0 {
		return list
	}
	k %= len(list)
	return append(slices.Clone(list[k:]), list[:k]...)
}

// checkAdd has a kernel add to its result.
func (r *runner) checkAdd() {
	if r.op.Kind == kernels.Composite || len(r.inst.Out) != 1 || !r.inst.Out[0].DType.IsFloat() || r.c.Kink {
		return
	}
	y := r.apply(r.ref, vals(r.operands))[0].(*value)
	start := direction(random(r.name, "add"), y.aval)
	sum := make([]float64, y.aval.Size())
	for i := range sum {
		sum[i] = read(y.array, i) + read(start.array, i)
	}
	want := dense.filled(y.aval, sum)
	r.run1("added", start, true, want)
}

// checkInPlace has an elementwise kernel write over each operand that is read
// where the result is written.
func (r *runner) checkInPlace() {
	for i := range r.operands {
		if r.inPlace(i) {
			saved := r.operands[i]
			r.operands[i] = dense.copied(saved)
			r.run1(fmt.Sprintf("over operand %d", i), r.operands[i], false, r.apply(r.ref, vals(r.operands))[0].(*value))
			r.operands[i] = saved
		}
	}
}

// inPlace reports whether the result may be operand i's memory.
func (r *runner) inPlace(i int) bool {
	e := r.inst.Expr
	if e == nil || len(e.Outs) != 1 || e.Outs[0].Reduce != loop.NoReduce || !e.Plain(&e.Outs[0]) || !kernels.EqualAval(r.inst.In[i], r.inst.Out[0]) {
		return false
	}
	plain := loop.Ats(len(e.Outs[0].Aval.Shape))
	for _, l := range e.Loads {
		if l.In == i && !slices.EqualFunc(l.Index, plain, loop.Lin.Equal) {
			return false
		}
	}
	return true
}

// run1 runs the op's kernel once into out.
func (r *runner) run1(what string, out *value, add bool, want *value) {
	k := r.inst.Kernel(r.got.backend)
	if k == nil {
		return
	}
	c := &kernels.Call{Out: []*kernels.Array{out.array}, Add: add, Workers: r.got.workers}
	for _, v := range r.operands {
		c.In = append(c.In, v.array)
	}
	out.err = r.got.run(k, c)
	r.same(what, []kernels.Val{out}, []kernels.Val{want}, r.tol)
}
