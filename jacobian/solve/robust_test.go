package solve_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/jacobian/solve"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// solvers are all methods, for functions of a vector to a vector as long; Minimize gets
// half the sum of squares.
var solvers = map[string]func(ctx context.Context, f func(*T) *T, x *T, o solve.Options) (*T, *solve.Report, error){
	"newton": func(ctx context.Context, f func(*T) *T, x *T, o solve.Options) (*T, *solve.Report, error) {
		return solve.Newton(ctx, f, x, o)
	},
	"steady": func(ctx context.Context, f func(*T) *T, x *T, o solve.Options) (*T, *solve.Report, error) {
		return solve.SteadyState(ctx, f, x, o)
	},
	"least": func(ctx context.Context, f func(*T) *T, x *T, o solve.Options) (*T, *solve.Report, error) {
		return solve.LeastSquares(ctx, f, x, o)
	},
	"gauss-newton": func(ctx context.Context, f func(*T) *T, x *T, o solve.Options) (*T, *solve.Report, error) {
		o.Undamped = true
		return solve.LeastSquares(ctx, f, x, o)
	},
	"minimize": func(ctx context.Context, f func(*T) *T, x *T, o solve.Options) (*T, *solve.Report, error) {
		return solve.Minimize(ctx, func(x *T) *T { return f(x).Square().Sum().MulScalar(0.5) }, x, o)
	},
}

// A start outside of the domain is an error, as is a derivative that is infinite.
func TestDomain(t *testing.T) {
	for name, run := range solvers {
		for what, c := range map[string]struct {
			f     func(*T) *T
			start []float64
		}{
			"the function at the start": {(*T).Log, []float64{1, -1}},
			"the derivative":            {func(x *T) *T { return x.Sqrt().AddScalar(1) }, []float64{0, 1}},
		} {
			var domain *solve.DomainError
			_, rep, err := run(ctx, c.f, tensor.New(c.start), solve.Options{})
			if !errors.As(err, &domain) || domain.What != what && name != "minimize" || rep.Converged {
				t.Errorf("%s: %v, want a DomainError of %s", name, err, what)
			}
			rep.Last()
		}
	}
}

// Steps that leave the domain are cut back.
func TestStepsStayInDomain(t *testing.T) {
	for name, run := range solvers {
		if name == "steady" {
			continue // x' = log x flees from 1
		}
		x, rep, err := run(ctx, (*T).Log, tensor.New([]float64{9, 0.1}), solve.Options{Tolerance: 1e-12})
		if err != nil || !rep.Converged {
			t.Errorf("%s: %v %+v", name, err, rep)
			continue
		}
		for _, v := range elements(t, x) {
			if math.Abs(v-1) > 1e-6 {
				t.Errorf("%s: %g, want 1", name, v)
			}
		}
	}
	x, rep, err := solve.SteadyState(ctx, func(x *T) *T { return x.Log().Neg() }, tensor.New([]float64{9, 0.1}), solve.Options{})
	if err != nil || !rep.Converged || math.Abs(elements(t, x)[0]-1) > 1e-6 {
		t.Errorf("steady: %v %v %+v", x, err, rep)
	}
	x, rep, err = solve.Minimize(ctx, func(x *T) *T { return x.Sub(x.Log()).Sum() }, tensor.New([]float64{5}), solve.Options{})
	if err != nil || !rep.Converged || math.Abs(elements(t, x)[0]-1) > 1e-6 {
		t.Errorf("minimize: %v %v %+v", x, err, rep)
	}
}

// A singular system ends Newton's method with an error; sums of squares and minima
// have solutions all the same.
func TestSingular(t *testing.T) {
	// (s-1, 2s-3) of s = x + y: no root; least at s = 7/5.
	f := func(x *T) *T {
		return tensor.Stack(0, x.Sum(), x.Sum().MulScalar(2)).Sub(tensor.New([]float64{1, 3}))
	}
	start := tensor.New([]float64{0.3, -0.4})
	var down *solve.BreakdownError
	if _, rep, err := solve.Newton(ctx, f, start, solve.Options{}); !errors.As(err, &down) || rep.Converged {
		t.Errorf("%v %+v, want a BreakdownError", err, rep)
	}
	for _, name := range []string{"least", "gauss-newton", "minimize"} {
		x, rep, err := solvers[name](ctx, f, start, solve.Options{})
		if err != nil || !rep.Converged {
			t.Errorf("%s: %v %+v", name, err, rep)
			continue
		}
		v := elements(t, x)
		if s := v[0] + v[1]; math.Abs(s-1.4) > 1e-6 || math.Abs(rep.Last().Value-0.1) > 1e-9 {
			t.Errorf("%s: the sum is %g, the value %g", name, s, rep.Last().Value)
		}
	}
}

// Entries in another order than all of them by rows are refused.
func TestOptions(t *testing.T) {
	for name, run := range solvers {
		var option *solve.OptionError
		_, _, err := run(ctx, (*T).Exp, tensor.New([]float64{3, 4}), solve.Options{Jacobian: []jacobian.Option{jacobian.ByColumn()}})
		if !errors.As(err, &option) {
			t.Errorf("%s: %v, want an OptionError", name, err)
		}
	}
	var option *solve.OptionError
	if _, _, err := solve.Minimize(ctx, func(x *T) *T { return x.Exp().Sum() }, tensor.New([]float64{3, 4}), solve.Options{Jacobian: []jacobian.Option{jacobian.WithTriangle(sparse.Lower)}}); !errors.As(err, &option) {
		t.Errorf("%v, want an OptionError", err)
	}
	for _, s := range []solve.Systems{solve.Automatic, solve.Direct, solve.Iterative} {
		if got, err := solve.ParseSystems(s.String()); got != s || err != nil {
			t.Errorf("%v: %v %v", s, got, err)
		}
	}
	if _, err := solve.ParseSystems("guessing"); err == nil {
		t.Error("no error")
	}
}

// A context that ends on the way ends every method with its error.
func TestCancel(t *testing.T) {
	for name, run := range solvers {
		during, cancel := context.WithCancel(ctx)
		_, rep, err := run(during, func(x *T) *T { return x.Exp().SubScalar(2) }, tensor.New([]float64{3, 4}), solve.Options{
			Progress: func(it solve.Iteration) bool {
				if it.Number == 1 {
					cancel()
				}
				return true
			}})
		if !errors.Is(err, context.Canceled) || len(rep.Iterations) != 2 {
			t.Errorf("%s: %v after %d iterations", name, err, len(rep.Iterations))
		}
		cancel()
	}
}

// x' = x - x³ rests at -1, 0 and 1, and leaves 0.
func TestSteadyStateFollowsEvolution(t *testing.T) {
	f := func(x *T) *T { return x.Sub(x.Mul(x).Mul(x)) }
	start := []float64{0.1, -0.2, 1.2, -1.1}
	x, rep, err := solve.SteadyState(ctx, f, tensor.New(start), solve.Options{FirstStep: 0.2})
	if err != nil || !rep.Converged {
		t.Fatalf("%v %+v", err, rep)
	}
	for i, v := range elements(t, x) {
		if want := math.Copysign(1, start[i]); math.Abs(v-want) > 1e-7 {
			t.Errorf("from %g to %g, not %g", start[i], v, want)
		}
	}
	var down *solve.BreakdownError
	if _, _, err := solve.SteadyState(ctx, func(x *T) *T { return x.Flip(0) }, tensor.New(start), solve.Options{}); !errors.As(err, &down) {
		t.Errorf("%v, want a BreakdownError", err)
	}
}
