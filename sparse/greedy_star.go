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

// A slot's state: hub, leaf, or the other end of a lone edge (from 0).
const (
	hub  = -1
	leaf = -2
)

// starGreedy colours a symmetric pattern, or a bordered one.
type starGreedy struct{ greedy }

func newStarGreedy(g *Pattern, split int) *starGreedy { return &starGreedy{newGreedy(g, split)} }

// run is greedy.color by this rule.
func (s *starGreedy) run(color, order []int32, halt *halter) (int, bool) {
	return s.color(s, color, order, halt)
}

// forbid marks the colours that v may not take, and returns how many it looked at.
func (s *starGreedy) forbid(color []int32, v int32) int {
	s.forbidNear(color, v)
	stamp, work := v+1, 0
	for _, w := range s.near {
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
