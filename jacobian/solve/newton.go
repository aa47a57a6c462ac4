// Newton's method: for systems of equations, for steady states, and for minima.

package solve

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse/direct"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Newton solves f(x) = 0, as many equations as unknowns, from x: steps -J⁻¹ f,
// halved until the sum of squares falls. (Nocedal and Wright, algorithm 11.4.)
//
// Errors: those of f and of jacobian.Prepare, *ShapeError, *DomainError where f or its
// derivative is no number at a point reached, *BreakdownError of a linear system, the
// context's. Without convergence the error is nil and Report.Converged false.
func Newton[P, Q any](ctx context.Context, f func(P) Q, x P, o Options) (P, *Report, error) {
	o = o.withDefaults(1e-8)
	return once(ctx, f, x, &o, (*equations[P]).newton)
}

// SteadyState finds where x' = f(x) comes to rest, as many equations as unknowns, when
// it starts from x: linearly implicit Euler steps (I/δ - J)⁻¹ f, the time δ growing, and
// the more so as the largest residual falls, so that the first steps follow the evolution and the last
// are Newton's. It finds states that a Newton iteration from x would miss. The first
// step is of Options.FirstStep. (C. T. Kelley, D. E. Keyes: Convergence analysis of
// pseudo-transient continuation, SIAM J. Numer. Anal. 35, 1998.)
//
// Errors are those of [Newton]; J needs a diagonal.
func SteadyState[P, Q any](ctx context.Context, f func(P) Q, x P, o Options) (P, *Report, error) {
	o = o.withDefaults(1e-8)
	return once(ctx, f, x, &o, (*equations[P]).steady)
}

// equations are a method for f(x) = 0.
type equations[P any] struct {
	*run[P]
	linear func(ctx context.Context, d, b []float64) (int, error) // solves a d = b
	how    string
}

// once prepares, solves and closes.
func once[P, Q any](ctx context.Context, f func(P) Q, x P, o *Options, method func(*equations[P], context.Context) error) (P, *Report, error) {
	start := time.Now()
	s, err := newEquations(ctx, f, x, 0, o)
	defer s.close()
	if err == nil {
		err = s.from(ctx, x, start, method)
	}
	return s.x, s.rep, err
}

// newEquations prepares f(x) = 0. The last elements of x, as many as are given, are no
// unknowns: f takes them for constants.
func newEquations[P, Q any](ctx context.Context, f func(P) Q, x P, given int, o *Options) (*equations[P], error) {
	r, err := prepareRun(f, x, o, func() (*jacobian.Prepared[P], error) {
		return jacobian.PrepareContext(ctx, f, x, o.Jacobian...)
	})
	s := &equations[P]{run: r}
	if err != nil {
		return s, err
	}
	if given > 0 {
		if err := s.leave(given); err != nil {
			return s, err
		}
	}
	if s.a.Rows != s.a.Cols {
		return s, &ShapeError{"as many equations as unknowns are needed (LeastSquares takes others)", s.a.Rows, s.a.Cols}
	}
	s.linear, s.how, err = newtonLinear(s.a, o)
	return s, err
}

// from solves from a start, by one of the methods.
func (s *equations[P]) from(ctx context.Context, x P, start time.Time, method func(*equations[P], context.Context) error) error {
	if err := s.begin(ctx, x, start); err != nil {
		return err
	}
	s.rep.Explain += "\n  steps: " + s.how
	return method(s, ctx)
}

func (s *equations[P]) newton(ctx context.Context) error {
	for s.goOn(dot(s.r, s.r)/2, largest(s.r), s.o.Tolerance, "the residual is small") {
		if err := s.derive(ctx); err != nil {
			return err
		}
		for i := range s.r {
			s.r[i] = -s.r[i]
		}
		var err error
		if s.it.Linear, err = s.linear(ctx, s.d, s.r); err != nil {
			return err
		}
		ok, err := s.search(ctx, func(t float64, r []float64) bool { return dot(r, r)/2 <= s.it.Value*(1-2e-4*t) })
		if err != nil {
			return err
		}
		if !ok {
			s.rep.finish(false, "no step makes the residual smaller")
			return nil
		}
	}
	return nil
}

func (s *equations[P]) steady(ctx context.Context) error {
	diagonal := make([]int, s.a.Rows)
	for i := range diagonal {
		if diagonal[i] = s.a.Find(i, i); diagonal[i] < 0 {
			return &BreakdownError{"SteadyState", "a row without a diagonal entry"}
		}
	}
	last := largest(s.r)
	for δ := s.o.FirstStep; s.goOn(dot(s.r, s.r)/2, largest(s.r), s.o.Tolerance, "the residual is small"); last = s.it.Residual {
		if err := s.derive(ctx); err != nil {
			return err
		}
		if s.it.Number > 0 {
			δ *= min(fastest, growth*last/s.it.Residual)
		}
		for i := range s.r {
			s.r[i] = -s.r[i]
		}
		// (J - I/δ) d = -f, and with a shorter time where that cannot be solved.
		for s.it.Damping = 0; ; δ /= 8 {
			for _, k := range diagonal {
				s.a.Val[k] -= 1/δ - s.it.Damping
			}
			s.it.Damping = 1 / δ
			var err error
			if s.it.Linear, err = s.linear(ctx, s.d, s.r); err == nil {
				break
			}
			var down *BreakdownError
			if !errors.As(err, &down) || δ < shortest*s.o.FirstStep {
				return err
			}
		}
		// The residual may grow on the way.
		ok, err := s.search(ctx, func(float64, []float64) bool { return true })
		if err != nil {
			return err
		}
		if !ok {
			s.rep.finish(false, "the function is no number along the step")
			return nil
		}
	}
	return nil
}

// growth is by what the time of a step grows while the residual stays as it is. Where a
// state is left, and the residual grows at a rate, the time settles at a third of the
// rate's inverse. It grows at most by fastest, since the first steps often do no more
// than smooth the start.
const growth, fastest = 1.5, 2

// Minimize finds a minimum of a scalar function f near x, by Newton's method with
// the sparse Hessian: steps by its factors, or by conjugate gradients, cut short where
// it is not positive definite, and halved until f falls. (Nocedal and Wright,
// algorithm 7.1.)
// Errors are those of [Newton].
func Minimize[P any](ctx context.Context, f func(P) *tensor.Tensor, x P, o Options) (P, *Report, error) {
	o = o.withDefaults(1e-8)
	type both struct {
		Value *tensor.Tensor
		Grad  P
	}
	vg := grad.ValueAndGrad(f)
	r, err := newRun(ctx, func(x P) both { v, g := vg(x); return both{v, g} }, x, &o, func() (*jacobian.Prepared[P], error) {
		return jacobian.PrepareHessianContext(ctx, f, x, o.Jacobian...)
	})
	defer r.close()
	s := &descent[P]{run: r}
	if err == nil {
		s.blocks, err = newPreconditioner(&o, x, len(s.v))
	}
	if err == nil {
		s.factors, err = o.Systems.complete(s.a.Pattern, direct.Symmetric)
	}
	if err == nil {
		s.rep.Explain += "\n  steps: " + describe(s.factors)
		err = s.minimize(ctx)
	}
	return s.x, s.rep, err
}

// descent is a method for a minimum. The function's values r are the value, then the
// gradient.
type descent[P any] struct {
	*run[P]
	blocks  *blocks
	factors *direct.Factor // or nil
}

func (s *descent[P]) minimize(ctx context.Context) error {
	first := largest(s.r[1:])
	b := make([]float64, len(s.v))
	for s.goOn(s.r[0], largest(s.r[1:]), s.o.Tolerance*first, "the gradient is small") {
		if err := s.derive(ctx); err != nil {
			return err
		}
		g := s.r[1:]
		for i := range b {
			b[i] = -g[i]
		}
		precondition, err := s.precondition(ctx)
		if err != nil {
			return err
		}
		forcing := min(0.5, math.Sqrt(s.it.Residual/first)) * math.Sqrt(s.o.LinearTolerance)
		if s.it.Linear, err = cg(ctx, s.a.MulVec, precondition, s.d, b, forcing, s.o.LinearIterations); err != nil {
			return err
		}
		slope, rounding := dot(g, s.d), 1e-14*math.Abs(s.r[0])
		ok, err := s.search(ctx, func(t float64, r []float64) bool { return r[0] <= s.it.Value+1e-4*t*slope+rounding })
		if err != nil {
			return err
		}
		if !ok {
			s.rep.finish(false, "no step makes the value smaller")
			return nil
		}
	}
	return nil
}

// precondition factors the Hessian, or, where it is not positive definite or not to be
// factored, its diagonal blocks.
func (s *descent[P]) precondition(ctx context.Context) (func(z, r []float64), error) {
	if s.factors != nil {
		if ok, err := definite(ctx, s.factors, s.a.Val); ok || err != nil {
			return apply(s.factors), err
		}
	}
	s.blocks.zero()
	for i := range s.a.Rows {
		for k := s.a.Ptr[i]; k < s.a.Ptr[i+1]; k++ {
			if j := int(s.a.Idx[k]); s.blocks.of[i] == s.blocks.of[j] {
				s.blocks.add(i, j, s.a.Val[k])
			}
		}
	}
	s.blocks.factor()
	return s.blocks.solve, nil
}
