// Derivatives against differences, and tangents against cotangents, for every
// function and every shape of load and store, twice over.

package loop

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

const f64 = device.Float64

func floats64(shape ...int) Aval { return Aval{f64, shape} }

// all is the mask of every operand.
const all = ^uint64(0)

// run executes derived loops: x are the base's operands, y its results, d the
// cotangents or tangents. Missing targets are nil.
func run(t tb, ds []Derived, x, y, d [][]float64, targets int) [][]float64 {
	t.Helper()
	out := make([][]float64, targets)
	for i := range ds {
		res := eval(t, ds[i].Expr, inputs(&ds[i], x, y, d)...)
		for k, to := range ds[i].To {
			if out[to] == nil {
				out[to] = make([]float64, len(res[k]))
			}
			for j, v := range res[k] {
				out[to][j] += v
			}
		}
	}
	return out
}

// TestNothingContributes: loops over nothing have no cotangents, which would be sums
// of nothing that are written to elements that may not be there.
func TestNothingContributes(t *testing.T) {
	for _, shape := range [][]int{{0, 2}, {3, 2}} {
		e := New([]Axis{{"i", 0}, {"j", 2}}, []Aval{floats64(shape...)})
		e.Store(Store{Value: e.Load(0, Fixed(0), At(1)), Index: Ats(2), Aval: floats64(0, 2)})
		if err := e.Verify(); err != nil {
			t.Fatal(err)
		}
		if ds := VJP(e, all, false); len(ds) > 0 {
			t.Errorf("x[0:0] of %v: %v", shape, ds[0].Expr)
		}
	}
}

func inputs(d *Derived, x, y, seeds [][]float64) [][]float64 {
	in := make([][]float64, len(d.From))
	for i, s := range d.From {
		in[i] = map[SourceKind][][]float64{Operand: x, Result: y, Cotangent: seeds, Tangent: seeds}[s.Kind][s.Index]
	}
	return in
}

func dot(a, b [][]float64) float64 {
	sum := 0.0
	for i := range a {
		for j := range a[i] {
			if b[i] != nil {
				sum += a[i][j] * b[i][j]
			}
		}
	}
	return sum
}

// random returns values for arrays: in [lo, hi) for floats, 0 for others.
func random(rng *rand.Rand, lo, hi float64, avals ...Aval) [][]float64 {
	out := make([][]float64, len(avals))
	for i, a := range avals {
		out[i] = make([]float64, a.Size())
		for j := range out[i] {
			if a.DType.IsFloat() {
				out[i][j] = lo + (hi-lo)*rng.Float64()
			}
		}
	}
	return out
}

func outAvals(e *Expr) []Aval {
	out := make([]Aval, len(e.Outs))
	for i, s := range e.Outs {
		out[i] = s.Aval
	}
	return out
}

// slope returns the derivative of <w, e(x)> along v, by a difference of fourth order.
func slope(t tb, e *Expr, x, v, w [][]float64) float64 {
	at := func(h float64) float64 {
		moved := make([][]float64, len(x))
		for i := range x {
			moved[i] = append([]float64{}, x[i]...)
			for j := range v[i] {
				if e.Ins[i].DType.IsFloat() {
					moved[i][j] += h * v[i][j]
				}
			}
		}
		return dot(eval(t, e, moved...), w)
	}
	const h = 1e-3
	return (8*(at(h)-at(-h)) - (at(2*h) - at(-2*h))) / (12 * h)
}

func near(a, b, scale float64) bool {
	return math.Abs(a-b) <= 1e-7*(1+math.Abs(a)+math.Abs(b)+scale)
}

// check compares e's JVP and VJP at x with differences and with each other, and
// then, order-1 times, does so for every derived loop.
func check(t *testing.T, rng *rand.Rand, e *Expr, x [][]float64, order int) {
	t.Helper()
	if order == 0 {
		return
	}
	y := eval(t, e, x...)
	w := random(rng, -1, 1, outAvals(e)...)
	v := random(rng, -1, 1, e.Ins...)
	jvps, vjps := JVP(e, all, false), VJP(e, all, false)
	jv := run(t, jvps, x, y, v, len(y))
	jtw := run(t, vjps, x, y, w, len(x))
	want := slope(t, e, x, v, w)
	if got := dot(w, jv); !near(got, want, 0) {
		t.Errorf("<w, Jv> = %v, by differences %v, of\n%s%s", got, want, e.Text(), texts(jvps))
	}
	if got := dot(v, jtw); !near(got, want, 0) {
		t.Errorf("<v, Jᵀw> = %v, by differences %v, of\n%s%s", got, want, e.Text(), texts(vjps))
	}
	for i := range vjps {
		check(t, rng, vjps[i].Expr, inputs(&vjps[i], x, y, w), order-1)
	}
	for i := range jvps {
		check(t, rng, jvps[i].Expr, inputs(&jvps[i], x, y, v), order-1)
	}
}

func texts(ds []Derived) string {
	s := ""
	for i := range ds {
		s += "derived:\n" + ds[i].Text()
	}
	return s
}

// fnCases are the functions with the ranges in which they are smooth.
var fnCases = []struct {
	fn     Fn
	lo, hi float64
}{
	{Neg, -2, 2}, {Abs, 0.5, 2}, {Abs, -2, -0.5}, {Sign, 0.5, 2}, {Square, -2, 2}, {Sqrt, 0.5, 2}, {Recip, 0.5, 2}, {Exp, -2, 2},
	{Expm1, -2, 2}, {Log, 0.5, 2}, {Log1p, -0.5, 2}, {Sin, -2, 2}, {Cos, -2, 2}, {Tan, -1, 1}, {Tanh, -2, 2},
	{Sigmoid, -2, 2}, {Softplus, -2, 2}, {Lgamma, 0.5, 3}, {Digamma, 0.8, 3}, {Polygamma, 1, 3}, {Erf, -1, 1},
	{Add, -2, 2}, {Sub, -2, 2}, {Mul, -2, 2}, {Div, 0.5, 2}, {Pow, 0.5, 2}, {Maximum, -2, 2}, {Minimum, -2, 2},
	{Atan2, 0.5, 2}, {Atan2, -2, -0.5}, {Hypot, 0.5, 2}, {SMul, -2, 2},
}

// fnExpr returns the elementwise loop of a function.
func fnExpr(fn Fn, dt device.DType) *Expr {
	in := make([]Aval, fn.Arity())
	for i := range in {
		in[i] = Aval{dt, []int{3}}
	}
	return Elementwise(in, Aval{dt, []int{3}}, func(e *Expr, x []Node) Node {
		switch {
		case fn == Polygamma:
			return e.Polygamma(2, x[0])
		case fn.Arity() == 1:
			return e.Unary(fn, x[0])
		}
		return e.Binary(fn, x[0], x[1])
	})
}

func TestFunctions(t *testing.T) {
	covered := map[Fn]bool{}
	for _, c := range fnCases {
		covered[c.fn] = true
		t.Run(c.fn.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(c.fn)))
			e := fnExpr(c.fn, f64)
			check(t, rng, e, random(rng, c.lo, c.hi, e.Ins...), 3)
		})
	}
	for f := Fn(0); int(f) < NumFn; f++ {
		smooth := facts[f].domain != bools && !facts[f].boolean && f >= Neg && f != Select
		if smooth && !covered[f] {
			t.Errorf("%v has no case", f)
		}
	}
}

func TestShapes(t *testing.T) {
	for _, c := range shapeCases() {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(2, 3))
			x := random(rng, 0.5, 2, c.e.Ins...)
			for i, v := range c.ints {
				x[i] = v
			}
			check(t, rng, c.e, x, 3)
		})
	}
}
