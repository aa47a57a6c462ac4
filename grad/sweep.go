// Reverse mode: the sweep over a tape.

package grad

import (
	"slices"
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// cotangent is a value that sweeps towards the inputs. Several values may hold the same
// one (an addition passes its cotangent on to both operands), and the instructions that
// they are results of may read it at the same time.
type cotangent struct {
	t      *tensor.Tensor
	owned  bool         // t was made by the sweep, which may free it
	shown  atomic.Bool  // others may see the memory
	others atomic.Int32 // values that hold it beside one
	// settled says that t has no element -0, so that adding zeros changes nothing.
	settled bool
}

// owner says what the sweep may do with a tensor.
type owner uint8

const (
	borrowed owner = iota // somebody else may see it
	viewed                // made by the sweep, of memory that others may see: may be freed
	owning                // made by the sweep and seen by nobody else: may be written to as well
)

// writable reports whether the sweep may write to the cotangent's memory.
func (c *cotangent) writable() bool {
	return c != nil && c.others.Load() == 0 && c.owned && !c.shown.Load() && tensor.Writable(c.t)
}

// sweepState is what a sweep needs beside the tape, kept for the next sweep.
type sweepState struct {
	live   []bool  // instructions that the outputs depend on
	left   []int32 // contributions that each live instruction still waits for: its results' fan-out
	ct     []*cotangent
	ready  []int32
	order  []int32 // the instructions that are swept
	forks  bool    // some of them were ready at the same time
	seeds  []seed
	beside *beside
}

// seed is the cotangent of an output.
type seed struct {
	ref graph.Ref
	t   *tensor.Tensor
}

// sweep propagates the seeds to the inputs: a node's cotangent goes on once all
// contributions to it have arrived (the fan-out counters), the first is taken
// over, later ones are added in place in a fixed order. With last, residuals are
// freed at their last read and the tape cannot be swept again. It returns the
// first error; the inputs' cotangents are in ct, nil where they are zero.
func (tp *tape) sweep(last bool) error {
	tp.count(tp.seeds)
	if tp.numeric() {
		tp.sweepNumbers()
		return nil
	}
	tp.widen()
	for _, sd := range tp.seeds {
		tp.add(&tp.hand, contribution{sd.ref, sd.t, borrowed, false})
	}
	tp.putInOrder()
	var err error
	if dev := tp.branching(); dev != nil {
		err = tp.sweepBeside(dev, last)
	} else {
		err = tp.sweepInOrder(0, len(tp.order), last)
	}
	if err != nil {
		return err
	}
	for _, c := range tp.ct[:tp.rec.NumInputs()] {
		if c != nil && c.t.Err() != nil {
			return tensor.Placed(c.t.Err())
		}
	}
	return nil
}

// sweepInOrder propagates through the instructions at places lo to hi-1 of the order.
func (tp *tape) sweepInOrder(lo, hi int, last bool) error {
	for _, i := range tp.order[lo:hi] {
		if err := tp.step(&tp.hand, int(i), last); err != nil {
			return err
		}
	}
	return nil
}

// putInOrder lists the instructions as they are swept: what was ready last comes first.
func (tp *tape) putInOrder() {
	tp.order, tp.forks = tp.order[:0], false
	for len(tp.ready) > 0 {
		i := tp.next()
		tp.forks = tp.forks || len(tp.ready) > 0
		tp.order = append(tp.order, int32(i))
		tp.arrived(tp.rec.Args(i))
	}
}

// count marks the instructions that the seeds depend on and counts the contributions each will get.
func (tp *tape) count(seeds []seed) {
	n := len(tp.rec.Instrs)
	tp.live, tp.left = resized(tp.live, n), resized(tp.left, n)
	tp.ct, tp.ready = resized(tp.ct, tp.rec.NumValues()), tp.ready[:0]
	end := -1
	for _, sd := range seeds {
		if d := tp.rec.Def(sd.ref); d >= 0 {
			tp.live[d] = true
			end = max(end, d)
		}
	}
	for i := end; i >= 0; i-- {
		if !tp.live[i] {
			continue
		}
		for _, a := range tp.rec.Args(i) {
			if a == graph.Untracked {
				continue
			}
			if d := tp.rec.Def(a); d >= 0 {
				tp.live[d] = true
				tp.left[d]++
			}
		}
	}
	for i := 0; i <= end; i++ {
		if tp.live[i] && tp.left[i] == 0 {
			tp.ready = append(tp.ready, int32(i))
		}
	}
}

// resized returns s with n zero elements.
func resized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// step propagates through instruction i, whose results' cotangents are complete. With
// last, what is read for the last time is freed.
func (tp *tape) step(h *hand, i int, last bool) error {
	x := &tp.rec.Instrs[i]
	inst, args := x.Inst, tp.rec.Args(i)
	s := h.scratch.begin()
	g := s.tensors(len(inst.Out))
	some := false
	for k := range g {
		c := tp.ct[int(x.Out)+k]
		if c == nil {
			g[k] = nil
			continue
		}
		g[k], some = c.t, true
		if err := c.t.Err(); err != nil {
			return err
		}
	}
	if some {
		tp.propagate(h, i, inst, args, g)
		tp.addHeld(h)
	}
	for k := range g {
		tp.drop(h, x.Out+int32(k))
	}
	if last {
		tp.release(i)
	}
	return nil
}

// next takes an instruction whose results' cotangents are complete.
func (tp *tape) next() int {
	i := tp.ready[len(tp.ready)-1]
	tp.ready = tp.ready[:len(tp.ready)-1]
	return int(i)
}

// arrived counts the contributions to the operands of an instruction as made.
func (tp *tape) arrived(args []graph.Ref) {
	for _, a := range args {
		if a == graph.Untracked {
			continue
		}
		if d := tp.rec.Def(a); d >= 0 {
			if tp.left[d]--; tp.left[d] == 0 {
				tp.ready = append(tp.ready, int32(d))
			}
		}
	}
}

// propagate adds to the operands' cotangents what the results' give.
func (tp *tape) propagate(h *hand, i int, inst *kernels.Inst, args []graph.Ref, g []*tensor.Tensor) {
	how, s := tp.notes[i].how, &h.scratch
	x, y := tp.savedBy(i)
	if how.Rule {
		tp.byRule(h, i, args, x, y, g)
		return
	}
	if tp.mixed {
		x, y = s.lowered(tp.lv, x), s.lowered(tp.lv, y)
	}
	for k := range how.Steps {
		st := &how.Steps[k]
		in := s.operands(st, x, y, g, inst.Out)
		if st.Pass {
			tp.pass(h, st.Out[0], args[st.Out[0]], in[0], i, g)
			continue
		}
		tp.run(h, i, st, args, in, k == len(how.Steps)-1)
	}
}

// run propagates by a derived loop: into the cotangent that the operand has, in
// place of a result's that is read no more, or to fresh memory.
func (tp *tape) run(h *hand, i int, st *kernels.Step, args []graph.Ref, in []*tensor.Tensor, last bool) {
	out := h.scratch.results(len(st.Out))
	if tp.mixed {
		tensor.Dispatch(st.Inst, in, out)
		for j, to := range st.Out {
			tp.add(h, contribution{args[to], out[j], borrowed, false})
		}
		return
	}
	gaps := st.Inst.LeavesGaps()
	if to := args[st.Out[0]]; len(st.Out) == 1 && h.turn.come(st.Out[0], to) {
		if c := tp.ct[to]; c.writable() && (c.settled || !gaps) {
			h.eval.Accumulate(st.Inst, in, c.t)
			return
		}
	}
	var over *tensor.Tensor
	if last {
		over = tp.dying(i, st)
	}
	h.eval.Eval(st.Inst, in, out, over)
	own := owning
	if st.Inst.Rearranges() {
		own = viewed
		tp.seen(i)
	}
	for j, to := range st.Out {
		tp.contribute(h, to, contribution{args[to], out[j], own, gaps && j == 0})
	}
}

// dying takes a cotangent of instruction i's results whose memory the first
// result of st, the last to read it, can take over; nil where there is none.
func (tp *tape) dying(i int, st *kernels.Step) *tensor.Tensor {
	for k, src := range st.In {
		if src.Kind != loop.Cotangent || !st.Inst.Overwrites().Has(k) || !kernels.EqualAval(st.Inst.In[k], st.Inst.Out[0]) {
			continue
		}
		if c := tp.ct[int(tp.rec.Instrs[i].Out)+src.Index]; c.writable() {
			t := c.t
			c.t, c.owned = nil, false
			return t
		}
	}
	return nil
}

// seen notes that others may hold the memory of the cotangents of i's results.
func (tp *tape) seen(i int) {
	x := &tp.rec.Instrs[i]
	for k := range x.Inst.Out {
		if c := tp.ct[int(x.Out)+k]; c != nil {
			c.shown.Store(true)
		}
	}
}

// byRule propagates by an op's own rule, on plain tensors unless other
// transformations trace them. What it returns may be anything it was given, so
// nothing of it is taken for fresh.
func (tp *tape) byRule(h *hand, i int, args []graph.Ref, x, y, g []*tensor.Tensor) {
	s, x0, y0 := &h.scratch, x, y
	x, y = s.lowered(tp.lv, x), s.lowered(tp.lv, y)
	tp.seen(i)
	for k, v := range tp.rec.Instrs[i].Inst.VJP(tensor.Builder{}, vals(x), vals(y), vals(g), tp.notes[i].how.Of) {
		if v == nil || args[k] == graph.Untracked { // there may be more operands than a Mask holds
			continue
		}
		switch t := v.(*tensor.Tensor); {
		case slices.Contains(g, t):
			tp.pass(h, k, args[k], t, i, g)
		case slices.Contains(x, t) || slices.Contains(y, t):
			tp.contribute(h, k, contribution{args[k], tensor.Share(t), borrowed, false}) // the residual itself is freed
		default:
			tp.contribute(h, k, contribution{args[k], t, borrowed, false})
		}
	}
	tp.freeLowered(x, x0)
	tp.freeLowered(y, y0)
}

// freeLowered frees the plain tensors low that were made for marked ones.
func (tp *tape) freeLowered(low, of []*tensor.Tensor) {
	for i, t := range of {
		if t.TracedAt(tp.lv) && tensor.Buffered(t) && !tp.mixed {
			tensor.Free(low[i])
		}
	}
}

// pass hands a cotangent of i's results on to operand k, which is a value, as it is.
func (tp *tape) pass(h *hand, k int, to graph.Ref, t *tensor.Tensor, i int, g []*tensor.Tensor) {
	out := int(tp.rec.Instrs[i].Out)
	if h.turn.come(k, to) && tp.ct[to] == nil {
		for k := range g {
			if c := tp.ct[out+k]; c != nil && c.t == t {
				tp.ct[to] = c
				c.others.Add(1)
				return
			}
		}
	}
	tp.seen(i)
	tp.contribute(h, k, contribution{to, tensor.Share(t), borrowed, false})
}

// contribution is what an instruction gives to the cotangent of an operand.
type contribution struct {
	to   graph.Ref
	t    *tensor.Tensor
	own  owner
	gaps bool // most of it may be zeros that a kernel which adds leaves out
}

// contribute adds to the cotangent of operand k, or keeps what is to be added until it is
// the instruction's turn.
func (tp *tape) contribute(h *hand, k int, g contribution) {
	if !h.turn.come(k, g.to) {
		h.turn.hold(k, g)
		return
	}
	tp.add(h, g)
}

// add adds a contribution.
func (tp *tape) add(h *hand, g contribution) {
	c := tp.ct[g.to]
	if c == nil {
		tp.ct[g.to] = h.slot(g.t, g.own)
		return
	}
	var into *tensor.Tensor
	switch {
	case tp.mixed:
	case c.writable():
		into = c.t
	case g.own == owning && tensor.Writable(g.t):
		into = g.t
	}
	sum, settled := h.eval.Add(into, c.t, g.t), c.settled
	if sum != c.t {
		tp.drop(h, g.to)
		c = h.slot(sum, owning)
		tp.ct[g.to], c.settled = c, settled
	}
	if sum != g.t && g.own != borrowed && !tp.mixed {
		tensor.Free(g.t)
	}
	if g.gaps && !settled { // more of the kind may follow, as when each row is used by itself
		c.settled = tensor.Settled(c.t)
	}
}

// slot returns the cotangent that is t.
func (h *hand) slot(t *tensor.Tensor, own owner) *cotangent {
	var c *cotangent
	if n := len(h.free); n > 0 {
		c = h.free[n-1]
		h.free = h.free[:n-1]
	} else {
		c = new(cotangent)
	}
	c.t, c.owned = t, own != borrowed
	if own == viewed {
		c.shown.Store(true)
	}
	return c
}

// drop forgets the cotangent of value v and frees it when no other value holds it.
func (tp *tape) drop(h *hand, v graph.Ref) {
	c := tp.ct[v]
	if c == nil {
		return
	}
	tp.ct[v] = nil
	if c.others.Load() > 0 && c.others.Add(-1) >= 0 {
		return
	}
	if c.owned && !tp.mixed {
		tensor.Free(c.t)
	}
	*c = cotangent{}
	h.free = append(h.free, c)
}

// release frees the results of instruction i: all that read them have run.
func (tp *tape) release(i int) {
	if tp.mixed {
		return
	}
	x := &tp.rec.Instrs[i]
	for k := range x.Inst.Out {
		v := int(x.Out) + k
		tensor.Free(tp.made[v])
		tp.made[v] = nil
	}
	in, out := tp.savedBy(i)
	clear(in)
	clear(out)
}
