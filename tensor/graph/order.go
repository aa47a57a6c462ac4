// The order of matrix products: a chain A·B·C·v is computed by whichever pairs take the
// fewest multiplications (Cormen, Leiserson, Rivest, Stein, Introduction to Algorithms,
// section 14.2). Factors may be transposed, and outer products of vectors, as in the products
// that reverse sweeps are made of: (g⊗v)·Bᵀ is g⊗(v·Bᵀ). Sums are then added up in another
// order, so results are close to what they were and not the same; the pass runs only where
// it is asked for.

package graph

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// maxChain bounds the factors of a chain: finding the order takes the third power.
const maxChain = 40

// factor is a matrix of a chain: a value, or the transpose of one. A vector is a column or
// a row; a number is neither.
type factor struct {
	v          Ref
	rows, cols int // 0 where it has none: of a row and of a column
	turned     bool
}

func (f factor) isVector() bool { return f.rows == 0 || f.cols == 0 }

// transposed returns the factor of the transposed matrix.
func (f factor) transposed() factor {
	return factor{f.v, f.cols, f.rows, !f.turned && !f.isVector()}
}

// chain is matrices that are multiplied.
type chain struct {
	g       *Graph
	factors []factor
	cost    [][]float64 // multiplications of factors i to j
	cut     [][]int     // what the product of factors i to j is made of: i to cut, and the rest
}

// reorder computes chains of matrix products in the cheapest order, and reports whether
// any changed.
func (g *Graph) reorder() bool {
	uses := g.uses()
	inner := make([]bool, len(g.Instrs)) // part of a chain that a later one makes
	chains := map[int]*chain{}
	for i := len(g.Instrs) - 1; i >= 0; i-- {
		if _, _, ok := g.product(i); !ok || inner[i] {
			continue
		}
		c := &chain{g: g}
		before := c.gather(i, false, uses, inner)
		if len(c.factors) > 2 && len(c.factors) <= maxChain && c.order() < before {
			chains[i] = c
		}
	}
	if len(chains) == 0 {
		return false
	}
	w := g.rewrite()
	for i := range g.Instrs {
		if c := chains[i]; c != nil {
			w.set(i, []Ref{c.emit(w, i, 0, len(c.factors)-1).v})
		} else {
			w.keep(i)
		}
	}
	w.finish()
	g.RemoveDead()
	return true
}

// product returns the factors of an instruction that multiplies matrices or vectors of
// floats; not ok where it is none.
func (g *Graph) product(i int) (left, right factor, ok bool) {
	inst := g.Instrs[i].Inst
	e := inst.Expr
	if e == nil || !e.Contraction || len(e.Outs) != 1 || !inst.Out[0].DType.IsFloat() || extent(e.Axes) == 0 {
		return left, right, false
	}
	s := &e.Outs[0]
	x, red := &e.Nodes[s.Value], e.Reduced(s)
	if x.Fn != loop.Mul || !e.Plain(s) || len(red) > 1 || len(red) == 1 && s.Reduce != loop.Sum {
		return left, right, false
	}
	sum := append(red, -1)[0]
	a, at, ok := g.factor(i, x.Arg[0], sum)
	b, bt, ok2 := g.factor(i, x.Arg[1], sum)
	switch {
	case !ok || !ok2 || len(s.Index) != 0 && max(at, bt) < 0 || len(s.Index) == 2 && min(at, bt) < 0 || at == bt && at >= 0:
		return left, right, false // no product of matrices: batches, broadcasts
	case at == 1 || bt == 0 && a.cols > 0 && at < 0 && e.Loads[e.Nodes[x.Arg[0]].K].In == 1:
		return b, a.transposed(), true
	}
	return a, b.transposed(), true
}

// factor returns the factor that product i reads at a node, with its rows along the result
// and its columns along the axis that is summed over, -1 where none is, and which dimension
// of the result its rows are.
func (g *Graph) factor(i int, n loop.Node, sum int) (f factor, at int, ok bool) {
	e := g.Instrs[i].Inst.Expr
	if e.Nodes[n].Fn != loop.LoadFn {
		return f, 0, false
	}
	l := &e.Loads[e.Nodes[n].K]
	f.v, at = g.Args(i)[l.In], -1
	for d, index := range l.Index {
		a := slices.IndexFunc(loop.Ats(len(e.Axes)), index.Equal)
		switch {
		case a < 0 || l.Guarded || e.Axes[a].Size != e.Ins[l.In].Shape[d]:
			return f, 0, false
		case a == sum && f.cols == 0:
			f.cols = e.Axes[a].Size
		case a != sum && f.rows == 0:
			f.rows, at = e.Axes[a].Size, a
			f.turned = d == 1
		default:
			return f, 0, false
		}
	}
	return f, at, (f.cols > 0) == (sum >= 0)
}

// gather appends the factors of product i, of the transposed product if turned, and returns
// its multiplications as they are.
func (c *chain) gather(i int, turned bool, uses []int, inner []bool) (cost float64) {
	left, right, _ := c.g.product(i)
	cost = multiplications(left, right)
	if turned {
		left, right = right.transposed(), left.transposed()
	}
	for _, f := range [2]factor{left, right} {
		d := c.g.Def(f.v)
		if d >= 0 && uses[f.v] == 1 {
			if turned, ok := c.g.isMade(f, d); ok {
				inner[d] = true
				cost += c.gather(d, turned, uses, inner)
				continue
			}
		}
		c.factors = append(c.factors, f)
	}
	return cost
}

// isMade reports whether instruction d makes a factor as a product, and whether the factor
// is that product turned. A vector is one as it lies, column or row.
func (g *Graph) isMade(f factor, d int) (turned, ok bool) {
	a, b, ok := g.product(d)
	switch {
	case !ok:
		return false, false
	case !f.turned && f.rows == a.rows && f.cols == b.cols:
		return false, true
	}
	return true, (f.turned || f.isVector()) && f.rows == b.cols && f.cols == a.rows
}

// multiplications returns how many the product of two matrices or vectors takes.
func multiplications(a, b factor) float64 {
	return float64(max(a.rows, 1)) * float64(max(a.cols, 1)) * float64(max(b.cols, 1))
}

// order finds the cheapest order and returns its multiplications.
func (c *chain) order() float64 {
	n := len(c.factors)
	c.cost, c.cut = make([][]float64, n), make([][]int, n)
	for i := range n {
		c.cost[i], c.cut[i] = make([]float64, n), make([]int, n)
	}
	for length := 1; length < n; length++ {
		for i := 0; i+length < n; i++ {
			j := i + length
			for k := i; k < j; k++ {
				left := factor{rows: c.factors[i].rows, cols: c.factors[k].cols}
				cost := c.cost[i][k] + c.cost[k+1][j] + multiplications(left, c.factors[j])
				if k == i || cost < c.cost[i][j] {
					c.cost[i][j], c.cut[i][j] = cost, k
				}
			}
		}
	}
	return c.cost[0][n-1]
}

// emit writes the product of factors from to to, in place of instruction i.
func (c *chain) emit(w *rewriter, i, from, to int) factor {
	if from == to {
		f := c.factors[from]
		f.v = w.number[f.v]
		return f
	}
	k := c.cut[from][to]
	a, b := c.emit(w, i, from, k), c.emit(w, i, k+1, to)
	v := w.emit(multiply(w.next.Aval(a.v), w.next.Aval(b.v), a, b), i, a.v, b.v)
	return factor{v: v, rows: a.rows, cols: b.cols}
}

// multiply returns the product of two factors of the given types.
func multiply(at, bt kernels.Aval, a, b factor) *kernels.Inst {
	if !a.turned && !b.turned && a.cols > 0 {
		if inst, err := kernels.Matmul.Inst(nil, at, bt); err == nil {
			return inst
		}
	}
	var shape, sizes []int
	axis := func(n int) []loop.Lin {
		if n == 0 {
			return nil
		}
		sizes = append(sizes, n)
		return []loop.Lin{loop.At(len(sizes) - 1)}
	}
	row, col := axis(a.rows), axis(b.cols)
	shape = slices.Clone(sizes)
	sum := axis(a.cols)
	index := func(f factor, rows, cols []loop.Lin) []loop.Lin {
		if f.turned {
			rows, cols = cols, rows
		}
		return slices.Concat(rows, cols)
	}
	e := loop.New(loop.Axes(sizes), []loop.Aval{at, bt})
	e.Contraction = true
	s := loop.Store{
		Value: e.Mul(e.Load(0, index(a, row, sum)...), e.Load(1, index(b, sum, col)...)),
		Index: loop.Ats(len(shape)), Aval: kernels.Aval{DType: at.DType, Shape: shape},
	}
	if sum != nil {
		s.Reduce = loop.Sum
	}
	e.Store(s)
	return kernels.NewLoop("matmul", e)
}
