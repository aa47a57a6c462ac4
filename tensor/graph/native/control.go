package native

// Printing control flow: bodies are programs of their own, whose arguments and
// destinations the loop points to, step by step, to where they lie.

import (
	"fmt"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// body is a graph that control flow runs, printed.
type bodyText struct {
	fn    string
	graph *graph.Graph
	mem   int // its arena, a root of the outer graph
}

// control prints a control instruction as one step.
func (p *printer) control(s *stmt) {
	inst := p.g.g.Instrs[s.instr].Inst
	c := graph.ControlOf(inst)
	w := &controlWriter{printer: p, c: c, s: s, site: p.site(s.instr)}
	var roots []int
	for _, v := range s.in {
		k, at := p.denseAddress(v)
		roots, w.in = append(roots, k), append(w.in, at)
	}
	for i := range s.outs {
		w.out = append(w.out, p.address(p.rootOf(s.outs[i].val)))
	}
	for _, k := range roots { // after the steps that copy
		p.touch(k)
	}
	for _, g := range c.Bodies {
		b := w.body(g)
		if p.err != nil {
			return
		}
		w.bodies = append(w.bodies, b)
	}
	name := p.name()
	w.b.WriteString(p.define(name))
	w.line("\t(void)lo, (void)hi;")
	switch c.Form {
	case graph.Cond:
		w.cond()
	case graph.Call:
		w.once(0, "\t", w.in)
	default:
		w.loop()
	}
	w.line("\treturn CT_DONE;\n}\n")
	p.unit.text.WriteString(w.b.String())
	p.steps = append(p.steps, step{fn: name, items: 1, whole: true, cost: 1e3})
}

// denseAddress returns the root and the address of a value, or of a copy where it
// is not dense.
func (p *printer) denseAddress(v graph.Ref) (k int, address string) {
	a, aval := p.g.alias[v], p.g.g.Aval(v)
	strides, out := p.g.strides(v), loop.RowMajor(aval.Shape)
	for d, n := range aval.Shape {
		if n != 1 && strides[d] != out[d] && aval.Size() > 0 {
			k := p.root(root{dt: aval.DType, bytes: bytes(aval)})
			p.copyStep(v, k)
			return k, p.address(k)
		}
	}
	k = p.rootOf(a.base)
	at := p.address(k)
	if off := p.g.start(v) * aval.DType.Size(); off != 0 {
		at += fmt.Sprintf(" + %d", off)
	}
	return k, at
}

// controlWriter prints one control instruction.
type controlWriter struct {
	*printer
	c       *graph.Control
	s       *stmt
	site    int
	in, out []string // addresses
	bodies  []bodyText
	b       strings.Builder
}

func (w *controlWriter) line(format string, args ...any) {
	fmt.Fprintf(&w.b, format+"\n", args...)
}

// body prints a body's program, and the function that does all of its steps.
func (w *controlWriter) body(g *graph.Graph) bodyText {
	w.unit.bodies++
	q := newPrinter(w.unit, schedule(g, w.hosted), fmt.Sprint(w.unit.bodies), w.within)
	if q.within < 0 {
		q.within = w.s.instr
	}
	b := bodyText{fn: "body" + q.prefix, graph: g}
	if q.all(); q.err != nil {
		w.err = q.err
		return b
	}
	s := &w.unit.text
	fmt.Fprintf(s, "static int %s(ct_run *c) {\n\tint end;\n\t(void)end;\n", b.fn)
	for _, st := range q.steps {
		for _, x := range st.zero {
			fmt.Fprintf(s, "\t%s\n", q.clear(x))
		}
		fmt.Fprintf(s, "\tif ((end = %s(c, 0, %d)) != CT_DONE) return end;\n", st.fn, st.items)
	}
	s.WriteString("\treturn CT_DONE;\n}\n\n")
	b.mem = w.root(root{dt: device.Float64, bytes: q.arena})
	w.touch(b.mem)
	return b
}

// spare returns the address of scratch memory for a value of a body.
func (w *controlWriter) spare(g *graph.Graph, v graph.Ref) string {
	k := w.root(root{dt: g.Aval(v).DType, bytes: bytes(g.Aval(v))})
	w.touch(k)
	return w.address(k)
}

// run declares the run of body k, with a table of its pointers.
func (w *controlWriter) run(k int, depth string) {
	b := w.bodies[k]
	w.line("%schar *t%d[%d];", depth, k, len(b.graph.Params)+len(b.graph.Outputs)+1)
	w.line("%sct_run b%d = *c;\n%sb%d.p = t%d, b%d.mem += %s;", depth, k, depth, k, k, k, w.at_(b.mem))
}

// point points an argument or a destination of body k to an address.
func (w *controlWriter) point(depth string, k, i int, address string) {
	w.line("%st%d[%d] = (char *)(%s);", depth, k, i, address)
}

// once runs body k on arguments, to the results.
func (w *controlWriter) once(k int, depth string, in []string) {
	b := w.bodies[k]
	w.run(k, depth)
	for i, a := range in {
		w.point(depth, k, i, a)
	}
	for i, a := range w.out {
		w.point(depth, k, len(b.graph.Params)+i, a)
	}
	w.line("%sconst int end = %s(&b%d);\n%sif (end != CT_DONE) return end;", depth, b.fn, k, depth)
}

func (w *controlWriter) cond() {
	w.line("\tif (*(const u8 *)(%s)) {", w.in[0])
	w.once(0, "\t\t", w.in[1:])
	w.line("\t} else {")
	w.once(1, "\t\t", w.in[1:])
	w.line("\t}")
}
