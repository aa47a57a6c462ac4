// Greedy bicolouring that colours a row or column only if one of its entries is not
// covered yet, that is, if the line at its other end has no colour either. (The
// implicitly covering star bicolouring of Gebremedhin, Tarafdar and Manne, in
// ColPack; in the natural order it colours every row and no column.)
//
// While a line w has no colour it may stay so, and then all its entries must be
// read off by the colours around it: these stay distinct. So a line that gets a
// colour sees none twice, and of the rules of star colouring only one is left.

package sparse

import "math"

// coverGreedy bicolours a bordered pattern: even colours for its first split
// vertices, odd ones for the others.
type coverGreedy struct {
	g         *Pattern
	split     int
	star      bool // or acyclic
	seen      *incidence
	forbidden []int32 // by colour: stamped with a vertex, plus one
	limit     int     // how many steps it may take
}

func newCoverGreedy(g *Pattern, split int, star bool) *coverGreedy {
	return &coverGreedy{g: g, split: split, star: star, seen: newIncidence(g), forbidden: make([]int32, 2*g.Rows+2), limit: math.MaxInt}
}

// run colours in the given order (nil: as numbered) and returns the largest colour
// plus one, or false if it was stopped or gave up.
func (s *coverGreedy) run(color, order []int32, halt *halter) (int, bool) {
	s.seen.reset()
	clear(s.forbidden)
	for v := range color {
		color[v] = -1
	}
	top := int32(-1)
	work := 0
	for at := range s.g.Rows {
		v := int32(at)
		if order != nil {
			v = order[at]
		}
		covered := true
		for _, w := range s.g.Row(int(v)) {
			covered = covered && color[w] >= 0
		}
		if covered {
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

// forbid marks the colours that v may not take: those around a neighbour without
// colour, and of a hub that a coloured neighbour is a leaf of. It returns how many
// it looked at.
func (s *coverGreedy) forbid(color []int32, v int32) int {
	work := 0
	for _, w := range s.g.Row(int(v)) {
		bare := color[w] < 0
		if !bare && !s.star {
			continue
		}
		list := s.seen.of(w)
		work += len(list)
		for _, e := range list {
			if bare || e.state == leaf {
				s.forbidden[e.color] = v + 1
			}
		}
	}
	return work
}

// smallest returns the smallest colour not forbidden, of v's side.
func (s *coverGreedy) smallest(v int32) int32 {
	c := int32(0)
	if int(v) >= s.split {
		c = 1
	}
	for s.forbidden[c] == v+1 {
		c += 2
	}
	return c
}

// update tells v and its neighbours that v has colour c.
func (s *coverGreedy) update(color []int32, v, c int32) {
	for _, w := range s.g.Row(int(v)) {
		if color[w] < 0 {
			s.seen.add(w, c, v)
			continue
		}
		at := s.seen.find(w, c)
		if at < 0 {
			s.seen.add(w, c, v)
			continue
		}
		d := color[w]
		if other := s.seen.slots[at].state; other >= 0 {
			s.seen.slots[at].state = hub
			s.seen.slots[s.seen.find(other, d)].state = leaf
		}
		s.seen.slots[s.seen.find(v, d)].state = leaf
	}
}
