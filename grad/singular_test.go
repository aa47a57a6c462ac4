package grad_test

// Derivatives where functions are not smooth, and what is masked there.

import (
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// singular points of the numbers' contract: value, slope in both modes, and the
// second derivative where it is defined by the contract.
func TestSingularPoints(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	cases := []struct {
		name      string
		f         func(*T) *T
		x, y, d   float64
		second    float64
		hasSecond bool
	}{
		{"sqrt at 0", (*T).Sqrt, 0, 0, inf, 0, false},
		{"x/x at 0", func(x *T) *T { return x.Div(x) }, 0, nan, nan, 0, false},
		{"abs at 0", (*T).Abs, 0, 0, 0, 0, true},
		{"maximum tie", func(x *T) *T { return x.Maximum(tensor.Scalar(1)) }, 1, 1, 0.5, 0, true},
		{"minimum tie", func(x *T) *T { return x.Minimum(tensor.Scalar(1)) }, 1, 1, 0.5, 0, true},
		{"clamp at its upper end", func(x *T) *T { return x.Clamp(-1, 1) }, 1, 1, 1, 0, true},
		{"clamp at its lower end", func(x *T) *T { return x.Clamp(-1, 1) }, -1, -1, 1, 0, true},
		{"sqrt(x·x) at 0", func(x *T) *T { return x.Mul(x).Sqrt() }, 0, 0, 0, 0, false},
		{"sqrt(x²) at 0", func(x *T) *T { return x.Square().Sqrt() }, 0, 0, 0, 0, false},
		{"masked sqrt", func(x *T) *T {
			return tensor.Where(tensor.New(false), x.Sqrt(), x.Mul(x))
		}, 0, 0, 0, 2, true},
		{"masked log", func(x *T) *T {
			return tensor.Where(x.Gt(tensor.Scalar(0)), x.Log(), x.MulScalar(3))
		}, 0, 0, 3, 0, true},
		{"relu at 0", (*T).Relu, 0, 0, 0, 0, true},
		{"softplus at 0", (*T).Softplus, 0, math.Ln2, 0.5, 0.25, true},
		{"hypot at (0, 0)", func(x *T) *T { return x.Hypot(tensor.Scalar(0)) }, 0, 0, 0, 0, false},
		{"pow 0 at 0", func(x *T) *T { return x.PowScalar(0) }, 0, 1, 0, 0, true},
		{"pow 2 at 0", func(x *T) *T { return x.PowScalar(2) }, 0, 0, 0, 2, true},
	}
	for _, c := range cases {
		x := tensor.Scalar(c.x)
		near(t, c.name+": value", c.f(x), c.y, 1e-15)
		for mode, D := range modes {
			near(t, c.name+": slope, "+mode, D(c.f)(x), c.d, 1e-15)
			if !c.hasSecond {
				continue
			}
			for mode2, D2 := range modes {
				near(t, c.name+": second, "+mode2+" over "+mode, D2(D(c.f))(x), c.second, 1e-15)
			}
		}
	}
}

func TestNormSubgradient(t *testing.T) {
	norm := func(x *T) *T { return x.Square().Sum().Sqrt() }
	nearAll(t, "norm'(0)", grad.Grad(norm)(tensor.New([]float64{0, 0, 0})), []float64{0, 0, 0}, 0)
	_, d := grad.JVP(norm, tensor.New([]float64{0, 0, 0}), tensor.New([]float64{1, 2, 3}))
	near(t, "norm'(0)·v", d, 0, 0)
}

func TestHVPMaskedBranch(t *testing.T) {
	f := func(a *T) *T {
		return tensor.Where(tensor.New([]bool{false, false}), a.Sqrt(), a.Mul(a)).Sum()
	}
	nearAll(t, "Hv", grad.HVP(f, tensor.New([]float64{0, 0}), tensor.New([]float64{1, 3})), []float64{2, 6}, 0)
	// Reverse over forward gives the same.
	rf := grad.Grad(func(x *T) *T {
		_, d := grad.JVP(f, x, tensor.New([]float64{1, 3}))
		return d
	})
	nearAll(t, "Hv, reverse on forward", rf(tensor.New([]float64{0, 0})), []float64{2, 6}, 0)
}

// TestIEEE: ordinary products let an infinite slope through to a zero.
func TestIEEE(t *testing.T) {
	f := func(x *T) *T { return x.Mul(x).Sqrt() }
	x := tensor.Scalar(0)
	near(t, "strong", grad.Grad(f)(x), 0, 0)
	near(t, "IEEE, reverse", grad.Grad(f, grad.IEEE())(x), math.NaN(), 0)
	_, d := grad.JVP(f, x, tensor.Scalar(1), grad.IEEE())
	near(t, "IEEE, forward", d, math.NaN(), 0)
	_, lin := grad.Linearize(f, x, grad.IEEE())
	near(t, "IEEE, linear map", lin(tensor.Scalar(1)), math.NaN(), 0)
	near(t, "strong again", grad.Grad(f)(x), 0, 0)

	// A power's slope is a product, too, and none of a slope and a cotangent.
	power := grad.Grad(func(x *T) *T { return x.Pow(tensor.Scalar(0)) }, grad.IEEE())
	near(t, "IEEE, power", power(x), 0, 0)
	near(t, "IEEE, prepared power", run(t, mustPrepare(t, power, x), x), 0, 0)
}
