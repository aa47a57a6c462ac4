// Sweeps side by side: instructions of a tape that do not need each other are propagated
// through by several workers, where a schedule of their estimated times says that it pays
// (beside_plan.go).
//
// What contributes to a cotangent does so in the same order as in a sweep by one goroutine:
// an instruction computes what it contributes, holds that until the one before it is done,
// and adds it then; it is done only after that one, even if it contributes nothing. So a
// value's cotangent is touched by one instruction at a time, and what an instruction needs
// is done when the last that contributes to its results is. A sweep side by side takes more
// memory by what those strands of instructions hold that are under way beside the first, at
// most one for each worker.
//
// Users' functions are called by the goroutine that sweeps, one after the other.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// beside is what a tape has for this.
type beside struct {
	tp    *tape
	last  bool
	hands []*hand // of each worker
	plans []*plan // those used of late, the last first
	plan  *plan
	stage *stage // under way
}

// sweepBeside sweeps with the device's workers.
func (tp *tape) sweepBeside(dev device.Device, last bool) error {
	if tp.beside == nil {
		tp.beside = &beside{tp: tp, hands: []*hand{&tp.hand}}
	}
	b := tp.beside
	b.last, b.plan = last, b.planFor(dev.Workers())
	for i := range b.plan.stages {
		st := &b.plan.stages[i]
		err := error(nil)
		if st.flight != nil && hasRoom(dev, st.bytes) {
			err = b.fly(st)
		} else {
			err = tp.sweepInOrder(st.lo, st.hi, last)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hasRoom reports whether the device has memory for so many bytes. All that a stage makes,
// whatever is freed meanwhile, must fit: no order may fail where another does not.
func hasRoom(dev device.Device, bytes int64) bool {
	limit := dev.Limit()
	return limit == 0 || dev.Stats().Outstanding+bytes <= limit
}

// fly sweeps a stage side by side.
func (b *beside) fly(st *stage) error {
	for len(b.hands) < b.plan.workers.N() {
		b.hands = append(b.hands, new(hand))
	}
	b.stage = st
	err := st.flight.Run(b)
	b.stage = nil
	for _, h := range b.hands {
		if t := &h.turn; t.flight != nil {
			t.flight, t.before = nil, nil
			t.forget() // after a panic
			h.forget()
		}
	}
	return tensor.Placed(err)
}

// Do propagates through the instruction of a node.
func (b *beside) Do(node, worker int) error {
	h, at := b.hands[worker], b.stage.lo+node
	i, from := int(b.tp.order[at]), b.plan.from[at]
	h.turn.flight, h.turn.before = b.stage.flight, b.plan.before[from:int(from)+len(b.tp.rec.Args(i))]
	defer h.turn.end()
	return b.tp.step(h, i, b.last)
}

// turn says when the instruction at hand may add to its operands' cotangents. In a sweep
// by one goroutine it always may.
type turn struct {
	flight *device.Flight
	before []int32 // of each operand: the node that contributes before, or -1
	held   []held
}

// held is a contribution to operand k that waits.
type held struct {
	contribution
	k int
}

// come reports whether it is the instruction's turn to add to operand k's cotangent, the
// value's v, and it holds nothing that comes first.
func (t *turn) come(k int, v graph.Ref) bool {
	if t.flight == nil || t.before[k] < 0 {
		return true
	}
	return t.flight.Done(t.before[k]) && !slices.ContainsFunc(t.held, func(h held) bool { return h.to == v })
}

// end returns when all turns before the instruction's are over: also where it contributes
// nothing, since those who come after it ask for no others.
func (t *turn) end() {
	for _, n := range t.before {
		if n >= 0 {
			t.flight.Await(n)
		}
	}
}

func (t *turn) hold(k int, g contribution) { t.held = append(t.held, held{g, k}) }

func (t *turn) forget() {
	clear(t.held)
	t.held = t.held[:0]
}

// addHeld adds what has waited, when the turn has come. It never comes where the sweep has
// failed.
func (tp *tape) addHeld(h *hand) {
	t := &h.turn
	for _, g := range t.held {
		if t.flight.Await(t.before[g.k]) {
			tp.add(h, g.contribution)
		} else if g.own != borrowed {
			tensor.Free(g.t)
		}
	}
	t.forget()
}
