// Reverse mode of numbers. While a tape holds nothing but single float64 on the host,
// it notes values instead of tensors, and the sweep goes from number to number: what a
// tensor costs would be most of the time.

package grad

import (
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// numberTape is what a tape has for this.
type numberTape struct {
	saved   []float64      // for each instruction its operands, then its results
	beside  *tensor.Tensor // a number of the tape
	ct      []numberCt     // the cotangent of each value of the record
	in, out [8]float64     // of one derived loop
}

// numberCt is a cotangent; at first nothing has contributed to it.
type numberCt struct {
	v    float64
	some bool
}

func (c *numberCt) add(v float64) {
	if c.some {
		v += c.v
	}
	c.v, c.some = v, true
}

// number carries out and records an instruction of numbers, or returns false where it
// is none.
func (tp *tape) number(lv *tensor.Level, inst *kernels.Inst, in, out []*tensor.Tensor) bool {
	n := &tp.nums
	if !inst.Differentiable() || len(in)+2*len(out) > len(n.in) {
		return false
	}
	args := tp.scratch.refs(len(in))
	how := inst.Reverse(refsOf(lv, in, args), tp.ieee)
	v := tp.eval.NumbersAt(lv, graph.Ref(tp.rec.NumValues()), inst, how, in, out)
	if v == nil {
		return false
	}
	if n.beside == nil {
		n.beside = out[0]
	}
	tp.notes = append(tp.notes, note{how: how, saved: int32(len(n.saved))})
	n.saved = append(n.saved, v...)
	tp.rec.Emit(inst, args...)
	return true
}

// widen makes a tape of numbers one of tensors.
func (tp *tape) widen() {
	if tp.wide {
		return
	}
	tp.wide = true
	tp.made = resized(tp.made, tp.rec.NumValues())
	n := &tp.nums
	for i := range tp.notes {
		inst, how := tp.rec.Instrs[i].Inst, tp.notes[i].how
		v := n.saved[tp.notes[i].saved:]
		tp.saved = appendNumbers(tp.saved, v, inst.In, how.In, n.beside)
		tp.saved = appendNumbers(tp.saved, v[len(inst.In):], inst.Out, how.Out, n.beside)
	}
}

// appendNumbers appends a tensor for each number that is read, nil for others.
func appendNumbers(to []*tensor.Tensor, v []float64, avals []kernels.Aval, read kernels.Mask, beside *tensor.Tensor) []*tensor.Tensor {
	for i, a := range avals {
		var t *tensor.Tensor
		if read.Has(i) {
			t = tensor.NewNumber(v[i], a, beside)
		}
		to = append(to, t)
	}
	return to
}

// numeric reports whether the sweep can go by numbers.
func (tp *tape) numeric() bool {
	if tp.wide || tp.mixed || len(tp.notes) == 0 {
		return false
	}
	for _, sd := range tp.seeds {
		if !tensor.IsNumber(sd.t) {
			return false
		}
	}
	return true
}

// sweepNumbers is sweep of numbers, in the same order.
func (tp *tape) sweepNumbers() {
	n := &tp.nums
	n.ct = resized(n.ct, tp.rec.NumValues())
	for _, sd := range tp.seeds {
		n.ct[sd.ref].add(tensor.Number(sd.t))
	}
	for len(tp.ready) > 0 {
		i := tp.next()
		tp.stepNumbers(i)
		tp.arrived(tp.rec.Args(i))
	}
	for v, x := range n.ct[:tp.rec.NumInputs()] {
		if x.some {
			tp.ct[v] = tp.hand.slot(tensor.NewNumber(x.v, tp.rec.Aval(graph.Ref(v)), n.beside), owning)
		}
	}
}

// stepNumbers propagates through instruction i.
func (tp *tape) stepNumbers(i int) {
	n := &tp.nums
	x := &tp.rec.Instrs[i]
	g := n.ct[x.Out : int(x.Out)+len(x.Inst.Out)]
	some := false
	for _, c := range g {
		some = some || c.some
	}
	if !some {
		return
	}
	args := tp.rec.Args(i)
	operands := n.saved[tp.notes[i].saved:]
	results := operands[len(args):]
	how := tp.notes[i].how
	for k := range how.Steps {
		st := &how.Steps[k]
		for j, src := range st.In {
			switch src.Kind {
			case loop.Operand:
				n.in[j] = operands[src.Index]
			case loop.Result:
				n.in[j] = results[src.Index]
			default:
				n.in[j] = g[src.Index].v
			}
		}
		out := n.in[:]
		if !st.Pass {
			out = n.out[:len(st.Out)]
			tensor.KernelOfNumbers(st.Inst, n.beside).Numbers(n.in[:len(st.In)], out)
		}
		for j, to := range st.Out {
			n.ct[args[to]].add(out[j])
		}
	}
}
