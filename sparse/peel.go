// Solving for entries one by one: each product is an equation over the entries that
// it sums, each entry is in one or two equations, and an equation with one unknown
// left gives it. For two-coloured trees this is peeling leaves.

package sparse

// system has unknown u in equations eq[0][u] and eq[1][u]; -1 is none.
type system struct {
	eq        [2][]int32
	equations int
}

// step determines an unknown from an equation in which all others are known.
type step struct {
	unknown int32
	side    int8 // the equation is eq[side][unknown]
}

// solve returns steps that determine the unknowns, each by values known before it:
// all of them, unless cycles are in the way. First come those that are alone in an
// equation; equations are served in the order in which they become ready, which
// keeps chains of substitutions short.
func (s *system) solve() []step {
	n := len(s.eq[0])
	left := make([]int32, s.equations)
	// The exclusive or of an equation's unknowns is the last one when one is left;
	// the lowest bit says on which side it has the equation.
	rest := make([]int32, s.equations)
	for side, eq := range s.eq {
		for u, e := range eq {
			if e >= 0 {
				left[e]++
				rest[e] ^= int32(2*u + side)
			}
		}
	}
	var ready []int32
	for e, l := range left {
		if l == 1 {
			ready = append(ready, int32(e))
		}
	}
	steps := make([]step, 0, n)
	for k := 0; k < len(ready); k++ {
		e := ready[k]
		if left[e] != 1 {
			continue // its unknown was found by another equation
		}
		u, side := rest[e]>>1, int8(rest[e]&1)
		steps = append(steps, step{u, side})
		for side, eq := range s.eq {
			if f := eq[u]; f >= 0 {
				left[f]--
				rest[f] ^= 2*u + int32(side)
				if left[f] == 1 {
					ready = append(ready, f)
				}
			}
		}
	}
	return steps
}

// symmetricSystem is the system of a coloured symmetric pattern: the unknown of
// entry (i, j), j <= i, is in the equations of row i and colour j, and of row j and
// colour i. It returns the entries (positions in p) of the unknowns.
func symmetricSystem(p *Pattern, mirror, color []int32, colors int) (*system, []int32) {
	id := make([]int32, p.Nnz())
	s := &system{equations: equations(p, color, colors, id)}
	size := (p.Nnz() + p.Rows + 1) / 2 // the diagonal is full at most
	entries := make([]int32, 0, size)
	s.eq[0], s.eq[1] = make([]int32, 0, size), make([]int32, 0, size)
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			j := int(p.Idx[e])
			if j > i {
				break
			}
			entries = append(entries, int32(e))
			s.eq[0] = append(s.eq[0], id[e])
			other := int32(-1)
			if j < i {
				other = id[mirror[e]]
			}
			s.eq[1] = append(s.eq[1], other)
		}
	}
	return s, entries
}

// bicoloredSystem is the system of a bicoloured pattern: entry (i, j) is in the
// equation of row i and column j's colour, and in that of column j and row i's
// colour. from maps the transpose's entries to p's.
func bicoloredSystem(p, byCol *Pattern, from []int, c *Coloring) *system {
	s := &system{}
	s.eq[0] = make([]int32, p.Nnz())
	s.eq[1] = make([]int32, p.Nnz())
	n := equations(p, c.ColColor, c.ColColors, s.eq[0])
	id := make([]int32, p.Nnz())
	m := equations(byCol, c.RowColor, c.RowColors, id)
	for t, e := range from {
		s.eq[1][e] = -1
		if id[t] >= 0 {
			s.eq[1][e] = id[t] + int32(n)
		}
	}
	s.equations = n + m
	return s
}
