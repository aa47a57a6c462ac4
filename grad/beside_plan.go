// Plans of sweeps side by side.
//
// A node is an instruction at its place in the order of the sweep by one goroutine. It
// needs the nodes that contribute last to the cotangents of its results, and ends after
// those that contribute before it to its operands'. Consecutive nodes are a stage, with a
// schedule where that gains (package device, schedule.go); alone is what all workers share
// out inside, and what calls a user's function.
//
// A tape is mostly one of a function that was swept before: to see that takes a tenth of
// what planning does.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// What a sweep must have to be looked at, in nanoseconds: enough for a schedule of two
// workers to gain the least that it must, and nodes that take far longer than to look at
// them. A node takes nodeNanos beside its kernels. Tests set them.
var (
	leastSweep    = 36e3
	leastNode     = 1e3
	nodeNanos     = 400.
	sweepDuration = graph.SweepDuration
)

// Plans are kept of so many sweeps, of no more than so many nodes.
const (
	maxPlans     = 4
	maxPlanNodes = 1 << 12
)

// branching returns the device whose workers may find something to do side by side, nil
// where it is not worth a look: kernels that are queued do not keep anybody busy.
func (tp *tape) branching() device.Device {
	if !tp.forks || tp.mixed || tp.work < max(leastSweep, leastNode*float64(len(tp.order))) {
		return nil
	}
	for _, t := range tp.saved {
		if t == nil {
			continue
		}
		if dev, host := tensor.Place(t); dev != nil {
			if host && dev.Workers().N() > 1 {
				return dev
			}
			return nil
		}
	}
	return nil
}

// plan is how a sweep goes.
type plan struct {
	workers *device.Workers
	nodes   []planned
	from    []int32     // of each node: where its operands begin in args
	args    []graph.Ref // the operands of all nodes
	before  []int32     // of each operand: the node of the stage that contributes to its cotangent before, or -1
	stages  []stage
}

// planned is what is known of a node.
type planned struct {
	instr int32
	out   graph.Ref        // the first result
	how   *kernels.Derived // nil where the rule is a user's, which is another each time
}

// stage is nodes lo to hi-1.
type stage struct {
	lo, hi int
	flight *device.Flight // nil: one after the other
	bytes  int64          // all that is made in it
}

// node returns the node at a place of the order.
func (tp *tape) node(at int) planned {
	i := tp.order[at]
	n := planned{i, tp.rec.Instrs[i].Out, tp.notes[i].how}
	if tp.notes[i].user {
		n.how = nil
	}
	return n
}

// planFor returns a plan of the sweep, a new one where none is known.
func (b *beside) planFor(workers *device.Workers) *plan {
	at := slices.IndexFunc(b.plans, func(p *plan) bool { return p.workers == workers && p.matches(b.tp) })
	var p *plan
	if at >= 0 {
		p = b.plans[at]
		b.plans = slices.Delete(b.plans, at, at+1)
	} else {
		p = newPlan(b.tp, workers)
		if len(p.nodes) > maxPlanNodes {
			return p
		}
		b.plans = b.plans[:min(len(b.plans), maxPlans-1)]
	}
	b.plans = slices.Insert(b.plans, 0, p)
	return p
}

// matches reports whether the plan is one of the sweep over a tape.
func (p *plan) matches(tp *tape) bool {
	if len(p.nodes) != len(tp.order) {
		return false
	}
	for at := range p.nodes {
		args := tp.rec.Args(int(tp.order[at]))
		if from := int(p.from[at]); p.nodes[at] != tp.node(at) || len(p.args) < from+len(args) || !slices.Equal(p.args[from:from+len(args)], args) {
			return false
		}
	}
	return true
}

// newPlan makes the plan of the sweep over a tape.
func newPlan(tp *tape, workers *device.Workers) *plan {
	p := &plan{workers: workers}
	b := planning{plan: p, tp: tp, latest: make([]int32, tp.rec.NumValues())}
	for at, i := range tp.order {
		p.nodes = append(p.nodes, tp.node(at))
		x, note := &tp.rec.Instrs[i], &tp.notes[i]
		d := sweepDuration(x.Inst, note.how, workers.N())
		alone := note.user || d.Wide()
		if alone {
			b.end(at)
		}
		b.add(x, tp.rec.Args(int(i)), d)
		b.bytes += bytesOf(x.Inst, note.how)
		if alone {
			b.end(at + 1)
		}
	}
	b.end(len(tp.order))
	return p
}

// planning is a plan in the making.
type planning struct {
	*plan
	tp      *tape
	lo      int // the first node of the stage at hand
	bytes   int64
	planner device.Planner
	latest  []int32 // of each value: the node that contributes last so far, counted from 1
	needs   []int32
}

// end ends the stage before a node.
func (b *planning) end(at int) {
	if at == b.lo {
		return
	}
	st := stage{lo: b.lo, hi: at, bytes: b.bytes}
	if s := b.planner.Schedule(b.workers.N()); s != nil {
		st.flight = s.NewFlight(b.workers)
	}
	b.stages = append(b.stages, st)
	b.planner.Reset()
	b.lo, b.bytes = at, 0
}

// add adds a node to the stage.
func (b *planning) add(x *graph.Instr, args []graph.Ref, d graph.Duration) {
	at := len(b.from)
	b.needs = b.needs[:0]
	for k := range x.Inst.Out {
		if n := b.contributor(x.Out + graph.Ref(k)); n >= 0 {
			b.needs = append(b.needs, n)
		}
	}
	b.planner.Add(d.One+nodeNanos, d.Shared+nodeNanos, b.needs...)
	b.from = append(b.from, int32(len(b.args)))
	b.args = append(b.args, args...)
	for _, v := range args {
		n := b.contributor(v)
		b.before = append(b.before, n)
		if n >= 0 {
			b.planner.EndsAfter(n)
		}
	}
	for _, v := range args {
		if v != graph.Untracked {
			b.latest[v] = int32(at + 1)
		}
	}
}

// contributor returns the node of the stage that contributes last to a value's cotangent,
// counted from the stage's first, or -1.
func (b *planning) contributor(v graph.Ref) int32 {
	if v == graph.Untracked {
		return -1
	}
	return max(-1, b.latest[v]-1-int32(b.lo))
}

// bytesOf is what the sweep through an instruction makes: of a rule one does not know.
func bytesOf(inst *kernels.Inst, how *kernels.Derived) (bytes int64) {
	add := func(times int64, avals []kernels.Aval) {
		for _, a := range avals {
			bytes += times * int64(a.Size()*a.DType.Size())
		}
	}
	if how.Rule {
		add(2, inst.In)
		add(2, inst.Out)
	}
	for i := range how.Steps {
		add(1, how.Steps[i].Inst.Out)
	}
	return bytes
}
