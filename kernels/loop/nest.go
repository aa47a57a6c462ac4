// Printing an expression as loop nests, for any language with a dialect.

package loop

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
)

// dialect is how a language writes what loop nests are made of. Values, %0 and
// %1, are variables or literals.
type dialect struct {
	types   [device.NumDTypes]string
	loop    string // of variable %[1]s, below %[2]d
	repeat  string // the same where the variable is not used
	test    string // start of a block, if %s
	end     string // of a statement
	declare func(dt, name, value string) string
	choose  func(dt, name, cond, yes, no string) []string // declares name as yes if cond, else no
	literal func(v float64, k int64, dt device.DType) string
	iota    func(axis string) string // its value as an int64
	index   func(v string) string    // an integer value as an index
	cast    func(from, to device.DType, v string) string
	round   func(dt device.DType, product string) string // a product that is never fused
	whole   map[Fn]string                                // arithmetic of integers of type %t, where it must be asked to wrap around
	call    func(p *printer, fn Fn, dt device.DType, args ...string) string
}

// arithmetic are the functions that all dialects write alike; products are
// rounded. Those in choices take one of two values.
var arithmetic = map[Fn]string{
	Neg: "-%0", Square: "%0 * %0", Recip: "1 / %0", Not: "!%0",
	Add: "%0 + %1", Sub: "%0 - %1", Mul: "%0 * %1", Div: "%0 / %1",
	Eq: "%0 == %1", Ne: "%0 != %1", Lt: "%0 < %1", Le: "%0 <= %1", And: "%0 && %1", Or: "%0 || %1",
}

var choices = map[Fn][3]string{
	Maximum: {"%0 > %1 || isnan", "%0", "%1"},
	Minimum: {"%0 < %1 || isnan", "%0", "%1"},
	Select:  {"%0", "%1", "%2"},
}

// condition completes the condition of a choice: only floats can be NaN.
func condition(text string, dt device.DType) string {
	if dt.IsFloat() {
		return strings.Replace(text, "isnan", "%0 != %0", 1)
	}
	return strings.Replace(text, " || isnan", "", 1)
}

// printer writes one function.
type printer struct {
	*dialect
	e       *Expr
	b       strings.Builder
	depth   int
	ins     []string
	outs    []string
	axes    []Axis      // with the names of the variables
	helpers map[Fn]bool // functions called that the language has not

	// element returns the text of a load, and the conditions without which it is zero.
	element func(n Node, l *Load) (conds []string, text string)
}

func newPrinter(e *Expr, d *dialect) *printer {
	p := &printer{dialect: d, e: e, depth: 1, ins: OperandNames(len(e.Ins)), outs: resultNames(len(e.Outs)), helpers: map[Fn]bool{}}
	for a, x := range e.Axes {
		if len(x.Name) != 1 || x.Name < "i" || x.Name > "t" {
			x.Name = "i" + strconv.Itoa(a)
		}
		p.axes = append(p.axes, x)
	}
	p.element = p.dense
	return p
}

func (p *printer) line(format string, args ...any) {
	p.b.WriteString(strings.Repeat("\t", p.depth))
	fmt.Fprintf(&p.b, format, args...)
	p.b.WriteByte('\n')
}

func (p *printer) statement(format string, args ...any) { p.line(format+p.end, args...) }

// nest is a set of results computed in one loop nest, over the outer axes and,
// reducing, the inner ones.
type nest struct {
	outs         []int
	outer, inner []int
	scatter      bool
}

// nests groups the results by the axes that they reduce over.
func (e *Expr) nests() []nest {
	var list []nest
next:
	for i := range e.Outs {
		s := &e.Outs[i]
		n := nest{outs: []int{i}, scatter: s.Scatter}
		if !s.Scatter {
			n.inner = e.Reduced(s)
		}
		for a := range e.Axes {
			if !slices.Contains(n.inner, a) {
				n.outer = append(n.outer, a)
			}
		}
		for j := range list {
			if slices.Equal(list[j].inner, n.inner) && list[j].scatter == n.scatter {
				list[j].outs = append(list[j].outs, i)
				continue next
			}
		}
		list = append(list, n)
	}
	return list
}

// body writes all nests.
func (p *printer) body() {
	for _, n := range p.e.nests() {
		p.nest(&n)
	}
}

func (p *printer) nest(n *nest) {
	for _, i := range n.outs {
		if s := &p.e.Outs[i]; s.Partial || s.Scatter {
			p.line(p.loop, "z", s.Aval.Size())
			p.depth++
			p.statement("%s[z] = %s", p.outs[i], p.literal(0, 0, s.Aval.DType))
			p.close(1)
		}
	}
	order := append(slices.Clone(n.outer), n.inner...)
	place := p.places(n, order)
	used := p.used(n)
	p.values(place, 0)
	for k, a := range order {
		if k == len(n.outer) {
			p.accumulators(n)
		}
		head := p.loop
		if used>>a&1 == 0 {
			head = p.repeat
		}
		p.line(head, p.axes[a].Name, p.axes[a].Size)
		p.depth++
		p.values(place, k+1)
	}
	if len(n.inner) > 0 {
		for _, i := range n.outs {
			p.accumulate(i)
		}
		p.close(len(n.inner))
	}
	for _, i := range n.outs {
		p.write(i)
	}
	p.close(len(n.outer))
}

func (p *printer) close(blocks int) {
	for range blocks {
		p.depth--
		p.line("}")
	}
}

// places returns the loop depth at which each node is computed: within the last
// axis that it depends on; -1 for nodes that are not needed or are spelt out.
func (p *printer) places(n *nest, order []int) []int {
	deps := p.e.deps()
	place := make([]int, len(deps))
	for i, on := range p.e.live(n.outs...) {
		for k, a := range order {
			if deps[i]>>a&1 != 0 {
				place[i] = k + 1
			}
		}
		if fn := p.e.Nodes[i].Fn; !on || fn == Const || fn == Iota {
			place[i] = -1
		}
	}
	return place
}

// used returns the set of axes that the nest's text mentions.
func (p *printer) used(n *nest) (set uint64) {
	none := make([]uint64, len(p.e.Nodes))
	for i, on := range p.e.live(n.outs...) {
		switch x := &p.e.Nodes[i]; {
		case on && x.Fn == Iota:
			set |= 1 << x.K
		case on && x.Fn == LoadFn:
			set |= indexDeps(p.e.Loads[x.K].Index, none)
		}
	}
	for _, i := range n.outs {
		set |= indexDeps(p.e.Outs[i].Index, none)
	}
	return set
}

// values computes the nodes that belong at a depth.
func (p *printer) values(place []int, depth int) {
	for n, at := range place {
		if at == depth {
			p.value(Node(n))
		}
	}
}

// name returns what a node is called: a variable, or a literal or axis.
func (p *printer) name(n Node) string {
	switch x := &p.e.Nodes[n]; x.Fn {
	case Const:
		return p.literal(x.V, x.K, x.DType)
	case Iota:
		return p.iota(p.axes[x.K].Name)
	}
	return "v" + strconv.Itoa(int(n))
}

// value declares the variable of a node.
func (p *printer) value(n Node) {
	x := &p.e.Nodes[n]
	if x.Fn == LoadFn {
		p.read(n, &p.e.Loads[x.K])
		return
	}
	args := make([]string, x.Fn.Arity())
	for i := range args {
		args[i] = p.name(x.Arg[i])
	}
	dt, zero := p.types[x.DType], p.literal(0, 0, x.DType)
	name := p.name(n)
	choice, ok := choices[x.Fn]
	switch {
	case x.Fn == Cast && p.e.DType(x.Arg[0]) == device.Bool:
		p.choice(dt, name, args[0], p.literal(1, 1, x.DType), zero)
	case x.Fn == SMul:
		product, _ := p.arithmetic(Mul, x.DType, args)
		p.choice(dt, name, fill("%0 == 0 || %1 == 0", args), zero, product)
	case ok:
		p.choice(dt, name, fill(condition(choice[0], x.DType), args), fill(choice[1], args), fill(choice[2], args))
	case x.Fn == Abs && !x.DType.IsFloat():
		negative, _ := p.arithmetic(Neg, x.DType, args)
		p.choice(dt, name, args[0]+" < 0", negative, args[0])
	case x.Fn == Sign:
		p.choice(dt, name+"s", args[0]+" < 0", p.literal(-1, -1, x.DType), p.round(x.DType, args[0]+" * 0"))
		p.choice(dt, name, args[0]+" > 0", p.literal(1, 1, x.DType), name+"s")
	default:
		p.statement("%s", p.declare(dt, name, p.expression(x, args)))
	}
}

// arithmetic writes a function that all dialects write alike, if it is one.
func (p *printer) arithmetic(fn Fn, dt device.DType, args []string) (text string, ok bool) {
	if text, ok = p.whole[fn]; ok && !dt.IsFloat() {
		return fill(strings.ReplaceAll(text, "%t", p.types[dt]), args), true
	}
	if text, ok = arithmetic[fn]; !ok {
		return "", false
	}
	if text = fill(text, args); fn == Mul || fn == Square {
		text = p.round(dt, text)
	}
	return text, true
}

// expression writes a function that is no choice.
func (p *printer) expression(x *Inst, args []string) string {
	if x.Fn == Cast {
		return p.cast(p.e.DType(x.Arg[0]), x.DType, args[0])
	}
	if text, ok := p.arithmetic(x.Fn, x.DType, args); ok {
		return text
	}
	if x.Fn == Polygamma {
		args = append(args, strconv.FormatInt(x.K, 10))
	}
	return p.call(p, x.Fn, x.DType, args...)
}

func (p *printer) choice(dt, name, cond, yes, no string) {
	for _, l := range p.choose(dt, name, cond, yes, no) {
		p.line("%s", l)
	}
}

// read declares the variable of a load.
func (p *printer) read(n Node, l *Load) {
	conds, element := p.element(n, l)
	dt, name := p.e.DType(n), p.name(n)
	if len(conds) > 0 {
		p.choice(p.types[dt], name, strings.Join(conds, " && "), element, p.literal(0, 0, dt))
	} else {
		p.statement("%s", p.declare(p.types[dt], name, element))
	}
}

// dense is the element of a load of a dense array.
func (p *printer) dense(n Node, l *Load) (conds []string, element string) {
	shape := p.e.Ins[l.In].Shape
	name := p.name(n)
	for d, x := range l.Index {
		if lo, hi := x.bounds(p.e.Axes); l.Guarded && x.Via == None {
			if lo < 0 {
				conds = append(conds, x.Text(p.axes)+" >= 0")
			}
			if hi >= shape[d] {
				conds = append(conds, fmt.Sprintf("%s < %d", x.Text(p.axes), shape[d]))
			}
		}
	}
	return conds, p.ins[l.In] + "[" + p.offset(l.Index, shape, name) + "]"
}

// offset returns the position of an index in a dense array; for dimensions
// through nodes it first declares variables, named after the one given.
func (p *printer) offset(index []Lin, shape []int, name string) string {
	sum, through := Fixed(0), ""
	stride := 1
	for d := len(index) - 1; d >= 0; d-- {
		if l := index[d]; l.Via == None {
			sum = sum.add(l, stride)
		} else {
			v, at := p.name(l.Via), fmt.Sprintf("%sat%d", name, d)
			dt := p.types[p.e.DType(l.Via)]
			p.choice(dt, at, v+" < 0", fmt.Sprintf("%s + %d", v, shape[d]), v) // from the end
			through += fmt.Sprintf(" + %d*%s", stride, p.index(at))
		}
		stride *= shape[d]
	}
	return sum.Text(p.axes) + through
}
