// The order of matrix products: a chain A·B·C·v is computed by whichever pairs take the
// fewest multiplications (Cormen, Leiserson, Rivest, Stein, Introduction to Algorithms,
// section 14.2). Sums are then added up in another order, so results are close to what
// they were and not the same; the pass runs only where it is asked for.

package graph

import "github.com/cotangent-ad/cotangent/kernels"

// maxChain bounds the factors of a chain: finding the order takes the third power.
const maxChain = 40

// product is a chain of matrices, of which the first and the last may be vectors.
type product struct {
	g       *Graph
	factors []Ref
	cost    [][]float64 // multiplications of factors i to j
	cut     [][]int     // what the product of factors i to j is made of: i to cut, and the rest
}

// reorder computes chains of matrix products in the cheapest order, and reports whether
// any changed.
func (g *Graph) reorder() bool {
	uses := make([]int, g.NumValues())
	for i := range g.Instrs {
		for _, v := range g.Args(i) {
			uses[v]++
		}
	}
	for _, v := range g.Outputs {
		uses[v]++
	}
	inner := make([]bool, len(g.Instrs)) // part of a chain that a later one makes
	chains := map[int]*product{}
	for i := len(g.Instrs) - 1; i >= 0; i-- {
		if inner[i] || !g.isProduct(i) {
			continue
		}
		p := &product{g: g}
		before := p.gather(i, uses, inner)
		if len(p.factors) > 2 && len(p.factors) <= maxChain && p.order() < before {
			chains[i] = p
		}
	}
	if len(chains) == 0 {
		return false
	}
	w := g.rewrite()
	for i := range g.Instrs {
		if p := chains[i]; p != nil {
			w.set(i, []Ref{p.emit(w, i, 0, len(p.factors)-1)})
		} else {
			w.keep(i)
		}
	}
	w.finish()
	g.RemoveDead()
	return true
}

// isProduct reports whether an instruction multiplies matrices or vectors of floats.
func (g *Graph) isProduct(i int) bool {
	inst := g.Instrs[i].Inst
	return inst.Op == kernels.Matmul && inst.In[0].DType.IsFloat() && inst.In[0].DType == inst.In[1].DType &&
		len(inst.In[0].Shape) <= 2 && len(inst.In[1].Shape) <= 2
}

// gather appends the factors of product i and returns its multiplications as they are.
func (p *product) gather(i int, uses []int, inner []bool) (cost float64) {
	args := p.g.Args(i)
	for k, v := range args {
		d := p.g.Def(v)
		// A vector may stand at an end of the chain only.
		if d >= 0 && uses[v] == 1 && p.g.isProduct(d) && len(p.g.Instrs[d].Inst.In[1-k].Shape) == 2 {
			inner[d] = true
			cost += p.gather(d, uses, inner)
		} else {
			p.factors = append(p.factors, v)
		}
	}
	return cost + multiplications(p.g.Aval(args[0]), p.g.Aval(args[1]))
}

// multiplications returns how many the product of two matrices or vectors takes.
func multiplications(a, b kernels.Aval) float64 {
	n := float64(a.Size())
	if len(b.Shape) == 2 {
		n *= float64(b.Shape[1])
	}
	return n
}

// order finds the cheapest order and returns its multiplications.
func (p *product) order() float64 {
	n := len(p.factors)
	rows, cols := make([]float64, n), make([]float64, n)
	for i, v := range p.factors {
		shape := p.g.Aval(v).Shape
		rows[i], cols[i] = float64(shape[0]), float64(shape[len(shape)-1])
		if len(shape) == 1 && i == 0 {
			rows[i] = 1
		} else if len(shape) == 1 {
			cols[i] = 1
		}
	}
	p.cost, p.cut = make([][]float64, n), make([][]int, n)
	for i := range n {
		p.cost[i], p.cut[i] = make([]float64, n), make([]int, n)
	}
	for length := 1; length < n; length++ {
		for i := 0; i+length < n; i++ {
			j := i + length
			for k := i; k < j; k++ {
				c := p.cost[i][k] + p.cost[k+1][j] + rows[i]*cols[k]*cols[j]
				if k == i || c < p.cost[i][j] {
					p.cost[i][j], p.cut[i][j] = c, k
				}
			}
		}
	}
	return p.cost[0][n-1]
}

// emit writes the product of factors from to to, in place of instruction i.
func (p *product) emit(w *rewriter, i, from, to int) Ref {
	if from == to {
		return w.number[p.factors[from]]
	}
	k := p.cut[from][to]
	a, b := p.emit(w, i, from, k), p.emit(w, i, k+1, to)
	inst, err := kernels.Matmul.Inst(nil, w.next.Aval(a), w.next.Aval(b))
	if err != nil {
		panic(err) // the shapes fit in one order, and so in all
	}
	return w.emit(inst, i, a, b)
}
