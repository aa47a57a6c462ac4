// Which loops are strongly linear, and which only nearly so.

package loop

import (
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

func TestStronglyLinear(t *testing.T) {
	// g and h are looked at; x, y and the condition c are not.
	avals := []Aval{floats64(5), floats64(5), floats64(5), floats64(5), {device.Bool, []int{5}}}
	for _, c := range []struct {
		name string
		body func(e *Expr, g, h, x, y, c Node) Node
		want bool
	}{
		{"itself", func(e *Expr, g, h, x, y, c Node) Node { return g }, true},
		{"a strong product", func(e *Expr, g, h, x, y, c Node) Node { return e.SMul(e.Exp(x), g) }, true},
		{"sums of such", func(e *Expr, g, h, x, y, c Node) Node { return e.Sub(e.SMul(g, x), e.Neg(e.SMul(h, y))) }, true},
		{"a constant multiple", func(e *Expr, g, h, x, y, c Node) Node { return e.Mul(e.Like(g, 3), g) }, true},
		{"a choice", func(e *Expr, g, h, x, y, c Node) Node { return e.Select(c, e.SMul(g, x), e.Like(g, 0)) }, true},
		{"an ordinary product", func(e *Expr, g, h, x, y, c Node) Node { return e.Mul(g, x) }, false},
		{"an infinite multiple", func(e *Expr, g, h, x, y, c Node) Node { return e.Mul(g, e.Recip(e.Like(g, 0))) }, false},
		{"a quotient", func(e *Expr, g, h, x, y, c Node) Node { return e.Div(g, x) }, false},
		{"more than a multiple", func(e *Expr, g, h, x, y, c Node) Node { return e.Add(g, x) }, false},
		{"of second degree", func(e *Expr, g, h, x, y, c Node) Node { return e.SMul(g, h) }, false},
		{"a choice that depends on it", func(e *Expr, g, h, x, y, c Node) Node { return e.Select(e.Lt(g, x), g, h) }, false},
		{"a choice of something else", func(e *Expr, g, h, x, y, c Node) Node { return e.Select(c, g, x) }, false},
		{"independent", func(e *Expr, g, h, x, y, c Node) Node { return e.SMul(x, y) }, false},
	} {
		e := Elementwise(avals, floats64(5), func(e *Expr, v []Node) Node { return c.body(e, v[0], v[1], v[2], v[3], v[4]) })
		if got := e.StronglyLinear(func(in int) bool { return in < 2 }); got != c.want {
			t.Errorf("%s: %v\n%s", c.name, got, e.Text())
		}
	}
	for name, s := range map[string]func(e *Expr) Store{
		"another element": func(e *Expr) Store {
			return Store{Value: e.Load(0, Lin{Const: 4, Terms: []Term{{0, -1}}, Via: None}), Index: Ats(1), Aval: floats64(5)}
		},
		"a guarded one": func(e *Expr) Store {
			return Store{Value: e.LoadGuarded(0, At(0).Plus(1)), Index: Ats(1), Aval: floats64(5)}
		},
		"a sum of all": func(e *Expr) Store {
			return Store{Value: e.Load(0, At(0)), Reduce: Sum, Index: []Lin{}, Aval: floats64()}
		},
	} {
		e := New(Axes([]int{5}), avals[:1])
		e.Store(s(e))
		if e.StronglyLinear(func(int) bool { return true }) {
			t.Errorf("%s is linear\n%s", name, e.Text())
		}
	}
}
