// How a group is computed, and what that costs: which axis the vector lanes run
// along, which axes are loops around them, and which are inner ones.

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
}

// absorbed marks an axis that a collapsed shared axis runs through: what depends
// on it depends on that one's last part likewise.
const absorbed = -2

// virtualLanes is the number of lanes of the tree by which sums are reduced, and
// blockSize the number of values of one of its blocks (see package cpu).
const (
	virtualLanes = 16
	blockSize    = 1024
)

// width is the vectors' width for estimates.
const width = 8

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
	for v := range f.shared {
		try(v, reduced&^(1<<v))
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
			if coef(ld.index, strides, a) != m.size[b]*coef(ld.index, strides, b) {
				return false
			}
		}
		for i := range m.outs {
			o := &m.outs[i]
			if o.Scatter {
				return false
			}
			strides := dense(o.Aval.Shape)
			if coef(o.Index, strides, a) != m.size[b]*coef(o.Index, strides, b) {
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

// coef returns what a step along an axis adds to an address, in elements.
func coef(index []loop.Lin, strides []int, axis int) int {
	c := 0
	for d, x := range index {
		for _, t := range x.Terms {
			if t.Axis == axis {
				c += t.Coef * strides[d]
			}
		}
	}
	return c
}

// dense returns the strides of a row-major array.
func dense(shape []int) []int {
	strides := make([]int, len(shape))
	s := 1
	for d := len(shape) - 1; d >= 0; d-- {
		strides[d] = s
		s *= shape[d]
	}
	return strides
}

// Costs in cycles of a vector, or of a scalar.
var fnCost = func() (c [loop.NumFn]float64) {
	for f := range c {
		c[f] = 1
	}
	c[loop.Const], c[loop.Iota], c[loop.LoadFn] = 0, 0, 0
	c[loop.Div], c[loop.Recip], c[loop.Sqrt] = 8, 8, 10
	for f, x := range map[loop.Fn]float64{
		loop.Exp: 20, loop.Expm1: 30, loop.Log: 25, loop.Log1p: 30, loop.Sin: 25, loop.Cos: 25, loop.Tan: 40, loop.Tanh: 35,
		loop.Sigmoid: 30, loop.Softplus: 50, loop.Lgamma: 100, loop.Digamma: 100, loop.Polygamma: 300, loop.Erf: 40,
		loop.Pow: 90, loop.Atan2: 70, loop.Hypot: 20, loop.SMul: 2, loop.Maximum: 2, loop.Minimum: 2, loop.Select: 1,
	} {
		c[f] = x
	}
	return c
}()

// maxLocal bounds the values of a local array, in vectors.
const maxLocal = 512

// evaluate estimates the cycles of a form; infinite where it cannot be computed so.
func (g *grouping) evaluate(f *form) float64 {
	never := math.Inf(1)
	outer, lanes := 1, 1
	for a, n := range f.shared {
		if a == f.vec {
			lanes = n
		} else {
			outer *= n
		}
	}
	vectors := float64((lanes + width - 1) / width)
	if f.vec < 0 {
		vectors = 1
	}
	cost := 60 + 15*float64(outer)
	held := 0 // vectors of local arrays and accumulators
	seen := map[graph.Ref]bool{}
	for _, m := range f.members {
		for a := range f.shared {
			if m.axis(a) < 0 {
				return never
			}
		}
		res, red := m.inner()
		closes := m.reducedShared()
		var vec uint64
		if f.vec >= 0 {
			vec = 1 << m.axis(f.vec)
		}
		switch {
		case closes != 0 && (f.vec < 0 || closes != 1<<f.vec):
			return never
		case closes != 0 && red != 0 && !m.product:
			return never
		case m.outs[0].Scatter && (len(f.members) > 1 || f.vec >= 0 && m.axis(f.vec) != lastLong(m.stmt) || !m.ordered(f)):
			return never
		case closes != 0 && m.extent(res) > 8*maxLocal:
			return never
		}
		// what is done for each vector, or once for all of them
		each := func(deps uint64, cycles float64) {
			n := float64(m.extent(deps & (res | red)))
			if deps&vec != 0 || f.vec < 0 {
				n *= vectors
			}
			cost += float64(outer) * n * cycles
		}
		for n := range m.nodes {
			x := &m.nodes[n]
			if !m.live[n] {
				continue
			}
			each(m.deps[n], fnCost[x.Fn])
			if x.Fn != loop.LoadFn {
				continue
			}
			ld := &m.loads[x.K]
			if from, out := f.makes(ld.val); from != nil && !ld.direct {
				if !g.local(from, out, m, ld) {
					return never
				}
				each(m.deps[n], 0.5)
				continue
			}
			step := 0
			if vec != 0 {
				step = coef(ld.index, g.strides(ld.val), m.axis(f.vec))
			}
			via := slices.ContainsFunc(ld.index, func(x loop.Lin) bool { return x.Via != loop.None })
			switch size := float64(bytes(g.g.Aval(ld.val))); {
			case m.deps[n]&vec == 0:
				each(m.deps[n]|vec, 0.6)
			case step == 1 && !via:
				each(m.deps[n], 1)
			case via:
				each(m.deps[n], 3*width)
			default:
				// Where it is read often it pays to transpose it first.
				reads := float64(outer) * float64(m.extent(m.deps[n]&(res|red))) * float64(lanes)
				cost += min(reads*1.3, size/8*2.5+reads/width)
			}
			if !seen[ld.val] {
				seen[ld.val] = true
				cost += traffic(bytes(g.g.Aval(ld.val)), m.extent(m.deps[n]))
			}
		}
		for i := range m.outs {
			o := &m.outs[i]
			values := m.all() &^ m.red
			if m.outs[i].Scatter {
				each(m.all(), 3*width)
			}
			if m.red != 0 {
				per := 1.0
				if closes != 0 && m.extent(res) > 16 {
					per = 2
				}
				if m.outs[i].Reduce == loop.LSE {
					per = 25
				}
				each(m.all(), per)
				if closes != 0 {
					cost += float64(outer) * float64(m.extent(res)) * float64((lanes+blockSize-1)/blockSize) * 12
				}
			}
			if closes == 0 && m.extent(res) > 32 {
				each(values, 2)
			}
			if n := m.extent(res); n > 32 {
				held += n
			}
			if g.leaves(f, m, o) && !m.dup {
				cost += traffic(bytes(o.Aval), o.Aval.Size())
				if vec&values != 0 {
					switch coef(o.Index, dense(o.Aval.Shape), m.axis(f.vec)) {
					case 1:
						each(values, 1)
					default:
						each(values, 1.5*width)
					}
				} else {
					each(values, 1)
				}
			}
		}
	}
	if held > maxLocal { // they do not stay in the first cache
		cost += float64(outer) * vectors * float64(held) * 6
	}
	return cost
}

// lastLong returns the last axis of more than one value, or -1.
func lastLong(s *stmt) int {
	for a := len(s.size) - 1; a >= 0; a-- {
		if s.size[a] > 1 {
			return a
		}
	}
	return -1
}

// ordered reports whether the nest runs through the member's axes in their order.
func (m *member) ordered(f *form) bool {
	last := -1
	for a, at := range m.at {
		if m.size[a] == 1 {
			continue
		}
		if at < last {
			return false
		}
		last = at
	}
	return true
}

// local reports whether member m can read what from makes where it is computed.
func (g *grouping) local(from *member, out *store, m *member, ld *load) bool {
	if from.reducedShared() != 0 || !from.plain() || ld.guarded {
		return false
	}
	res, _ := from.inner()
	if from.extent(res) > maxLocal {
		return false
	}
	for d := range out.Index {
		x := ld.index[d]
		switch at := from.at[d]; {
		case at == -1 && from.size[d] > 1:
			if x.Via != loop.None {
				return false
			}
			for _, t := range x.Terms {
				if m.at[t.Axis] != -1 {
					return false
				}
			}
		case at >= 0:
			if t := plainAxis(x); t < 0 || m.at[t] != at {
				return false
			}
		}
	}
	return true
}

// leaves reports whether a result must be stored: something outside of the form
// reads it.
func (g *grouping) leaves(f *form, m *member, o *store) bool {
	if g.kept[o.val] || g.stored != nil {
		return g.kept[o.val] || g.stored[o.val]
	}
	for _, c := range g.readers[o.val] {
		if !slices.ContainsFunc(f.members, func(x *member) bool { return x.id == c }) {
			return true
		}
	}
	return false
}

// traffic estimates the cycles of moving an array between the core and where it
// lies: the second cache, the third, or memory.
func traffic(size, accesses int) float64 {
	b := float64(size)
	if n := float64(accesses * 8); n < b {
		b = n
	}
	switch {
	case size < 128<<10:
		return b * 0.03
	case size < 1<<20:
		return b * 0.06
	case size < 8<<20:
		return b * 0.15
	}
	return b * 0.3
}

// strides returns the strides, in elements, of a value in memory. Constants that
// are not dense are copied.
func (g *grouping) strides(v graph.Ref) []int {
	a := g.alias[v]
	if a.base != v && a.index != nil {
		base := g.strides(a.base)
		strides := make([]int, len(g.g.Aval(v).Shape))
		for d := range strides {
			strides[d] = coef(a.index, base, d)
		}
		return strides
	}
	return dense(g.g.Aval(v).Shape)
}

// constOf returns the constant that a value is, or nil.
func (l *lowering) constOf(v graph.Ref) *graph.Const {
	if i, ok := l.consts[v]; ok {
		return &l.g.Consts[i]
	}
	return nil
}
