// Printing a form: a function of C over a range of its items.

package native

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
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

	outer  []int // sizes
	lanes  int   // of the vector axis
	blocks int   // that it is cut into

	locals map[graph.Ref]*local
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

// unrolledOps bounds the operations of a member that is printed without loops.
const unrolledOps = 700

func (p *printer) newBody(f *form) *body {
	b := &body{printer: p, f: f, lanes: 1, blocks: 1, depth: 2, locals: map[graph.Ref]*local{}, roots: map[int]bool{}}
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
	text = b.function(name)
	if b.blocks > 1 {
		end = b.end(name)
	}
	return text, end
}

func (b *body) function(name string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "static int %s(ct_run *c, long lo, long hi) {\n", name)
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
		s.WriteString("\t\tfor (long i = from; i < to; i += CT_W) {\n\t\t\tconst long n = to - i;\n")
		s.WriteString("\t\t\tconst ct_on on = ct_lanes(n);\n")
		s.WriteString("\t\t\tconst long q = ((i - from) / CT_W) & (CT_P - 1);\n\t\t\t(void)n, (void)on, (void)q;\n")
		if b.declared.Len() > 0 {
			fmt.Fprintf(&s, "\t\t\tconst long u = ((i - from) / CT_W) & %d;\n", delay-1)
		}
	}
	s.WriteString(b.b.String())
	if vecs {
		s.WriteString("\t\t}\n")
	}
	s.WriteString(close.String())
	s.WriteString("\t\tif (c->f->set) return CT_FAULT;\n\t}\n\treturn CT_DONE;\n}\n\n")
	return s.String()
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
	ops := 1
	for n := range m.nodes {
		switch x := &m.nodes[n]; {
		case !m.live[n] || x.Fn == loop.Const:
		case x.Fn == loop.LoadFn && m.loads[x.K].lanewise():
			ops += 2 * width
		default:
			ops++
		}
	}
	return m.extent(res|red)*ops <= unrolledOps
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

// member prints what a member computes.
func (b *body) member(m *member) {
	res, red := m.inner()
	w := &writer{body: b, m: m, memo: map[string]value{}}
	w.res, w.red = axes(res), axes(red)
	w.pos = make([]string, len(m.size))
	w.fixed = make([]int, len(m.size))
	for a := range w.pos {
		w.fixed[a] = -1
		switch at := m.at[a]; {
		case m.size[a] == 1:
			w.pos[a], w.fixed[a] = "0", 0
		case at >= 0 && at == b.f.vec:
			w.pos[a] = "i"
		case at >= 0:
			w.pos[a] = "o" + strconv.Itoa(at)
		}
	}
	if b.unrolled(m) {
		w.unroll(w.res, w.element)
		w.add()
	} else {
		w.loops(w.res, w.element)
	}
}

func axes(set uint64) (list []int) {
	for ; set != 0; set &= set - 1 {
		list = append(list, bits.TrailingZeros64(set))
	}
	return list
}

// writer prints one member.
type writer struct {
	*body
	m        *member
	res, red []int
	pos      []string // by axis: its value in the text
	fixed    []int    // by axis: its value where it is known, else -1
	memo     map[string]value
	looped   bool
	terms    []term // of the accumulators, unrolled
}

// unroll calls f for all values of the axes.
func (w *writer) unroll(list []int, f func()) {
	if len(list) == 0 {
		f()
		return
	}
	a := list[0]
	for i := range w.m.size[a] {
		w.pos[a], w.fixed[a] = strconv.Itoa(i), i
		w.unroll(list[1:], f)
	}
	w.fixed[a] = -1
}

// loops prints loops over the axes around what f prints.
func (w *writer) loops(list []int, f func()) {
	if len(list) == 0 {
		f()
		return
	}
	a := list[0]
	w.temps++
	v := fmt.Sprintf("j%d", w.temps)
	w.pos[a] = v
	w.line("for (long %s = 0; %s < %d; %s++) {", v, v, w.m.size[a], v)
	w.depth++
	w.inScope(func() { w.loops(list[1:], f) })
	w.depth--
	w.line("}")
}

// inScope forgets after f the names that were declared in it.
func (w *writer) inScope(f func()) {
	outer := w.memo
	w.memo = map[string]value{}
	for k, v := range outer {
		w.memo[k] = v
	}
	was := w.looped
	w.looped = true
	f()
	w.memo, w.looped = outer, was
}

// element prints one element of each of the member's results.
func (w *writer) element() {
	switch {
	case w.m.reducedShared() != 0:
		w.accumulate()
	case w.m.red != 0 && len(w.red) > 0:
		for i := range w.m.outs {
			w.keep(&w.m.outs[i], w.reduce(&w.m.outs[i]))
		}
	default:
		for i := range w.m.outs {
			o := &w.m.outs[i]
			v := w.node(o.Value)
			if o.Reduce == loop.LSE { // of one value
				v = w.lse([]value{v})
			}
			w.keep(o, v)
		}
	}
}

// name declares a variable.
func (w *writer) name(v value) value {
	w.temps++
	n := fmt.Sprintf("t%d", w.temps)
	t := w.typeOf(v.dt, v.vec)
	if v.vec || v.late || w.looped || w.f.vec < 0 {
		w.line("const %s %s = %s;", t, n, v.text)
	} else {
		fmt.Fprintf(&w.pre, "\t\tconst %s %s = %s;\n", t, n, v.text)
	}
	v.text = n
	return v
}

// wide returns a value as a vector.
func (b *body) wide(v value) string {
	if v.vec {
		return v.text
	}
	return fmt.Sprintf("splat_%s(%s)", typeNames[v.dt], v.text)
}

// node returns the value of a node at the present values of the axes.
func (w *writer) node(n loop.Node) value {
	x := &w.m.nodes[n]
	if x.Fn == loop.Const {
		return value{text: literal(x), dt: x.DType}
	}
	key := w.key(n)
	if v, ok := w.memo[key]; ok {
		return v
	}
	v := w.compute(x)
	simple := x.Fn == loop.Iota || x.Fn == loop.LoadFn && !strings.ContainsAny(v.text, "( ")
	if x.Fn == loop.LoadFn && !v.vec && !strings.Contains(v.text, "?") {
		simple = true // read in place, as an operand
	}
	if !simple {
		v = w.name(v)
	}
	w.memo[key] = v
	return v
}

// key tells the node's value apart from those at other values of the axes.
func (w *writer) key(n loop.Node) string {
	k := strconv.Itoa(int(n))
	for _, list := range [2][]int{w.res, w.red} {
		for _, a := range list {
			if w.m.deps[n]>>a&1 != 0 {
				k += "," + w.pos[a]
			}
		}
	}
	return k
}

var infix = map[loop.Fn]string{loop.Add: "+", loop.Sub: "-", loop.Mul: "*", loop.Div: "/"}

// compute returns the text of a node's value.
func (w *writer) compute(x *loop.Inst) value {
	switch x.Fn {
	case loop.LoadFn:
		return w.load(&w.m.loads[x.K])
	case loop.Iota:
		v := value{dt: device.Int64, text: w.pos[x.K]}
		if w.f.vec >= 0 && w.m.at[x.K] == w.f.vec {
			v.vec, v.text = true, "iota_i64(i, 1)"
		}
		return v
	}
	args := make([]value, x.Fn.Arity())
	vec, late := false, false
	for i := range args {
		args[i] = w.node(x.Arg[i])
		vec, late = vec || args[i].vec, late || args[i].late
	}
	v := value{vec: vec, dt: x.DType, late: late}
	dt := args[0].dt
	if x.Fn == loop.Select {
		dt = x.DType
	}
	suffix := typeNames[dt]
	text := func(i int) string { return args[i].text }
	if vec {
		suffix = "v_" + suffix
		text = func(i int) string { return w.wide(args[i]) }
	}
	switch op, ok := infix[x.Fn]; {
	case ok:
		v.text = text(0) + " " + op + " " + text(1)
	case x.Fn == loop.Neg:
		v.text = "-" + text(0)
	case x.Fn == loop.Square:
		v.text = text(0) + " * " + text(0)
	case x.Fn == loop.Cast:
		v.text = fmt.Sprintf("%s_of_%s(%s)", typeNames[x.DType], suffix, text(0))
	case x.Fn == loop.Polygamma:
		v.text = fmt.Sprintf("polygamma_%s(%s, %d)", suffix, text(0), x.K)
	default:
		list := make([]string, len(args))
		for i := range list {
			list[i] = text(i)
		}
		v.text = fmt.Sprintf("%v_%s(%s)", x.Fn, suffix, strings.Join(list, ", "))
	}
	return v
}

// literal returns a constant's text.
func literal(x *loop.Inst) string {
	switch {
	case x.DType.IsFloat():
		return float(x.V, x.DType)
	case x.K == math.MinInt64:
		return "INT64_MIN"
	case x.K < 0:
		return fmt.Sprintf("(%d)", x.K)
	case x.DType == device.Int64:
		return fmt.Sprintf("INT64_C(%d)", x.K)
	}
	return strconv.FormatInt(x.K, 10)
}

func float(v float64, dt device.DType) string {
	switch {
	case math.IsNaN(v):
		return "(" + typeNames[dt] + ")NAN"
	case math.IsInf(v, 1):
		return "(" + typeNames[dt] + ")INFINITY"
	case math.IsInf(v, -1):
		return "(-(" + typeNames[dt] + ")INFINITY)"
	}
	s := strconv.FormatFloat(v, 'x', -1, 64)
	if dt == device.Float32 {
		s += "f"
	}
	if math.Signbit(v) {
		s = "(" + s + ")"
	}
	return s
}

// offset returns an affine index or address: a constant and terms by axis, less
// the lane's part.
func (w *writer) offset(c int, coefs []int) (text string, lane int) {
	var terms []string
	for a, k := range coefs {
		switch {
		case k == 0 || w.m.at[a] == absorbed:
		case w.fixed[a] >= 0:
			c += k * w.fixed[a]
		default:
			if w.f.vec >= 0 && w.m.at[a] == w.f.vec {
				lane = k
			}
			if k == 1 {
				terms = append(terms, w.pos[a])
			} else {
				terms = append(terms, fmt.Sprintf("%s * %d", w.pos[a], k))
			}
		}
	}
	if c != 0 || len(terms) == 0 {
		terms = append(terms, strconv.Itoa(c))
	}
	return strings.ReplaceAll(strings.Join(terms, " + "), "+ -", "- "), lane
}

// load returns the text of a read.
func (w *writer) load(ld *load) value {
	dt := w.g.g.Aval(ld.val).DType
	if l := w.locals[ld.val]; l != nil && !ld.direct {
		return w.readLocal(l, ld)
	}
	at := w.place(ld, w.m, w.f)
	w.roots[at.root] = true
	p := fmt.Sprintf("p%d", at.root)
	where, lane := w.offset(at.c, at.coef)
	via, viaVec := w.through(ld, at.strides)
	guards, guardLane := w.guards(ld)
	v := value{dt: dt, vec: lane != 0 || viaVec || guardLane}
	if via != "" {
		where += " + " + via
	}
	switch {
	case !v.vec && guards == "":
		v.text = fmt.Sprintf("%s[%s]", p, where)
	case !v.vec:
		v.text = fmt.Sprintf("%s ? %s[%s] : 0", guards, p, where)
	case lane == 1 && !viaVec && guards == "":
		v.text = fmt.Sprintf("ld_%s(%s + %s, on)", typeNames[dt], p, where)
	default:
		v = w.lanewise(v, p, where, lane, guards, ld)
	}
	return v
}

// lanewise prints a read lane by lane.
func (w *writer) lanewise(v value, p, where string, lane int, guards string, ld *load) value {
	w.temps++
	name := fmt.Sprintf("t%d", w.temps)
	cond := "l < n"
	if guards != "" {
		cond += " && " + guards
	}
	if lane != 0 {
		where += fmt.Sprintf(" + %d * l", lane)
	}
	zero := ""
	if v.dt == device.Bool {
		zero = "-(i64)"
	}
	w.line("v_%s %s;", typeNames[v.dt], name)
	if whole := w.inRange(ld); lane == 1 && guards != "" && whole != "" {
		w.line("if (%s) %s = ld_%s(%s + %s, on);", whole, name, typeNames[v.dt], p, strings.TrimSuffix(where, " + 1 * l"))
		w.line("else CT_EACH %s[l] = %s ? %s%s[%s] : 0;", name, cond, zero, p, where)
	} else if guards == "" {
		w.line("if (n >= CT_W) CT_EACH %s[l] = %s%s[%s];", name, zero, p, where)
		w.line("else CT_EACH %s[l] = l < n ? %s%s[%s] : 0;", name, zero, p, where)
	} else {
		w.line("CT_EACH %s[l] = %s ? %s%s[%s] : 0;", name, cond, zero, p, where)
	}
	v.text = name
	return v
}

// through prints the indices that go through nodes, and returns what they add to
// the address.
func (w *writer) through(ld *load, strides []int) (text string, vec bool) {
	return w.throughIndex(ld.index, w.g.g.Aval(ld.val).Shape, strides)
}

func (w *writer) throughIndex(index []loop.Lin, shape, strides []int) (text string, vec bool) {
	var terms []string
	for d, x := range index {
		if x.Via == loop.None {
			continue
		}
		v := w.node(x.Via)
		if v.dt == device.Int32 {
			if v.vec {
				v.text = fmt.Sprintf("i64_of_v_i32(%s)", v.text)
			} else {
				v.text = fmt.Sprintf("(i64)%s", v.text)
			}
			v.dt = device.Int64
		}
		instr := w.site(w.m.instr)
		if v.vec {
			v.text = fmt.Sprintf("ct_wrap_v(c, %d, %s, %d, n)", instr, v.text, shape[d])
		} else {
			v.text = fmt.Sprintf("ct_wrap(c, %d, %s, %d)", instr, v.text, shape[d])
		}
		v = w.name(v)
		lane := v.text
		if v.vec {
			lane += "[l]"
			vec = true
		}
		terms = append(terms, fmt.Sprintf("%s * %d", lane, strides[d]))
	}
	return strings.Join(terms, " + "), vec
}

// guards returns the condition under which a guarded read is in range; lane l's
// where it depends on it.
func (w *writer) guards(ld *load) (text string, vec bool) {
	if !ld.guarded {
		return "", false
	}
	var conds []string
	for d, x := range ld.index {
		if x.Via != loop.None {
			continue
		}
		coefs := make([]int, len(w.m.size))
		for _, t := range x.Terms {
			coefs[t.Axis] = t.Coef
		}
		at, lane := w.offset(x.Const, coefs)
		if lane != 0 {
			at += fmt.Sprintf(" + %d * l", lane)
			vec = true
		}
		conds = append(conds, fmt.Sprintf("(uint64_t)(%s) < %d", at, w.g.g.Aval(ld.val).Shape[d]))
	}
	return strings.Join(conds, " && "), vec
}

// inRange returns the condition under which all lanes of a guarded read are in
// range, "" where that is not told simply.
func (w *writer) inRange(ld *load) string {
	conds := []string{"n >= CT_W"}
	for d, x := range ld.index {
		if x.Via != loop.None {
			return ""
		}
		coefs := make([]int, len(w.m.size))
		for _, t := range x.Terms {
			coefs[t.Axis] = t.Coef
		}
		at, lane := w.offset(x.Const, coefs)
		size := w.g.g.Aval(ld.val).Shape[d]
		switch lane {
		case 0:
			conds = append(conds, fmt.Sprintf("(uint64_t)(%s) < %d", at, size))
		case 1:
			conds = append(conds, fmt.Sprintf("%s >= 0 && %s + CT_W <= %d", at, at, size))
		default:
			return ""
		}
	}
	return strings.Join(conds, " && ")
}

// readLocal returns the text of a read of a local.
func (w *writer) readLocal(l *local, ld *load) value {
	v := value{dt: l.out.Aval.DType, vec: l.vec}
	coefs := make([]int, len(w.m.size))
	c, stride := 0, 1
	res, _ := l.from.inner()
	list := axes(res)
	for k := len(list) - 1; k >= 0; k-- {
		a := list[k]
		x := ld.index[a]
		c += stride * x.Const
		for _, t := range x.Terms {
			coefs[t.Axis] += stride * t.Coef
		}
		stride *= l.from.size[a]
	}
	at, _ := w.offset(c, coefs)
	if l.array {
		v.text, v.late = fmt.Sprintf("L%d[%s]", ld.val, at), true
	} else {
		i, _ := strconv.Atoi(at)
		v.text = l.names[i]
	}
	return v
}

// keep puts an element where it is read: in a local, in memory.
func (w *writer) keep(o *store, v value) {
	if l := w.locals[o.val]; l != nil {
		text := v.text
		if l.vec {
			text = w.wide(v)
		}
		at, stride := 0, 1
		var terms []string
		for k := len(w.res) - 1; k >= 0; k-- {
			a := w.res[k]
			if w.fixed[a] >= 0 {
				at += stride * w.fixed[a]
			} else {
				terms = append(terms, fmt.Sprintf("%s * %d", w.pos[a], stride))
			}
			stride *= w.m.size[a]
		}
		if l.array {
			terms = append(terms, strconv.Itoa(at))
			w.line("L%d[%s] = %s;", o.val, strings.Join(terms, " + "), text)
		} else {
			if strings.ContainsAny(text, " (") {
				text = w.name(value{text: text, vec: l.vec, dt: v.dt, late: v.late}).text
			}
			l.names[at] = text
		}
	}
	if w.g.leaves(w.f, w.m, o) && !w.m.dup {
		w.write(o, v)
	}
}

// write stores an element, or a vector of them.
func (w *writer) write(o *store, v value) {
	at := w.placeOut(o, w.m, w.f)
	w.roots[at.root] = true
	p := fmt.Sprintf("p%d", at.root)
	where, lane := w.offset(at.c, at.coef)
	via, viaVec := w.throughIndex(o.Index, o.Aval.Shape, at.strides)
	if via != "" {
		where += " + " + via
	}
	op := "="
	if o.Scatter {
		op = "+="
	}
	depends := w.f.vec >= 0 && (lane != 0 || viaVec || o.Scatter)
	switch {
	case !depends:
		w.line("%s[%s] %s %s;", p, where, op, v.text)
	case lane == 1 && !viaVec && !o.Scatter:
		w.line("st_%s(%s + %s, %s, on);", typeNames[v.dt], p, where, w.wide(v))
	case lane == 1 && !viaVec:
		t := typeNames[v.dt]
		w.line("st_%s(%s + %s, ld_%s(%s + %s, on) + %s, on);", t, p, where, t, p, where, w.wide(v))
	default:
		if lane != 0 {
			where += fmt.Sprintf(" + %d * l", lane)
		}
		text := v.text
		if v.vec {
			if strings.ContainsAny(text, " (") {
				text = w.name(v).text
			}
			text += "[l]"
			if v.dt == device.Bool {
				text += " != 0"
			}
		}
		w.line("CT_EACH if (l < n) %s[%s] %s %s;", p, where, op, text)
	}
}
