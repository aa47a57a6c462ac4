// Conventions at singular points, and the strong zero.

package loop

import (
	"math"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

func same(a, b float64) bool { return a == b || a != a && b != b }

// elementwise returns the loop of a body over n operands of one element.
func elementwise(n int, body func(e *Expr, x []Node) Node) *Expr {
	in := make([]Aval, n)
	for i := range in {
		in[i] = floats64(1)
	}
	return Elementwise(in, floats64(1), body)
}

func TestKinks(t *testing.T) {
	nan := math.NaN()
	clamp := func(e *Expr, x []Node) Node {
		lo, hi := e.Like(x[0], -1), e.Like(x[0], 1)
		return e.Select(e.Lt(x[0], lo), lo, e.Select(e.Gt(x[0], hi), hi, x[0]))
	}
	unary := func(fn Fn) func(e *Expr, x []Node) Node {
		return func(e *Expr, x []Node) Node { return e.Unary(fn, x[0]) }
	}
	binary := func(fn Fn) func(e *Expr, x []Node) Node {
		return func(e *Expr, x []Node) Node { return e.Binary(fn, x[0], x[1]) }
	}
	for _, c := range []struct {
		name   string
		body   func(e *Expr, x []Node) Node
		x, dx  []float64
		second float64 // of the first operand alone, by itself
	}{
		{"abs", unary(Abs), []float64{0}, []float64{0}, 0},
		{"abs of -0", unary(Abs), []float64{math.Copysign(0, -1)}, []float64{0}, 0},
		{"sqrt", unary(Sqrt), []float64{0}, []float64{inf}, -inf},
		{"log", unary(Log), []float64{0}, []float64{inf}, -inf},
		{"recip", unary(Recip), []float64{0}, []float64{-inf}, inf},
		{"softplus", unary(Softplus), []float64{0}, []float64{0.5}, 0.25},
		{"softplus far out", unary(Softplus), []float64{800}, []float64{1}, 0},
		{"expm1 far down", unary(Expm1), []float64{-700}, []float64{math.Exp(-700)}, math.Exp(-700)},
		{"maximum", binary(Maximum), []float64{3, 3}, []float64{0.5, 0.5}, 0},
		{"maximum of infinities", binary(Maximum), []float64{inf, inf}, []float64{0.5, 0.5}, 0},
		{"maximum with NaN", binary(Maximum), []float64{nan, 1}, []float64{1, 1}, 0},
		{"minimum", binary(Minimum), []float64{-2, -2}, []float64{0.5, 0.5}, 0},
		{"minimum won", binary(Minimum), []float64{-2, 2}, []float64{1, 0}, 0},
		{"hypot", binary(Hypot), []float64{0, 0}, []float64{0, 0}, 0},
		{"hypot of subnormals", binary(Hypot), []float64{3e-310, 0}, []float64{1, 0}, nan},
		{"atan2 far out", binary(Atan2), []float64{0, 1e200}, []float64{1e-200, 0}, 0},
		{"pow 0^0", binary(Pow), []float64{0, 0}, []float64{0, -inf}, 0},
		{"pow 0^1", binary(Pow), []float64{0, 1}, []float64{1, 0}, nan},
		{"pow 0^2", binary(Pow), []float64{0, 2}, []float64{0, 0}, 2},
		{"pow of a negative", binary(Pow), []float64{-2, 3}, []float64{12, nan}, -12},
		{"square by pow", func(e *Expr, x []Node) Node { return e.Pow(x[0], e.Like(x[0], 2)) }, []float64{0}, []float64{0}, 2},
		{"clamp at its end", clamp, []float64{1}, []float64{1}, 0},
		{"clamp at its start", clamp, []float64{-1}, []float64{1}, 0},
		{"clamp outside", clamp, []float64{2}, []float64{0}, 0},
		{"x/x", func(e *Expr, x []Node) Node { return e.Div(x[0], x[0]) }, []float64{0}, []float64{nan}, nan},
		{"sqrt(x*x)", func(e *Expr, x []Node) Node { return e.Sqrt(e.Mul(x[0], x[0])) }, []float64{0}, []float64{0}, nan},
		{"strong product", binary(SMul), []float64{0, inf}, []float64{inf, 0}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := elementwise(len(c.x), c.body)
			x := make([][]float64, len(c.x))
			for i, v := range c.x {
				x[i] = []float64{v}
			}
			y := eval(t, e, x...)
			one := [][]float64{{1}}
			back := run(t, VJP(e, all, false), x, y, one, len(x))
			for i, want := range c.dx {
				if !same(back[i][0], want) {
					t.Errorf("slope %d in reverse is %v, want %v", i, back[i][0], want)
				}
				unit := make([][]float64, len(x))
				for k := range unit {
					unit[k] = []float64{float64(b2i(k == i))}
				}
				if fwd := run(t, JVP(e, 1<<i, false), x, y, unit, 1); !same(fwd[0][0], want) {
					t.Errorf("slope %d forward is %v, want %v", i, fwd[0][0], want)
				}
			}
			if got := second(t, e, x, y); !same(got, c.second) && c.second == c.second {
				t.Errorf("second derivative is %v, want %v", got, c.second)
			}
		})
	}
}

// second returns the second derivative by operand 0, forward over reverse: the
// reverse loop's own tangent, and that through the result which it reads.
func second(t *testing.T, e *Expr, x, y [][]float64) float64 {
	sum := 0.0
	one := [][]float64{{1}}
	dy := run(t, JVP(e, 1, false), x, y, one, 1)
	for _, d := range VJP(e, 1, false) {
		in := inputs(&d, x, y, one)
		tangents := make([][]float64, len(in))
		for i, s := range d.From {
			tangents[i] = []float64{0}
			switch {
			case s == Source{Operand, 0}:
				tangents[i] = []float64{1}
			case s.Kind == Result:
				tangents[i] = dy[0]
			}
		}
		if r := run(t, JVP(d.Expr, all, false), in, eval(t, d.Expr, in...), tangents, 1); r[0] != nil {
			sum += r[0][0]
		}
	}
	return sum
}

// TestMaskedBranch: where(mask, sqrt(a), a*a) with a false mask at a = 0 has the
// second derivative 2, by all routes.
func TestMaskedBranch(t *testing.T) {
	in := []Aval{floats64(1), {device.Bool, []int{1}}}
	e := Elementwise(in, floats64(1), func(e *Expr, x []Node) Node {
		return e.Select(x[1], e.Sqrt(x[0]), e.Mul(x[0], x[0]))
	})
	x, one := [][]float64{{0}, {0}}, [][]float64{{1}}
	y := eval(t, e, x...)
	for _, d := range VJP(e, 1, false) {
		in := inputs(&d, x, y, one)
		first := eval(t, d.Expr, in...)
		if first[0][0] != 0 {
			t.Errorf("slope %v", first[0][0])
		}
		a := -1
		tangents := make([][]float64, len(in))
		for i, s := range d.From {
			tangents[i] = []float64{0}
			if (s == Source{Operand, 0}) {
				a, tangents[i] = i, []float64{1}
			}
		}
		if got := run(t, JVP(d.Expr, all, false), in, first, tangents, 1); got[0][0] != 2 {
			t.Errorf("forward over reverse: %v, want 2", got[0][0])
		}
		if got := run(t, VJP(d.Expr, all, false), in, first, one, len(in)); got[a][0] != 2 {
			t.Errorf("reverse over reverse: %v, want 2", got[a][0])
		}
	}
	for _, d := range JVP(e, 1, false) {
		in := inputs(&d, x, y, one)
		a := 0
		for i, s := range d.From {
			if (s == Source{Operand, 0}) {
				a = i
			}
		}
		if got := run(t, VJP(d.Expr, all, false), in, eval(t, d.Expr, in...), one, len(in)); got[a][0] != 2 {
			t.Errorf("reverse over forward: %v, want 2", got[a][0])
		}
	}
}

// TestMaskedBranchInSteps is the same with sqrt an operation of its own: its
// slope's slope, infinite, meets a cotangent that is zero.
func TestMaskedBranchInSteps(t *testing.T) {
	d := VJP(fnExpr(Sqrt, f64), all, false)[0]
	zero, infs := []float64{0, 0, 0}, []float64{inf, inf, inf}
	in := inputs(&d, [][]float64{zero}, [][]float64{zero}, [][]float64{zero})
	tangents := inputs(&d, [][]float64{zero}, [][]float64{infs}, [][]float64{zero})
	for _, v := range run(t, JVP(d.Expr, all, false), in, eval(t, d.Expr, in...), tangents, 1)[0] {
		if v != 0 {
			t.Errorf("got %v, want 0", v)
		}
	}
}

// TestIEEE: without the strong zero an infinite slope times zero is NaN.
func TestIEEE(t *testing.T) {
	zero := [][]float64{{0, 0, 0}}
	strong := run(t, VJP(fnExpr(Sqrt, f64), all, false), zero, zero, zero, 1)[0]
	plain := run(t, VJP(fnExpr(Sqrt, f64), all, true), zero, zero, zero, 1)[0]
	if strong[0] != 0 || plain[0] == plain[0] {
		t.Errorf("strong %v, ordinary %v", strong, plain)
	}
}

// The slopes of a power are products themselves, which stay strong: those by the base at
// 0 to the 0, and by the exponent where a power of 0 is 0.
func TestSlopesOfPowers(t *testing.T) {
	e := fnExpr(Pow, f64)
	x, one := [][]float64{{0, 0, inf}, {0, 2, 0}}, [][]float64{{1, 1, 1}}
	y := eval(t, e, x...)
	for _, ieee := range []bool{false, true} {
		got := run(t, VJP(e, all, ieee), x, y, one, 2)
		for i, want := range [][]float64{{0, 0, 0}, {-inf, 0, inf}} {
			if !slices.Equal(got[i], want) {
				t.Errorf("IEEE %v: slopes by argument %d are %v, want %v", ieee, i, got[i], want)
			}
			unit := [][]float64{{0, 0, 0}, {0, 0, 0}}
			unit[i] = one[0]
			if dy := run(t, JVP(e, 1<<i, ieee), x, y, unit, 1)[0]; !slices.Equal(dy, want) {
				t.Errorf("IEEE %v: tangents by argument %d are %v, want %v", ieee, i, dy, want)
			}
		}
	}
}

func TestEmptyLogSumExp(t *testing.T) {
	e := build(Axes([]int{1, 2}), ins(1, 2), func(e *Expr) {
		e.Store(Store{Value: e.Load(0, Ats(2)...), Index: Ats(1), Reduce: LSE, Aval: floats64(1)})
	})
	x := [][]float64{{-inf, -inf}}
	y := eval(t, e, x...)
	got := run(t, VJP(e, all, false), x, y, [][]float64{{1}}, 1)
	if y[0][0] != -inf || got[0][0] != 0 || got[0][1] != 0 {
		t.Errorf("value %v, slopes %v", y[0], got[0])
	}
}

func TestContractionsAreOrdinary(t *testing.T) {
	for _, d := range append(VJP(matmul(2, 3, 4), all, false), JVP(matmul(2, 3, 4), all, false)...) {
		if _, ok := d.Expr.AsContraction(); !ok || !d.Expr.Contraction || len(d.To) != 1 {
			t.Errorf("no contraction:\n%s", d.Text())
		}
		for i := range d.Expr.Nodes {
			if d.Expr.Nodes[i].Fn == SMul {
				t.Errorf("a strong product in\n%s", d.Text())
			}
		}
	}
}

func TestNoDerivative(t *testing.T) {
	e := Elementwise([]Aval{{device.Int64, []int{2}}, floats64(2)}, floats64(2), func(e *Expr, x []Node) Node {
		return e.Mul(e.Cast(f64, x[0]), e.Sign(x[1]))
	})
	if ds := VJP(e, all, false); len(ds) != 0 {
		t.Errorf("a cotangent:\n%s", texts(ds))
	}
	if ds := JVP(e, all, false); len(ds) != 0 {
		t.Errorf("a tangent:\n%s", texts(ds))
	}
	if ds := VJP(fnExpr(Mul, f64), 0b10, false); len(ds) != 1 || len(ds[0].To) != 1 || ds[0].To[0] != 1 {
		t.Errorf("not wanted:\n%s", texts(ds))
	}
	for _, c := range []Combiner{Prod, Max, Min} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v has a derivative", c)
				}
			}()
			VJP(build(Axes([]int{2}), ins(2), func(e *Expr) {
				e.Store(Store{Value: e.Load(0, At(0)), Reduce: c, Aval: floats64()})
			}), all, false)

		}()
	}
}

// TestSaves: derivatives read the result instead of computing it anew, and no
// operand that they do not need.
func TestSaves(t *testing.T) {
	for fn, want := range map[Fn]string{
		Exp: "y0 dy0", Tanh: "y0 dy0", Sigmoid: "y0 dy0", Sqrt: "y0 dy0", Recip: "y0 dy0", Tan: "y0 dy0",
		Div: "b y0 dy0", Mul: "a b dy0", Log: "a dy0", Sin: "a dy0", Neg: "dy0", Maximum: "a b dy0", Pow: "a b y0 dy0",
	} {
		e := fnExpr(fn, f64)
		ds := VJP(e, all, false)
		got := ""
		for i, s := range ds[0].From {
			if i > 0 {
				got += " "
			}
			got += map[SourceKind]string{Operand: OperandNames(2)[s.Index%2], Result: "y0", Cotangent: "dy0"}[s.Kind]
		}
		if len(ds) != 1 || got != want {
			t.Errorf("%v reads %q, want %q", fn, got, want)
		}
	}
	for _, d := range VJP(fnExpr(Add, f64), all, false) {
		if !d.Expr.IsIdentity() {
			t.Errorf("a cotangent of a sum is no copy:\n%s", d.Text())
		}
	}
}

func TestFloat32(t *testing.T) {
	for _, c := range fnCases {
		ds := append(VJP(fnExpr(c.fn, device.Float32), all, false), JVP(fnExpr(c.fn, device.Float32), all, false)...)
		for _, d := range ds {
			if err := d.Expr.Verify(); err != nil || d.Expr.Outs[0].Aval.DType != device.Float32 {
				t.Errorf("%v: %v\n%s", c.fn, err, d.Text())
			}
		}
	}
	mixed := Elementwise([]Aval{{device.Float32, []int{2}}, floats64(2)}, floats64(2), func(e *Expr, x []Node) Node {
		return e.Mul(e.Cast(f64, x[0]), x[1])
	})
	for _, d := range VJP(mixed, all, false) {
		for i, s := range d.Expr.Outs {
			if err := d.Expr.Verify(); err != nil || s.Aval.DType != mixed.Ins[d.To[i]].DType {
				t.Errorf("%v: a cotangent of %v\n%s", err, s.Aval.DType, d.Text())
			}
		}
	}
}
