// Which loads a derivative reaches, and at which points of the loop, where some
// operands' values are known.

package loop

// Read is a load by which a result's derivative can be nonzero: at the points
// of the axes where the bool node When is true, or at all where When is None.
type Read struct {
	Load int
	When Node
}

// Reads returns the loads by which the derivative of result o can be nonzero.
// Operands that fixed holds for have values that are known and do not vary: a
// product with one of their zeros has no derivative by its other factor.
// Operands that seen holds for have known values (those of fixed among them):
// a choice by such values is made. The nodes in Read.When are of the returned
// expression, which is e with more nodes and loads known operands only there.
func (e *Expr) Reads(o int, fixed, seen func(in int) bool) (*Expr, []Read) {
	r := &reader{Expr: &Expr{Axes: e.Axes, Ins: e.Ins, Loads: e.Loads, Outs: e.Outs, Contraction: e.Contraction}}
	r.Nodes = append(make([]Inst, 0, 2*len(e.Nodes)), e.Nodes...)
	r.fixed, r.seen = e.known(fixed), e.known(seen)
	const never, always = None, None - 1
	reach := make([]Node, len(e.Nodes))
	for n := range reach {
		reach[n] = never
	}
	reach[e.Outs[o].Value] = always
	var reads []Read
	for n := len(e.Nodes) - 1; n >= 0; n-- {
		x := &e.Nodes[n]
		if reach[n] == never || !x.DType.IsFloat() {
			continue
		}
		if x.Fn == LoadFn {
			reads = append(reads, Read{int(x.K), max(reach[n], None)})
		}
		for i := range x.Fn.Arity() {
			a := x.Arg[i]
			if e.letter(x, i) == 'z' || reach[a] == always {
				continue
			}
			when := r.passes(Node(n), i)
			switch {
			case when != None && r.isConst(when, 0):
			case when == None && reach[n] == always:
				reach[a] = always
			default:
				if when == None {
					when = reach[n]
				} else if reach[n] != always {
					when = r.And(reach[n], when)
				}
				if reach[a] != never {
					when = r.Or(reach[a], when)
				}
				reach[a] = when
			}
		}
	}
	return r.Expr, reads
}

// reader is a Reads at work.
type reader struct {
	*Expr
	fixed, seen []bool // of each node of the base
}

// known marks the nodes that are made of operands for which has holds.
func (e *Expr) known(has func(in int) bool) []bool {
	known := make([]bool, len(e.Nodes))
	for n := range e.Nodes {
		x := &e.Nodes[n]
		known[n] = true
		if x.Fn == LoadFn {
			l := &e.Loads[x.K]
			known[n] = has(l.In)
			for d := range l.Index {
				known[n] = known[n] && (l.Index[d].Via == None || known[l.Index[d].Via])
			}
		}
		for i := range x.Fn.Arity() {
			known[n] = known[n] && known[x.Arg[i]]
		}
	}
	return known
}

// passes returns when the derivative of node n by its argument i can be nonzero:
// a bool node, or None for always.
func (r *reader) passes(n Node, i int) Node {
	x := r.Nodes[n]
	nonzero := func(a Node) Node {
		if !r.fixed[a] {
			return None
		}
		return r.Ne(a, r.Like(a, 0))
	}
	a, b := x.Arg[0], x.Arg[1]
	switch {
	case x.Fn == Mul || x.Fn == SMul:
		return nonzero(x.Arg[1-i])
	case x.Fn == Div && i == 1, x.Fn == Pow && i == 0:
		return nonzero(x.Arg[1-i])
	case x.Fn == Select && r.seen[a]:
		if i == 2 {
			return r.Not(a)
		}
		return a
	case (x.Fn == Maximum || x.Fn == Minimum) && r.seen[a] && r.seen[b]:
		if (x.Fn == Maximum) == (i == 0) {
			return r.Not(r.Lt(a, b))
		}
		return r.Not(r.Lt(b, a))
	}
	return None
}

// Known reports whether node n is made of operands for which has holds.
func (e *Expr) Known(n Node, has func(in int) bool) bool { return e.known(has)[n] }

// Tabulate returns the loop that stores node n at every point of the axes that
// it depends on, which are returned, ascending, with the operands that it
// loads, by their positions in e.
func (e *Expr) Tabulate(n Node) (t *Expr, axes, ins []int) {
	sub := make([]Lin, len(e.Axes))
	deps := e.deps()[n]
	var over []Axis
	for a := range e.Axes {
		if sub[a] = Fixed(0); deps>>a&1 != 0 {
			sub[a] = At(len(axes))
			axes, over = append(axes, a), append(over, e.Axes[a])
		}
	}
	t = New(over, e.Ins)
	shape := make([]int, len(over))
	for d, a := range over {
		shape[d] = a.Size
	}
	v := newRebuild(e, t, sub).node(n)
	t.Store(Store{Value: v, Index: Ats(len(over)), Aval: Aval{DType: e.DType(n), Shape: shape}})
	return t, axes, t.compact(true)
}

// Deps returns the axes that node n depends on, bit a for axis a.
func (e *Expr) Deps(n Node) uint64 { return e.deps()[n] }
