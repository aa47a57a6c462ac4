package native

// Printing control flow: bodies are programs of their own, whose arguments and
// destinations the loop points to, step by step, to where they lie.

import (
	"fmt"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
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
	if c.Form == graph.While && c.Ys > 0 {
		p.err = &UnsupportedError{"a while loop that keeps residuals"}
		return
	}
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
	w.line("static int %s(ct_run *c, long lo, long hi) {", name)
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
	strides, out := p.g.strides(v), dense(aval.Shape)
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
	q := newPrinter(w.unit, schedule(g, false), fmt.Sprint(w.unit.bodies), w.within)
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
		for _, k := range st.zero {
			fmt.Fprintf(s, "\tmemset(%s, 0, %d);\n", q.address(k), q.size(k))
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
	w.line("%sct_run b%d = {t%d, c->k, c->mem + %s, c->cancel, c->f};", depth, k, k, w.at_(b.mem))
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

// loop prints a Scan or a While. A carry has two places, the result's and a spare
// one, that take turns; where the steps are known they do so that the last step
// writes the result.
func (w *controlWriter) loop() {
	c, body := w.c, w.c.Body()
	last := len(w.bodies) - 1
	params := len(body.Params)
	w.run(last, "\t")
	for i := range c.Consts {
		w.point("\t", last, i, w.in[i])
	}
	results := make([]string, c.Carries)
	spares := make([]string, c.Carries)
	for j := range c.Carries {
		results[j], spares[j] = w.out[j], w.spare(body, body.Outputs[j])
		w.point("\t", last, c.Consts+j, w.in[c.Consts+j])
	}
	parts := make([]string, c.Sums)
	for j := range c.Sums {
		parts[j] = w.spare(body, body.Outputs[c.Carries+c.Ys+j])
	}
	test := ""
	switch {
	case c.Form == graph.While:
		w.line("\tconst long n = 1;") // so that the first step writes the result
		test = w.spare(w.bodies[0].graph, w.bodies[0].graph.Outputs[0])
		w.run(0, "\t")
		w.point("\t", 0, len(w.bodies[0].graph.Params), test)
	case c.Counted:
		w.line("\tlong n = *(const i64 *)(%s);", w.in[len(w.in)-1])
		w.line("\tif (n > %d) n = %d;", c.Length, c.Length)
	default:
		w.line("\tconst long n = %d;", c.Length)
	}
	w.line("\tlong step = 0;")
	if c.Form == graph.While {
		w.line("\tfor (;; step++) {")
		for i := range w.bodies[0].graph.Params {
			w.line("\t\tt0[%d] = t%d[%d];", i, last, i)
		}
		w.line("\t\tint end = %s(&b0);", w.bodies[0].fn)
		w.failIn("\t\t")
		w.line("\t\tif (!*(const u8 *)(%s)) break;", test)
		if c.Bound > 0 {
			w.line("\t\tif (step == %d) {", c.Bound)
			w.line("\t\t\tif (!c->f->set) c->f->set = 1, c->f->site = %d, c->f->size = %d;\n\t\t\treturn CT_STEPS;\n\t\t}", w.site, c.Bound)
		}
		w.line("\t\tif (c->cancel && *(volatile const uint32_t *)c->cancel) return CT_CANCELLED;")
	} else {
		w.line("\tfor (; step < n; step++) {")
		w.line("\t\tconst long r = %s;", map[bool]string{false: "step", true: "n - 1 - step"}[c.Reverse])
		w.line("\t\t(void)r;")
	}
	for i := range c.Xs {
		at := c.Consts + c.Carries + i
		w.point("\t\t", last, at, fmt.Sprintf("%s + r * %d", w.in[at], bytes(body.Aval(body.Params[at]))))
	}
	for j := range c.Carries {
		w.point("\t\t", last, params+j, fmt.Sprintf("(n - 1 - step) & 1 ? %s : %s", spares[j], results[j]))
	}
	for i := range c.Ys {
		at := c.Carries + i
		w.point("\t\t", last, params+at, fmt.Sprintf("%s + r * %d", w.out[c.FirstY()+i], bytes(body.Aval(body.Outputs[at]))))
	}
	for j := range c.Sums {
		at := c.Carries + c.Ys + j
		w.point("\t\t", last, params+at, fmt.Sprintf("step ? %s : %s", parts[j], w.out[c.FirstY()+c.Ys+j]))
	}
	if c.Form == graph.While {
		w.line("\t\tend = %s(&b%d);", w.bodies[last].fn, last)
	} else {
		w.line("\t\tconst int end = %s(&b%d);", w.bodies[last].fn, last)
	}
	w.failIn("\t\t")
	for j := range c.Carries {
		w.line("\t\tt%d[%d] = t%d[%d];", last, c.Consts+j, last, params+j)
	}
	for j := range c.Sums {
		a := body.Aval(body.Outputs[c.Carries+c.Ys+j])
		t := typeNames[a.DType]
		w.line("\t\tif (step) ct_add_%s((%s *)(%s), (const %s *)(%s), %d);", t, t, w.out[c.FirstY()+c.Ys+j], t, parts[j], a.Size())
	}
	w.line("\t}")
	for j := range c.Carries {
		w.line("\tif (t%d[%d] != (char *)(%s)) memcpy(%s, t%d[%d], %d);", last, c.Consts+j, results[j], results[j], last, c.Consts+j, bytes(body.Aval(body.Outputs[j])))
	}
	for j := range c.Sums {
		w.line("\tif (!step) memset(%s, 0, %d);", w.out[c.FirstY()+c.Ys+j], bytes(body.Aval(body.Outputs[c.Carries+c.Ys+j])))
	}
	if c.Form == graph.While {
		w.line("\t*(i64 *)(%s) = step;", w.out[c.Carries])
	}
}

// failIn prints what leaves the loop with a fault of its body.
func (w *controlWriter) failIn(depth string) {
	w.line("%sif (end != CT_DONE) {", depth)
	w.line("%s\tif (c->f->depth < CT_DEPTH) c->f->step[c->f->depth] = step, c->f->form[c->f->depth++] = %d;", depth, w.c.Form)
	w.line("%s\treturn end;\n%s}", depth, depth)
}
