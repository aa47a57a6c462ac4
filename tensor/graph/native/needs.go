// Needs: which elements of a value anything reads. A triangular factor, for one, is made
// of few numbers by an index; of the cotangent of all of it only these are read.

package native

import (
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// mostElements bounds the values, and the loops that read them, which are looked at
// element by element, and farthest how many statements lie between a value and what
// decides about it.
const (
	mostElements = 1 << 16
	farthest     = 6
)

// needed returns which elements of a value that is no view are read, in row-major order;
// nil where all may be, or so many statements are too few to tell.
func (g *grouping) needed(v graph.Ref, far int) []bool {
	need, ok := g.needs[v]
	if !ok {
		need = g.findNeeded(v, far)
		g.needs[v] = need
	}
	return need
}

func (g *grouping) findNeeded(v graph.Ref, far int) []bool {
	n := g.g.Aval(v).Size()
	if far == 0 || n > mostElements || slices.ContainsFunc(g.g.Outputs, func(o graph.Ref) bool { return g.alias[o].base == v }) {
		return nil
	}
	need := make([]bool, n)
	for _, id := range g.readers[v] {
		s := g.stmts[id]
		if s.call && !g.needsOfCall(s, v, need, far) || !s.call && !g.needsOfLoop(s, v, need, far) {
			return nil
		}
	}
	return need
}

// needsOfCall marks the elements of v that a call reads whose result is its operand in
// another shape. It reports whether it could.
func (g *grouping) needsOfCall(s *stmt, v graph.Ref, need []bool, far int) bool {
	a := g.alias[s.in[0]]
	if !g.g.Instrs[s.instr].Inst.Rearranges() || len(s.in) != 1 || a.base != s.in[0] && a.index == nil {
		return false
	}
	out := g.needed(s.outs[0].val, far-1)
	index := a.index
	if index == nil {
		index = loop.Ats(len(g.g.Aval(v).Shape))
	}
	k := 0
	return eachPosition(g.g.Aval(s.in[0]).Shape, func(pos []int) bool {
		k++
		if out != nil && !out[k-1] {
			return true
		}
		at, ok := g.element(nil, index, g.g.Aval(v).Shape, pos)
		if ok {
			need[at] = true
		}
		return ok
	})
}

// needsOfLoop marks the elements of v that a loop reads for what is needed of its
// results. It reports whether it could.
func (g *grouping) needsOfLoop(s *stmt, v graph.Ref, need []bool, far int) bool {
	if s.extent(s.all()) > mostElements {
		return false
	}
	var loads []*load
	for i := range s.loads {
		if ld := &s.loads[i]; s.liveLoad(i) && g.alias[ld.val].base == v {
			if ld.guarded || ld.val != v {
				return false
			}
			loads = append(loads, ld)
		}
	}
	outs := make([][]bool, len(s.outs))
	for i := range s.outs {
		outs[i] = g.needed(s.outs[i].val, far-1)
	}
	return eachPosition(s.size, func(pos []int) bool {
		wanted := false
		for i := range s.outs {
			o := &s.outs[i]
			if outs[i] == nil {
				wanted = true
				break
			}
			at, ok := g.element(s, o.Index, o.Aval.Shape, pos)
			if !ok {
				return false
			}
			wanted = wanted || outs[i][at]
		}
		if !wanted {
			return true
		}
		for _, ld := range loads {
			at, ok := g.element(s, ld.index, g.g.Aval(v).Shape, pos)
			if !ok {
				return false
			}
			need[at] = true
		}
		return true
	})
}

// element returns the row-major number of the element at an index, at a position of the
// axes, if it is known and in range.
func (g *grouping) element(s *stmt, index []loop.Lin, shape, pos []int) (at int, ok bool) {
	for d, x := range index {
		i := x.Const
		for _, t := range x.Terms {
			i += t.Coef * pos[t.Axis]
		}
		if x.Via != loop.None {
			via, ok := g.constantIndex(s, x.Via, pos)
			if !ok {
				return 0, false
			}
			if via < 0 {
				via += shape[d]
			}
			i += via
		}
		if i < 0 || i >= shape[d] {
			return 0, false
		}
		at = at*shape[d] + i
	}
	return at, true
}

// constantIndex returns the value of a node that loads an integer constant, at a position.
func (g *grouping) constantIndex(s *stmt, n loop.Node, pos []int) (int, bool) {
	x := &s.nodes[n]
	if x.Fn != loop.LoadFn {
		return 0, false
	}
	ld := &s.loads[x.K]
	c := g.constOf(ld.val)
	if c == nil || !c.Array.Dense() || ld.guarded || c.Array.DType != device.Int64 {
		return 0, false
	}
	at, ok := g.element(s, ld.index, c.Array.Shape, pos)
	if !ok {
		return 0, false
	}
	return int(unsafe.Slice((*int64)(c.Array.Ptr), c.Array.Size())[at]), true
}

// eachPosition calls f for all positions within a shape, the last axis running fastest,
// until it returns false, and reports whether it did not.
func eachPosition(shape []int, f func(pos []int) bool) bool {
	pos := make([]int, len(shape))
	if slices.Contains(shape, 0) {
		return true
	}
	for {
		if !f(pos) {
			return false
		}
		d := len(pos) - 1
		for ; d >= 0; d-- {
			if pos[d]++; pos[d] < shape[d] {
				break
			}
			pos[d] = 0
		}
		if d < 0 {
			return true
		}
	}
}

// wanted returns which of the sums of a member that reduces over a shared axis are read,
// for any of the values of the others; nil where all may be.
func (g *grouping) wanted(m *member, o *store) []bool {
	need := g.needed(o.val, farthest)
	if need == nil {
		return nil
	}
	res, _ := m.inner()
	sums := make([]bool, m.extent(res))
	size := slices.Clone(m.size)
	for _, a := range axes(m.red) {
		size[a] = 1
	}
	if !eachPosition(size, func(pos []int) bool {
		at, ok := g.element(m.stmt, o.Index, o.Aval.Shape, pos)
		if ok && need[at] {
			k := 0
			for _, a := range axes(res) {
				k = k*m.size[a] + pos[a]
			}
			sums[k] = true
		}
		return ok
	}) {
		return nil
	}
	return sums
}
