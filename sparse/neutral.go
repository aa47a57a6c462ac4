// Bicolourings from colourings of the bordered matrix [0 A; Aᵀ 0], by dropping the
// colours that recovery does not need.
//
// Rows and columns are coloured as one graph. Each entry is an edge, and belongs to
// a two-coloured tree. If it is the tree's only edge, either colour recovers it; if
// the tree is a star, the hub's colour does; otherwise both are needed. The colours
// to keep besides the forced ones are a least vertex cover of the pairs of colours
// that leave a choice, which is a bipartite graph: König's theorem gives it exactly
// from a maximum matching.

package sparse

// neutralize returns the bicolouring of p from colours of the bordered matrix, even
// ones for rows and odd ones for columns.
func neutralize(p, byCol *Pattern, color []int32, top int) (row, col []int32, rows, cols int) {
	colors := top/2 + 1
	row, col = make([]int32, p.Rows), make([]int32, p.Cols)
	for i := range row {
		row[i] = color[i] >> 1 // -1 stays
	}
	for j := range col {
		col[j] = color[p.Rows+j] >> 1
	}
	needRow, needCol := make([]bool, colors), make([]bool, colors)
	pairs := map[[2]int32]struct{}{}
	inRow := alone(p, col, colors)     // by p's entries: the column's colour is alone
	inCol := alone(byCol, row, colors) // by the transpose's entries
	// Two passes over the entries, each with a cursor a column to find the entry in
	// the transpose: first what is forced, then what leaves a choice.
	for pass := range 2 {
		cursor := append([]int(nil), byCol.Ptr[:p.Cols]...)
		for i := range p.Rows {
			a := row[i]
			for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
				j := p.Idx[e]
				b := col[j]
				t := cursor[j]
				cursor[j]++
				switch {
				case pass == 0:
					if !inRow[e] {
						needRow[a] = true // row i is inner: its colour gives the leaves
					}
					if !inCol[t] {
						needCol[b] = true
					}
				case inRow[e] && inCol[t] && !needRow[a] && !needCol[b]:
					pairs[[2]int32{a, b}] = struct{}{}
				}
			}
		}
	}
	for k, side := range coverPairs(pairs, colors) {
		needRow[k] = needRow[k] || side[0]
		needCol[k] = needCol[k] || side[1]
	}
	return row, col, keepColors(row, needRow), keepColors(col, needCol)
}

// keepColors renumbers the needed colours and turns the others into -1.
func keepColors(color []int32, need []bool) int {
	number := make([]int32, len(need))
	n := 0
	for c, ok := range need {
		number[c] = -1
		if ok {
			number[c] = int32(n)
			n++
		}
	}
	for v, c := range color {
		if c >= 0 {
			color[v] = number[c]
		}
	}
	return n
}

// coverPairs returns a least set of row colours ([k][0]) and column colours
// ([k][1]) that meets every pair: those that alternating paths from the unmatched
// rows of a maximum matching do not reach, and the columns that they do.
func coverPairs(pairs map[[2]int32]struct{}, colors int) [][2]bool {
	next := make([][]int32, colors)
	for pair := range pairs {
		next[pair[0]] = append(next[pair[0]], pair[1])
	}
	mate := make([]int32, colors) // a column colour's row colour
	matched := make([]bool, colors)
	for c := range mate {
		mate[c] = -1
	}
	seen := make([]bool, colors)
	var grow func(a int32) bool
	grow = func(a int32) bool {
		for _, b := range next[a] {
			if seen[b] {
				continue
			}
			seen[b] = true
			if mate[b] < 0 || grow(mate[b]) {
				mate[b] = a
				return true
			}
		}
		return false
	}
	for a := range next {
		clear(seen)
		matched[a] = grow(int32(a))
	}
	// The same walk, along alternating paths, without a way to grow.
	clear(seen)
	reached := make([]bool, colors)
	var walk func(a int32)
	walk = func(a int32) {
		reached[a] = true
		for _, b := range next[a] {
			if !seen[b] {
				seen[b] = true
				if m := mate[b]; m >= 0 && !reached[m] {
					walk(m)
				}
			}
		}
	}
	for a := range next {
		if len(next[a]) > 0 && !matched[a] {
			walk(int32(a))
		}
	}
	cover := make([][2]bool, colors)
	for c := range cover {
		cover[c] = [2]bool{len(next[c]) > 0 && !reached[c], seen[c]}
	}
	return cover
}
