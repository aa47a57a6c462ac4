package cpu

// Plans: a group's tile code for one layout of its operands, with the nest of
// loops that runs it.

import (
	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// layout is what a plan depends on beside its group.
type layout struct {
	strides [][]int // by operand, in elements
	add     bool    // result 0 is added to
	alias   bool    // a result may be an operand's memory
}

// plan is immutable. Tiles of the result are numbered row-major over the dims
// before inner; the dims from inner on run over the reduced axes within one
// tile of the result.
type plan struct {
	group *group
	name  string // of the Inst, for errors

	dims       []dim
	inner      int
	rows, cols span
	tiles      int // of the result
	access     []tileAccess
	wraps      []wrap
	tables     []int64 // values of linear functions by lane, see tileAccess
	code       [3][]instr
	consts     []constant
	reds       []reducer
	dtypes     []device.DType // by value
	slots      []int32        // by value: its place in scratch memory, -1 where it has none
	scratch    int            // bytes of scratch memory

	inGo bool    // Go's interpreter runs it, for it is short
	cost float64 // nanoseconds on one worker, estimated
	// folds tells that the reduced values of a tile may be shared out among
	// workers: one loop runs over them, in steps of a power of two.
	folds bool
	step  int // reduced values of a tile

	c cplan
}

// Sections of the code.
const (
	prologue = iota // once before all tiles
	body            // for every tile
	epilogue        // for every tile of the result, after its reduction
)

// dim is one loop of the nest. Stride is, by access and in its units, what one
// step adds.
type dim struct {
	count  int
	stride []int
}

// span is a side of a tile: it has size values, but last in the last step of
// dim (-1 where every tile has all).
type span struct{ dim, size, last int }

// tileAccess is a linear function within a tile: at row r and column c its
// value is that of the nest, plus row*r (or tables[rowTab+r]), plus likewise
// for the column. Units are bytes of operand arg, or plain where that is
// virtual. Where it is a guard, size is the limit of its values.
type tileAccess struct {
	arg, unit      int32
	c0, size       int64
	row, col       int64
	rowTab, colTab int32 // -1 where there is none
}

// wrap is how an index of a dimension becomes an offset in bytes.
type wrap struct{ stride, size int64 }

// constant is the value of a number, by its bits.
type constant struct {
	value uint16
	bits  uint64
}

// reducer combines the rows of columns, tile by tile. Its memory is at an
// offset in scratch.
type reducer struct {
	kind   loop.Combiner
	dt     device.DType
	at     int32
	cols   int32 // at most
	keep   int32 // rows that are kept until a block is complete (LSE), else 0
	levels int32 // of the stack of blocks
}

const (
	boolean   = device.Bool
	maxAxes   = 16   // of a group, each of more than one value
	blockSize = 1024 // values of a block of a reduction
	lanes     = 16   // virtual lanes of a block
	tileLanes = 512  // values of a tile at most
	minTile   = 128
	l1        = 24 << 10 // bytes of scratch that stay in the first cache
)

// planner is a plan in the making.
type planner struct {
	*plan
	e        *loop.Expr
	layout   layout
	limit    int // lanes of a tile
	linear   []access
	loads    map[loop.Node]*reference
	iotas    map[loop.Node]int
	stores   []*reference
	res, red []axis
	shape    shape

	class    []class // by node
	value    []int   // by node: its number, -1 before it is emitted
	fused    []bool  // by node: part of its only user
	streamed []bool  // by result of the group: its value is read in place, see stream
	cls      []class // by value
	spread   map[[2]int]uint16
	inPlace  []uint16 // values that are now and then memory, not in their slots
	made     []int    // by value: the section that an instruction makes it in, -1 for memory and constants
}

// reference is an operand's element that is loaded, or a result's that is stored.
type reference struct {
	at     int // access, guards behind it
	guards int // number of guards
	offset int // where an index goes through nodes: the place as a number
	via    []loop.Node
	wraps  []int
}

// newPlan returns the plan of a group that is not empty.
func newPlan(g *group, name string, lay layout) *plan {
	for limit := tileLanes; ; limit /= 2 {
		p := &planner{plan: &plan{group: g, name: name}, e: g.e, layout: lay, limit: limit}
		p.references()
		p.collapse()
		p.choose()
		p.nest()
		p.emit()
		room := l1
		if p.shape.across {
			room *= squares
		}
		if p.allot() <= room || limit <= minTile {
			p.judge()
			return p.plan
		}
	}
}

// references lists what the group reads and writes.
func (p *planner) references() {
	e := p.e
	p.loads = map[loop.Node]*reference{}
	p.iotas = map[loop.Node]int{}
	for n, uses := range p.group.uses {
		x := &e.Nodes[n]
		switch {
		case uses == 0:
		case x.Fn == loop.LoadFn:
			l := &e.Loads[x.K]
			p.loads[loop.Node(n)] = p.refer(l.In, e.Ins[l.In], l.Index, p.layout.strides[l.In], l.Guarded, false)
		case x.Fn == loop.Iota:
			p.iotas[loop.Node(n)] = p.addAccess(coordinate(len(e.Axes), loop.At(int(x.K))))
		}
	}
	for _, o := range p.group.outs {
		s := &e.Outs[o]
		p.stores = append(p.stores, p.refer(len(e.Ins)+o, s.Aval, s.Index, loop.RowMajor(s.Aval.Shape), false, s.Scatter))
	}
}

func (p *planner) addAccess(a access) int {
	p.linear = append(p.linear, a)
	return len(p.linear) - 1
}

func (p *planner) refer(arg int, aval loop.Aval, index []loop.Lin, strides []int, guarded, numbered bool) *reference {
	axes, unit := len(p.e.Axes), aval.DType.Size()
	place := place(axes, arg, unit, index, strides)
	r := &reference{at: p.addAccess(place)}
	if guarded {
		for d, l := range index {
			if l.Via != loop.None {
				continue
			}
			g := coordinate(axes, l)
			g.size = aval.Shape[d]
			p.addAccess(g)
			r.guards++
		}
	}
	for d, l := range index {
		if l.Via != loop.None {
			r.via = append(r.via, l.Via)
			r.wraps = append(r.wraps, len(p.wraps))
			p.wraps = append(p.wraps, wrap{int64(strides[d] * unit), int64(aval.Shape[d])})
		}
	}
	if r.via != nil || numbered {
		place.arg, place.unit = virtual, 1
		r.offset = p.addAccess(place)
	}
	return r
}

// nest lays out the loops and the tile for the shape that was chosen.
func (p *planner) nest() {
	s := &p.shape
	p.rows, p.cols = span{-1, s.rows.size(), s.rows.size()}, span{-1, s.cols.size(), s.cols.size()}
	p.loops(p.res)
	p.inner = len(p.dims)
	p.loops(p.red)
	p.tiles = 1
	for _, d := range p.dims[:p.inner] {
		p.tiles *= d.count
	}
	p.access = make([]tileAccess, len(p.linear))
	for i, a := range p.linear {
		t := &p.access[i]
		*t = tileAccess{arg: int32(a.arg), unit: int32(a.unit), c0: int64(a.c0), size: int64(a.size)}
		t.row, t.rowTab = p.lane(&s.rows, i)
		t.col, t.colTab = p.lane(&s.cols, i)
	}
	if p.step = p.rows.size; s.flat {
		p.step *= p.cols.size
	}
	p.folds = len(p.dims) == p.inner+1 && p.rows.dim == p.inner && p.step&(p.step-1) == 0
}

// loops adds the dims over a list of axes, less what lies in a tile.
func (p *planner) loops(list []axis) {
	for i := range list {
		a := &list[i]
		step := 1
		for _, side := range []struct {
			*side
			span *span
		}{{&p.shape.rows, &p.rows}, {&p.shape.cols, &p.cols}} {
			switch side.place(list, i) {
			case chunked:
				step = side.chunk
				if last := a.n % step; a.n > step {
					side.span.dim = len(p.dims)
					if last != 0 {
						side.span.last = side.size() / step * last
					}
				}
			case whole:
				step = a.n
			}
		}
		if step >= a.n {
			continue
		}
		d := dim{count: (a.n + step - 1) / step, stride: make([]int, len(a.coef))}
		for j, c := range a.coef {
			d.stride[j] = c * step
		}
		p.dims = append(p.dims, d)
	}
}

// lane returns how access i depends on the position along a side: a stride, or
// a table of values.
func (p *planner) lane(s *side, i int) (stride int64, table int32) {
	if k, ok := s.stride(i); ok {
		return int64(k), -1
	}
	at := len(p.tables)
	p.tables = append(p.tables, make([]int64, s.size())...)
	for r := range s.size() {
		p.tables[at+r] = int64(s.at(i, r))
	}
	return 0, int32(at)
}

// judge decides who runs the plan, and estimates its time.
func (p *planner) judge() {
	inC, inGo := p.estimate(&p.shape)
	p.cost = inC
	p.inGo = !haveC || executor == inEither && inGo < inC+callC || executor == inGoOnly
	if p.inGo {
		p.cost = inGo
	}
}

// executor says who may run plans; tests choose one.
var executor = inEither

const (
	inEither = iota
	inGoOnly
	inCOnly
)
