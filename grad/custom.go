// Custom derivative rules.

package grad

import (
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Rules are the derivatives of a function as its author knows them. One of them
// is enough: the other is its transpose. They are written in tensor operations,
// so that they are differentiated in turn for higher orders.
type Rules[P, Q any] struct {
	// VJP returns the cotangent of the argument, of its shapes and dtypes, given
	// the argument, the result and the result's cotangent. It is linear in g.
	VJP func(x P, y, g Q) P
	// JVP returns the tangent of the result, given the argument, the result and
	// the argument's tangent. It is linear in dx.
	JVP func(x P, y Q, dx P) Q
}

// Custom returns f with the given derivative rules in place of those that its
// operations would give. f may do anything, Go control flow on values included,
// since no derivative looks inside. It must not capture what the transformation that
// traces x traces, too: that is a *CaptureError, pass it in x. Captured values of other
// transformations are differentiated by f's operations. Without any rule all are, x too.
func Custom[P, Q any](f func(P) Q, rules Rules[P, Q]) func(P) Q {
	const name = "grad.Custom"
	return func(x P) Q {
		in, err := leavesOf(x, nil)
		if err != nil {
			var q Q
			return failedLike(q, name, err)
		}
		var like Q
		fn := &tensor.Function{Name: name}
		fn.Run = func(x2 []*tensor.Tensor) []*tensor.Tensor {
			y, err := call(f, rebuild(x, x2))
			like = y
			return leavesOr(name, y, err)
		}
		if rules.VJP == nil && rules.JVP == nil {
			if out := fn.Run(in); len(out) == 1 && out[0].Err() != nil {
				return failedLike(like, name, out[0].Err())
			}
			return like
		}
		if rules.VJP != nil {
			fn.VJP = func(x2, y, g []*tensor.Tensor) []*tensor.Tensor {
				gx, err := call(func(g Q) P { return rules.VJP(rebuild(x, x2), rebuild(like, y), g) }, rebuild(like, g))
				return typed(name+" VJP", leavesOr(name, gx, err), x2)
			}
		}
		if rules.JVP != nil {
			fn.JVP = func(x2, y, dx []*tensor.Tensor) []*tensor.Tensor {
				dy, err := call(func(dx P) Q { return rules.JVP(rebuild(x, x2), rebuild(like, y), dx) }, rebuild(x, dx))
				return typed(name+" JVP", leavesOr(name, dy, err), y)
			}
		}
		transposeMissing(fn)
		out := fn.Apply(in)
		if n, err := leavesOf(like, nil); err != nil || len(n) != len(out) {
			if len(out) > 0 && out[0].Err() != nil {
				return failedLike(like, name, out[0].Err())
			}
			return failedLike(like, name, errNoTensors)
		}
		return rebuild(like, out)
	}
}

// leavesOr returns the leaves of q, or one tensor that carries the error.
func leavesOr[Q any](name string, q Q, err error) []*tensor.Tensor {
	var out []*tensor.Tensor
	if err == nil {
		if out, err = leavesOf(q, nil); err == nil {
			return out
		}
	}
	return []*tensor.Tensor{tensor.Failed(name, err)}
}

// typed checks what a rule returned against the values whose derivatives they are.
func typed(name string, d, of []*tensor.Tensor) []*tensor.Tensor {
	if len(d) != len(of) {
		err := fmt.Errorf("%s: the rule returned %d tensors for %d", name, len(d), len(of))
		if len(d) == 1 && d[0].Err() != nil {
			err = d[0].Err()
		}
		d = make([]*tensor.Tensor, len(of))
		for i := range d {
			d[i] = tensor.Failed(name, err)
		}
		return d
	}
	for i, t := range of {
		if d[i].Err() == nil && t.DType().IsFloat() {
			if err := sameType(name, "derivative", t, d[i]); err != nil {
				d[i] = tensor.Failed(name, err)
			}
		}
	}
	return d
}

// transposeMissing gives fn the rule that it lacks: a linear map's transpose is
// its VJP, at any point.
func transposeMissing(fn *tensor.Function) {
	switch {
	case fn.VJP == nil:
		jvp := fn.JVP
		fn.VJP = func(x, y, g []*tensor.Tensor) []*tensor.Tensor {
			_, pull := VJP(func(dx []*tensor.Tensor) []*tensor.Tensor { return jvp(x, y, dx) }, zerosFor(x))
			return pull(g)
		}
	case fn.JVP == nil:
		vjp := fn.VJP
		fn.JVP = func(x, y, dx []*tensor.Tensor) []*tensor.Tensor {
			_, pull := VJP(func(g []*tensor.Tensor) []*tensor.Tensor { return vjp(x, y, g) }, zerosFor(y))
			return pull(dx)
		}
	}
}

// shared returns tensors over the same memory that hold it on their own.
func shared(ts []*tensor.Tensor) []*tensor.Tensor {
	for i, t := range ts {
		if t != nil {
			ts[i] = tensor.Share(t)
		}
	}
	return ts
}

func zerosFor(ts []*tensor.Tensor) []*tensor.Tensor {
	out := make([]*tensor.Tensor, len(ts))
	for i, t := range ts {
		out[i] = zerosLike(t)
	}
	return out
}

// orZeros returns d with zeros of the values' types where it is nil.
func orZeros(d, of []*tensor.Tensor) []*tensor.Tensor {
	out := make([]*tensor.Tensor, len(d))
	for i, t := range d {
		if out[i] = t; t == nil {
			out[i] = zerosLike(of[i])
		}
	}
	return out
}

// lowered returns the values one level below lv.
func lowered(lv *tensor.Level, in []*tensor.Tensor) []*tensor.Tensor {
	out := make([]*tensor.Tensor, len(in))
	for i, t := range in {
		out[i] = t.Lower(lv)
	}
	return out
}

// uncaptured returns y, what fn made of values below lv, or an error in its place:
// what is traced at lv nevertheless came by a value that fn has captured, past its rules.
func uncaptured(lv *tensor.Level, fn *tensor.Function, y []*tensor.Tensor) []*tensor.Tensor {
	for _, t := range y {
		if t.TracedAt(lv) {
			return []*tensor.Tensor{tensor.Failed(fn.Name, &CaptureError{Function: "the function or rule given to " + fn.Name, Aval: t.Aval()})}
		}
	}
	return y
}

// Call implements forward mode of functions with rules.
func (forward) Call(lv *tensor.Level, fn *tensor.Function, in []*tensor.Tensor) []*tensor.Tensor {
	x, dx := lowered(lv, in), make([]*tensor.Tensor, len(in))
	for i, t := range in {
		if t.TracedAt(lv) {
			dx[i] = t.Aux()
		}
	}
	y := uncaptured(lv, fn, fn.Apply(x))
	if len(y) == 0 || y[0].Err() != nil {
		return y
	}
	dy := uncaptured(lv, fn, fn.JVP(x, y, orZeros(dx, x)))
	if len(dy) != len(y) {
		return dy
	}
	out := make([]*tensor.Tensor, len(y))
	for i := range y {
		if out[i] = y[i]; y[i].DType().IsFloat() {
			out[i] = trace(lv, y[i], dy[i])
		}
	}
	return out
}

// Call records a function with rules as one instruction.
func (tp *tape) Call(lv *tensor.Level, fn *tensor.Function, in []*tensor.Tensor) []*tensor.Tensor {
	x := lowered(lv, in)
	y := uncaptured(lv, fn, fn.Apply(x))
	if len(y) == 0 || y[0].Err() != nil {
		return y
	}
	for i, t := range y {
		if slices.Contains(x, t) {
			y[i] = tensor.Share(t) // every value of the record is a tensor of its own
		}
	}
	for _, t := range x {
		tp.mixed = tp.mixed || !t.Plain()
	}
	args := make([]graph.Ref, len(in))
	refsOf(lv, in, args)
	r, _ := tp.emit(callInst(fn, x, y), args)
	tp.notes[len(tp.notes)-1].user = true
	for i, t := range x {
		if args[i] == graph.Untracked && tensor.Buffered(t) {
			x[i] = tensor.Share(t)
		}
	}
	tp.saved = append(append(tp.saved, x...), y...)
	out := make([]*tensor.Tensor, len(y))
	for i, t := range y {
		tp.made = append(tp.made, nil) // it is the function's: never freed by the sweep
		if out[i] = t; t.DType().IsFloat() {
			out[i] = lv.Trace(t, nil, r+int32(i))
		}
	}
	return out
}

// callInst returns an instruction whose rules are the function's.
func callInst(fn *tensor.Function, x, y []*tensor.Tensor) *kernels.Inst {
	op := &kernels.Op{Name: fn.Name, Kind: kernels.Library}
	op.VJP = func(_ kernels.Builder, _ *kernels.Inst, x, y, g []kernels.Val, _ kernels.Mask) []kernels.Val {
		xs, ys := shared(unvals(x)), shared(unvals(y)) // rules may keep what they are given
		return vals(fn.VJP(xs, ys, orZeros(unvals(g), ys)))
	}
	op.JVP = func(_ kernels.Builder, _ *kernels.Inst, x, y, dx []kernels.Val) []kernels.Val {
		xs := unvals(x)
		return vals(fn.JVP(xs, unvals(y), orZeros(unvals(dx), xs)))
	}
	return kernels.NewInst(op, nil, avalsOf(x), avalsOf(y))
}

func avalsOf(ts []*tensor.Tensor) []kernels.Aval {
	out := make([]kernels.Aval, len(ts))
	for i, t := range ts {
		out[i] = t.Aval()
	}
	return out
}

func unvals(v []kernels.Val) []*tensor.Tensor {
	out := make([]*tensor.Tensor, len(v))
	for i, x := range v {
		if x != nil {
			out[i] = x.(*tensor.Tensor)
		}
	}
	return out
}

// Call applies the vectorised function, with vectorised rules.
func (b *batching) Call(lv *tensor.Level, fn *tensor.Function, in []*tensor.Tensor) []*tensor.Tensor {
	wide := make([]*tensor.Tensor, len(in))
	for i, t := range in {
		if t.TracedAt(lv) {
			wide[i] = t.Lower(lv)
		} else {
			wide[i] = t.BroadcastTo(append([]int{b.n}, t.Shape()...)...)
		}
	}
	type triple struct{ A, B, C []*tensor.Tensor }
	lift := func(rule func(a, b, c []*tensor.Tensor) []*tensor.Tensor) func(a, b, c []*tensor.Tensor) []*tensor.Tensor {
		return func(p, q, r []*tensor.Tensor) []*tensor.Tensor {
			return Vmap(func(t triple) []*tensor.Tensor { return rule(t.A, t.B, t.C) })(triple{p, q, r})
		}
	}
	batched := &tensor.Function{Name: fn.Name, Run: Vmap(fn.Run), VJP: lift(fn.VJP), JVP: lift(fn.JVP)}
	out := uncaptured(lv, fn, batched.Apply(wide))
	for i, t := range out {
		if t.Err() != nil {
			continue
		}
		a := t.Aval()
		out[i] = lv.TraceAval(kernels.Aval{DType: a.DType, Shape: a.Shape[1:]}, t, 0)
	}
	return out
}
