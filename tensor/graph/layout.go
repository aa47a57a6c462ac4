// The layout: which value is a view of which, which result takes over the memory
// of an operand that dies, and where all memory is.

package graph

import (
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
)

// source says what a value's memory is.
type source uint8

const (
	inArena  source = iota
	ofParam         // a parameter's, given by the caller
	ofConst         // a constant's
	ofOutput        // an output's destination, given by the caller
	ofStack         // memory of its own that grows (stack.go)
)

// location is where a value's elements are.
type location struct {
	root    Ref   // the value whose memory it views; itself where it views none
	offset  int   // of its first element from the root's, in bytes
	strides []int // in elements; nil where dense
	block   int32 // of a root that an instruction makes: index in layout.blocks, else -1

	// Of a root, once all is assigned:
	source source
	index  int32 // which parameter, constant, output or stack has the memory
	base   int   // where in the arena it lies, in bytes
}

// layout is where the values of a graph lie.
type layout struct {
	g      *Graph
	at     []location // of each value
	steps  []int32    // the instructions that must run: all but views
	last   []int32    // of each root, the step that reads it last; forever for outputs
	blocks []block
	dest   []int32   // of each block: the output in whose destination it lies, or -1
	copies []copyOut // outputs that are copied to their destination at the end
	stacks []Ref     // results that grow
	work   []int32   // of each step: the block that it works in, or -1
	stages []stage   // steps that run side by side
	added  []int32   // of each output from sums on: the step that adds it to its destination, or -1
	sums   int       // the first output that is added to its destination

	inPlace int // results that took over an operand's memory
	arena   int // bytes
	need    int // the most bytes in use at any one step
}

// copyOut tells that an output is a value that lies elsewhere.
type copyOut struct {
	value  Ref
	output int
}

const forever = math.MaxInt32

// newLayout begins to lay out a graph: it finds the views. strides, which may be
// nil, are those of the parameters; outputs are dense, and those from sums on are to
// be added to what their destinations hold.
func newLayout(g *Graph, strides [][]int, sums int) *layout {
	l := &layout{g: g, sums: sums, at: make([]location, g.NumValues()), last: make([]int32, g.NumValues())}
	for v := range l.at {
		l.at[v] = location{root: Ref(v), block: -1}
		l.last[v] = -1
	}
	for i, v := range g.Params {
		l.at[v].source, l.at[v].index = ofParam, int32(i)
		if strides != nil {
			l.at[v].strides = strides[i]
		}
	}
	for i, c := range g.Consts {
		l.at[c.Ref].source, l.at[c.Ref].index = ofConst, int32(i)
		if !c.Array.Dense() {
			l.at[c.Ref].strides = c.Array.Strides
		}
	}
	l.findViews()
	return l
}

// assign gives all values their memory. scratch is how many bytes each step works in.
func (l *layout) assign(scratch []int, to target) {
	reuse := !to.without.Has(Reuse)
	l.findLast()
	l.findStacks()
	l.findAdded()
	l.makeBlocks(scratch, reuse)
	l.findStages(to.workers)
	l.assignOutputs()
	l.place()
}

// findViews separates the instructions that only view their operand from the
// steps that run.
func (l *layout) findViews() {
	for i := range l.g.Instrs {
		x := &l.g.Instrs[i]
		if !l.view(x, l.g.Args(i)) {
			l.steps = append(l.steps, int32(i))
		}
	}
}

// view makes the result a view of the operand where the instruction allows it.
func (l *layout) view(x *Instr, args []Ref) bool {
	if !x.Inst.Rearranges() {
		return false
	}
	from := l.at[args[0]]
	in := kernels.Array{Aval: l.g.Aval(args[0]), Strides: from.strides}
	to := location{root: from.root, block: -1, offset: from.offset}
	if op := x.Inst.Op; op != nil && op.View != nil {
		// A rearrangement of the strides alone: the first element stays.
		v, ok := op.View(x.Inst, &in)
		if !ok || v.Ptr != nil {
			return false
		}
		to.strides = v.Strides
	} else {
		offset, strides, ok := x.Inst.Expr.ViewStrides(in.Stride)
		if !ok {
			return false
		}
		to.offset += offset * in.DType.Size()
		to.strides = strides
	}
	out := kernels.Array{Aval: x.Inst.Out[0], Strides: to.strides}
	if out.Dense() {
		to.strides = nil
	}
	l.at[x.Out] = to
	return true
}

// findLast finds the step that reads each root's memory last.
func (l *layout) findLast() {
	for s, i := range l.steps {
		for _, a := range l.g.Args(int(i)) {
			l.last[l.at[a].root] = int32(s)
		}
	}
	for _, v := range l.g.Outputs {
		l.last[l.at[v].root] = forever
	}
}

// makeBlocks gives each result memory: an operand's that dies, or a block of its own,
// which without reuse nothing else gets.
func (l *layout) makeBlocks(scratch []int, reuse bool) {
	l.work = make([]int32, len(l.steps))
	for s, i := range l.steps {
		x := &l.g.Instrs[i]
		if l.work[s] = -1; scratch[s] > 0 {
			l.work[s] = int32(len(l.blocks))
			l.blocks = append(l.blocks, block{size: scratch[s], first: s, last: s})
		}
		if v, ok := l.overwritten(s, x, l.g.Args(int(i))); ok && reuse && !slices.Contains(l.added, int32(s)) {
			b := l.at[v].block
			l.at[x.Out].block = b
			l.blocks[b].last = int(max(l.last[x.Out], int32(s)))
			l.inPlace++
			continue
		}
		for k, a := range x.Inst.Out {
			v := x.Out + Ref(k)
			if l.at[v].source == ofStack {
				continue
			}
			l.at[v].block = int32(len(l.blocks))
			l.blocks = append(l.blocks, block{size: bytesOf(a), first: s, last: int(max(l.last[v], int32(s)))})
		}
	}
	if !reuse {
		for b := range l.blocks {
			l.blocks[b].last = forever
		}
	}
}

func bytesOf(a kernels.Aval) int { return a.Size() * a.DType.Size() }

// overwritten returns an operand whose memory step s can write its one result to:
// an instruction made it, nothing reads it afterwards, and it is read nowhere but
// at the element that is written.
func (l *layout) overwritten(s int, x *Instr, args []Ref) (Ref, bool) {
	same := overwrites(x.Inst)
	if same == 0 {
		return 0, false
	}
next:
	for k, v := range args {
		if !same.Has(k) || l.at[v].root != v || l.at[v].block < 0 || l.last[v] != int32(s) {
			continue
		}
		for j, w := range args {
			if l.at[w].root == v && (w != v || !same.Has(j)) {
				continue next
			}
		}
		return v, true
	}
	return 0, false
}

// overwrites returns the operands that the one result may take the memory of.
func overwrites(inst *kernels.Inst) (same kernels.Mask) {
	if len(inst.Out) != 1 {
		return 0
	}
	for k, a := range inst.In {
		if inst.Overwrites().Has(k) && bytesOf(a) == bytesOf(inst.Out[0]) && a.DType.Size() == inst.Out[0].DType.Size() {
			same |= 1 << k
		}
	}
	return same
}

// assignOutputs lets results lie in the destinations of the outputs that they
// are. Other outputs are copied: parameters, constants, parts of values, and
// those that are an output already.
func (l *layout) assignOutputs() {
	l.dest = make([]int32, len(l.blocks))
	for b := range l.dest {
		l.dest[b] = -1
	}
	for i, v := range l.g.Outputs {
		at := l.at[v]
		root := &l.at[at.root]
		whole := at.strides == nil && bytesOf(l.g.Aval(v)) == bytesOf(l.g.Aval(at.root))
		if root.block < 0 || l.dest[root.block] >= 0 || !whole {
			l.copies = append(l.copies, copyOut{v, i})
			continue
		}
		l.dest[root.block] = int32(i)
		l.blocks[root.block].size = 0 // of the arena
	}
}

// place plans the arena and tells every root where it is.
func (l *layout) place() {
	apart := l.keepApart()
	l.arena, l.need = plan(l.blocks)
	for _, a := range apart {
		l.blocks[a.block].offset = l.blocks[a.lane].offset + a.offset
	}
	for v := range l.at {
		at := &l.at[v]
		switch {
		case at.block < 0:
		case l.dest[at.block] >= 0:
			at.source, at.index = ofOutput, l.dest[at.block]
		default:
			at.source, at.base = inArena, l.blocks[at.block].offset
		}
	}
}
