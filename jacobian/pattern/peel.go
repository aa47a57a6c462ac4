// Outputs that are put together from other values, whose partial derivatives are found
// instead.

package pattern

import (
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// peel finds the values that an output is put together from by mere joining and
// reshaping, and where their elements come to lie.
func (p *tracer) peel(v graph.Ref, b Block) {
	if d := p.g.Def(v); d >= 0 {
		x := &p.g.Instrs[d]
		args := p.g.Args(d)
		switch {
		case x.Inst.Op == kernels.Join:
			for k, e := range x.Inst.Op.Structure(x.Inst).Loops {
				part := Block{Base: b.Base, Shape: x.Inst.In[k].Shape, Strides: b.Strides}
				for d, l := range e.Outs[0].Index {
					part.Base += b.Strides[d] * l.Const
				}
				if p.g.Aval(args[k]).DType.IsFloat() {
					p.peel(args[k], part)
				}
			}
			return
		case x.Inst.Op == kernels.Reshape && contiguous(b):
			from := Block{Base: b.Base, Shape: x.Inst.In[0].Shape, Strides: loop.RowMajor(x.Inst.In[0].Shape)}
			for d := range from.Strides {
				from.Strides[d] *= step(b)
			}
			p.peel(args[0], from)
			return
		case x.Inst.Op != nil && x.Inst.Expr != nil && len(x.Inst.In) == 1 && x.Inst.Differentiable():
			if from, ok := rearranged(x.Inst, b); ok {
				p.peel(args[0], from)
				return
			}
		}
	}
	p.blocks, p.source = append(p.blocks, b), append(p.source, v)
}

// contiguous reports whether a block's rows are at one distance from each other.
func contiguous(b Block) bool {
	next := -1
	for d := len(b.Shape) - 1; d >= 0; d-- {
		if b.Shape[d] == 1 {
			continue
		}
		if next >= 0 && b.Strides[d] != next {
			return false
		}
		next = b.Strides[d] * b.Shape[d]
	}
	return true
}

// step is the distance between a contiguous block's rows.
func step(b Block) int {
	for d := len(b.Shape) - 1; d >= 0; d-- {
		if b.Shape[d] != 1 {
			return b.Strides[d]
		}
	}
	return 1
}

// rearranged returns where the elements of an operand come to lie that a loop only
// gives other dimensions or another order, each element once.
func rearranged(inst *kernels.Inst, b Block) (from Block, ok bool) {
	e := inst.Expr
	s := &e.Outs[0]
	n := e.Nodes[s.Value]
	if n.Fn != loop.LoadFn || !e.Plain(s) || s.Reduce != loop.NoReduce || inst.In[0].Size() != inst.Out[0].Size() {
		return from, false
	}
	l := &e.Loads[n.K]
	from = Block{Base: b.Base, Shape: inst.In[0].Shape, Strides: make([]int, len(l.Index))}
	seen := make([]bool, len(e.Axes))
	for d, i := range l.Index {
		switch {
		case inst.In[0].Shape[d] == 1:
		case i.Via == loop.None && i.Const == 0 && len(i.Terms) == 1 && i.Terms[0].Coef == 1 && !seen[i.Terms[0].Axis]:
			a := i.Terms[0].Axis
			seen[a], from.Strides[d] = true, b.Strides[a]
		default:
			return from, false
		}
	}
	return from, !l.Guarded
}
