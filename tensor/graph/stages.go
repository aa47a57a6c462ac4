// Stages: steps of a code that workers do side by side (device/schedule.go), where that
// is estimated to take less time. Steps outside of stages run in order.

package graph

import (
	"sort"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// stage is consecutive steps with a schedule.
type stage struct {
	lo, hi   int // steps
	schedule *device.Schedule
}

// findStages finds the stages for a number of workers, once it is known which results
// take over memory.
func (l *layout) findStages(workers int) {
	if workers < 2 {
		return
	}
	f := stageFinder{l: l, workers: workers, stepOf: make([]int32, len(l.g.Instrs)), taken: map[Ref][]int32{}}
	for s, i := range l.steps {
		f.stepOf[i] = int32(s)
		if v := f.takenBy(&l.g.Instrs[i], l.g.Args(int(i))); v != Untracked {
			f.taken[v] = nil
		}
	}
	for s, i := range l.steps {
		d := durationOf(l.g.Instrs[i].Inst, workers)
		if d.Wide() {
			f.end(s)
			f.begin(s + 1)
		} else {
			f.add(s, d)
		}
	}
	f.end(len(l.steps))
}

// stageFinder looks for stages one after the other.
type stageFinder struct {
	l       *layout
	workers int
	stepOf  []int32         // of each instruction that is no view
	taken   map[Ref][]int32 // of each root whose memory a result takes over, the nodes that read it so far
	lo      int             // where the stage at hand begins
	planner device.Planner
	needs   []int32
}

// takenBy returns the operand whose memory the result of an instruction takes over.
func (f *stageFinder) takenBy(x *Instr, args []Ref) Ref {
	if b := f.l.at[x.Out].block; b >= 0 {
		for _, a := range args {
			if root := f.l.at[a].root; f.l.at[root].block == b {
				return root
			}
		}
	}
	return Untracked
}

func (f *stageFinder) begin(s int) {
	f.lo = s
	f.planner.Reset()
	for v := range f.taken {
		f.taken[v] = nil
	}
}

// add adds step s to the stage: it needs what makes its operands, and, where it takes
// over memory, what else reads that. It need not follow what used its memory before under
// another value, since extended lifetimes keep that far enough behind.
func (f *stageFinder) add(s int, d Duration) {
	l, i := f.l, int(f.l.steps[s])
	args := l.g.Args(i)
	f.needs = f.needs[:0]
	over := f.takenBy(&l.g.Instrs[i], args)
	for _, a := range args {
		root := l.at[a].root
		if made := l.g.Def(root); made >= 0 && int(f.stepOf[made]) >= f.lo {
			f.needs = append(f.needs, f.stepOf[made]-int32(f.lo))
		}
		if readers, ok := f.taken[root]; ok && root != over {
			f.taken[root] = append(readers, int32(s-f.lo))
		}
	}
	if over != Untracked {
		f.needs = append(f.needs, f.taken[over]...)
	}
	f.planner.Add(d.One, d.Shared, f.needs...)
}

// end ends the stage before step s, and keeps it if it is worth it.
func (f *stageFinder) end(s int) {
	if schedule := f.planner.Schedule(f.workers); schedule != nil {
		f.l.stages = append(f.l.stages, stage{f.lo, s, schedule})
	}
}

// apart is a block that lies in a lane, which is a block as well.
type apart struct {
	block, lane int32
	offset      int // in the lane
}

// keepApart keeps memory apart that steps of a stage use at the same time. What only one
// strand uses is planned for itself, in the strand's lane, a block of the whole stage that
// strands use one after the other; what else is used in the stage is kept until no step
// that might run at the same time is left.
func (l *layout) keepApart() (all []apart) {
	if len(l.stages) == 0 {
		return nil
	}
	own := make([][][]int32, len(l.stages)) // of each stage's strands their blocks
	for i, x := range l.stages {
		own[i] = make([][]int32, x.schedule.Strands())
	}
	for i := range l.blocks {
		b := &l.blocks[i]
		at, ok := l.stageOf(b.last)
		if !ok || b.size == 0 {
			continue
		}
		x := l.stages[at]
		k := x.schedule.Strand(b.last - x.lo)
		if b.first >= x.lo && x.schedule.Strand(b.first-x.lo) == k {
			own[at][k] = append(own[at][k], int32(i))
		} else {
			b.last = x.lo + x.schedule.Reach(b.last-x.lo) - 1
		}
	}
	for at, x := range l.stages {
		lanes := make([]block, x.schedule.Lanes())
		for k, list := range own[at] {
			lane := k % len(lanes)
			blocks := make([]block, len(list))
			for j, i := range list {
				blocks[j] = l.blocks[i]
			}
			size, _ := plan(blocks)
			lanes[lane].size = max(lanes[lane].size, size)
			for j, i := range list {
				all = append(all, apart{i, int32(len(l.blocks) + lane), blocks[j].offset})
				l.blocks[i].size = 0 // of the arena
			}
		}
		for _, b := range lanes {
			l.blocks = append(l.blocks, block{size: b.size, first: x.lo, last: x.hi - 1})
		}
	}
	return all
}

// stageOf returns the stage that a step is in.
func (l *layout) stageOf(s int) (at int, ok bool) {
	at = sort.Search(len(l.stages), func(i int) bool { return s < l.stages[i].hi })
	return at, at < len(l.stages) && s >= l.stages[at].lo
}

// beside reports whether steps of the code, or of bodies in it, run side by side.
func (c *code) beside() bool {
	if len(c.lay.stages) > 0 {
		return true
	}
	for _, st := range c.steps {
		if st.control != nil {
			for _, b := range st.control.bodies {
				if b.beside() {
					return true
				}
			}
		}
	}
	return false
}

// besideBytes is what an arena may be larger for each worker, so that steps run side by
// side; it may be larger by a quarter in any case, but never than a budget.
const besideBytes = 1 << 20

// affords reports whether a code may be used in place of one whose steps run in order.
func (c *code) affords(inOrder *code, workers int) bool {
	arena, plain := c.lay.arena, inOrder.lay.arena
	if b := c.g.budget; b > 0 {
		return arena <= device.BlockWithin(b)
	}
	return arena <= plain+max(plain/4, workers*besideBytes)
}

// stageRun is a stage with what a run of it needs.
type stageRun struct {
	*stage
	a      *activation
	flight *device.Flight
}

// Do does a node of the stage.
func (r *stageRun) Do(node, _ int) error {
	select {
	case <-r.a.st.done: // never, where the context cannot end
		return kernels.ErrCancelled
	default:
		return r.a.step(r.lo + node)
	}
}
