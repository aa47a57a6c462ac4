// Orders in which a greedy colouring visits vertices (Matula, Marble and Isaacson
// 1972 for smallest-last; Coleman and Moré 1983 for incidence-degree; their use for
// derivative matrices is in Gebremedhin et al. 2013, section 3).

package sparse

import (
	"math"
	"math/rand/v2"
)

// adjacency lists a vertex's neighbours, perhaps with the vertex itself. The list
// is valid until the next call.
type adjacency interface {
	size() int
	of(v int32) []int32
}

// joined are the vertices of a symmetric pattern, neighbours where there is an entry.
type joined struct{ g *Pattern }

func (a joined) size() int          { return a.g.Rows }
func (a joined) of(v int32) []int32 { return a.g.Row(int(v)) }

// meeting are the columns of p, neighbours where they meet in a row. Where squaring
// the longest rows would dominate, rows over maxLine entries are left out: all their
// columns are neighbours, so they say little about the order among them.
type meeting struct {
	p, byCol *Pattern
	limit    int
	turn     int32
	stamp    []int32 // the turn in which a column was last listed
	list     []int32
}

const maxLine = 512

func newMeeting(p, byCol *Pattern) *meeting {
	m := &meeting{p: p, byCol: byCol, limit: p.Cols, stamp: make([]int32, p.Cols)}
	if squares(p) > maxLine*p.Nnz() {
		m.limit = maxLine
	}
	return m
}

// squares returns the sum of the squared numbers of entries of the rows.
func squares(p *Pattern) int {
	s := 0
	for i := range p.Rows {
		d := p.Ptr[i+1] - p.Ptr[i]
		s += d * d
	}
	return s
}

func (m *meeting) size() int { return m.p.Cols }

func (m *meeting) of(v int32) []int32 {
	if m.turn == math.MaxInt32 {
		clear(m.stamp)
		m.turn = 0
	}
	m.turn++
	list := m.list[:0]
	for _, i := range m.byCol.Row(int(v)) {
		row := m.p.Row(int(i))
		if len(row) > m.limit {
			continue
		}
		for _, u := range row {
			if m.stamp[u] != m.turn {
				m.stamp[u] = m.turn
				list = append(list, u)
			}
		}
	}
	m.list = list
	return list
}

// orderOf returns the vertices in the given order, nil for the natural one; false
// if it was stopped.
func orderOf(kind Order, graph func() adjacency, n int, seed uint64, halt *halter) ([]int32, bool) {
	switch kind {
	case Natural:
		return nil, true
	case Random:
		order := make([]int32, n)
		for v := range order {
			order[v] = int32(v)
		}
		rng := rand.New(rand.NewPCG(seed, seed^0x9E3779B97F4A7C15))
		rng.Shuffle(n, func(a, b int) { order[a], order[b] = order[b], order[a] })
		return order, true
	}
	a := graph()
	degree, ok := degrees(a, halt)
	if !ok {
		return nil, false
	}
	switch kind {
	case LargestFirst:
		return byDegree(degree), true
	case SmallestLast:
		return dynamicOrder(a, degree, false, -1, halt)
	case DynamicLargestFirst:
		return dynamicOrder(a, degree, true, -1, halt)
	default:
		return dynamicOrder(a, degree, true, +1, halt)
	}
}

// degrees returns the number of neighbours of each vertex, itself left out.
func degrees(a adjacency, halt *halter) ([]int32, bool) {
	d := make([]int32, a.size())
	for v := range d {
		for _, u := range a.of(int32(v)) {
			if u != int32(v) {
				d[v]++
			}
		}
		if v&haltMask == haltMask && halt.stopped() {
			return nil, false
		}
	}
	return d, true
}

// byDegree lists vertices by falling degree, equal ones as numbered.
func byDegree(degree []int32) []int32 {
	top := int32(0)
	for _, d := range degree {
		top = max(top, d)
	}
	at := make([]int, top+2)
	for _, d := range degree {
		at[top-d+1]++
	}
	for d := range top {
		at[d+1] += at[d]
	}
	order := make([]int32, len(degree))
	for v, d := range degree {
		order[at[top-d]] = int32(v)
		at[top-d]++
	}
	return order
}

// dynamicOrder repeatedly takes the vertex with the largest (or smallest) key and
// changes its neighbours' keys by step. Keys are degrees for step -1 (dynamic
// largest-first; smallest-last, whose order is the reverse of taking), and start at
// zero for step +1 (incidence-degree). Among equal keys the last in the bucket goes
// first; incidence-degree begins with the vertex of largest degree in graphs, and
// with the last column in matrices, as in ColPack. For step -1, degree is left with
// how many neighbours each vertex had among those not yet taken.
func dynamicOrder(a adjacency, degree []int32, largest bool, step int32, halt *halter) ([]int32, bool) {
	n := len(degree)
	if n == 0 {
		return []int32{}, true
	}
	top, first := int32(0), 0
	for v, d := range degree {
		if d > top {
			top, first = d, v
		}
	}
	if step > 0 {
		degree = make([]int32, n)
	}
	b := newBuckets(degree, int(top)+1)
	if _, ok := a.(joined); ok && step > 0 {
		b.toBack(int32(first))
	}
	order := make([]int32, n)
	at := top
	if !largest {
		at = 0
	}
	for k := range n {
		for len(b.line[at]) == 0 {
			if largest {
				at--
			} else {
				at++
			}
		}
		v := b.takeLast(at)
		degree[v] = at
		if largest {
			order[k] = v
		} else {
			order[n-1-k] = v
		}
		for _, u := range a.of(v) {
			b.move(u, step)
		}
		// One step changes keys by one.
		if step > 0 {
			at = min(at+1, top)
		} else if !largest {
			at = max(at-1, 0)
		}
		if k&haltMask == haltMask && halt.stopped() {
			return nil, false
		}
	}
	return order, true
}

// buckets are the vertices by key. The last of a bucket takes the place of one that
// leaves it, as in ColPack, so that ties are broken as there.
type buckets struct {
	line  [][]int32 // by key
	place []place   // by vertex
}

// place is a vertex's key (-1 once taken) and its position in the bucket.
type place struct{ key, at int32 }

func newBuckets(key []int32, keys int) *buckets {
	b := &buckets{line: make([][]int32, keys), place: make([]place, len(key))}
	for v, k := range key {
		b.push(int32(v), k)
	}
	return b
}

func (b *buckets) push(v, key int32) {
	b.place[v] = place{key, int32(len(b.line[key]))}
	b.line[key] = append(b.line[key], v)
}

// takeLast removes the last vertex of a bucket for good.
func (b *buckets) takeLast(key int32) int32 {
	line := b.line[key]
	v := line[len(line)-1]
	b.line[key] = line[:len(line)-1]
	b.place[v].key = -1
	return v
}

// toBack makes v the last of its bucket.
func (b *buckets) toBack(v int32) {
	p := b.place[v]
	line := b.line[p.key]
	last := line[len(line)-1]
	line[p.at], line[len(line)-1] = last, v
	b.place[last].at, b.place[v].at = p.at, int32(len(line)-1)
}

// move changes the key of v, unless it was taken.
func (b *buckets) move(v, step int32) {
	p := b.place[v]
	if p.key < 0 {
		return
	}
	line := b.line[p.key]
	last := line[len(line)-1]
	line[p.at] = last
	b.place[last].at = p.at
	b.line[p.key] = line[:len(line)-1]
	b.push(v, p.key+step)
}
