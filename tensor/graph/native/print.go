// Printing a program: its steps, and the text.

package native

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	_ "embed"

	"github.com/cotangent-ad/cotangent/internal/cc"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/cpu/vmath"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

//go:embed prelude.h
var prelude string

// step is something that is done in order: a function over items, or a call of
// an instruction's kernel.
type step struct {
	fn    string  // of the text; "" for a call
	call  int     // the instruction
	items int     // that may be shared out
	cost  float64 // nanoseconds in all, estimated
	zero  []gap   // what is cleared first
	whole bool    // all items are done in order by one worker
}

// gap is bytes of a root that a step does not write, or adds to.
type gap struct{ root, from, to int }

// unit is the text of a whole program, bodies of control flow included.
type unit struct {
	text    strings.Builder
	cuts    []int // of the text, where one of the program's own steps ends
	consts  []constant
	sites   []site
	stacks  []stackRows
	calls   []hostCall
	bodies  int
	inlined int  // vector functions
	hosted  bool // there is who makes room for stacks and calls kernels
}

// stackRows is what a stack holds: rows of so many bytes, so many at the most.
type stackRows struct{ row, most int }

// hostCall is the call of a kernel in the body of control flow.
type hostCall struct {
	inst    *kernels.Inst
	strides [][]int // of the arrays, those of the results last
}

// constant is a constant as the text reads it: as it is, or with dimension dim
// last (-1: as it is).
type constant struct {
	array *kernels.Array
	dim   int
}

// site is where a fault can be: an instruction, and which of the program's own it
// is or is part of.
type site struct {
	instr int
	inst  *kernels.Inst
}

// printer turns the groups of one graph into text.
type printer struct {
	*unit
	prefix string // of names
	within int    // the instruction of the program that the graph is a body of, or -1
	g      *grouping
	roots  []root
	byVal  map[graph.Ref]int
	packs  map[packKey]int
	parts  map[graph.Ref]int
	known  map[int]int // constants by their number in the graph
	steps  []step
	views  map[graph.Ref]view
	arena  int
	err    error
}

// printed is a program as text.
type printed struct {
	graph  *graph.Graph
	text   string   // without the prelude
	open   string   // declares what the parts share
	parts  []string // the steps' functions, and what runs them: they may be compiled apart
	steps  []step
	roots  []root
	consts []constant
	sites  []site
	stacks []stackRows
	calls  []hostCall
	arena  int
	views  map[graph.Ref]view // of the values that calls read or write
}

// view is where a value that calls read or write lies.
type view struct {
	root    int
	offset  int // in bytes
	strides []int
}

// UnsupportedError tells that a program that must stand for itself holds an
// operation that cannot be printed.
type UnsupportedError struct{ Op string }

func (e *UnsupportedError) Error() string {
	return "native: " + e.Op + " cannot be printed as C"
}

func newPrinter(u *unit, g *grouping, prefix string, within int) *printer {
	return &printer{unit: u, g: g, prefix: prefix, within: within, byVal: map[graph.Ref]int{}, packs: map[packKey]int{},
		parts: map[graph.Ref]int{}, known: map[int]int{}, views: map[graph.Ref]view{}}
}

// print makes the program of a grouping; see lower for hosted.
func (g *grouping) print(hosted bool) (*printed, error) {
	u := &unit{hosted: hosted}
	p := newPrinter(u, g, "", -1)
	if p.all(); p.err != nil {
		return nil, p.err
	}
	out := &printed{graph: g.g, steps: p.steps, roots: p.roots, consts: u.consts, sites: u.sites, stacks: u.stacks, calls: u.calls, arena: p.arena, views: p.views}
	text := u.text.String()
	at := u.cuts[0]
	out.open = text[:at]
	for _, end := range u.cuts[1:] {
		out.parts, at = append(out.parts, text[at:end]), end
	}
	out.parts = append(out.parts, p.driver())
	out.text = out.open + strings.Join(out.parts, "")
	return out, nil
}

// source returns the C that is compiled.
func (p *printed) source() cc.Source {
	return cc.Source{Name: "program", Code: vmath.Source() + prelude + "#define CT_STEP __attribute__((visibility(\"hidden\")))\n" + p.open, Parts: p.parts}
}

// all prints the steps. The text of bodies is then complete, that of offsets
// follows: it comes first in the unit.
func (p *printer) all() {
	outer := p.unit.text
	p.unit.text = strings.Builder{}
	p.outputs()
	p.findStacks()
	groups := p.g.groups()
	findCold(groups)
	for _, gr := range groups {
		switch s := gr.members[0]; {
		case s.call && graph.ControlOf(p.g.g.Instrs[s.instr].Inst) != nil:
			p.control(s.stmt)
		case s.call:
			p.call(s.stmt)
		default:
			p.form(gr.best)
		}
		if p.err != nil {
			return
		}
		p.cut()
	}
	p.copyOutputs()
	p.cut()
	p.arena = p.plan()
	text := p.unit.text.String()
	p.unit.text = strings.Builder{}
	p.unit.text.WriteString(outer.String())
	for k, r := range p.roots {
		if r.source == inArena {
			fmt.Fprintf(&p.text, "#define %s %d\n", p.at_(k), r.offset)
		}
	}
	if p.within < 0 {
		for _, s := range p.steps {
			if s.fn != "" {
				fmt.Fprintf(&p.text, "CT_STEP int %s(ct_run *, long, long);\n", s.fn)
			}
		}
		for i := range p.cuts {
			p.cuts[i] += p.text.Len()
		}
		p.cuts = append([]int{p.text.Len()}, p.cuts...)
	}
	p.text.WriteString(text)
}

// cut notes that one of the program's own steps ends here.
func (p *printer) cut() {
	if p.within < 0 {
		p.cuts = append(p.cuts, p.text.Len())
	}
}

// define returns how the function of a step begins. Those of bodies are theirs alone.
func (p *printer) define(name string) string {
	class := "CT_STEP"
	if p.within >= 0 {
		class = "static"
	}
	return fmt.Sprintf("%s int %s(ct_run *c, long lo, long hi) {\n", class, name)
}

// coldShare is the part of a program's time, as estimated, that is left to those of its
// forms that take least: their text is made for the compiler's speed.
const coldShare = 0.03

// findCold marks the forms of which all together take little time.
func findCold(groups []*group) {
	var forms []*form
	total := 0.0
	for _, gr := range groups {
		if !gr.members[0].call {
			forms = append(forms, gr.best)
			total += gr.best.cost
		}
	}
	slices.SortStableFunc(forms, func(a, b *form) int { return cmp.Compare(a.cost, b.cost) })
	left := coldShare * total
	for _, f := range forms {
		left -= f.cost
		f.cold = left >= 0
	}
}

// name is that of the next step's function.
func (p *printer) name() string { return fmt.Sprintf("g%s_%d", p.prefix, len(p.steps)) }

// site returns the number of a place where a fault can be.
func (p *printer) site(instr int) int {
	x := site{instr, p.g.g.Instrs[instr].Inst}
	if p.within >= 0 {
		x.instr = p.within
	}
	if k := slices.Index(p.sites, x); k >= 0 {
		return k
	}
	p.sites = append(p.sites, x)
	return len(p.sites) - 1
}

// form prints a group.
func (p *printer) form(f *form) {
	if f.vec >= 0 || len(f.members) > 0 {
		p.prepack(f)
	}
	name := p.name()
	b := p.newBody(f)
	st := step{fn: name, items: b.items(), cost: f.cost / 3}
	for _, m := range f.members {
		for i := range m.outs {
			if o := &m.outs[i]; o.Scatter || o.Partial || m.extent(m.red) == 0 && o.Reduce != loop.NoReduce {
				st.zero = append(st.zero, p.gaps(m, o)...)
				st.whole = st.whole || o.Scatter
			}
		}
	}
	if len(f.shared) > 0 && b.items() == 0 || f.empty() {
		st.items = 0
		if st = p.emptyForm(f, st); len(st.zero) == 0 && st.fn == "" {
			return
		}
		p.steps = append(p.steps, st)
		return
	}
	text, end := b.print(name)
	p.unit.text.WriteString(text)
	p.steps = append(p.steps, st)
	if end == "" && b.blocks > 1 {
		return
	}
	if end != "" {
		for _, m := range f.members {
			if m.reducedShared() != 0 {
				for i := range m.outs {
					p.touch(p.parts[m.outs[i].val])
					p.rootOf(m.outs[i].val)
				}
			}
		}
		p.text.WriteString(end)
		p.steps = append(p.steps, step{fn: name + "_end", items: b.items() / b.blocks, cost: float64(b.items()) * 10})
	}
}

// empty reports whether some member runs over nothing.
func (f *form) empty() bool {
	for _, m := range f.members {
		if m.extent(m.all()) == 0 {
			return true
		}
	}
	return false
}

// emptyForm prints what is left of a form that runs over nothing: the values of
// reductions over nothing.
func (p *printer) emptyForm(f *form, st step) step {
	st.zero, st.items, st.whole = nil, 1, true
	var s strings.Builder
	any := false
	var used []int
	for _, m := range f.members {
		for i := range m.outs {
			o := &m.outs[i]
			if o.Aval.Size() == 0 {
				continue
			}
			k := p.rootOf(o.val)
			used = append(used, k)
			any = true
			v := "0"
			if !o.Scatter && !o.Partial {
				v = empty(o.Reduce, o.Aval.DType)
			}
			fmt.Fprintf(&s, "\tfor (long k = 0; k < %d; k++) p%d[k] = %s;\n", o.Aval.Size(), k, v)
		}
	}
	if !any {
		st.fn = ""
		return st
	}
	p.text.WriteString(p.define(st.fn) + "\t(void)lo, (void)hi;\n")
	for _, k := range used {
		p.text.WriteString(p.pointer(k))
	}
	fmt.Fprintf(&p.text, "%s\treturn CT_DONE;\n}\n\n", s.String())
	return st
}

// prepack makes the copies that a form reads before its step.
func (p *printer) prepack(f *form) {
	for _, m := range f.members {
		for i := range m.loads {
			ld := &m.loads[i]
			if !m.liveLoad(i) {
				continue
			}
			if from, _ := f.makes(ld.val); from != nil && !ld.direct {
				continue
			}
			if d := p.packDim(ld, m, f, p.g.strides(ld.val)); d >= 0 {
				p.pack(ld.val, d)
			}
		}
	}
}

// call notes the call of a kernel, or prints it where it is part of a body.
func (p *printer) call(s *stmt) {
	if inst := p.g.g.Instrs[s.instr].Inst; inst.Rearranges() { // to another shape, which strides cannot tell
		p.copyStep(s.in[0], p.rootOf(s.outs[0].val))
		return
	}
	if p.within >= 0 {
		p.hostCall(s)
		return
	}
	for _, v := range s.in {
		p.view(v)
	}
	for i := range s.outs {
		p.view(s.outs[i].val)
	}
	p.steps = append(p.steps, step{call: s.instr, items: 1})
}

// hostCall prints the step that has a kernel called.
func (p *printer) hostCall(s *stmt) {
	inst := p.g.g.Instrs[s.instr].Inst
	if !p.hosted {
		p.err = &UnsupportedError{inst.Name}
		return
	}
	h := hostCall{inst: inst}
	var addresses []string
	array := func(v graph.Ref) {
		k := p.rootOf(p.g.alias[v].base)
		h.strides = append(h.strides, p.g.strides(v))
		addresses = append(addresses, fmt.Sprintf("(char *)(%s) + %d", p.address(k), p.g.start(v)*p.g.g.Aval(v).DType.Size()))
	}
	for _, v := range s.in {
		array(v)
	}
	for i := range s.outs {
		array(s.outs[i].val)
	}
	name := p.name()
	fmt.Fprintf(&p.text, "%s\tchar *const arrays[] = {%s};\n\t(void)lo, (void)hi;\n", p.define(name), strings.Join(addresses, ", "))
	fmt.Fprintf(&p.text, "\tc->f->site = %d;\n\treturn c->call(c->owner, %d, arrays);\n}\n\n", p.site(s.instr), len(p.calls))
	p.calls = append(p.calls, h)
	p.steps = append(p.steps, step{fn: name, items: 1, whole: true, cost: 1e3})
}

// view notes where a value lies.
func (p *printer) view(v graph.Ref) {
	a := p.g.alias[v]
	l := view{root: p.rootOf(a.base), strides: p.g.strides(v), offset: p.g.start(v) * p.g.g.Aval(v).DType.Size()}
	p.views[v] = l
}

// copyOutputs prints the copies of values that are outputs, but lie elsewhere.
func (p *printer) copyOutputs() {
	for i, v := range p.g.g.Outputs {
		a := p.g.alias[v]
		if k, ok := p.byVal[a.base]; ok && p.roots[k].source == ofOutput && p.roots[k].index == i {
			continue
		}
		aval := p.g.g.Aval(v)
		p.copyStep(v, p.root(root{source: ofOutput, index: i, dt: aval.DType}))
	}
}

// copyStep prints the step that copies a value to a dense root.
func (p *printer) copyStep(v graph.Ref, to int) {
	a, aval := p.g.alias[v], p.g.g.Aval(v)
	from := p.rootOf(a.base)
	p.touch(to)
	strides, out := p.g.strides(v), loop.RowMajor(aval.Shape)
	name := p.name()
	s := &p.unit.text
	if slices.Equal(strides, out) {
		p.copyBlocks(name, from, to, p.g.start(v), aval)
		return
	}
	fmt.Fprintf(s, "%s%s%s\t(void)lo, (void)hi;\n", p.define(name), p.pointer(from), p.pointer(to))
	src, dst := []string{fmt.Sprint(p.g.start(v))}, []string{"0"}
	depth := "\t"
	for d, n := range aval.Shape {
		fmt.Fprintf(s, "%sfor (long i%d = 0; i%d < %d; i%d++)\n", depth, d, d, n, d)
		depth += "\t"
		src, dst = append(src, fmt.Sprintf("i%d * %d", d, strides[d])), append(dst, fmt.Sprintf("i%d * %d", d, out[d]))
	}
	fmt.Fprintf(s, "%sp%d[%s] = p%d[%s];\n\treturn CT_DONE;\n}\n\n", depth, to, strings.Join(dst, " + "), from, strings.Join(src, " + "))
	p.steps = append(p.steps, step{fn: name, items: 1, whole: true, cost: float64(bytes(aval)) / 8})
}

// copyBlocks prints the step that copies a value that lies dense, from an element of
// a root on: an item is a block.
func (p *printer) copyBlocks(name string, from, to, start int, a kernels.Aval) {
	n, s := a.Size(), &p.unit.text
	fmt.Fprintf(s, "%s%s%s", p.define(name), p.pointer(from), p.pointer(to))
	fmt.Fprintf(s, "\tconst long i = lo * %d, end = hi * %d < %d ? hi * %d : %d;\n", blockSize, blockSize, n, blockSize, n)
	fmt.Fprintf(s, "\tif (i < end) memcpy(p%d + i, p%d + %d + i, (end - i) * sizeof *p%d);\n\treturn CT_DONE;\n}\n\n", to, from, start, to)
	p.steps = append(p.steps, step{fn: name, items: (n + blockSize - 1) / blockSize, cost: float64(bytes(a)) / 8})
}

// driver prints the table of steps, and the function that does some of them.
func (p *printer) driver() string {
	var s strings.Builder
	s.WriteString("typedef int ct_step(ct_run *, long, long);\n")
	fmt.Fprintf(&s, "static ct_step *const ct_steps[] = {")
	for _, st := range p.steps {
		fmt.Fprintf(&s, "%s, ", cmp.Or(st.fn, "0"))
	}
	s.WriteString("0};\n")
	s.WriteString("static const long ct_items[] = {")
	for _, st := range p.steps {
		fmt.Fprintf(&s, "%d, ", st.items)
	}
	s.WriteString("0};\n\n")
	s.WriteString("/* Clears what a step adds to. */\nstatic void ct_zero(ct_run *c, long step) {\n\t(void)c;\n\tswitch (step) {\n")
	for i, st := range p.steps {
		if len(st.zero) == 0 {
			continue
		}
		fmt.Fprintf(&s, "\tcase %d:\n", i)
		for _, x := range st.zero {
			fmt.Fprintf(&s, "\t\t%s\n", p.clear(x))
		}
		s.WriteString("\t\tbreak;\n")
	}
	s.WriteString("\t}\n}\n\n")
	s.WriteString(`/* Does steps from to to-1, or items lo to hi-1 of one step. */
int ct_run_steps(ct_run *c, long from, long to) {
	for (long s = from; s < to; s++) {
		ct_zero(c, s);
		const int end = ct_steps[s](c, 0, ct_items[s]);
		if (end != CT_DONE) return end;
	}
	return CT_DONE;
}
int ct_run_items(ct_run *c, long step, long lo, long hi) { return ct_steps[step](c, lo, hi); }
void ct_run_zero(ct_run *c, long step) { ct_zero(c, step); }
`)
	return s.String()
}
