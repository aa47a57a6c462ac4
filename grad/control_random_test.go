// Random programs with control flow: prepared ones give what Go loops give.

package grad_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
	"pgregory.net/rapid"
)

// statement of a random program: an operation, or control flow over statements.
type statement struct {
	kind      string // "op", "scan", "cond", "while"
	op        instruction
	n         int // steps
	backwards bool
	option    grad.Option
	body      []statement
	other     []statement
}

var residualOptions = []grad.Option{grad.KeepResiduals(), grad.Recompute(), grad.MaxSteps(1000)}

// drawStatements draws statements that may use vals earlier values.
func drawStatements(t *rapid.T, vals, depth int) []statement {
	var code []statement
	for range rapid.IntRange(1, 3).Draw(t, "length") {
		at := rapid.IntRange(0, vals-1)
		s := statement{kind: "op", op: instruction{rapid.IntRange(0, len(randomOps)-1).Draw(t, "op"), at.Draw(t, "a"), at.Draw(t, "b")}}
		if depth > 0 {
			s.kind = rapid.SampledFrom([]string{"op", "scan", "cond", "while"}).Draw(t, "kind")
		}
		s.n = rapid.IntRange(0, 3).Draw(t, "steps")
		s.backwards = rapid.Bool().Draw(t, "backwards")
		s.option = rapid.SampledFrom(residualOptions).Draw(t, "option")
		switch s.kind {
		case "scan":
			s.body = drawStatements(t, vals+2, depth-1)
		case "while":
			s.body = drawStatements(t, vals+1, depth-1)
		case "cond":
			s.body, s.other = drawStatements(t, vals, depth-1), drawStatements(t, vals, depth-1)
		}
		code = append(code, s)
		vals++
	}
	return code
}

// withControl runs statements with the control flow of this package, or with Go's.
type withControl struct {
	rows  *T // [3 2 3]
	loops bool
}

func (p withControl) run(code []statement, vals []*T) *T {
	vals = slices.Clone(vals)
	for _, s := range code {
		a, b := vals[s.op.a], vals[s.op.b]
		var v *T
		switch s.kind {
		case "op":
			v = randomOps[s.op.op](a, b)
		case "scan":
			v = p.scan(s, a, vals)
		case "while":
			v = p.while(s, a, b, vals)
		case "cond":
			v = p.cond(s, a, b, vals)
		}
		vals = append(vals, v.Tanh()) // so that nothing grows without end
	}
	return vals[len(vals)-1]
}

func (p withControl) scan(s statement, c *T, vals []*T) *T {
	step := func(c, r *T) *T { return p.run(s.body, append(slices.Clone(vals), c, r)) }
	xs := p.rows.Index(tensor.Range(0, s.n)).Mul(vals[s.op.b])
	if !p.loops {
		opts := []grad.Option{s.option}
		if s.backwards {
			opts = append(opts, grad.Backwards())
		}
		c, ys := grad.Scan(func(c, r *T) (*T, *T) {
			c = step(c, r)
			return c, c.Mul(r)
		}, c, xs, opts...)
		return c.Add(ys.Sum(0))
	}
	if s.n == 0 {
		return c.Add(xs.Sum(0))
	}
	ys := make([]*T, s.n)
	for k := range s.n {
		i := k
		if s.backwards {
			i = s.n - 1 - k
		}
		r := xs.Index(tensor.At(i))
		c = step(c, r)
		ys[i] = c.Mul(r)
	}
	return c.Add(tensor.Stack(0, ys...).Sum(0))
}

type counted struct{ C, K *T }

func (p withControl) while(s statement, c, b *T, vals []*T) *T {
	step := func(c *T) *T { return p.run(s.body, append(slices.Clone(vals), c)) }
	n := tensor.Scalar(float64(s.n), tensor.WithDType(tensor.Int64))
	one := tensor.Scalar(1, tensor.WithDType(tensor.Int64))
	goesOn := func(x counted) *T { return x.K.Lt(n).And(x.C.Sum().Lt(b.Sum().AddScalar(2))) }
	x := counted{c, tensor.Scalar(0, tensor.WithDType(tensor.Int64))}
	next := func(x counted) counted { return counted{step(x.C), x.K.Add(one)} }
	if !p.loops {
		return grad.While(goesOn, next, x, s.option).C
	}
	for goesOn(x).Float() != 0 {
		x = next(x)
	}
	return x.C
}

func (p withControl) cond(s statement, a, b *T, vals []*T) *T {
	pred := a.Sum().Gt(b.Sum())
	yes, no := func(vals []*T) *T { return p.run(s.body, vals) }, func(vals []*T) *T { return p.run(s.other, vals) }
	switch {
	case !p.loops:
		return grad.Cond(pred, yes, no, vals)
	case pred.Float() != 0:
		return yes(vals)
	}
	return no(vals)
}

func TestControlRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	c, rows := random(r, 2, 3), random(r, 3, 2, 3)
	rapid.Check(t, func(t *rapid.T) {
		code := drawStatements(t, 2, 2)
		function := func(loops bool) func(x *T) *T {
			p := withControl{rows, loops}
			return func(x *T) *T { return p.run(code, []*T{x, c}).Sum() }
		}
		x := random(rand.New(rand.NewPCG(23, rapid.Uint64().Draw(t, "seed"))), 2, 3)
		loops := made(function(true), false)
		for name, g := range made(function(false), false) {
			want, err := loops[name](x).Float64s()
			if err != nil {
				t.Fatalf("%s: the Go loop: %v", name, err)
			}
			p, err := grad.Prepare(g, c)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			y, err := p.Run(t.Context(), x)
			if err != nil {
				t.Fatalf("%s: %v\n%v", name, err, p.Graph())
			}
			got, err := y.Float64s()
			if err == nil {
				err = near1(got, want, name == "value" || name == "jvp")
			}
			if err != nil {
				t.Fatalf("%s: %v\n%v", name, err, p.Graph())
			}
			p.Close()
			without := graph.Passes(rapid.IntRange(1, graph.AllPasses).Draw(t, "without"))
			if p, err = grad.Prepare(g, c, grad.Without(without)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			z, err := p.Run(t.Context(), x)
			if err != nil || !slices.Equal(bitsOf(t, z), bitsOf(t, y)) {
				t.Fatalf("%s: %v; without %v: %v, not %v\n%v", name, err, without, z, y, p.Graph())
			}
			p.Close()
		}
		mapped(t, function, x)
	})
}

// mapped compares a function and its gradient under Vmap, eagerly and prepared, with Go
// loops slice by slice.
func mapped(t *rapid.T, function func(loops bool) func(x *T) *T, x *T) {
	xs := tensor.Stack(0, x, x.MulScalar(-2), x.Flip(0, 1).AddScalar(0.5))
	for name, of := range map[string]func(f func(x *T) *T) func(x *T) *T{
		"value": func(f func(x *T) *T) func(x *T) *T { return f },
		"grad":  func(f func(x *T) *T) func(x *T) *T { return grad.Grad(f) },
	} {
		many := grad.Vmap(of(function(false)))
		p, err := grad.Prepare(many, xs)
		if err != nil {
			t.Fatalf("%s under Vmap: %v", name, err)
		}
		prepared, err := p.Run(t.Context(), xs)
		if err != nil {
			t.Fatalf("%s under Vmap: %v\n%v", name, err, p.Graph())
		}
		eager := many(xs)
		if name == "value" && !slices.Equal(bitsOf(t, eager), bitsOf(t, prepared)) {
			t.Fatalf("%s under Vmap: eager %v, prepared %v\n%v", name, eager, prepared, p.Graph())
		}
		for what, y := range map[string]*T{"eager": eager, "prepared": prepared} {
			for i := range 3 {
				want, err := of(function(true))(xs.Index(tensor.At(i))).Float64s()
				if err != nil {
					t.Fatal(err)
				}
				got, err := y.Index(tensor.At(i)).Float64s()
				if err == nil {
					err = near1(got, want, false)
				}
				if err != nil {
					t.Fatalf("%s under Vmap, %s, slice %d: %v\n%v", name, what, i, err, p.Graph())
				}
			}
		}
		p.Close()
	}
}

// near1 compares results: exactly, or up to rounding beside the largest.
func near1(got, want []float64, exactly bool) error {
	scale := 1.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	for i, w := range want {
		if math.IsNaN(w) && math.IsNaN(got[i]) || math.IsInf(scale, 0) {
			continue
		}
		if d := math.Abs(got[i] - w); exactly && d != 0 || !(d <= 1e-9*scale) {
			return fmt.Errorf("element %d is %v, want %v", i, got[i], w)
		}
	}
	return nil
}
