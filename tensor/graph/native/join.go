// Concatenations: as loops they are fused with what they join and with what reads
// them. As kernels they are copies, which is best for who runs kernels.

package native

import (
	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// loops returns a graph in which concatenations are loops, in bodies as well: g itself
// where there are none. Its constants are g's.
func loops(g *graph.Graph) *graph.Graph {
	insts := map[*kernels.Inst]*kernels.Inst{}
	h, joins := g, false
	for i := range g.Instrs {
		old := g.Instrs[i].Inst
		inst, seen := insts[old]
		if !seen {
			inst = asLoop(old)
			insts[old] = inst
		}
		if inst == old {
			continue
		}
		if h == g {
			h = g.Clone()
			h.ReleaseConsts() // g holds them
		}
		h.Instrs[i].Inst = inst
		joins = joins || inst.Expr != nil
	}
	if joins {
		h.Fuse()
	}
	return h
}

// asLoop returns an instruction in which concatenations are loops.
func asLoop(inst *kernels.Inst) *kernels.Inst {
	if inst.Op == kernels.Join {
		if e := join(inst); e != nil {
			return kernels.NewLoop(inst.Name, e)
		}
		return inst
	}
	c := graph.ControlOf(inst)
	if c == nil {
		return inst
	}
	d := *c
	d.Bodies = make([]*graph.Graph, len(c.Bodies))
	changed := false
	for k, b := range c.Bodies {
		d.Bodies[k] = loops(b)
		changed = changed || d.Bodies[k] != b
	}
	if !changed {
		return inst
	}
	return d.Inst(inst.Op)
}

// join returns the expression of a concatenation: each element is that of the
// operand in whose range it is.
func join(inst *kernels.Inst) *loop.Expr {
	out := inst.Out[0]
	e := loop.New(loop.Axes(out.Shape), inst.In)
	ax := 0
	for d, n := range out.Shape {
		for _, a := range inst.In {
			if a.Shape[d] != n {
				ax = d
			}
		}
	}
	ends := make([]int, len(inst.In))
	end := 0
	for k, a := range inst.In {
		end += a.Shape[ax]
		ends[k] = end
	}
	if end != out.Shape[ax] {
		return nil
	}
	value := loop.None
	for k := len(inst.In) - 1; k >= 0; k-- {
		n := inst.In[k].Shape[ax]
		if n == 0 {
			continue
		}
		index := loop.Ats(len(out.Shape))
		index[ax] = index[ax].Plus(n - ends[k])
		x := e.Cast(out.DType, e.LoadGuarded(k, index...))
		if value != loop.None {
			x = e.Select(e.Lt(e.Iota(ax), e.ConstInt(device.Int64, int64(ends[k]))), x, value)
		}
		value = x
	}
	if value == loop.None {
		return nil
	}
	e.Store(loop.Store{Value: value, Index: loop.Ats(len(out.Shape)), Aval: out})
	return e
}
