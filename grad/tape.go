// Reverse mode: the tape, and the sweep over it.

package grad

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// tape records the operations on traced values, and of their operands and
// results only what the sweep will read.
type tape struct {
	rec   graph.Record
	saved []*tensor.Tensor // for each instruction its operands, then its results; nil where not read
	at    []int32          // where each instruction's begin in saved
	slab  []tensor.Tensor  // traced tensors to come
	vals  []*tensor.Tensor // for each value of the record its primal, once something has saved it
	keep  bool             // save everything: the tape is also swept forward (Linearize)
	ieee  bool             // ordinary products instead of strong ones
	mixed bool             // another transformation has seen values: it may have saved any of them

	scratch scratch // of the instruction at hand; a tape is one goroutine's
	sweepState
}

// Read lets Go code look at a traced value.
func (tp *tape) Read(_ *tensor.Level, t *tensor.Tensor) (*tensor.Tensor, error) {
	return t.Primal(), nil
}

// input traces a value that the function under differentiation is given.
func (tp *tape) input(lv *tensor.Level, t *tensor.Tensor) *tensor.Tensor {
	tp.vals = append(tp.vals, nil)
	return tp.trace(lv, t, tp.rec.Input(t.Aval()))
}

// slabSize is how many traced tensors are allocated at a time. They keep each
// other's values alive, so only small ones share a slab.
const (
	slabSize  = 16
	slabSmall = 256 // elements
)

// trace boxes a value of the record.
func (tp *tape) trace(lv *tensor.Level, t *tensor.Tensor, ref graph.Ref) *tensor.Tensor {
	if t.Size() > slabSmall {
		return lv.Trace(t, nil, ref)
	}
	if len(tp.slab) == 0 {
		tp.slab = make([]tensor.Tensor, slabSize)
	}
	box := &tp.slab[0]
	tp.slab = tp.slab[1:]
	return lv.TraceInto(box, t, ref)
}

func (tp *tape) Process(lv *tensor.Level, inst *kernels.Inst, in, out []*tensor.Tensor) {
	if c := graph.ControlOf(inst); c != nil {
		tp.control(lv, inst, c, in, out)
		return
	}
	s := tp.scratch.begin()
	x, args := s.tensors(len(in)), s.refs(len(in))
	var want kernels.Mask
	for i, t := range in {
		x[i], args[i] = t.Lower(lv), graph.Untracked
		if t.TracedAt(lv) {
			args[i] = t.Ref()
			want |= 1 << i
		}
		tp.mixed = tp.mixed || !x[i].Plain()
	}
	tensor.Dispatch(inst, x, out)
	if out[0].Err() != nil || !inst.Differentiable() {
		return
	}
	r := tp.rec.Emit(inst, args...)
	saveIn, saveOut := inst.Saves(want)
	tp.at = append(tp.at, int32(len(tp.saved)))
	for i, t := range x {
		tp.save(saveIn.Has(i), args[i], t)
	}
	for range out {
		tp.vals = append(tp.vals, nil)
	}
	for i, t := range out {
		tp.save(saveOut.Has(i), r+int32(i), t)
		if t.DType().IsFloat() {
			out[i] = tp.trace(lv, t, r+int32(i))
		}
	}
}

func (tp *tape) save(read bool, ref graph.Ref, t *tensor.Tensor) {
	switch {
	case !read && !tp.keep:
		t = nil
	case ref == graph.Untracked && tensor.Buffered(t):
		t = tensor.Share(t) // whoever made it may free it before the sweep
	}
	tp.saved = append(tp.saved, t)
	if t != nil && ref != graph.Untracked && tp.rec.Def(ref) >= 0 {
		tp.vals[ref] = t
	}
}

// wanted returns the operands of instruction i that carry derivatives.
func (tp *tape) wanted(i int) (want kernels.Mask) {
	for k, a := range tp.rec.Args(i) {
		if a != graph.Untracked {
			want |= 1 << k
		}
	}
	return want
}

// cotangent is a value that sweeps towards the inputs. Several slots may hold
// the same one (an addition passes its cotangent on to both operands).
type cotangent struct {
	t     *tensor.Tensor
	slots int32
	owner owner
}

// owner says what the sweep may do with a cotangent's tensor.
type owner uint8

const (
	borrowed owner = iota // somebody else may see it
	viewing               // made by the sweep, over memory that others share: may be freed
	owning                // made by the sweep and seen by nobody else: may be added to in place as well
)

// sweepState is what a sweep needs beside the tape, kept for the next sweep.
type sweepState struct {
	live  []bool  // instructions that the outputs depend on
	left  []int32 // contributions that each live instruction still waits for: its results' fan-out
	ct    []*cotangent
	ready []int32
	free  []*cotangent
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
// cotangent of each input, nil where it is zero, or the first error.
func (tp *tape) sweep(seeds []seed, inputs int, last bool) ([]*tensor.Tensor, error) {
	tp.count(seeds)
	for _, sd := range seeds {
		tp.contribute(sd.ref, sd.t, borrowed)
	}
	for len(tp.ready) > 0 {
		i := int(tp.ready[len(tp.ready)-1])
		tp.ready = tp.ready[:len(tp.ready)-1]
		if err := tp.step(i); err != nil {
			return nil, err
		}
		if last {
			tp.release(i)
		}
	}
	grads := make([]*tensor.Tensor, inputs)
	for i := range grads {
		if c := tp.ct[i]; c != nil {
			grads[i] = c.t
			if err := c.t.Err(); err != nil {
				return nil, err
			}
		}
	}
	return grads, nil
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
		if c := tp.ct[int(x.Out)+k]; c != nil {
			g[k], some = c.t, true
			if err := c.t.Err(); err != nil {
				return err
			}
		}
	}
	if some {
		tp.propagate(s, i, inst, args, g)
	}
	for k := range g {
		tp.drop(x.Out + int32(k))
	}
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
	return nil
}

// propagate adds to the operands' cotangents what the results' give.
func (tp *tape) propagate(s *scratch, i int, inst *kernels.Inst, args []graph.Ref, g []*tensor.Tensor) {
	saved := tp.saved[tp.at[i]:]
	nin := len(inst.In)
	x, y := saved[:nin], saved[nin:nin+len(inst.Out)]
	want := tp.wanted(i)
	steps, ok := inst.VJPSteps(want, tp.ieee)
	if !ok {
		tp.byRule(inst, args, x, y, g, want, int(tp.rec.Instrs[i].Out))
		return
	}
	for k := range steps {
		st := &steps[k]
		in := s.operands(st, x, y, g, inst.Out)
		if st.Pass {
			tp.pass(args[st.Out[0]], in[0], g, int(tp.rec.Instrs[i].Out))
			continue
		}
		if len(st.Out) == 1 {
			if c := tp.ct[args[st.Out[0]]]; c != nil && c.owner == owning && c.slots == 1 && !tp.mixed && tensor.Accumulate(st.Inst, in, c.t) {
				continue
			}
		}
		out := s.results(len(st.Out))
		tensor.Dispatch(st.Inst, in, out)
		own := owning
		if st.Inst.Rearranges() {
			own = viewing
		}
		for j, to := range st.Out {
			tp.contribute(args[to], out[j], own)
		}
	}
}

// byRule propagates by an op's own rule. What it returns may be anything it was
// given, so nothing of it is taken for fresh.
func (tp *tape) byRule(inst *kernels.Inst, args []graph.Ref, x, y, g []*tensor.Tensor, want kernels.Mask, out int) {
	for k, v := range inst.VJP(tensor.Builder{}, vals(x), vals(y), vals(g), want) {
		if v == nil || args[k] == graph.Untracked { // there may be more operands than a Mask holds
			continue
		}
		switch t := v.(*tensor.Tensor); {
		case slices.Contains(g, t):
			tp.pass(args[k], t, g, out)
		case slices.Contains(x, t) || slices.Contains(y, t):
			tp.contribute(args[k], tensor.Share(t), borrowed) // the residual itself is freed
		default:
			tp.contribute(args[k], t, borrowed)
		}
	}
}

// pass hands a result's cotangent on to an operand as it is.
func (tp *tape) pass(to graph.Ref, t *tensor.Tensor, g []*tensor.Tensor, out int) {
	for k := range g {
		if c := tp.ct[out+k]; c != nil && c.t == t && tp.ct[to] == nil {
			tp.ct[to] = c
			c.slots++
			return
		}
	}
	tp.contribute(to, tensor.Share(t), borrowed)
}

// contribute adds t to the cotangent of value v.
func (tp *tape) contribute(v graph.Ref, t *tensor.Tensor, own owner) {
	c := tp.ct[v]
	if c == nil {
		tp.ct[v] = tp.slot(t, own)
		return
	}
	sum := c.t.Add(t)
	tp.drop(v)
	tp.ct[v] = tp.slot(sum, owning)
	if own != borrowed && !tp.mixed {
		tensor.Free(t)
	}
}

func (tp *tape) slot(t *tensor.Tensor, own owner) *cotangent {
	if n := len(tp.free); n > 0 {
		c := tp.free[n-1]
		tp.free = tp.free[:n-1]
		*c = cotangent{t, 1, own}
		return c
	}
	return &cotangent{t, 1, own}
}

// drop forgets the cotangent of value v and frees it when no other value holds it.
func (tp *tape) drop(v graph.Ref) {
	c := tp.ct[v]
	if c == nil {
		return
	}
	tp.ct[v] = nil
	if c.slots--; c.slots > 0 {
		c.owner = min(c.owner, viewing) // of what one slot had, others may have made views
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
		tensor.Free(tp.vals[v])
		tp.vals[v] = nil
	}
	n := int32(len(x.Inst.In) + len(x.Inst.Out))
	clear(tp.saved[tp.at[i] : tp.at[i]+n])
}
