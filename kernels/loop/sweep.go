// What forward and reverse derivatives share: a working copy of the base that
// may also load its results and cotangents or tangents, and chain-rule steps.

package loop

import (
	"math"
)

// sweep is a derivation at work. Its expression starts as the base; operands
// are the base's, then the base's results, then cotangents or tangents.
type sweep struct {
	*Expr
	base  *Expr
	kind  SourceKind // Cotangent or Tangent
	ieee  bool       // ordinary products of partial derivatives and cotangents or tangents
	alias []Node     // by node of the base: the load of the result that it is, or None
}

func newSweep(base *Expr, kind SourceKind, ieee bool) *sweep {
	n := len(base.Nodes)
	e := &Expr{
		Axes:        base.Axes,
		Ins:         make([]Aval, 0, 2*len(base.Ins)+2*len(base.Outs)),
		Nodes:       append(make([]Inst, 0, 3*n+8), base.Nodes...),
		Loads:       append(make([]Load, 0, 2*len(base.Loads)+2*len(base.Outs)), base.Loads...),
		Contraction: base.Contraction,
	}
	e.Ins = append(e.Ins, base.Ins...)
	for i := range base.Outs {
		e.Ins = append(e.Ins, base.Outs[i].Aval)
	}
	if kind == Tangent {
		e.Ins = append(e.Ins, base.Ins...)
	} else {
		e.Ins = append(e.Ins, e.Ins[len(base.Ins):]...)
	}
	s := &sweep{Expr: e, base: base, kind: kind, ieee: ieee, alias: make([]Node, n)}
	for i := range s.alias {
		s.alias[i] = None
	}
	for i := range base.Outs {
		s.aliasResult(i)
	}
	return s
}

// aliasResult makes partials that read the value of result i load the result,
// where it holds just that value and is not a mere load itself.
func (s *sweep) aliasResult(i int) {
	o := &s.base.Outs[i]
	if s.base.Nodes[o.Value].Fn.Arity() > 0 && o.Reduce == NoReduce && !o.Scatter {
		s.alias[o.Value] = s.result(i)
	}
}

// result loads the base's result i where the base stores it.
func (s *sweep) result(i int) Node { return s.Load(len(s.base.Ins)+i, s.base.Outs[i].Index...) }

// seed loads the cotangent of result i (at the index of its store) or the
// tangent of operand i (at the index of load l).
func (s *sweep) seed(i int, like *Load) Node {
	first := len(s.base.Ins) + len(s.base.Outs)
	if like == nil {
		return s.Load(first+i, s.base.Outs[i].Index...)
	}
	return s.load(Load{In: first + i, Index: like.Index, Guarded: like.Guarded})
}

// isSeed reports whether an operand is a cotangent or tangent.
func (s *sweep) isSeed(in int) bool { return in >= len(s.base.Ins)+len(s.base.Outs) }

// source tells where an operand of the working expression comes from.
func (s *sweep) source(in int) Source {
	ins, outs := len(s.base.Ins), len(s.base.Outs)
	switch {
	case in < ins:
		return Source{Operand, in}
	case in < ins+outs:
		return Source{Result, in - ins}
	}
	return Source{s.kind, in - ins - outs}
}

// active marks the nodes of the base that depend differentiably on the loads
// for which varied holds.
func (s *sweep) active(varied func(l *Load) bool) []bool {
	active := make([]bool, len(s.base.Nodes))
	for n := range s.base.Nodes {
		x := &s.base.Nodes[n]
		switch {
		case !x.DType.IsFloat():
		case x.Fn == LoadFn:
			active[n] = varied(&s.base.Loads[x.K])
		default:
			for i := range x.Fn.Arity() {
				active[n] = active[n] || active[x.Arg[i]] && (x.Fn == Cast || partials[x.Fn][i] != nil)
			}
		}
	}
	return active
}

// chain returns the product of g and the partial derivative of node n by its
// argument i; for a Cast it is g, of g's own type.
func (s *sweep) chain(n Node, i int, g Node) Node {
	x := s.Nodes[n]
	if x.Fn == Cast || g == None {
		return g
	}
	p := partials[x.Fn][i](s.Expr, n, x.Arg[0], x.Arg[1])
	switch {
	case p == None:
		return None
	case s.Contraction && x.Fn != SMul:
		return s.Mul(p, g)
	}
	return s.propagate(p, g, s.ieee)
}

// propagate returns the product of a partial derivative p and the g that it propagates: a
// strong one, or with ieee an ordinary one. What is strong inside p stays so.
func (e *Expr) propagate(p, g Node, ieee bool) Node {
	n := e.SMul(p, g)
	if ieee {
		n = e.ordinary(n, p, g)
	}
	return n
}

// ordinary returns n, to which the strong product of p and g came, with ordinary ones in it.
func (e *Expr) ordinary(n, p, g Node) Node {
	if n == None || n == p || n == g {
		return n
	}
	switch x := e.Nodes[n]; x.Fn {
	case SMul:
		return e.Mul(x.Arg[0], x.Arg[1])
	case Select:
		return e.Select(x.Arg[0], e.ordinary(x.Arg[1], p, g), e.ordinary(x.Arg[2], p, g))
	}
	return n
}

// reduction returns g times the derivative of result i's reduction by the value
// that is reduced.
func (s *sweep) reduction(i int, g Node) Node {
	o := &s.base.Outs[i]
	switch {
	case g == None:
		return None
	case o.Reduce == NoReduce || o.Reduce == Sum || len(s.Reduced(o)) == 0:
		return g
	case o.Reduce == LSE:
		y := s.result(i)
		p := s.Exp(s.Sub(o.Value, y))
		return s.propagate(s.Select(s.Eq(y, s.Like(y, math.Inf(-1))), None, p), g, s.ieee)
	}
	panic("loop: a reduction by Prod, Max or Min has no derived derivative; its op gives rules")
}

// group is a derived loop being made, with one result a target.
type group struct {
	form   form
	dst    *Expr
	copies []*rebuild // one for each substitution in use
	to     []int
	value  []Node
}

// copyWith returns the group's copier of nodes for a substitution.
func (g *group) copyWith(s *sweep, f *form) *rebuild {
	for _, r := range g.copies {
		if have := (form{sub: r.sub, guard: r.guard}); have.sameMap(f) {
			return r
		}
	}
	r := newRebuild(s.Expr, g.dst, f.sub)
	r.alias, r.guard = s.alias, f.guard
	g.copies = append(g.copies, r)
	return r
}

// finish stores the group's values and returns the derived loop.
func (s *sweep) finish(g *group, stores []Store) Derived {
	g.dst.Outs = stores
	kept := g.dst.compact(true)
	d := Derived{Expr: g.dst, From: make([]Source, len(kept)), To: g.to}
	for i, in := range kept {
		d.From[i] = s.source(in)
	}
	return d
}

// target returns an empty expression over the axes for nodes of the sweep.
func (s *sweep) target(axes []Axis) *Expr {
	dst := New(axes, s.Ins)
	dst.Contraction = s.Contraction
	return dst
}
