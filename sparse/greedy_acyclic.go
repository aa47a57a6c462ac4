// Greedy acyclic colouring: each vertex takes the smallest colour that leaves
// neighbours different and no cycle with two colours (Gebremedhin, Tarafdar, Manne
// and Pothen 2007, algorithm 3.1).
//
// Two colours induce a forest. Its trees are kept as disjoint sets, but of slots
// (w, c), which stand for w in the forest of its own colour and c, and not of
// edges: a vertex has one element a colour around it, however many edges.

package sparse

import "math"

// acyclicGreedy colours a symmetric pattern; split is as in starGreedy.
type acyclicGreedy struct {
	g       *Pattern
	split   int
	seen    *incidence    // a slot's state is its parent in the disjoint sets
	visited []int32       // by root: stamped when its tree is met
	marks   []acyclicMark // by colour
	near    []int32
	limit   int // how many steps it may take
}

// acyclicMark is stamped with a vertex (plus one); slot is its own slot of the
// colour, once listed.
type acyclicMark struct {
	forbidden, once, twice, listed int32
	slot                           int32
}

func newAcyclicGreedy(g *Pattern, split int) *acyclicGreedy {
	colors := g.Rows + 1
	if split < g.Rows {
		colors *= 2
	}
	return &acyclicGreedy{g: g, split: split, seen: newIncidence(g),
		visited: make([]int32, len(g.Idx)), marks: make([]acyclicMark, colors), limit: math.MaxInt}
}

// run colours in the given order (nil: as numbered) and returns the largest colour
// plus one, or false if it was stopped or gave up. A vertex without entries gets -1.
func (s *acyclicGreedy) run(color, order []int32, halt *halter) (int, bool) {
	s.seen.reset()
	clear(s.marks)
	work := 0
	clear(s.visited)
	for v := range color {
		color[v] = -1
	}
	top := int32(-1)
	for at := range s.g.Rows {
		v := int32(at)
		if order != nil {
			v = order[at]
		}
		if s.g.Ptr[v] == s.g.Ptr[v+1] {
			continue
		}
		work += s.forbid(color, v)
		c := s.smallest(v)
		work += int(c)
		s.update(color, v, c)
		color[v] = c
		top = max(top, c)
		if work > s.limit || at&haltMask == haltMask && halt.stopped() {
			return 0, false
		}
	}
	return int(top + 1), true
}

// forbid marks the colours that v may not take: its neighbours', and those that
// would join one tree in two places. It returns how many it looked at.
func (s *acyclicGreedy) forbid(color []int32, v int32) int {
	stamp := v + 1
	near := s.near[:0]
	for _, w := range s.g.Row(int(v)) {
		d := color[w]
		if d < 0 {
			continue
		}
		m := &s.marks[d]
		if m.once == stamp {
			m.twice = stamp
		} else {
			m.once, m.forbidden = stamp, stamp
		}
		near = append(near, w)
	}
	s.near = near
	work := 0
	for _, w := range near {
		if s.marks[color[w]].twice != stamp {
			continue // a cycle through v needs two neighbours of the same colour
		}
		first := s.g.Ptr[w]
		list := s.seen.of(w)
		work += len(list)
		for k, e := range list {
			if s.marks[e.color].forbidden == stamp {
				continue
			}
			root := s.root(int32(first + k))
			if s.visited[root] == stamp {
				s.marks[e.color].forbidden = stamp
			}
			s.visited[root] = stamp
		}
	}
	return work
}

// root returns the representative of a slot's tree, halving the path to it.
func (s *acyclicGreedy) root(at int32) int32 {
	slots := s.seen.slots
	for {
		up := slots[at].state
		if up == at {
			return at
		}
		top := slots[up].state
		slots[at].state = top
		at = top
	}
}

// smallest returns the smallest colour not marked, of v's side.
func (s *acyclicGreedy) smallest(v int32) int32 {
	c, step := int32(0), int32(1)
	if s.split < s.g.Rows {
		step = 2
		if int(v) >= s.split {
			c = 1
		}
	}
	for s.marks[c].forbidden == v+1 {
		c += step
	}
	return c
}

// update tells v and its coloured neighbours that v has colour c, and joins trees.
func (s *acyclicGreedy) update(color []int32, v, c int32) {
	stamp := v + 1
	for _, w := range s.near {
		d := color[w]
		m := &s.marks[d]
		if m.listed != stamp {
			m.listed = stamp
			m.slot = int32(s.seen.add(v, d, 0))
			s.seen.slots[m.slot].state = m.slot
		}
		at := int32(s.seen.find(w, c))
		if at < 0 {
			// w is new to the tree of v: it hangs below v's slot.
			s.seen.add(w, c, m.slot)
			continue
		}
		// The younger root hangs below the older: a long sweep then finds the same
		// few roots again and again.
		if a, b := s.root(at), s.root(m.slot); a != b {
			s.seen.slots[max(a, b)].state = min(a, b)
		}
	}
}
