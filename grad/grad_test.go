package grad_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

type T = tensor.Tensor

func item(t *testing.T, x *T) float64 {
	t.Helper()
	v, err := x.Item()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func near(t *testing.T, what string, got *T, want, tol float64) {
	t.Helper()
	if v := item(t, got); !(math.Abs(v-want) <= tol*(1+math.Abs(want))) && !(math.IsNaN(v) && math.IsNaN(want)) && v != want {
		t.Errorf("%s = %.17g, want %.17g", what, v, want)
	}
}

func nearAll(t *testing.T, what string, got *T, want []float64, tol float64) {
	t.Helper()
	v, err := got.Float64s()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if len(v) != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, len(v), len(want))
	}
	for i := range v {
		if !(math.Abs(v[i]-want[i]) <= tol*(1+math.Abs(want[i]))) {
			t.Errorf("%s[%d] = %.17g, want %.17g", what, i, v[i], want[i])
		}
	}
}

// normalPDF is the density of a normal distribution in ten elementary steps.
type normal struct{ X, Mu, Sigma *T }

func normalPDF(p normal) *T {
	v1 := p.X.Sub(p.Mu)
	v2 := v1.Square()
	v6 := p.Sigma.Square()
	v7 := v6.MulScalar(2)
	v3 := v2.Div(v7)
	v5 := v3.Neg().Exp()
	v9 := v7.MulScalar(math.Pi).Sqrt()
	return v5.Div(v9)
}

func TestNormalPDF(t *testing.T) {
	at := normal{tensor.Scalar(0.5), tensor.Scalar(0), tensor.Scalar(1)}
	y, g := grad.ValueAndGrad(normalPDF)(at)
	e := math.Exp(-0.125)
	s := math.Sqrt(2 * math.Pi)
	near(t, "f", y, e/s, 1e-15)
	near(t, "df/dx", g.X, -0.5*e/s, 1e-15)
	near(t, "df/dmu", g.Mu, 0.5*e/s, 1e-15)
	near(t, "df/dsigma", g.Sigma, -(1-0.5)*(1+0.5)*e/s, 1e-15)
	near(t, "f to four digits", y, 0.3521, 1e-4)
	near(t, "df/dsigma to four digits", g.Sigma, -0.2640, 1e-4)
}

// modes are the two ways to a derivative of a scalar function of a scalar.
var modes = map[string]func(f func(*T) *T) func(*T) *T{
	"forward": func(f func(*T) *T) func(*T) *T {
		return func(x *T) *T {
			_, dy := grad.JVP(f, x, tensor.Scalar(1))
			return dy
		}
	},
	"reverse": func(f func(*T) *T) func(*T) *T { return grad.Grad(f) },
}

// TestPerturbationConfusion holds the nested derivatives that confuse systems
// without levels (ForwardDiff.jl 83, ReverseDiff.jl 45 and Siskind and
// Pearlmutter's example), in all pairings of modes.
func TestPerturbationConfusion(t *testing.T) {
	for outer, D := range modes {
		for inner, d := range modes {
			t.Run(outer+" over "+inner, func(t *testing.T) {
				// d/dx [x · d/dy (x+y) at y=1] at x=1 is 1; confused: 2.
				f := func(x *T) *T {
					return x.Mul(d(func(y *T) *T { return x.Add(y) })(tensor.Scalar(1)))
				}
				near(t, "d(x·d(x+y))", D(f)(tensor.Scalar(1)), 1, 0)
				// d/dx [d/dy (x·y²) at y=x]: 2x² there, hence 2·(x + x) - here d/dx of 2xy|y=x = 4x.
				g := func(x *T) *T { return d(func(y *T) *T { return x.Mul(y.Square()) })(x) }
				near(t, "d(d(x·y²)|y=x)", D(g)(tensor.Scalar(3)), 12, 1e-15)
				// The inner derivative does not depend on x: zero.
				h := func(x *T) *T { return d(func(y *T) *T { return y.Mul(x) })(tensor.Scalar(2)).Sub(x) }
				near(t, "d(x - x)", D(h)(tensor.Scalar(5)), 0, 0)
				// ReverseDiff.jl 45: an inner derivative whose function closes over the outer variable.
				k := func(x *T) *T {
					return d(func(y *T) *T { return x.Mul(x).Mul(y).Add(x.Mul(y.Mul(y))) })(tensor.Scalar(4))
				} // x² + 8x
				near(t, "d(x²+2xy|4)", D(k)(tensor.Scalar(3)), 2*3+8, 1e-15)
				// Third order through both.
				c := func(x *T) *T { return x.Mul(x.Mul(x)) }
				near(t, "d³ x³", D(d(D(c)))(tensor.Scalar(2)), 6, 1e-15)
			})
		}
	}
}

// TestForwardDiff83 is ForwardDiff.jl issue 83: a gradient inside of which a
// derivative with respect to something else is taken.
func TestForwardDiff83(t *testing.T) {
	for outer, D := range modes {
		for inner, d := range modes {
			// phi(x) = sin(x)·d/dt[x·t² + t]|t=x
			f := func(x *T) *T { return x.Sin().Mul(d(func(u *T) *T { return x.Mul(u.Square()).Add(u) })(x)) }
			x := 0.7
			want := math.Cos(x)*(2*x*x+1) + math.Sin(x)*4*x
			near(t, outer+" over "+inner, D(f)(tensor.Scalar(x)), want, 1e-14)
		}
	}
}

func rosenbrock(x *T) *T {
	n := x.Dim(0)
	a, b := x.Index(tensor.Range(0, n-1)), x.Index(tensor.Range(1, n))
	return b.Sub(a.Square()).Square().MulScalar(100).Add(a.RSubScalar(1).Square()).Sum()
}

func TestRosenbrock(t *testing.T) {
	x := tensor.New([]float64{0.5, -0.3, 1.2})
	want := make([]float64, 3)
	v := []float64{0.5, -0.3, 1.2}
	for i := range 2 {
		want[i] += -400*v[i]*(v[i+1]-v[i]*v[i]) - 2*(1-v[i])
		want[i+1] += 200 * (v[i+1] - v[i]*v[i])
	}
	nearAll(t, "gradient", grad.Grad(rosenbrock)(x), want, 1e-13)
	dir := []float64{1, -2, 0.5}
	h := make([]float64, 3)
	for i := range 2 {
		h[i] += (1200*v[i]*v[i]-400*v[i+1]+2)*dir[i] - 400*v[i]*dir[i+1]
		h[i+1] += -400*v[i]*dir[i] + 200*dir[i+1]
	}
	nearAll(t, "Hv", grad.HVP(rosenbrock, x, tensor.New(dir)), h, 1e-13)
	g, hv := grad.GradHVP(rosenbrock, x, tensor.New(dir))
	nearAll(t, "gradient of GradHVP", g, want, 1e-13)
	nearAll(t, "Hv of GradHVP", hv, h, 1e-13)
}

func TestFanOut(t *testing.T) {
	// x is used by many, an intermediate by three, one branch is dead.
	f := func(x *T) *T {
		a := x.Sin()
		_ = a.Exp()
		return a.Mul(a).Add(a).Add(x).Add(x.Mul(a))
	}
	x := 0.3
	s, c := math.Sin(x), math.Cos(x)
	near(t, "f'", grad.Grad(f)(tensor.Scalar(x)), 2*s*c+c+1+s+x*c, 1e-15)
}

func TestPowerByHostLoop(t *testing.T) {
	power := func(k int) func(*T) *T {
		return func(a *T) *T {
			p := a
			for range k - 1 {
				p = p.Mul(a)
			}
			return p.Sum()
		}
	}
	nearAll(t, "d a^5", grad.Grad(power(5))(tensor.New([]float64{1, 2})), []float64{5, 80}, 1e-14)
}

func TestTrees(t *testing.T) {
	type layer struct {
		W, B *T
		Name string
	}
	type params struct {
		Layers []layer
		Scale  map[string]*T
		Extra  *T
		N      int
	}
	p := params{
		Layers: []layer{{tensor.New([][]float64{{1, 2}, {3, 4}}), tensor.New([]float64{1, 1}), "first"}},
		Scale:  map[string]*T{"b": tensor.Scalar(3), "a": tensor.Scalar(2)},
		N:      7,
	}
	f := func(p params) *T {
		x := tensor.New([]float64{1, -1})
		return p.Layers[0].W.MatMul(x).Add(p.Layers[0].B).Mul(p.Scale["a"]).Sum().Add(p.Scale["b"].Square())
	}
	y, g := grad.ValueAndGrad(f)(p)
	near(t, "value", y, 2*(-1+1-1+1)+9, 1e-15)
	nearAll(t, "W", g.Layers[0].W, []float64{2, -2, 2, -2}, 1e-15)
	nearAll(t, "B", g.Layers[0].B, []float64{2, 2}, 1e-15)
	near(t, "a", g.Scale["a"], 0, 1e-15)
	near(t, "b", g.Scale["b"], 6, 1e-15)
	if g.N != 7 || g.Layers[0].Name != "first" || g.Extra != nil {
		t.Errorf("what is no tensor was not carried along: %+v", g)
	}
	if p.Layers[0].W.Err() != nil || item(t, p.Scale["a"]) != 2 {
		t.Error("the argument was modified")
	}
	type hidden struct{ w *T }
	bad := grad.Grad(func(h hidden) *T { return h.w })
	_ = bad(hidden{tensor.Scalar(1)})
	v, _ := grad.ValueAndGrad(func(h hidden) *T { return h.w })(hidden{tensor.Scalar(1)})
	var te *grad.TypeError
	if !errors.As(v.Err(), &te) || !strings.Contains(te.Error(), "w") {
		t.Errorf("unexported field: %v", v.Err())
	}
}

func TestVJPPullbackTwice(t *testing.T) {
	f := func(x *T) *T { return x.Square().Mul(tensor.New([]float64{1, 2})) }
	y, pull := grad.VJP(f, tensor.New([]float64{3, 4}))
	nearAll(t, "y", y, []float64{9, 32}, 0)
	for range 2 {
		nearAll(t, "Jᵀg", pull(tensor.New([]float64{1, 1})), []float64{6, 16}, 0)
		nearAll(t, "Jᵀg", pull(tensor.New([]float64{0, 1})), []float64{0, 16}, 0)
	}
	// The pullback is itself a function that can be differentiated.
	gg := grad.Grad(func(x *T) *T {
		_, pull := grad.VJP(f, x)
		return pull(tensor.New([]float64{1, 1})).Sum()
	})
	nearAll(t, "d sum(Jᵀ1)", gg(tensor.New([]float64{3, 4})), []float64{2, 4}, 0)
	if err := pull(tensor.New([]float64{1, 1, 1})).Err(); !strings.Contains(err.Error(), "cotangent") {
		t.Errorf("a cotangent of the wrong shape: %v", err)
	}
}

func TestLinearize(t *testing.T) {
	f := func(x *T) []*T { return []*T{x.Sin().Sum(), x.Square()} }
	x := tensor.New([]float64{0.1, 0.2})
	v := tensor.New([]float64{1, -1})
	y, lin := grad.Linearize(f, x)
	y2, dy2 := grad.JVP(f, x, v)
	for range 2 {
		dy := lin(v)
		near(t, "sum sin", y[0], item(t, y2[0]), 0)
		near(t, "tangent", dy[0], item(t, dy2[0]), 0)
		nearAll(t, "tangent", dy[1], []float64{0.2, -0.4}, 1e-15)
	}
}

func TestVmap(t *testing.T) {
	x := tensor.New([][]float64{{1, 2, 3}, {4, 5, 6}})
	w := tensor.New([]float64{1, 0, -1})
	f := func(x *T) *T { return x.Mul(w).Square().Sum() }
	nearAll(t, "vmap f", grad.Vmap(f)(x), []float64{10, 52}, 1e-15)
	nearAll(t, "vmap grad f", grad.Vmap(grad.Grad(f))(x), []float64{2, 0, 6, 8, 0, 12}, 1e-15)
	nearAll(t, "grad of sum vmap f", grad.Grad(func(x *T) *T { return grad.Vmap(f)(x).Sum() })(x), []float64{2, 0, 6, 8, 0, 12}, 1e-15)
	// Pairwise products by two nested maps, and what is captured is shared.
	outer := grad.Vmap(func(a *T) *T { return grad.Vmap(func(b *T) *T { return a.Dot(b) })(x) })(x)
	nearAll(t, "gram", outer, []float64{14, 32, 32, 77}, 1e-15)
	jac := grad.Vmap(func(v *T) *T {
		_, d := grad.JVP(func(x *T) *T { return x.Square() }, w, v)
		return d
	})(tensor.Eye(3))
	nearAll(t, "jacobian rows", jac, []float64{2, 0, 0, 0, 0, 0, 0, 0, -2}, 1e-15)
	if err := grad.Vmap(f)(tensor.Scalar(1)).Err(); err == nil {
		t.Error("a scalar has no axis to map over")
	}
	if err := grad.Vmap(func(x *T) *T { x.Item(); return x.Sum().Add(tensor.Scalar(x.Sum().Float())) })(x).Err(); err == nil {
		if v, e := grad.Vmap(func(x *T) *T { return tensor.Scalar(x.Sum().Float()) })(x).Float64s(); e == nil && !math.IsNaN(v[0]) {
			t.Errorf("reading a mapped value gave %v", v)
		}
	}
}

func TestCustom(t *testing.T) {
	// A cube whose rule is scaled by ten shows that the rule is used, at each order.
	cubeVJP := grad.Custom(func(x *T) *T { return x.Mul(x).Mul(x) }, grad.Rules[*T, *T]{
		VJP: func(x, y, g *T) *T { return x.Square().MulScalar(30).Mul(g) },
	})
	cubeJVP := grad.Custom(func(x *T) *T { return x.Mul(x).Mul(x) }, grad.Rules[*T, *T]{
		JVP: func(x, y, dx *T) *T { return x.Square().MulScalar(30).Mul(dx) },
	})
	for name, f := range map[string]func(*T) *T{"vjp rule": cubeVJP, "jvp rule": cubeJVP} {
		x := tensor.Scalar(2)
		near(t, name+": value", f(x), 8, 0)
		for mode, D := range modes {
			near(t, name+": "+mode, D(f)(x), 120, 0)
			for mode2, D2 := range modes {
				near(t, name+": "+mode2+" over "+mode, D2(D(f))(x), 120, 0)
			}
		}
		v := grad.Vmap(grad.Grad(f))(tensor.New([]float64{1, 2}))
		nearAll(t, name+": vmap of grad", v, []float64{30, 120}, 0)
		s := grad.Grad(func(x *T) *T { return grad.Vmap(f)(x).Sum() })(tensor.New([]float64{1, 2}))
		nearAll(t, name+": grad of vmap", s, []float64{30, 120}, 0)
	}
	// Go control flow on values inside, which no derivative sees: Newton's square root.
	root := grad.Custom(func(a *T) *T {
		v := a.Float()
		x := v
		for range 60 {
			x = (x + v/x) / 2
		}
		return tensor.Scalar(x)
	}, grad.Rules[*T, *T]{VJP: func(a, y, g *T) *T { return g.Div(y.MulScalar(2)) }})
	near(t, "root", root(tensor.Scalar(9)), 3, 1e-15)
	near(t, "root'", grad.Grad(root)(tensor.Scalar(9)), 1.0/6, 1e-15)
	near(t, "root''", grad.Grad(grad.Grad(root))(tensor.Scalar(9)), -1.0/108, 1e-14)
	wrong := grad.Custom(func(x *T) *T { return x.Sum() }, grad.Rules[*T, *T]{VJP: func(x, y, g *T) *T { return g }})
	if err := grad.Grad(wrong)(tensor.New([]float64{1, 2})).Err(); err == nil || !strings.Contains(err.Error(), "rule") && !strings.Contains(err.Error(), "derivative") {
		t.Errorf("a rule of the wrong shape: %v", err)
	}
}

func TestEscape(t *testing.T) {
	var kept *T
	grad.Grad(func(x *T) *T { kept = x.Square(); return kept.Sum() })(tensor.New([]float64{1}))
	err := kept.Add(tensor.Scalar(1)).Err()
	var ee *tensor.EscapeError
	if !errors.As(err, &ee) || !strings.Contains(err.Error(), "grad_test.go:") {
		t.Errorf("escaped value: %v", err)
	}
	if _, err := kept.Item(); !errors.As(err, &ee) {
		t.Errorf("reading an escaped value: %v", err)
	}
}

func TestErrors(t *testing.T) {
	x := tensor.New([]float64{1, 2})
	var se *tensor.ShapeError
	if err := grad.Grad(func(x *T) *T { return x.Square() })(x).Err(); !errors.As(err, &se) || !strings.Contains(err.Error(), "scalar") {
		t.Errorf("a result that is no scalar: %v", err)
	}
	if err := grad.Grad(func(x *T) *T { return x.Add(tensor.New([]float64{1, 2, 3})).Sum() })(x).Err(); !errors.As(err, &se) || !strings.Contains(err.Error(), "grad_test.go:") {
		t.Errorf("an error inside: %v", err)
	}
	var pe *grad.PanicError
	if err := grad.Grad(func(x *T) *T { panic("no") })(x).Err(); !errors.As(err, &pe) || !strings.Contains(pe.Where, "grad_test.go:") || !strings.HasSuffix(err.Error(), pe.Where+": no") || !strings.Contains(string(pe.Stack), "grad_test.go") {
		t.Errorf("a panic inside: %v", err)
	}
	near(t, "a nil option", grad.Grad(func(x *T) *T { return x.Sum() }, nil)(tensor.Scalar(2)), 1, 0)
	if err := grad.Grad(func(x *T) *T { return nil })(x).Err(); err == nil {
		t.Error("a nil result is no error")
	}
	if err := grad.Grad(func(x *T) *T { return x.Sum() })(nil).Err(); err == nil {
		t.Error("a nil argument is no error")
	}
	nearAll(t, "a constant's gradient", grad.Grad(func(*T) *T { return tensor.Scalar(3) })(x), []float64{0, 0}, 0)
	nearAll(t, "the identity's gradient", grad.Grad(func(x *T) *T { return x })(tensor.Scalar(2)), []float64{1}, 0)
	nearAll(t, "StopGradient", grad.Grad(func(x *T) *T { return grad.StopGradient(x).Mul(x).Sum() })(x), []float64{1, 2}, 0)
}

func TestConcurrent(t *testing.T) {
	f := grad.Grad(rosenbrock)
	x := tensor.New([]float64{0.5, -0.3, 1.2, 0.1})
	want, _ := f(x).Float64s()
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 50 {
				got, err := f(x).Float64s()
				if err != nil {
					t.Error(err)
					return
				}
				for i := range got {
					if got[i] != want[i] {
						t.Errorf("concurrent gradient %v, want %v", got, want)
						return
					}
				}
			}
		}()
	}
	wg.Wait()
}

func TestAux(t *testing.T) {
	f := func(x *T) (*T, map[string]*T) {
		s := x.Square()
		return s.Sum(), map[string]*T{"squares": s}
	}
	y, g, aux := grad.ValueGradAux(f)(tensor.New([]float64{1, 3}))
	near(t, "y", y, 10, 0)
	nearAll(t, "g", g, []float64{2, 6}, 0)
	nearAll(t, "aux", aux["squares"], []float64{1, 9}, 0)
}

// What a function with rules captures of the very transformation that traces its argument
// would get past the rules: an error, and not a derivative that lacks a part.
func TestCustomCaptures(t *testing.T) {
	times := func(w *T, rules grad.Rules[*T, *T]) func(*T) *T {
		return grad.Custom(func(x *T) *T { return x.Mul(w) }, rules)
	}
	vjp := grad.Rules[*T, *T]{VJP: func(x, y, g *T) *T { return g }}
	jvp := grad.Rules[*T, *T]{JVP: func(x, y, dx *T) *T { return dx }}
	w := tensor.New([]float64{1, 2})
	for name, got := range map[string]*T{
		"grad": grad.Grad(func(w *T) *T { return times(w, vjp)(w.Exp()).Sum() })(w),
		"jvp": func() *T {
			_, d := grad.JVP(func(w *T) *T { return times(w, jvp)(w.Exp()) }, w, w)
			return d
		}(),
		"vmap": grad.Vmap(func(w *T) *T { return times(w, jvp)(w.Exp()) })(w),
		"rule": func() *T {
			_, d := grad.JVP(func(w *T) *T {
				rule := grad.Rules[*T, *T]{JVP: func(x, y, dx *T) *T { return dx.Mul(w) }}
				return grad.Custom(func(x *T) *T { return x }, rule)(w.Exp())
			}, w, w)
			return d
		}(),
	} {
		var ce *grad.CaptureError
		if !errors.As(got.Err(), &ce) {
			t.Errorf("%s: %v, want a *CaptureError", name, got)
		}
	}
	// Of another transformation it is differentiated by the function's operations.
	outer := grad.Grad(func(w *T) *T {
		return grad.Grad(func(x *T) *T {
			return times(w, grad.Rules[*T, *T]{VJP: func(x, y, g *T) *T { return g.Mul(w) }})(x).Square().Sum()
		})(tensor.Full(3, []int{2})).Sum()
	})(w)
	nearAll(t, "outer", outer, []float64{12, 24}, 1e-14)
}
