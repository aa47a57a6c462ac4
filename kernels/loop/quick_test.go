package loop

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cotangent-ad/cotangent/device"
)

// special are operands that quick code must tell from others.
var special = []float64{0, math.Copysign(0, -1), 1, -1, 2, 0.5, math.Inf(1), math.Inf(-1), math.NaN(), 1e-45, -1e-40, 0x1p-126, 0x1p-127, 0x1p-101,
	0x1p125, 0x1.8p126, -0x1p127, math.MaxFloat32, 65536, 65537, -86, -87, -100, 1e10, 1e-30}

// body draws a loop of one iteration over three numbers.
func body(t *rapid.T, dt device.DType) *Expr {
	shape := Aval{dt, []int{1}}
	e := New(Axes([]int{1}), []Aval{shape, shape, shape})
	var pool []Node
	for in := range e.Ins {
		pool = append(pool, e.Load(in, At(0)))
	}
	pool = append(pool, e.Like(pool[0], 2), e.Like(pool[0], 0.75))
	one := []Fn{Neg, Abs, Sign, Square, Sqrt, Recip, Exp, Expm1, Log, Log1p, Sin, Cos, Tanh, Sigmoid, Softplus, Erf}
	two := []Fn{Add, Sub, Mul, SMul, SMul, SMul, Div, Maximum, Minimum}
	some := func() Node { // what was made last more often: else little of it is needed
		from := pool
		if rapid.Bool().Draw(t, "late") {
			from = pool[len(pool)-min(3, len(pool)):]
		}
		return rapid.SampledFrom(from).Draw(t, "argument")
	}
	for range rapid.IntRange(1, 10).Draw(t, "nodes") {
		switch rapid.IntRange(0, 8).Draw(t, "kind") {
		case 0, 1, 2:
			pool = append(pool, e.Unary(rapid.SampledFrom(one).Draw(t, "function"), some()))
		case 3:
			pool = append(pool, e.Select(e.Binary(Lt, some(), some()), some(), some()))
		default:
			pool = append(pool, e.Binary(rapid.SampledFrom(two).Draw(t, "function"), some(), some()))
		}
	}
	e.Store(Store{Value: pool[len(pool)-1], Index: []Lin{At(0)}, Aval: shape})
	if rapid.Bool().Draw(t, "second result") {
		e.Store(Store{Value: some(), Index: []Lin{At(0)}, Aval: shape})
	}
	return e
}

// compute evaluates all nodes, rounded to their types: as q says, or the long way
// where that is nil. Beyond what they are for, short ways give a finite number that is
// wrong.
func compute(e *Expr, in []float64, q *quick) []float64 {
	v := make([]float64, len(e.Nodes))
	for n := range e.Nodes {
		x := &e.Nodes[n]
		var a, b, c float64
		for i, p := range []*float64{&a, &b, &c} {
			if x.Arg[i] != None {
				*p = v[x.Arg[i]]
			}
		}
		switch on := q != nil && q.on[n]; {
		case x.Fn == Const:
			v[n], _ = e.value(Node(n))
		case x.Fn == LoadFn:
			v[n] = in[e.Loads[x.K].In]
		case x.Fn == Select:
			if v[n] = c; a != 0 {
				v[n] = b
			}
		case x.Fn == SMul && on:
			v[n] = math.FMA(a, b, 0)
		case on && !keeps(a, shorts[x.Fn].of):
			v[n] = 0.25
		default:
			v[n] = fns[x.Fn](a, b)
		}
		if x.DType == device.Float32 {
			v[n] = float64(float32(v[n]))
		}
	}
	return v
}

// keeps reports whether a number keeps to a bound.
func keeps(v float64, b bound) bool {
	if b.abs {
		v = math.Abs(v)
	}
	return v >= b.lo && v <= b.hi
}

// Where no test fails quick code gives what the long way gives, the sign of zeros
// included; and spans hold what is computed.
func TestQuickIsExact(t *testing.T) {
	slow, fast, tested := 0, 0, 0
	check := func(t *rapid.T) {
		dt := rapid.SampledFrom([]device.DType{device.Float32, device.Float64}).Draw(t, "type")
		e := body(t, dt)
		q := e.quickly(e.live())
		plain := e.spans(nil)
		number := rapid.OneOf(rapid.SampledFrom(special), rapid.SampledFrom(special), rapid.Float64Range(-4, 4), rapid.Map(rapid.Float32(), func(v float32) float64 { return float64(v) }))
		for range 20 {
			in := []float64{number.Draw(t, "a"), number.Draw(t, "b"), number.Draw(t, "c")}
			if dt == device.Float32 {
				for i := range in {
					in[i] = float64(float32(in[i]))
				}
			}
			got, want := compute(e, in, q), compute(e, in, nil)
			for n, v := range compute(e, in, &quick{on: strongOnly(e)}) {
				if s := plain[n]; !(v >= s.lo && v <= s.hi || v != v && s.nan) {
					t.Fatalf("%v of v%d is not in %+v, for %v\n%s", v, n, s, in, e.Text())
				}
			}
			if fails(q, got) {
				slow++
				continue
			}
			fast++
			tested += len(q.tests)
			for i := range e.Outs {
				g, w := got[e.Outs[i].Value], want[e.Outs[i].Value]
				if g != w && (g == g || w == w) || math.Signbit(g) != math.Signbit(w) && g == g {
					t.Fatalf("result %d is %v, should be %v, for %v, tests %v\n%s", i, g, w, in, q.tests, e.Text())
				}
			}
		}
	}
	for range 30 {
		rapid.Check(t, check)
	}
	if slow == 0 || fast == 0 || tested == 0 {
		t.Errorf("%d went the long way, %d the short one, with %d tests", slow, fast, tested)
	}
}

// strongOnly takes strong products as quick ones: what spans are of.
func strongOnly(e *Expr) []bool {
	on := make([]bool, len(e.Nodes))
	for n := range e.Nodes {
		on[n] = e.Nodes[n].Fn == SMul
	}
	return on
}

// fails reports whether some test fails.
func fails(q *quick, v []float64) bool {
	for n, list := range q.tests {
		for _, b := range list {
			if b.lo > math.Inf(-1) && !keeps(v[n], bound{b.lo, math.Inf(1), b.abs}) ||
				(b.lo == math.Inf(-1) || b.hi < math.Inf(1)) && !keeps(v[n], bound{math.Inf(-1), b.hi, b.abs}) {
				return true
			}
		}
	}
	return false
}

// What is tested of some bodies.
func TestQuickTests(t *testing.T) {
	x := Aval{device.Float32, []int{4}}
	for _, c := range []struct {
		name  string
		make  func(e *Expr, a, b Node) Node
		tests int // how many
		text  []string
	}{
		{"a product is tested once it is summed", func(e *Expr, a, b Node) Node {
			return e.Add(e.SMul(a, b), e.SMul(b, b))
		}, 1, []string{"fmaf(v0, v1, 0.0f)"}},
		{"what a choice may hide is tested itself", func(e *Expr, a, b Node) Node {
			return e.Select(e.Binary(Lt, a, b), e.Unary(Tanh, e.SMul(a, b)), b)
		}, 1, []string{"slow |= !(v4 <= INFINITY)"}},
		{"factors that are never zero need none", func(e *Expr, a, b Node) Node {
			return e.SMul(e.Add(e.Square(a), e.Like(a, 1)), e.Add(e.Abs(b), e.Like(a, 1)))
		}, 0, nil},
		{"one finite factor that is not zero is enough", func(e *Expr, a, b Node) Node {
			return e.SMul(e.Add(e.Unary(Sigmoid, e.Unary(Sin, a)), e.Like(a, 1)), b)
		}, 1, []string{"quick_sigmoidf(", "slow |= !(fabsf(v0) <= 65536.0f);"}},
		{"a sine bounds all that is made of its angle", func(e *Expr, a, b Node) Node {
			root := e.Unary(Sqrt, e.Add(e.Square(a), e.Like(a, 1)))
			return e.Add(e.SMul(e.Unary(Sin, a), e.Unary(Recip, root)), e.Unary(Exp, e.Neg(e.Square(a))))
		}, 1, []string{"quick_sqrtf(", "quick_recipf(", "quick_sinf("}},
		{"a quotient of any number has two ends", func(e *Expr, a, b Node) Node { return e.Unary(Recip, a) }, 1,
			[]string{"slow |= !(fabsf(v0) >= ", "slow |= !(fabsf(v0) <= "}},
		{"what is not zero may vanish when it is multiplied", func(e *Expr, a, b Node) Node {
			small := e.Mul(e.Unary(Sigmoid, e.Unary(Tanh, a)), e.Like(a, 1e-25))
			return e.SMul(e.Square(small), e.Unary(Exp, e.Abs(b)))
		}, 1 + 1, nil},
		{"a product of zero and infinity is NaN", func(e *Expr, a, b Node) Node {
			zero := e.Unary(Tanh, e.Mul(e.Unary(Tanh, e.Unary(Sin, a)), e.Unary(Exp, e.Abs(e.Unary(Softplus, b)))))
			return e.SMul(zero, e.Unary(Sin, a))
		}, 2, nil},
		{"constants need no test", func(e *Expr, a, b Node) Node {
			return e.SMul(e.Unary(Tanh, e.Unary(Exp, e.Unary(Sin, e.Unary(Tanh, e.Cast(device.Float32, e.Iota(0)))))), e.Like(a, 2))
		}, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := New(Axes([]int{4}), []Aval{x, x})
			e.Store(Store{Value: c.make(e, e.Load(0, At(0)), e.Load(1, At(0))), Index: Ats(1), Aval: x})
			b := e.CUDA()
			b.Element = func(Node, *Load) ([]string, string) { return nil, "x[i]" }
			b.Axis = func(int) string { return "i" }
			text, tests, _ := b.Quick(1)
			if tests != c.tests {
				t.Errorf("%d tests, want %d:\n%s", tests, c.tests, text)
			}
			for _, part := range c.text {
				if !strings.Contains(text, part) {
					t.Errorf("no %s in\n%s", part, text)
				}
			}
		})
	}
}
