package cpu

// Costs: what a plan's run would take, by C and by Go. The figures are of one
// core of a recent machine; they need to be right only in proportion.

import (
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Nanoseconds of steps that are not arithmetic.
const (
	callC     = 70.0 // to call C and come back, with what prepares it
	tileC     = 12.0 // to begin a tile
	tileGo    = 50.0
	instrC    = 3.0 // to begin an instruction
	instrGo   = 7.0
	segmentC  = 2.0  // to begin a run of elements
	moveC     = 0.06 // to move an element along with its neighbours
	strideC   = 0.6  // ... or alone
	squareC   = 0.25 // ... or in squares
	missC     = 1.2  // ... from a cache line of its own
	moveGo    = 0.7
	foldC     = 0.07 // to add an element to a sum
	foldGo    = 1.0
	finishC   = 2.5 // to combine the lanes of a sum
	finishGo  = 20.0
	farC      = 0.012 // to bring a byte from the last cache
	memoryC   = 0.03  // ... from memory
	nearSize  = 1 << 20
	cacheSize = 16 << 20
)

// estimate is a pair of costs, by C and by Go.
type estimate struct{ c, g float64 }

func (t *estimate) add(c, g, n float64) {
	t.c += c * n
	t.g += g * n
}

// estimate returns the cost of a run in tiles of a shape, in nanoseconds.
func (p *planner) estimate(s *shape) (inC, inGo float64) {
	p.classify(s)
	tiles, results := p.counts(s)
	n := float64(p.group.lanes) / max(1, tiles) // lanes of a tile on average
	cols := float64(s.cols.size())
	size := [...]float64{one: 1, row: n / cols, col: cols, full: n}
	t := estimate{tileC, tileGo}
	folds := 0.0
	for n, uses := range p.group.uses {
		if uses == 0 {
			continue
		}
		p.nodeTime(&t, loop.Node(n), size[:], s)
	}
	for i, r := range p.stores {
		o := &p.e.Outs[p.group.outs[i]]
		switch {
		case o.Scatter:
			t.add(2*n, 3*n, float64(1+len(r.via)))
		case p.group.maps[p.group.outs[i]]:
			p.moveTime(&t, r.at, full, size[:], s)
		default:
			p.foldTime(&t, o, n, cols, s)
			folds++
		}
	}
	inC, inGo = t.c*tiles, t.g*tiles
	if s.flat {
		cols = 1
	}
	if c := folds; s.mode == foldColumns {
		inC += results * c * (finishC + 30 + lanes*cols*foldC)
		inGo += results * c * (finishGo + lanes*cols*foldGo)
	}
	far := traffic(p.bytes())
	return inC + far, inGo + far
}

// counts returns the number of tiles, and of tiles of the result.
func (p *planner) counts(s *shape) (tiles, results float64) {
	tiles = 1
	for _, list := range [...][]axis{p.res, p.red} {
		for i := range list {
			n := list[i].n
			switch {
			case s.rows.place(list, i) == chunked:
				n = (n + s.rows.chunk - 1) / s.rows.chunk
			case s.cols.place(list, i) == chunked:
				n = (n + s.cols.chunk - 1) / s.cols.chunk
			case s.rows.place(list, i) == whole || s.cols.place(list, i) == whole:
				n = 1
			}
			tiles *= float64(n)
		}
		if results == 0 {
			results = tiles
		}
	}
	return tiles, results
}

// nodeTime adds what a node takes in a tile.
func (p *planner) nodeTime(t *estimate, n loop.Node, size []float64, s *shape) {
	x := &p.e.Nodes[n]
	cls := p.class[n]
	switch x.Fn {
	case loop.Const:
		return
	case loop.Iota:
		t.add(0.1, 1, size[cls])
	case loop.LoadFn:
		r := p.loads[n]
		if r.via == nil {
			p.moveTime(t, r.at, cls, size, s)
			p.guardTime(t, r, size[cls], s)
		} else {
			p.gatherTime(t, r, cls, size)
		}
	default:
		f := &fnOps[x.Fn]
		scale := 1.0
		if x.DType.Size() < 8 {
			scale = 0.5
		}
		t.add(float64(f.c)*scale, float64(f.g), size[cls])
		for _, a := range x.Arg {
			if a != loop.None && p.class[a] != cls && p.class[a] != one {
				t.add(moveC, moveGo, size[cls])
			}
		}
	}
	t.add(instrC, instrGo, 1)
}

// moveTime adds what it takes to load or store the lanes of a class.
func (p *planner) moveTime(t *estimate, i int, cls class, size []float64, s *shape) {
	t.add(instrC, instrGo, 1)
	if cls == one || p.dense(s, i, cls) {
		return
	}
	unit := p.linear[i].unit
	rowStride, rowOK := s.rows.stride(i)
	colStride, colOK := s.cols.stride(i)
	inner, along, other := colStride, size[col], rowStride
	if cls == row || cls == full && size[col] == 1 {
		inner, along, other = rowStride, size[row], 0
	}
	n := size[cls]
	switch {
	case !rowOK || !colOK:
		t.add(2*strideC, 2*moveGo, n)
	case abs(inner) <= unit:
		t.add(moveC, moveGo, n)
		t.add(segmentC, segmentC, n/along)
	case abs(other) == unit && n/along >= 4 && along >= 4:
		t.add(squareC+(missC-squareC)*4/(n/along), moveGo, n) // in squares; the more rows the fewer misses
	case abs(inner) >= 64:
		t.add(missC, 2*moveGo, n)
	default:
		t.add(strideC, moveGo, n)
	}
}

// gatherTime adds what it takes to load through indices: element by element, or by rows.
func (p *planner) gatherTime(t *estimate, r *reference, cls class, size []float64) {
	if !p.byRows(r, cls) {
		t.add(1, 3, size[cls]*float64(len(r.via)))
		return
	}
	t.add(1, 3, size[row]*float64(len(r.via)))
	t.add(segmentC, segmentC, size[row])
	t.add(moveC, moveGo, size[full])
}

// guardTime adds what it takes to see which of n lanes are there.
func (p *planner) guardTime(t *estimate, r *reference, n float64, s *shape) {
	if r.guards == 0 {
		return
	}
	lines, lane := 1.0, 0.0
	if s.cols.size() > 1 {
		lines = float64(s.rows.size())
	}
	for i := r.at; i <= r.at+r.guards; i++ {
		_, rowOK := s.rows.stride(i)
		_, colOK := s.cols.stride(i)
		if s.cols.size() > 1 && !colOK || s.cols.size() == 1 && !rowOK {
			lane = 3
		}
	}
	t.add(8, 8, lines*float64(r.guards))
	t.add(lane, 3, n*float64(r.guards))
}

// foldTime adds what a reduction takes in a tile.
func (p *planner) foldTime(t *estimate, o *loop.Store, n, cols float64, s *shape) {
	t.add(foldC, foldGo, n)
	if o.Reduce == loop.LSE {
		t.add(float64(fnOps[loop.Exp].c)+4*moveC, float64(fnOps[loop.Exp].g)+4*moveGo, n)
	}
	if s.mode == foldRows {
		t.add(finishC, finishGo, n/cols)
	}
}

// traffic returns what it takes to move so many bytes.
func traffic(bytes int) float64 {
	switch {
	case bytes < nearSize:
		return 0
	case bytes < cacheSize:
		return farC * float64(bytes)
	}
	return memoryC * float64(bytes)
}

// bytes returns what must come from and go to memory at least.
func (p *planner) bytes() int {
	n := 0
	for _, a := range p.e.Ins {
		n += a.Size() * a.DType.Size()
	}
	for _, o := range p.group.outs {
		n += p.e.Outs[o].Aval.Size() * p.e.Outs[o].Aval.DType.Size()
	}
	return n
}

// classify sets the classes of the nodes for tiles of a shape.
func (p *planner) classify(s *shape) {
	if p.class == nil {
		p.class = make([]class, len(p.e.Nodes))
	}
	for n, uses := range p.group.uses {
		if uses == 0 {
			continue
		}
		x := &p.e.Nodes[n]
		cls := one
		switch x.Fn {
		case loop.Const:
		case loop.Iota:
			cls = p.accessClass(s, p.iotas[loop.Node(n)])
		case loop.LoadFn:
			cls = p.referenceClass(s, p.loads[loop.Node(n)])
		default:
			for _, a := range x.Arg {
				if a != loop.None {
					cls = cls.join(p.class[a])
				}
			}
		}
		p.class[n] = cls
	}
}

func (p *planner) accessClass(s *shape, i int) class {
	cls := one
	if s.rows.moves(i) {
		cls = row
	}
	if s.cols.moves(i) {
		cls = cls.join(col)
	}
	return cls
}

// referenceClass is the class of a load: that of its place, guards and indices.
func (p *planner) referenceClass(s *shape, r *reference) class {
	cls := one
	for i := r.at; i <= r.at+r.guards; i++ {
		cls = cls.join(p.accessClass(s, i))
	}
	return cls.join(p.viaClass(r))
}

func (p *planner) viaClass(r *reference) class {
	cls := one
	for _, n := range r.via {
		cls = cls.join(p.class[n])
	}
	return cls
}

// dense reports whether the lanes of a class lie one behind the other in memory.
func (p *planner) dense(s *shape, i int, cls class) bool {
	unit := p.linear[i].unit
	rowStride, rowOK := s.rows.stride(i)
	colStride, colOK := s.cols.stride(i)
	cols := s.cols.size()
	switch cls {
	case row:
		return rowOK && rowStride == unit
	case col:
		return colOK && colStride == unit
	}
	if cols == 1 {
		return rowOK && rowStride == unit
	}
	// Rows must follow each other in tiles of all widths.
	return rowOK && colOK && colStride == unit && (s.rows.size() == 1 || rowStride == cols*unit && s.cols.chunk == s.cols.list[s.cols.first].n)
}
