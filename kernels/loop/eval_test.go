// A naive evaluator in float64, for tests alone: every definition taken literally.

package loop

import (
	"fmt"
	"math"

	"github.com/cotangent-ad/cotangent/device"
)

// tb is what testing and rapid have in common.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// eval runs e on dense row-major operands (bools and integers as numbers).
func eval(t tb, e *Expr, in ...[]float64) [][]float64 {
	t.Helper()
	if err := e.Verify(); err != nil {
		t.Fatalf("%v\n%s", err, e.Text())
	}
	if len(in) != len(e.Ins) {
		t.Fatalf("%d operands given to\n%s", len(in), e.Text())
	}
	out := make([][]float64, len(e.Outs))
	for i := range e.Outs {
		out[i] = evalOut(t, e, &e.Outs[i], in)
	}
	return out
}

// evalOut performs one store: it collects the values of every element, then
// reduces them.
func evalOut(t tb, e *Expr, s *Store, in [][]float64) []float64 {
	values := make([][]float64, s.Aval.Size())
	axes := make([]int, len(e.Axes))
	var visit func(a int)
	visit = func(a int) {
		if a == len(axes) {
			v := evalNodes(e, axes, in)
			off, ok := offset(s.Index, s.Aval.Shape, axes, v)
			if !ok {
				t.Fatalf("store out of range at %v of\n%s", axes, e.Text())
			}
			values[off] = append(values[off], v[s.Value])
			return
		}
		for axes[a] = 0; axes[a] < e.Axes[a].Size; axes[a]++ {
			visit(a + 1)
		}
	}
	visit(0)
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = combine(t, s, v)
	}
	return out
}

func combine(t tb, s *Store, v []float64) float64 {
	if len(v) > 1 && s.Reduce == NoReduce {
		t.Fatalf("an element written %d times", len(v))
	}
	if s.Reduce == NoReduce {
		if len(v) == 0 {
			if !s.Partial {
				t.Fatal("an element not written")
			}
			return 0
		}
		return v[0]
	}
	acc := map[Combiner]float64{Prod: 1, Max: math.Inf(-1), Min: math.Inf(1), LSE: math.Inf(-1)}[s.Reduce]
	for _, x := range v {
		switch s.Reduce {
		case Sum:
			acc += x
		case Prod:
			acc *= x
		case Max:
			acc = math.Max(acc, x)
		case Min:
			acc = math.Min(acc, x)
		case LSE:
			if m := math.Max(acc, x); math.IsInf(m, 1) {
				acc = m
			} else if !math.IsInf(m, -1) {
				acc = m + math.Log(math.Exp(acc-m)+math.Exp(x-m))
			}
		}
	}
	return acc
}

// offset returns the position of an index; a value through a node may count
// from the end.
func offset(index []Lin, shape, axes []int, v []float64) (int, bool) {
	off, ok := 0, true
	for d, l := range index {
		i := l.Const
		for _, x := range l.Terms {
			i += x.Coef * axes[x.Axis]
		}
		if l.Via != None {
			if i = int(v[l.Via]); i < 0 {
				i += shape[d]
			}
		}
		ok = ok && i >= 0 && i < shape[d]
		off = off*shape[d] + i
	}
	return off, ok
}

func evalNodes(e *Expr, axes []int, in [][]float64) []float64 {
	v := make([]float64, len(e.Nodes))
	for n := range e.Nodes {
		x := &e.Nodes[n]
		var a, b, c float64
		for i, p := range []*float64{&a, &b, &c} {
			if x.Arg[i] != None {
				*p = v[x.Arg[i]]
			}
		}
		switch x.Fn {
		case Const:
			v[n], _ = e.value(Node(n))
		case LoadFn:
			l := &e.Loads[x.K]
			off, ok := offset(l.Index, e.Ins[l.In].Shape, axes, v)
			switch {
			case ok:
				v[n] = in[l.In][off]
			case !l.Guarded:
				panic(fmt.Sprintf("load %d out of range at %v of\n%s", x.K, axes, e.Text()))
			}
		case Iota:
			v[n] = float64(axes[x.K])
		case Cast:
			v[n] = a
			if !x.DType.IsFloat() {
				v[n] = math.Trunc(a)
			}
			if x.DType == device.Bool {
				v[n] = float64(b2i(a != 0))
			}
		case Polygamma:
			v[n] = polygamma(int(x.K), a)
		case Select:
			if v[n] = c; a != 0 {
				v[n] = b
			}
		default:
			v[n] = fns[x.Fn](a, b)
		}
	}
	return v
}

// fns are the functions of one and two arguments.
var fns = map[Fn]func(a, b float64) float64{
	Neg:      func(a, _ float64) float64 { return -a },
	Abs:      func(a, _ float64) float64 { return math.Abs(a) },
	Sign:     func(a, _ float64) float64 { return fold1[Sign](a) },
	Square:   func(a, _ float64) float64 { return a * a },
	Sqrt:     func(a, _ float64) float64 { return math.Sqrt(a) },
	Recip:    func(a, _ float64) float64 { return 1 / a },
	Exp:      func(a, _ float64) float64 { return math.Exp(a) },
	Expm1:    func(a, _ float64) float64 { return math.Expm1(a) },
	Log:      func(a, _ float64) float64 { return math.Log(a) },
	Log1p:    func(a, _ float64) float64 { return math.Log1p(a) },
	Sin:      func(a, _ float64) float64 { return math.Sin(a) },
	Cos:      func(a, _ float64) float64 { return math.Cos(a) },
	Tan:      func(a, _ float64) float64 { return math.Tan(a) },
	Tanh:     func(a, _ float64) float64 { return math.Tanh(a) },
	Sigmoid:  func(a, _ float64) float64 { return 1 / (1 + math.Exp(-a)) },
	Softplus: func(a, _ float64) float64 { return math.Max(a, 0) + math.Log1p(math.Exp(-math.Abs(a))) },
	Lgamma:   func(a, _ float64) float64 { v, _ := math.Lgamma(a); return v },
	Digamma:  func(a, _ float64) float64 { return polygamma(0, a) },
	Erf:      func(a, _ float64) float64 { return math.Erf(a) },
	Not:      func(a, _ float64) float64 { return 1 - a },
	Add:      func(a, b float64) float64 { return a + b },
	Sub:      func(a, b float64) float64 { return a - b },
	Mul:      func(a, b float64) float64 { return a * b },
	Div:      func(a, b float64) float64 { return a / b },
	Pow:      math.Pow,
	Maximum:  math.Max,
	Minimum:  math.Min,
	Atan2:    math.Atan2,
	Hypot:    math.Hypot,
	SMul:     arith2[SMul],
	Eq:       func(a, b float64) float64 { return float64(b2i(a == b)) },
	Ne:       func(a, b float64) float64 { return float64(b2i(a != b)) },
	Lt:       func(a, b float64) float64 { return float64(b2i(a < b)) },
	Le:       func(a, b float64) float64 { return float64(b2i(a <= b)) },
	And:      func(a, b float64) float64 { return a * b },
	Or:       func(a, b float64) float64 { return math.Max(a, b) },
}

// polygamma is by recurrence to large arguments and the asymptotic series of
// Abramowitz and Stegun 6.4.11, with reflection by recurrence for negative ones.
func polygamma(order int, x float64) float64 {
	if order == 0 {
		sum := 0.0
		for ; x < 20; x++ {
			sum -= 1 / x
		}
		sum += math.Log(x) - 1/(2*x)
		for k, b := range bernoulli {
			sum -= b / (float64(2*k+2) * math.Pow(x, float64(2*k+2)))
		}
		return sum
	}
	sum, n := 0.0, float64(order)
	for ; x < 20; x++ {
		sum += math.Gamma(n+1) / math.Pow(x, n+1)
	}
	sum += math.Gamma(n)/math.Pow(x, n) + math.Gamma(n+1)/(2*math.Pow(x, n+1))
	for k, b := range bernoulli {
		j := float64(2*k + 2)
		sum += b * math.Gamma(j+n) / (math.Gamma(j+1) * math.Pow(x, j+n))
	}
	if order%2 == 0 {
		return -sum
	}
	return sum
}

var bernoulli = []float64{1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730}
