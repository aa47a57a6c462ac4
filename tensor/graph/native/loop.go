// Printing Scan and While.

package native

import (
	"fmt"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// loopWriter prints a loop over a body, whose number is last. A carry has two
// places, the result's and a spare one, that take turns; where the steps are known
// they do so that the last step writes the result.
type loopWriter struct {
	*controlWriter
	graph  *graph.Graph // the body
	last   int
	carry  []string // of each carry the result's address
	spares []string // and the spare one
	ys     []string
	stacks []int // of each y, its stack, or -1
	sums   []string
	parts  []string // of each sum, the address of what a step adds
}

func (w *controlWriter) newLoop() *loopWriter {
	c, first := w.c, w.c.FirstY()
	l := &loopWriter{
		controlWriter: w, graph: c.Body(), last: len(w.bodies) - 1,
		carry: w.out[:c.Carries], ys: w.out[first : first+c.Ys], sums: w.out[first+c.Ys:],
	}
	for j := range c.Carries {
		l.spares = append(l.spares, w.spare(l.graph, l.graph.Outputs[j]))
	}
	for i := range c.Ys {
		stack := -1
		if r := &w.roots[w.rootOf(w.s.outs[first+i].val)]; r.source == ofStack {
			stack = r.index
		}
		l.stacks = append(l.stacks, stack)
	}
	for j := range c.Sums {
		l.parts = append(l.parts, w.spare(l.graph, l.graph.Outputs[c.Carries+c.Ys+j]))
	}
	return l
}

// output returns the type of a result of the body.
func (l *loopWriter) output(i int) kernels.Aval { return l.graph.Aval(l.graph.Outputs[i]) }

// loop prints a Scan or a While.
func (w *controlWriter) loop() {
	l := w.newLoop()
	w.run(l.last, "\t")
	for i := range w.c.Consts + w.c.Carries {
		w.point("\t", l.last, i, w.in[i])
	}
	w.line("\tlong step = 0;")
	w.line("\tint end;")
	if w.c.Form == graph.While {
		l.openWhile()
	} else {
		l.openScan()
	}
	l.step()
	w.line("\t}")
	l.close()
}

// openWhile prints the head of the loop: whether there is another step, and room
// for its rows.
func (l *loopWriter) openWhile() {
	test := l.bodies[0]
	holds := l.spare(test.graph, test.graph.Outputs[0])
	l.run(0, "\t")
	l.point("\t", 0, len(test.graph.Params), holds)
	l.line("\tconst long n = 1;") // so that the first step writes the result
	l.line("\tfor (;; step++) {")
	for i := range test.graph.Params {
		l.line("\t\tt0[%d] = t%d[%d];", i, l.last, i)
	}
	l.line("\t\tend = %s(&b0);", test.fn)
	l.failIn("\t\t")
	l.line("\t\tif (!*(const u8 *)(%s)) break;", holds)
	if l.c.Bound > 0 {
		l.fail(fmt.Sprintf("step == %d", l.c.Bound), "CT_STEPS", l.c.Bound)
	}
	row := 0
	for i := range l.c.Ys {
		row += bytes(l.output(l.c.Carries + i))
	}
	if l.c.Ys > 0 {
		full := fmt.Sprintf("step >= %d", l.c.Length)
		if l.c.Limit > 0 {
			full += fmt.Sprintf(" || (step + 1) * INT64_C(%d) > %d", row, l.c.Limit)
		}
		l.fail(full, "CT_STACK", l.c.Limit)
	}
	l.reserve("\t\t", "step + 1")
	l.line("\t\tconst long r = step;")
	l.line("\t\tif (c->cancel && *(volatile const uint32_t *)c->cancel) return CT_CANCELLED;")
}

// openScan prints the head of the loop, and room for all rows before it.
func (l *loopWriter) openScan() {
	if l.c.Counted {
		l.line("\tlong n = *(const i64 *)(%s);", l.in[len(l.in)-1])
		l.line("\tif (n > %d) n = %d;", l.c.Length, l.c.Length)
	} else {
		l.line("\tconst long n = %d;", l.c.Length)
	}
	l.reserve("\t", "n")
	l.line("\tfor (; step < n; step++) {")
	l.line("\t\tconst long r = %s;", map[bool]string{false: "step", true: "n - 1 - step"}[l.c.Reverse])
}

// fail prints the fault of the loop itself.
func (l *loopWriter) fail(condition, end string, limit int) {
	l.line("\t\tif (%s) {", condition)
	l.line("\t\t\tif (!c->f->set) c->f->set = 1, c->f->site = %d, c->f->index = step, c->f->size = %d;", l.site, limit)
	l.line("\t\t\treturn %s;\n\t\t}", end)
}

// reserve prints what makes room for rows of the ys that grow.
func (l *loopWriter) reserve(depth, rows string) {
	for _, s := range l.stacks {
		if s >= 0 {
			l.line("%sif ((end = ct_reserve(c, %d, %d, %s)) != CT_DONE) return end;", depth, l.site, s, rows)
		}
	}
}

// step prints one step: r is its row.
func (l *loopWriter) step() {
	c, params := l.c, len(l.graph.Params)
	l.line("\t\t(void)r;")
	for i := range c.Xs {
		at := c.Consts + c.Carries + i
		l.point("\t\t", l.last, at, fmt.Sprintf("%s + r * %d", l.in[at], bytes(l.graph.Aval(l.graph.Params[at]))))
	}
	for j := range c.Carries {
		l.point("\t\t", l.last, params+j, fmt.Sprintf("(n - 1 - step) & 1 ? %s : %s", l.spares[j], l.carry[j]))
	}
	for i := range c.Ys {
		l.point("\t\t", l.last, params+c.Carries+i, fmt.Sprintf("%s + r * %d", l.ys[i], bytes(l.output(c.Carries+i))))
	}
	for j := range c.Sums {
		l.point("\t\t", l.last, params+c.Carries+c.Ys+j, fmt.Sprintf("step ? %s : %s", l.parts[j], l.sums[j]))
	}
	l.line("\t\tend = %s(&b%d);", l.bodies[l.last].fn, l.last)
	l.failIn("\t\t")
	for j := range c.Carries {
		l.line("\t\tt%d[%d] = t%d[%d];", l.last, c.Consts+j, l.last, params+j)
	}
	for j := range c.Sums {
		a := l.output(c.Carries + c.Ys + j)
		t := typeNames[a.DType]
		l.line("\t\tif (step) ct_add_%s((%s *)(%s), (const %s *)(%s), %d);", t, t, l.sums[j], t, l.parts[j], a.Size())
	}
}

// close prints what leaves the results as they are after the last step.
func (l *loopWriter) close() {
	for j, to := range l.carry {
		from := fmt.Sprintf("t%d[%d]", l.last, l.c.Consts+j)
		l.line("\tif (%s != (char *)(%s)) memcpy(%s, %s, %d);", from, to, to, from, bytes(l.output(j)))
	}
	for j, to := range l.sums {
		l.line("\tif (!step) memset(%s, 0, %d);", to, bytes(l.output(l.c.Carries+l.c.Ys+j)))
	}
	if l.c.Form == graph.While {
		l.line("\t*(i64 *)(%s) = step;", l.out[l.c.Carries])
	}
}

// failIn prints what leaves the loop with a fault of its body.
func (w *controlWriter) failIn(depth string) {
	w.line("%sif (end != CT_DONE) {", depth)
	w.line("%s\tif (c->f->depth < CT_DEPTH) c->f->step[c->f->depth] = step, c->f->form[c->f->depth++] = %d;", depth, w.c.Form)
	w.line("%s\treturn end;\n%s}", depth, depth)
}

// findStacks gives stacks to what has a row for each step of a loop of unknown
// length, where nothing but scans of as many steps read it, row by row.
func (p *printer) findStacks() {
	grows := map[graph.Ref]bool{}
	for i := range p.g.g.Instrs {
		x := &p.g.g.Instrs[i]
		if c := graph.ControlOf(x.Inst); c != nil && c.Dynamic() {
			for k := range c.Ys {
				grows[x.Out+graph.Ref(c.FirstY()+k)] = true
			}
		}
	}
	if len(grows) == 0 {
		return
	}
	for _, v := range p.g.g.Outputs {
		delete(grows, p.g.alias[v].base)
	}
	for _, s := range p.g.stmts {
		for i := range s.loads {
			delete(grows, p.g.alias[s.loads[i].val].base)
		}
		for k, v := range s.in {
			if !p.readsRows(s, k, v) {
				delete(grows, p.g.alias[v].base)
			}
		}
	}
	for v := range graph.Ref(p.g.g.NumValues()) {
		if !grows[v] {
			continue
		}
		a := p.g.g.Aval(v)
		p.byVal[v] = p.root(root{source: ofStack, index: len(p.unit.stacks), dt: a.DType})
		p.unit.stacks = append(p.unit.stacks, stackRows{row: bytes(a) / max(a.Shape[0], 1), most: a.Shape[0]})
	}
}

// readsRows reports whether operand k of a call, value v, is read by a counted scan
// row by row, where it lies.
func (p *printer) readsRows(s *stmt, k int, v graph.Ref) bool {
	c := graph.ControlOf(p.g.g.Instrs[s.instr].Inst)
	if c == nil || !c.Counted || k < c.Consts+c.Carries || k >= c.Consts+c.Carries+c.Xs {
		return false
	}
	shape, base := p.g.g.Aval(v).Shape, p.g.g.Aval(p.g.alias[v].base).Shape
	return shape[0] == base[0] && p.g.start(v) == 0 && slices.Equal(p.g.strides(v), loop.RowMajor(shape))
}
