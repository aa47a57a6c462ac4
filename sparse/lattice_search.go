// Finding a lattice colouring: guess on a sample, verify on the whole pattern, learn
// from the row where it fails.

package sparse

import (
	"errors"
	"slices"
)

// maxStencil is the longest row that is taken for a stencil.
const maxStencil = 64

// findLattice returns the lattice colouring with the fewest colours, or nil.
func (in *instance) findLattice(h *halter) *attempt {
	longest := in.p.MaxRow()
	if in.p.Cols < 2 || longest == 0 || longest > maxStencil {
		return nil
	}
	limit := 2*longest + 4 // no lattice of so many colours is worth it
	// On a guess, which mostly is wrong where there is no grid, not much more time is
	// spent than greedy colourings take.
	work := 1<<18 + 32*in.p.Nnz()
	if in.settings.shape != nil {
		work = 1<<22 + 32*in.p.Nnz()
	}
	var best *attempt
	for _, shape := range in.shapes() {
		kinds := []Problem{in.problem}
		if in.problem != Columns {
			kinds = append(kinds, Columns) // quicker to find, and a star colouring too
		}
		for _, kind := range kinds {
			s := newLatticeSearch(in, kind, shape, work, h)
			a := s.run(max(in.bound, 1), limit)
			work = s.work
			if a != nil {
				best, limit = a, a.cols-1
				break
			}
		}
		if limit < in.bound || work < 0 || h.stopped() {
			break
		}
	}
	return best
}

// latticeSearch looks for weights on a grid of one shape.
type latticeSearch struct {
	in      *instance
	kind    Problem // what samples are checked for
	halt    *halter
	shape   []int
	species int // the axis with shifts, or -1
	work    int // steps left

	// Differences that the lattice must not map to 0: between columns of one row, or
	// for symmetric problems between neighbours, whose surroundings are checked too.
	conflicts []conflict
	known     map[conflict]bool
	rows      []int32
	ball      *ball // for acyclic colourings
	tried     int
	failures  int
}

// conflict is the difference of two points: by axis, and for the species axis the
// two species.
type conflict struct {
	step [maxAxes + 1]int32
	a, b int8
}

const maxFailures = 6

func newLatticeSearch(in *instance, kind Problem, shape []int, work int, h *halter) *latticeSearch {
	s := &latticeSearch{in: in, kind: kind, halt: h, shape: shape, species: -1, work: work, known: map[conflict]bool{}}
	for a, n := range shape {
		if n <= maxSpecies {
			s.species = a
			break
		}
	}
	for _, i := range s.sample() {
		s.learn(i)
	}
	if kind == Acyclic && !s.periodic() {
		s.ball = newBall(in.p, s.centre())
	}
	return s
}

// learn adds a row to what lattices are checked against first.
func (s *latticeSearch) learn(i int) {
	row := s.in.p.Row(i)
	if s.kind != Columns {
		s.rows = append(s.rows, int32(i))
		for _, j := range row {
			if int(j) != i {
				s.forbid(i, int(j))
			}
		}
		return
	}
	for k, a := range row {
		for _, b := range row[k+1:] {
			s.forbid(int(a), int(b))
		}
	}
}

// forbid says that two points must not have the same colour.
func (s *latticeSearch) forbid(p, q int) {
	c := s.difference(p, q)
	if !s.known[c] {
		s.known[c] = true
		s.conflicts = append(s.conflicts, c)
	}
}

func (s *latticeSearch) difference(p, q int) conflict {
	var c conflict
	for a := len(s.shape) - 1; a >= 0; a-- {
		n := s.shape[a]
		if a == s.species {
			c.a, c.b = int8(p%n), int8(q%n)
		} else {
			c.step[a] = int32(q%n - p%n)
		}
		p, q = p/n, q/n
	}
	return c
}

// centre returns the point in the middle of the grid.
func (s *latticeSearch) centre() int {
	at := 0
	for _, n := range s.shape {
		at = at*n + n/2
	}
	return at
}

// sample returns rows of every kind that a grid has: in the middle, at and near each
// side, for all species. Patterns that are not square are sampled evenly.
func (s *latticeSearch) sample() []int {
	p := s.in.p
	if p.Rows != p.Cols {
		var rows []int
		for k := range min(sampledRows, p.Rows) {
			rows = append(rows, k*p.Rows/min(sampledRows, p.Rows))
		}
		return rows
	}
	rows := []int{0}
	for _, n := range s.shape {
		var marks []int
		for _, x := range []int{n / 2, 0, n - 1, 1, n - 2} {
			if x >= 0 && x < n && !slices.Contains(marks, x) {
				marks = append(marks, x)
			}
		}
		if n <= maxSpecies {
			for x := range n {
				if !slices.Contains(marks, x) {
					marks = append(marks, x)
				}
			}
		}
		var next []int
		for _, r := range rows {
			for _, x := range marks {
				next = append(next, r*n+x)
			}
		}
		rows = next
	}
	return rows[:min(len(rows), 1024)]
}

// periodic reports whether a sampled row reaches across the grid.
func (s *latticeSearch) periodic() bool {
	for _, i := range s.rows {
		for _, j := range s.in.p.Row(int(i)) {
			c := s.difference(int(i), int(j))
			for a, n := range s.shape {
				if n > maxSpecies && 2*max(c.step[a], -c.step[a]) > int32(n) {
					return true
				}
			}
		}
	}
	return false
}

// run tries all lattices of from to limit colours and returns the first that
// verifies.
func (s *latticeSearch) run(from, limit int) *attempt {
	l := &Lattice{Shape: s.shape, Weight: make([]int, len(s.shape)), Axis: s.species}
	free := make([]*int, 0, len(s.shape)+maxSpecies) // what is searched over
	for a := range s.shape {
		if a != s.species && s.shape[a] > 1 {
			free = append(free, &l.Weight[a])
		}
	}
	if s.species >= 0 {
		l.Shift = make([]int, s.shape[s.species])
		for x := 1; x < len(l.Shift); x++ {
			free = append(free, &l.Shift[x])
		}
	}
	for l.Modulus = from; l.Modulus <= limit; l.Modulus++ {
		for _, v := range free {
			*v = 0
		}
		for more := true; more; more = nextIn(free, l.Modulus) {
			s.work--
			s.tried++
			if s.work < 0 || s.failures > maxFailures || s.tried&haltMask == 0 && s.halt.stopped() {
				return nil
			}
			if !s.plausible(l) {
				continue
			}
			if a := s.verified(l); a != nil {
				return a
			}
		}
	}
	return nil
}

// nextIn counts the variables up as digits in base k, false after the last.
func nextIn(free []*int, k int) bool {
	for at := len(free) - 1; at >= 0; at-- {
		if *free[at]++; *free[at] < k {
			return true
		}
		*free[at] = 0
	}
	return false
}

// plausible checks the lattice on the sample.
func (s *latticeSearch) plausible(l *Lattice) bool {
	for _, c := range s.conflicts {
		s.work--
		d := 0
		for a, w := range l.Weight {
			d += w * int(c.step[a])
		}
		if s.species >= 0 {
			d += l.Shift[c.b] - l.Shift[c.a]
		}
		if d%l.Modulus == 0 {
			return false
		}
	}
	if s.ball != nil {
		ok, work := s.ball.acyclic(l)
		s.work -= work
		return ok
	}
	for _, i := range s.rows {
		if !s.starAround(l, int(i)) {
			return false
		}
	}
	return true
}

// starAround checks the entries of row i: neighbours differ, and each is alone of
// its colour in the row, or the row's vertex is in the neighbour's row.
func (s *latticeSearch) starAround(l *Lattice, i int) bool {
	p := s.in.p
	ci := l.Color(i)
	row := p.Row(i)
	var colors [maxStencil]int
	for k, j := range row {
		colors[k] = l.Color(int(j))
		if int(j) != i && colors[k] == ci {
			s.work -= k
			return false
		}
	}
	s.work -= len(row)
	for k, j := range row {
		if int(j) == i {
			continue
		}
		alone := true
		for m := range row {
			alone = alone && (m == k || colors[m] != colors[k])
		}
		if alone {
			continue
		}
		s.work -= len(row)
		for _, other := range p.Row(int(j)) {
			if int(other) != i && l.Color(int(other)) == ci {
				return false
			}
		}
	}
	return true
}

// verified returns the lattice's colouring if it holds on the whole pattern, and
// learns from the failure otherwise.
func (s *latticeSearch) verified(l *Lattice) *attempt {
	color := make([]int32, s.in.p.Cols)
	l.fill(color)
	c := &Coloring{Problem: s.in.problem, Rows: s.in.p.Rows, Cols: s.in.p.Cols, ColColor: color, ColColors: min(l.Modulus, s.in.p.Cols)}
	err := verifyOn(s.in.p, c)
	if err == nil {
		cols := keepColors(color, usedColors(color, l.Modulus))
		kept := *l
		kept.Weight, kept.Shift = slices.Clone(l.Weight), slices.Clone(l.Shift)
		return &attempt{col: color, cols: cols, method: methodLattice, lattice: &kept}
	}
	s.failures++
	var conflict *ConflictError
	if errors.As(err, &conflict) && conflict.Row >= 0 {
		s.learn(conflict.Row)
	}
	return nil
}

// usedColors says which colours occur.
func usedColors(color []int32, colors int) []bool {
	used := make([]bool, colors)
	for _, c := range color {
		used[c] = true
	}
	return used
}

// ball is the part of a graph around a point, on which acyclic lattices are tried.
type ball struct {
	points []int32
	edges  [][2]int32 // positions in points
	color  []int
	set    []int32 // disjoint sets of (point, other colour)
}

const ballPoints = 400

// newBall collects points by breadth-first search.
func newBall(p *Pattern, centre int) *ball {
	b := &ball{points: []int32{int32(centre)}}
	at := map[int32]int32{int32(centre): 0}
	for k := 0; k < len(b.points); k++ {
		v := b.points[k]
		for _, u := range p.Row(int(v)) {
			m, seen := at[u]
			if !seen && len(b.points) < ballPoints {
				m, seen = int32(len(b.points)), true
				at[u] = m
				b.points = append(b.points, u)
			}
			if seen && u > v {
				b.edges = append(b.edges, [2]int32{int32(k), m})
			}
		}
	}
	b.color = make([]int, len(b.points))
	return b
}

// acyclic reports whether the lattice is an acyclic colouring of the ball, in which
// neighbours are known to differ, and how many steps that took.
func (b *ball) acyclic(l *Lattice) (ok bool, work int) {
	for k, v := range b.points {
		b.color[k] = l.Color(int(v))
	}
	k := l.Modulus
	work = len(b.points)
	b.set = b.set[:0]
	for v := range len(b.points) * k {
		b.set = append(b.set, int32(v))
	}
	find := func(v int32) int32 {
		for b.set[v] != v {
			b.set[v] = b.set[b.set[v]]
			v = b.set[v]
		}
		return v
	}
	for n, e := range b.edges {
		u := find(e[0]*int32(k) + int32(b.color[e[1]]))
		v := find(e[1]*int32(k) + int32(b.color[e[0]]))
		if u == v {
			return false, work + n
		}
		b.set[u] = v
	}
	return true, work + len(b.edges)
}
