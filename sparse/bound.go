// Lower bounds on the number of colours.

package sparse

import "slices"

// lowerBound returns a number of colours below which no colouring exists. byCol is
// p's transpose, where the problem is about both.
func lowerBound(p *Pattern, problem Problem, byCol func() *Pattern) int {
	switch {
	case problem == Columns:
		return p.MaxRow()
	case problem == Rows:
		return byCol().MaxRow()
	case problem == Star:
		return hubBound(p, forestBound(p))
	case problem == Acyclic:
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
	k := 0
	edges := 0
	if len(g.Idx) > 0 {
		k = 1
	}
	thickest(g, func(n int, _ int32, neighbours int) {
		edges += neighbours
		for k > 0 && k < n && (k-1)*n-k*(k-1)/2 < edges {
			k++
		}
	})
	return k
}

// thickest adds the vertices of g one by one in smallest-last order, so that what has
// been added is always about as dense as a subgraph of its size can be, and calls
// added with their number, the new one, and how many neighbours it has among them.
func thickest(g *Pattern, added func(n int, v int32, neighbours int)) {
	a := joined{g}
	degree, _ := degrees(a, nil)
	order, _ := dynamicOrder(a, degree, false, -1, nil)
	for at, v := range order {
		added(at+1, v, int(degree[v]))
	}
}

// hubBound raises a bound k for star colourings. Direct each edge to the hub of its
// star. Of one colour, a vertex has either a single neighbour, or several, of which it
// is the hub; so it has at most one edge out for each of the k-1 other colours, and at
// most k-2 if its degree is larger than that. All edges are out of some vertex.
func hubBound(g *Pattern, k int) int {
	if k < 2 {
		return k
	}
	degree, _ := degrees(joined{g}, nil)
	count := make([]int, slices.Max(degree)+1)
	for _, d := range degree {
		count[d]++
	}
	for {
		edges, out := 0, 0
		for d, n := range count {
			edges += n * d
			if d > k-1 {
				d = k - 2
			}
			out += n * d
		}
		if 2*out >= edges {
			return k
		}
		k++
	}
}

// equationBound bounds bicolourings from below. In a submatrix of r rows and c
// columns a column colour gives at most r equations and a row colour at most c, and
// each entry takes one. The bound is taken over the submatrices left as lines with
// the fewest entries are removed.
func equationBound(b *Pattern, rows int) int {
	edges, bound := 0, 0
	var lines [2]int
	thickest(b, func(_ int, v int32, neighbours int) {
		side := 0
		if int(v) >= rows {
			side = 1
		}
		lines[side]++
		edges += neighbours
		longest := max(lines[0], lines[1])
		bound = max(bound, (edges+longest-1)/longest)
	})
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
