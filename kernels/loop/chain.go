// The partial derivatives of a result by single loads, and their products with
// tangents: the chain rule one load at a time, for results whose elements depend
// on few elements of the operands.

package loop

import "slices"

// Maps reports whether every result has an element for every point of the axes.
func (e *Expr) Maps() bool {
	return !slices.ContainsFunc(e.Outs, func(s Store) bool { return s.Scatter || len(e.reduced(s.Index)) > 0 })
}

// Unroll returns the loop of result o alone, with a sum over axes written out
// term by term, so that it reduces nothing. It is not ok where the result is
// reduced otherwise, is scattered, or where that would make more than limit nodes.
func (e *Expr) Unroll(o, limit int) (*Expr, bool) {
	s := e.Outs[o]
	red := e.reduced(s.Index)
	switch {
	case s.Scatter:
		return nil, false
	case len(red) == 0:
		one := *e
		one.Outs, one.table = []Store{s}, nil
		return &one, true
	case s.Reduce != Sum || e.empty():
		return nil, false
	}
	sub, terms := make([]Lin, len(e.Axes)), 1
	dst := New(nil, e.Ins)
	dst.Contraction = e.Contraction
	for a, axis := range e.Axes {
		if slices.Contains(red, a) {
			terms *= axis.Size
			continue
		}
		sub[a] = At(len(dst.Axes))
		dst.Axes = append(dst.Axes, axis)
	}
	if terms > limit/len(e.Nodes) {
		return nil, false
	}
	sum := None
	var r *rebuild
	for t := range terms {
		for _, a := range slices.Backward(red) {
			sub[a] = Fixed(t % e.Axes[a].Size)
			t /= e.Axes[a].Size
		}
		r = newRebuild(e, dst, sub)
		sum = dst.Add(sum, r.node(s.Value))
	}
	s.Value, s.Index, s.Reduce = sum, r.index(s.Index), NoReduce
	dst.Outs = []Store{s}
	dst.compact(false)
	return dst, true
}

// Product is the partial derivative of a loop's result by a load times a tangent
// of what that reads: the element at the load's index of the operand Tangent of
// Chain's, or, where that is negative, the number Value.
type Product struct {
	Load, Tangent int
	Value         float64
}

// ProductSum is products that make a tangent of result Out.
type ProductSum struct {
	Out      int
	Products []Product
}

// Chain returns the loop with a result for each of sums, stored as the result of e
// that it is a tangent of. These reduce nothing. Its operands are those of the
// list of e's and then the tangents, whose positions in that list are kept.
// Products are strong, unless ieee is set.
func (e *Expr) Chain(sums []ProductSum, tangents []Aval, ieee bool) (c *Expr, kept []int) {
	varied := make([]bool, len(e.Loads))
	for _, sum := range sums {
		for _, p := range sum.Products {
			varied[p.Load] = true
		}
	}
	by := e.byLoad(varied, ieee)
	by.Ins = append(slices.Clip(e.Ins), tangents...)
	c = New(e.Axes, by.Ins)
	c.Contraction = e.Contraction
	r := newRebuild(by.Expr, c, Ats(len(e.Axes)))
	for _, sum := range sums {
		s := e.Outs[sum.Out]
		s.Value = None
		for _, p := range sum.Products {
			s.Value = c.Add(s.Value, c.Cast(s.Aval.DType, r.product(p, by.load[sum.Out][p.Load], len(e.Ins), ieee)))
		}
		if s.Value == None {
			s.Value = c.Const(s.Aval.DType, 0)
		}
		s.Index = r.index(s.Index)
		c.Outs = append(c.Outs, s)
	}
	return c, c.compact(true)
}

// product returns a product, of which partial is the one factor; ins is the number
// of operands before the tangents.
func (r *rebuild) product(p Product, partial Node, ins int, ieee bool) Node {
	if partial == None {
		return None
	}
	a := r.node(partial)
	if p.Tangent < 0 {
		return r.dst.propagate(a, r.dst.Like(a, p.Value), ieee)
	}
	l := r.src.Loads[p.Load]
	return r.dst.propagate(a, r.dst.load(Load{In: ins + p.Tangent, Index: r.index(l.Index), Guarded: l.Guarded}), ieee)
}

// byLoads is a loop with the partial derivatives of its results.
type byLoads struct {
	*Expr
	load [][]Node // by result and load of the loop, None where it is zero
}

// byLoad returns the partial derivatives by the varied loads.
func (e *Expr) byLoad(varied []bool, ieee bool) byLoads {
	s := newSweep(e, Cotangent, ieee)
	for n := range s.alias {
		s.alias[n] = None // the results are not at hand
	}
	on := map[*Load]bool{}
	for i := range e.Loads {
		on[&e.Loads[i]] = varied[i]
	}
	active := s.active(func(l *Load) bool { return on[l] })
	b := byLoads{s.Expr, make([][]Node, len(e.Outs))}
	for o := range e.Outs {
		b.load[o] = slices.Repeat([]Node{None}, len(e.Loads))
		cot := slices.Repeat([]Node{None}, len(e.Nodes))
		if v := e.Outs[o].Value; active[v] {
			cot[v] = s.Like(v, 1)
		}
		s.backward(cot, active)
		for n, x := range e.Nodes {
			if x.Fn == LoadFn && varied[x.K] {
				b.load[o][x.K] = cot[n]
			}
		}
	}
	return b
}
