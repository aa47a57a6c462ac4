// Fusion: which loops become one. Loops over the same index space form groups, each
// of which is written as one loop; what a loop computes for readers in its own
// group only is never stored, and what is cheaper computed anew than stored is
// computed by every reader for itself.

package graph

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Limits: of the nodes and axes of a group's loop, fewer where it is one point, for
// which kernels have a short way up to so many; and of the groups that are looked at for
// one instruction.
const (
	maxGroupNodes = 512
	maxPointNodes = 256
	maxGroupAxes  = 12
	maxReaders    = 12
)

// fuser decides. It goes through the instructions from the last to the first, so
// that when it comes to one all its readers have their groups.
type fuser struct {
	g      *Graph
	groups []*group // by the instruction that began it; nil for others
	home   []int32  // by instruction: the group that it is in, -1 for none
	inline []bool   // by instruction: readers outside its group compute it themselves
	order  []int32  // by group: groups in ascending order are a valid program

	head []int32 // by value: its first use, -1 for none
	uses []use
	read []reader // of the instruction at hand

	known map[Ref]float64        // values of which all elements are known
	early map[*kernels.Inst]bool // computed with what they are made of, not where they are read
	near  bool                   // nothing is moved to where it keeps more in memory than its result is
}

// group is loops that become one, or an instruction that stays as it is.
type group struct {
	parent  int32      // the group that took it in, or itself
	sub     []loop.Lin // its axes over those of parent, where that is another
	loop    bool       // it is a loop, into which others can go
	rigid   bool       // ... but not next to it
	axes    []loop.Axis
	red     []int // axes that results reduce over, all of them the same
	members []member
	reads   []Ref // values that it reads
	nodes   int
}

// most returns how many nodes the group's loop may have.
func (g *group) most() int {
	if extent(g.axes) == 1 {
		return maxPointNodes
	}
	return maxGroupNodes
}

// member is an instruction of a group, whose axis a is sub[a].
type member struct {
	instr int32
	sub   []loop.Lin
}

// use is a load of a value by a group, or of the whole value (index nil): as an
// output, by an instruction that is no loop, or at a place known only in the run.
type use struct {
	group   int32 // -1 for an output
	next    int32 // of the same value, -1 for none
	index   []loop.Lin
	guarded bool
}

// reader is a group that reads the results of an instruction.
type reader struct {
	group  int32
	index  []loop.Lin // the first that it is read at
	peer   bool       // there is no other, and it tells the group's points apart
	whole  bool       // some use is of the whole value
	places [][]loop.Lin
	work   int // points at which a copy would compute
}

// Fuse makes one loop of several, by substitution of producers into the loops that read
// them and by joining loops over the same index space. Every result keeps its
// bits: scalar functions stay in their order, reductions combine the same values in
// the same order, matrix products stay whole. It returns how many instructions fewer there are.
func (g *Graph) Fuse() int {
	return g.fuse(nil, nil, false)
}

func (g *Graph) fuse(known map[Ref]float64, early map[*kernels.Inst]bool, near bool) int {
	f := &fuser{
		g: g, groups: make([]*group, len(g.Instrs)), home: make([]int32, len(g.Instrs)),
		inline: make([]bool, len(g.Instrs)), order: make([]int32, len(g.Instrs)), head: make([]int32, g.NumValues()),
		known: known, early: early, near: near,
	}
	for v := range f.head {
		f.head[v] = -1
	}
	for _, v := range g.Outputs {
		f.use(v, -1, nil, false)
	}
	for i := len(g.Instrs) - 1; i >= 0; i-- {
		f.home[i] = -1
		f.place(int32(i))
	}
	if !near {
		f.joinReaders()
	}
	before := len(g.Instrs)
	newEmitter(f).emit()
	g.RemoveDead()
	return before - len(g.Instrs)
}

// use notes a load of v.
func (f *fuser) use(v Ref, group int32, index []loop.Lin, guarded bool) {
	if h := f.head[v]; h >= 0 && f.uses[h].group == group && sameIndex(f.uses[h].index, index) {
		return
	}
	f.uses = append(f.uses, use{group, f.head[v], index, guarded})
	f.head[v] = int32(len(f.uses) - 1)
	if group >= 0 {
		f.groups[group].reads = append(f.groups[group].reads, v)
	}
}

func sameIndex(a, b []loop.Lin) bool {
	return (a == nil) == (b == nil) && slices.EqualFunc(a, b, loop.Lin.Equal)
}

// find returns the group that a group is part of by now.
func (f *fuser) find(id int32) int32 {
	g := f.groups[id]
	if g.parent == id {
		return id
	}
	root := f.find(g.parent)
	if root != g.parent {
		g.sub, _ = loop.Subst(g.sub, f.groups[g.parent].sub)
		g.parent = root
	}
	return root
}

// at returns a use with its group and index as they are by now.
func (f *fuser) at(u int32) *use {
	x := &f.uses[u]
	if x.group < 0 {
		return x
	}
	if root := f.find(x.group); root != x.group {
		if x.index != nil {
			x.index, _ = loop.Subst(x.index, f.groups[x.group].sub)
		}
		x.group = root
	}
	return x
}

// place finds the group of an instruction.
func (f *fuser) place(i int32) {
	inst := f.g.Instrs[i].Inst
	if f.early[inst] || !isLoop(inst) && !isReshape(inst) {
		f.alone(i)
		return
	}
	ok := f.readers(i)
	switch {
	case !ok || !produces(inst):
		f.alone(i)
	case inst.Rearranges():
		f.inline[i] = true
		f.copies(i)
		if slices.ContainsFunc(f.read, func(r reader) bool { return r.whole }) {
			f.alone(i)
		}
	default:
		f.produce(i)
	}
}

// produce places a loop that others read.
func (f *fuser) produce(i int32) {
	home := f.join(i)
	if home >= 0 && f.near && f.prolongs(i, home) {
		home = -1
	}
	rest := f.read[:0:0]
	for _, r := range f.read {
		if r.group < 0 || home < 0 || f.find(r.group) != home {
			rest = append(rest, r)
		}
	}
	switch {
	case home >= 0 && len(rest) == 0:
		f.enter(i, home)
	case f.worthCopying(i, home, rest):
		f.inline[i] = true
		if home >= 0 {
			f.enter(i, home)
		}
		f.read = rest
		f.copies(i)
	case home >= 0 && f.precedes(home, rest):
		f.enter(i, home)
	default:
		f.alone(i)
	}
}

// prolongs reports whether instruction i, computed where a group is, keeps more bytes of
// its operands in memory until then than its results have.
func (f *fuser) prolongs(i, home int32) bool {
	bytes := -bytesOfAll(f.g.Instrs[i].Inst.Out)
	args := f.g.Args(int(i))
	for k, v := range args {
		if f.g.Def(v) < 0 || slices.Contains(args[:k], v) {
			continue
		}
		read := false // then or later, anyhow
		for u := f.head[v]; u >= 0 && !read; u = f.uses[u].next {
			g := f.uses[u].group
			read = g < 0 || f.order[f.find(g)] >= f.order[home]
		}
		if !read {
			bytes += f.g.footprint(v)
		}
	}
	return bytes > 0
}

// readers gathers who reads the results of an instruction; not ok where they are too many.
func (f *fuser) readers(i int32) bool {
	f.read = f.read[:0]
	x := &f.g.Instrs[i]
	reshape := isReshape(x.Inst)
	for k := range x.Inst.Out {
		v := x.Out + Ref(k)
		for u := f.head[v]; u >= 0; u = f.uses[u].next {
			w := f.at(u)
			n := slices.IndexFunc(f.read, func(r reader) bool { return r.group == w.group })
			if n < 0 {
				n = len(f.read)
				if n == maxReaders && !x.Inst.Rearranges() {
					return false
				}
				f.read = append(f.read, reader{group: w.group, index: w.index, peer: true})
			}
			f.readAt(&f.read[n], w, x.Inst, k, reshape)
		}
	}
	return true
}

// readAt notes one use of result k.
func (f *fuser) readAt(r *reader, u *use, inst *kernels.Inst, k int, reshape bool) {
	if u.index == nil || reshape && !splits(inst) {
		r.whole, r.peer = true, false
		return
	}
	if inst.Expr != nil && inst.Expr.Outs[k].Reduce != loop.NoReduce {
		r.whole, r.peer = true, false
		return
	}
	g := f.groups[u.group]
	if !slices.ContainsFunc(r.places, func(p []loop.Lin) bool { return sameIndex(p, u.index) }) {
		r.places = append(r.places, u.index)
		r.work += max(loop.Values(g.axes, u.index), extent(g.axes)/tilePoints)
	}
	r.peer = r.peer && !u.guarded && g.loop && !g.rigid && sameIndex(r.index, u.index) &&
		extent(g.axes) == inst.Out[k].Size() && loop.OneToOne(g.axes, u.index)
}

// join makes one group of those that read instruction i point by point, and returns
// the one that i can be part of, or -1.
func (f *fuser) join(i int32) int32 {
	home, at := int32(-1), []loop.Lin(nil)
	for _, r := range f.read {
		if !r.peer || home >= 0 && f.find(r.group) == home {
			continue
		}
		id := f.find(r.group)
		index := r.index
		if id != r.group { // merged on the way
			index, _ = loop.Subst(index, f.groups[r.group].sub)
		}
		switch {
		case home < 0 && f.fits(i, id, index):
			home, at = id, index
		case home < 0:
		case f.merge(home, id, at, index):
		case f.merge(id, home, index, at):
			home, at = id, index
		}
	}
	if home >= 0 && !f.fits(i, home, at) {
		return -1
	}
	return home
}

// fits reports whether instruction i, whose results are read at index, can be part of a group.
func (f *fuser) fits(i, home int32, index []loop.Lin) bool {
	g, e := f.groups[home], f.g.Instrs[i].Inst.Expr
	if g.nodes+len(e.Nodes) > g.most() || len(g.reads)+len(e.Loads) > 2*maxGroupNodes {
		return false
	}
	red, ok := reductions(e, g.axes, axesAt(e, index))
	return ok && (len(red) == 0 || len(g.red) == 0 || slices.Equal(red, g.red))
}

// reductions returns the axes that the results of a loop reduce over, where its axis
// a is sub[a] of other axes; not ok where a reduction would combine in another order
// than it does, or not all reduce over the same.
func reductions(e *loop.Expr, axes []loop.Axis, sub []loop.Lin) (red []int, ok bool) {
	for o := range e.Outs {
		s := &e.Outs[o]
		if s.Reduce == loop.NoReduce {
			continue
		}
		var digits []loop.Lin
		for _, a := range e.Reduced(s) {
			digits = append(digits, sub[a])
		}
		list, ok := loop.InOrder(axes, digits)
		if !ok || red != nil && !slices.Equal(red, list) {
			return nil, false
		}
		for _, l := range sub {
			if _, ok := loop.InOrder(axes, []loop.Lin{l}); !ok {
				return nil, false
			}
		}
		red = list
	}
	return red, true
}

// enter makes instruction i a member of a group that reads it point by point.
func (f *fuser) enter(i, home int32) {
	x := &f.g.Instrs[i]
	for _, r := range f.read {
		if r.peer && f.find(r.group) == home {
			index := r.index
			if r.group != home {
				index, _ = loop.Subst(index, f.groups[r.group].sub)
			}
			f.add(home, i, axesAt(x.Inst.Expr, index))
			return
		}
	}
}

// add makes instruction i, whose axis a is sub[a], a member of a group.
func (f *fuser) add(home, i int32, sub []loop.Lin) {
	g, e := f.groups[home], f.g.Instrs[i].Inst.Expr
	f.home[i] = home
	g.members = append(g.members, member{i, sub})
	if red, _ := reductions(e, g.axes, sub); len(red) > 0 {
		g.red = red
	}
	f.loads(home, i, sub, false)
}

// loads notes what instruction i loads as part of a group.
func (f *fuser) loads(home, i int32, sub []loop.Lin, guard bool) {
	g, e := f.groups[home], f.g.Instrs[i].Inst.Expr
	args := f.g.Args(int(i))
	g.nodes += len(e.Nodes)
	for k := range e.Loads {
		l := &e.Loads[k]
		index, ok := loop.Subst(l.Index, sub)
		guarded := (l.Guarded || guard) && ok && !loop.Within(g.axes, index, e.Ins[l.In].Shape)
		f.use(args[l.In], home, index, guarded)
	}
}

// copies notes what readers load that compute instruction i themselves.
func (f *fuser) copies(i int32) {
	x := &f.g.Instrs[i]
	shape := x.Inst.Out[0].Shape
	if e := x.Inst.Expr; e != nil { // what they load has an element for each point
		shape = e.Outs[slices.IndexFunc(e.Outs, func(s loop.Store) bool { return s.Reduce == loop.NoReduce })].Aval.Shape
	}
	for _, r := range f.read {
		for _, index := range r.places {
			id, at := r.group, index
			if root := f.find(id); root != id {
				at, _ = loop.Subst(at, f.groups[id].sub)
				id = root
			}
			guard := !loop.Within(f.groups[id].axes, at, shape)
			if isReshape(x.Inst) {
				f.use(f.g.Args(int(i))[0], id, split(x.Inst, at), guard)
				continue
			}
			f.loads(id, i, axesAt(x.Inst.Expr, at), guard)
		}
	}
}

// alone gives instruction i a group of its own.
func (f *fuser) alone(i int32) {
	inst := f.g.Instrs[i].Inst
	g := &group{parent: i, loop: isLoop(inst) && !inst.Rearranges()}
	f.groups[i], f.home[i], f.order[i] = g, i, i
	if !g.loop {
		for _, v := range f.g.Args(int(i)) {
			f.use(v, i, nil, false)
		}
		g.members = []member{{i, nil}}
		return
	}
	sub := make([]loop.Lin, len(inst.Expr.Axes))
	g.rigid = rigid(inst.Expr)
	for a, ax := range inst.Expr.Axes {
		if ax.Size == 1 && !g.rigid {
			sub[a] = loop.Fixed(0)
			continue
		}
		sub[a] = loop.At(len(g.axes))
		g.axes = append(g.axes, ax)
	}
	f.add(i, i, sub)
}
