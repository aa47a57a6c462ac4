// Views: which values are other ones seen through affine indices.

package native

import (
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// alias is a value that is another one seen through affine indices.
type alias struct {
	base  graph.Ref
	index []loop.Lin // over the value's dimensions; nil where only memory can be viewed
}

// resolve returns a load with the views between it and a value that is computed
// or given taken away, as far as indices can say it.
func (l *lowering) resolve(v graph.Ref, ld loop.Load) load {
	r := load{val: v, index: ld.Index, guarded: ld.Guarded}
	a := l.alias[v]
	if a.base == v {
		return r
	}
	r.direct = true
	if a.index == nil || ld.Guarded {
		return r
	}
	shape, base := l.g.Aval(v).Shape, l.g.Aval(a.base).Shape
	index := make([]loop.Lin, len(a.index))
	for d, x := range a.index {
		y, ok := compose(x, ld.Index, shape, base[d])
		if !ok {
			return r
		}
		index[d] = y
	}
	return load{val: a.base, index: index}
}

// compose replaces the dimensions that x is a function of by their indices.
func compose(x loop.Lin, index []loop.Lin, shape []int, size int) (loop.Lin, bool) {
	if len(x.Terms) == 1 && x.Const == 0 && x.Terms[0].Coef == 1 {
		d := x.Terms[0].Axis
		return index[d], index[d].Via == loop.None || shape[d] == size
	}
	c, terms := x.Const, []loop.Term(nil)
	for _, t := range x.Terms {
		y := index[t.Axis]
		if y.Via != loop.None {
			return loop.Lin{}, false
		}
		c += t.Coef * y.Const
		for _, u := range y.Terms {
			terms = append(terms, loop.Term{Axis: u.Axis, Coef: t.Coef * u.Coef})
		}
	}
	return loop.Affine(c, terms...), true
}

// view notes that an instruction's result is its operand seen differently.
func (l *lowering) view(x *graph.Instr, args []graph.Ref) bool {
	if !x.Inst.Rearranges() {
		return false
	}
	from := l.alias[args[0]]
	in := l.g.Aval(args[0])
	var index []loop.Lin
	if op := x.Inst.Op; op != nil && op.View != nil {
		index = reshapeIndex(in.Shape, x.Inst.Out[0].Shape)
		if index == nil && from.base != args[0] {
			return false // a copy, where the operand is not one piece of memory
		}
	} else {
		index = viewIndex(x.Inst.Expr)
	}
	to := alias{base: from.base, index: index}
	if index != nil && from.base != args[0] {
		if from.index == nil {
			return false
		}
		to.index = make([]loop.Lin, len(from.index))
		for d, y := range from.index {
			to.index[d], _ = compose(y, index, nil, 0)
		}
	}
	l.alias[x.Out] = to
	return true
}

// viewIndex returns where in its operand a rearrangement reads each element.
func viewIndex(e *loop.Expr) []loop.Lin {
	l := &e.Loads[e.Nodes[e.Outs[0].Value].K]
	index := make([]loop.Lin, len(l.Index))
	rank := len(e.Outs[0].Index)
	for d, x := range l.Index {
		y := loop.Fixed(x.Const)
		for _, t := range x.Terms {
			if t.Axis < rank {
				y.Terms = append(y.Terms, t)
			}
		}
		index[d] = y
	}
	return index
}

// reshapeIndex returns the indices of a reshape that splits dimensions or adds
// and drops ones of size 1; nil for one that merges dimensions.
func reshapeIndex(from, to []int) []loop.Lin {
	index := make([]loop.Lin, len(from))
	t := 0
	for d, n := range from {
		index[d] = loop.Fixed(0)
		if n == 1 {
			continue
		}
		var dims []int
		for m := 1; m < n; t++ {
			if t == len(to) || to[t] == 0 {
				return nil
			}
			if to[t] != 1 {
				dims = append(dims, t)
			}
			if m *= to[t]; m > n {
				return nil
			}
		}
		coef := 1
		var terms []loop.Term
		for i := len(dims) - 1; i >= 0; i-- {
			terms = append(terms, loop.Term{Axis: dims[i], Coef: coef})
			coef *= to[dims[i]]
		}
		if coef != n {
			return nil
		}
		index[d] = loop.Affine(0, terms...)
	}
	return index
}
