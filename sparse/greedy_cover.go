// Greedy bicolouring that colours a row or column only if one of its entries is not
// covered yet, that is, if the line at its other end has no colour either. (The
// implicitly covering star bicolouring of Gebremedhin, Tarafdar and Manne, in
// ColPack; in the natural order it colours every row and no column.)
//
// While a line w has no colour it may stay so, and then all its entries must be
// read off by the colours around it: these stay distinct. So a line that gets a
// colour sees none twice, and of the rules of star colouring only one is left.

package sparse

// coverGreedy bicolours a bordered pattern.
type coverGreedy struct {
	greedy
	star bool // or acyclic
}

func newCoverGreedy(g *Pattern, split int, star bool) *coverGreedy {
	return &coverGreedy{newGreedy(g, split), star}
}

// run is greedy.color by this rule.
func (s *coverGreedy) run(color, order []int32, halt *halter) (int, bool) {
	return s.color(s, color, order, halt)
}

// needs reports whether an entry of v is not covered yet.
func (s *coverGreedy) needs(color []int32, v int32) bool {
	for _, w := range s.g.Row(int(v)) {
		if color[w] < 0 {
			return true
		}
	}
	return false
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
				s.marks[e.color].forbidden = v + 1
			}
		}
	}
	return work
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
