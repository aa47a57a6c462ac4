// What other executors run by kernels of their own and is loops here, so that it is
// fused with what it reads and with what reads it: concatenations, and positions of
// the smallest and the largest; and, where no kernels can be called, products with sparse
// matrices.

package native

import (
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// expansion is an instruction as loops, each of which reads the operands and then the
// results of those before it. The last gives the result.
type expansion []*kernels.Inst

// expand returns how an instruction is written here, nil for as it is; calls tells that
// kernels may be called.
func expand(inst *kernels.Inst, calls bool) expansion {
	switch inst.Op {
	case kernels.Join:
		if e := join(inst); e != nil {
			return expansion{kernels.NewLoop(inst.Name, e)}
		}
	case kernels.SparseMatmul:
		if !calls { // its structure is all of it: the entries in their order
			return expansion{kernels.NewLoop(inst.Name, inst.Op.Structure(inst).Loops[0])}
		}
	case kernels.ArgMin:
		return position(inst, loop.Min)
	case kernels.ArgMax:
		return position(inst, loop.Max)
	}
	return nil
}

// loops returns a graph with the expansions in place of what they stand for, in
// bodies as well: g itself where there is nothing to expand. See expand for calls. Its constants are g's.
func loops(g *graph.Graph, calls bool) *graph.Graph {
	expanded, within := map[*kernels.Inst]expansion{}, map[*kernels.Inst]*kernels.Inst{}
	any := false
	for i := range g.Instrs {
		inst := g.Instrs[i].Inst
		if _, seen := expanded[inst]; seen {
			continue
		}
		expanded[inst], within[inst] = expand(inst, calls), inBodies(inst, calls)
		any = any || expanded[inst] != nil || within[inst] != inst
	}
	if !any {
		return g
	}
	h, number := new(graph.Graph), make([]graph.Ref, g.NumValues())
	for _, v := range g.Params {
		number[v] = h.Param(g.Aval(v))
	}
	for _, c := range g.Consts {
		number[c.Ref] = h.Const(c.Array, c.Source)
	}
	for i := range g.Instrs {
		x := &g.Instrs[i]
		var args []graph.Ref
		for _, v := range g.Args(i) {
			args = append(args, number[v])
		}
		list := expanded[x.Inst]
		if list == nil {
			list = expansion{within[x.Inst]}
		}
		var out graph.Ref
		for _, inst := range list {
			out = h.Emit(inst, args...)
			args = append(args, out)
			if g.Places != nil {
				h.Place(g.PlaceOf(i))
			}
		}
		for k := range x.Inst.Out {
			number[int(x.Out)+k] = out + graph.Ref(k)
		}
	}
	for _, v := range g.Outputs {
		h.Output(number[v])
	}
	if h.Without = g.Without; !h.Without.Has(graph.Fusion) {
		h.Fuse()
	}
	h.ReleaseConsts() // g holds them
	return h
}

// inBodies returns control flow with loops in its bodies, and all else as it is.
func inBodies(inst *kernels.Inst, calls bool) *kernels.Inst {
	c := graph.ControlOf(inst)
	if c == nil {
		return inst
	}
	d := *c
	d.Bodies = make([]*graph.Graph, len(c.Bodies))
	changed := false
	for k, b := range c.Bodies {
		d.Bodies[k] = loops(b, calls)
		changed = changed || d.Bodies[k] != b
	}
	if !changed {
		return inst
	}
	return d.Inst(inst.Op)
}

// position returns the index of the first smallest or largest element along one axis,
// NaN being beyond all others: the extreme, and the least index where it is or where
// NaN is. Not of truths, nor of all elements of several axes.
func position(inst *kernels.Inst, c loop.Combiner) expansion {
	in, out := inst.In[0], inst.Out[0]
	axis := -1
	if a := inst.Attr.(kernels.Axes).List(); len(a) == 1 {
		axis = (a[0] + len(in.Shape)) % len(in.Shape)
	} else if len(in.Shape) == 1 {
		axis = 0
	}
	if axis < 0 || in.DType == device.Bool || in.Shape[axis] < 2 {
		return nil
	}
	rest := slices.Delete(slices.Clone(in.Shape), axis, axis+1)
	index, at := make([]loop.Lin, len(in.Shape)), loop.Ats(len(rest))
	copy(index, at[:axis])
	index[axis] = loop.At(len(rest))
	copy(index[axis+1:], at[axis:])
	sizes := append(slices.Clone(rest), in.Shape[axis])

	extreme := kernels.Aval{DType: in.DType, Shape: rest}
	e := loop.New(loop.Axes(sizes), inst.In)
	e.Store(loop.Store{Value: e.Load(0, index...), Index: at, Reduce: c, Aval: extreme})

	f := loop.New(loop.Axes(sizes), []kernels.Aval{in, extreme})
	x, best := f.Load(0, index...), f.Load(1, at...)
	there := f.Eq(x, best)
	if in.DType.IsFloat() {
		there = f.Or(there, f.Ne(x, x))
	}
	to := at
	if len(out.Shape) > len(rest) { // the axis is kept
		to = slices.Insert(slices.Clone(at), axis, loop.Fixed(0))
	}
	where := f.Select(there, f.Iota(len(rest)), f.ConstInt(device.Int64, math.MaxInt64))
	f.Store(loop.Store{Value: where, Index: to, Reduce: loop.Min, Aval: out})
	return expansion{kernels.NewLoop(inst.Name, e), kernels.NewLoop(inst.Name, f)}
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
