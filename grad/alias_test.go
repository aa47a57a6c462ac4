package grad_test

import (
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// twoSums returns e and z's sums in either order: in which order contributions
// arrive must not matter.
func twoSums(swap bool, e, z *T) *T {
	if swap {
		return z.Square().Sum().Add(e.Sum())
	}
	return e.Sum().Add(z.Square().Sum())
}

// TestSharedCotangents: a cotangent that one operand takes over and another sees
// through a view is not added to in place.
func TestSharedCotangents(t *testing.T) {
	type pair struct{ X, Y *T }
	identity := grad.Custom(func(x *T) *T { return x }, grad.Rules[*T, *T]{VJP: func(x, y, g *T) *T { return g }})
	programs := map[string]func(p pair) *T{
		"broadcast": func(p pair) *T { return p.X.Add(p.Y) },
		"reshape":   func(p pair) *T { return p.X.Reshape(1, -1).Add(p.Y) },
		"concat": func(p pair) *T {
			h := p.X.Dim(0) / 2
			return tensor.Concat(0, p.X.Index(tensor.Range(0, h)), p.X.Index(tensor.Range(h, 2*h))).Add(p.Y.Reshape(-1))
		},
		"custom":    func(p pair) *T { return identity(p.X).Add(p.Y) },
		"transpose": func(p pair) *T { return p.X.Unsqueeze(1).T().Add(p.Y) },
	}
	for name, z := range programs {
		for _, n := range []int{4, 1000} { // on the Go heap and in device buffers
			for _, swap := range []bool{false, true} {
				p := pair{tensor.New(normals(n)), tensor.New(normals(2 * n)[n:]).Reshape(1, n)}
				f := func(p pair) *T { return twoSums(swap, p.Y.Exp(), z(p)).Add(p.X.Sin().Sum()) }
				g := grad.Grad(f)(p)
				sum := p.X.Add(p.Y.Reshape(-1)).MulScalar(2)
				what := fmt.Sprintf("%s n=%d swap=%v", name, n, swap)
				want, _ := sum.Add(p.X.Cos()).Float64s()
				nearAll(t, what+" x", g.X.Reshape(-1), want, 1e-14)
				want, _ = sum.Add(p.Y.Reshape(-1).Exp()).Float64s()
				nearAll(t, what+" y", g.Y.Reshape(-1), want, 1e-14)
			}
		}
	}
}

// TestOuterSavesInner: what an outer transformation has saved of an inner one's
// values is neither freed nor written by the inner sweep.
func TestOuterSavesInner(t *testing.T) {
	for _, n := range []int{5, 1000} {
		c, w := tensor.New(normals(n)), tensor.New(normals(n + 1)[1:])
		c2 := tensor.New(normals(n + 2)[2:])
		inner := func(w *T) *T { // the gradient by x at c of a function that captures w
			return grad.Grad(func(x *T) *T {
				a := x.Exp()
				e := a.Sin()
				s := a.Add(x.Cos().Mul(w))
				return e.Sum().Add(s.Mul(c2).Sum()).Add(a.Mul(w).Sum())
			})(c).Square().Sum()
		}
		// d/dx = e^x cos(e^x) + c2(e^x - w sin x) + w e^x, squared and summed
		ex := c.Exp()
		d := ex.Mul(ex.Cos()).Add(c2.Mul(ex.Sub(w.Mul(c.Sin())))).Add(w.Mul(ex))
		want, err := d.MulScalar(2).Mul(ex.Sub(c2.Mul(c.Sin()))).Float64s()
		if err != nil {
			t.Fatal(err)
		}
		nearAll(t, fmt.Sprintf("grad of grad, n=%d", n), grad.Grad(inner)(w), want, 1e-12)
		y, lin := grad.Linearize(inner, w)
		if y.Err() != nil {
			t.Error(y.Err())
		}
		var dot float64
		for _, v := range want {
			dot += v
		}
		near(t, fmt.Sprintf("linearize of grad, n=%d", n), lin(tensor.OnesLike(w)), dot, 1e-11)
		for what, f := range map[string]func(*T) *T{"value": inner, "gradient": grad.Grad(inner)} {
			p, err := grad.Prepare(f, w)
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Run(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			eager, err := f(w).Reshape(-1).Float64s()
			if err != nil {
				t.Fatal(err)
			}
			nearAll(t, fmt.Sprintf("prepared %s, n=%d", what, n), got.Reshape(-1), eager, 0)
		}
	}
}

// TestSameTensorTwice: results that are operands, or each other, keep their memory.
func TestSameTensorTwice(t *testing.T) {
	identity := grad.Custom(func(x *T) *T { return x }, grad.Rules[*T, *T]{VJP: func(x, y, g *T) *T { return g }})
	x := tensor.New(normals(1000))
	_, g, aux := grad.ValueGradAux(func(x *T) (*T, []*T) {
		h := x.Exp()
		return h.Sum(), []*T{identity(h), h, h.Reshape(10, 100)}
	})(x)
	want, _ := x.Exp().Float64s()
	nearAll(t, "gradient", g, want, 1e-15)
	for i, a := range aux {
		nearAll(t, fmt.Sprint("aux ", i), a.Reshape(-1), want, 1e-15)
	}
}

// TestVmapRead: a Go branch on a mapped value fails the map, also where the
// reader does not look at the error.
func TestVmapRead(t *testing.T) {
	y := grad.Vmap(func(x *T) *T {
		if x.Float() > 0 {
			return x
		}
		return x.Neg()
	})(tensor.New([]float64{1, 2}))
	if y.Err() == nil {
		t.Errorf("a branch on a mapped value gave %v", y)
	}
}

func TestMismatchedTrees(t *testing.T) {
	type params struct {
		M map[string]*T
		A any
	}
	f := func(p params) *T { return p.M["a"].Add(p.M["b"]) }
	one := tensor.Scalar(1)
	x := params{M: map[string]*T{"a": one, "b": one}}
	if _, d := grad.JVP(f, x, params{M: map[string]*T{"a": one, "zzz": one}}); d.Err() == nil {
		t.Error("tangents under other keys were taken")
	}
	if y, _ := grad.ValueAndGrad(f)(params{M: x.M, A: one}); y.Err() == nil {
		t.Error("a tensor in an interface was ignored")
	}
	if y, _ := grad.ValueAndGrad(f)(params{M: x.M, A: "text"}); y.Err() != nil {
		t.Errorf("an interface without tensors: %v", y.Err())
	}
	bad := tensor.Scalar(1).Add(tensor.New([]bool{true}).Index(tensor.At(7)))
	if y, _ := grad.ValueAndGrad(func(p [2]*T) *T { return p[0] })([2]*T{one, bad}); y.Err() == nil {
		t.Error("an argument's error was lost")
	}
}
