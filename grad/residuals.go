// Residuals: which values of a step a loop keeps for its sweep.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// residuals chooses the values that each step keeps. What is a constant or a row of
// the xs needs no keeping, nor what is made of such by a view. The rows of a loop of
// unknown length cannot be kept: the loop is computed again.
func (s *swept) residuals(c *graph.Control, want []bool) *cut {
	stored, again := s.cut(c, want, true), s.cut(c, want, false)
	switch {
	case c.Residuals == graph.Stored:
		return stored
	case c.Residuals == graph.Recomputed, again.time() < stored.time():
		return again
	}
	return stored
}

// cut is a choice of residuals and what it costs for each step.
type cut struct {
	kept  []graph.Ref
	bytes int     // kept
	nanos float64 // computed again
	steps int
}

// What a byte that is kept costs in nanoseconds, written and read once: from a cache,
// from memory if all are more than cacheBytes, and from so much memory that the room
// itself is a cost.
const (
	nanosByteCached = 0.05
	nanosByteMemory = 0.25
	nanosByteMuch   = 0.5
	cacheBytes      = 1 << 20
	muchBytes       = 1 << 26
)

// again estimates the nanoseconds of computing instructions once more in the sweep, where
// they are not always fused.
func again(c graph.Cost) float64 {
	return 60*float64(c.Calls) + 0.15*float64(c.Flops+c.Products) + 1.5*float64(c.Functions) + 0.05*float64(c.Bytes) + 10*float64(c.Elements)
}

// time estimates the nanoseconds of a step.
func (c *cut) time() float64 {
	per := nanosByteCached
	switch total := c.bytes * c.steps; {
	case total > muchBytes:
		per = nanosByteMuch
	case total > cacheBytes:
		per = nanosByteMemory
	}
	return float64(c.bytes)*per + c.nanos
}

// cut walks from the cotangents back to what they are computed from.
func (s *swept) cut(c *graph.Control, want []bool, store bool) *cut {
	g, out := s.g, &cut{steps: timesOf(c)}
	late, early := s.late(), s.early()
	seen := make([]bool, g.NumValues())
	carries := s.params[c.Consts : c.Consts+c.Carries]
	var visit func(v graph.Ref)
	keep := func(v graph.Ref) {
		a := g.Aval(v)
		out.kept = append(out.kept, v)
		out.bytes += a.Size() * a.DType.Size()
	}
	visit = func(v graph.Ref) {
		if seen[v] {
			return
		}
		seen[v] = true
		i := g.Def(v)
		switch {
		case i < 0:
			if slices.Contains(carries, v) {
				keep(v)
			}
			return
		case store && early[i] && storable(g, i, v) && s.depends(c, v):
			keep(v)
			return
		case !late[v]:
			out.nanos += again(graph.CostOf(g.Instrs[i].Inst))
		}
		for _, a := range g.Args(i) {
			visit(a)
		}
	}
	for i, v := range s.grads {
		if want[i] && v != none {
			visit(v)
		}
	}
	return out
}

// early marks the instructions of the body and those that compute derivatives for it to keep.
func (s *swept) early() []bool {
	early, read := make([]bool, len(s.g.Instrs)), make([]bool, s.g.NumValues())
	for _, v := range s.outs {
		read[v] = true
	}
	for i := len(s.g.Instrs) - 1; i >= 0; i-- {
		x := &s.g.Instrs[i]
		if early[i] = s.partial[x.Inst] || slices.Contains(read[x.Out:int(x.Out)+len(x.Inst.Out)], true); early[i] {
			for _, a := range s.g.Args(i) {
				read[a] = true
			}
		}
	}
	return early
}

// late marks the values that depend on cotangents.
func (s *swept) late() []bool {
	late := make([]bool, s.g.NumValues())
	for _, v := range s.cts {
		if v != none {
			late[v] = true
		}
	}
	for i := range s.g.Instrs {
		x := &s.g.Instrs[i]
		for _, a := range s.g.Args(i) {
			if late[a] {
				for k := range x.Inst.Out {
					late[int(x.Out)+k] = true
				}
				break
			}
		}
	}
	return late
}

// depends reports whether a value changes from step to step by more than a view of a
// row or a constant.
func (s *swept) depends(c *graph.Control, v graph.Ref) bool {
	for {
		i := s.g.Def(v)
		if i < 0 {
			return slices.Contains(s.params[c.Consts:c.Consts+c.Carries], v)
		}
		if !s.g.Instrs[i].Inst.Rearranges() {
			return true
		}
		v = s.g.Args(i)[0]
	}
}

// storable reports whether value v of instruction i can be kept for each step, and
// is worth keeping: views that are as large as what they view are not.
func storable(g *graph.Graph, i int, v graph.Ref) bool {
	inst := g.Instrs[i].Inst
	if inst.Rearranges() {
		return inst.Out[0].Size() < inst.In[0].Size()
	}
	c := graph.ControlOf(inst)
	if c == nil || !c.Dynamic() {
		return true
	}
	k := int(v - g.Instrs[i].Out)
	return k < c.FirstY() || k >= c.FirstY()+c.Ys
}
