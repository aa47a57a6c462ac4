// What fusion asks of single instructions: whether others can go into their loops, and
// which elements a reshape's are.

package graph

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// axesAt returns each axis of a loop that is read at an index of its results.
func axesAt(e *loop.Expr, index []loop.Lin) []loop.Lin {
	sub := make([]loop.Lin, len(e.Axes))
	for a := range sub {
		sub[a] = loop.Fixed(0)
		if a < len(index) {
			sub[a] = index[a]
		}
	}
	return sub
}

func extent(axes []loop.Axis) int {
	n := 1
	for _, a := range axes {
		n *= a.Size
	}
	return n
}

// isLoop reports whether an instruction is a loop that others can go into: no
// product of matrices, and not over nothing.
func isLoop(inst *kernels.Inst) bool {
	e := inst.Expr
	if e == nil || len(e.Axes) > maxGroupAxes || extent(e.Axes) == 0 || len(inst.Out) == 0 {
		return false
	}
	c, ok := e.AsContraction()
	return !ok || !c.Large()
}

// rigid reports whether a loop keeps its axes as they are: for it scatters, leaves
// gaps, or reduces over nothing but axes of one value.
func rigid(e *loop.Expr) bool {
	for o := range e.Outs {
		s := &e.Outs[o]
		if s.Scatter || s.Partial {
			return true
		}
		if red := e.Reduced(s); s.Reduce != loop.NoReduce && !slices.ContainsFunc(red, func(a int) bool { return e.Axes[a].Size > 1 }) {
			return true
		}
	}
	return false
}

// produces reports whether readers can take a result of the instruction from where
// it is computed: element by element, in a loop over them.
func produces(inst *kernels.Inst) bool {
	if isReshape(inst) {
		return true
	}
	return !rigid(inst.Expr) && slices.ContainsFunc(inst.Expr.Outs, func(s loop.Store) bool { return s.Reduce == loop.NoReduce })
}

func isReshape(inst *kernels.Inst) bool { return inst.Op == kernels.Reshape && inst.Out[0].Size() > 0 }

// splits reports whether a reshape only splits dimensions, and adds or drops
// dimensions of one element, so that its index is an affine one of its operand.
func splits(inst *kernels.Inst) bool {
	_, ok := splitting(inst.In[0].Shape, inst.Out[0].Shape)
	return ok
}

// splitting returns, for each dimension of shape to, the dimension of shape from that it is
// a part of (-1 for one of one element).
func splitting(from, to []int) (part []int, ok bool) {
	part = make([]int, len(to))
	d := 0
	for i := 0; i < len(to); {
		for d < len(from) && from[d] == 1 {
			d++
		}
		n := 1
		for ; i < len(to) && (to[i] == 1 || d < len(from) && n < from[d]); i++ {
			part[i] = -1
			if to[i] > 1 {
				part[i], n = d, n*to[i]
			}
		}
		if d < len(from) && n != from[d] {
			return nil, false
		}
		d++
	}
	return part, true
}

// split returns the index of a reshape's operand where its result is read at an index.
func split(inst *kernels.Inst, index []loop.Lin) []loop.Lin {
	from, to := inst.In[0].Shape, inst.Out[0].Shape
	part, _ := splitting(from, to)
	at := make([]loop.Lin, len(from))
	for d := range at {
		at[d] = loop.Fixed(0)
	}
	stride := 1
	for i := len(to) - 1; i >= 0; i-- {
		d := part[i]
		if d < 0 {
			continue
		}
		if i+1 < len(to) && !slices.Contains(part[i+1:], d) {
			stride = 1
		}
		at[d] = at[d].Add(index[i], stride)
		stride *= to[i]
	}
	return at
}
