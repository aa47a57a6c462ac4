// Sums of squares: Levenberg-Marquardt and Gauss-Newton.

package solve

import (
	"context"
	"time"

	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
)

// LeastSquares minimises half the sum of squares of the elements of f(x), from x. By
// default it is the method of Levenberg and Marquardt, with the damping of Nielsen
// and scaled by the diagonal of JᵀJ; with Options.Undamped that of Gauss and Newton
// with a line search. Steps solve (JᵀJ + λD) d = -Jᵀf by conjugate gradients,
// JᵀJ not being formed.
//
// Errors: those of f and of jacobian.Prepare, *ShapeError for Options.Blocks, the
// context's. Without convergence the error is nil and Report.Converged false.
func LeastSquares[P, Q any](ctx context.Context, f func(P) Q, x P, o Options) (P, *Report, error) {
	o = o.withDefaults(1e-3)
	rep := new(Report)
	l := &least[P]{o: &o, start: time.Now()}
	var done func()
	var err error
	if l.f, done, err = newFunction(f, x); err != nil {
		return x, rep, err
	}
	defer done()
	if l.j, err = jacobian.PrepareContext(ctx, f, x, o.Jacobian...); err != nil {
		return x, rep, err
	}
	defer l.j.Close()
	rep.Explain = l.j.Explain()
	if o.Blocks == nil {
		if o.Blocks, err = blocksOf(x); err != nil {
			return x, rep, err
		}
	}
	l.a = sparse.NewCSR[float64](l.j.Output())
	if l.pre, err = newBlocks(o.Blocks, l.a.Cols); err != nil {
		return x, rep, err
	}
	if l.v, err = vector(x); err != nil {
		return x, rep, err
	}
	if l.x, l.r, err = l.f.at(ctx, l.v); err != nil {
		return x, rep, err
	}
	l.allocate()
	err = l.solve(ctx, rep)
	return l.x, rep, err
}

// least is a solution at work.
type least[P any] struct {
	o     *Options
	start time.Time
	f     *function[P]
	j     *jacobian.Prepared[P]
	a     *sparse.CSR[float64]
	pre   *blocks

	x                  P
	v, r               []float64 // the point and the residuals there
	g, diagonal, minus []float64 // Jᵀr, the diagonal of JᵀJ, -g
	d, trial, jd       []float64 // the step, where it leads, J times it
	lambda             float64
}

func (l *least[P]) allocate() {
	n := len(l.v)
	l.g, l.diagonal, l.minus = make([]float64, n), make([]float64, n), make([]float64, n)
	l.d, l.trial, l.jd = make([]float64, n), make([]float64, n), make([]float64, len(l.r))
}

// linearise computes the Jacobian, and what follows from it.
func (l *least[P]) linearise(ctx context.Context) error {
	if err := l.j.Run(ctx, l.x, l.a.Val); err != nil {
		return err
	}
	clear(l.diagonal)
	for k, j := range l.a.Idx {
		l.diagonal[j] += l.a.Val[k] * l.a.Val[k]
	}
	if err := l.a.MulVecT(l.g, l.r); err != nil {
		return err
	}
	for i := range l.g {
		l.minus[i] = -l.g[i]
	}
	return nil
}

// scale is the damping's weight of an unknown.
func (l *least[P]) scale(i int) float64 { return max(l.diagonal[i], 1e-12) }

// step solves (JᵀJ + λD) d = -g.
func (l *least[P]) step(ctx context.Context) (int, error) {
	l.pre.zero()
	for i := range l.a.Rows {
		from, to := l.a.Ptr[i], l.a.Ptr[i+1]
		for k := from; k < to; k++ {
			// Columns ascend, and so do blocks: those of one block are neighbours.
			for t := k; t < to && l.pre.of[l.a.Idx[t]] == l.pre.of[l.a.Idx[k]]; t++ {
				l.pre.add(int(l.a.Idx[t]), int(l.a.Idx[k]), l.a.Val[k]*l.a.Val[t])
			}
		}
	}
	for i := range l.diagonal {
		l.pre.add(i, i, l.lambda*l.scale(i))
	}
	l.pre.factor()
	return cg(ctx, func(y, x []float64) error {
		if err := l.a.MulVec(l.jd, x); err != nil {
			return err
		}
		if err := l.a.MulVecT(y, l.jd); err != nil {
			return err
		}
		for i := range y {
			y[i] += l.lambda * l.scale(i) * x[i]
		}
		return nil
	}, l.pre.solve, l.d, l.minus, l.o.LinearTolerance, l.o.LinearIterations)
}

func (l *least[P]) solve(ctx context.Context, rep *Report) error {
	if !l.o.Undamped {
		l.lambda = 1e-4
	}
	grow, first := 2.0, 0.0
	it := Iteration{}
	for {
		if err := l.linearise(ctx); err != nil {
			return err
		}
		it.Value, it.Residual, it.Damping, it.Elapsed = dot(l.r, l.r)/2, largest(l.g), l.lambda, time.Since(l.start)
		if len(rep.Iterations) == 0 {
			first = it.Residual
		}
		switch {
		case !rep.add(l.o, it):
			return nil
		case it.Residual <= l.o.Tolerance*first:
			rep.finish(true, "the gradient is small")
			return nil
		case it.Value != it.Value:
			rep.finish(false, "the residuals are no numbers")
			return nil
		case len(rep.Iterations) > l.o.MaxIterations:
			rep.finish(false, "too many iterations")
			return nil
		}
		for accepted := false; !accepted; {
			var err error
			if it.Linear, err = l.step(ctx); err != nil {
				return err
			}
			predicted := 0.0 // decrease of the model, with its damping
			for i := range l.d {
				predicted += l.d[i] * (l.lambda*l.scale(i)*l.d[i] - l.g[i]) / 2
			}
			if it.Step, accepted, err = l.try(ctx, it.Value, predicted, &grow); err != nil {
				return err
			}
			if tiny := it.Step <= 1e-12*(norm(l.v)+1e-12); !accepted && (tiny || l.lambda > 1e16) {
				rep.finish(predicted <= 1e-14*it.Value, "no step makes the sum of squares smaller")
				return nil
			}
			if accepted && it.Value-dot(l.r, l.r)/2 <= 1e-13*it.Value {
				it.Value, it.Elapsed = dot(l.r, l.r)/2, time.Since(l.start)
				rep.add(l.o, it)
				rep.finish(true, "the sum of squares does not change any more")
				return nil
			}
		}
	}
}

// try takes the step if it makes the sum of squares smaller, and sets the damping.
func (l *least[P]) try(ctx context.Context, value, predicted float64, grow *float64) (length float64, ok bool, err error) {
	t := 1.0
	for {
		plus(l.trial, l.v, t, l.d)
		length = t * norm(l.d)
		y, r, err := l.f.at(ctx, l.trial)
		if err != nil {
			return length, false, err
		}
		now := dot(r, r) / 2
		if now < value {
			l.x, l.r = y, r
			copy(l.v, l.trial)
			gain := (value - now) / max(predicted, 1e-300)
			c := 2*gain - 1
			l.lambda *= max(1.0/3, 1-c*c*c) // Nielsen, equation 2.5
			*grow = 2
			return length, true, nil
		}
		if !l.o.Undamped {
			l.lambda *= *grow
			*grow *= 2
			return length, false, nil
		}
		if t /= 2; t < 1e-10 {
			return 0, false, nil
		}
	}
}
