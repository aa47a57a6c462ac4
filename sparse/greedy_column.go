// Greedy colouring of columns: each column in turn takes the smallest colour that no
// column with an entry in the same row has (Curtis, Powell and Reid 1974; Coleman
// and Moré 1983). Rows are coloured as the columns of the transpose.
//
// Two methods give the same colours. The first takes colours 0 to 63 and keeps one
// machine word a row, the colours used in it: a column ORs its rows' words and takes
// the lowest zero, two operations an entry. Columns that find no zero are left over;
// they cannot have influenced the rest, so what remains is the same problem on the
// columns left, from colour 64 on. That one looks at the columns in short rows and
// at bit sets in long ones, and a set's full words are never visited again, so that
// a dense row costs linear time where visiting its columns is quadratic.

package sparse

import (
	"math/bits"
	"slices"
)

// columnGreedy colours the columns of p; byCol is p's transpose.
type columnGreedy struct {
	p, byCol *Pattern
	used     []uint64 // a word of colours a row
}

func newColumnGreedy(p, byCol *Pattern) *columnGreedy {
	return &columnGreedy{p: p, byCol: byCol, used: make([]uint64, p.Rows)}
}

// run colours the columns in the given order (nil: as numbered) into color, and
// returns the number of colours, or false if it was stopped. Columns without
// entries need no product and get -1.
func (g *columnGreedy) run(color, order []int32, halt *halter) (int, bool) {
	clear(g.used)
	var rest []int32
	count := 0
	n := g.byCol.Rows
	for at := range n {
		j := int32(at)
		if order != nil {
			j = order[at]
		}
		rows := g.byCol.Row(int(j))
		var used uint64
		for _, i := range rows {
			used |= g.used[i]
		}
		free := ^used & (used + 1) // the lowest zero of used
		switch {
		case len(rows) == 0:
			color[j] = -1
			continue
		case free == 0:
			rest = append(rest, j)
			continue
		}
		for _, i := range rows {
			g.used[i] |= free
		}
		c := bits.TrailingZeros64(free)
		color[j] = int32(c)
		count = max(count, c+1)
		if at&haltMask == haltMask && halt.stopped() {
			return 0, false
		}
	}
	if len(rest) == 0 {
		return count, true
	}
	return newOverflow(g, rest).run(color, halt)
}

// overflow colours the columns for which 64 colours were not enough.
type overflow struct {
	cols  []int32  // the columns left, in order
	rows  *Pattern // line k: the rows of column cols[k] with two or more left
	cells *Pattern // line i: the positions in cols of row i's columns left
	full  []int    // a long row: the first word that is not full; a short one: -1
	sets  [][]uint64
}

const windowColors = 64

func newOverflow(g *columnGreedy, cols []int32) *overflow {
	left := make([]int32, g.p.Rows)
	for _, j := range cols {
		for _, i := range g.byCol.Row(int(j)) {
			left[i]++
		}
	}
	o := &overflow{cols: cols, full: make([]int, g.p.Rows), sets: make([][]uint64, g.p.Rows)}
	o.rows = &Pattern{Rows: len(cols), Cols: g.p.Rows, Ptr: make([]int, 1, len(cols)+1)}
	for _, j := range cols {
		for _, i := range g.byCol.Row(int(j)) {
			if left[i] > 1 {
				o.rows.Idx = append(o.rows.Idx, i)
			}
		}
		o.rows.Ptr = append(o.rows.Ptr, len(o.rows.Idx))
	}
	o.cells = o.rows.Transpose()
	// A row is long where going over a bit set of all colours (at least as many as
	// the longest row has columns) is cheaper than going over its columns. This also
	// bounds the sets' memory by a few words an entry.
	long := max(16, int(slices.Max(left))/windowColors)
	for i := range o.full {
		if int(left[i]) <= long {
			o.full[i] = -1
		}
	}
	return o
}

// run is the greedy colouring of the columns left, from colour 64 on.
func (o *overflow) run(color []int32, halt *halter) (int, bool) {
	mine := make([]int32, len(o.cols)) // colours less 64, -1 while unset
	for k := range mine {
		mine[k] = -1
	}
	var forbidden []uint64
	top := 0
	for k, j := range o.cols {
		// Words before start are full in some long row.
		start, end := 0, 0
		for _, i := range o.rows.Row(k) {
			start = max(start, o.full[i])
		}
		for _, i := range o.rows.Row(k) {
			if o.full[i] >= 0 {
				set := o.sets[i]
				for w := start; w < len(set); w++ {
					for w >= len(forbidden) {
						forbidden = append(forbidden, 0)
					}
					forbidden[w] |= set[w]
				}
				end = max(end, len(set))
				continue
			}
			for _, other := range o.cells.Row(int(i)) {
				c := int(mine[other])
				if w := c >> 6; c >= 0 && w >= start {
					for w >= len(forbidden) {
						forbidden = append(forbidden, 0)
					}
					forbidden[w] |= 1 << (c & 63)
					end = max(end, w+1)
				}
			}
		}
		w := start
		for w < end && forbidden[w] == ^uint64(0) {
			w++
		}
		c := w << 6
		if w < end {
			c += bits.TrailingZeros64(^forbidden[w])
		}
		for w := start; w < end; w++ {
			forbidden[w] = 0
		}
		mine[k] = int32(c)
		color[j] = int32(c + windowColors)
		top = max(top, c+1)
		for _, i := range o.rows.Row(k) {
			if o.full[i] >= 0 {
				o.take(int(i), c)
			}
		}
		if k&haltMask == haltMask && halt.stopped() {
			return 0, false
		}
	}
	return top + windowColors, true
}

// take marks colour c as used in the long row i.
func (o *overflow) take(i, c int) {
	set := o.sets[i]
	for c>>6 >= len(set) {
		set = append(set, 0)
	}
	set[c>>6] |= 1 << (c & 63)
	for o.full[i] < len(set) && set[o.full[i]] == ^uint64(0) {
		o.full[i]++
	}
	o.sets[i] = set
}
