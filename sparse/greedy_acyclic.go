// Greedy acyclic colouring: each vertex takes the smallest colour that leaves
// neighbours different and no cycle with two colours (Gebremedhin, Tarafdar, Manne
// and Pothen 2007, algorithm 3.1).
//
// Two colours induce a forest. Its trees are kept as disjoint sets, but of slots
// (w, c), which stand for w in the forest of its own colour and c, and not of
// edges: a vertex has one element a colour around it, however many edges.

package sparse

// acyclicGreedy colours a symmetric pattern, or a bordered one. The state of a slot is
// its parent in the disjoint sets.
type acyclicGreedy struct {
	greedy
	visited []int32 // by root: stamped when its tree is met
	own     []int32 // by colour: the slot of the vertex at hand, once listed
}

func newAcyclicGreedy(g *Pattern, split int) *acyclicGreedy {
	s := &acyclicGreedy{greedy: newGreedy(g, split), visited: make([]int32, len(g.Idx))}
	s.own = make([]int32, len(s.marks))
	return s
}

// run is greedy.color by this rule.
func (s *acyclicGreedy) run(color, order []int32, halt *halter) (int, bool) {
	clear(s.visited)
	return s.color(s, color, order, halt)
}

// forbid marks the colours that v may not take: its neighbours', and those that
// would join one tree in two places. It returns how many it looked at.
func (s *acyclicGreedy) forbid(color []int32, v int32) int {
	s.forbidNear(color, v)
	stamp, work := v+1, 0
	for _, w := range s.near {
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

// update tells v and its coloured neighbours that v has colour c, and joins trees.
func (s *acyclicGreedy) update(color []int32, v, c int32) {
	stamp := v + 1
	for _, w := range s.near {
		d := color[w]
		m, own := &s.marks[d], s.own[d]
		if m.listed != stamp {
			m.listed = stamp
			own = int32(s.seen.add(v, d, 0))
			s.own[d] = own
			s.seen.slots[own].state = own
		}
		at := int32(s.seen.find(w, c))
		if at < 0 {
			// w is new to the tree of v: it hangs below v's slot.
			s.seen.add(w, c, own)
			continue
		}
		// The younger root hangs below the older: a long sweep then finds the same
		// few roots again and again.
		if a, b := s.root(at), s.root(own); a != b {
			s.seen.slots[max(a, b)].state = min(a, b)
		}
	}
}
