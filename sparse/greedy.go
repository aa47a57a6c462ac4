// What the greedy colourings of symmetric and of bordered patterns share: vertices are
// coloured one after the other, each with the smallest colour that its rule leaves.

package sparse

import "math"

// greedy is the state of such a colouring. With split < Rows, vertices before it are
// the rows and the others the columns of a bordered matrix, and the two sides draw on
// disjoint sets of colours: even and odd ones.
type greedy struct {
	g     *Pattern
	split int
	seen  *incidence
	marks []mark  // by colour
	near  []int32 // the coloured neighbours of the vertex at hand
	limit int     // how many steps it may take
}

// mark is stamped with a vertex (plus one): its colour is forbidden to it, or
// seen once or twice among its neighbours, or already in its list.
type mark struct{ forbidden, once, twice, listed int32 }

func newGreedy(g *Pattern, split int) greedy {
	colors := g.Rows + 1
	if split < g.Rows {
		colors *= 2
	}
	return greedy{g: g, split: split, seen: newIncidence(g), marks: make([]mark, colors), limit: math.MaxInt}
}

// rule is what colourings differ by.
type rule interface {
	// needs reports whether v is to have a colour.
	needs(color []int32, v int32) bool
	// forbid marks the colours that v may not take, and returns how many it looked at.
	forbid(color []int32, v int32) int
	// update notes around v that it has colour c.
	update(color []int32, v, c int32)
}

// needs reports whether v has entries.
func (s *greedy) needs(_ []int32, v int32) bool { return s.g.Ptr[v] < s.g.Ptr[v+1] }

// color colours in the given order (nil: as numbered), with -1 where none is needed, and
// returns the largest colour plus one, or false if it was stopped or gave up.
func (s *greedy) color(r rule, color, order []int32, halt *halter) (int, bool) {
	s.seen.reset()
	clear(s.marks)
	for v := range color {
		color[v] = -1
	}
	top, work := int32(-1), 0
	for at := range s.g.Rows {
		v := int32(at)
		if order != nil {
			v = order[at]
		}
		if !r.needs(color, v) {
			continue
		}
		steps := r.forbid(color, v)
		c := s.smallest(v)
		r.update(color, v, c)
		color[v] = c
		top = max(top, c)
		work += steps + int(c)
		if work > s.limit || at&haltMask == haltMask && halt.stopped() {
			return 0, false
		}
	}
	return int(top + 1), true
}

// forbidNear lists the coloured neighbours of v, and marks their colours as forbidden,
// and as seen twice if they are.
func (s *greedy) forbidNear(color []int32, v int32) {
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
}

// smallest returns the smallest colour not forbidden, of v's side.
func (s *greedy) smallest(v int32) int32 {
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
