// Fusion: writing the groups down as loops.

package graph

import (
	"slices"
	"strings"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// emitter writes the graph anew, group by group.
type emitter struct {
	*fuser
	*rewriter
	insts map[uint64][]*kernels.Inst
}

func newEmitter(f *fuser) *emitter {
	return &emitter{f, f.g.rewrite(), map[uint64][]*kernels.Inst{}}
}

// emit replaces the instructions of the graph.
func (m *emitter) emit() {
	inOrder := make([]*group, len(m.groups))
	for id, x := range m.groups {
		if x != nil && x.parent == int32(id) {
			inOrder[m.order[id]] = x
		}
	}
	for _, x := range inOrder {
		switch {
		case x == nil:
		case x.loop && m.changes(x):
			newFusion(m, x).write()
		default:
			m.keep(int(x.members[0].instr))
		}
	}
	m.finish()
}

// changes reports whether a group is another loop than its one member.
func (m *emitter) changes(x *group) bool {
	if len(x.members) > 1 {
		return true
	}
	i := int(x.members[0].instr)
	return slices.ContainsFunc(m.g.Args(i), func(v Ref) bool {
		d := m.g.Def(v)
		return d >= 0 && (m.inline[d] || m.number[v] == Untracked) // an operand may be named and not loaded
	})
}

// stored reports whether what instruction i makes as result k must be in memory.
func (m *emitter) stored(i int32, k int) bool {
	for u := m.head[m.g.Instrs[i].Out+Ref(k)]; u >= 0; u = m.uses[u].next {
		switch x := m.at(u); {
		case x.group < 0 || x.index == nil:
			return true
		case x.group != m.find(m.home[i]) && !m.inline[i]:
			return true
		}
	}
	return false
}

// fusion is a group being written.
type fusion struct {
	*emitter
	*loop.Fusion
	group  *group
	parts  map[int32]*member
	done   map[int32]*loop.Part // of members
	copied map[int32][]copied

	operands []Ref
}

// copied is the copy of an instruction that is no member, read at an index.
type copied struct {
	index   []loop.Lin
	guarded bool
	part    *loop.Part
}

func newFusion(m *emitter, x *group) *fusion {
	f := &fusion{
		emitter: m, Fusion: loop.NewFusion(x.axes), group: x,
		parts: map[int32]*member{}, done: map[int32]*loop.Part{}, copied: map[int32][]copied{},
	}
	slices.SortFunc(x.members, func(a, b member) int { return int(a.instr - b.instr) })
	for i := range x.members {
		f.parts[x.members[i].instr] = &x.members[i]
	}
	return f
}

// write appends the loop and numbers its results.
func (f *fusion) write() {
	var outs []Ref
	for _, x := range f.group.members {
		inst := f.g.Instrs[x.instr].Inst
		for k := range inst.Out {
			if f.stored(x.instr, k) {
				s := inst.Expr.Outs[k]
				s.Value, s.Index = f.member(x.instr).Value(k), f.member(x.instr).Index(k)
				f.Store(s)
				outs = append(outs, f.g.Instrs[x.instr].Out+Ref(k))
			}
		}
	}
	if len(outs) == 0 {
		return // nothing reads it
	}
	e, kept := f.Expr()
	in := make([]Ref, len(kept))
	for k, i := range kept {
		in[k] = f.number[f.operands[i]]
	}
	first := f.emitter.rewriter.emit(f.inst(e), f.placed(), in...)
	for k, v := range outs {
		f.number[v] = first + Ref(k)
	}
}

// inst returns the instance of a loop, one for all loops that are the same.
func (f *fusion) inst(e *loop.Expr) *kernels.Inst {
	h := e.Hash()
	for _, inst := range f.insts[h] {
		if loop.Same(inst.Expr, e) {
			return inst
		}
	}
	inst := kernels.NewLoop(f.name(), e)
	f.insts[h] = append(f.insts[h], inst)
	return inst
}

// name joins the names of the members, or of some where there are many.
func (f *fusion) name() string {
	var names []string
	for _, x := range f.group.members {
		name := f.g.Instrs[x.instr].Inst.Name
		switch {
		case slices.Contains(names, name):
		case len(names) == 4:
			return strings.Join(names, "+") + "+..."
		default:
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}

// placed returns the instruction whose caller the loop's errors name: one that
// gathers, for it may fail, else the last.
func (f *fusion) placed() int {
	for _, x := range f.group.members {
		for _, l := range f.g.Instrs[x.instr].Inst.Expr.Loads {
			if slices.ContainsFunc(l.Index, func(l loop.Lin) bool { return l.Via != loop.None }) {
				return int(x.instr)
			}
		}
	}
	return int(f.group.members[len(f.group.members)-1].instr)
}

// member returns the copy of a member.
func (f *fusion) member(i int32) *loop.Part {
	p := f.done[i]
	if p == nil {
		p = f.Part(f.g.Instrs[i].Inst.Expr, f.parts[i].sub, false, f.loader(i))
		f.done[i] = p
	}
	return p
}

// loader returns what makes the loads of an instruction's loop.
func (f *fusion) loader(i int32) func(loop.Load) loop.Node {
	args := f.g.Args(int(i))
	return func(l loop.Load) loop.Node { return f.load(args[l.In], l) }
}

// load returns the element of v at an index over the group's axes.
func (f *fusion) load(v Ref, l loop.Load) loop.Node {
	aval := f.g.Aval(v)
	if slices.ContainsFunc(l.Index, func(l loop.Lin) bool { return l.Via != loop.None }) {
		return f.operand(v, l)
	}
	if c, ok := f.known[v]; ok {
		return f.InRange(l.Index, aval.Shape, f.Const(aval, c))
	}
	d := int32(f.g.Def(v))
	if d < 0 {
		return f.operand(v, l)
	}
	k := int(v - f.g.Instrs[d].Out)
	if x := f.parts[d]; x != nil && sameIndex(x.sub[:len(l.Index)], l.Index) {
		return f.member(d).Value(k)
	}
	if f.inline[d] {
		return f.copy(d, k, l)
	}
	return f.operand(v, l)
}

// copy returns result k of an instruction that the group computes itself.
func (f *fusion) copy(d int32, k int, l loop.Load) loop.Node {
	inst := f.g.Instrs[d].Inst
	l.Guarded = l.Guarded && !loop.Within(f.group.axes, l.Index, inst.Out[k].Shape)
	if isReshape(inst) {
		if !splits(inst) {
			return f.operand(f.g.Instrs[d].Out, l)
		}
		n := f.load(f.g.Args(int(d))[0], loop.Load{Index: split(inst, l.Index), Guarded: l.Guarded})
		if l.Guarded {
			n = f.InRange(l.Index, inst.Out[k].Shape, n)
		}
		return n
	}
	var part *loop.Part
	for _, c := range f.copied[d] {
		if c.guarded == l.Guarded && sameIndex(c.index, l.Index) {
			part = c.part
		}
	}
	if part == nil {
		part = f.Part(inst.Expr, axesAt(inst.Expr, l.Index), l.Guarded, f.loader(d))
		f.copied[d] = append(f.copied[d], copied{l.Index, l.Guarded, part})
	}
	n := part.Value(k)
	if l.Guarded {
		n = f.InRange(l.Index, inst.Out[k].Shape, n)
	}
	return n
}

// operand loads an element from memory.
func (f *fusion) operand(v Ref, l loop.Load) loop.Node {
	l.In = slices.Index(f.operands, v)
	if l.In < 0 {
		l.In = f.Operand(f.g.Aval(v))
		f.operands = append(f.operands, v)
	}
	return f.Load(l)
}
