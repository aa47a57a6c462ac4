package cpu

// Scratch memory: where a plan's values and reductions live.

import "github.com/cotangent-ad/cotangent/kernels/loop"

// spot is a place in the code.
type spot struct{ section, index int }

// align is that of values in scratch memory, a cache line.
const align = 64

func aligned(n int) int { return (n + align - 1) &^ (align - 1) }

// allot gives values their places, reusing those of values that are read no
// more, and returns the bytes that they take.
func (p *planner) allot() int {
	p.slots = make([]int32, len(p.cls))
	for v := range p.slots {
		p.slots[v] = -1
	}
	top := 0
	for _, c := range p.consts {
		p.slots[c.value] = int32(top)
		top += 8
	}
	last := p.lastReads()
	free := map[int][]int32{}
	var reads []uint16
	for sec, code := range p.code {
		for i := range code {
			in := &code[i]
			if in.makes() && p.made[in.d] != memory {
				size := p.slotSize(in.d)
				if f := free[size]; len(f) > 0 {
					p.slots[in.d], free[size] = f[len(f)-1], f[:len(f)-1]
				} else {
					p.slots[in.d] = int32(aligned(top))
					top = aligned(top) + size
				}
			}
			reads = in.reads(reads[:0])
			for _, v := range reads {
				// Values of the prologue stay; a place is given up once.
				if p.made[v] == sec && sec != prologue && last[v] == (spot{sec, i}) {
					last[v] = spot{}
					size := p.slotSize(v)
					free[size] = append(free[size], p.slots[v])
				}
			}
		}
	}
	used := top
	for i := range p.reds {
		top = aligned(top)
		p.reds[i].at = int32(top)
		top += p.reds[i].bytes()
	}
	p.scratch = aligned(top)
	return used
}

// lastReads returns where each value is read last.
func (p *planner) lastReads() []spot {
	last := make([]spot, len(p.cls))
	var reads []uint16
	for sec, code := range p.code {
		for i := range code {
			reads = code[i].reads(reads[:0])
			for _, v := range reads {
				last[v] = spot{sec, i}
			}
		}
	}
	return last
}

// slotSize returns the bytes that a value's lanes take. The cache line more than
// needed keeps values of a power of two apart in the cache.
func (p *planner) slotSize(v uint16) int {
	n := 1
	if p.cls[v]&row != 0 {
		n *= p.rows.size
	}
	if p.cls[v]&col != 0 {
		n *= p.cols.size
	}
	return aligned(n*p.dtypes[v].Size()) + align
}

// The memory of a reducer, in elements of its type: lanes*cols of lanes,
// levels*cols of blocks, likewise of their maxima (LSE), keep*cols of rows that
// are kept, and of temporaries 4*cols. For whole rows and columns it is
// lanes/2*cols, or 3*tileLanes for LSE.
func (r *reducer) bytes() int {
	n := int((lanes + 2*r.levels + r.keep + 4) * r.cols)
	if r.levels == 0 {
		n = max(lanes/2*int(r.cols), lanes)
		if r.kind == loop.LSE {
			n = 3 * tileLanes
		}
	}
	return n*r.dt.Size() + 8 // the last word may be copied as a whole
}
