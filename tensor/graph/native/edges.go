// Edges: where guarded reads come into range and leave it along the vector axis, and
// comparisons of positions change. Between two of them all that is known: the middle is
// printed as a loop of its own, without conditions and masks.

package native

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// span is positions along the vector axis, from the first to that behind the last.
type span struct{ from, to int }

const (
	leastMiddle = 64      // positions that are worth a loop of their own
	mostMiddle  = 8 << 10 // bytes of text that are worth being printed twice
)

// middle returns the longest span between edges; it is not ok where there are no edges,
// or that is short.
func (b *body) middle() (mid span, ok bool) {
	if b.f.vec < 0 {
		return mid, false
	}
	var edges []int
	for _, m := range b.f.members {
		for n := range m.nodes {
			x := &m.nodes[n]
			if !m.live[n] {
				continue
			}
			if at, _, ok := b.comparison(m, loop.Node(n)); ok {
				edges = append(edges, at, at+1)
			}
			if x.Fn != loop.LoadFn || !m.loads[x.K].guarded {
				continue
			}
			ld := &m.loads[x.K]
			for d, l := range ld.index {
				if c, ok := b.along(m, l); ok {
					edges = append(edges, -c, b.g.g.Aval(ld.val).Shape[d]-c)
				}
			}
		}
	}
	if len(edges) == 0 {
		return mid, false
	}
	edges = append(slices.DeleteFunc(edges, func(e int) bool { return e <= 0 || e >= b.lanes }), b.lanes)
	slices.Sort(edges)
	last := 0
	for _, e := range edges {
		if e-last > mid.to-mid.from {
			mid = span{last, e}
		}
		last = e
	}
	return mid, mid.to-mid.from >= leastMiddle
}

// along returns c where an index is the position along the vector axis plus c.
func (b *body) along(m *member, x loop.Lin) (c int, ok bool) {
	if x.Via != loop.None {
		return 0, false
	}
	for _, t := range x.Terms {
		switch {
		case m.size[t.Axis] == 1:
		case !ok && t.Coef == 1 && m.at[t.Axis] == b.f.vec:
			ok = true
		default:
			return 0, false
		}
	}
	return x.Const, ok
}

// position returns c where a node is the position along the vector axis plus c.
func (b *body) position(m *member, n loop.Node) (c int, ok bool) {
	switch x := &m.nodes[n]; x.Fn {
	case loop.Iota:
		return 0, m.at[x.K] == b.f.vec
	case loop.Add:
		for k := range 2 {
			if y := &m.nodes[x.Arg[k]]; y.Fn == loop.Const && !y.DType.IsFloat() {
				c, ok = b.position(m, x.Arg[1-k])
				return c + int(y.K), ok
			}
		}
	}
	return 0, false
}

// comparison returns the position at which a comparison of positions with a constant may
// change, there or right behind it, and what it is at a position.
func (b *body) comparison(m *member, n loop.Node) (at int, holds func(i int) bool, ok bool) {
	x := &m.nodes[n]
	test, ok := map[loop.Fn]func(x, y int) bool{
		loop.Lt: func(x, y int) bool { return x < y }, loop.Le: func(x, y int) bool { return x <= y },
		loop.Eq: func(x, y int) bool { return x == y }, loop.Ne: func(x, y int) bool { return x != y },
	}[x.Fn]
	if !ok {
		return 0, nil, false
	}
	first, second := &m.nodes[x.Arg[0]], &m.nodes[x.Arg[1]]
	if c, ok := b.position(m, x.Arg[0]); ok && second.Fn == loop.Const {
		k := int(second.K)
		return k - c, func(i int) bool { return test(i+c, k) }, true
	}
	if c, ok := b.position(m, x.Arg[1]); ok && first.Fn == loop.Const {
		k := int(first.K)
		return k - c, func(i int) bool { return test(k, i+c) }, true
	}
	return 0, nil, false
}

// decided returns the value of a condition if that is known in what is being printed.
func (b *body) decided(m *member, n loop.Node) (holds, known bool) {
	if b.mid == nil {
		return false, false
	}
	_, test, ok := b.comparison(m, n)
	return ok && test(b.mid.from), ok
}

// within reports whether an index of a guarded read is in range, and out of it, wherever
// what is being printed runs.
func (b *body) within(m *member, x loop.Lin, size int) (in, out bool) {
	if b.mid == nil {
		return false, false
	}
	c, ok := b.along(m, x)
	return ok && b.mid.from+c >= 0 && b.mid.to+c <= size, ok && (b.mid.to+c <= 0 || b.mid.from+c >= size)
}
