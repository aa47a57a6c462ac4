// Numbers of nodes: what several members of a form compute alike is computed once.

package native

import (
	"math"
	"strconv"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// numbers returns, by member and node, numbers that are equal where the values are,
// or -1 for values that change along inner axes.
func (f *form) numbers() [][]int32 {
	if f.numbered != nil {
		return f.numbered
	}
	b := numberer{nodes: map[nodeKey]int32{}, loads: map[string]int32{}}
	f.numbered = make([][]int32, len(f.members))
	for i, m := range f.members {
		f.numbered[i] = b.member(m)
	}
	return f.numbered
}

type numberer struct {
	nodes map[nodeKey]int32
	loads map[string]int32
	text  []byte
}

// nodeKey is what a node's value depends on. Of a load k is its number.
type nodeKey struct {
	fn loop.Fn
	dt device.DType
	k  int64
	v  uint64
	a  [3]int32
}

func (b *numberer) member(m *member) []int32 {
	var inner uint64
	for a, at := range m.at {
		if at == -1 && m.size[a] != 1 {
			inner |= 1 << a
		}
	}
	out := make([]int32, len(m.nodes))
	for n := range m.nodes {
		x := &m.nodes[n]
		if out[n] = -1; !m.live[n] || m.deps[n]&inner != 0 {
			continue
		}
		key := nodeKey{fn: x.Fn, dt: x.DType, k: x.K, v: math.Float64bits(x.V)}
		switch x.Fn {
		case loop.Iota:
			key.k = int64(m.at[x.K])
			if m.size[x.K] == 1 {
				key.k = -1
			}
		case loop.LoadFn:
			key.k = int64(b.load(m, &m.loads[x.K], out))
		}
		for i := range x.Fn.Arity() {
			key.a[i] = out[x.Arg[i]]
		}
		id, ok := b.nodes[key]
		if !ok {
			id = int32(len(b.nodes))
			b.nodes[key] = id
		}
		out[n] = id
	}
	return out
}

// load returns the number of a read.
func (b *numberer) load(m *member, ld *load, nodes []int32) int32 {
	t := append(b.text[:0], "d "[boolIndex(!ld.direct)], "g "[boolIndex(!ld.guarded)])
	t = strconv.AppendInt(t, int64(ld.val), 10)
	for _, x := range ld.index {
		t = strconv.AppendInt(append(t, ';'), int64(x.Const), 10)
		if x.Via != loop.None {
			t = strconv.AppendInt(append(t, 'v'), int64(nodes[x.Via]), 10)
		}
		for _, term := range x.Terms {
			if m.size[term.Axis] == 1 {
				continue
			}
			t = strconv.AppendInt(append(t, ','), int64(term.Coef), 10)
			t = strconv.AppendInt(append(t, '*'), int64(m.place(term.Axis)), 10)
		}
	}
	b.text = t
	id, ok := b.loads[string(t)]
	if !ok {
		id = int32(len(b.loads))
		b.loads[string(t)] = id
	}
	return id
}

func boolIndex(b bool) int {
	if b {
		return 1
	}
	return 0
}

// place tells a shared axis apart from others, and from what it has absorbed. That an
// absorbed axis is the how-manieth before its shared one tells which it is, and so its
// size, in all members alike: every member has all shared axes, collapse joins the same two
// in all of them and only neighbours, so that what a shared axis absorbs next lies before
// all that it has absorbed (see runsOn). Between them are at most axes of size 1.
func (m *member) place(axis int) int {
	before := 0
	for m.at[axis] < 0 {
		if m.at[axis] == absorbed {
			before++
		}
		axis++
	}
	return before<<8 | m.at[axis]
}
