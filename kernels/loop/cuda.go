// The bodies of loops in CUDA C, for kernels that make the loops themselves.

package loop

import (
	"math"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
)

// Body prints the statements within a loop's axes in CUDA C. Its kernel decides
// how axes are counted and where operands lie: Element returns the text of a
// load and the conditions without which it is zero, Axis that of an axis's value.
type Body struct {
	Element func(n Node, l *Load) (conds []string, text string)
	Axis    func(a int) string
	p       *printer
}

// CUDA returns the printer of e's body.
func (e *Expr) CUDA() *Body {
	b := &Body{}
	d := cudaDialect
	d.iota = func(axis string) string { return "(long long)" + axis }
	b.p = newPrinter(e, &d)
	b.p.element = func(n Node, l *Load) ([]string, string) { return b.Element(n, l) }
	return b
}

// Needs marks the nodes that results need.
func (b *Body) Needs(outs ...int) []bool { return b.p.e.live(outs...) }

// Name returns what a node is called: a variable, a literal or an axis.
func (b *Body) Name(n Node) string {
	if x := &b.p.e.Nodes[n]; x.Fn == Iota {
		return "(long long)" + b.Axis(int(x.K))
	}
	return b.p.name(n)
}

// Text returns the statements that compute all that results need, at a depth of
// indentation. Functions that CUDA's library has not, or not well enough, are called
// cotangent_name, with an f for float.
func (b *Body) Text(depth int, outs ...int) string {
	return b.text(depth, &quick{on: make([]bool, len(b.p.e.Nodes))}, outs)
}

// Quick returns statements that compute the same, bit for bit, but where they set the
// variable slow (see quick.go); how many tests they make for that; and how many
// instructions fewer they are estimated to be. They call quick_name.
func (b *Body) Quick(depth int, outs ...int) (text string, tests, gain int) {
	q := b.p.e.quickly(b.p.e.live(outs...))
	for _, list := range q.tests {
		tests += len(list)
	}
	return b.text(depth, q, outs), tests, q.gain
}

func (b *Body) text(depth int, q *quick, outs []int) string {
	p := b.p
	for a := range p.axes {
		p.axes[a].Name = b.Axis(a)
	}
	p.depth = depth
	p.b.Reset()
	live := p.e.live(outs...)
	partner := p.e.sineAndCosine(live)
	for i, on := range live {
		n := Node(i)
		fn, with := p.e.Nodes[n].Fn, partner[n]
		switch {
		case !on || fn == Const || fn == Iota:
			continue
		case with > n:
			p.both(n, with, q.on[n])
		case with != 0:
		case q.on[n]:
			p.quickly(n)
		default:
			p.value(n)
		}
		for _, t := range q.tests[n] {
			p.check(n, t)
		}
	}
	return p.b.String()
}

// quickly declares the variable of a node that is computed in its quick way.
func (p *printer) quickly(n Node) {
	x := &p.e.Nodes[n]
	dt := p.types[x.DType]
	if x.Fn == SMul {
		p.statement("%s %s = fma%s(%s, %s, %s)", dt, p.name(n), suffix(x.DType), p.name(x.Arg[0]), p.name(x.Arg[1]), p.literal(0, 0, x.DType))
		return
	}
	p.statement("%s %s = quick_%v%s(%s)", dt, p.name(n), x.Fn, suffix(x.DType), p.name(x.Arg[0]))
}

// check notes where a node does not keep to a bound.
func (p *printer) check(n Node, b bound) {
	dt := p.e.DType(n)
	value := p.name(n)
	if b.abs {
		value = "fabs" + suffix(dt) + "(" + value + ")"
	}
	if b.lo > math.Inf(-1) {
		p.statement("slow |= !(%s >= %s)", value, p.literal(b.lo, 0, dt))
	}
	if b.lo == math.Inf(-1) || b.hi < math.Inf(1) {
		p.statement("slow |= !(%s <= %s)", value, p.literal(b.hi, 0, dt))
	}
}

// sineAndCosine pairs sines with cosines of the same node: each with a partner has it
// in the map, the other way too. A sine and a cosine share most of their work.
func (e *Expr) sineAndCosine(live []bool) map[Node]Node {
	of := map[Fn]map[Node]Node{Sin: {}, Cos: {}}
	for n := range e.Nodes {
		if x := &e.Nodes[n]; live[n] && of[x.Fn] != nil {
			of[x.Fn][x.Arg[0]] = Node(n)
		}
	}
	partner := map[Node]Node{}
	for angle, sine := range of[Sin] {
		if cosine, ok := of[Cos][angle]; ok {
			partner[sine], partner[cosine] = cosine, sine
		}
	}
	return partner
}

// both writes a sine and a cosine, in whichever order, as one call.
func (p *printer) both(a, b Node, quick bool) {
	if p.e.Nodes[a].Fn == Cos {
		a, b = b, a
	}
	x := &p.e.Nodes[a]
	name := cudaName("sincos", x.DType)
	if quick {
		name = "quick_sincosf"
	}
	sine, cosine := p.name(a), p.name(b)
	p.statement("%s %s, %s", p.types[x.DType], sine, cosine)
	p.statement("%s(%s, &%s, &%s)", name, p.name(x.Arg[0]), sine, cosine)
}

// ours are functions of CUDA's library that are not used: its hypot overflows too early
// by an ulp, and its sines of float32 have no quick way that gives the same.
var ours = map[string]bool{"hypot": true, "hypotf": true, "sinf": true, "cosf": true, "sincosf": true}

// cudaName is what a function is called for a type.
func cudaName(name string, dt device.DType) string {
	name += suffix(dt)
	if ours[name] {
		return "cotangent_" + name
	}
	return name
}

var cudaTypes = [device.NumDTypes]string{"bool", "int", "long long", "float", "double"}

// CUDAType is CUDA C's name of an element type.
func CUDAType(dt device.DType) string { return cudaTypes[dt] }

// CUDALiteral writes the value of a reduction over nothing.
func (s *Store) CUDALiteral() string {
	d := cudaDialect
	p := &printer{dialect: &d}
	return p.start(s.Reduce, s.Aval.DType)
}

var cudaDialect = func() dialect {
	d := cDialect
	d.types = cudaTypes
	d.whole = map[Fn]string{
		Neg:    "(%t)(0 - (unsigned %t)%0)",
		Square: "(%t)((unsigned %t)%0 * (unsigned %t)%0)",
		Add:    "(%t)((unsigned %t)%0 + (unsigned %t)%1)",
		Sub:    "(%t)((unsigned %t)%0 - (unsigned %t)%1)",
		Mul:    "(%t)((unsigned %t)%0 * (unsigned %t)%1)",
	}
	d.cast = func(from, to device.DType, v string) string {
		if to == device.Bool {
			return v + " != 0"
		}
		return "(" + cudaTypes[to] + ")" + v
	}
	d.call = func(p *printer, fn Fn, dt device.DType, args ...string) string {
		if _, ok := cHelpers[fn]; ok || ours[fn.String()+suffix(dt)] {
			return "cotangent_" + fn.String() + suffix(dt) + "(" + strings.Join(args, ", ") + ")"
		}
		return cCall(p, fn, dt, args...)
	}
	return d
}()
