// Printing what a member of a form computes, node by node.

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
)

// member prints what a member computes.
func (b *body) member(m *member) {
	res, red := m.inner()
	w := &writer{body: b, m: m, number: slices.Index(b.f.members, m), memo: b.memo}
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
	switch {
	case b.unrolled(m):
		w.unroll(w.res, w.element)
		w.add()
	case m.product && w.outer():
	case m.product && w.blocked():
	default:
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
	number   int // among the members
	res, red []int
	pos      []string         // by axis: its value in the text
	fixed    []int            // by axis: its value where it is known, else -1
	memo     map[string]value // of this scope, by key
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
	if x.Fn == loop.Select {
		switch holds, known := w.decided(w.m, x.Arg[0]); {
		case known && holds:
			return w.node(x.Arg[1])
		case known:
			return w.node(x.Arg[2])
		}
	}
	key := w.key(n)
	if v, ok := w.memo[key]; ok {
		return v
	}
	v := w.compute(x)
	if x.Fn != loop.LoadFn { // another member's node may be the same of the same values
		text := fmt.Sprint("= ", v.dt, v.vec, v.text)
		if have, ok := w.memo[text]; ok {
			w.memo[key] = have
			return have
		}
		defer func() { w.memo[text] = w.memo[key] }()
	}
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

// key tells the node's value apart from other members', and from those at other
// values of the axes.
func (w *writer) key(n loop.Node) string {
	if id := w.f.numbers()[w.number][n]; id >= 0 {
		return strconv.Itoa(int(id))
	}
	k := fmt.Sprint(w.number, ":", n)
	for _, list := range [2][]int{w.res, w.red} {
		for _, a := range list {
			if w.m.deps[n]>>a&1 != 0 {
				k += "," + w.pos[a]
			}
		}
	}
	return k
}

// inlined are the functions whose vector code is put in place where much time is spent,
// as long as a program has few of them: what several have in common is then computed once (the reduction
// of a sine's and a cosine's argument), and registers need not be saved. Many would
// take the compiler long.
var inlined = map[loop.Fn]bool{
	loop.Exp: true, loop.Expm1: true, loop.Log: true, loop.Log1p: true, loop.Sin: true, loop.Cos: true,
	loop.Tanh: true, loop.Sigmoid: true, loop.Softplus: true,
}

const maxInlined = 24

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
		if vec && x.DType.IsFloat() && inlined[x.Fn] && !w.f.cold && w.unit.inlined < maxInlined {
			w.unit.inlined++
			suffix = "in_" + typeNames[dt]
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
