// Preaccumulation in loops: what steps keep, and that derivatives are close to what they
// are without it, whatever is made of the loops.

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

// rungeKutta is a step of size h of the classical method of fourth order for y' = slope(y).
func rungeKutta(slope func(y *T) *T, h float64) func(y *T) *T {
	return func(y *T) *T {
		k1 := slope(y)
		k2 := slope(y.Add(k1.MulScalar(h / 2)))
		k3 := slope(y.Add(k2.MulScalar(h / 2)))
		k4 := slope(y.Add(k3.MulScalar(h)))
		return y.Add(k1.Add(k2.MulScalar(2)).Add(k3.MulScalar(2)).Add(k4).MulScalar(h / 6))
	}
}

// logistic is the slope of logistic growth.
func logistic(y *T) *T { return y.Mul(y.Neg().AddScalar(1)) }

// repeated is the sum of squares of the carry after n steps.
func repeated(step func(c *T) *T, n int, opts ...grad.Option) func(x *T) *T {
	return func(x *T) *T {
		c, _ := grad.Scan(func(c *T, _ struct{}) (*T, struct{}) { return step(c), struct{}{} }, x, struct{}{}, append(opts, grad.Length(n))...)
		return c.Square().Sum()
	}
}

// again is repeated with a While.
func again(step func(c *T) *T, n int) func(x *T) *T {
	limit := tensor.Scalar(float64(n), tensor.WithDType(tensor.Int64))
	return func(x *T) *T {
		return grad.While(func(c counted) *T { return c.K.Lt(limit) }, func(c counted) counted {
			return counted{step(c.C), c.K.Add(tensor.Scalar(1, tensor.WithDType(tensor.Int64)))}
		}, counted{x, tensor.Scalar(0, tensor.WithDType(tensor.Int64))}).C.Square().Sum()
	}
}

// Of each step one derivative is kept in place of all that the sweep would read.
func TestPreaccumulateLoops(t *testing.T) {
	r := rand.New(rand.NewPCG(47, 48))
	w := random(r, 40, 40).MulScalar(0.2)
	x := random(r, 30, 40).Sigmoid()
	row, steps := 30*40*8, 20
	unit := func(units func(*T) *T) func(*T) *T { return func(c *T) *T { return units(c.MatMul(w)) } }
	masked := func(a *T) *T { // infinite slopes where they are shut out
		return tensor.Where(a.Gt(tensor.Scalar(0)), a.Sqrt().Mul(a.Sin()).Tanh(), a.Square().Tanh())
	}
	gates := func(c *T) *T { // derivatives by each and by the carry, of as many values
		a, b := c.MatMul(w), c.MatMul(w.T())
		return a.Sigmoid().Mul(c).Add(b.Tanh())
	}
	three := func(c *T) *T {
		a, b := c.MatMul(w), c.MatMul(w.T())
		return a.Sigmoid().Mul(c).Add(b.Sigmoid().Mul(b.Tanh()))
	}
	for _, c := range []struct {
		name string
		f    func(x *T) *T
		kept int // derivatives by step
		rows int // of which there were at least so many before
	}{
		{"Runge-Kutta", repeated(rungeKutta(logistic, 0.1), steps), 1, 5},
		{"backwards", repeated(rungeKutta(logistic, 0.1), steps, grad.Backwards()), 1, 5},
		{"a while", again(rungeKutta(logistic, 0.1), steps), 1, 0},
		{"a parameter", func(x *T) *T {
			rate := x.Mean()
			return repeated(rungeKutta(func(y *T) *T { return logistic(y).Mul(rate) }, 0.1), steps)(x)
		}, 2, 8},
		{"a parameter of one row", func(x *T) *T {
			x, rate := x.Reshape(1, x.Size()), x.Mean()
			return repeated(rungeKutta(func(y *T) *T { return logistic(y).Mul(rate) }, 0.1), steps)(x)
		}, 2, 8},
		{"a parameter by column, and one by row", func(x *T) *T {
			rate, most := x.Mean(0), x.MeanKeep(1)
			return repeated(rungeKutta(func(y *T) *T { return most.Sub(y).Tanh().Mul(rate) }, 0.1), steps)(x)
		}, 3, 0},
		{"units with a bias", func(x *T) *T {
			bias := x.Mean(0)
			return repeated(func(c *T) *T { return geluOf(c.MatMul(w).Add(bias)) }, steps)(x)
		}, 1, 3},
		{"units", repeated(unit(geluOf), steps), 1, 3},
		{"masked", repeated(unit(masked), steps), 1, 3},
		{"a loop in a loop", repeated(func(c *T) *T {
			y, _ := grad.Scan(func(c *T, _ struct{}) (*T, struct{}) { return rungeKutta(logistic, 0.1)(c), struct{}{} }, c, struct{}{}, grad.Length(3))
			return y
		}, 5), 1, 3},
		{"of three values by two and the carry", repeated(three, steps), 3, 0},
		{"gates", repeated(gates, steps), 0, 0},
		{"tanh, of which the result is there anyhow", repeated(unit((*T).Tanh), steps), 0, 0},
		{"what is kept is said", repeated(rungeKutta(logistic, 0.1), steps, grad.Recompute()), 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := grad.Grad(c.f)
			plain := mustPrepare(t, f, x)
			p := mustPrepare(t, f, x, preaccumulate...)
			before, after := plain.Explain(), p.Explain()
			if n := after.Preaccumulated; n.Values != c.kept || n.Bytes != c.kept*row || n.Instead < n.Bytes {
				t.Errorf("kept %+v\n%v", n, p.Graph())
			}
			if c.rows > 0 && (before.Peak < c.rows*steps*row/2 || after.Peak >= before.Peak*2/c.rows) {
				t.Errorf("%v\nwithout\n%v", after, before)
			}
			if c.kept > 0 && after.Cost.Bytes >= before.Cost.Bytes {
				t.Errorf("%v\nwithout\n%v", after, before)
			}
			want := f(x)
			got := run(t, p, x)
			close12(t, "gradient", got, want)
			sameBits(t, "without", run(t, mustPrepare(t, f, x, grad.Reassociate(), grad.Without(graph.Reorder|graph.Preaccumulate)), x), run(t, plain, x))
			compiled := mustPrepare(t, f, x, append(preaccumulate, grad.WithNative())...)
			if err := compiled.Native(t.Context()); err == nil {
				sameBits(t, "compiled", run(t, compiled, x), got)
			}
		})
	}
}

// The stack of a While has room for more steps where each keeps less.
func TestPreaccumulateStack(t *testing.T) {
	x := random(rand.New(rand.NewPCG(49, 50)), 100).Sigmoid()
	step := rungeKutta(logistic, 0.1)
	f := grad.Grad(func(x *T) *T {
		limit := tensor.Scalar(100)
		return grad.While(func(c counted) *T { return c.K.Lt(limit) }, func(c counted) counted {
			return counted{step(c.C), c.K.AddScalar(1)}
		}, counted{x, tensor.Scalar(0)}, grad.KeepResiduals(), grad.ResidualLimit(110*100*8)).C.Sum()
	})
	if _, err := mustPrepare(t, f, x).Run(t.Context(), x); err == nil {
		t.Error("all that the sweep reads fits")
	}
	close12(t, "gradient", run(t, mustPrepare(t, f, x, preaccumulate...), x), f(x))
}

// What is made of a loop: the sweep of some of its results, of many loops at once, and the
// derivative of the derivative.
func TestPreaccumulateOfLoops(t *testing.T) {
	r := rand.New(rand.NewPCG(51, 52))
	w := random(r, 40, 40).MulScalar(0.2)
	x, v := random(r, 3, 40), random(r, 3, 40)
	// Two carries of which one reads the other, rows, and a captured value.
	loop := func(x, w *T) (a, b, y *T) {
		type pair struct{ A, B *T }
		c, y := grad.Scan(func(c pair, row *T) (pair, *T) {
			a := geluOf(c.A.Add(row).MatMul(w))
			return pair{a, geluOf(c.B).Add(a)}, geluOf(a.Mul(a).Sin())
		}, pair{x, x.Neg()}, tensor.Stack(0, x, v, x, v, x))
		return c.A, c.B, y
	}
	parts := map[string]func(x *T) *T{
		"all":               func(x *T) *T { a, b, y := loop(x, w); return a.Sum().Add(b.Sum()).Add(y.Sum()) },
		"a carry":           func(x *T) *T { a, _, _ := loop(x, w); return a.Sum() },
		"the other carry":   func(x *T) *T { _, b, _ := loop(x, w); return b.Square().Sum() },
		"rows":              func(x *T) *T { _, _, y := loop(x, w); return y.Sum() },
		"a captured value":  func(x *T) *T { a, _, y := loop(v, w.Mul(x.Mean())); return a.Sum().Add(y.Square().Sum()) },
		"nothing of it":     func(x *T) *T { a, _, _ := loop(v, w); return a.Mul(x).Sum() },
		"the value as well": func(x *T) *T { a, b, _ := loop(x, w); return a.Mul(b).Mul(x).Sum() },
	}
	// A loop of which both results lead to one of the outer loop's each.
	nested := func(x *T) (c, y *T) {
		return grad.Scan(func(c *T, _ struct{}) (*T, *T) {
			return grad.Scan(func(c, row *T) (*T, *T) {
				c = geluOf(c.Mul(row))
				return c, geluOf(c.Sin())
			}, geluOf(c.MatMul(w)), tensor.Stack(0, v, v.Cos()))
		}, x, struct{}{}, grad.Length(5))
	}
	parts["the carry of loops in loops"] = func(x *T) *T { c, _ := nested(x); return c.Square().Sum() }
	parts["the rows of loops in loops"] = func(x *T) *T { _, y := nested(x); return y.Square().Sum() }
	parts["loops in loops"] = func(x *T) *T { c, y := nested(x); return c.Mul(x).Sum().Add(y.Sum()) }
	kept := 0
	for name, f := range parts {
		for what, g := range map[string]func(x *T) *T{
			"gradient":              grad.Grad(f),
			"gradient of many":      func(x *T) *T { return grad.Vmap(grad.Grad(f))(tensor.Stack(0, x, v)) },
			"gradient of a map":     grad.Grad(func(x *T) *T { return grad.Vmap(f)(tensor.Stack(0, x, x.Neg())).Sum() }),
			"Hessian times vector":  func(x *T) *T { return grad.HVP(f, x, v) },
			"gradient of gradient":  grad.Grad(func(x *T) *T { return grad.Grad(f)(x).Mul(v).Sum() }),
			"tangent of a gradient": func(x *T) *T { _, d := grad.JVP(grad.Grad(f), x, v); return d },
		} {
			t.Run(name+"/"+what, func(t *testing.T) {
				p := mustPrepare(t, g, x, preaccumulate...)
				close12(t, what, run(t, p, x), g(x))
				kept += p.Explain().Preaccumulated.Values
			})
		}
	}
	if kept == 0 {
		t.Error("nothing was preaccumulated")
	}
}

// Derivatives of a prepared program go through the derivatives that it keeps.
func TestPreaccumulateAgain(t *testing.T) {
	x := random(rand.New(rand.NewPCG(53, 54)), 200)
	f := repeated(rungeKutta((*T).Sin, 0.1), 5)
	p := mustPrepare(t, grad.Grad(f), x, preaccumulate...)
	if p.Explain().Preaccumulated.Values != 1 {
		t.Fatalf("kept %+v", p.Explain().Preaccumulated)
	}
	sum := func(g func(x *T) *T) func(x *T) *T { return func(x *T) *T { return g(x).Square().Sum() } }
	close12(t, "gradient", grad.Grad(sum(p.Call))(x), grad.Grad(sum(grad.Grad(f)))(x))
	xs := tensor.Stack(0, x, x.Neg())
	close12(t, "map", grad.Vmap(p.Call)(xs), grad.Vmap(grad.Grad(f))(xs))
}

// Of random programs with control flow, after a loop with derivatives to keep, derivatives
// are close.
func TestPreaccumulateControlRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(55, 56))
	c, rows := random(r, 8, 24), random(r, 3, 8, 24)
	chain := statement{kind: "scan", n: 3, body: []statement{
		{kind: "op", op: instruction{op: 4, a: 2}}, // the sine of the carry, and functions of that
		{kind: "op", op: instruction{op: 5, a: 4}},
	}}
	kept := 0
	rapid.Check(t, func(t *rapid.T) {
		code := append([]statement{chain}, drawStatements(t, 3, 2)...)
		function := func(loops bool) func(x *T) *T {
			p := withControl{rows, loops}
			return func(x *T) *T { return p.run(code, []*T{x, c}).Sum() }
		}
		x := random(rand.New(rand.NewPCG(57, rapid.Uint64().Draw(t, "seed"))), 8, 24)
		twice := func(f func(x *T) *T) func(x *T) *T {
			return grad.Grad(func(x *T) *T { return grad.Grad(f)(x).Mul(c).Sum() })
		}
		loops, recorded := made(function(true), false), made(function(false), false)
		loops["gradient of gradient"], recorded["gradient of gradient"] = twice(function(true)), twice(function(false))
		for name, g := range recorded {
			want, err := loops[name](x).Float64s()
			if err != nil {
				t.Fatalf("%s: the Go loop: %v", name, err)
			}
			p, err := grad.Prepare(g, c, preaccumulate...)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			defer p.Close()
			y, err := p.Run(t.Context(), x)
			if err != nil {
				t.Fatalf("%s: %v\n%v", name, err, p.Graph())
			}
			got, err := y.Float64s()
			for i := range got { // what factors that cancel shut out
				if math.IsNaN(want[i]) && got[i] == 0 {
					got[i] = want[i]
				}
			}
			if err == nil {
				err = near1(got, want, name == "value")
			}
			if err != nil {
				t.Fatalf("%s: %v\n%v", name, err, p.Graph())
			}
			kept += p.Explain().Preaccumulated.Values
		}
	})
	if kept == 0 {
		t.Error("nothing was preaccumulated")
	}
}
