package solve_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/bench"
	"github.com/cotangent-ad/cotangent/jacobian/solve"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

type T = tensor.Tensor

var ctx = context.Background()

func noisy(scale, shift float64, shape ...int) *T {
	r := rand.New(rand.NewPCG(3, 4))
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = shift + scale*(2*r.Float64()-1)
	}
	return tensor.FromSlice(v, shape...)
}

func elements(t *testing.T, x *T) []float64 {
	t.Helper()
	v, err := x.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNewtonBratu(t *testing.T) {
	f := bench.BratuResidual(15, 5)
	x, rep, err := solve.Newton(ctx, f, tensor.Zeros(15, 15), solve.Options{Tolerance: 1e-12})
	if err != nil || !rep.Converged {
		t.Fatalf("%v %+v", err, rep)
	}
	for _, r := range elements(t, f(x)) {
		if math.Abs(r) > 1e-12 {
			t.Fatalf("a residual of %g", r)
		}
	}
	if len(rep.Iterations) > 7 {
		t.Errorf("%d iterations: not quadratic", len(rep.Iterations))
	}
	// The same as the minimum of the energy.
	y, rep, err := solve.Minimize(ctx, bench.BratuEnergy(15, 5), tensor.Zeros(15, 15), solve.Options{Tolerance: 1e-11})
	if err != nil || !rep.Converged {
		t.Fatalf("%v %+v", err, rep)
	}
	a, b := elements(t, x), elements(t, y)
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-7 {
			t.Fatalf("element %d is %g by Newton, %g by minimisation", i, a[i], b[i])
		}
	}
}

func TestNewtonBrusselator(t *testing.T) {
	// The steady state is u = 1, v = 3.4.
	start := tensor.Stack(0, noisy(0.05, 1, 10, 10), noisy(0.05, 3.4, 10, 10))
	x, rep, err := solve.Newton(ctx, bench.Brusselator(10), start, solve.Options{Tolerance: 1e-8})
	if err != nil || !rep.Converged {
		t.Fatalf("%v %+v", err, rep)
	}
	for i, v := range elements(t, x) {
		if want := []float64{1, 3.4}[i/100]; math.Abs(v-want) > 1e-8 {
			t.Fatalf("element %d is %g, want %g", i, v, want)
		}
	}
}

func TestNewtonErrors(t *testing.T) {
	var shape *solve.ShapeError
	if _, _, err := solve.Newton(ctx, func(x *T) *T { return x.Index(tensor.Range(0, 2)) }, noisy(1, 0, 3), solve.Options{}); !errors.As(err, &shape) {
		t.Errorf("%v, want a ShapeError", err)
	}
	var down *solve.BreakdownError
	flip := func(x *T) *T { return x.Flip(0) } // no diagonal
	if _, _, err := solve.Newton(ctx, flip, noisy(1, 0, 4), solve.Options{Systems: solve.Iterative}); !errors.As(err, &down) {
		t.Errorf("%v, want a BreakdownError", err)
	}
	if _, rep, err := solve.Newton(ctx, flip, noisy(1, 0, 4), solve.Options{}); err != nil || !rep.Converged {
		t.Errorf("%v %+v: the factorization gets by without a diagonal", err, rep)
	}
	var option *solve.OptionError
	for _, o := range []solve.Options{{Tolerance: -1}, {MaxIterations: -1}, {LinearTolerance: math.NaN()}, {FirstStep: -1}} {
		if _, _, err := solve.Newton(ctx, (*T).Square, noisy(1, 3, 4), o); !errors.As(err, &option) {
			t.Errorf("%v, want an OptionError", err)
		}
	}
	singular := func(x *T) *T { return x.Mul(tensor.Zeros(4)).AddScalar(1) }
	if _, _, err := solve.Newton(ctx, singular, noisy(1, 3, 4), solve.Options{}); !errors.As(err, &down) {
		t.Errorf("%v, want a BreakdownError", err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, err := solve.Newton(done, (*T).Square, noisy(1, 3, 4), solve.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's", err)
	}
	// x² + 1 has no root.
	_, rep, err := solve.Newton(ctx, func(x *T) *T { return x.Square().AddScalar(1) }, noisy(0.5, 1, 3), solve.Options{})
	if err != nil || rep.Converged || rep.Reason == "" {
		t.Errorf("%v %+v", err, rep)
	}
	// A linear solver of the caller's.
	called := false
	_, rep, err = solve.Newton(ctx, func(x *T) *T { return x.SubScalar(2) }, noisy(1, 0, 3), solve.Options{
		Linear: func(_ context.Context, a *sparse.CSR[float64], x, b []float64) error {
			called = true
			for i := range x {
				x[i] = b[i] / a.At(i, i)
			}
			return nil
		}})
	if err != nil || !called || !rep.Converged {
		t.Errorf("%v %v %+v", err, called, rep)
	}
}

func TestMinimizeRosenbrock(t *testing.T) {
	x, rep, err := solve.Minimize(ctx, bench.ChainedRosenbrock, noisy(0.4, 1, 6), solve.Options{MaxIterations: 300})
	if err != nil || !rep.Converged {
		t.Fatalf("%v %v %v", err, rep.Reason, rep.Last())
	}
	for i, v := range elements(t, x) {
		if math.Abs(v-1) > 1e-5 {
			t.Fatalf("element %d is %g", i, v)
		}
	}
}

func TestBundle(t *testing.T) {
	reprojection, start := newScene(t, 6, 40, 4, 0)
	for name, o := range map[string]solve.Options{"levenberg-marquardt": {}, "gauss-newton": {Undamped: true, LinearTolerance: 1e-8, LinearIterations: 2000},
		"direct": {Systems: solve.Direct}, "iterative": {Systems: solve.Iterative}, "switching": {LinearTolerance: 1e-10}} {
		t.Run(name, func(t *testing.T) {
			told := 0
			o.Progress = func(it solve.Iteration) bool { told++; return true }
			o.Tolerance = 1e-9
			_, rep, err := solve.LeastSquares(ctx, reprojection, start, o)
			if err != nil {
				t.Fatal(err)
			}
			first, last := rep.Iterations[0].Value, rep.Last().Value
			if !rep.Converged || last > 1e-6*first {
				t.Errorf("from %g to %g: %s", first, last, rep.Reason)
			}
			if told != len(rep.Iterations) || !strings.Contains(rep.Explain, "directly") {
				t.Errorf("%d iterations, %d told, %q", len(rep.Iterations), told, rep.Explain)
			}
			if want := map[string]string{"direct": "steps: L D", "iterative": "steps: conj", "gauss-newton": "steps: conj", "switching": "steps after"}[name]; !strings.Contains(rep.Explain, want) {
				t.Errorf("%q does not tell of %q", rep.Explain, want)
			}
			for i, it := range rep.Iterations[1:] {
				if it.Value > rep.Iterations[i].Value {
					t.Errorf("iteration %d is worse than the one before", i+1)
				}
			}
		})
	}
	_, rep, err := solve.LeastSquares(ctx, reprojection, start, solve.Options{Progress: func(it solve.Iteration) bool { return it.Number < 2 }})
	if err != nil || rep.Converged || len(rep.Iterations) != 3 {
		t.Errorf("%v %+v", err, rep)
	}
	var shape *solve.ShapeError
	if _, _, err := solve.LeastSquares(ctx, reprojection, start, solve.Options{Blocks: []int{5}}); !errors.As(err, &shape) {
		t.Errorf("%v, want a ShapeError", err)
	}
}
