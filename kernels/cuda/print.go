//go:build cuda && cgo

package cuda

// Printing a nest's kernels: parameters, coordinates, and the body.

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

//go:embed prelude.cuh
var preludeText string

//go:embed loops.cuh
var loopsText string

//go:embed reduce.cuh
var reduceText string

//go:embed gamma.cuh
var gammaText string

// slot is an argument of 8 bytes: the address of an element of an array, an
// array's only element, or memory of the run.
type slot struct {
	what  slotKind
	array int // operand or result
	bytes int // from the array's first element; scratch: from its beginning
}

type slotKind uint8

const (
	ofOperand slotKind = iota
	ofResult
	ofValue   // an operand's only element
	ofScratch // memory of this run
	ofFlag    // the word that tells of bad indices
)

// printer writes one kernel of a nest for a layout of its operands.
type printer struct {
	n      *nest
	lay    *layout
	body   *loop.Body
	res    []dim
	red    []dim
	decls  []string
	slots  []slot
	ints   []int          // the numbers that the kernel is given as p.v
	loads  map[int]access // by number of load
	stores map[int]affine
	lane   int // elements that a thread does at once: neighbours along inner
	inner  dim
	turned int // where squares are read: the dimension along which operands' neighbours lie
	b      strings.Builder
}

// access is how a load reads.
type access struct {
	name string
	at   affine
	lone bool // an element passed by value
	vec  bool // lane elements are read together, into v<load>
	// A square of elements is read together, into s<load>.
	tiled bool
}

// newPrinter collects what the nest reads and writes, and merges its axes.
func newPrinter(n *nest, lay *layout) *printer {
	p := &printer{n: n, lay: lay, body: n.e.CUDA(), loads: map[int]access{}, stores: map[int]affine{}, lane: 1}
	p.body.Element, p.body.Axis = p.element, p.axis
	var all []affine
	for k := range n.e.Nodes {
		x := &n.e.Nodes[k]
		if !n.needs[k] {
			continue
		}
		switch x.Fn {
		case loop.Iota:
			all = append(all, n.number(loop.At(int(x.K))))
		case loop.LoadFn:
			l := &n.e.Loads[x.K]
			at := n.place(l.Index, lay.strideOf(l.In))
			p.loads[int(x.K)] = access{at: at, lone: lay.lone[l.In]}
			all = append(all, at)
			if l.Guarded {
				for _, i := range l.Index {
					all = append(all, n.number(i))
				}
			}
		}
	}
	for _, o := range n.outs {
		s := &n.e.Outs[o]
		p.stores[o] = n.place(s.Index, denseStride(s.Aval.Shape))
		all = append(all, p.stores[o])
	}
	res := n.res
	if len(n.red) == 0 && !n.scatter {
		// Neighbouring threads write neighbours, in whichever order the axes are named.
		to := p.stores[n.outs[0]].coef
		res = slices.Clone(res)
		slices.SortStableFunc(res, func(a, b int) int { return to[b] - to[a] })
	}
	p.res, p.red = n.merge(res, all), n.merge(n.red, all)
	return p
}

// declare adds an argument and returns its name.
func (p *printer) declare(text string, s slot) string {
	name := fmt.Sprintf("a%d", len(p.slots))
	p.decls = append(p.decls, text+name)
	p.slots = append(p.slots, s)
	return name
}

// int adds a number that the kernel is given.
func (p *printer) int(v int) string {
	p.ints = append(p.ints, v)
	return fmt.Sprintf("p.v[%d]", len(p.ints)-1)
}

// arguments declares all operands and results, an operand once for all its loads.
func (p *printer) arguments() (outs map[int]string) {
	e := p.n.e
	names := map[int]string{}
	for k := range e.Loads {
		a, ok := p.loads[k]
		if !ok {
			continue
		}
		in := e.Loads[k].In
		dt := e.Ins[in].DType
		if a.name = names[in]; a.name == "" {
			if a.lone {
				a.name = p.declare("u64 ", slot{ofValue, in, 0})
			} else {
				a.name = p.declare("const "+loop.CUDAType(dt)+" *", slot{ofOperand, in, 0})
			}
			names[in] = a.name
		}
		p.loads[k] = a
	}
	outs = map[int]string{}
	for _, o := range p.n.outs {
		dt := e.Outs[o].Aval.DType
		outs[o] = p.declare(loop.CUDAType(dt)+" *", slot{ofResult, o, p.stores[o].c0 * dt.Size()})
	}
	return outs
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(&p.b, format+"\n", args...) }

// variable names the value of a dimension.
func variable(kind string, d int) string { return fmt.Sprintf("%s%d", kind, d) }

// coordinates splits the index named from into those of dimensions, which are there
// already where it has no name.
func (p *printer) coordinates(kind, from string, dims []dim, indent string) {
	if from == "" {
		return
	}
	for d := len(dims) - 1; d > 0; d-- {
		size := p.int(dims[d].size)
		p.line("%sconst ix %s = %s %% %s;", indent, variable(kind, d), from, size)
		p.line("%s%s /= %s;", indent, from, size)
	}
	if len(dims) > 0 {
		p.line("%sconst ix %s = %s;", indent, variable(kind, 0), from)
	}
}

// side is the dimensions of results or the reduced ones.
type side struct {
	kind string
	dims []dim
}

func (p *printer) sides() [2]side { return [2]side{{"i", p.res}, {"q", p.red}} }

// at is the text of an affine function, without its constant.
func (p *printer) at(f affine) string {
	var terms []string
	for _, side := range p.sides() {
		for d, x := range side.dims {
			switch c := x.of(f); c {
			case 0:
			case 1:
				terms = append(terms, variable(side.kind, d))
			default:
				terms = append(terms, variable(side.kind, d)+" * "+p.int(c))
			}
		}
	}
	if len(terms) == 0 {
		return "0"
	}
	return strings.Join(terms, " + ")
}

// whole is the text of an affine function.
func (p *printer) whole(f affine) string {
	if f.c0 == 0 {
		return p.at(f)
	}
	return p.int(f.c0) + " + " + p.at(f)
}

// axis is the value of an axis: merged ones are asked for by nobody.
func (p *printer) axis(a int) string {
	for _, side := range p.sides() {
		for d, x := range side.dims {
			if len(x.axes) == 1 && x.axes[0] == a {
				return variable(side.kind, d)
			}
		}
	}
	return "0"
}

// element is a load's text, and the conditions without which it is zero.
func (p *printer) element(n loop.Node, l *loop.Load) (conds []string, text string) {
	k := int(p.n.e.Nodes[n].K)
	a := p.loads[k]
	shape := p.n.e.Ins[l.In].Shape
	if l.Guarded {
		for d, i := range l.Index {
			if i.Via != loop.None {
				continue
			}
			f := p.n.number(i)
			if lo, hi := p.bounds(f); lo >= 0 && hi < shape[d] {
				continue
			}
			// One comparison of unsigned numbers is both: negative ones are large.
			conds = append(conds, fmt.Sprintf("(uix)(%s + %s) < (uix)%s", p.int(f.c0), p.at(f), p.int(shape[d])))
		}
	}
	dt := loop.CUDAType(p.n.e.Ins[l.In].DType)
	through := p.through(l.Index, shape, p.lay.strideOf(l.In))
	if a.lone {
		text = "from_bits<" + dt + ">(" + a.name + ")"
		if through != "" { // any index in range finds the element, another one is told
			text = "((void)(0" + through + "), " + text + ")"
		}
		return conds, text
	}
	if a.tiled {
		return conds, fmt.Sprintf("s_%d[threadIdx.x][row]", k)
	}
	if a.vec {
		return conds, fmt.Sprintf("pick(v_%d, lane)", k)
	}
	return conds, a.name + "[" + p.whole(a.at) + through + "]"
}

// bounds are the least and the greatest value of a function.
func (p *printer) bounds(f affine) (lo, hi int) {
	lo, hi = f.c0, f.c0
	for a, c := range f.coef {
		if d := c * (p.n.e.Axes[a].Size - 1); d < 0 {
			lo += d
		} else {
			hi += d
		}
	}
	return lo, hi
}

// through is the part of a place that gathered indices are.
func (p *printer) through(index []loop.Lin, shape []int, stride func(int) int) string {
	text := ""
	for d, i := range index {
		if i.Via != loop.None {
			text += fmt.Sprintf(" + gathered(%s, %s, flag) * %s", p.body.Name(i.Via), p.int(shape[d]), p.int(stride(d)))
		}
	}
	return text
}

// flag declares the flag's argument where it is used.
func (p *printer) flag() {
	if p.n.gathers() {
		p.decls = append(p.decls, "u64 *flag")
		p.slots = append(p.slots, slot{what: ofFlag})
	}
}

// source is the kernel's whole text.
func (p *printer) source(extra string) string {
	var s strings.Builder
	if p.lay.wide {
		s.WriteString("typedef long long ix;\ntypedef unsigned long long uix;\n")
	} else {
		s.WriteString("typedef int ix;\ntypedef unsigned uix;\n")
	}
	s.WriteString(preludeText)
	s.WriteString(loopsText)
	body := p.b.String()
	if strings.Contains(body, "cotangent_polygamma") || strings.Contains(body, "cotangent_digamma") {
		s.WriteString(gammaText)
	}
	s.WriteString(extra)
	fmt.Fprintf(&s, "struct P {\n\tix v[%d];\n};\n", max(1, len(p.ints)))
	fmt.Fprintf(&s, "extern \"C\" __global__ void __launch_bounds__(%d) kernel(%s) {\n%s}\n", threads, strings.Join(append(p.decls, "P p"), ", "), body)
	return s.String()
}

// launch makes what a run needs of the printed kernel.
func (p *printer) launch(extra string, l geometry) *launch {
	x := &launch{source: p.source(extra), slots: p.slots, geometry: l}
	for range p.slots {
		x.args = append(x.args, make([]byte, 8)...)
	}
	for _, v := range p.ints {
		if p.lay.wide {
			x.args = appendInt(x.args, int64(v))
		} else {
			x.args = appendInt(x.args, int32(v))
		}
	}
	if len(p.ints) == 0 {
		x.args = append(x.args, make([]byte, 8)...)
	}
	return x
}

func appendInt[T int32 | int64](b []byte, v T) []byte {
	return append(b, unsafe.Slice((*byte)(unsafe.Pointer(&v)), unsafe.Sizeof(v))...)
}

// one reports whether an array has a single element, whatever its shape.
func one(a *kernels.Array) bool {
	for d, n := range a.Shape {
		if n > 1 && a.Stride(d) != 0 {
			return false
		}
	}
	return a.Size() > 0
}
