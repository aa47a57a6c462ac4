// The transpose of a load: the loop in which the cotangents of an operand's
// elements are best written. Where the load's index can be solved for axes, it
// is a loop over the operand's own elements, which are written once each (as
// in Li, Gharbi, Adams, Durand, Ragan-Kelley, Differentiable programming for
// image processing and deep learning in Halide, 2018); else elements are
// written where the load read them.

package loop

import (
	"fmt"
	"slices"
)

// form is a way to write one contribution: a loop over axes, of which each axis
// a of the base is sub[a], and a store at index.
type form struct {
	axes    []Axis
	sub     []Lin
	index   []Lin // Via are nodes of the sweep
	reduce  Combiner
	partial bool
	scatter bool
	guard   bool  // sub may leave the range of a base's axis: loads are guarded
	domain  []int // base axes that must be checked to be in range, for no load of a seed does it
	value   Node  // of the sweep
	clip    []int // dimensions of the index where the value counts only in range
}

// forms chooses how the contributions to one operand are written. Several
// shifted ones (a stencil's) are gathered in one loop where that is no more work.
func (s *sweep) forms(list []contribution) []form {
	out := make([]form, len(list))
	solved := make([]*form, len(list))
	total := 0 // iterations of the one-to-one forms
	for i, c := range list {
		f, ok := s.solve(c.load)
		if ok {
			s.needDomain(&f, c)
		}
		if ok && !f.guard {
			out[i] = f
			continue
		}
		out[i] = s.own(c.load)
		if ok {
			solved[i] = &f
		}
		if !out[i].scatter {
			total += extent(out[i].axes)
		}
	}
	for i, f := range solved {
		if f == nil {
			continue
		}
		cost := extent(f.axes)
		if out[i].scatter && cost <= 2*extent(out[i].axes) || !out[i].scatter && len(list) > 1 && cost <= total {
			out[i] = *f
		}
	}
	for i, c := range list {
		out[i].value = c.value
	}
	return out
}

func extent(axes []Axis) int {
	n := 1
	for _, a := range axes {
		n *= a.Size
	}
	return n
}

// own returns the form that writes where the load reads: Partial where that is
// one-to-one, else Scatter. The range of an axis is narrowed to where a guarded
// load is in range, if that depends on it alone.
func (e *Expr) own(l *Load) form {
	lo, hi := make([]int, len(e.Axes)), make([]int, len(e.Axes))
	for a := range e.Axes {
		hi[a] = e.Axes[a].Size
	}
	var clip []int
	for d, x := range l.Index {
		if !l.Guarded || x.Via != None {
			continue
		}
		size := e.Ins[l.In].Shape[d]
		if len(x.Terms) == 1 {
			t := x.Terms[0]
			lo[t.Axis], hi[t.Axis] = narrow(lo[t.Axis], hi[t.Axis], t.Coef, x.Const, size)
		} else if least, most := x.bounds(e.Axes); least < 0 || most >= size {
			clip = append(clip, d)
		}
	}
	f := form{sub: make([]Lin, len(e.Axes)), clip: clip}
	for _, a := range e.ownOrder(l.Index) {
		f.sub[a] = At(len(f.axes)).Plus(lo[a])
		if hi[a] == lo[a]+1 {
			f.sub[a] = Fixed(lo[a])
			continue
		}
		f.axes = append(f.axes, Axis{e.Axes[a].Name, max(0, hi[a]-lo[a])})
	}
	f.index = make([]Lin, len(l.Index))
	for d, x := range l.Index {
		f.index[d] = x
		if x.Via == None {
			f.index[d] = x.subst(f.sub)
		}
	}
	loop := Expr{Axes: f.axes}
	f.scatter = len(clip) > 0 || !loop.injective(f.index)
	f.partial = !f.scatter && !loop.plain(f.index, e.Ins[l.In].Shape)
	if f.scatter || len(loop.reduced(f.index)) > 0 {
		f.reduce = Sum
	}
	return f
}

// ownOrder lists the axes: those of an affine one-to-one index first, in their
// order there.
func (e *Expr) ownOrder(index []Lin) []int {
	var order []int
	if e.injective(index) {
		for _, x := range index {
			for _, t := range x.Terms {
				if !slices.Contains(order, t.Axis) {
					order = append(order, t.Axis)
				}
			}
		}
	}
	for a := range e.Axes {
		if !slices.Contains(order, a) {
			order = append(order, a)
		}
	}
	return order
}

// narrow returns the part of [lo, hi) in which 0 <= coef*i+c < size.
func narrow(lo, hi, coef, c, size int) (int, int) {
	if coef < 0 {
		// The same for -i, whose range is [1-hi, 1-lo).
		l, h := narrow(1-hi, 1-lo, -coef, c, size)
		return 1 - h, 1 - l
	}
	lo = max(lo, ceilDiv(-c, coef))
	hi = min(hi, ceilDiv(size-c, coef))
	return lo, max(lo, hi)
}

// ceilDiv returns a/b rounded up, for b > 0.
func ceilDiv(a, b int) int {
	if a > 0 {
		return (a + b - 1) / b
	}
	return a / b
}

// alike reports whether two forms can be one loop.
func (f *form) alike(g *form) bool {
	return f.reduce == g.reduce && f.partial == g.partial && f.scatter == g.scatter &&
		len(f.clip)+len(g.clip) == 0 &&
		slices.EqualFunc(f.axes, g.axes, func(a, b Axis) bool { return a.Size == b.Size }) &&
		slices.EqualFunc(f.index, g.index, Lin.Equal) &&
		(f.sameMap(g) || !slices.ContainsFunc(f.index, func(l Lin) bool { return l.Via != None }))
}

// sameMap reports whether two forms read the same elements in an iteration.
func (f *form) sameMap(g *form) bool {
	return f.guard == g.guard && slices.EqualFunc(f.sub, g.sub, Lin.Equal)
}

// emit makes the value of a form in a group's loop.
func (s *sweep) emit(g *group, f *form) Node {
	r := g.copyWith(s, f)
	value := r.node(f.value)
	for _, a := range f.domain {
		value = g.dst.Select(g.dst.within(g.dst.linNode(f.sub[a]), s.Axes[a].Size), value, None)
	}
	return value
}

// store returns the store of a value in a group's loop.
func (s *sweep) store(g *group, value Node, in int) Store {
	f, a := &g.form, s.base.Ins[in]
	index := slices.Clone(f.index)
	for d, l := range index {
		if l.Via != None {
			index[d].Via = g.copies[0].node(l.Via)
		}
	}
	for _, d := range f.clip {
		i := g.dst.linNode(index[d])
		ok := g.dst.within(i, a.Shape[d])
		index[d] = Through(g.dst.Select(ok, i, None))
		value = g.dst.Select(ok, value, None)
	}
	if g.dst.DType(value) != a.DType {
		panic(fmt.Sprintf("loop: a cotangent of %v for an operand of %v", g.dst.DType(value), a.DType))
	}
	return Store{Value: value, Index: index, Reduce: f.reduce, Partial: f.partial, Scatter: f.scatter, Aval: a}
}
