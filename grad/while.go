// While: a loop of unknown length.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// While runs body as long as cond, a bool of rank 0, holds:
//
//	for cond(carry) {
//		carry = body(carry)
//	}
//	return carry
//
// Each carry must have the shapes and dtypes of the first. The functions may
// capture values of any transformation; what is not a tensor in a carry is as it was
// at first in each step.
//
// On values it is that Go loop. Under [Vmap], where conditions differ, all go on
// until none holds, and those whose condition does not hold any more stay as they
// are. While a program is being prepared the functions are called once, and the
// program has the loop. The reverse derivative of the latter keeps what the sweep
// will read of each step on a stack that grows, up to [ResidualLimit].
//
// Errors: a *CarryError, a *tensor.DTypeError or *tensor.ShapeError for a condition
// that is no bool of rank 0, a *graph.StepsError beyond [MaxSteps], a
// *graph.StackError, the context's of [WithContext], those of the functions, a
// *PanicError.
func While[C any](cond func(C) *tensor.Tensor, body func(C) C, carry C, opts ...Option) C {
	const name = "grad.While"
	out, err := func() ([]*tensor.Tensor, error) {
		o := gather(opts)
		in, err := leavesOf(carry, nil)
		if err == nil {
			err = firstError(in)
		}
		if err != nil {
			return nil, err
		}
		test := func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			t, err := call(cond, rebuildOr0(carry, in))
			if err == nil {
				err = scalarBool(name, t)
			}
			return []*tensor.Tensor{t}, err
		}
		step := func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			next, err := call(body, rebuildOr0(carry, in))
			if err != nil {
				return nil, err
			}
			out, err := leavesOf(next, nil)
			if err == nil {
				err = sameTree(name, "carries that the body returns", carry, next, len(in), len(out))
			}
			return out, err
		}
		l := &looping{op: name, bound: o.maxSteps, ctx: o.ctx, carries: pathsOf(carry)}
		rec := tensor.Recording(in...)
		if rec == nil {
			out, err := l.while(test, step, in)
			if err != errRecorded {
				return out, err
			}
			rec = l.by // what the functions have captured
		}
		out, err := rec.(*recorder).while(l, test, step, in, &o)
		if err != nil {
			return nil, err
		}
		return out[:len(in)], nil
	}()
	if err != nil {
		return failedLike(carry, name, err)
	}
	return rebuildOr0(carry, out)
}

// while runs the loop on values. Of a recorded one the number of steps follows the
// carries, and after it come rows of the body's other results.
func (l *looping) while(test, body function, carry []*tensor.Tensor) ([]*tensor.Tensor, error) {
	ys := make([][]*tensor.Tensor, l.ys)
	k := 0
	for ; ; k++ {
		t, err := test(carry)
		if err != nil {
			return nil, err
		}
		if l.recording(t) {
			return nil, errRecorded
		}
		holds, many, err := truth(l.op, t[0])
		if err != nil {
			return nil, err
		}
		if !holds {
			break
		}
		if l.bound > 0 && k >= l.bound {
			return nil, &graph.StepsError{Limit: l.bound}
		}
		next, rest, err := l.step(body, carry, nil)
		if err != nil {
			return nil, err
		}
		if l.recording(next) {
			return nil, errRecorded
		}
		if many {
			next = selected(t[0], next, carry)
		}
		carry = next
		for j, y := range rest {
			ys[j] = append(ys[j], y)
		}
	}
	if !l.recorded {
		return carry, nil
	}
	out := append(slices.Clone(carry), tensor.Scalar(float64(k), tensor.WithDType(tensor.Int64)))
	if k == 0 {
		return l.appendEmpty(out), nil
	}
	for _, list := range ys {
		out = append(out, tensor.Stack(0, list...))
	}
	return out, nil
}

// while records a While. The number of steps comes after the carries.
func (r *recorder) while(l *looping, test, step function, carry []*tensor.Tensor, o *options) ([]*tensor.Tensor, error) {
	types := avalsOf(carry)
	t, err := r.body(l.op, types, test)
	if err != nil {
		return nil, err
	}
	b, err := r.body(l.op, types, func(in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		return l.checked(step, in, types)
	})
	if err != nil {
		return nil, err
	}
	captured := unite(t, b)
	c := &graph.Control{
		Form: graph.While, Bodies: []*graph.Graph{t.g, b.g}, Consts: len(captured), Carries: len(carry),
		Bound: o.maxSteps, Residuals: r.keeps(o), Limit: o.residualLimit,
	}
	return emit(whileOp, c, slices.Concat(captured, carry)), nil
}
