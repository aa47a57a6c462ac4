// The factorization, front by front, and solutions with it.

package direct

import (
	"context"
	"fmt"
	"math"

	"github.com/cotangent-ad/cotangent/sparse"
)

// Factor holds the factors of a matrix, and memory for making them. It is for one user
// at a time.
type Factor struct {
	*Symbolic
	l, u      []float64 // columns of L, with the pivots on the diagonal, and rows of U
	fronts    []float64
	x         []float64
	opened    []int // of each node where its front is, -1 if it is not there
	negative  int
	perturbed int
}

// NewFactor returns memory for factors.
func (s *Symbolic) NewFactor() *Factor {
	f := &Factor{Symbolic: s, l: make([]float64, s.store), fronts: make([]float64, s.room), opened: make([]int, len(s.nodes)), x: make([]float64, s.n)}
	if s.kind == General {
		f.u = make([]float64, s.store)
	}
	return f
}

// A PivotError says that a matrix cannot be factored as it is: a pivot is zero, or
// infinite or no number.
type PivotError struct {
	Row   int // and column, of the matrix
	Value float64
}

func (e *PivotError) Error() string {
	return fmt.Sprintf("direct: the pivot of row %d is %g", e.Row, e.Value)
}

// Negative returns how many pivots of the last symmetric factorization were negative:
// how many eigenvalues of the matrix are. None are of a positive definite one.
func (f *Factor) Negative() int { return f.negative }

// Perturbed returns how many pivots of the last general factorization were so small that
// larger ones were taken instead: if there are any, the factors are those of a matrix
// close by.
func (f *Factor) Perturbed() int { return f.perturbed }

// Factor factors the matrix with the given values, in the order of the pattern. A
// general one has pivots raised to 1e-10 of its largest entry. Errors are
// *sparse.SizeError, *PivotError and the context's.
func (f *Factor) Factor(ctx context.Context, values []float64) error {
	if len(values) != f.nnz {
		return &sparse.SizeError{Op: "direct.Factor", What: "values", Got: len(values), Want: f.nnz}
	}
	f.negative, f.perturbed = 0, 0
	smallest := 0.0
	if f.kind == General {
		for _, v := range values {
			smallest = max(smallest, math.Abs(v))
		}
		smallest *= 1e-10
	}
	end := 0 // of the fronts at work
	for i := range f.opened {
		f.opened[i] = -1
	}
	for i := range f.nodes {
		if i%64 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		nd := &f.nodes[i]
		m := len(nd.rows)
		at := f.open(i, &end)
		front := f.fronts[at:end]
		for _, e := range f.from[nd.from:nd.to] {
			front[e.to] += values[e.from]
		}
		if p, v := f.eliminate(front, m, nd.width, smallest); p >= 0 {
			return &PivotError{int(f.perm[nd.first+p]), v}
		}
		f.keep(nd, front)
		if nd.parent >= 0 {
			fresh := f.opened[nd.parent] < 0
			to := f.open(nd.parent, &end)
			size := len(f.nodes[nd.parent].rows)
			parent := f.fronts[to : to+size*size]
			f.hand(nd, front, parent, size)
			if fresh { // it takes the place of this one
				copy(f.fronts[at:], parent)
				f.opened[nd.parent] = at
				end = at + len(parent)
				continue
			}
		}
		end = at
	}
	return nil
}

// open returns where the front of a node is, made at the end of the others if there is
// none yet. A front opens with the first child that is done, and each child adds what
// remains of its own; the one at work is the last.
func (f *Factor) open(i int, end *int) int {
	if f.opened[i] < 0 {
		m := len(f.nodes[i].rows)
		f.opened[i] = *end
		*end += m * m
		clear(f.fronts[f.opened[i]:*end])
	}
	return f.opened[i]
}

// hand adds what remains of a front to the parent's, of m rows.
func (f *Factor) hand(nd *node, front, parent []float64, m int) {
	rows := len(nd.rows)
	for j, col := range nd.place {
		start := 0
		if f.kind == Symmetric {
			start = j
		}
		to := parent[int(col)*m : (int(col)+1)*m]
		from := front[(nd.width+j)*rows+nd.width : (nd.width+j+1)*rows]
		for i, place := range nd.place[start:] {
			to[place] += from[start+i]
		}
	}
}

// panel is how many columns are eliminated before their effect on the others is
// computed, which is then a product with four columns.
const panel = 4

// eliminate factors the first k columns of a front of m rows, stored by columns, and
// subtracts their products from the others; of a symmetric one only what is on and below
// the diagonal. It returns the place and value of a bad pivot, or -1.
func (f *Factor) eliminate(a []float64, m, k int, smallest float64) (int, float64) {
	for first := 0; first < k; first += panel {
		last := min(first+panel, k)
		for p := first; p < last; p++ {
			d := a[p*m+p]
			if f.kind == General && math.Abs(d) < smallest {
				d = math.Copysign(smallest, d)
				a[p*m+p] = d
				f.perturbed++
			}
			if d == 0 || math.IsNaN(d) || math.IsInf(d, 0) {
				return p, d
			}
			if d < 0 {
				f.negative++
			}
			col := a[p*m+p+1 : (p+1)*m]
			for i := range col {
				col[i] /= d
			}
			for j := p + 1; j < last; j++ {
				f.subtract(a, m, p, j)
			}
		}
		if f.kind == General {
			// The panel's rows to the right.
			for j := last; j < m; j++ {
				for p := first; p < last; p++ {
					v := a[j*m+p]
					for q := p + 1; q < last; q++ {
						a[j*m+q] -= a[p*m+q] * v
					}
				}
			}
		}
		for j := last; j < m; j++ {
			f.subtractPanel(a, m, first, last, j)
		}
	}
	return -1, 0
}

// multiplier is by what column p is subtracted from column j.
func (f *Factor) multiplier(a []float64, m, p, j int) float64 {
	if f.kind == Symmetric {
		return a[p*m+p] * a[p*m+j]
	}
	return a[j*m+p]
}

// subtract takes column p, times its multiplier, off column j: below row p, or from the
// diagonal on if f is symmetric.
func (f *Factor) subtract(a []float64, m, p, j int) {
	from := p + 1
	if f.kind == Symmetric {
		from = j
	}
	v := f.multiplier(a, m, p, j)
	to, col := a[j*m+from:(j+1)*m], a[p*m+from:(p+1)*m]
	col = col[:len(to)]
	for i := range to {
		to[i] -= col[i] * v
	}
}

// subtractPanel takes the columns from first to last, at most four, off column j, below
// them. Where there are fewer, the first is taken off zero times.
func (f *Factor) subtractPanel(a []float64, m, first, last, j int) {
	from := last
	if f.kind == Symmetric {
		from = j
	}
	to := a[j*m+from : (j+1)*m]
	n := len(to)
	var v [panel]float64
	var c [panel][]float64
	for k := range panel {
		c[k] = a[first*m+from:][:n]
		if p := first + k; p < last {
			v[k], c[k] = f.multiplier(a, m, p, j), a[p*m+from:][:n]
		}
	}
	v0, v1, v2, v3 := v[0], v[1], v[2], v[3]
	c0, c1, c2, c3 := c[0][:n], c[1][:n], c[2][:n], c[3][:n]
	for i := range to {
		to[i] -= (c0[i]*v0 + c1[i]*v1) + (c2[i]*v2 + c3[i]*v3)
	}
}

// keep stores a node's columns, and rows.
func (f *Factor) keep(nd *node, front []float64) {
	m, k := len(nd.rows), nd.width
	copy(f.l[nd.at:nd.at+m*k], front)
	if f.kind == Symmetric {
		return
	}
	for p := range k {
		u := f.u[nd.at+p*m : nd.at+(p+1)*m]
		for j := p; j < m; j++ {
			u[j] = front[j*m+p]
		}
	}
}

// Solve sets x to the inverse of the last matrix factored times b; they may be the same
// slice. The error is a *sparse.SizeError.
func (f *Factor) Solve(x, b []float64) error {
	return f.solve("direct.Solve", x, b, f.forward, f.backward)
}

// SolveT is Solve with the transpose of the matrix, as adjoint equations have it.
func (f *Factor) SolveT(x, b []float64) error {
	if f.kind == Symmetric {
		return f.solve("direct.SolveT", x, b, f.forward, f.backward)
	}
	return f.solve("direct.SolveT", x, b, f.forwardT, f.backwardT)
}

// solve goes forward through the nodes, and backward.
func (f *Factor) solve(op string, x, b []float64, forward, backward func(nd *node, y []float64)) error {
	for _, v := range [][]float64{x, b} {
		if len(v) != f.n {
			return &sparse.SizeError{Op: op, What: "a vector", Got: len(v), Want: f.n}
		}
	}
	y := f.x
	for k, i := range f.perm {
		y[k] = b[i]
	}
	for i := range f.nodes {
		forward(&f.nodes[i], y)
	}
	for i := len(f.nodes) - 1; i >= 0; i-- {
		backward(&f.nodes[i], y)
	}
	for k, i := range f.perm {
		x[i] = y[k]
	}
	return nil
}

// behind returns what follows the diagonal in column p of a node's part of L, or in row p
// of its part of U.
func (nd *node) behind(lu []float64, p int) []float64 {
	m := len(nd.rows)
	return lu[nd.at+p*m+p+1 : nd.at+(p+1)*m]
}

// subtract takes v times the entries in rows from y.
func subtract(y []float64, rows []int32, entries []float64, v float64) {
	rows = rows[:len(entries)]
	for k, c := range entries {
		y[rows[k]] -= c * v
	}
}

// product is that of the entries in rows and y.
func product(y []float64, rows []int32, entries []float64) (s float64) {
	rows = rows[:len(entries)]
	for k, c := range entries {
		s += c * y[rows[k]]
	}
	return s
}

func (f *Factor) forward(nd *node, y []float64) {
	for p := range nd.width {
		v := y[nd.first+p]
		if v == 0 {
			continue
		}
		subtract(y, nd.rows[p+1:], nd.behind(f.l, p), v)
	}
}

func (f *Factor) backward(nd *node, y []float64) {
	m := len(nd.rows)
	upper := f.u
	if f.kind == Symmetric {
		upper = f.l
	}
	for p := nd.width - 1; p >= 0; p-- {
		d, s := f.l[nd.at+p*m+p], product(y, nd.rows[p+1:], nd.behind(upper, p))
		if f.kind == Symmetric {
			y[nd.first+p] = y[nd.first+p]/d - s
		} else {
			y[nd.first+p] = (y[nd.first+p] - s) / d
		}
	}
}

// forwardT solves with the transpose of U, whose columns are U's rows.
func (f *Factor) forwardT(nd *node, y []float64) {
	m := len(nd.rows)
	for p := range nd.width {
		v := y[nd.first+p] / f.l[nd.at+p*m+p]
		y[nd.first+p] = v
		if v == 0 {
			continue
		}
		subtract(y, nd.rows[p+1:], nd.behind(f.u, p), v)
	}
}

// backwardT solves with the transpose of L, whose diagonal is 1.
func (f *Factor) backwardT(nd *node, y []float64) {
	for p := nd.width - 1; p >= 0; p-- {
		y[nd.first+p] -= product(y, nd.rows[p+1:], nd.behind(f.l, p))
	}
}
