// GradBench's det.

package bench

import (
	"slices"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Cofactors is the determinant by recursive expansion along the first
// remaining row, without sharing minors: n! products. The last rows, up to
// expandAtOnce, are expanded in one sweep over the tree of choices, level by level;
// the choices of columns in the rows above them are the steps of a loop.
type Cofactors struct {
	n      int
	levels []level // of the last min(n, expandAtOnce) rows, from the top
	chosen choices // in the rows above
}

// level is one level of the tree of choices: at each of its nodes, one of the
// columns that are left.
type level struct {
	columns *T // [nodes, left]: which column each choice takes
	signs   *T // [left]: 1, -1, 1, ...
}

// choices are the ways to choose a column in each of the leading rows.
type choices struct {
	Entries *T // [ways, rows]: where in the matrix the chosen entries are, row-major
	Left    *T // [ways, columns]: the columns that are left
	Sign    *T // [ways]
}

// expandAtOnce bounds the tree's leaves at 8! = 40320.
const expandAtOnce = 8

// NewCofactors makes the index tables for n x n matrices, n ≥ 1.
func NewCofactors(n int) Cofactors {
	k := min(n, expandAtOnce)
	return Cofactors{n: n, levels: newLevels(k), chosen: newChoices(n, n-k)}
}

// newLevels makes the tree of k rows.
func newLevels(k int) (levels []level) {
	nodes := [][]int{upTo(k)} // the columns left at each node
	for left := k; left > 0; left-- {
		columns, next := make([]int64, 0, len(nodes)*left), make([][]int, 0, len(nodes)*left)
		for _, cols := range nodes {
			for j, col := range cols {
				columns = append(columns, int64(col))
				next = append(next, without(cols, j))
			}
		}
		levels = append(levels, level{tensor.FromSlice(columns, len(nodes), left), alternating(left)})
		nodes = next
	}
	return levels
}

// newChoices makes the ways to choose columns of n in the given number of rows.
func newChoices(n, rows int) choices {
	type way struct {
		entries []int
		left    []int
		sign    float64
	}
	ways := []way{{left: upTo(n), sign: 1}}
	for row := range rows {
		var next []way
		for _, w := range ways {
			for j, col := range w.left {
				sign := w.sign
				if j%2 == 1 {
					sign = -sign
				}
				next = append(next, way{append(slices.Clone(w.entries), row*n+col), without(w.left, j), sign})
			}
		}
		ways = next
	}
	var entries, left []int64
	var signs []float64
	for _, w := range ways {
		for _, e := range w.entries {
			entries = append(entries, int64(e))
		}
		for _, c := range w.left {
			left = append(left, int64(c))
		}
		signs = append(signs, w.sign)
	}
	return choices{tensor.FromSlice(entries, len(ways), rows), tensor.FromSlice(left, len(ways), n-rows), tensor.FromSlice(signs, len(ways))}
}

func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// without returns the list but for its element j.
func without(list []int, j int) []int { return slices.Delete(slices.Clone(list), j, j+1) }

func alternating(n int) *T {
	s := make([]float64, n)
	for j := range s {
		s[j] = 1 - 2*float64(j%2)
	}
	return tensor.FromSlice(s, n)
}

// Objective takes the matrix [n n] and returns its determinant.
func (c Cofactors) Objective(a *T) *T {
	above := c.n - len(c.levels)
	if above == 0 {
		return c.sweep(a)
	}
	entries, below := a.Reshape(-1), a.Index(tensor.Range(above, c.n))
	det, _ := grad.Scan(func(det *T, w choices) (*T, struct{}) {
		factor := w.Sign.Mul(entries.Take(0, w.Entries).Prod())
		return det.Add(factor.Mul(c.sweep(below.Take(1, w.Left)))), struct{}{}
	}, tensor.ZerosLike(entries.Index(tensor.At(0))), c.chosen, grad.Recompute()) // a tree is in the cache, all are not
	return det
}

// sweep expands all rows of a from the leaves of the tree up.
func (c Cofactors) sweep(a *T) *T {
	n := a.Dim(0)
	var value *T // of each node one level down
	for row := n - 1; row >= 0; row-- {
		l := c.levels[row]
		terms := a.Index(tensor.At(row)).Take(0, l.columns).Mul(l.signs)
		if value != nil {
			terms = terms.Mul(value.Reshape(l.columns.Shape()...))
		}
		value = terms.Sum(1)
	}
	return value.Reshape()
}
