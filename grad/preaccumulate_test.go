// Preaccumulation: what it keeps, that derivatives are close to what they are without it,
// and the same where they are singular.

package grad_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
	"pgregory.net/rapid"
)

var preaccumulate = []grad.Option{grad.Reassociate(), grad.Without(graph.Reorder)}

// geluOf is Gaussian error linear units in their formula by tanh (Hendrycks and Gimpel).
func geluOf(a *T) *T {
	u := a.Add(a.Mul(a).Mul(a).MulScalar(0.044715)).MulScalar(math.Sqrt(2 / math.Pi))
	return a.MulScalar(0.5).Mul(u.Tanh().AddScalar(1))
}

// layers is the sum of squares of layers of units, with weights w.
func layers(units func(*T) *T, w *T, n int) func(x *T) *T {
	return func(x *T) *T {
		for range n {
			x = units(x.MatMul(w))
		}
		return x.Square().Sum()
	}
}

// Of each layer but the last, whose sweep follows at once, one derivative is kept.
func TestPreaccumulate(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	w := random(r, 64, 64).MulScalar(0.2)
	x := random(r, 512, 64)
	array := 512 * 64 * 8
	for _, c := range []struct {
		name  string
		units func(a *T) *T
		kept  int
	}{
		{"gelu", geluOf, 2},
		{"mish", func(a *T) *T { return a.Mul(a.Softplus().Tanh()) }, 2},
		{"masked", func(a *T) *T { // infinite slopes where they are shut out
			return tensor.Where(a.Gt(tensor.Scalar(0)), a.Sqrt().Mul(a.Sin()).Exp(), a.Square().Tanh())
		}, 2},
		{"tanh, of which the result is there anyhow", func(a *T) *T { return a.Tanh() }, 0},
		{"relu", func(a *T) *T { return a.Relu() }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := grad.Grad(layers(c.units, w, 3))
			plain := mustPrepare(t, f, x)
			p := mustPrepare(t, f, x, preaccumulate...)
			before, after := plain.Explain(), p.Explain()
			if n := after.Preaccumulated; n.Values != c.kept || n.Bytes != c.kept*array || n.Instead < n.Bytes {
				t.Errorf("kept %+v", n)
			}
			if c.kept > 0 && (after.Peak+array > before.Peak || after.Cost.Bytes >= before.Cost.Bytes) {
				t.Errorf("%v\nwithout\n%v", after, before)
			}
			want := plain.Call(x)
			close12(t, "gradient", p.Call(x), want)
			sameBits(t, "without", mustPrepare(t, f, x, grad.Reassociate(), grad.Without(graph.Reorder|graph.Preaccumulate)).Call(x), want)
		})
	}
}

var randomUnits = []func(a, b *T) *T{
	func(a, b *T) *T { return a.Mul(b) },
	func(a, b *T) *T { return a.Sub(b) },
	func(a, b *T) *T { return a.Sin() },
	func(a, b *T) *T { return a.Tanh() },
	func(a, b *T) *T { return a.Sqrt() }, // of slope +Inf at 0
	func(a, b *T) *T { return a.Abs().Sqrt() },
	func(a, b *T) *T { return a.Relu().Sqrt() },
	func(a, b *T) *T { return a.Square().AddScalar(0.25).Log() },
	func(a, b *T) *T { return tensor.Where(b.Gt(tensor.Scalar(0)), a, b.Square()) },
	func(a, b *T) *T { return a.Maximum(b) },
	func(a, b *T) *T { return a.Mul(grad.StopGradient(b)) },
}

// Of random units, at zeros and elsewhere, derivatives are close, and where they are
// infinite or no number they are so with preaccumulation too.
func TestPreaccumulateRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(43, 44))
	w := random(r, 24, 24).MulScalar(0.2)
	rapid.Check(t, func(t *rapid.T) {
		var code []instruction
		for i := range rapid.IntRange(2, 10).Draw(t, "length") {
			at := rapid.IntRange(0, i)
			code = append(code, instruction{rapid.IntRange(0, len(randomUnits)-1).Draw(t, "op"), at.Draw(t, "a"), at.Draw(t, "b")})
		}
		with := func(rounding func(y *T) *T) func(a *T) *T {
			return func(a *T) *T {
				vals := []*T{a}
				for _, i := range code {
					vals = append(vals, rounding(randomUnits[i.op](vals[i.a], vals[i.b])))
				}
				return vals[len(code)]
			}
		}
		x := random(rand.New(rand.NewPCG(45, rapid.Uint64().Draw(t, "seed"))), 24, 24)
		if rapid.Bool().Draw(t, "zeros") {
			x = x.Relu()
		}
		if rapid.Bool().Draw(t, "rows of zeros") {
			x = x.Mul(x.Index(tensor.Range(0, 24), tensor.Range(0, 1)).Gt(tensor.Scalar(0)).Cast(tensor.Float64))
		}
		f := grad.Grad(layers(with(func(y *T) *T { return y }), w, 2))
		want, err := f(x).Float64s()
		if err != nil {
			t.Fatal(err)
		}
		p, err := grad.Prepare(f, x, preaccumulate...)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		y, err := p.Run(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := y.Float64s()
		most, spread := 0.0, 0.0
		for _, v := range want {
			if v-v == 0 {
				most = max(most, math.Abs(v))
			}
		}
		// What rounding does, made a thousand times as large.
		for seed := range uint64(3) {
			r := rand.New(rand.NewPCG(seed, 46))
			rounded := func(y *T) *T { return y.Mul(random(r, 24, 24).MulScalar(1000 * 0x1p-53).AddScalar(1)) }
			near, err := grad.Grad(layers(with(rounded), w, 2))(x).Float64s()
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range near {
				if d := math.Abs(v - want[i]); d <= math.MaxFloat64 {
					spread = max(spread, d)
				}
			}
		}
		for i, v := range want {
			// Factors that cancel are a zero, which shuts out cotangents that are no numbers.
			same := math.IsNaN(v) && (math.IsNaN(got[i]) || got[i] == 0) || v == got[i]
			if !same && !(math.Abs(v-got[i]) <= 1e-11*most+spread) {
				t.Fatalf("element %d: %v, want %v\n%v", i, got[i], v, p.Graph())
			}
		}
	})
}
