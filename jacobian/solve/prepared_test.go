package solve_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian/solve"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// cubes are x³ + Scale x - By = 0, coupled with the next neighbour; which has a root each.
type cubes struct {
	By    *T
	Scale *T
	Label []*T // integers, which are no unknowns
}

func (c cubes) residual(x *T) *T {
	return x.Mul(x).Mul(x).Add(x.Mul(c.Scale)).Add(x.Roll([]int{1}, []int{0}).MulScalar(0.1)).Sub(c.By)
}

func newCubes(by ...float64) cubes {
	return cubes{tensor.New(by), tensor.Scalar(2), []*T{tensor.New([]int64{7})}}
}

// What is prepared once gives the same, bit for bit, as solving from nothing, whatever
// was solved before.
func TestEquations(t *testing.T) {
	start := tensor.New([]float64{0, 0, 0})
	e, err := solve.PrepareEquations(ctx, func(x *T, c cubes) *T { return c.residual(x) }, start, newCubes(1, 2, 3), solve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			c, from := newCubes(float64(i), -2, 0.5), tensor.New([]float64{1, float64(i), -1})
			want, whole, err := solve.Newton(ctx, c.residual, from, solve.Options{})
			if err != nil || !whole.Converged {
				t.Errorf("%v %+v", err, whole)
				return
			}
			got, rep, err := e.Newton(ctx, from, c)
			if err != nil || !rep.Converged || len(rep.Iterations) != len(whole.Iterations) || !equal(t, got, want) {
				t.Errorf("%d: %v, want %v (%v, %d iterations, want %d)", i, got, want, err, len(rep.Iterations), len(whole.Iterations))
			}
		})
	}
	wg.Wait()
	down := func(x *T, c cubes) *T { return c.residual(x).Neg() }
	s, err := solve.PrepareEquations(ctx, down, start, newCubes(1, 2, 3), solve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, by := range []float64{1, -4} {
		c := newCubes(by, 2, 3)
		want, _, err := solve.SteadyState(ctx, func(x *T) *T { return down(x, c) }, start, solve.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got, rep, err := s.SteadyState(ctx, start, c); err != nil || !rep.Converged || !equal(t, got, want) {
			t.Errorf("%v, want %v (%v)", got, want, err)
		}
	}
}

func equal(t *testing.T, a, b *T) bool {
	x, y := elements(t, a), elements(t, b)
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return len(x) == len(y)
}

// Errors are the call's own: the next one is as good as ever.
func TestEquationsErrors(t *testing.T) {
	f := func(x, a *T) *T { return x.Log().Sub(a) }
	x, a := tensor.New([]float64{1, 2}), tensor.New([]float64{0, 1})
	e, err := solve.PrepareEquations(ctx, f, x, a, solve.Options{})
	if err != nil {
		t.Fatal(err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	var domain *solve.DomainError
	var argument *grad.ArgumentError
	for what, c := range map[string]struct {
		ctx  context.Context
		x, a *T
		ok   func(err error) bool
	}{
		"domain":       {ctx, tensor.New([]float64{-1, 1}), a, func(err error) bool { return errors.As(err, &domain) }},
		"cancelled":    {done, x, a, func(err error) bool { return errors.Is(err, context.Canceled) }},
		"short":        {ctx, tensor.New([]float64{1}), tensor.New([]float64{1}), func(err error) bool { return errors.As(err, &argument) }},
		"another deal": {ctx, tensor.New([]float64{1, 2, 3}), tensor.New([]float64{1}), func(err error) bool { return errors.As(err, &argument) }},
		"nil":          {ctx, nil, a, func(err error) bool { return err != nil }},
	} {
		if _, rep, err := e.Newton(c.ctx, c.x, c.a); !c.ok(err) || rep == nil || rep.Converged {
			t.Errorf("%s: %v %+v", what, err, rep)
		}
		if y, rep, err := e.Newton(ctx, x, a); err != nil || !rep.Converged {
			t.Errorf("after %s: %v %v", what, y, err)
		}
	}
	e.Close()
	if _, _, err := e.Newton(ctx, x, a); !errors.Is(err, graph.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	var shape *solve.ShapeError
	if _, err := solve.PrepareEquations(ctx, func(x, a *T) *T { return x.Sum().Add(a) }, x, tensor.Scalar(1), solve.Options{}); !errors.As(err, &shape) {
		t.Errorf("%v, want a ShapeError", err)
	}
}

// BenchmarkSteps times steps of implicit Euler, u' = residual of Bratu's problem, prepared
// once and anew for each.
func BenchmarkSteps(b *testing.B) {
	const n = 30
	rate := bench.BratuResidual(n, 6.5)
	step := func(u, last *T) *T { return u.Sub(last).Sub(rate(u).MulScalar(1e-3)) }
	start := tensor.Zeros(n, n)
	b.Run("prepared", func(b *testing.B) {
		e, err := solve.PrepareEquations(ctx, step, start, start, solve.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer e.Close()
		for b.Loop() {
			if _, rep, err := e.Newton(ctx, start, start); err != nil || !rep.Converged {
				b.Fatal(err, rep.Reason)
			}
		}
	})
	b.Run("anew", func(b *testing.B) {
		for b.Loop() {
			if _, rep, err := solve.Newton(ctx, func(u *T) *T { return step(u, start) }, start, solve.Options{}); err != nil || !rep.Converged {
				b.Fatal(err, rep.Reason)
			}
		}
	})
}
