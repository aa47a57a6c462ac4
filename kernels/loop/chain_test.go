package loop

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestChain holds, for random loops, what is unrolled against the loop, and the
// sum over the loads of partial derivatives times tangents against the JVP.
func TestChain(t *testing.T) {
	unrolled := 0
	rapid.Check(t, func(t *rapid.T) {
		e, x := loops(t)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		dx := random(rng, -1, 1, e.Ins...)
		y := eval(t, e, x...)
		want := run(t, JVP(e, all, false), x, y, dx, len(e.Outs))
		for o := range e.Outs {
			u, ok := e.Unroll(o, 1<<12)
			if !ok {
				continue
			}
			unrolled++
			for j, v := range eval(t, u, x...)[0] {
				if !near(v, y[o][j], 0) {
					t.Fatalf("element %d is %g, not %g, of\n%s\nunrolled from\n%s", j, v, y[o][j], u.Text(), e.Text())
				}
			}
			sums := make([]ProductSum, len(u.Loads)+1) // each load alone, and all at once
			ones := make([]Product, 0, len(u.Loads))
			for i, l := range u.Loads {
				if l.In > 0 {
					p := Product{Load: i, Tangent: l.In}
					sums[i].Products = []Product{p}
					sums[len(u.Loads)].Products = append(sums[len(u.Loads)].Products, p)
					ones = append(ones, Product{Load: i, Tangent: -1, Value: 1})
				}
			}
			c, kept := u.Chain(append(sums, ProductSum{Products: ones}), u.Ins, rapid.Bool().Draw(t, "ieee"))
			in := make([][]float64, len(kept))
			one := make([][]float64, len(kept))
			for i, k := range kept {
				in[i] = slices.Concat(x, dx)[k]
			}
			out := eval(t, c, in...)
			for j := range out[0] {
				total := 0.0
				for i := range u.Loads {
					total += out[i][j]
				}
				truth := 0.0
				if want[o] != nil {
					truth = want[o][j]
				}
				if !near(total, truth, 0) || !near(out[len(u.Loads)][j], truth, 0) {
					t.Fatalf("element %d: %g by loads, %g at once, not %g, of\n%s\nfrom\n%s", j, total, out[len(u.Loads)][j], truth, c.Text(), e.Text())
				}
			}
			// Numbers in place of arrays: all tangents 1 but those of guarded loads out of range.
			for i, k := range kept {
				one[i] = in[i]
				if k >= len(u.Ins) {
					one[i] = make([]float64, len(in[i]))
					for j := range one[i] {
						one[i][j] = 1
					}
				}
			}
			if guarded(u) {
				continue
			}
			out = eval(t, c, one...)
			for j := range out[0] {
				if array, number := out[len(u.Loads)][j], out[len(u.Loads)+1][j]; !near(array, number, 0) {
					t.Fatalf("element %d: %g with ones, %g with numbers", j, array, number)
				}
			}
		}
	})
	if unrolled == 0 {
		t.Error("nothing was unrolled")
	}
}

func guarded(e *Expr) bool {
	for _, l := range e.Loads {
		if l.Guarded {
			return true
		}
	}
	return false
}
