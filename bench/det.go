// GradBench's det.

package bench

import "github.com/cotangent-ad/cotangent/tensor"

// Cofactors is the determinant by recursive expansion along the first
// remaining row, without sharing minors: n! products. Up to expandAtOnce rows
// are expanded in one sweep over the tree of choices, level by level; rows
// above those are a loop.
type Cofactors struct {
	n      int
	levels []level // of the last min(n, expandAtOnce) rows, from the top
}

// level is one level of the tree of choices: at each of its nodes, one of the
// columns that are left.
type level struct {
	columns *T // [nodes, left]: which column each choice takes
	signs   *T // [left]: 1, -1, 1, ...
}

// expandAtOnce bounds the tree's leaves at 8! = 40320.
const expandAtOnce = 8

// NewCofactors makes the index tables for n x n matrices, n ≥ 1.
func NewCofactors(n int) Cofactors {
	c := Cofactors{n: n}
	k := min(n, expandAtOnce)
	all := make([]int, k)
	for j := range all {
		all[j] = j
	}
	nodes := [][]int{all} // the columns left at each node
	for left := k; left > 0; left-- {
		columns, next := make([]int64, 0, len(nodes)*left), make([][]int, 0, len(nodes)*left)
		for _, cols := range nodes {
			for j, col := range cols {
				columns = append(columns, int64(col))
				rest := append(append(make([]int, 0, left-1), cols[:j]...), cols[j+1:]...)
				next = append(next, rest)
			}
		}
		c.levels = append(c.levels, level{tensor.FromSlice(columns, len(nodes), left), alternating(left)})
		nodes = next
	}
	return c
}

func alternating(n int) *T {
	s := make([]float64, n)
	for j := range s {
		s[j] = 1 - 2*float64(j%2)
	}
	return tensor.FromSlice(s, n)
}

// Objective takes the matrix [n n] and returns its determinant.
func (c Cofactors) Objective(a *T) *T { return c.expand(a) }

// expand returns the determinant of the square matrix a.
func (c Cofactors) expand(a *T) *T {
	n := a.Dim(0)
	if n <= expandAtOnce {
		return c.sweep(a)
	}
	var det *T
	for j := range n {
		rest := tensor.Range(1, n)
		minor := tensor.Concat(1, a.Index(rest, tensor.Range(0, j)), a.Index(rest, tensor.Range(j+1, n)))
		term := a.Index(tensor.At(0), tensor.At(j)).Mul(c.expand(minor))
		switch {
		case det == nil:
			det = term
		case j%2 == 0:
			det = det.Add(term)
		default:
			det = det.Sub(term)
		}
	}
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
