package cpu

// Groups: the results of a loop that are computed in one pass, and what they
// read and write, as linear functions of the axes.

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// group is a part of an expression that one plan runs: results that reduce over
// the same axes and results that do not reduce at all, or one scattered result.
// What is here does not depend on the layout of operands.
type group struct {
	e       *loop.Expr
	outs    []int // results
	scatter bool
	reduce  bool   // there are reduced axes, of more than one value in all
	res     []int  // axes of the result, outermost first; of all axes for a scatter
	red     []int  // reduced axes, likewise
	lanes   int    // values of all axes
	reduced int    // values of the reduced axes
	maps    []bool // by result: it is written value by value, without a reduction
	uses    []int  // by node: how often the group reads it, 0 where it does not need it

	prepares bool // some result is set before the loop, see prepare
}

// maxValues bounds the values of a group's tile code, which operands of
// instructions must be able to name.
const maxValues = 60000

// groups splits an expression; nil if some part of it has no tile code. Results
// that do not reduce are computed along with those of the first reduction where
// that costs less than a pass of their own.
func groups(e *loop.Expr) []*group {
	apart := split(e, false)
	if len(apart) < 2 {
		return apart
	}
	if joint := split(e, true); len(joint) < len(apart) && cost(joint) < cost(apart) {
		return joint
	}
	return apart
}

// split makes the groups, with joint those without reductions part of the first
// with one.
func split(e *loop.Expr, joint bool) []*group {
	var gs []*group
	for i := range e.Outs {
		s := &e.Outs[i]
		red := e.Reduced(s)
		if s.Scatter {
			red = nil
		} else if j := slices.IndexFunc(gs, func(g *group) bool { return g.joins(red) }); j >= 0 {
			gs[j].outs = append(gs[j].outs, i)
			continue
		}
		gs = append(gs, &group{e: e, outs: []int{i}, scatter: s.Scatter, red: red, lanes: 1, reduced: 1})
	}
	if joint {
		gs = joined(gs)
	}
	for _, g := range gs {
		for a := range e.Axes {
			if !slices.Contains(g.red, a) {
				g.res = append(g.res, a)
			}
		}
		if !g.complete() {
			return nil
		}
	}
	return gs
}

func (g *group) joins(red []int) bool { return !g.scatter && slices.Equal(g.red, red) }

// joined moves the results of groups without reductions to the first with one.
func joined(gs []*group) []*group {
	first := slices.IndexFunc(gs, func(g *group) bool { return len(g.red) > 0 })
	if first < 0 {
		return gs
	}
	to := gs[first]
	return slices.DeleteFunc(gs, func(g *group) bool {
		moves := !g.scatter && len(g.red) == 0
		if moves {
			to.outs = append(to.outs, g.outs...)
		}
		return moves
	})
}

// cost estimates the time of groups for operands that are dense.
func cost(gs []*group) float64 {
	t := 0.0
	for _, g := range gs {
		lay := layout{}
		for _, a := range g.e.Ins {
			lay.strides = append(lay.strides, loop.RowMajor(a.Shape))
		}
		if g.lanes > 0 {
			t += newPlan(g, "", lay).cost
		}
	}
	return t
}

// complete fills in what follows from outs, res and red. It reports whether
// there is tile code for all of it.
func (g *group) complete() bool {
	e := g.e
	for _, a := range e.Axes {
		g.lanes *= a.Size
	}
	for _, a := range g.red {
		g.reduced *= e.Axes[a].Size
	}
	g.reduce = g.reduced != 1
	if !g.reduce {
		g.red = nil
	}
	single := func(a int) bool { return e.Axes[a].Size == 1 }
	g.res, g.red = slices.DeleteFunc(g.res, single), slices.DeleteFunc(g.red, single)
	g.maps = make([]bool, len(e.Outs))
	for _, o := range g.outs {
		red := e.Reduced(&e.Outs[o])
		g.maps[o] = !slices.ContainsFunc(g.red, func(a int) bool { return slices.Contains(red, a) })
	}
	if len(g.res)+len(g.red) > maxAxes || len(e.Nodes) > maxValues {
		return false
	}
	if !g.scatter {
		g.orderByStore()
	}
	for _, o := range g.outs {
		g.prepares = g.prepares || g.reduced == 0 || !g.covers(o)
	}
	return g.countUses() && g.combinable()
}

// orderByStore makes the nest of the result's axes that of the first result's
// memory.
func (g *group) orderByStore() {
	s := &g.e.Outs[g.outs[0]]
	stride := loop.RowMajor(s.Aval.Shape)
	slices.SortStableFunc(g.res, func(a, b int) int {
		return abs(loop.Coef(s.Index, stride, b)) - abs(loop.Coef(s.Index, stride, a))
	})
}

// countUses fills uses, and reports whether every function needed is known for
// its type.
func (g *group) countUses() bool {
	e := g.e
	g.uses = make([]int, len(e.Nodes))
	via := func(index []loop.Lin) {
		for _, l := range index {
			if l.Via != loop.None {
				g.uses[l.Via]++
			}
		}
	}
	for _, o := range g.outs {
		g.uses[e.Outs[o].Value]++
		via(e.Outs[o].Index)
	}
	for n := len(e.Nodes) - 1; n >= 0; n-- {
		x := &e.Nodes[n]
		if g.uses[n] == 0 {
			continue
		}
		switch x.Fn {
		case loop.Const, loop.Iota:
		case loop.LoadFn:
			via(e.Loads[x.K].Index)
		default:
			if fnOps[x.Fn].op == opPtr {
				return false
			}
			for _, a := range x.Arg {
				if a != loop.None {
					g.uses[a]++
				}
			}
		}
	}
	return true
}

// combinable reports whether the reductions are ones of their types.
func (g *group) combinable() bool {
	for _, o := range g.outs {
		s := &g.e.Outs[o]
		switch {
		case s.Scatter && s.Aval.DType == boolean:
			return false
		case g.maps[o]:
		case s.Aval.DType == boolean:
			return false
		case s.Reduce == loop.LSE && !s.Aval.DType.IsFloat():
			return false
		}
	}
	return true
}

// covers reports whether the group writes every element of result o: as many as
// it has, for each is written once.
func (g *group) covers(o int) bool {
	s := &g.e.Outs[o]
	return !s.Scatter && loop.Values(g.e.Axes, s.Index) == s.Aval.Size()
}

// access is a linear function of the axes: the place in an operand of the
// element that a load or store is at, or, where arg is virtual, a number.
type access struct {
	arg  int   // operand, or number of operands plus result
	unit int   // bytes of an element; 1 where virtual
	size int   // of a guard: the limit of its values
	c0   int   // in bytes, or plain
	coef []int // by axis of the expression, likewise
}

const virtual = -1

// place returns the affine part of an index into memory with the given strides
// in elements.
func place(axes, arg, unit int, index []loop.Lin, strides []int) access {
	a := access{arg: arg, unit: unit, coef: make([]int, axes)}
	for d, l := range index {
		if l.Via != loop.None {
			continue
		}
		a.c0 += l.Const * strides[d] * unit
		for _, t := range l.Terms {
			a.coef[t.Axis] += t.Coef * strides[d] * unit
		}
	}
	return a
}

// coordinate returns the virtual access that is the value of an index.
func coordinate(axes int, l loop.Lin) access {
	return place(axes, virtual, 1, []loop.Lin{l}, []int{1})
}

func abs(x int) int { return max(x, -x) }
