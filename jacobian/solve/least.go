// Sums of squares: Levenberg-Marquardt and Gauss-Newton.

package solve

import (
	"context"
	"fmt"

	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse/direct"
)

// LeastSquares minimises half the sum of squares of the elements of f(x), from x. By
// default it is the method of Levenberg and Marquardt, with the damping of Nielsen
// and scaled by the diagonal of JᵀJ; with Options.Undamped that of Gauss and Newton
// with a line search. Steps solve (JᵀJ + λD) d = -Jᵀf by conjugate gradients without
// forming the matrix, or, once that takes many, by its factors; without damping always by
// the former unless Options.Systems is Direct, since JᵀJ may be singular.
//
// Errors: those of f and of jacobian.Prepare, *ShapeError for Options.Blocks,
// *DomainError where f or its derivative is no number at a point reached, the
// context's. Without convergence the error is nil and Report.Converged false.
func LeastSquares[P, Q any](ctx context.Context, f func(P) Q, x P, o Options) (P, *Report, error) {
	o = o.withDefaults(1e-3)
	r, err := newRun(ctx, f, x, &o, func() (*jacobian.Prepared[P], error) {
		return jacobian.PrepareContext(ctx, f, x, o.Jacobian...)
	})
	defer r.close()
	l := &least[P]{run: r}
	if err == nil {
		l.blocks, err = newPreconditioner(&o, x, len(l.v))
	}
	if err == nil && o.Systems == Direct {
		err = l.analyse()
	}
	if err == nil {
		l.rep.Explain += "\n  steps: " + describe(l.factors)
		l.hasty = o.Systems == Automatic && !o.Undamped
		l.allocate()
		err = l.solve(ctx)
	}
	return l.x, l.rep, err
}

// least is a method for sums of squares.
type least[P any] struct {
	*run[P]
	blocks  *blocks
	gram    *gram
	factors *direct.Factor // of gram, or nil
	hasty   bool           // conjugate gradients are used only while they are quick
	slow    int            // how many times in a row they were not

	g, diagonal, minus []float64 // Jᵀr, the diagonal of JᵀJ, -g
	jd                 []float64 // J times a direction
	lambda, grow       float64   // the damping, and by what it grows if need be
}

func (l *least[P]) allocate() {
	n := len(l.v)
	l.g, l.diagonal, l.minus = make([]float64, n), make([]float64, n), make([]float64, n)
	l.jd = make([]float64, len(l.r))
}

// linearise computes the Jacobian, and what follows from it.
func (l *least[P]) linearise(ctx context.Context) error {
	if err := l.derive(ctx); err != nil {
		return err
	}
	if l.factors != nil {
		l.gram.form()
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

// analyse prepares factors of JᵀJ + λD, if that is to be factored.
func (l *least[P]) analyse() (err error) {
	if l.gram = newGram(l.a); l.gram == nil {
		return nil
	}
	l.factors, err = l.o.Systems.complete(l.gram.n, direct.Symmetric)
	return err
}

// patience is how many iterations conjugate gradients may take; where they take more
// lapses times in a row, factors are tried, which take as long as about so many on
// bundle adjustments.
const patience, lapses = 60, 3

// step solves (JᵀJ + λD) d = -g.
func (l *least[P]) step(ctx context.Context) (int, error) {
	precondition, err := l.precondition(ctx)
	if err != nil {
		return 0, err
	}
	n, err := cg(ctx, l.product, precondition, l.d, l.minus, l.o.LinearTolerance, l.o.LinearIterations)
	if n <= patience {
		l.slow = 0
	} else {
		l.slow++
	}
	if err != nil || !l.hasty || l.slow < lapses {
		return n, err
	}
	l.hasty = false
	if err := l.analyse(); err != nil {
		return n, err
	}
	if l.factors != nil {
		l.gram.form()
		l.rep.Explain += fmt.Sprintf("\n  steps after number %d: %s", len(l.rep.Iterations), describe(l.factors))
	}
	return n, nil
}

// product sets y = (JᵀJ + λD) x.
func (l *least[P]) product(y, x []float64) error {
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
}

// precondition factors JᵀJ + λD, or, where it is not positive definite to rounding, or
// not to be factored, its diagonal blocks.
func (l *least[P]) precondition(ctx context.Context) (func(z, r []float64), error) {
	if l.factors != nil {
		values := l.gram.damped(func(i int) float64 { return l.lambda * l.scale(i) })
		if ok, err := definite(ctx, l.factors, values); ok || err != nil {
			return apply(l.factors), err
		}
	}
	l.blocks.zero()
	for i := range l.a.Rows {
		from, to := l.a.Ptr[i], l.a.Ptr[i+1]
		for k := from; k < to; k++ {
			// Columns ascend, and so do blocks: those of one block are neighbours.
			for t := k; t < to && l.blocks.of[l.a.Idx[t]] == l.blocks.of[l.a.Idx[k]]; t++ {
				l.blocks.add(int(l.a.Idx[t]), int(l.a.Idx[k]), l.a.Val[k]*l.a.Val[t])
			}
		}
	}
	for i := range l.diagonal {
		l.blocks.add(i, i, l.lambda*l.scale(i))
	}
	l.blocks.factor()
	return l.blocks.solve, nil
}

func (l *least[P]) solve(ctx context.Context) error {
	if !l.o.Undamped {
		l.lambda, l.grow = 1e-4, 2
	}
	first := -1.0
	for {
		if err := l.linearise(ctx); err != nil {
			return err
		}
		residual := largest(l.g)
		if first < 0 {
			first = residual
		}
		l.it.Damping = l.lambda
		if !l.goOn(dot(l.r, l.r)/2, residual, l.o.Tolerance*first, "the gradient is small") {
			return nil
		}
		if ended, err := l.improve(ctx); ended || err != nil {
			return err
		}
	}
}

// improve takes a step that makes the sum of squares smaller, raising the damping until
// there is one. It reports whether that was the end.
func (l *least[P]) improve(ctx context.Context) (ended bool, err error) {
	value := l.it.Value
	for {
		if l.it.Linear, err = l.step(ctx); err != nil {
			return false, err
		}
		predicted := 0.0 // decrease of the model, with its damping
		for i := range l.d {
			predicted += l.d[i] * (l.lambda*l.scale(i)*l.d[i] - l.g[i]) / 2
		}
		ok, err := l.try(ctx, value, predicted)
		if err != nil {
			return false, err
		}
		if ok {
			if now := dot(l.r, l.r) / 2; value-now <= l.o.ValueTolerance*value {
				l.goOn(now, l.it.Residual, -1, "")
				l.rep.finish(true, "the sum of squares hardly changes any more")
				return true, nil
			}
			return false, nil
		}
		if tiny := norm(l.d) <= 1e-12*(norm(l.v)+1e-12); l.o.Undamped || tiny || l.lambda > 1e16 {
			l.rep.finish(predicted <= 1e-14*value, "no step makes the sum of squares smaller")
			return true, nil
		}
	}
}

// try takes the step if it makes the sum of squares smaller, and sets the damping.
// Without damping it searches along the step.
func (l *least[P]) try(ctx context.Context, value, predicted float64) (bool, error) {
	smaller := func(_ float64, r []float64) bool { return dot(r, r)/2 < value }
	if l.o.Undamped {
		return l.search(ctx, smaller)
	}
	plus(l.trial, l.v, 1, l.d)
	x, r, err := l.f.at(ctx, l.trial)
	if err != nil {
		return false, err
	}
	if !finite(r) || !smaller(1, r) {
		l.lambda *= l.grow
		l.grow *= 2
		return false, nil
	}
	l.x, l.r = x, r
	copy(l.v, l.trial)
	l.it.Step = norm(l.d)
	gain := (value - dot(r, r)/2) / max(predicted, 1e-300)
	c := 2*gain - 1
	l.lambda *= max(1.0/3, 1-c*c*c) // Nielsen, equation 2.5
	l.grow = 2
	return true, nil
}
