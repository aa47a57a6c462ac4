// Where a partial derivative is zero by name or by chance: what is a constant stays one
// under every transformation, and what happens to be zero does not become one.

package grad_test

import (
	"context"
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/jacobian"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
)

// StopGradient inside of a map is a constant of the transformations around the map.
func TestStopGradientInVmap(t *testing.T) {
	f := grad.Vmap(func(x *T) *T { return x.StopGradient().Mul(x) })
	loss := func(x *T) *T { return f(x).Sum() }
	x, want := tensor.New([]float64{3, 5}), []float64{3, 5}
	nearAll(t, "the gradient of a map", grad.Grad(loss)(x), want, 0)
	_, dy := grad.JVP(f, x, tensor.Ones(2))
	nearAll(t, "its tangent", dy, want, 0)
	nearAll(t, "in two maps", grad.Grad(func(x *T) *T { return grad.Vmap(f)(x.Reshape(2, 1)).Sum() })(x), want, 0)
	p, err := grad.Prepare(f, x)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	nearAll(t, "prepared", grad.Grad(func(x *T) *T { return p.Call(x).Sum() })(x), want, 0)
	j, err := jacobian.Prepare(f, x)
	if err != nil {
		t.Fatal(err)
	}
	m := sparse.NewCSR[float64](j.Output())
	if err := j.Run(context.Background(), x, m.Val); err != nil {
		t.Fatal(err)
	}
	nearAll(t, "the sparse Jacobian", tensor.New([]float64{m.At(0, 0), m.At(1, 1)}), want, 0)
}

// The slope of aᵇ by a is zero where b is, but not constant there: its derivative by b is 1/a.
func TestPowerOfZero(t *testing.T) {
	type args struct{ A, B *T }
	f := func(x args) *T { return x.A.Pow(x.B).Sum() }
	x := args{tensor.New([]float64{2, 0.5}), tensor.New([]float64{0, 0})}
	l := math.Log(2)
	want := []float64{ // rows and columns: a₀ a₁ b₀ b₁
		0, 0, 0.5, 0,
		0, 0, 0, 2,
		0.5, 0, l * l, 0,
		0, 2, 0, l * l,
	}
	nearAll(t, "the Hessian", jacobian.Dense(grad.Grad(f), x), want, 1e-15)
	v := args{tensor.New([]float64{1, -1}), tensor.New([]float64{3, 2})}
	product := []float64{1.5, 4, 0.5 + 3*l*l, -2 + 2*l*l}
	nearAll(t, "HVP", grad.Flatten(grad.HVP(f, x, v)), product, 1e-15)
	nearAll(t, "reverse over reverse", grad.Flatten(grad.Grad(func(x args) *T {
		return grad.Flatten(grad.Grad(f)(x)).Dot(grad.Flatten(v))
	})(x)), product, 1e-15)
	none := args{tensor.New([]float64{0, math.NaN(), math.Inf(1)}), tensor.Zeros(3)}
	nearAll(t, "no slope by any base", grad.Grad(f)(none).A, []float64{0, 0, 0}, 0)
}
