// The memory plan: where in one arena each block lies, by when it is needed.

package graph

import (
	"cmp"
	"slices"
)

// arenaAlign is the alignment of a block in bytes: a cache line, and the widest vector.
const arenaAlign = 64

// block is memory that is needed from one step to another.
type block struct {
	size        int // bytes
	first, last int // the steps between which it is needed, both included
	offset      int // in the arena: set by plan
}

// plan gives each block an offset such that blocks needed at the same step do not
// overlap. It returns the bytes of the arena, and the most that is needed at any
// one step, below which no plan can stay.
//
// Blocks are placed in the order of their first step, each in the smallest gap
// that holds it (best fit), so that the work is linear in the blocks and gaps.
// Residuals of a reverse sweep are given up in the opposite order of their
// making, which leaves few gaps.
func plan(blocks []block) (arena, need int) {
	byFirst, byLast := orderOf(blocks, func(b *block) int { return b.first }), orderOf(blocks, func(b *block) int { return b.last })
	var free gaps
	used := 0
	for _, i := range byFirst {
		b := &blocks[i]
		for len(byLast) > 0 && blocks[byLast[0]].last < b.first {
			d := &blocks[byLast[0]]
			byLast = byLast[1:]
			free.give(d.offset, aligned(d.size))
			used -= aligned(d.size)
		}
		size := aligned(b.size)
		used += size
		need = max(need, used)
		b.offset, arena = free.take(size, arena)
	}
	return arena, need
}

func orderOf(blocks []block, key func(*block) int) []int32 {
	order := make([]int32, len(blocks))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(key(&blocks[a]), key(&blocks[b])) })
	return order
}

func aligned(n int) int { return (n + arenaAlign - 1) &^ (arenaAlign - 1) }

// gaps is the unused parts of the arena, ascending, none of them adjacent.
type gaps []gap

type gap struct{ offset, size int }

// take returns the offset of size bytes, and the arena's new end.
func (f *gaps) take(size, end int) (offset, newEnd int) {
	if size == 0 {
		return 0, end
	}
	best := -1
	for i, g := range *f {
		if g.size >= size && (best < 0 || g.size < (*f)[best].size) {
			best = i
		}
	}
	if best < 0 {
		// At the end, using the last gap if it reaches there.
		if n := len(*f); n > 0 && (*f)[n-1].offset+(*f)[n-1].size == end {
			offset = (*f)[n-1].offset
			*f = (*f)[:n-1]
			return offset, offset + size
		}
		return end, end + size
	}
	g := &(*f)[best]
	offset = g.offset
	g.offset += size
	if g.size -= size; g.size == 0 {
		*f = slices.Delete(*f, best, best+1)
	}
	return offset, end
}

// give adds a gap, joining it to its neighbours.
func (f *gaps) give(offset, size int) {
	if size == 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(*f, offset, func(g gap, o int) int { return cmp.Compare(g.offset, o) })
	joinsLeft := i > 0 && (*f)[i-1].offset+(*f)[i-1].size == offset
	joinsRight := i < len(*f) && offset+size == (*f)[i].offset
	switch {
	case joinsLeft && joinsRight:
		(*f)[i-1].size += size + (*f)[i].size
		*f = slices.Delete(*f, i, i+1)
	case joinsLeft:
		(*f)[i-1].size += size
	case joinsRight:
		(*f)[i].offset, (*f)[i].size = offset, size+(*f)[i].size
	default:
		*f = slices.Insert(*f, i, gap{offset, size})
	}
}

// Block is memory that is needed from one step to another, both included, for
// planning outside of this package.
type Block struct {
	Size        int // bytes
	First, Last int // steps
	Offset      int // in the arena: set by PlanBlocks
}

// PlanBlocks gives each block an offset such that blocks needed at the same step
// do not overlap, and returns the bytes of the arena.
func PlanBlocks(list []Block) (arena int) {
	blocks := make([]block, len(list))
	for i, b := range list {
		blocks[i] = block{size: b.Size, first: b.First, last: b.Last}
	}
	arena, _ = plan(blocks)
	for i := range list {
		list[i].Offset = blocks[i].offset
	}
	return arena
}
