// Printing a form: a function of C over a range of its items.

package native

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// typeNames are the prelude's names of types.
var typeNames = [device.NumDTypes]string{"b1", "i32", "i64", "f32", "f64"}

// elementNames are the types in memory.
var elementNames = [device.NumDTypes]string{"u8", "i32", "i64", "f32", "f64"}

// body prints one form. An item is a value of the outer axes with a block of the
// vector axis.
type body struct {
	*printer
	f        *form
	pre      strings.Builder // before the loop over vectors
	declared strings.Builder // arrays that live as long as an item
	b        strings.Builder // in it
	depth    int
	mid      *span           // where what is being printed runs, nil for anywhere
	inMid    strings.Builder // what runs there

	outer  []int // sizes
	lanes  int   // of the vector axis
	blocks int   // that it is cut into

	locals map[graph.Ref]*local
	memo   map[string]value // of what members compute outside of loops of their own
	temps  int
	roots  map[int]bool // pointers that are used, by number
}

// local is a value that members read where it is made.
type local struct {
	from  *member
	out   *store
	vec   bool // it is a vector
	array bool // it is an array of C, for somebody reads or writes it in a loop
	names []string
}

// value is a node's value in the text.
type value struct {
	text string
	vec  bool
	dt   device.DType
	late bool // it is made in the loop over vectors, though it may not depend on them
}

// widest is the most lanes that CT_W is.
const widest = 8

// unrolledOps bounds the operations of a member that is printed without loops. Matrices
// of 10 by 10 numbers are worth it; more takes the compiler longer than it gains.
const unrolledOps = 400

func (p *printer) newBody(f *form) *body {
	b := &body{printer: p, f: f, lanes: 1, blocks: 1, depth: 2, locals: map[graph.Ref]*local{}, memo: map[string]value{}, roots: map[int]bool{}}
	for a, n := range f.shared {
		if a == f.vec {
			b.lanes, b.blocks = n, (n+blockSize-1)/blockSize
		} else {
			b.outer = append(b.outer, n)
		}
	}
	return b
}

// items returns how many items the form has.
func (b *body) items() int {
	n := b.blocks
	for _, o := range b.outer {
		n *= o
	}
	return n
}

func (b *body) line(format string, args ...any) {
	b.b.WriteString(strings.Repeat("\t", b.depth))
	fmt.Fprintf(&b.b, format, args...)
	b.b.WriteByte('\n')
}

// print returns the function's text, and that of what ends its reductions, if
// they have more than one block.
func (b *body) print(name string) (text, end string) {
	b.findLocals()
	for _, m := range b.f.members {
		b.member(m)
	}
	if mid, ok := b.middle(); ok && b.b.Len() < mostMiddle && b.declared.Len() == 0 {
		anywhere := b.b.String()
		b.mid, b.memo = &mid, map[string]value{}
		b.b.Reset()
		for _, m := range b.f.members {
			b.member(m)
		}
		b.inMid.WriteString(b.b.String())
		b.b.Reset()
		b.b.WriteString(anywhere)
	}
	text = b.function(name)
	if b.blocks > 1 {
		end = b.end(name)
	}
	return text, end
}

func (b *body) function(name string) string {
	var s strings.Builder
	s.WriteString(b.define(name))
	vecs := b.f.vec >= 0
	var open, close, decl strings.Builder
	for _, m := range b.f.members {
		if m.reducedShared() != 0 {
			b.accumulators(m, &decl)
			b.closing(m, &close)
		}
	}
	for _, v := range b.sortedLocals() {
		if l := b.locals[v]; l.array {
			fmt.Fprintf(&open, "\t\t%s L%d[%d];\n", b.typeOf(l.out.Aval.DType, l.vec), v, l.extent())
		}
	}
	for _, k := range b.sortedRoots() {
		s.WriteString(b.pointer(k))
	}
	s.WriteString("\tfor (long it = lo; it < hi; it++) {\n")
	s.WriteString("\t\tif (c->cancel && *(volatile const uint32_t *)c->cancel) return CT_CANCELLED;\n")
	if len(b.outer) > 0 || b.blocks > 1 {
		s.WriteString("\t\tlong at = it;\n")
	}
	if vecs {
		if b.blocks > 1 {
			fmt.Fprintf(&s, "\t\tconst long block = at %% %d, from = block * %d, to = from + %d < %d ? from + %d : %d;\n\t\tat /= %d;\n",
				b.blocks, blockSize, blockSize, b.lanes, blockSize, b.lanes, b.blocks)
		} else {
			fmt.Fprintf(&s, "\t\tconst long from = 0, to = %d;\n", b.lanes)
		}
	}
	for o := len(b.outer) - 1; o >= 0; o-- {
		if o > 0 {
			fmt.Fprintf(&s, "\t\tconst long o%d = at %% %d;\n\t\tat /= %d;\n", o, b.outer[o], b.outer[o])
		} else {
			s.WriteString("\t\tconst long o0 = at;\n")
		}
	}
	s.WriteString(decl.String())
	s.WriteString(open.String())
	s.WriteString(b.declared.String())
	s.WriteString(b.pre.String())
	if vecs {
		b.vectors(&s)
	} else {
		s.WriteString(b.b.String())
	}
	s.WriteString(close.String())
	s.WriteString("\t\tif (c->f->set) return CT_FAULT;\n\t}\n\treturn CT_DONE;\n}\n\n")
	return s.String()
}

// vectors prints the loop over vectors, and within it that over those in the middle.
func (b *body) vectors(s *strings.Builder) {
	s.WriteString("\t\tfor (long i = from; i < to; i += CT_W) {\n")
	if b.mid != nil {
		fmt.Fprintf(s, "\t\t\tif (i >= %d) {\n\t\t\t\tconst long end = to < %d ? to : %d;\n", b.mid.from, b.mid.to, b.mid.to)
		s.WriteString("\t\t\t\tfor (; i + CT_W <= end; i += CT_W) {\n")
		b.vector(s, "CT_W", b.inMid.String())
		s.WriteString("\t\t\t\t}\n\t\t\t\tif (i >= to) break;\n\t\t\t}\n")
	}
	present := "n"
	if b.lanes%widest == 0 { // a constant, so that there are no masks
		present = "CT_W"
	}
	b.vector(s, present, b.b.String())
	s.WriteString("\t\t}\n")
}

// vector prints what is done for a vector of which so many lanes are present.
func (b *body) vector(s *strings.Builder, present, text string) {
	fmt.Fprintf(s, "\t\t\tconst long n = to - i;\n\t\t\tconst ct_on on = ct_lanes(%s);\n", present)
	s.WriteString("\t\t\tconst long q = ((i - from) / CT_W) & (CT_P - 1);\n\t\t\t(void)n, (void)on, (void)q;\n")
	if b.declared.Len() > 0 {
		fmt.Fprintf(s, "\t\t\tconst long u = ((i - from) / CT_W) & %d;\n", delay-1)
	}
	s.WriteString(text)
}

func (b *body) sortedLocals() []graph.Ref {
	var list []graph.Ref
	for v := range b.locals {
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}

func (b *body) sortedRoots() []int {
	var list []int
	for k := range b.roots {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

func (b *body) typeOf(dt device.DType, vec bool) string {
	if vec {
		return "v_" + typeNames[dt]
	}
	return typeNames[dt]
}

// findLocals finds the values that are read where they are made.
func (b *body) findLocals() {
	for _, m := range b.f.members {
		for i := range m.loads {
			ld := &m.loads[i]
			if ld.direct || !m.liveLoad(i) {
				continue
			}
			from, out := b.f.makes(ld.val)
			if from == nil {
				continue
			}
			l := b.locals[ld.val]
			if l == nil {
				l = &local{from: from, out: out}
				b.locals[ld.val] = l
				l.names = make([]string, l.extent())
			}
			l.array = l.array || !b.unrolled(m) || !b.unrolled(from)
		}
	}
	for _, m := range b.f.members { // in order, so that what a member reads is known
		for i := range m.outs {
			if l := b.locals[m.outs[i].val]; l != nil {
				l.vec = b.isVec(m, m.outs[i].Value)
			}
		}
	}
}

// extent returns how many numbers, or vectors, the local is.
func (l *local) extent() int {
	res, _ := l.from.inner()
	return l.from.extent(res)
}

// unrolled reports whether a member is printed without loops.
func (b *body) unrolled(m *member) bool {
	res, red := m.inner()
	ops := 1.0
	for n := range m.nodes {
		switch x := &m.nodes[n]; {
		case !m.live[n] || x.Fn == loop.Const:
		case x.Fn == loop.LoadFn && m.loads[x.K].lanewise():
			ops += 2 * width
		default:
			ops += max(1, fnCost[x.Fn]) // elementary functions are many operations
		}
	}
	for i := range m.outs {
		if m.outs[i].Reduce == loop.LSE {
			ops += fnCost[loop.Exp]
		}
	}
	return float64(m.extent(res|red))*ops <= unrolledOps
}

// lanewise reports whether a load is done lane by lane.
func (ld *load) lanewise() bool {
	return ld.guarded || slices.ContainsFunc(ld.index, func(x loop.Lin) bool { return x.Via != loop.None })
}

// isVec reports whether a node's value is a vector.
func (b *body) isVec(m *member, n loop.Node) bool {
	if b.f.vec < 0 {
		return false
	}
	vec := m.axis(b.f.vec)
	x := &m.nodes[n]
	switch x.Fn {
	case loop.Const:
		return false
	case loop.Iota:
		return int(x.K) == vec
	case loop.LoadFn:
		ld := &m.loads[x.K]
		if l := b.locals[ld.val]; l != nil && !ld.direct {
			return l.vec
		}
		for _, y := range ld.index {
			if y.Via != loop.None && b.isVec(m, y.Via) {
				return true
			}
			for _, t := range y.Terms {
				if t.Axis == vec {
					return true
				}
			}
		}
		return false
	}
	for i := range x.Fn.Arity() {
		if b.isVec(m, x.Arg[i]) {
			return true
		}
	}
	return false
}
