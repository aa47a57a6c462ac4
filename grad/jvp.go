// Forward mode: dual numbers, a tangent carried with each value.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// forward interprets operations on dual values. A value without a tangent is
// not boxed: it is a constant of the transformation.
type forward struct{ ieee bool }

func (forward) Read(_ *tensor.Level, t *tensor.Tensor) (*tensor.Tensor, error) {
	return t.Primal(), nil
}

func (f forward) Process(lv *tensor.Level, inst *kernels.Inst, in, out []*tensor.Tensor) {
	if c := graph.ControlOf(inst); c != nil {
		f.control(lv, inst, c, in, out)
		return
	}
	s := getScratch()
	defer s.put()
	x, dx := s.tensors(len(in)), s.none(len(in))
	for i, t := range in {
		x[i] = t.Lower(lv)
		if t.TracedAt(lv) {
			dx[i] = t.Aux()
		}
	}
	tensor.Dispatch(inst, x, out)
	if out[0].Err() != nil || !inst.Differentiable() {
		return
	}
	dy := s.none(len(out))
	s.jvp(inst, f.ieee, x, out, dx, dy)
	for i := range out {
		if dy[i] != nil {
			out[i] = trace(lv, out[i], dy[i])
		}
	}
}

// trace boxes a primal with its tangent; an error in either is the result's.
func trace(lv *tensor.Level, primal, tangent *tensor.Tensor) *tensor.Tensor {
	switch {
	case primal.Err() != nil:
		return primal
	case tangent.Err() != nil:
		return tangent
	}
	return lv.Trace(primal, tangent, 0)
}

// JVP returns f(x) and the directional derivative of f at x along dx, the
// Jacobian-vector product J·dx, in one forward sweep. dx has the shapes and
// dtypes of x; integer and boolean leaves of dx are not looked at.
//
// Errors: a *tensor.ShapeError or *tensor.DTypeError where dx is of other shapes or
// dtypes than x, f's own, a *PanicError, a *TypeError of an argument or result that
// cannot be taken apart. They stick to the tensors of both results.
func JVP[P, Q any](f func(P) Q, x, dx P, opts ...Option) (y, dy Q) {
	return jvpOf("grad.JVP", f, x, dx, opts)
}

// jvpOf is JVP for the transformation of the given name.
func jvpOf[P, Q any](name string, f func(P) Q, x, dx P, opts []Option) (y, dy Q) {
	y, dy, err := jvp(name, f, x, dx, gather(opts).ieee)
	if err != nil {
		return failedLike(y, name, err), failedLike(y, name, err)
	}
	return y, dy
}

func jvp[P, Q any](name string, f func(P) Q, x, dx P, ieee bool) (y, dy Q, err error) {
	primals, err := leavesOf(x, nil)
	if err != nil {
		return y, dy, err
	}
	tangents, err := leavesOf(dx, nil)
	if err != nil {
		return y, dy, err
	}
	if err := sameTree(name, "tangents", x, dx, len(primals), len(tangents)); err != nil {
		return y, dy, err
	}
	lv := tensor.Open(name, forward{ieee})
	defer lv.Close()
	boxed := make([]*tensor.Tensor, len(primals))
	for i, p := range primals {
		boxed[i] = p
		if err := p.Err(); err != nil {
			return y, dy, err
		}
		if !p.DType().IsFloat() {
			continue
		}
		if err := sameType(name, "tangent", p, tangents[i]); err != nil {
			return y, dy, err
		}
		boxed[i] = trace(lv, p, tangents[i])
	}
	res, err := call(f, rebuild(x, boxed))
	if err != nil {
		return res, res, err
	}
	outs, err := leavesOf(res, nil)
	if err != nil {
		return y, dy, err
	}
	ys, dys := make([]*tensor.Tensor, len(outs)), make([]*tensor.Tensor, len(outs))
	for i, t := range outs {
		ys[i] = t.Lower(lv)
		switch {
		case t.Err() != nil:
			ys[i], dys[i] = t, t
		case t.TracedAt(lv):
			dys[i] = t.Aux()
		default:
			dys[i] = zerosLike(t)
		}
	}
	return rebuild(res, ys), rebuild(res, dys), nil
}

// sameType checks that d, a tangent or cotangent, has the type of t.
func sameType(op, what string, t, d *tensor.Tensor) error {
	if err := d.Err(); err != nil {
		return err
	}
	switch {
	case t.DType() != d.DType():
		return &tensor.DTypeError{Op: op, DTypes: []string{t.DType().String(), d.DType().String()}, Reason: "a value's " + what + " must have its dtype"}
	case !slices.Equal(t.Shape(), d.Shape()):
		return &tensor.ShapeError{Op: op, Shapes: [][]int{t.Shape(), d.Shape()}, Reason: "a value's " + what + " must have its shape"}
	}
	return nil
}
