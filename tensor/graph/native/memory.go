// The memory of a printed program: which values lie where, and what addresses the
// text has for them.

package native

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// source says what memory a root is.
type source uint8

const (
	inArena source = iota
	ofParam
	ofConst
	ofOutput
	ofStack // rows of a loop of unknown length
)

// root is a piece of memory that the text names: p and its number.
type root struct {
	source source
	index  int // which parameter, constant of the unit, output, stack of the unit
	dt     device.DType
	bytes  int // in the arena
	offset int

	first, last int // steps
}

type packKey struct {
	val graph.Ref
	dim int
}

// at_ is the name of a root's place in the arena.
func (p *printer) at_(k int) string { return fmt.Sprintf("M%s_%d", p.prefix, k) }

// constantAt returns where the unit keeps a constant of the graph.
func (p *printer) constantAt(i, dim int) int {
	a := &p.g.g.Consts[i].Array
	if dim < 0 {
		if k, ok := p.known[i]; ok {
			return k
		}
		p.known[i] = len(p.consts)
		if !a.Dense() {
			dim = len(a.Shape) - 1
		}
	}
	p.consts = append(p.consts, constant{a, dim})
	return len(p.consts) - 1
}

// outputs gives the first output that is a value its destination's memory.
func (p *printer) outputs() {
	for i, v := range p.g.g.Outputs {
		a := p.g.alias[v]
		_, known := p.byVal[a.base]
		whole := a.base == v || a.index == nil
		if known || !whole || p.g.maker[a.base] < 0 {
			continue
		}
		p.byVal[a.base] = p.root(root{source: ofOutput, index: i, dt: p.g.g.Aval(v).DType})
	}
}

func (p *printer) root(r root) int {
	r.first, r.last = -1, -1
	p.roots = append(p.roots, r)
	return len(p.roots) - 1
}

// rootOf returns the memory of a value that is no view.
func (p *printer) rootOf(v graph.Ref) int {
	if k, ok := p.byVal[v]; ok {
		p.touch(k)
		return k
	}
	a := p.g.g.Aval(v)
	r := root{dt: a.DType, bytes: bytes(a)}
	if p.g.maker[v] < 0 {
		r.source, r.index, r.bytes = ofParam, slices.Index(p.g.g.Params, v), 0
		if r.index < 0 {
			r.source, r.index = ofConst, p.constantAt(p.g.consts[v], -1)
		}
	}
	k := p.root(r)
	p.byVal[v] = k
	p.touch(k)
	return k
}

// touch notes that the step under way uses the memory.
func (p *printer) touch(k int) {
	r := &p.roots[k]
	if r.first < 0 {
		r.first = len(p.steps)
	}
	r.last = max(r.last, len(p.steps))
}

// place is an address: an element of a root, and what a step along each axis adds.
type place struct {
	root    int
	c       int
	coef    []int
	strides []int // of the value's dimensions
}

// place returns where a load of a member reads.
func (p *printer) place(ld *load, m *member, f *form) place {
	val, index := ld.val, ld.index
	a := p.g.alias[val]
	c := p.g.start(val)
	strides := p.g.strides(val)
	k := -1
	if d := p.packDim(ld, m, f, strides); d >= 0 {
		k, strides = p.pack(val, d)
	} else {
		k = p.rootOf(a.base)
	}
	return p.at(k, c, index, strides, len(m.size))
}

func (p *printer) placeOut(o *store, m *member, f *form) place {
	return p.at(p.rootOf(o.val), 0, o.Index, loop.RowMajor(o.Aval.Shape), len(m.size))
}

func (p *printer) at(k, c int, index []loop.Lin, strides []int, axes int) place {
	at := place{root: k, c: c, coef: make([]int, axes), strides: strides}
	for d, x := range index {
		at.c += x.Const * strides[d]
		for _, t := range x.Terms {
			at.coef[t.Axis] += t.Coef * strides[d]
		}
	}
	return at
}

// packDim returns the dimension that a load's lanes run along, if the value is
// worth being copied so that they lie side by side; else -1.
func (p *printer) packDim(ld *load, m *member, f *form, strides []int) int {
	if f.vec < 0 || p.g.alias[ld.val].base != ld.val || ld.guarded {
		return -1
	}
	a := m.axis(f.vec)
	dim := -1
	for d, x := range ld.index {
		if x.Via != loop.None {
			return -1
		}
		for _, t := range x.Terms {
			if t.Axis == a {
				if dim >= 0 || t.Coef != 1 {
					return -1
				}
				dim = d
			}
		}
	}
	if dim < 0 || strides[dim] == 1 {
		return -1
	}
	// absorbed axes would have to be in the same order
	for _, at := range m.at {
		if at == absorbed {
			return -1
		}
	}
	size := p.g.g.Aval(ld.val).Size()
	reads := 1
	for s, n := range f.shared {
		if s != f.vec {
			reads *= n
		}
	}
	res, red := m.inner()
	var deps uint64
	for _, x := range ld.index {
		for _, t := range x.Terms {
			deps |= 1 << t.Axis
		}
	}
	reads *= m.extent(deps&(res|red)) * f.shared[f.vec]
	_, made := p.packs[packKey{ld.val, dim}]
	if !made && p.g.constOf(ld.val) == nil && float64(reads)*1.3 < float64(size)*2.5+float64(reads)/width {
		return -1
	}
	return dim
}

// pack returns the memory of a value with one dimension last, and its strides.
func (p *printer) pack(v graph.Ref, dim int) (k int, strides []int) {
	shape := p.g.g.Aval(v).Shape
	strides = packedStrides(shape, dim)
	key := packKey{v, dim}
	k, ok := p.packs[key]
	if !ok {
		r := root{dt: p.g.g.Aval(v).DType, bytes: bytes(p.g.g.Aval(v))}
		if p.g.constOf(v) != nil {
			r.source, r.index, r.bytes = ofConst, p.constantAt(p.g.consts[v], dim), 0
		}
		k = p.root(r)
		p.packs[key] = k
		if r.source == inArena {
			p.packStep(v, dim, k, strides)
		}
	}
	p.touch(k)
	return k, strides
}

// packedStrides returns the strides of a dense array whose dimension dim is last.
func packedStrides(shape []int, dim int) []int {
	strides := make([]int, len(shape))
	strides[dim] = 1
	s := shape[dim]
	for d := len(shape) - 1; d >= 0; d-- {
		if d != dim {
			strides[d] = s
			s *= shape[d]
		}
	}
	return strides
}

// packStep prints the step that copies.
func (p *printer) packStep(v graph.Ref, dim, to int, strides []int) {
	from := p.rootOf(v)
	shape, src := p.g.g.Aval(v).Shape, p.g.strides(v)
	p.touch(to)
	name := p.name()
	s := &p.unit.text
	fmt.Fprintf(s, "%s%s%s\t(void)lo, (void)hi;\n", p.define(name), p.pointer(from), p.pointer(to))
	var a, b []string
	depth := "\t"
	for d, n := range shape {
		fmt.Fprintf(s, "%sfor (long i%d = 0; i%d < %d; i%d++)\n", depth, d, d, n, d)
		depth += "\t"
		a, b = append(a, fmt.Sprintf("i%d * %d", d, src[d])), append(b, fmt.Sprintf("i%d * %d", d, strides[d]))
	}
	fmt.Fprintf(s, "%sp%d[%s] = p%d[%s];\n\treturn CT_DONE;\n}\n\n", depth, to, strings.Join(b, " + "), from, strings.Join(a, " + "))
	p.steps = append(p.steps, step{fn: name, items: 1, whole: true, cost: float64(p.roots[to].bytes) / 8})
}

// partial returns the memory of what the blocks of a reduction leave.
func (b *body) partial(o *store, m *member) int {
	k, ok := b.parts[o.val]
	if !ok {
		n := b.items() * m.elements()
		if o.Reduce == loop.LSE {
			n *= 2
		}
		k = b.root(root{dt: o.Aval.DType, bytes: n * o.Aval.DType.Size()})
		b.parts[o.val] = k
	}
	b.touch(k)
	return k
}

// pointer declares the pointer to a root.
func (p *printer) pointer(k int) string {
	t := elementNames[p.roots[k].dt]
	switch p.roots[k].source {
	case inArena, ofOutput:
		return fmt.Sprintf("\t%s *restrict p%d = (%s *)(%s);\n", t, k, t, p.address(k))
	}
	return fmt.Sprintf("\tconst %s *restrict p%d = (const %s *)(%s);\n", t, k, t, p.address(k))
}

// address is the text of a root's address.
func (p *printer) address(k int) string {
	switch r := &p.roots[k]; r.source {
	case inArena:
		return "c->mem + " + p.at_(k)
	case ofConst:
		return fmt.Sprintf("c->k[%d]", r.index)
	case ofStack:
		return fmt.Sprintf("c->stacks[%d].p", r.index)
	case ofOutput:
		return fmt.Sprintf("c->p[%d]", len(p.g.g.Params)+r.index)
	default:
		return fmt.Sprintf("c->p[%d]", r.index)
	}
}

// start returns where in its base's memory a value begins, in elements.
func (g *grouping) start(v graph.Ref) int {
	a, c := g.alias[v], 0
	if a.base != v && a.index != nil {
		base := g.strides(a.base)
		for d, x := range a.index {
			c += x.Const * base[d]
		}
	}
	return c
}

// plan lays the roots of the arena out, each in the first gap that holds it.
func (p *printer) plan() (arena int) {
	var list []int
	for k := range p.roots {
		if r := &p.roots[k]; r.source == inArena && r.first >= 0 {
			list = append(list, k)
		}
	}
	slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(p.roots[a].first, p.roots[b].first) })
	blocks := make([]graph.Block, len(list))
	for i, k := range list {
		r := &p.roots[k]
		blocks[i] = graph.Block{Size: r.bytes + 64, First: r.first, Last: r.last}
		if p.g.g.Without.Has(graph.Reuse) {
			blocks[i].Last = math.MaxInt
		}
	}
	arena = graph.PlanBlocks(blocks)
	for i, k := range list {
		p.roots[k].offset = blocks[i].Offset
	}
	return arena
}

// gaps returns what is cleared before a result is written or added to: all of it, or
// what lies before and behind its elements where these lie side by side.
func (p *printer) gaps(m *member, o *store) []gap {
	k, size := p.rootOf(o.val), bytes(o.Aval)
	all := []gap{{k, 0, size}}
	if o.Scatter || !o.Partial || m.extent(m.all()) == 0 {
		return all
	}
	var seen uint64
	from, to, row, outermost := 0, 1, o.Aval.DType.Size(), true
	for d, n := range o.Aval.Shape {
		x := o.Index[d]
		switch {
		case x.Via != loop.None || x.Const < 0 || len(x.Terms) > 1 || len(x.Terms) == 1 && x.Terms[0].Coef != 1:
			return all
		case n == 1:
			continue
		}
		written := 1
		if len(x.Terms) == 1 {
			a := x.Terms[0].Axis
			if seen>>a&1 != 0 {
				return all
			}
			seen |= 1 << a
			written = m.size[a]
		}
		switch {
		case outermost:
			from, to, outermost = x.Const, x.Const+written, false
		case x.Const != 0 || written != n:
			return all
		default:
			row *= n
		}
	}
	var list []gap
	for _, g := range []gap{{k, 0, from * row}, {k, to * row, size}} {
		if g.from < g.to {
			list = append(list, g)
		}
	}
	return list
}

// clear is the statement that clears part of a root.
func (p *printer) clear(x gap) string {
	return fmt.Sprintf("memset((char *)(%s) + %d, 0, %d);", p.address(x.root), x.from, x.to-x.from)
}
