// Where partial derivatives go: runs of equal steps, in the order of memory.

package jacobian

import (
	"slices"

	"github.com/cotangent-ad/cotangent/jacobian/pattern"
	"github.com/cotangent-ad/cotangent/sparse"
)

// move puts the elements at, at+1, ... (n of them) of array from at the values to,
// to+step, ...; a number, where from is negative. With add they are added.
type move struct {
	from, at, n, to, step int32
	add                   bool
	value                 float64
}

// put carries out moves.
func put(moves []move, from [][]float64, values []float64) {
	for i := range moves {
		m := &moves[i]
		k, step := int(m.to), int(m.step)
		switch {
		case m.from < 0 && m.add:
			for range m.n {
				values[k] += m.value
				k += step
			}
		case m.from < 0:
			for range m.n {
				values[k] = m.value
				k += step
			}
		case m.add:
			for _, v := range from[m.from][m.at : m.at+m.n] {
				values[k] += v
				k += step
			}
		default:
			for _, v := range from[m.from][m.at : m.at+m.n] {
				values[k] = v
				k += step
			}
		}
	}
}

// structure returns the pattern of partial derivatives.
func structure(parts *pattern.Partials) *sparse.Pattern {
	p := &sparse.Pattern{Rows: parts.Rows, Cols: parts.Cols, Ptr: make([]int, parts.Rows+1)}
	for i := range parts.Blocks {
		m := newMerger(&parts.Blocks[i])
		m.each(0, m.size, func(e, row int) {
			m.sort(e)
			last := int32(0)
			for _, k := range m.order {
				if c := m.cols[k][e]; c != last && c != 0 {
					p.Ptr[row+1]++
					last = c
				}
			}
		})
	}
	for i := range p.Rows {
		p.Ptr[i+1] += p.Ptr[i]
	}
	p.Idx = make([]int32, p.Ptr[p.Rows])
	for i := range parts.Blocks {
		m := newMerger(&parts.Blocks[i])
		m.each(0, m.size, func(e, row int) {
			m.sort(e)
			at, last := p.Ptr[row], int32(0)
			for _, k := range m.order {
				if c := m.cols[k][e]; c != last && c != 0 {
					p.Idx[at] = c - 1
					at++
					last = c
				}
			}
		})
	}
	return p
}

// merger goes through a block's elements and the entries of each in the order of
// their columns, which is mostly the order of the element before.
type merger struct {
	*pattern.Block
	cols  [][]int32
	order []int
	size  int
}

func newMerger(b *pattern.Block) *merger {
	m := &merger{Block: b, size: 1}
	for _, n := range b.Shape {
		m.size *= n
	}
	for k, s := range b.Streams {
		m.cols, m.order = append(m.cols, s.Cols), append(m.order, k)
	}
	return m
}

// sort puts the streams in the order of their columns at element e, those that
// have none anywhere.
func (m *merger) sort(e int) {
	last := int32(0)
	for _, k := range m.order {
		c := m.cols[k][e]
		if c == 0 {
			continue
		}
		if c < last {
			slices.SortStableFunc(m.order, func(a, b int) int { return int(m.cols[a][e] - m.cols[b][e]) })
			return
		}
		last = c
	}
}

// each calls visit for the elements from lo up to hi with their rows.
func (m *merger) each(lo, hi int, visit func(e, row int)) {
	index := make([]int, len(m.Shape))
	row, rest := m.Base, lo
	for d := len(index) - 1; d >= 0; d-- {
		if m.Shape[d] > 0 {
			index[d] = rest % m.Shape[d]
			rest /= m.Shape[d]
		}
		row += m.Strides[d] * index[d]
	}
	for e := lo; e < hi; e++ {
		visit(e, row)
		for d := len(index) - 1; d >= 0; d-- {
			row += m.Strides[d]
			if index[d]++; index[d] < m.Shape[d] {
				break
			}
			row -= m.Strides[d] * index[d]
			index[d] = 0
		}
	}
}

// chunk is the number of elements of a block whose entries are put in their places
// before the next ones', so that these stay in the cache meanwhile.
func chunk(streams int) int { return max(32, 1024/max(1, streams)) }

// layOut returns the moves that give the values of a pattern, of which value k is
// entry entries[k], or k. Entries that nothing gives are zero.
func layOut(parts *pattern.Partials, p *sparse.Pattern, entries []int) []move {
	l := &layout{p: p}
	if entries != nil {
		l.place = slices.Repeat([]int32{-1}, p.Nnz())
		for k, e := range entries {
			l.place[e] = int32(k)
		}
	}
	var groups [][]move
	for i := range parts.Blocks {
		m := newMerger(&parts.Blocks[i])
		l.open = make([]move, 2*len(m.cols)+1)
		step := chunk(len(m.cols))
		for lo := 0; lo < m.size; lo += step {
			m.each(lo, min(m.size, lo+step), func(e, row int) { l.element(m, e, row) })
			groups = append(groups, l.flush())
		}
	}
	// Blocks whose rows alternate are filled together.
	slices.SortStableFunc(groups, func(a, b []move) int { return first(a) - first(b) })
	return slices.Concat(groups...)
}

func first(list []move) int {
	if len(list) == 0 {
		return -1
	}
	return int(list[0].to)
}

// layout is a layOut at work.
type layout struct {
	p     *sparse.Pattern
	place []int32 // of each entry its value, or -1; nil: itself
	open  []move  // the run of each stream that may go on, of its additions, and of zeros
	set   []move  // of this chunk
	add   []move  // to be done when all are set
}

// element lays out the entries of one row.
func (l *layout) element(m *merger, e, row int) {
	m.sort(e)
	at, end := l.p.Ptr[row], l.p.Ptr[row+1]
	zero := len(l.open) - 1
	given := false // entry at has a value
	for _, k := range m.order {
		c := m.cols[k][e] - 1
		if c < 0 {
			continue
		}
		for ; at < end && l.p.Idx[at] < c; at++ {
			if !given {
				l.extend(zero, move{from: -1}, at)
			}
			given = false
		}
		if at == end || l.p.Idx[at] != c {
			continue // a given pattern lacks it
		}
		s := &m.Streams[k]
		run := move{from: int32(s.Output), at: int32(e), value: s.Value}
		if given {
			run.add = true
			k += len(m.cols)
		}
		l.extend(k, run, at)
		given = true
	}
	for ; at < end; at++ {
		if !given {
			l.extend(zero, move{from: -1}, at)
		}
		given = false
	}
}

// extend adds an entry to a stream's run, or begins another.
func (l *layout) extend(k int, next move, entry int) {
	next.to, next.n = int32(entry), 1
	if l.place != nil {
		if next.to = l.place[entry]; next.to < 0 {
			return
		}
	}
	r := &l.open[k]
	switch {
	case r.n == 0:
	case next.from >= 0 && next.at != r.at+r.n:
	case r.n == 1:
		r.n, r.step = 2, next.to-r.to
		return
	case next.to == r.to+r.n*r.step:
		r.n++
		return
	}
	l.end(r)
	*r = next
}

// end closes a run.
func (l *layout) end(r *move) {
	switch {
	case r.n == 0:
	case r.add:
		l.add = append(l.add, *r)
	default:
		l.set = append(l.set, *r)
	}
	r.n = 0
}

// flush ends the chunk and returns its moves.
func (l *layout) flush() []move {
	for k := range l.open {
		l.end(&l.open[k])
	}
	list := append(l.set, l.add...)
	l.set, l.add = nil, nil
	return list
}
