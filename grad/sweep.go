// Reverse mode: the sweep over a tape.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// cotangent is a value that sweeps towards the inputs. Several slots may hold
// the same one (an addition passes its cotangent on to both operands).
type cotangent struct {
	t     *tensor.Tensor
	slots int32
	owner owner
	// settled says that t has no element -0, so that adding zeros changes nothing.
	settled bool
}

// owner says what the sweep may do with a cotangent's tensor.
type owner uint8

const (
	borrowed owner = iota // somebody else may see it
	viewed                // made by the sweep, of memory that others may see: may be freed
	owning                // made by the sweep and seen by nobody else: may be written to as well
)

// writable reports whether the sweep may write to the cotangent's memory.
func (c *cotangent) writable() bool {
	return c != nil && c.owner == owning && c.slots == 1 && tensor.Writable(c.t)
}

// sweepState is what a sweep needs beside the tape, kept for the next sweep.
type sweepState struct {
	live  []bool  // instructions that the outputs depend on
	left  []int32 // contributions that each live instruction still waits for: its results' fan-out
	ct    []*cotangent
	ready []int32
	free  []*cotangent
	seeds []seed
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
		tp.contribute(sd.ref, sd.t, borrowed)
	}
	for len(tp.ready) > 0 {
		i := tp.next()
		if err := tp.step(i); err != nil {
			return err
		}
		if last {
			tp.release(i)
		}
	}
	for _, c := range tp.ct[:tp.rec.NumInputs()] {
		if c != nil && c.t.Err() != nil {
			return c.t.Err()
		}
	}
	return nil
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

// step propagates through instruction i, whose results' cotangents are complete.
func (tp *tape) step(i int) error {
	x := &tp.rec.Instrs[i]
	inst, args := x.Inst, tp.rec.Args(i)
	s := tp.scratch.begin()
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
		tp.propagate(s, i, inst, args, g)
	}
	for k := range g {
		tp.drop(x.Out + int32(k))
	}
	tp.arrived(args)
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
func (tp *tape) propagate(s *scratch, i int, inst *kernels.Inst, args []graph.Ref, g []*tensor.Tensor) {
	how := tp.notes[i].how
	x, y := tp.savedBy(i)
	if how.Rule {
		tp.byRule(s, i, args, x, y, g)
		return
	}
	if tp.mixed {
		x, y = s.lowered(tp.lv, x), s.lowered(tp.lv, y)
	}
	for k := range how.Steps {
		st := &how.Steps[k]
		in := s.operands(st, x, y, g, inst.Out)
		if st.Pass {
			tp.pass(args[st.Out[0]], in[0], i, g)
			continue
		}
		tp.run(s, i, st, args, in, k == len(how.Steps)-1)
	}
}

// run propagates by a derived loop: into the cotangent that the operand has, in
// place of a result's that is read no more, or to fresh memory.
func (tp *tape) run(s *scratch, i int, st *kernels.Step, args []graph.Ref, in []*tensor.Tensor, last bool) {
	out := s.results(len(st.Out))
	if tp.mixed {
		tensor.Dispatch(st.Inst, in, out)
		for j, to := range st.Out {
			tp.contribute(args[to], out[j], borrowed)
		}
		return
	}
	to := args[st.Out[0]]
	c, gaps := tp.ct[to], st.Inst.LeavesGaps()
	if len(st.Out) == 1 && c.writable() && (c.settled || !gaps) {
		tp.eval.Accumulate(st.Inst, in, c.t)
		return
	}
	var over *tensor.Tensor
	if last {
		over = tp.dying(i, st)
	}
	tp.eval.Eval(st.Inst, in, out, over)
	own := owning
	if st.Inst.Rearranges() {
		own = viewed
		tp.seen(i)
	}
	for j, to := range st.Out {
		tp.contribute(args[to], out[j], own)
	}
	if gaps && c != nil { // more of the kind may follow, as when each row is used by itself
		c = tp.ct[to]
		c.settled = tensor.Settled(c.t)
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
			c.t, c.owner = nil, borrowed
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
			c.owner = min(c.owner, viewed)
		}
	}
}

// byRule propagates by an op's own rule, on plain tensors unless other
// transformations trace them. What it returns may be anything it was given, so
// nothing of it is taken for fresh.
func (tp *tape) byRule(s *scratch, i int, args []graph.Ref, x, y, g []*tensor.Tensor) {
	x0, y0 := x, y
	x, y = s.lowered(tp.lv, x), s.lowered(tp.lv, y)
	tp.seen(i)
	for k, v := range tp.rec.Instrs[i].Inst.VJP(tensor.Builder{}, vals(x), vals(y), vals(g), tp.notes[i].how.Of) {
		if v == nil || args[k] == graph.Untracked { // there may be more operands than a Mask holds
			continue
		}
		switch t := v.(*tensor.Tensor); {
		case slices.Contains(g, t):
			tp.pass(args[k], t, i, g)
		case slices.Contains(x, t) || slices.Contains(y, t):
			tp.contribute(args[k], tensor.Share(t), borrowed) // the residual itself is freed
		default:
			tp.contribute(args[k], t, borrowed)
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

// pass hands a cotangent of i's results on to an operand as it is.
func (tp *tape) pass(to graph.Ref, t *tensor.Tensor, i int, g []*tensor.Tensor) {
	out := int(tp.rec.Instrs[i].Out)
	for k := range g {
		if c := tp.ct[out+k]; c != nil && c.t == t && tp.ct[to] == nil {
			tp.ct[to] = c
			c.slots++
			return
		}
	}
	tp.seen(i)
	tp.contribute(to, tensor.Share(t), borrowed)
}

// contribute adds t to the cotangent of value v.
func (tp *tape) contribute(v graph.Ref, t *tensor.Tensor, own owner) {
	c := tp.ct[v]
	if c == nil {
		tp.ct[v] = tp.slot(t, own)
		return
	}
	var into *tensor.Tensor
	switch {
	case tp.mixed:
	case c.writable():
		into = c.t
	case own == owning && tensor.Writable(t):
		into = t
	}
	sum, settled := tp.eval.Add(into, c.t, t), c.settled
	if sum != c.t {
		tp.drop(v)
		tp.ct[v] = tp.slot(sum, owning)
		tp.ct[v].settled = settled
	}
	if sum != t && own != borrowed && !tp.mixed {
		tensor.Free(t)
	}
}

func (tp *tape) slot(t *tensor.Tensor, own owner) *cotangent {
	if n := len(tp.free); n > 0 {
		c := tp.free[n-1]
		tp.free = tp.free[:n-1]
		*c = cotangent{t: t, slots: 1, owner: own}
		return c
	}
	return &cotangent{t: t, slots: 1, owner: own}
}

// drop forgets the cotangent of value v and frees it when no other value holds it.
func (tp *tape) drop(v graph.Ref) {
	c := tp.ct[v]
	if c == nil {
		return
	}
	tp.ct[v] = nil
	if c.slots--; c.slots > 0 {
		return
	}
	if c.owner != borrowed && !tp.mixed {
		tensor.Free(c.t)
	}
	c.t = nil
	tp.free = append(tp.free, c)
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
