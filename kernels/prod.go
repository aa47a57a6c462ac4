// The derivative rules of products. The product of n rows is taken as a tree:
// each level multiplies its first half with its second. All operations are
// products and slices, which are differentiable to any order, and nothing is
// divided, so that zeros do no harm.

package kernels

import "slices"

// prodLevel is one level of the tree: n rows, of which the first and the
// second half are multiplied, and one more taken along where n is odd.
type prodLevel struct{ lo, hi, rest Val }

// prodRows brings the reduced axes of x to the front, as one.
func prodRows(b Builder, inst *Inst, x Val) Val {
	shape := inst.In[0].Shape
	list, _ := axes(inst.Name, inst.Attr.(Axes), shape)
	kept := without(len(shape), list)
	n, rest := sizes(shape, list), sizes(shape, kept)
	return reshape(b, One(b, Transpose, AxesOf(false, append(list, kept...)...), x), n, rest)
}

// prodUnrows is the way back.
func prodUnrows(b Builder, inst *Inst, x Val) Val {
	shape := inst.In[0].Shape
	list, _ := axes(inst.Name, inst.Attr.(Axes), shape)
	order := append(list, without(len(shape), list)...)
	moved, back := make([]int, len(shape)), make([]int, len(shape))
	for d, ax := range order {
		moved[d], back[ax] = shape[ax], d
	}
	return One(b, Transpose, AxesOf(false, back...), reshape(b, x, moved...))
}

// without returns the axes that are not in the list.
func without(rank int, list []int) []int {
	var kept []int
	for d := range rank {
		if !slices.Contains(list, d) {
			kept = append(kept, d)
		}
	}
	return kept
}

// sizes multiplies the sizes of the axes in the list.
func sizes(shape, list []int) int {
	n := 1
	for _, d := range list {
		n *= shape[d]
	}
	return n
}

// halves splits the rows of x.
func halves(b Builder, x Val) prodLevel {
	n := x.Aval().Shape[0]
	part := func(lo, hi int) Val { return One(b, Slice, RangesOf(From(lo, hi)), x) }
	l := prodLevel{lo: part(0, n/2), hi: part(n/2, n/2*2)}
	if n%2 != 0 {
		l.rest = part(n-1, n)
	}
	return l
}

// rows joins values along their first axis, leaving out the last where it is nil.
func rows(b Builder, x ...Val) Val {
	if x[len(x)-1] == nil {
		x = x[:len(x)-1]
	}
	if len(x) == 1 {
		return x[0]
	}
	return One(b, Join, AxesOf(false, 0), x...)
}

func prodJVP(b Builder, inst *Inst, x, _, dx []Val) []Val {
	if dx[0] == nil {
		return []Val{nil}
	}
	p, t := prodRows(b, inst, x[0]), prodRows(b, inst, dx[0])
	if p.Aval().Shape[0] == 0 {
		return []Val{nil}
	}
	for p.Aval().Shape[0] > 1 {
		lp, lt := halves(b, p), halves(b, t)
		p = rows(b, One(b, Mul, nil, lp.lo, lp.hi), lp.rest)
		t = rows(b, One(b, Add, nil, One(b, SMul, nil, lt.lo, lp.hi), One(b, SMul, nil, lp.lo, lt.hi)), lt.rest)
	}
	return []Val{reshape(b, t, inst.Out[0].Shape...)}
}

func prodVJP(b Builder, inst *Inst, x, _, g []Val, _ Mask) []Val {
	p := prodRows(b, inst, x[0])
	if g[0] == nil || p.Aval().Shape[0] == 0 {
		return []Val{nil}
	}
	var levels []prodLevel
	for p.Aval().Shape[0] > 1 {
		l := halves(b, p)
		levels = append(levels, l)
		p = rows(b, One(b, Mul, nil, l.lo, l.hi), l.rest)
	}
	c := reshape(b, g[0], 1, p.Aval().Shape[1])
	for i := len(levels) - 1; i >= 0; i-- {
		l := levels[i]
		var rest Val
		n := l.lo.Aval().Shape[0]
		if l.rest != nil {
			rest = One(b, Slice, RangesOf(From(n, n+1)), c)
			c = One(b, Slice, RangesOf(From(0, n)), c)
		}
		c = rows(b, One(b, SMul, nil, c, l.hi), One(b, SMul, nil, c, l.lo), rest)
	}
	return []Val{prodUnrows(b, inst, c)}
}
