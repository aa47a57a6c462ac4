// Quick code: what gives the same, bit for bit, for values that are nothing special.
//
// Most of the instructions of a derivative on a GPU are there for values that hardly
// ever come: a strong product asks whether a factor is zero, since the other may be
// infinite; a root or a sine whether the argument is so large, or so small, that it
// takes another way. Quick code does as if no such value came, and tells in the end
// whether one did, so that all is computed again the long way: few tests that many
// values share, most of them decided beforehand by the spans of what is computed
// (span.go), and no branch in between that would keep elements from being computed
// side by side.
//
// A strong product is fma(a, b, +0), the product rounded once, and +0 where it is zero,
// unless one factor is zero and the other infinite or NaN: then that is NaN. Most
// functions of NaN are NaN, so that it is enough to look at what becomes of a product in
// the end.

package loop

import (
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
)

// bound is what a value must keep to: lo <= value <= hi, or the same of its absolute
// value. NaN does not.
type bound struct {
	lo, hi float64
	abs    bool
}

// holds reports whether values of a span surely keep to the lower and to the upper end.
func (b bound) holds(s span) (lower, upper bool) {
	if s.nan {
		return false, false
	}
	lo, hi := s.lo, s.hi
	if b.abs {
		lo, hi = s.magnitude()
	}
	return lo >= b.lo, hi <= b.hi
}

// within is the span of what keeps to the bound.
func (b bound) within(s span) span {
	lo, hi := b.lo, b.hi
	if b.abs {
		switch lo, hi = -b.hi, b.hi; {
		case s.lo >= 0:
			lo = b.lo
		case s.hi <= 0:
			hi = -b.lo
		}
	}
	return span{math.Max(s.lo, lo), math.Min(s.hi, hi), false}
}

// and is what keeps to both bounds; those of absolute values and others do not mix.
func (b bound) and(c bound) bound {
	return bound{math.Max(b.lo, c.lo), math.Min(b.hi, c.hi), b.abs}
}

// short is a function with a quick way: for which arguments, and how many instructions
// that saves.
type short struct {
	of   bound
	gain int
}

// shorts are those of float32. The limits are those of prelude.cuh.
var shorts = map[Fn]short{
	Sqrt:    {bound{0x1p-100, math.MaxFloat32, false}, 5},
	Recip:   {bound{0x1p-126, 0x1p125, true}, 7},
	Sin:     {bound{0, 65536, true}, 5},
	Cos:     {bound{0, 65536, true}, 5},
	Sigmoid: {bound{-86, math.Inf(1), false}, 7},
}

// strongGain is what a strong product costs beyond an ordinary one.
const strongGain = 3

// quick is how an expression is computed quickly.
type quick struct {
	on    []bool           // nodes computed in their quick way
	tests map[Node][]bound // what is tested of a node
	gain  int              // instructions saved, less those of the tests
}

// quickly plans quick code for what results need.
func (e *Expr) quickly(live []bool) *quick {
	q := &quick{on: make([]bool, len(e.Nodes)), tests: map[Node][]bound{}}
	must := map[Node][]bound{}
	require := func(n Node, b bound) {
		if i := slices.IndexFunc(must[n], func(c bound) bool { return c.abs == b.abs }); i >= 0 {
			must[n][i] = must[n][i].and(b)
		} else {
			must[n] = append(must[n], b)
		}
	}
	for n := range e.Nodes {
		x := &e.Nodes[n]
		if s, ok := shorts[x.Fn]; ok && live[n] && x.DType == device.Float32 && e.Nodes[x.Arg[0]].Fn != Const {
			q.on[n] = true
			q.gain += s.gain
			require(x.Arg[0], s.of)
		}
	}
	of := e.spans(must)
	for n, end := range e.ends(live, of, q) {
		if end {
			require(Node(n), bound{math.Inf(-1), math.Inf(1), false}) // not NaN
		}
	}
	of = e.spans(must)
	for n, list := range must {
		s := e.spanOf(n, of)
		for _, b := range list {
			if lower, upper := b.holds(s); !lower || !upper {
				// NaN fails either test, so that one is enough.
				if l, u := b.holds(span{s.lo, s.hi, false}); l {
					b.lo = math.Inf(-1)
				} else if u {
					b.hi = math.Inf(1)
				}
				q.tests[n] = append(q.tests[n], b)
				q.gain--
			}
		}
	}
	return q
}

// spans are the spans of all nodes where those that must keep to bounds do.
func (e *Expr) spans(must map[Node][]bound) []span {
	of := make([]span, len(e.Nodes))
	for n := range e.Nodes {
		of[n] = e.spanOf(Node(n), of)
		for _, b := range must[Node(n)] {
			of[n] = b.within(of[n])
		}
	}
	return of
}

// ends marks strong products as quick, and the nodes that must not be NaN for that: in
// each of them a product that should be zero would be seen.
func (e *Expr) ends(live []bool, of []span, q *quick) []bool {
	seen := make([]bool, len(e.Nodes)) // must not be NaN
	for n := range e.Nodes {
		x := &e.Nodes[n]
		if !live[n] {
			continue
		}
		if x.Fn == SMul {
			q.on[n] = true
			q.gain += strongGain
			a, b := of[x.Arg[0]], of[x.Arg[1]]
			seen[n] = seen[n] || !((a.nonzero() || b.finite()) && (b.nonzero() || a.finite()))
		}
		if !seen[n] {
			continue
		}
		if m := e.shows(Node(n), live, seen); m != None {
			seen[n], seen[m] = false, true
		}
	}
	return seen
}

// shows returns a later node that is NaN wherever n is, one that must not be NaN anyway
// if there is one; or None.
func (e *Expr) shows(n Node, live, seen []bool) Node {
	found := None
	for m := int(n) + 1; m < len(e.Nodes); m++ {
		x := &e.Nodes[m]
		if !live[m] || !x.DType.IsFloat() || !showsNaN[x.Fn] || !slices.Contains(x.Arg[:x.Fn.Arity()], n) {
			continue
		}
		if seen[m] {
			return Node(m)
		}
		found = Node(m)
	}
	return found
}

// showsNaN are functions that are NaN where an argument is.
var showsNaN = [NumFn]bool{
	Cast: true, Neg: true, Abs: true, Sign: true, Square: true, Sqrt: true, Recip: true, Exp: true, Expm1: true, Log: true, Log1p: true,
	Sin: true, Cos: true, Tan: true, Tanh: true, Sigmoid: true, Softplus: true, Erf: true,
	Add: true, Sub: true, Mul: true, SMul: true, Div: true, Maximum: true, Minimum: true,
}
