package check_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/grad/check"
	"github.com/cotangent-ad/cotangent/tensor"
)

type T = tensor.Tensor

type params struct {
	W, B  *T
	Index *T // integers are carried along
}

func loss(p params) *T {
	x := tensor.New([]float64{0.3, -0.8, 0.5})
	h := p.W.MatMul(x).Add(p.B).Tanh()
	return h.Take(0, p.Index).Square().Sum().Add(h.LogSumExp())
}

func at(dtype tensor.DType) params {
	return params{
		W:     tensor.New([][]float64{{0.1, 0.7, -0.2}, {0.4, -0.5, 0.9}}).Cast(dtype),
		B:     tensor.New([]float64{0.2, -0.1}).Cast(dtype),
		Index: tensor.New([]int64{0, 1, 1}),
	}
}

func TestRightDerivatives(t *testing.T) {
	for order := 1; order <= 3; order++ {
		r := check.Derivatives(loss, at(tensor.Float64), check.Order(order))
		if err := r.Err(); err != nil {
			t.Errorf("order %d: %v", order, err)
		}
		if want := map[int]int{1: 4, 2: 12, 3: 28}[order]; r.Comparisons != want {
			t.Errorf("order %d: %d comparisons, want %d", order, r.Comparisons, want)
		}
		if r.Worst.Error > 1e-8 {
			t.Errorf("order %d: worst %v", order, r.Worst)
		}
	}
}

// wrong has a rule that errs in one entry of B.
func wrong(p params) *T {
	f := grad.Custom(func(b *T) *T { return b.Square().Sum() }, grad.Rules[*T, *T]{
		VJP: func(b, y, g *T) *T { return b.MulScalar(2).Mul(tensor.New([]float64{1, 1.5})).Mul(g) },
	})
	return p.W.Square().Sum().Add(f(p.B))
}

func TestWrongDerivativeIsNamed(t *testing.T) {
	r := check.Derivatives(wrong, at(tensor.Float64), check.Order(1))
	err := r.Err()
	if err == nil {
		t.Fatal("a wrong rule passed")
	}
	for _, f := range r.Failed {
		if f.Argument != "B" {
			t.Errorf("blames argument %s: %v", f.Argument, f)
		}
		if f.Mode == "VJP" && (f.Entry != "entry [1]" || math.Abs(f.Got/f.Want-1.5) > 1e-9) {
			t.Errorf("blames %s, want entry [1], which is 1.5 times too large: %v", f.Entry, f)
		}
	}
	if len(r.Failed) != 2 {
		t.Errorf("%d failures, want one a mode: %v", len(r.Failed), err)
	}
	if !strings.Contains(err.Error(), "argument B") {
		t.Errorf("the error does not name the argument: %v", err)
	}
	if err := check.Derivatives(wrong, at(tensor.Float64), check.Order(1), check.Tolerance(10)).Err(); err != nil {
		t.Errorf("tolerance: %v", err)
	}
}

func TestSecondOrderIsChecked(t *testing.T) {
	// The rule is right, its own derivative is not: StopGradient hides it.
	f := grad.Custom(func(x *T) *T { return x.Mul(x).Mul(x).Sum() }, grad.Rules[*T, *T]{
		VJP: func(x, y, g *T) *T { return grad.StopGradient(x.Square().MulScalar(3)).Mul(g) },
	})
	x := tensor.New([]float64{1, 2})
	if err := check.Derivatives(f, x, check.Order(1)).Err(); err != nil {
		t.Errorf("order 1: %v", err)
	}
	if err := check.Derivatives(f, x, check.Order(2)).Err(); err == nil || !strings.Contains(err.Error(), "order 2") {
		t.Errorf("order 2: %v", err)
	}
}

// Near a point without a derivative, differences with a large step say nothing:
// smaller ones are tried, and where those too disagree the finding says so.
func TestKinks(t *testing.T) {
	abs := func(x *T) *T { return x.Abs().Mul(x.AddScalar(3)).Sum() }
	if err := check.Derivatives(abs, tensor.New([]float64{1e-4, -2e-5}), check.Order(1)).Err(); err != nil {
		t.Errorf("near kinks: %v", err)
	}
	jump := func(x *T) *T { return x.Add(x.Gt(tensor.Scalar(0.5)).Cast(tensor.Float64)).Sum() }
	r := check.Derivatives(jump, tensor.New([]float64{0.5 + 1e-9}), check.Order(1))
	if r.Err() == nil || !r.Worst.Unsettled || !strings.Contains(r.Err().Error(), "not smooth") {
		t.Errorf("at a jump: %v", r)
	}
	if r := check.Derivatives(wrong, at(tensor.Float64), check.Order(1)); r.Worst.Unsettled {
		t.Errorf("a wrong rule of a smooth function: %v", r)
	}
}

func TestFloat32AndErrors(t *testing.T) {
	f := func(p params) *T { return p.W.Square().Sum().Add(p.B.Sin().Sum()) }
	if err := check.Derivatives(f, at(tensor.Float32), check.Order(1), nil).Err(); err != nil {
		t.Error(err)
	}
	if err := check.Derivatives(f, at(tensor.Float64), check.Order(4)).Err(); err == nil {
		t.Error("order 4 passed")
	}
	bad := func(p params) *T { return p.W.Add(tensor.New([]float64{1, 2})) }
	if err := check.Derivatives(bad, at(tensor.Float64)).Err(); err == nil || !strings.Contains(err.Error(), "check_test.go") {
		t.Errorf("a failing function: %v", err)
	}
}

func TestModes(t *testing.T) {
	for mode, only := range map[string]check.Option{"JVP": check.ForwardOnly(), "VJP": check.ReverseOnly()} {
		r := check.Derivatives(wrong, at(tensor.Float64), check.Order(1), only)
		if r.Comparisons != 2 || len(r.Failed) != 1 || r.Failed[0].Mode != mode {
			t.Errorf("%s only: %v", mode, r)
		}
		if r := check.Derivatives(loss, at(tensor.Float64), only); r.Err() != nil || r.Comparisons != 4 {
			t.Errorf("%s only, order 2: %d comparisons, %v", mode, r.Comparisons, r.Err())
		}
	}
}

// Directions are as many as asked for, and of the seed; points are as far away as asked for.
func TestDirectionsAndSteps(t *testing.T) {
	var farthest float64
	var calls []float64
	f := func(x *T) *T {
		if v, err := x.Float64s(); err == nil {
			calls = append(calls, v[1])
			farthest = max(farthest, math.Hypot(v[0]-1, v[1]-1))
		}
		return x.Square().Sum()
	}
	run := func(opts ...check.Option) (directions []float64, distance float64) {
		t.Helper()
		calls, farthest = nil, 0
		opts = append(opts, check.Order(1), check.ForwardOnly())
		if err := check.Derivatives(f, tensor.Ones(2), opts...).Err(); err != nil {
			t.Error(err)
		}
		return slices.Clone(calls), farthest
	}
	few, near := run(check.Directions(1), check.Step(1e-4))
	if many, _ := run(check.Directions(5), check.Step(1e-4)); len(many) < 4*len(few) {
		t.Errorf("%d calls for five directions, %d for one", len(many), len(few))
	}
	if _, far := run(check.Directions(1), check.Step(1e-2)); !(far > 50*near && far < 200*near && near > 0) {
		t.Errorf("steps of 1e-2 go as far as %v, of 1e-4 as %v", far, near)
	}
	one, _ := run(check.Seed(1))
	again, _ := run()
	other, _ := run(check.Seed(2))
	if !slices.Equal(one, again) || slices.Equal(one, other) {
		t.Errorf("seed 1 leads to %v, again to %v, seed 2 to %v", one, again, other)
	}
}

func ExampleDerivatives() {
	f := func(x *tensor.Tensor) *tensor.Tensor { return x.Sin().Mul(x).Sum() }
	err := check.Derivatives(f, tensor.New([]float64{0.5, 1}), check.Order(3)).Err()
	fmt.Println(err)
	// Output: <nil>
}
