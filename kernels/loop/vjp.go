// The reverse derivative: cotangents of operands from those of results.

package loop

import (
	"math/bits"
	"slices"
)

// VJP returns the loops that give the cotangents of the operands in want, bit i
// for operand i. Operands of integers and bools have none, and neither have
// those that no result depends on, as where there is nothing to loop over. Products of
// partial derivatives and cotangents are strong, unless ieee is set. Panics on reductions
// by Prod, Max and Min, for which the op must give a rule.
func VJP(e *Expr, want uint64, ieee bool) []Derived {
	s := newSweep(e, Cotangent, ieee)
	cot := s.reverse(want)
	var groups []*group
	for in := range min(len(e.Ins), bits.Len64(want)) {
		if want>>in&1 == 0 {
			continue
		}
		for _, f := range s.forms(s.contributions(in, cot)) {
			if extent(f.axes) > 0 { // else nothing is contributed
				groups = s.place(groups, in, f)
			}
		}
	}
	ds := make([]Derived, len(groups))
	for i, g := range groups {
		stores := make([]Store, len(g.to))
		for k, in := range g.to {
			stores[k] = s.store(g, g.value[k], in)
		}
		ds[i] = s.finish(g, stores)
	}
	return ds
}

// reverse returns the cotangent of every node of the base that the wanted
// operands reach, None where it is zero.
func (s *sweep) reverse(want uint64) []Node {
	active := s.active(func(l *Load) bool { return want>>l.In&1 != 0 })
	cot := make([]Node, len(s.base.Nodes))
	for n := range cot {
		cot[n] = None
	}
	for i := range s.base.Outs {
		if o := &s.base.Outs[i]; active[o.Value] {
			cot[o.Value] = s.Add(cot[o.Value], s.reduction(i, s.seed(i, nil)))
		}
	}
	s.backward(cot, active)
	return cot
}

// backward completes the cotangents of the active nodes from those that are given.
func (s *sweep) backward(cot []Node, active []bool) {
	for n := len(cot) - 1; n >= 0; n-- {
		x := &s.base.Nodes[n]
		if cot[n] == None {
			continue
		}
		for i := range x.Fn.Arity() {
			if a := x.Arg[i]; active[a] && (x.Fn == Cast || partials[x.Fn][i] != nil) {
				cot[a] = s.Add(cot[a], s.Cast(s.DType(a), s.chain(Node(n), i, cot[n])))
			}
		}
	}
}

// contribution is the cotangent of one load.
type contribution struct {
	load  *Load
	value Node
}

func (s *sweep) contributions(in int, cot []Node) []contribution {
	var list []contribution
	for n := range cot {
		if x := &s.base.Nodes[n]; cot[n] != None && x.Fn == LoadFn && s.base.Loads[x.K].In == in {
			list = append(list, contribution{&s.base.Loads[x.K], cot[n]})
		}
	}
	return list
}

// place adds a contribution to operand in to the group that it fits: one that
// has this operand, or one that computes over the same elements in the same way.
// Contractions stay products of two, each alone where they reduce; mere copies
// stay alone, for they can be views.
func (s *sweep) place(groups []*group, in int, f form) []*group {
	copies := s.isLoad(f.value)
	for _, g := range groups {
		k := slices.Index(g.to, in)
		switch {
		case !g.form.alike(&f) || s.Contraction && f.reduce != NoReduce:
		case k >= 0 && !s.Contraction:
			g.value[k] = g.dst.Add(g.value[k], s.emit(g, &f))
			return groups
		case k < 0 && !copies && !s.isLoad(g.form.value) && g.form.sameMap(&f):
			g.to, g.value = append(g.to, in), append(g.value, s.emit(g, &f))
			return groups
		}
	}
	g := &group{form: f, dst: s.target(f.axes), to: []int{in}}
	g.value = []Node{s.emit(g, &f)}
	return append(groups, g)
}
