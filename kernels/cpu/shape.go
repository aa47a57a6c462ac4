package cpu

// Shapes: which axes a tile covers. They are chosen by what a run would cost,
// not by layout alone: candidates are few, and an estimate is cheap.

import (
	"math"
	"math/bits"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// axis is a loop of the nest before tiles are cut: an axis of the expression,
// or adjacent ones that are one for every access.
type axis struct {
	n    int
	coef []int // by access, in its units
}

// collapse makes res and red of the group's axes, joining neighbours that all
// accesses step through as through one.
func (p *planner) collapse() {
	p.res, p.red = p.collapsed(p.group.res), p.collapsed(p.group.red)
}

func (p *planner) collapsed(axes []int) []axis {
	var list []axis
	for _, a := range axes {
		n := p.e.Axes[a].Size
		coef := make([]int, len(p.linear))
		for i := range p.linear {
			coef[i] = p.linear[i].coef[a]
		}
		if k := len(list) - 1; k >= 0 && joins(list[k].coef, coef, n) {
			list[k].n *= n
			list[k].coef = coef
			continue
		}
		list = append(list, axis{n, coef})
	}
	return list
}

func joins(outer, inner []int, n int) bool {
	for i := range outer {
		if outer[i] != inner[i]*n {
			return false
		}
	}
	return true
}

// side is an edge of a tile: chunk values of axis first of a list, times all
// values of the next axes in number rest. An empty list makes an edge of one.
type side struct {
	list  []axis
	first int
	chunk int
	rest  int
}

func (s *side) size() int {
	if s.list == nil {
		return 1
	}
	n := s.chunk
	for _, a := range s.list[s.first+1 : s.first+1+s.rest] {
		n *= a.n
	}
	return n
}

// Where an axis is in relation to a side.
const (
	outside = iota
	chunked
	whole
)

func (s *side) place(list []axis, i int) int {
	switch {
	case s.list == nil || &s.list[0] != &list[0] || i < s.first || i > s.first+s.rest:
		return outside
	case i == s.first:
		return chunked
	}
	return whole
}

// stride returns the step of access i along the side, if it is one throughout.
func (s *side) stride(i int) (int, bool) {
	if s.list == nil || s.size() == 1 {
		return 0, true
	}
	last := s.first + s.rest
	k := s.list[last].coef[i]
	for j, step := last, k; j > s.first; j-- {
		step *= s.list[j].n
		if s.list[j-1].coef[i] != step && (j-1 > s.first || s.chunk > 1) {
			return 0, false
		}
	}
	return k, true
}

// at returns what access i adds at a position along the side.
func (s *side) at(i, pos int) int {
	sum := 0
	for j := s.first + s.rest; j > s.first; j-- {
		n := s.list[j].n
		sum += pos % n * s.list[j].coef[i]
		pos /= n
	}
	return sum + pos*s.list[s.first].coef[i]
}

// moves reports whether access i depends on the position along the side.
func (s *side) moves(i int) bool {
	if s.list == nil {
		return false
	}
	if s.chunk > 1 && s.list[s.first].coef[i] != 0 {
		return true
	}
	for _, a := range s.list[s.first+1 : s.first+1+s.rest] {
		if a.coef[i] != 0 {
			return true
		}
	}
	return false
}

// mode is what a tile's rows and columns run over.
type mode uint8

const (
	mapping     mode = iota // both over the result
	foldRows                // rows over the result, a row over all reduced values
	foldColumns             // columns over the result, rows over reduced values in turn
)

// shape is a choice of tiles.
type shape struct {
	mode       mode
	rows, cols side
	across     bool // rows and columns are chunks of axes, for operands that are transposed
	flat       bool // of foldColumns: columns too run over reduced values, and the result is one
}

// choose sets the shape that costs least.
func (p *planner) choose() {
	best := math.Inf(1)
	p.candidates(func(s shape) {
		if c, _ := p.estimate(&s); c < best {
			best, p.shape = c, s
		}
	})
}

func (p *planner) candidates(try func(shape)) {
	g := p.group
	switch {
	case !g.reduce:
		p.maps(try)
	default:
		if g.reduced <= p.limit {
			p.rowFolds(try)
		}
		p.columnFolds(try)
	}
}

// maps tries tiles of whole inner axes and a chunk of the next, and tiles
// across two axes for operands that are transposed.
func (p *planner) maps(try func(shape)) {
	if len(p.res) == 0 {
		try(shape{})
		return
	}
	last, limit := len(p.res)-1, p.lanes()
	suffixes(p.res, limit, func(s side) {
		if s.rest == 0 {
			try(shape{cols: s})
			return
		}
		inner := side{p.res, s.first + 1, p.res[s.first+1].n, s.rest - 1}
		try(shape{rows: side{p.res, s.first, s.chunk, 0}, cols: inner})
	})
	if p.group.scatter {
		return // the order of the loop is kept
	}
	for a := range last {
		if !p.transposed(a, last) {
			continue
		}
		for _, rows := range [...]int{8, 16, 32, 64} {
			r := chunkOf(p.res[a].n, rows)
			c := chunkOf(p.res[last].n, min(max(limit, squares*p.limit)/r, 4*rows))
			try(shape{rows: side{p.res, a, r, 0}, cols: side{p.res, last, c, 0}, across: true})
		}
	}
}

// transposed reports whether some access runs through memory along axis a
// rather than along axis last.
func (p *planner) transposed(a, last int) bool {
	for i := range p.linear {
		u := p.linear[i].unit
		if p.linear[i].arg != virtual && abs(p.res[a].coef[i]) == u && abs(p.res[last].coef[i]) > u {
			return true
		}
	}
	return false
}

// rowFolds tries tiles of rows that hold all reduced values.
func (p *planner) rowFolds(try func(shape)) {
	cols := side{p.red, 0, p.red[0].n, len(p.red) - 1}
	if len(p.res) == 0 {
		try(shape{mode: foldRows, cols: cols})
	}
	suffixes(p.res, p.limit/p.group.reduced, func(rows side) { try(shape{mode: foldRows, rows: rows, cols: cols}) })
}

// columnFolds tries tiles whose columns are one or some values of the result.
func (p *planner) columnFolds(try func(shape)) {
	limit := p.lanes()
	columns := func(cols side) {
		c := cols.size()
		if p.keep()*c > maxKeep && c > 1 {
			return
		}
		suffixes(p.red, limit/c, func(rows side) {
			if rows.rest == 0 && rows.chunk < p.red[rows.first].n {
				rows.chunk = 1 << (bits.Len(uint(limit/c)) - 1) // tiles end where blocks do
			}
			try(shape{mode: foldColumns, rows: rows, cols: cols})
		})
	}
	columns(side{})
	p.flatFolds(try)
	for _, c := range [...]int{16, 64, 128, min(256, limit/p.group.reduced)} {
		if c < 2 {
			continue
		}
		suffixes(p.res, c, columns)
		for a := range max(0, len(p.res)-1) {
			columns(side{p.res, a, chunkOf(p.res[a].n, c), 0})
		}
	}
}

// flatFolds tries tiles of several rows of reduced values, which follow each other, for one
// value of the result: what does not change along a row is computed, and looked up, once.
func (p *planner) flatFolds(try func(shape)) {
	inner := 1
	for first := len(p.red) - 2; first >= 0; first-- {
		if inner *= p.red[first+1].n; inner*2 > p.limit {
			return
		}
		rows := side{p.red, first, min(p.red[first].n, 1<<(bits.Len(uint(p.limit/inner))-1)), 0}
		shared := inner&(inner-1) == 0 && (first == 0 || rows.chunk < p.red[first].n)
		if !shared && p.group.lanes > unsharedLanes {
			continue
		}
		try(shape{mode: foldColumns, rows: rows, cols: side{p.red, first + 1, p.red[first+1].n, len(p.red) - first - 2}, flat: true})
	}
}

// unsharedLanes bounds the reductions that are not worth sharing out among workers, which
// takes tiles that end where blocks do.
const unsharedLanes = 1 << 17

// streamLanes bounds the tiles of what only streams memory.
const streamLanes = 8192

// squares is how many times larger tiles across two axes are than others, so
// that they take up whole cache lines and pages.
const squares = 8

// lanes returns the most lanes of a tile.
func (p *planner) lanes() int {
	if slices.ContainsFunc(p.group.outs, func(o int) bool { return !p.streams(o) }) {
		return p.limit
	}
	return streamLanes
}

// maxKeep bounds the values that a reduction keeps until a block is complete.
const maxKeep = 32 << 10

// keep returns the rows that reductions keep.
func (p *planner) keep() int {
	for _, o := range p.group.outs {
		if p.e.Outs[o].Reduce == loop.LSE {
			return min(p.group.reduced, blockSize)
		}
	}
	return 0
}

// suffixes yields the sides of at most limit values that end with the last axis.
func suffixes(list []axis, limit int, yield func(side)) {
	inner := 1
	for first := len(list) - 1; first >= 0 && inner <= limit; first-- {
		yield(side{list, first, chunkOf(list[first].n, limit/inner), len(list) - 1 - first})
		inner *= list[first].n
	}
}

// chunkOf cuts n values into equal chunks of at most limit, of a multiple of 16
// where that is no small one.
func chunkOf(n, limit int) int {
	if n <= limit {
		return n
	}
	count := (n + limit - 1) / limit
	chunk := (n + count - 1) / count
	if limit >= 64 {
		chunk = min((chunk+15)&^15, limit)
	}
	return chunk
}
