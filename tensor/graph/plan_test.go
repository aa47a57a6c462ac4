// The memory plan, on tables, random blocks and the shape of a reverse sweep.

package graph

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name   string
		blocks []block
		want   []int // offsets
		arena  int
	}{
		{"nothing", nil, nil, 0},
		{"one is aligned up", []block{{size: 8, first: 0, last: 1}}, []int{0}, 64},
		{"in turn share", []block{{size: 100, first: 0, last: 1}, {size: 128, first: 2, last: 3}}, []int{0, 0}, 128},
		{"at the same step do not", []block{{size: 64, first: 0, last: 1}, {size: 64, first: 1, last: 2}}, []int{0, 64}, 128},
		{"empty ones take nothing", []block{{size: 0, first: 0, last: 9}, {size: 64, first: 0, last: 9}}, []int{0, 0}, 64},
		{"the smallest gap that fits",
			[]block{
				{size: 128, first: 0, last: 1}, {size: 64, first: 0, last: 9},
				{size: 64, first: 0, last: 1}, {size: 64, first: 0, last: 9},
				{size: 64, first: 2, last: 9},
			}, []int{0, 128, 192, 256, 192}, 320},
		{"neighbouring gaps join",
			[]block{
				{size: 64, first: 0, last: 2}, {size: 64, first: 0, last: 1}, {size: 64, first: 0, last: 2},
				{size: 64, first: 0, last: 9}, {size: 192, first: 3, last: 9},
			}, []int{0, 64, 128, 192, 0}, 256},
		{"the end grows from its gap",
			[]block{{size: 64, first: 0, last: 9}, {size: 64, first: 0, last: 1}, {size: 256, first: 2, last: 9}},
			[]int{0, 64, 64}, 320},
	} {
		t.Run(c.name, func(t *testing.T) {
			arena, need := plan(c.blocks)
			if arena != c.arena {
				t.Errorf("arena of %d bytes, want %d", arena, c.arena)
			}
			if need > arena {
				t.Errorf("needs %d, more than the arena's %d", need, arena)
			}
			for i, b := range c.blocks {
				if b.offset != c.want[i] {
					t.Errorf("block %d at %d, want %d", i, b.offset, c.want[i])
				}
			}
		})
	}
}

// Blocks that are needed at the same step do not overlap, whatever the blocks.
func TestPlanNeverOverlaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		blocks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) block {
			first := rapid.IntRange(0, 40).Draw(t, "first")
			return block{
				size:  rapid.IntRange(0, 1000).Draw(t, "size"),
				first: first, last: first + rapid.IntRange(0, 20).Draw(t, "length"),
			}
		}), 0, 60).Draw(t, "blocks")
		arena, need := plan(blocks)
		if need > arena {
			t.Fatalf("needs %d, more than the arena's %d", need, arena)
		}
		for i, a := range blocks {
			if a.offset%arenaAlign != 0 || a.offset+a.size > arena {
				t.Fatalf("%+v is not aligned, or outside of the arena's %d bytes", a, arena)
			}
			for _, b := range blocks[:i] {
				together := a.first <= b.last && b.first <= a.last
				if together && a.offset < b.offset+b.size && b.offset < a.offset+a.size {
					t.Fatalf("%+v and %+v overlap", a, b)
				}
			}
		}
	})
}

// The residuals of a reverse sweep, given up last to first, leave no gaps that
// the sweep's own blocks could not use.
func TestPlanOfSweep(t *testing.T) {
	const n = 100
	var blocks []block
	for i := range n {
		blocks = append(blocks, block{size: 1000 + 64*(i%7), first: i, last: 2*n - i}) // residual
		blocks = append(blocks, block{size: 1000 + 64*(i%7), first: 2*n - i, last: 2*n - i + 1})
	}
	arena, need := plan(blocks)
	if float64(arena) > 1.02*float64(need) {
		t.Errorf("arena of %d bytes where %d are needed", arena, need)
	}
}

func BenchmarkPlan(b *testing.B) {
	const n = 10000
	for b.Loop() {
		blocks := make([]block, 0, 2*n)
		for i := range n {
			blocks = append(blocks, block{size: 64 << (i % 9), first: i, last: 2*n - i})
			blocks = append(blocks, block{size: 64 << (i % 5), first: 2*n - i, last: 2*n - i + 1})
		}
		plan(blocks)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2*n), "ns/block")
}
