package cpu

// Emission: the instructions of a plan.

import (
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// emit writes the code of the shape that was chosen.
func (p *planner) emit() {
	p.classify(&p.shape)
	p.fuse()
	p.spread = map[[2]int]uint16{}
	p.value = make([]int, len(p.e.Nodes))
	p.stream()
	for n, uses := range p.group.uses {
		if uses > 0 && !p.fused[n] {
			p.value[n] = int(p.node(loop.Node(n)))
		}
	}
	for i, o := range p.group.outs {
		p.result(i, o, p.layout.add && o == 0)
	}
}

// put appends an instruction that makes a new value.
func (p *planner) put(sec int, dt device.DType, in instr) uint16 {
	in.d = p.newValue(in.cls, dt, sec)
	p.code[sec] = append(p.code[sec], in)
	return in.d
}

func (p *planner) newValue(cls class, dt device.DType, sec int) uint16 {
	p.cls = append(p.cls, cls)
	p.dtypes = append(p.dtypes, dt)
	p.made = append(p.made, sec)
	return uint16(len(p.cls) - 1)
}

// memory is where a value is made that is no instruction's.
const memory = -1

// node emits a node and returns its value.
func (p *planner) node(n loop.Node) uint16 {
	x := &p.e.Nodes[n]
	cls := p.class[n]
	f := &fnOps[x.Fn]
	switch x.Fn {
	case loop.Const:
		id := p.newValue(one, x.DType, memory)
		p.consts = append(p.consts, constant{id, constBits(x)})
		return id
	case loop.Iota:
		return p.put(body, x.DType, instr{op: opIndex, cls: cls, k: int32(p.iotas[n])})
	case loop.LoadFn:
		return p.load(p.loads[n], x.DType)
	case loop.Cast:
		from := p.e.DType(x.Arg[0])
		return p.put(body, x.DType, instr{op: opCast, dt: x.DType, cls: cls, a: p.in(x.Arg[0], cls), e: uint16(from)})
	case loop.Select:
		return p.choice(x, cls)
	}
	in := instr{op: f.op, dt: p.e.DType(x.Arg[0]), cls: cls, e: elementaryCode[x.Fn], k: int32(x.K)}
	switch {
	case x.Arg[1] == loop.None:
		in.a = p.in(x.Arg[0], cls)
	case f.op == opElementary:
		in.op, in.a, in.b = opElementary2, p.in(x.Arg[0], cls), p.in(x.Arg[1], cls)
	default:
		if !p.product(&in, x) {
			p.operands(&in, x.Arg[0], x.Arg[1])
		}
	}
	return p.put(body, x.DType, in)
}

// constBits returns a constant's bits in its type.
func constBits(x *loop.Inst) uint64 {
	switch x.DType {
	case device.Float64:
		return math.Float64bits(x.V)
	case device.Float32:
		return uint64(math.Float32bits(float32(x.V)))
	}
	return uint64(x.K)
}

// in returns a node's value on the lanes of a class.
func (p *planner) in(n loop.Node, cls class) uint16 { return p.widen(uint16(p.value[n]), cls, body) }

// operands sets an instruction's operands, each on the lanes that it runs over or
// a single number.
func (p *planner) operands(in *instr, args ...loop.Node) {
	to := [...]*uint16{&in.a, &in.b, &in.c, &in.e}
	for i, n := range args {
		if p.class[n] == one && in.cls != one {
			in.form |= 1 << i
			*to[i] = uint16(p.value[n])
		} else {
			*to[i] = p.in(n, in.cls)
		}
	}
}

// widen returns a value on the lanes of a class that contains its own.
func (p *planner) widen(v uint16, cls class, sec int) uint16 {
	if p.cls[v] == cls {
		return v
	}
	key := [2]int{int(v), int(cls)}
	if w, ok := p.spread[key]; ok {
		return w
	}
	if p.isConst(v) {
		sec = prologue
	}
	dt := p.dtypes[v]
	w := p.put(sec, dt, instr{op: opSpread, dt: dt, cls: cls, form: uint8(p.cls[v]), a: v})
	p.spread[key] = w
	return w
}

func (p *planner) isConst(v uint16) bool {
	for i := range p.consts {
		if p.consts[i].value == v {
			return true
		}
	}
	return false
}

// fuse marks the products and comparisons that their only users take in.
func (p *planner) fuse() {
	e := p.e
	p.fused = make([]bool, len(e.Nodes))
	for n, uses := range p.group.uses {
		x := &e.Nodes[n]
		if uses == 0 || p.class[n] == one {
			continue
		}
		switch x.Fn {
		case loop.Add, loop.Sub:
			if !x.DType.IsFloat() {
				continue
			}
			for _, a := range x.Arg[:2] {
				if e.Nodes[a].Fn == loop.Mul && p.onlyFor(a, loop.Node(n)) {
					p.fused[a] = true
					break
				}
			}
		case loop.Select:
			c := x.Arg[0]
			if f := e.Nodes[c].Fn; (f == loop.Lt || f == loop.Le) && x.DType.IsFloat() &&
				e.DType(e.Nodes[c].Arg[0]) == x.DType && p.onlyFor(c, loop.Node(n)) {
				p.fused[c] = true
			}
		}
	}
}

// stream marks the loads that go from memory to where they are wanted at once:
// those that reductions of columns read in place, which run along a row, and
// those that are copied.
func (p *planner) stream() {
	p.streamed = make([]bool, len(p.stores))
	for i, o := range p.group.outs {
		v := p.e.Outs[o].Value
		if !p.streams(o) {
			continue
		}
		from, to := &p.access[p.loads[v].at], &p.access[p.stores[i].at]
		switch p.shape.mode {
		case mapping:
			p.streamed[i] = from.linear() && to.linear()
		case foldColumns:
			p.streamed[i] = from.linear() && p.cols.size > 1 && from.col == int64(from.unit) &&
				!p.dense(&p.shape, p.loads[v].at, full) && !p.shape.flat
		}
		p.fused[v] = p.streamed[i]
	}
}

// linear reports whether the access needs no tables.
func (a *tileAccess) linear() bool { return a.rowTab < 0 && a.colTab < 0 }

// streams reports whether a result is nothing but a load, or its reduction.
func (p *planner) streams(o int) bool {
	s := &p.e.Outs[o]
	r := p.loads[s.Value]
	return r != nil && r.via == nil && r.guards == 0 && p.group.uses[s.Value] == 1 && s.Reduce != loop.LSE &&
		!s.Scatter && p.group.maps[o] != p.group.reduce && !(p.layout.add && o == 0 && !p.group.reduce) && !p.layout.alias
}

// onlyFor reports whether node a is used once, by n, on the same lanes.
func (p *planner) onlyFor(a, n loop.Node) bool {
	return p.group.uses[a] == 1 && p.class[a] == p.class[n]
}

// product makes in a sum with a product that was marked, if x is one.
func (p *planner) product(in *instr, x *loop.Inst) bool {
	if x.Fn != loop.Add && x.Fn != loop.Sub {
		return false
	}
	ops := [...]opcode{opMulAdd, opMulAdd}
	if x.Fn == loop.Sub {
		ops = [...]opcode{opMulSub, opSubMul}
	}
	for i, m := range x.Arg[:2] {
		if p.fused[m] {
			mul := &p.e.Nodes[m]
			in.op = ops[i]
			p.operands(in, mul.Arg[0], mul.Arg[1], x.Arg[1-i])
			return true
		}
	}
	return false
}

// choice emits a select, with the comparison that it is by if that was marked.
func (p *planner) choice(x *loop.Inst, cls class) uint16 {
	in := instr{op: opSelect, dt: x.DType, cls: cls}
	if c := &p.e.Nodes[x.Arg[0]]; p.fused[x.Arg[0]] {
		in.op = opSelectLt + opcode(c.Fn-loop.Lt)
		p.operands(&in, c.Arg[0], c.Arg[1], x.Arg[1], x.Arg[2])
	} else {
		p.operands(&in, x.Arg[:]...)
	}
	return p.put(body, x.DType, in)
}

// load emits a load.
func (p *planner) load(r *reference, dt device.DType) uint16 {
	cls := p.referenceClass(&p.shape, r)
	switch {
	case r.via != nil:
		return p.gather(r, dt, cls)
	case r.guards > 0:
		v := p.put(body, dt, instr{op: opGuard, dt: dt, cls: cls, k: int32(r.at), e: uint16(r.guards)})
		p.inPlace = append(p.inPlace, v)
		return v
	case cls == one || p.dense(&p.shape, r.at, cls):
		v := p.put(body, dt, instr{op: opPtr, dt: dt, cls: cls, k: int32(r.at)})
		p.made[v] = memory
		return v
	}
	return p.put(body, dt, instr{op: opLoad, dt: dt, cls: cls, k: int32(r.at)})
}

// offsets emits the places of a gather or scatter, in bytes behind the operand.
func (p *planner) offsets(r *reference, cls class) uint16 {
	off := p.put(body, device.Int64, instr{op: opIndex, cls: cls, k: int32(r.offset)})
	for i, n := range r.via {
		in := instr{op: opWrap, dt: p.e.DType(n), cls: cls, a: off, b: p.in(n, cls), k: int32(r.wraps[i])}
		off = p.put(body, device.Int64, in)
	}
	for g := r.at + 1; g <= r.at+r.guards; g++ {
		off = p.put(body, device.Int64, instr{op: opWithin, cls: cls, a: off, k: int32(g)})
	}
	return off
}

// byRows reports whether the indices through nodes are the same along a row,
// of which each can then be copied as a whole.
func (p *planner) byRows(r *reference, cls class) bool {
	return cls == full && r.guards == 0 && p.viaClass(r)&col == 0
}

func (p *planner) gather(r *reference, dt device.DType, cls class) uint16 {
	in := instr{op: opGather, dt: dt, cls: cls, k: int32(p.linear[r.at].arg)}
	if p.byRows(r, cls) {
		in.op, in.k, in.a = opGatherRows, int32(r.at), p.offsets(r, row)
	} else {
		in.a = p.offsets(r, cls)
	}
	return p.put(body, dt, in)
}

// top is the class of all lanes of a tile.
func (p *planner) top() class {
	cls := one
	if p.rows.size > 1 {
		cls = row
	}
	if p.cols.size > 1 {
		cls |= col
	}
	return cls
}

// result emits what becomes of a result's value.
func (p *planner) result(i, o int, add bool) {
	s := &p.e.Outs[o]
	r, dt := p.stores[i], s.Aval.DType
	in := instr{dt: dt}
	if p.streamed[i] {
		in.form, in.e = 1, uint16(p.loads[s.Value].at)
	} else {
		in.a = p.widen(uint16(p.value[s.Value]), p.top(), body)
	}
	switch {
	case s.Scatter:
		p.scatter(r, in.a, dt)
		return
	case p.shape.mode == mapping && p.streamed[i]:
		in = instr{op: opCopy, dt: dt, cls: p.top(), k: int32(in.e), e: uint16(r.at)}
		p.code[body] = append(p.code[body], in)
		return
	case p.group.maps[o]:
		p.store(body, p.top(), r, in.a, add)
		return
	}
	in.k = p.reducer(s)
	switch {
	case p.shape.mode == foldRows:
		in.op, in.cls = opReduceRows, p.top()&row
		p.store(body, in.cls, r, p.put(body, dt, in), add)
	case p.wholeColumns():
		in.op, in.cls = opReduceCols, p.top()&col
		p.store(body, in.cls, r, p.put(body, dt, in), add)
	default:
		in.op, in.cls = opAccumulate, p.top()
		p.code[body] = append(p.code[body], in)
		out := instr{op: opResult, dt: dt, cls: p.top() & col, k: in.k}
		if p.shape.flat {
			out.cls = one
		}
		p.store(epilogue, out.cls, r, p.put(epilogue, dt, out), add)
	}
}

// wholeColumns reports whether a tile holds all reduced values, each in a lane
// of its own.
func (p *planner) wholeColumns() bool {
	return p.inner == len(p.dims) && p.rows.size <= lanes && !p.shape.flat
}

// reducer adds a reducer for a result and returns its number.
func (p *planner) reducer(s *loop.Store) int32 {
	r := reducer{kind: s.Reduce, dt: s.Aval.DType, cols: int32(p.cols.size)}
	if p.shape.flat {
		r.cols = 1
	}
	if p.shape.mode == foldColumns && !p.wholeColumns() {
		for n := (p.group.reduced + blockSize - 1) / blockSize; n > 0; n /= 2 {
			r.levels++
		}
		if s.Reduce == loop.LSE {
			r.keep = int32(min(p.group.reduced, blockSize))
		}
	}
	p.reds = append(p.reds, r)
	return int32(len(p.reds) - 1)
}

// scatter emits the additions of v.
func (p *planner) scatter(r *reference, v uint16, dt device.DType) {
	in := instr{op: opScatter, dt: dt, cls: p.top(), b: v, k: int32(p.linear[r.at].arg)}
	if p.byRows(r, p.top()) {
		in.op, in.k, in.a = opScatterRows, int32(r.at), p.offsets(r, row)
	} else {
		in.a = p.offsets(r, p.top())
	}
	p.code[body] = append(p.code[body], in)
}

// store emits the writing of v. What is written in order of the memory is made
// right there by the instruction that makes v.
func (p *planner) store(sec int, cls class, r *reference, v uint16, add bool) {
	dt := p.dtypes[v]
	direct := cls == one || p.dense(&p.shape, r.at, cls)
	switch {
	case direct && add:
		old := p.newValue(cls, dt, memory)
		sum := p.put(sec, dt, instr{op: opAdd, dt: dt, cls: cls, a: old, b: v})
		p.bind(sec, old, r.at)
		p.bind(sec, sum, r.at)
	case add:
		p.code[sec] = append(p.code[sec], instr{op: opStoreAdd, dt: dt, cls: cls, a: v, k: int32(r.at)})
	case direct && p.made[v] == sec && !p.layout.alias && !slices.Contains(p.inPlace, v):
		p.bind(sec, v, r.at)
	default:
		p.code[sec] = append(p.code[sec], instr{op: opStore, dt: dt, cls: cls, a: v, k: int32(r.at)})
	}
}

// bind makes v the memory at access at.
func (p *planner) bind(sec int, v uint16, at int) {
	in := instr{op: opPtr, dt: p.dtypes[v], cls: p.cls[v], d: v, k: int32(at)}
	p.code[sec] = append([]instr{in}, p.code[sec]...)
	p.made[v] = memory
}
