// Verification from the definitions. Nothing here is shared with the code that finds
// colourings but the counting in tally.go; the tests hold it against exhaustive
// searches of the definitions.

package sparse

import "fmt"

// Verify returns nil if the colouring solves its problem for the pattern, so that
// every entry can be recovered, and otherwise a *ConflictError that names an entry
// that cannot. It takes linear time and memory.
func Verify(p *Pattern, c *Coloring) error {
	if err := p.Check(); err != nil {
		return err
	}
	return verifyOn(p, c)
}

// verifyOn is Verify for a pattern that is known to be well formed.
func verifyOn(p *Pattern, c *Coloring) error {
	if c == nil {
		return &ConflictError{Row: -1, Col: -1, Reason: "no colouring"}
	}
	if err := c.Problem.check(p); err != nil {
		return err
	}
	if err := checkColors(p, c); err != nil {
		return err
	}
	switch c.Problem {
	case Columns:
		return verifyColumns(p, c)
	case Rows:
		return verifyRows(p, c)
	case Star, Acyclic:
		return verifySymmetric(p, c)
	default:
		return verifyBicoloring(p, c)
	}
}

// checkColors checks shapes, and that colours are in range.
func checkColors(p *Pattern, c *Coloring) error {
	conflict := func(format string, args ...any) error {
		return &ConflictError{c.Problem, -1, -1, fmt.Sprintf(format, args...)}
	}
	if c.Rows != p.Rows || c.Cols != p.Cols {
		return conflict("it is for %d x %d, the pattern is %d x %d", c.Rows, c.Cols, p.Rows, p.Cols)
	}
	side := func(name string, used bool, color []int32, colors, lines int) error {
		if !used {
			if len(color) != 0 || colors != 0 {
				return conflict("%ss have colours", name)
			}
			return nil
		}
		if len(color) != lines || colors < 0 || colors > lines {
			return conflict("%d of %d %ss with %d colours", len(color), lines, name, colors)
		}
		for v, k := range color {
			if k < -1 || int(k) >= colors {
				return conflict("%s %d has colour %d of %d", name, v, k, colors)
			}
		}
		return nil
	}
	if err := side("column", c.Problem.Partition != ByRow, c.ColColor, c.ColColors, c.Cols); err != nil {
		return err
	}
	return side("row", c.Problem.Partition != ByColumn, c.RowColor, c.RowColors, c.Rows)
}

// verifyColumns: the columns with an entry in one row have different colours.
func verifyColumns(p *Pattern, c *Coloring) error {
	seen := make([]int32, c.ColColors) // the last row (from 1) with the colour
	for i := range p.Rows {
		for _, j := range p.Row(i) {
			k := c.ColColor[j]
			if k < 0 {
				return &ConflictError{c.Problem, i, int(j), "its column has no colour"}
			}
			if seen[k] == int32(i+1) {
				return &ConflictError{c.Problem, i, int(j), fmt.Sprintf("another column of the row has colour %d", k)}
			}
			seen[k] = int32(i + 1)
		}
	}
	return nil
}

// verifyRows: the rows with an entry in one column have different colours.
func verifyRows(p *Pattern, c *Coloring) error {
	t := &Coloring{Problem: Columns, Rows: c.Cols, Cols: c.Rows, ColColor: c.RowColor, ColColors: c.RowColors}
	err := verifyColumns(p.Transpose(), t)
	if e, ok := err.(*ConflictError); ok {
		reason := "its row has no colour"
		if k := c.RowColor[e.Col]; k >= 0 {
			reason = fmt.Sprintf("another row of the column has colour %d", k)
		}
		return &ConflictError{c.Problem, e.Col, e.Row, reason}
	}
	return err
}

// verifySymmetric: neighbours have different colours, and no path of four vertices
// (star) or cycle (acyclic) has two colours. The middle edge of such a path is an
// entry that is alone of its colour in neither of its lines.
func verifySymmetric(p *Pattern, c *Coloring) error {
	mirror, ok := p.Mirror()
	if !ok {
		return &ProblemError{c.Problem, "the pattern is not symmetric"}
	}
	for i := range p.Rows {
		for _, j := range p.Row(i) {
			if c.ColColor[j] < 0 {
				return &ConflictError{c.Problem, i, int(j), "its column has no colour"}
			}
			if int(j) != i && c.ColColor[j] == c.ColColor[i] {
				return &ConflictError{c.Problem, i, int(j), fmt.Sprintf("its row and column both have colour %d", c.ColColor[j])}
			}
		}
	}
	if c.Problem == Star {
		lone := alone(p, c.ColColor, c.ColColors)
		for i := range p.Rows {
			for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
				if !lone[e] && !lone[mirror[e]] {
					return &ConflictError{c.Problem, i, int(p.Idx[e]), "on a path of four vertices with two colours"}
				}
			}
		}
		return nil
	}
	return verifyForests(p, mirror, c)
}

// verifyForests: the edges between any two colours form a forest. A set of vertices
// in the graph of two colours is a set of pairs (vertex, the other colour); an edge
// that joins a set to itself closes a cycle.
func verifyForests(p *Pattern, mirror []int32, c *Coloring) error {
	id := make([]int32, p.Nnz()) // entry (i, j) belongs to the pair (i, colour of j)
	set := make([]int32, equations(p, c.ColColor, c.ColColors, id))
	for k := range set {
		set[k] = int32(k)
	}
	find := func(k int32) int32 {
		for set[k] != k {
			set[k] = set[set[k]]
			k = set[k]
		}
		return k
	}
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1] && int(p.Idx[e]) < i; e++ {
			a, b := find(id[e]), find(id[mirror[e]])
			if a == b {
				return &ConflictError{c.Problem, i, int(p.Idx[e]), "on a cycle with two colours"}
			}
			set[max(a, b)] = min(a, b)
		}
	}
	return nil
}

// verifyBicoloring: every entry is alone in its row among the columns of a colour or
// in its column among the rows of a colour (star), or follows by substitution
// (acyclic).
func verifyBicoloring(p *Pattern, c *Coloring) error {
	byCol, from := p.TransposeMap()
	if c.Problem == AcyclicBicoloring {
		s := bicoloredSystem(p, byCol, from, c)
		return checkSolved(p, c, s, "no substitution reaches it")
	}
	lone := alone(p, c.ColColor, c.ColColors)
	for t, ok := range alone(byCol, c.RowColor, c.RowColors) {
		if ok {
			lone[from[t]] = true
		}
	}
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			if !lone[e] {
				return &ConflictError{c.Problem, i, int(p.Idx[e]), "alone in no product"}
			}
		}
	}
	return nil
}

// checkSolved returns the first entry that substitution does not determine.
func checkSolved(p *Pattern, c *Coloring, s *system, reason string) error {
	steps := s.solve()
	if len(steps) == p.Nnz() {
		return nil
	}
	found := make([]bool, p.Nnz())
	for _, st := range steps {
		found[st.unknown] = true
	}
	for i := range p.Rows {
		for e := p.Ptr[i]; e < p.Ptr[i+1]; e++ {
			if !found[e] {
				return &ConflictError{c.Problem, i, int(p.Idx[e]), reason}
			}
		}
	}
	return nil
}
