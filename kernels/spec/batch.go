// Batching: ops on values that each stand for several.

package spec

import "github.com/cotangent-ad/cotangent/kernels"

// example is a value of the inner interpreter, with a leading axis that the
// example does not show where it is batched.
type example struct {
	all     kernels.Val
	batched bool
}

func (x *example) Aval() kernels.Aval {
	a := x.all.Aval()
	if x.batched && len(a.Shape) > 0 {
		a.Shape = a.Shape[1:]
	}
	return a
}

// batching interprets ops on n examples at once.
type batching struct {
	inner kernels.Builder
	n     int
}

func (b batching) Apply(op *kernels.Op, attr any, in ...kernels.Val) []kernels.Val {
	return apply(b, op, attr, in)
}

func (b batching) ApplyInst(inst *kernels.Inst, in ...kernels.Val) []kernels.Val {
	x := make([]kernels.Val, len(in))
	var mask kernels.Mask
	for i, v := range in {
		if x[i] = v.(*example).all; v.(*example).batched {
			mask |= 1 << i
		}
	}
	var y []kernels.Val
	if mask == 0 {
		y = b.inner.ApplyInst(inst, x...)
	} else {
		y = inst.Batch(b.inner, x, mask, b.n)
	}
	out := make([]kernels.Val, len(y))
	for i := range y {
		out[i] = &example{y[i], mask != 0}
	}
	return out
}

func (b batching) Full(v float64, a kernels.Aval) kernels.Val {
	return &example{b.inner.Full(v, a), false}
}

func (b batching) Fail(err error) kernels.Val { return &example{b.inner.Fail(err), false} }

// vmap applies f to n examples, of which the operands in mask have a leading
// axis; all results have it.
func vmap(b kernels.Builder, f function, x []kernels.Val, mask kernels.Mask, n int) []kernels.Val {
	in := make([]kernels.Val, len(x))
	for i, v := range x {
		in[i] = &example{v, mask.Has(i)}
	}
	out := f(batching{b, n}, in)
	for i, v := range out {
		e := v.(*example)
		if out[i] = e.all; !e.batched {
			a := e.Aval()
			out[i] = kernels.One(b, kernels.BroadcastTo, kernels.DimsOf(append([]int{n}, a.Shape...)...), e.all)
		}
	}
	return out
}
