// How a group is computed, and what that costs: which axis the vector lanes run
// along, which axes are loops around them, and which are inner ones.

package native

import (
	"math"
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

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
	numbers, computed := f.numbers(), map[int32]bool{}
	for k, m := range f.members {
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
			if id := numbers[k][n]; id >= 0 {
				if computed[id] {
					continue
				}
				computed[id] = true
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
				step = loop.Coef(ld.index, g.strides(ld.val), m.axis(f.vec))
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
					switch loop.Coef(o.Index, loop.RowMajor(o.Aval.Shape), m.axis(f.vec)) {
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
