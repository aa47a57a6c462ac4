// Greedy star colouring: each vertex takes the smallest colour that leaves
// neighbours different and no path of four vertices with two colours
// (Gebremedhin, Tarafdar, Manne and Pothen 2007, algorithm 4.1).
//
// In a star colouring, two colours induce stars. What a vertex w must know of each
// colour c around it is whether it is the hub of several neighbours of that colour,
// a leaf of a hub of that colour, or one end of a lone edge. The paper keeps stars
// by edge and looks at all of w's edges; here w keeps one slot a colour, so that a
// vertex of high degree costs no more than the colours around it.

package sparse

import "math"

// A slot's state: hub, leaf, or the other end of a lone edge (from 0).
const (
	hub  = -1
	leaf = -2
)

// starGreedy colours a symmetric pattern. With split < Rows, vertices before it are
// the rows and the others the columns of a bordered matrix, and the two sides draw
// on disjoint sets of colours: even and odd ones.
type starGreedy struct {
	g     *Pattern
	split int
	seen  *incidence
	marks []starMark // by colour
	near  []int32    // the coloured neighbours of the vertex at hand
	limit int        // how many steps it may take
}

// starMark is stamped with a vertex (plus one): its colour is forbidden to it, or
// seen once or twice among its neighbours, or already in its list.
type starMark struct{ forbidden, once, twice, listed int32 }

func newStarGreedy(g *Pattern, split int) *starGreedy {
	colors := g.Rows + 1
	if split < g.Rows {
		colors *= 2
	}
	return &starGreedy{g: g, split: split, seen: newIncidence(g), marks: make([]starMark, colors), limit: math.MaxInt}
}

// run colours in the given order (nil: as numbered) and returns the largest colour
// plus one, or false if it was stopped or gave up. A vertex without entries gets -1.
func (s *starGreedy) run(color, order []int32, halt *halter) (int, bool) {
	s.seen.reset()
	clear(s.marks)
	work := 0
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

// forbid marks the colours that v may not take, and returns how many it looked at.
func (s *starGreedy) forbid(color []int32, v int32) int {
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
		list := s.seen.of(w)
		work += len(list)
		if s.marks[color[w]].twice == stamp {
			// v would be the middle of a path w'-v-w-x: no colour around w will do.
			for _, e := range list {
				s.marks[e.color].forbidden = stamp
			}
			continue
		}
		for _, e := range list {
			if e.state == leaf { // v-w-hub-another leaf
				s.marks[e.color].forbidden = stamp
			}
		}
	}
	return work
}

// smallest returns the smallest colour not marked, of v's side.
func (s *starGreedy) smallest(v int32) int32 {
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

// update tells v and its coloured neighbours that v has colour c.
func (s *starGreedy) update(color []int32, v, c int32) {
	stamp := v + 1
	for _, w := range s.near {
		d := color[w]
		m := &s.marks[d]
		if m.twice == stamp {
			if m.listed != stamp {
				m.listed = stamp
				s.seen.add(v, d, hub)
			}
			s.seen.add(w, c, leaf)
			continue
		}
		at := s.seen.find(w, c)
		if at < 0 {
			s.seen.add(w, c, v)
			s.seen.add(v, d, w)
			continue
		}
		if other := s.seen.slots[at].state; other >= 0 {
			s.seen.slots[at].state = hub
			s.seen.slots[s.seen.find(other, d)].state = leaf
		}
		s.seen.add(v, d, leaf)
	}
}
