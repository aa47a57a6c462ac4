// Newton's method: for systems of equations, and for minima.

package solve

import (
	"context"
	"math"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Newton solves f(x) = 0, as many equations as unknowns, from x: steps -J⁻¹ f,
// halved until the sum of squares falls. (Nocedal and Wright, algorithm 11.4.)
//
// Errors: those of f and of jacobian.Prepare, *ShapeError, *BreakdownError of a
// linear system, the context's. Without convergence the error is nil and
// Report.Converged false.
func Newton[P, Q any](ctx context.Context, f func(P) Q, x P, o Options) (P, *Report, error) {
	o = o.withDefaults(1e-8)
	rep := new(Report)
	start := time.Now()
	fn, done, err := newFunction(f, x)
	if err != nil {
		return x, rep, err
	}
	defer done()
	j, err := jacobian.PrepareContext(ctx, f, x, o.Jacobian...)
	if err != nil {
		return x, rep, err
	}
	defer j.Close()
	rep.Explain = j.Explain()
	a := sparse.NewCSR[float64](j.Output())
	if a.Rows != a.Cols {
		return x, rep, &ShapeError{"equations", a.Rows, a.Cols}
	}
	linear, err := newtonLinear(a, &o)
	if err != nil {
		return x, rep, err
	}
	v, err := vector(x)
	if err != nil {
		return x, rep, err
	}
	x, r, err := fn.at(ctx, v)
	if err != nil {
		return x, rep, err
	}
	d, trial := make([]float64, len(v)), make([]float64, len(v))
	it := Iteration{}
	for {
		it.Value, it.Residual, it.Elapsed = dot(r, r)/2, largest(r), time.Since(start)
		switch {
		case !rep.add(&o, it):
			return x, rep, nil
		case it.Residual <= o.Tolerance:
			rep.finish(true, "the residual is small")
			return x, rep, nil
		case it.Value != it.Value:
			rep.finish(false, "the residual is no number")
			return x, rep, nil
		case len(rep.Iterations) > o.MaxIterations:
			rep.finish(false, "too many iterations")
			return x, rep, nil
		}
		if err := j.Run(ctx, x, a.Val); err != nil {
			return x, rep, err
		}
		for i := range r {
			r[i] = -r[i]
		}
		if it.Linear, err = linear(ctx, d, r); err != nil {
			return x, rep, err
		}
		t, ok := 1.0, false
		for ; t > 1e-10; t /= 2 {
			plus(trial, v, t, d)
			y, fy, err := fn.at(ctx, trial)
			if err != nil {
				return x, rep, err
			}
			if now := dot(fy, fy) / 2; now <= it.Value*(1-2e-4*t) {
				x, r, ok = y, fy, true
				break
			}
		}
		if !ok {
			rep.finish(false, "no step makes the residual smaller")
			return x, rep, nil
		}
		copy(v, trial)
		it.Step = t * norm(d)
	}
}

// newtonLinear returns what solves a d = b.
func newtonLinear(a *sparse.CSR[float64], o *Options) (func(ctx context.Context, d, b []float64) (int, error), error) {
	if o.Linear != nil {
		return func(ctx context.Context, d, b []float64) (int, error) { return 1, o.Linear(ctx, a, d, b) }, nil
	}
	f, err := newILU(a.Pattern)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, d, b []float64) (int, error) {
		if err := f.factor(a.Val); err != nil {
			return 0, err
		}
		return bicgstab(ctx, a, f.solve, d, b, o.LinearTolerance, o.LinearIterations)
	}, nil
}

// Minimize finds a minimum of a scalar function f near x, by Newton's method with
// the sparse Hessian: steps by conjugate gradients, cut short where the Hessian
// is not positive, and halved until f falls. (Nocedal and Wright, algorithm 7.1.)
// Errors are those of [Newton].
func Minimize[P any](ctx context.Context, f func(P) *tensor.Tensor, x P, o Options) (P, *Report, error) {
	o = o.withDefaults(1e-8)
	rep := new(Report)
	start := time.Now()
	type both struct {
		Value *tensor.Tensor
		Grad  P
	}
	vg := grad.ValueAndGrad(f)
	fn, done, err := newFunction(func(x P) both { v, g := vg(x); return both{v, g} }, x)
	if err != nil {
		return x, rep, err
	}
	defer done()
	h, err := jacobian.PrepareHessianContext(ctx, f, x, o.Jacobian...)
	if err != nil {
		return x, rep, err
	}
	defer h.Close()
	rep.Explain = h.Explain()
	a := sparse.NewCSR[float64](h.Output())
	if o.Blocks == nil {
		if o.Blocks, err = blocksOf(x); err != nil {
			return x, rep, err
		}
	}
	pre, err := newBlocks(o.Blocks, a.Cols)
	if err != nil {
		return x, rep, err
	}
	v, err := vector(x)
	if err != nil {
		return x, rep, err
	}
	x, r, err := fn.at(ctx, v)
	if err != nil {
		return x, rep, err
	}
	d, b, trial := make([]float64, len(v)), make([]float64, len(v)), make([]float64, len(v))
	first := largest(r[1:])
	it := Iteration{}
	for {
		g := r[1:]
		it.Value, it.Residual, it.Elapsed = r[0], largest(g), time.Since(start)
		switch {
		case !rep.add(&o, it):
			return x, rep, nil
		case it.Residual <= o.Tolerance*first:
			rep.finish(true, "the gradient is small")
			return x, rep, nil
		case it.Value != it.Value || it.Residual != it.Residual:
			rep.finish(false, "the value or gradient is no number")
			return x, rep, nil
		case len(rep.Iterations) > o.MaxIterations:
			rep.finish(false, "too many iterations")
			return x, rep, nil
		}
		if err := h.Run(ctx, x, a.Val); err != nil {
			return x, rep, err
		}
		pre.zero()
		for i := range a.Rows {
			for k := a.Ptr[i]; k < a.Ptr[i+1]; k++ {
				if j := int(a.Idx[k]); pre.of[i] == pre.of[j] {
					pre.add(i, j, a.Val[k])
				}
			}
			b[i] = -g[i]
		}
		pre.factor()
		if it.Linear, err = cg(ctx, a.MulVec, pre.solve, d, b, min(0.5, math.Sqrt(it.Residual/first))*math.Sqrt(o.LinearTolerance), o.LinearIterations); err != nil {
			return x, rep, err
		}
		slope, t, ok := dot(g, d), 1.0, false
		for ; t > 1e-10; t /= 2 {
			plus(trial, v, t, d)
			y, fy, err := fn.at(ctx, trial)
			if err != nil {
				return x, rep, err
			}
			rounding := 1e-14 * math.Abs(r[0])
			if fy[0] <= r[0]+1e-4*t*slope+rounding {
				x, r, ok = y, fy, true
				break
			}
		}
		if !ok {
			rep.finish(false, "no step makes the value smaller")
			return x, rep, nil
		}
		copy(v, trial)
		it.Step = t * norm(d)
	}
}
