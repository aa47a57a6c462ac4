// Sums over the results of matrix products become products of sums: Σ_i (A·B)[i,j] is
// (Σ_i A[i,:])·B, one row in place of all. A gradient by what was added to every row, or
// taken from it, before a product is such a sum. Rounding changes: part of Reorder.

package graph

import (
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// distribute moves one sum after the other into the product that it alone reads.
func (g *Graph) distribute() {
	for g.distributeOnce() {
	}
}

// distributeOnce rewrites the sums of one round, and reports whether there were any.
func (g *Graph) distributeOnce() bool {
	uses := g.uses()
	found := map[int]distributed{}
	taken := make([]bool, len(g.Instrs)) // by a later sum
	for i := len(g.Instrs) - 1; i >= 0; i-- {
		if taken[i] {
			continue
		}
		for k, v := range g.Args(i) {
			d := g.Def(v)
			if d < 0 || uses[v] != 1 || g.Instrs[d].Inst.Expr == nil || g.Instrs[i].Inst.Expr == nil {
				continue
			}
			if x, ok := loop.Distribute(g.Instrs[i].Inst.Expr, k, g.Instrs[d].Inst.Expr); ok {
				found[i], taken[d] = distributed{x, k, d}, true
				break
			}
		}
	}
	if len(found) == 0 {
		return false
	}
	w := g.rewrite()
	for i := range g.Instrs {
		if x, ok := found[i]; ok {
			x.emit(w, i)
		} else {
			w.keep(i)
		}
	}
	w.finish()
	g.RemoveDead()
	return true
}

// distributed is a sum over operand in, which the product makes.
type distributed struct {
	loop.Distribution
	in, product int
}

// emit writes the product of sums in place of the sum, instruction i.
func (x distributed) emit(w *rewriter, i int) {
	c, _ := w.old.Instrs[x.product].Inst.Expr.AsContraction()
	args := w.old.Args(x.product)
	factor := func(v Ref, sum *loop.Expr) Ref {
		if sum == nil {
			return w.number[v]
		}
		return w.emit(kernels.NewLoop("sum", sum), i, w.number[v])
	}
	a, b := factor(args[c.A], x.A), factor(args[c.B], x.B)
	product := w.emit(kernels.NewLoop(w.old.Instrs[x.product].Inst.Name, x.Product), i, a, b)
	in := w.args(w.old.Args(i))
	in[x.in] = product
	w.set(i, []Ref{w.emit(kernels.NewLoop(w.old.Instrs[i].Inst.Name, x.Rest), i, in...)})
}

// uses returns how often each value is read, as an operand or an output.
func (g *Graph) uses() []int {
	uses := make([]int, g.NumValues())
	for i := range g.Instrs {
		for _, v := range g.Args(i) {
			uses[v]++
		}
	}
	for _, v := range g.Outputs {
		uses[v]++
	}
	return uses
}
