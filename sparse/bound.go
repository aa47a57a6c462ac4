// Lower bounds on the number of colours.

package sparse

// lowerBound returns a number of colours below which no colouring exists. byCol is
// p's transpose, where the problem is about both.
func lowerBound(p *Pattern, problem Problem, byCol func() *Pattern) int {
	switch {
	case problem == Columns:
		return p.MaxRow()
	case problem == Rows:
		return byCol().MaxRow()
	case problem.Structure == Symmetric:
		return forestBound(p)
	default:
		return equationBound(bordered(p, byCol()))
	}
}

// forestBound bounds acyclic colourings, and so star colourings, from below. Any two
// of k colour classes span a forest, which has fewer edges than vertices; summed
// over the pairs, a graph of n vertices has at most (k-1) n - k(k-1)/2 edges. The
// bound is taken over the subgraphs that are left as vertices of least degree are
// removed. On cliques it is their size; it shows that 3 colours are optimal on the
// 5-point grid, and impossible on the periodic one.
func forestBound(g *Pattern) int {
	order, _ := orderOf(SmallestLast, func() adjacency { return joined{g} }, g.Rows, 0, nil)
	present := make([]bool, g.Rows)
	edges, k := 0, 0
	for at, v := range order {
		if len(g.Row(int(v))) > 0 {
			k = max(k, 1)
		}
		present[v] = true
		for _, u := range g.Row(int(v)) {
			if u != v && present[u] {
				edges++
			}
		}
		n := at + 1
		for k < n && (k-1)*n-k*(k-1)/2 < edges {
			k++
		}
	}
	return k
}

// equationBound bounds bicolourings from below. In a submatrix of r rows and c
// columns a column colour gives at most r equations and a row colour at most c, and
// each entry takes one. The bound is taken over the submatrices left as lines with
// the fewest entries are removed.
func equationBound(b *Pattern, rows int) int {
	order, _ := orderOf(SmallestLast, func() adjacency { return joined{b} }, b.Rows, 0, nil)
	present := make([]bool, b.Rows)
	edges, bound := 0, 0
	var lines [2]int
	for _, v := range order {
		present[v] = true
		side := 0
		if int(v) >= rows {
			side = 1
		}
		lines[side]++
		for _, u := range b.Row(int(v)) {
			if present[u] {
				edges++
			}
		}
		longest := max(lines[0], lines[1])
		bound = max(bound, (edges+longest-1)/longest)
	}
	return bound
}

// bordered returns the symmetric pattern [0 A; Aᵀ 0], whose vertices are A's rows
// and then its columns, and the number of rows.
func bordered(p, byCol *Pattern) (*Pattern, int) {
	n := p.Rows + p.Cols
	b := &Pattern{Rows: n, Cols: n, Ptr: make([]int, n+1), Idx: make([]int32, 0, 2*p.Nnz())}
	for i := range p.Rows {
		for _, j := range p.Row(i) {
			b.Idx = append(b.Idx, j+int32(p.Rows))
		}
		b.Ptr[i+1] = len(b.Idx)
	}
	b.Idx = append(b.Idx, byCol.Idx...)
	for j := range p.Cols {
		b.Ptr[p.Rows+j+1] = p.Nnz() + byCol.Ptr[j+1]
	}
	return b, p.Rows
}
