// The colours seen around each vertex of a graph: what star and acyclic colourings
// remember while they proceed.

package sparse

// incidence keeps, for each vertex v, a list of the distinct colours of its coloured
// neighbours, each with a state whose meaning is its user's. Lists lie in the
// places of v's edges, one place a colour, so that they need no memory of their own;
// a place is called a slot. Long lists have a hash table beside them, so that
// finding a colour takes constant time around a vertex of any degree.
type incidence struct {
	g     *Pattern
	slots []slot
	count []int32
	table []int32 // open addressing, slot+1; 0 is free
	start []int   // where a vertex's table begins, for vertices of degree over short
	mask  []uint32
}

type slot struct{ color, state int32 }

// short is the longest list that is searched from end to end.
const short = 16

func newIncidence(g *Pattern) *incidence {
	q := &incidence{g: g, slots: make([]slot, len(g.Idx)), count: make([]int32, g.Rows)}
	size := 0
	for v := range g.Rows {
		deg := g.Ptr[v+1] - g.Ptr[v]
		if deg <= short {
			continue
		}
		if q.start == nil {
			q.start, q.mask = make([]int, g.Rows), make([]uint32, g.Rows)
		}
		room := 2 * short
		for room < 2*deg {
			room *= 2
		}
		q.start[v], q.mask[v] = size, uint32(room-1)
		size += room
	}
	q.table = make([]int32, size)
	return q
}

func (q *incidence) reset() {
	clear(q.count)
	clear(q.table)
}

// of returns v's list.
func (q *incidence) of(v int32) []slot {
	at := q.g.Ptr[v]
	return q.slots[at : at+int(q.count[v])]
}

// find returns the slot of colour c around v, or -1.
func (q *incidence) find(v, c int32) int {
	n := q.count[v]
	at := q.g.Ptr[v]
	if n <= short {
		list := q.slots[at : at+int(n)]
		for k := range list {
			if list[k].color == c {
				return at + k
			}
		}
		return -1
	}
	table := q.table[q.start[v]:]
	for h := hash(c); ; h++ {
		s := table[h&q.mask[v]]
		if s == 0 {
			return -1
		}
		if q.slots[at+int(s)-1].color == c {
			return at + int(s) - 1
		}
	}
}

// add appends colour c, which v's list lacks, and returns its slot.
func (q *incidence) add(v, c, state int32) int {
	at := q.g.Ptr[v]
	n := q.count[v]
	q.count[v] = n + 1
	q.slots[at+int(n)] = slot{c, state}
	if q.g.Ptr[v+1]-at > short {
		table := q.table[q.start[v]:]
		h := hash(c)
		for table[h&q.mask[v]] != 0 {
			h++
		}
		table[h&q.mask[v]] = n + 1
	}
	return at + int(n)
}

// hash spreads colours over a table (Fibonacci hashing).
func hash(c int32) uint32 { return uint32(c) * 0x9E3779B1 >> 7 }
