package grad_test

import (
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// A tape that begins with numbers goes on with more, wherever that happens.
func TestNumbersThenTensors(t *testing.T) {
	const x = 0.7
	numbers := func(x *T) *T { return x.Sin().Mul(x).Add(tensor.Where(x.Gt(tensor.Scalar(0)), x.Exp(), x.Neg())) }
	slope := math.Cos(x)*x + math.Sin(x) + math.Exp(x)
	curve := -math.Sin(x)*x + 2*math.Cos(x) + math.Exp(x)
	for name, c := range map[string]struct {
		f     func(x *T) *T
		times float64
	}{
		"numbers":     {numbers, 1},
		"then more":   {func(x *T) *T { return numbers(x).BroadcastTo(3).Sum() }, 3},
		"more before": {func(x *T) *T { return numbers(x.BroadcastTo(1, 1).Sum()) }, 1},
		"a constant":  {func(x *T) *T { return numbers(x).Mul(tensor.Ones(2, 2)).Sum() }, 4},
		"float32":     {func(x *T) *T { return numbers(x).Add(x.Cast(tensor.Float32).Cast(tensor.Float64).MulScalar(0)) }, 1},
	} {
		y, g := grad.ValueAndGrad(c.f)(tensor.Scalar(x))
		near(t, name+": value", y, c.times*(math.Sin(x)*x+math.Exp(x)), 1e-15)
		near(t, name+": slope", g, c.times*slope, 1e-15)
		_, pull := grad.VJP(c.f, tensor.Scalar(x))
		for k := range 2 { // by numbers, under a transformation, and again
			near(t, name+": pulled", pull(tensor.Scalar(2)), 2*c.times*slope, 1e-15)
			if k == 0 {
				near(t, name+": by the cotangent", grad.Grad(func(v *T) *T { return pull(v).Square() })(tensor.Scalar(3)), 6*c.times*c.times*slope*slope, 1e-14)
			}
		}
		_, push := grad.Linearize(c.f, tensor.Scalar(x))
		near(t, name+": pushed", push(tensor.Scalar(2)), 2*c.times*slope, 1e-15)
		near(t, name+": curvature", grad.Grad(grad.Grad(c.f))(tensor.Scalar(x)), c.times*curve, 1e-15)
	}
}

// What is made of numbers keeps its shape, and operands that two contributions reach
// get both.
func TestNumbersOfShape(t *testing.T) {
	x := tensor.New([]float64{2})
	g := grad.Grad(func(x *T) *T { return x.Mul(x).Add(x.MulScalar(3)).Add(x.Reciprocal()).Sum() })(x)
	if want := tensor.New([]float64{4 + 3 - 0.25}); g.String() != want.String() {
		t.Errorf("%v, want %v", g, want)
	}
	if same := grad.Grad(func(x *T) *T { return x })(tensor.Scalar(2)); same.Float() != 1 {
		t.Errorf("the slope of the identity is %v", same)
	}
}
