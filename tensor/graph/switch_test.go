// Every pass can be switched off: what it does is not done then, and the values stay.

package graph

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
)

// switched is a program in which a pass has something to do.
type switched struct {
	pass    Passes
	with    Passes // the other passes that run, either way
	make    func(b *builder) []Ref
	effect  func(p *Program) string
	on, off string
	close   bool // values may differ by rounding
}

// programs compiled by other packages look at these passes.
const elsewhere = VectorAxis // package native tests it

func TestPassesOff(t *testing.T) {
	type refs = []Ref
	ops := func(p *Program) string {
		var names []string
		for i := range p.g.Instrs {
			names = append(names, p.g.Instrs[i].Inst.Name)
		}
		return strings.Join(names, " ")
	}
	whole := func(p *Program) string { return loops(p.g) }
	tested := elsewhere
	for _, c := range []switched{
		{FoldConstants, AllPasses, func(b *builder) refs {
			c := b.apply(kernels.Exp, nil, b.Const(*arrayOf([]float64{1, 2}), nil))
			return refs{b.apply(kernels.Add, nil, b.param(2), c)}
		}, whole, "out[i] = a[i] + b[i]\n", "out[i] = a[i] + exp(b[i])\n", false},
		{Inline, AllPasses, func(b *builder) refs {
			inner := body(b.t, func(b *builder) refs { return refs{b.apply(kernels.Exp, nil, b.param(2))} })
			return refs{b.emit(&Control{Form: Call, Bodies: []*Graph{inner}}, b.param(2))}
		}, ops, "exp", "control", false},
		{Simplify, AllPasses, func(b *builder) refs {
			flat := b.apply(kernels.Reshape, kernels.DimsOf(6), b.param(3, 2))
			return refs{b.apply(kernels.Reshape, kernels.DimsOf(2, 3), flat)}
		}, ops, "reshape", "reshape reshape", false},
		{Share, AllPasses, func(b *builder) refs {
			x := b.param(3, 3)
			return refs{b.apply(kernels.Matmul, nil, x, x), b.apply(kernels.Matmul, nil, x, x)}
		}, ops, "matmul", "matmul matmul", false},
		// Other passes remove what they made dead, and with it what was.
		{Prune, 0, func(b *builder) refs {
			x := b.param(3)
			b.apply(kernels.Exp, nil, x)
			return refs{b.apply(kernels.Sin, nil, x)}
		}, ops, "sin", "exp sin", false},
		{Hoist, AllPasses, func(b *builder) refs {
			step := body(b.t, func(b *builder) refs {
				k, c := b.param(2), b.param(2)
				return refs{b.apply(kernels.Mul, nil, c, b.apply(kernels.Exp, nil, k))}
			})
			return refs{b.emit(&Control{Form: Scan, Bodies: []*Graph{step}, Consts: 1, Carries: 1, Length: 3}, b.param(2), b.param(2))}
		}, ops, "exp control", "control", false},
		{Fusion, AllPasses, func(b *builder) refs {
			return refs{b.apply(kernels.Exp, nil, b.apply(kernels.Neg, nil, b.param(4)))}
		}, whole, "out[i] = exp(-a[i])\n", "out[i] = -a[i]\nout[i] = exp(a[i])\n", false},
		{Reuse, AllPasses, func(b *builder) refs { // four products, of which two are needed at a time, and what sin takes over
			x := b.param(8, 8)
			y := x
			for range 4 {
				y = b.apply(kernels.Matmul, nil, b.apply(kernels.Sin, nil, y), x)
			}
			return refs{y}
		}, func(p *Program) string {
			s := p.Stats()
			return fmt.Sprintf("%d in place, an arena of %d values", s.InPlace, s.ArenaBytes/(8*8*8))
		}, "3 in place, an arena of 2 values", "0 in place, an arena of 7 values", false},
		{Reorder, AllPasses, func(b *builder) refs {
			return refs{b.apply(kernels.Matmul, nil, b.apply(kernels.Matmul, nil, b.param(9, 8), b.param(8, 7)), b.param(7))}
		}, whole, "out[i] = sum(j) a[i, j] * b[j]\nout[i] = sum(j) a[i, j] * b[j]\n", "out[i, j] = sum(k) a[i, k] * b[k, j]\nout[i] = sum(j) a[i, j] * b[j]\n", true},
		{Preaccumulate, AllPasses, func(b *builder) refs {
			x, y := b.param(leastKept/8), b.param(leastKept/8)
			e := b.apply(kernels.Exp, nil, x)
			s := b.apply(kernels.Sin, nil, e)
			return refs{b.smul(b.smul(b.smul(b.later(y, s), s), b.apply(kernels.Cos, nil, s)), e)}
		}, func(p *Program) string { return fmt.Sprintf("%+v", p.g.Preaccumulated.Values) }, "1", "0", true},
	} {
		tested |= c.pass
		t.Run(c.pass.String(), func(t *testing.T) {
			b := newBuilder(t)
			g := b.outputs(c.make(b)...)
			run := func(passes Passes) (effect string, results []*kernels.Array) {
				h := g.Clone()
				defer h.Release()
				h.Optimize(passes, openDevice(t, "ref"))
				p := compile(t, h)
				results = destinations(p)
				if err := p.Run(t.Context(), ramps(h), results); err != nil {
					t.Fatal(err)
				}
				return c.effect(p), results
			}
			on, a := run(c.with | c.pass)
			off, b2 := run(c.with &^ c.pass)
			if on != c.on || off != c.off {
				t.Errorf("on:\n%s\noff:\n%s\nwant\n%s\nand\n%s", on, off, c.on, c.off)
			}
			for k := range a {
				x, y := floats(a[k]), floats(b2[k])
				for i := range x {
					if d := math.Abs(x[i] - y[i]); d > 0 && (!c.close || d > 1e-12*(1+math.Abs(y[i]))) {
						t.Errorf("result %d, element %d: %v, without the pass %v", k, i, x[i], y[i])
					}
				}
			}
		})
	}
	if all := Passes(AllPasses | Reorder | Preaccumulate); tested != all {
		t.Errorf("not tested: %v", all&^tested)
	}
	if n := len(passNames); Passes(1)<<n != 2*Preaccumulate {
		t.Errorf("%d names of passes", n)
	}
}
