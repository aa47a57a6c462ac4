// Reverse mode: the tape. The sweep over it is in sweep.go.

package grad

import (
	"slices"
	"weak"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// tape records the operations on traced values, and of their operands and
// results only what the sweep will read.
type tape struct {
	lv    *tensor.Level
	rec   graph.Record
	notes []note           // on each instruction
	saved []*tensor.Tensor // for each instruction its operands, then its results; nil where not read
	made  []*tensor.Tensor // for each value of the record the large tensor that an instruction made and something has saved
	loose []loose          // large results
	keep  bool             // save everything: the tape is also swept forward (Linearize)
	ieee  bool             // ordinary products instead of strong ones
	mixed bool             // another transformation has seen values: it may have saved any of them
	wide  bool             // there is more than numbers, see numberTape
	nums  numberTape
	work  float64 // the nanoseconds that the sweep is estimated to take

	hand  // a tape is recorded by one goroutine
	rooms rooms
	sweepState
}

// hand is what a goroutine needs for the instruction at hand.
type hand struct {
	scratch scratch
	eval    tensor.Evaluator
	free    []*cotangent
	turn    turn
}

// forget drops the tensors of the last instruction.
func (h *hand) forget() {
	h.scratch.used = len(h.scratch.buf)
	h.scratch.clear()
	h.eval.Reset()
}

// note is what the tape adds to an instruction of the record.
type note struct {
	how   *kernels.Derived // how its cotangents go to the operands that carry derivatives
	saved int32            // where its operands and results begin in tape.saved
	user  bool             // its rule is a user's function
}

// emit records an instruction, of which the caller saves what its note says.
func (tp *tape) emit(inst *kernels.Inst, args []graph.Ref) (graph.Ref, *kernels.Derived) {
	tp.widen()
	var want kernels.Mask
	for i, a := range args {
		if a != graph.Untracked {
			want |= 1 << i
		}
	}
	how := inst.Reverse(want, tp.ieee)
	tp.notes = append(tp.notes, note{how: how, saved: int32(len(tp.saved))})
	tp.work += how.Nanos(inst, graph.SweepNanos)
	return tp.rec.Emit(inst, args...), how
}

// refsOf fills args with the references of operands, and returns which are traced at lv.
func refsOf(lv *tensor.Level, in []*tensor.Tensor, args []graph.Ref) (traced kernels.Mask) {
	for i, t := range in {
		if args[i] = graph.Untracked; t.TracedAt(lv) {
			args[i] = t.Ref()
			traced |= 1 << i
		}
	}
	return traced
}

// loose is a result that the garbage collector may find forgotten. All those
// that nothing has saved are given back when the function has returned.
type loose struct {
	ref graph.Ref
	t   weak.Pointer[tensor.Tensor]
}

// Read lets Go code look at a traced value.
func (tp *tape) Read(_ *tensor.Level, t *tensor.Tensor) (*tensor.Tensor, error) {
	return t.Primal(), nil
}

// input traces a value that the function under differentiation is given.
func (tp *tape) input(t *tensor.Tensor) *tensor.Tensor {
	tp.mixed = tp.mixed || !t.Plain()
	if tp.wide {
		tp.made = append(tp.made, nil)
	}
	return tp.eval.Trace(tp.lv, t, tp.rec.Input(t.Aval()))
}

func (tp *tape) Process(lv *tensor.Level, inst *kernels.Inst, in, out []*tensor.Tensor) {
	if c := graph.ControlOf(inst); c != nil {
		tp.control(lv, inst, c, in, out)
		return
	}
	if !tp.wide && tp.number(lv, inst, in, out) {
		return
	}
	s := tp.scratch.begin()
	x, args := in, s.refs(len(in))
	refsOf(lv, in, args)
	direct := !slices.ContainsFunc(in, func(t *tensor.Tensor) bool { return !t.Direct(lv) })
	derives := inst.Differentiable()
	switch {
	case !direct:
		tp.mixed = true
		x = s.lowered(lv, in)
		tensor.Dispatch(inst, x, out)
	case derives:
		tp.eval.EvalAt(lv, graph.Ref(tp.rec.NumValues()), inst, in, out)
	default:
		tp.eval.Eval(inst, in, out, nil)
	}
	if out[0].Err() != nil || !derives {
		return
	}
	r, how := tp.emit(inst, args)
	for i, t := range x {
		tp.save(how.In.Has(i), args[i], t)
	}
	for i, t := range out {
		ref := r + graph.Ref(i)
		tp.made = append(tp.made, nil)
		tp.save(how.Out.Has(i), ref, t)
		switch {
		case !t.DType().IsFloat():
		case !direct:
			out[i] = lv.Trace(t, nil, ref)
		case tensor.Buffered(t):
			tp.loose = append(tp.loose, loose{ref, weak.Make(t)})
		}
	}
}

func (tp *tape) save(read bool, ref graph.Ref, t *tensor.Tensor) {
	switch {
	case !read && !tp.keep:
		t = nil
	case !tensor.Buffered(t):
	case ref == graph.Untracked:
		t = tensor.Share(t) // whoever made it may free it before the sweep
	case t.TracedAt(tp.lv) && tp.rec.Def(ref) >= 0:
		tp.made[ref] = t
	}
	tp.saved = append(tp.saved, t)
}

// forget drops what the tape holds of operations that no result depends on by what has
// derivatives: one knows only once the function has returned.
func (tp *tape) forget(results []*tensor.Tensor) {
	if !tp.wide || tp.keep || tp.mixed {
		return
	}
	for _, t := range results {
		if t.TracedAt(tp.lv) {
			tp.seeds = append(tp.seeds, seed{t.Ref(), nil})
		}
	}
	tp.count(tp.seeds)
	tp.seeds = tp.seeds[:0]
	if !slices.Contains(tp.live, false) {
		return
	}
	read := make([]bool, tp.rec.NumValues())
	for i, live := range tp.live {
		in, out := tp.savedBy(i)
		if !live {
			clear(in)
			clear(out)
			continue
		}
		for k, v := range tp.rec.Args(i) {
			if v != graph.Untracked && in[k] != nil {
				read[v] = true
			}
		}
		for k, t := range out {
			read[int(tp.rec.Instrs[i].Out)+k] = t != nil || read[int(tp.rec.Instrs[i].Out)+k]
		}
	}
	for v, t := range tp.made {
		if t != nil && !read[v] {
			tensor.Free(t)
			tp.made[v] = nil
		}
	}
}

// tidy gives back the results that the function has computed and nothing saved.
func (tp *tape) tidy() {
	for _, l := range tp.loose {
		if tp.made[l.ref] == nil && !tp.mixed {
			tensor.Free(l.t.Value())
		}
	}
	clear(tp.loose)
	tp.loose = tp.loose[:0]
}

// savedBy returns what was saved of instruction i, its operands and its results.
func (tp *tape) savedBy(i int) (in, out []*tensor.Tensor) {
	inst := tp.rec.Instrs[i].Inst
	saved := tp.saved[tp.notes[i].saved:]
	n := len(inst.In)
	return saved[:n], saved[n : n+len(inst.Out)]
}
