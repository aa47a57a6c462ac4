// Dual numbers: ops on values with tangents.

package spec

import "github.com/cotangent-ad/cotangent/kernels"

// dual is a value of the inner interpreter with its tangent, nil for zero.
type dual struct{ primal, tangent kernels.Val }

func (d *dual) Aval() kernels.Aval { return d.primal.Aval() }

// forward interprets ops on duals.
type forward struct{ inner kernels.Builder }

func (f forward) Apply(op *kernels.Op, attr any, in ...kernels.Val) []kernels.Val {
	return apply(f, op, attr, in)
}

func (f forward) ApplyInst(inst *kernels.Inst, in ...kernels.Val) []kernels.Val {
	x, dx := make([]kernels.Val, len(in)), make([]kernels.Val, len(in))
	varied := false
	for i, v := range in {
		d := v.(*dual)
		x[i], dx[i] = d.primal, d.tangent
		varied = varied || d.tangent != nil
	}
	y := f.inner.ApplyInst(inst, x...)
	dy := make([]kernels.Val, len(y))
	if varied && inst.Differentiable() {
		dy = inst.JVP(f.inner, x, y, dx)
	}
	out := make([]kernels.Val, len(y))
	for i := range out {
		out[i] = &dual{y[i], dy[i]}
	}
	return out
}

func (f forward) Full(v float64, a kernels.Aval) kernels.Val { return &dual{f.inner.Full(v, a), nil} }
func (f forward) Fail(err error) kernels.Val                 { return &dual{f.inner.Fail(err), nil} }

// function is what is tested: some ops on some operands.
type function func(b kernels.Builder, x []kernels.Val) []kernels.Val

// jvp returns the results of f and their tangents, zeros where there is none;
// nil tangents of operands are zero.
func jvp(b kernels.Builder, f function, x, dx []kernels.Val) (y, dy []kernels.Val) {
	in := make([]kernels.Val, len(x))
	for i := range x {
		in[i] = &dual{x[i], dx[i]}
	}
	for _, v := range f(forward{b}, in) {
		d := v.(*dual)
		if d.tangent == nil && d.Aval().DType.IsFloat() {
			d = &dual{d.primal, b.Full(0, d.Aval())}
		}
		y, dy = append(y, d.primal), append(dy, d.tangent)
	}
	return y, dy
}
