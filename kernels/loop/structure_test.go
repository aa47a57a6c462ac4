// Structure's letters against the derivatives themselves.

package loop

import (
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

// TestLetters: a letter is z where there is no cotangent, f where that does not
// depend on the operand in turn, and two operands cross where one's cotangent
// depends on the other.
func TestLetters(t *testing.T) {
	for _, c := range fnCases {
		e := fnExpr(c.fn, f64)
		s := e.Structure()[0]
		for i := range e.Ins {
			first := VJP(e, 1<<i, false)
			want := byte('z')
			if len(first) > 0 {
				if want = 'f'; dependsOn(first[0], i) {
					want = 's'
				}
			}
			if s.Ins[i] != want || s.Loads[i] != want {
				t.Errorf("%v: operand %d has letter %c, want %c", c.fn, i, s.Ins[i], want)
			}
		}
		if c.fn.Arity() == 2 {
			crosses := false
			for _, p := range s.Cross {
				crosses = crosses || p == [2]int{0, 1}
			}
			if want := dependsOn(VJP(e, 1, false)[0], 1) || dependsOn(VJP(e, 2, false)[0], 0); crosses != want {
				t.Errorf("%v: crosses %v, want %v", c.fn, crosses, want)
			}
		}
	}
}

// dependsOn reports whether a derived loop depends differentiably on operand i
// of the base, or on the result, which does.
func dependsOn(d Derived, i int) bool {
	for k, s := range d.From {
		if (s == Source{Operand, i} || s == Source{Result, 0}) && len(VJP(d.Expr, 1<<k, false)) > 0 {
			return true
		}
	}
	return false
}

func TestStructure(t *testing.T) {
	for _, c := range []struct {
		name string
		e    *Expr
		want string
	}{
		{"stencil", build(Axes([]int{5}), ins(7), func(e *Expr) {
			u := func(c int) Node { return e.Load(0, At(0).Plus(c)) }
			e.store(e.Add(e.Mul(u(0), u(2)), e.Square(u(1))), 5)
		}), "[{ffs s [[0 1] [2 2]] false}]"}, // loads in the order of their building: u[i], u[i+2], u[i+1]
		{"linear in two loads", build(Axes([]int{5}), ins(7), func(e *Expr) {
			e.store(e.Sub(e.Load(0, At(0)), e.Load(0, At(0).Plus(1))), 5)
		}), "[{ff f [] false}]"},
		{"matrix product", matmul(2, 3, 4), "[{ff ff [[0 1]] false}]"},
		{"log-sum-exp", build(Axes([]int{2, 3}), ins(2, 3), func(e *Expr) {
			e.Store(Store{Value: e.Load(0, Ats(2)...), Index: Ats(1), Reduce: LSE, Aval: floats64(2)})
		}), "[{s s [[0 0]] true}]"},
		{"cut by a sign", elementwise(2, func(e *Expr, x []Node) Node { return e.Mul(e.Sign(e.Exp(x[0])), x[1]) }),
			"[{zf zf [] false}]"},
		{"two results", build(Axes([]int{3}), [][]int{{3}, {3}}, func(e *Expr) {
			e.store(e.Exp(e.Load(0, At(0))), 3)
			e.store(e.Load(1, At(0)), 3)
		}), "[{sz sz [[0 0]] false} {zf zf [] false}]"},
		{"by way of integers", elementwise(1, func(e *Expr, x []Node) Node { return e.Cast(f64, e.Cast(device.Int64, x[0])) }),
			"[{z z [] false}]"},
	} {
		if got := fmt.Sprint(c.e.Structure()); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
