// Prepared programs against the eager functions, bit for bit.

package grad_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

func sameBits(t testing.TB, what string, got, want *T) {
	t.Helper()
	a, b := bothOf(t, what, got, want)
	for i := range b {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) {
			t.Fatalf("%s[%d] = %v, want %v", what, i, a[i], b[i])
		}
	}
}

// bothOf returns the elements of a result and of what is wanted, which are of one type.
func bothOf(t testing.TB, what string, got, want *T) (a, b []float64) {
	t.Helper()
	a, err := got.Float64s()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if b, err = want.Float64s(); err != nil {
		t.Fatalf("%s: what is wanted: %v", what, err)
	}
	if got.DType() != want.DType() || !slices.Equal(got.Shape(), want.Shape()) {
		t.Fatalf("%s is %v%v, want %v%v", what, got.DType(), got.Shape(), want.DType(), want.Shape())
	}
	return a, b
}

func random(r *rand.Rand, shape ...int) *T {
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float64, n)
	for i := range v {
		v[i] = r.NormFloat64()
	}
	return tensor.FromSlice(v, shape...)
}

func mustPrepare[P, Q any](t testing.TB, f func(P) Q, like P, opts ...grad.Option) *grad.Prepared[P, Q] {
	t.Helper()
	p, err := grad.Prepare(f, like, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func run[P, Q any](t testing.TB, p *grad.Prepared[P, Q], x P) Q {
	t.Helper()
	y, err := p.Run(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// network is a loss with broadcasting, products, reductions and a masked branch.
func network(x *T) *T {
	w := x.Index(tensor.Range(0, 2)) // [2 3]
	h := w.MatMul(w.T()).Tanh()      // [2 2]
	m := tensor.Where(h.Gt(tensor.Scalar(0.1)), h.Square(), h.Abs().AddScalar(1).Log())
	return m.Mul(x.Sum(1).Index(tensor.Range(1, 3))).Sum().Add(x.Exp().LogSumExp())
}

// compositions of transformations of network, from a [3 3] tensor.
var compositions = []struct {
	name string
	f    func(x *T) *T
}{
	{"value", network},
	{"grad", grad.Grad(network)},
	{"hvp", func(x *T) *T { return grad.HVP(network, x, x.T().Sin()) }},
	{"grad of grad", grad.Grad(func(x *T) *T { return grad.Grad(network)(x).Square().Sum() })},
	{"jvp", func(x *T) *T {
		y, dy := grad.JVP(network, x, x.Cos())
		return y.Add(dy)
	}},
	{"jvp of grad of jvp", func(x *T) *T {
		_, h := grad.JVP(grad.Grad(func(x *T) *T {
			_, d := grad.JVP(network, x, tensor.OnesLike(x))
			return d
		}), x, x)
		return h
	}},
	{"vjp", func(x *T) *T {
		y, pull := grad.VJP(func(x *T) *T { return x.MatMul(x).Sigmoid() }, x)
		return pull(y).Add(pull(y.Neg()).MulScalar(3))
	}},
	{"linearize", func(x *T) *T {
		_, lin := grad.Linearize(network, x)
		return lin(x.Square())
	}},
	{"vmap of grad", func(x *T) *T {
		return grad.Vmap(grad.Grad(func(r *T) *T { return r.Mul(x.Sum(0)).Sin().Sum() }))(x)
	}},
	{"grad of vmap", grad.Grad(func(x *T) *T {
		return grad.Vmap(func(r *T) *T { return r.Softmax().Square().Sum() })(x).Prod()
	})},
	{"control flow", func(x *T) *T {
		y := x
		for i := range 4 {
			if i%2 == 0 {
				y = y.MatMul(x).MulScalar(0.3)
			} else {
				y = y.Add(x)
			}
		}
		return y
	}},
}

// A prepared program gives the bits of the eager evaluation: in fresh tensors, in
// destinations, in its own argument, and on arguments of any layout.
func TestPreparedIsEager(t *testing.T) {
	for _, c := range compositions {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			p := mustPrepare(t, c.f, random(r, 3, 3))
			for range 3 {
				x := random(r, 3, 3)
				want := c.f(x)
				sameBits(t, "Run", run(t, p, x), want)
				sameBits(t, "Call", p.Call(x), want)
				sameBits(t, "Run of a transpose", run(t, p, x.T()), c.f(x.T()))
				dst := tensor.Zeros(want.Shape()...)
				for range 2 {
					if err := p.RunInto(t.Context(), dst, x); err != nil {
						t.Fatal(err)
					}
					sameBits(t, "RunInto", dst, want)
				}
				if want.Rank() == 2 {
					if err := p.RunInto(t.Context(), x, x); err != nil {
						t.Fatal(err)
					}
					sameBits(t, "RunInto the argument", x, want)
				}
			}
		})
	}
}

// A prepared program is a function that can be transformed and prepared again.
func TestPreparedTransformed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	x, v := random(r, 3, 3), random(r, 3, 3)
	p := mustPrepare(t, network, x)
	g := mustPrepare(t, grad.Grad(network), x)
	sameBits(t, "Grad of Call", grad.Grad(p.Call)(v), grad.Grad(network)(v))
	sameBits(t, "HVP of Call", grad.HVP(p.Call, v, x), grad.HVP(network, v, x))
	_, dg := grad.JVP(g.Call, v, x)
	_, want := grad.JVP(grad.Grad(network), v, x)
	sameBits(t, "JVP of a prepared gradient", dg, want)
	xs := random(r, 4, 3, 3)
	sameBits(t, "Vmap of Call", grad.Vmap(p.Call)(xs), grad.Vmap(network)(xs))
	again := mustPrepare(t, grad.Grad(p.Call), x)
	sameBits(t, "prepared again", run(t, again, v), grad.Grad(network)(v))
}

// The only way from one group of instructions to another may lead over an empty tensor,
// and over what groups compute themselves instead of reading it.
func TestPreparedEmptyBetween(t *testing.T) {
	bend := func(y *T) *T {
		return y.Atan2(tensor.Ones().Cast(y.DType())).MulScalar(1.1459).AddScalar(0.14)
	}
	f := func(x []*T) []*T {
		d := x[0].Dot(x[1])
		chosen := tensor.Where(tensor.New([]bool{true, false, true}),
			bend(d.BroadcastTo(2, 3).Cast(tensor.Float64)), bend(d.BroadcastTo(2, 1).Cast(tensor.Float64)))
		none := chosen.Flip(0).Reshape(-1).Index(tensor.Range(0, 0)).Cast(tensor.Float32)
		return []*T{bend(none).Clamp(-1, 1), bend(d.BroadcastTo(2, 3).Cast(tensor.Float64)), d}
	}
	g := []*T{tensor.Zeros(0).Cast(tensor.Float32), tensor.Ones(2, 3), tensor.Ones().Cast(tensor.Float32)}
	quantity := func(p [4]*T) []*T {
		_, dg := grad.JVP(func(x []*T) []*T {
			_, pull := grad.VJP(f, x)
			return pull(g)
		}, p[:2], p[2:])
		return dg
	}
	var p [4]*T
	for i := range p {
		p[i] = tensor.New([]float32{1, 0.5 + float32(i), -0.25})
	}
	got := run(t, mustPrepare(t, quantity, p), p)
	for i, want := range quantity(p) {
		sameBits(t, "JVP of VJP", got[i], want)
	}
}

// Custom rules are not in the graph: under a transformation the function itself is called.
func TestPreparedCustom(t *testing.T) {
	f := grad.Custom(func(x *T) *T { return x.Square() }, grad.Rules[*T, *T]{
		VJP: func(x, y, g *T) *T { return g.MulScalar(100) },
	})
	x := tensor.Scalar(3)
	p := mustPrepare(t, f, x)
	near(t, "value", run(t, p, x), 9, 0)
	near(t, "slope", grad.Grad(p.Call)(x), 100, 0)
	near(t, "prepared slope", run(t, mustPrepare(t, grad.Grad(f), x), x), 100, 0)
}
