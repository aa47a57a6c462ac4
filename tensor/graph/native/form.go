// Forms of a group: which axes are loops, and which of them the vectors run along.

package native

import (
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// form is a group with its loops chosen: shared axes in the order of the nest,
// neighbours that run through memory like one made one.
type form struct {
	shared  []int
	members []*member
	vec     int     // the shared axis that vector lanes run along, the last one; -1 for none
	cost    float64 // in cycles, estimated
	cold    bool    // little of the program's time is spent here

	numbered [][]int32 // see numbers
}

// shape finds the cheapest form of a group; best stays nil where there is none.
func (g *grouping) shape(gr *group) {
	gr.best = nil
	if gr.members[0].call {
		gr.best = &form{vec: -1, members: gr.members}
		return
	}
	if len(gr.members) > 1 && slices.ContainsFunc(gr.members, func(m *member) bool { return m.extent(m.all()) == 0 }) {
		return // what runs over nothing is printed in another way, alone
	}
	f := g.collapse(gr)
	reduced := f.reduced()
	try := func(vec int, drop uint64) {
		c := f.without(drop, vec)
		if c == nil {
			return
		}
		if c.cost = g.evaluate(c); c.cost < math.Inf(1) {
			c = g.demote(c)
			if gr.best == nil || c.cost < gr.best.cost {
				gr.best = c
			}
		}
	}
	if len(f.shared) == 0 || reduced == 1<<len(f.shared)-1 {
		try(-1, reduced)
	}
	axes := make([]int, len(f.shared))
	for v := range axes {
		axes[v] = v
	}
	if g.g.Without.Has(graph.VectorAxis) {
		slices.Reverse(axes)
	}
	for _, v := range axes {
		if try(v, reduced&^(1<<v)); gr.best != nil && g.g.Without.Has(graph.VectorAxis) {
			break
		}
	}
}

// reduced returns the shared axes that some member reduces over.
func (f *form) reduced() (set uint64) {
	for _, m := range f.members {
		set |= m.reducedShared()
	}
	return set
}

// reducedShared returns the shared axes that the member reduces over.
func (m *member) reducedShared() (set uint64) {
	for a, at := range m.at {
		if at >= 0 && m.red>>a&1 != 0 {
			set |= 1 << at
		}
	}
	return set
}

// inner returns the member's inner axes of more than one value: those of its
// results, and those that it reduces over.
func (m *member) inner() (res, red uint64) {
	for a, at := range m.at {
		switch {
		case at != -1 || m.size[a] == 1:
		case m.red>>a&1 != 0:
			red |= 1 << a
		default:
			res |= 1 << a
		}
	}
	return res, red
}

// axis returns the member's axis that is a shared one.
func (m *member) axis(shared int) int { return slices.Index(m.at, shared) }

// without returns the form with some shared axes made inner ones, and the vector
// axis last.
func (f *form) without(drop uint64, vec int) *form {
	c := &form{vec: -1}
	axes := fill(len(f.shared))
	for a, n := range f.shared {
		if drop>>a&1 == 0 && a != vec {
			axes[a] = len(c.shared)
			c.shared = append(c.shared, n)
		}
	}
	if vec >= 0 {
		axes[vec], c.vec = len(c.shared), len(c.shared)
		c.shared = append(c.shared, f.shared[vec])
	}
	for _, m := range f.members {
		r := m.renamed(axes)
		for a, at := range m.at {
			if at != absorbed {
				continue
			}
			r.at[a] = absorbed
			// The axis that it was absorbed by follows it; where that becomes an inner axis so does this.
			next := a + 1
			for m.at[next] == absorbed || m.size[next] == 1 && m.at[next] < 0 {
				next++
			}
			if r.at[next] < 0 {
				r.at[a] = -1
			}
		}
		c.members = append(c.members, r)
	}
	return c
}

// demote makes outer loops inner axes as long as that pays: sums over the vector
// axis then share what they read.
func (g *grouping) demote(f *form) *form {
	for f.reduced() != 0 {
		best := f
		for a, n := range f.shared {
			if a == f.vec || n > 64 {
				continue
			}
			c := f.without(1<<a, f.vec)
			if c.cost = g.evaluate(c); c.cost < best.cost*0.98 {
				best = c
			}
		}
		if best == f {
			break
		}
		f = best
	}
	return f
}

// collapse makes shared axes that are neighbours, and that everything in the
// group runs through like one, one axis.
func (g *grouping) collapse(gr *group) *form {
	f := &form{shared: slices.Clone(gr.shared), vec: -1}
	for _, m := range gr.members {
		f.members = append(f.members, &member{stmt: m.stmt, at: slices.Clone(m.at), dup: m.dup})
	}
	for again := true; again; {
		again = false
		for p := range f.shared {
			for q := range f.shared {
				if p != q && g.runsOn(f, p, q) {
					g.absorb(f, p, q)
					again = true
					break
				}
			}
			if again {
				break
			}
		}
	}
	return f
}

// runsOn reports whether axis p, and q within it, are like one axis to all members.
func (g *grouping) runsOn(f *form, p, q int) bool {
	for _, m := range f.members {
		a, b := m.axis(p), m.axis(q)
		if a < 0 || b < 0 || a > b || m.red>>a&1 != m.red>>b&1 {
			return false
		}
		for k := a + 1; k < b; k++ {
			if m.size[k] != 1 && m.at[k] != absorbed {
				return false
			}
		}
		for n := range m.nodes {
			if x := &m.nodes[n]; m.live[n] && x.Fn == loop.Iota && (int(x.K) == a || int(x.K) == b) {
				return false
			}
		}
		for i := range m.loads {
			ld := &m.loads[i]
			if !m.liveLoad(i) {
				continue
			}
			if x, _ := f.makes(ld.val); x != nil {
				continue
			}
			if ld.guarded && m.guards(ld, 1<<a|1<<b) {
				return false
			}
			strides := g.strides(ld.val)
			if loop.Coef(ld.index, strides, a) != m.size[b]*loop.Coef(ld.index, strides, b) {
				return false
			}
		}
		for i := range m.outs {
			o := &m.outs[i]
			if o.Scatter {
				return false
			}
			strides := loop.RowMajor(o.Aval.Shape)
			if loop.Coef(o.Index, strides, a) != m.size[b]*loop.Coef(o.Index, strides, b) {
				return false
			}
		}
	}
	return true
}

// guards reports whether a guarded load must check indices that depend on the axes.
func (s *stmt) guards(ld *load, axes uint64) bool {
	for _, x := range ld.index {
		for _, t := range x.Terms {
			if axes>>t.Axis&1 != 0 {
				return true
			}
		}
	}
	return false
}

// absorb makes q run through p too.
func (g *grouping) absorb(f *form, p, q int) {
	f.shared[q] *= f.shared[p]
	f.shared = slices.Delete(f.shared, p, p+1)
	for _, m := range f.members {
		for a, at := range m.at {
			switch {
			case at == p:
				m.at[a] = absorbed
			case at > p:
				m.at[a]--
			}
		}
	}
}

func (f *form) makes(v graph.Ref) (*member, *store) {
	for _, m := range f.members {
		for i := range m.outs {
			if m.outs[i].val == v {
				return m, &m.outs[i]
			}
		}
	}
	return nil, nil
}

// strides returns the strides, in elements, of a value in memory. Constants that
// are not dense are copied.
func (g *grouping) strides(v graph.Ref) []int {
	a := g.alias[v]
	if a.base != v && a.index != nil {
		base := g.strides(a.base)
		strides := make([]int, len(g.g.Aval(v).Shape))
		for d := range strides {
			strides[d] = loop.Coef(a.index, base, d)
		}
		return strides
	}
	return loop.RowMajor(g.g.Aval(v).Shape)
}

// constOf returns the constant that a value is, or nil.
func (l *lowering) constOf(v graph.Ref) *graph.Const {
	if i, ok := l.consts[v]; ok {
		return &l.g.Consts[i]
	}
	return nil
}
