// Hash-consing: equal nodes are the same node, found in an open-addressed table.

package loop

import (
	"math"
	"slices"
)

// put returns the node equal to x, adding it when it is new.
func (e *Expr) put(x Inst) Node {
	e.room()
	slot := e.hash(&x)
	for ; ; slot++ {
		n := e.table[int(slot)&(len(e.table)-1)]
		if n == 0 {
			break
		}
		if sameInst(&e.Nodes[n-1], &x) {
			return n - 1
		}
	}
	e.Nodes = append(e.Nodes, x)
	n := Node(len(e.Nodes))
	e.table[int(slot)&(len(e.table)-1)] = n
	return n - 1
}

// putLoad returns the node of a load equal to l, adding both when they are new.
func (e *Expr) putLoad(l Load) Node {
	e.room()
	slot := hashLoad(&l)
	for ; ; slot++ {
		n := e.table[int(slot)&(len(e.table)-1)]
		if n == 0 {
			break
		}
		if x := &e.Nodes[n-1]; x.Fn == LoadFn && sameLoad(&e.Loads[x.K], &l) {
			return n - 1
		}
	}
	e.Loads = append(e.Loads, l)
	e.Nodes = append(e.Nodes, Inst{Fn: LoadFn, DType: e.Ins[l.In].DType, Arg: noArgs, K: int64(len(e.Loads) - 1)})
	n := Node(len(e.Nodes))
	e.table[int(slot)&(len(e.table)-1)] = n
	return n - 1
}

// room makes the table large enough for one more node. Entries are nodes plus
// one, 0 where free; the size is a power of two.
func (e *Expr) room() {
	if 2*(len(e.Nodes)+1) <= len(e.table) {
		return
	}
	size := 64
	for size < 4*(len(e.Nodes)+1) {
		size *= 2
	}
	e.table = make([]Node, size)
	for n := range e.Nodes {
		slot := e.hash(&e.Nodes[n])
		for e.table[int(slot)&(size-1)] != 0 {
			slot++
		}
		e.table[int(slot)&(size-1)] = Node(n + 1)
	}
}

// sameInst compares by bits, so that NaN equals itself and the zeros differ.
func sameInst(x, y *Inst) bool {
	return x.Fn == y.Fn && x.DType == y.DType && x.Arg == y.Arg && x.K == y.K &&
		math.Float64bits(x.V) == math.Float64bits(y.V)
}

func sameLoad(x, y *Load) bool {
	return x.In == y.In && x.Guarded == y.Guarded && slices.EqualFunc(x.Index, y.Index, Lin.Equal)
}

const mixer = 0x9e3779b97f4a7c15 // 2^64 over the golden ratio

func mix(h, v uint64) uint64 {
	h = (h ^ v) * mixer
	return h ^ h>>29
}

func (e *Expr) hash(x *Inst) uint32 {
	if x.Fn == LoadFn {
		return hashLoad(&e.Loads[x.K])
	}
	h := mix(uint64(x.Fn)<<8|uint64(x.DType), uint64(uint32(x.Arg[0]))<<32|uint64(uint32(x.Arg[1])))
	h = mix(h, uint64(x.Arg[2])^uint64(x.K))
	h = mix(h, math.Float64bits(x.V))
	return uint32(h >> 32)
}

func hashLoad(l *Load) uint32 {
	h := mix(uint64(LoadFn), uint64(l.In)<<1|uint64(b2i(l.Guarded)))
	for i := range l.Index {
		h = mix(h, uint64(l.Index[i].Const)^uint64(l.Index[i].Via)<<32)
		for _, t := range l.Index[i].Terms {
			h = mix(h, uint64(t.Axis)<<32^uint64(t.Coef))
		}
	}
	return uint32(h >> 32)
}
