// A loop over a part of one of its axes, or over its axes in another order.

package loop

import "slices"

// Part returns the loop over the part of an axis that begins at lo and has n
// values, with results of that part alone: every result must be plain and have the
// axis as a dimension. Operand i is replaced by its part along dimension dim[i], of
// which each load is at the axis itself; dim[i] is negative for operands that stay
// as they are. Not ok where that does not hold.
func (e *Expr) Part(axis, lo, n int, dim []int) (part *Expr, ok bool) {
	if axis >= len(e.Axes) || lo < 0 || lo+n > e.Axes[axis].Size {
		return nil, false
	}
	axes := append([]Axis{}, e.Axes...)
	axes[axis].Size = n
	dst := New(axes, append([]Aval{}, e.Ins...))
	dst.Contraction, dst.Fused = e.Contraction, e.Fused
	for i, d := range dim {
		if d >= 0 {
			dst.Ins[i] = resized(e.Ins[i], d, n)
		}
	}
	for _, l := range e.Loads {
		if d := dim[l.In]; d >= 0 && !(l.Index[d].isAt(axis) && e.Ins[l.In].Shape[d] == e.Axes[axis].Size) {
			return nil, false
		}
	}
	sub := Ats(len(axes))
	sub[axis] = sub[axis].Plus(lo)
	r := newRebuild(e, dst, sub)
	r.load = func(l Load) Node {
		if d := dim[l.In]; d >= 0 {
			l.Index = append([]Lin{}, l.Index...)
			l.Index[d] = l.Index[d].Plus(-lo)
		}
		return dst.load(l)
	}
	for _, s := range e.Outs {
		if !e.Plain(&s) || axis >= len(s.Index) {
			return nil, false
		}
		s.Value, s.Aval = r.node(s.Value), resized(s.Aval, axis, n)
		dst.Outs = append(dst.Outs, s)
	}
	dst.compact(false)
	return dst, true
}

// resized returns a with n elements along dimension d.
func resized(a Aval, d, n int) Aval {
	a.Shape = append([]int{}, a.Shape...)
	a.Shape[d] = n
	return a
}

// Order returns the loop with its axes in another order: axis order[0] first. What is
// reduced over several axes is combined in the order of these.
func (e *Expr) Order(order []int) *Expr {
	axes, sub := make([]Axis, len(order)), make([]Lin, len(order))
	for to, a := range order {
		axes[to], sub[a] = e.Axes[a], At(to)
	}
	dst := New(axes, e.Ins)
	dst.Contraction, dst.Fused = e.Contraction, e.Fused
	r := newRebuild(e, dst, sub)
	for _, s := range e.Outs {
		s.Value, s.Index, s.Partial = r.node(s.Value), r.index(s.Index), false
		dst.Store(s)
	}
	return dst
}

// Whole returns the order of axes in which the store's index would be the first axes in
// order: those of its index, each the whole of a dimension, and then the others as they
// are. Not ok where there is no such order.
func (e *Expr) Whole(s *Store) (order []int, ok bool) {
	if s.Scatter {
		return nil, false
	}
	for d, l := range s.Index {
		if l.Via != None || l.Const != 0 || len(l.Terms) != 1 || l.Terms[0].Coef != 1 || e.Axes[l.Terms[0].Axis].Size != s.Aval.Shape[d] {
			return nil, false
		}
		order = append(order, l.Terms[0].Axis)
	}
	order = append(order, e.reduced(s.Index)...)
	return order, distinct(order)
}

func distinct(list []int) bool {
	for i, x := range list {
		if slices.Contains(list[:i], x) {
			return false
		}
	}
	return true
}
