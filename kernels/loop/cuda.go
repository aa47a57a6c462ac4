// The bodies of loops in CUDA C, for kernels that make the loops themselves.

package loop

import (
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
	p := b.p
	for a := range p.axes {
		p.axes[a].Name = b.Axis(a)
	}
	p.depth = depth
	p.b.Reset()
	live := p.e.live(outs...)
	partner := p.e.sineAndCosine(live)
	for n, on := range live {
		fn, with := p.e.Nodes[n].Fn, partner[Node(n)]
		switch {
		case !on || fn == Const || fn == Iota:
		case with == 0:
			p.value(Node(n))
		case int(with) > n:
			p.both(Node(n), with)
		}
	}
	return p.b.String()
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
func (p *printer) both(a, b Node) {
	if p.e.Nodes[a].Fn == Cos {
		a, b = b, a
	}
	x := &p.e.Nodes[a]
	sine, cosine := p.name(a), p.name(b)
	p.statement("%s %s, %s", p.types[x.DType], sine, cosine)
	p.statement("sincos%s(%s, &%s, &%s)", suffix(x.DType), p.name(x.Arg[0]), sine, cosine)
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
	d.cast = func(from, to device.DType, v string) string {
		if to == device.Bool {
			return v + " != 0"
		}
		return "(" + cudaTypes[to] + ")" + v
	}
	d.call = func(p *printer, fn Fn, dt device.DType, args ...string) string {
		if _, ok := cHelpers[fn]; ok || fn == Hypot { // CUDA's hypot overflows too early by an ulp
			return "cotangent_" + fn.String() + suffix(dt) + "(" + strings.Join(args, ", ") + ")"
		}
		return cCall(p, fn, dt, args...)
	}
	return d
}()
