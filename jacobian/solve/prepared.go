// Equations prepared once, and solved many times.

package solve

import (
	"context"
	"sync"
	"time"
)

// Equations are f(x, a) = 0, as many as unknowns x, prepared for any a of the shapes that
// they were prepared with: for systems that come one after the other, as the steps in
// time of an implicit method. It may be used by several goroutines, of which one at a
// time solves.
type Equations[P, A any] struct {
	mu sync.Mutex
	s  *equations[given[P, A]]
}

// given is what f takes.
type given[P, A any] struct {
	X P
	A A
}

// PrepareEquations prepares f, its derivative by x, and the solver of linear systems. The
// options are those of all solutions. The derivative is that by x and a, of which the
// columns of x are used: each element of a had better be in few equations, as those of x,
// or a have few elements. A pattern of the caller's has columns for both.
//
// Errors: those of f and of jacobian.Prepare, *ShapeError, *OptionError, the context's.
func PrepareEquations[P, A, Q any](ctx context.Context, f func(x P, a A) Q, x P, a A, o Options) (*Equations[P, A], error) {
	o = o.withDefaults(1e-8)
	fixed, err := vector(a)
	if err != nil {
		return nil, err
	}
	s, err := newEquations(ctx, func(v given[P, A]) Q { return f(v.X, v.A) }, given[P, A]{x, a}, len(fixed), &o)
	if err != nil {
		s.close()
		return nil, err
	}
	return &Equations[P, A]{s: s}, nil
}

// Newton solves for x, from x, by the method of [Newton], with its errors.
func (e *Equations[P, A]) Newton(ctx context.Context, x P, a A) (P, *Report, error) {
	return e.solve(ctx, x, a, (*equations[given[P, A]]).newton)
}

// SteadyState finds where x' = f(x, a) comes to rest, from x, by the method of
// [SteadyState], with its errors.
func (e *Equations[P, A]) SteadyState(ctx context.Context, x P, a A) (P, *Report, error) {
	return e.solve(ctx, x, a, (*equations[given[P, A]]).steady)
}

func (e *Equations[P, A]) solve(ctx context.Context, x P, a A, method func(*equations[given[P, A]], context.Context) error) (P, *Report, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.s.from(ctx, given[P, A]{x, a}, time.Now(), method)
	return e.s.x.X, e.s.rep, err
}

// Close gives the memory back. Later solutions fail with graph.ErrClosed.
func (e *Equations[P, A]) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.s.close()
}
