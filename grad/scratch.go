// Scratch: the slices that one step of an interpreter needs, pooled.

package grad

import (
	"sync"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// scratch hands out slices that live until it is put back or, where it is part
// of something else, until begin. Slices that do not fit its arrays are allocated.
type scratch struct {
	buf  [32]*tensor.Tensor
	used int
	ref  [8]graph.Ref
	step [16]*tensor.Tensor // operands and results of one derived loop
	most int                // of step, from either half
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func getScratch() *scratch { return scratches.Get().(*scratch) }

func (s *scratch) put() {
	s.clear()
	scratches.Put(s)
}

// clear forgets the tensors, so that none is kept alive.
func (s *scratch) clear() {
	clear(s.buf[:s.used])
	clear(s.step[:s.most])
	clear(s.step[len(s.step)/2:][:s.most])
	s.used, s.most = 0, 0
}

// begin starts over; what was handed out may be handed out again.
func (s *scratch) begin() *scratch {
	s.used = 0
	return s
}

// tensors returns room for n tensors.
func (s *scratch) tensors(n int) []*tensor.Tensor {
	if s.used+n > len(s.buf) {
		return make([]*tensor.Tensor, n)
	}
	s.used += n
	return s.buf[s.used-n : s.used : s.used]
}

// none returns n nil tensors.
func (s *scratch) none(n int) []*tensor.Tensor {
	t := s.tensors(n)
	clear(t)
	return t
}

// lowered returns tensors as seen one level below lv.
func (s *scratch) lowered(lv *tensor.Level, in []*tensor.Tensor) []*tensor.Tensor {
	low := s.tensors(len(in))
	for i, t := range in {
		low[i] = t.Lower(lv)
	}
	return low
}

func (s *scratch) refs(n int) []graph.Ref {
	if n > len(s.ref) {
		return make([]graph.Ref, n)
	}
	return s.ref[:n]
}

// part returns n entries of step from lo, valid until the next derived loop.
func (s *scratch) part(lo, n int) []*tensor.Tensor {
	if n > len(s.step)/2 {
		return make([]*tensor.Tensor, n)
	}
	s.most = max(s.most, n)
	return s.step[lo : lo+n]
}

// operands gathers what a derived loop reads: operands x and results y of the
// base, and d, the cotangents of its results or tangents of its operands, whose types are avals.
func (s *scratch) operands(st *kernels.Step, x, y, d []*tensor.Tensor, avals []kernels.Aval) []*tensor.Tensor {
	in := s.part(0, len(st.In))
	for i, src := range st.In {
		switch src.Kind {
		case loop.Operand:
			in[i] = x[src.Index]
		case loop.Result:
			in[i] = y[src.Index]
		default:
			if in[i] = d[src.Index]; in[i] == nil {
				in[i] = zerosOf(avals[src.Index])
			}
		}
	}
	return in
}

// results returns room for a derived loop's results.
func (s *scratch) results(n int) []*tensor.Tensor { return s.part(len(s.step)/2, n) }

// jvp sets dy to the tangents of the results, nil for zero.
func (s *scratch) jvp(inst *kernels.Inst, ieee bool, x, y, dx, dy []*tensor.Tensor) {
	var have kernels.Mask
	for i, t := range dx {
		if t != nil {
			have |= 1 << i
		}
	}
	if have == 0 {
		return
	}
	d := inst.Forward(have, ieee)
	if d.Rule {
		for i, v := range inst.JVP(tensor.Builder{}, vals(x), vals(y), vals(dx)) {
			if v != nil {
				dy[i] = v.(*tensor.Tensor)
			}
		}
		return
	}
	for k := range d.Steps {
		st := &d.Steps[k]
		in := s.operands(st, x, y, dx, inst.In)
		out := in
		if !st.Pass {
			out = s.results(len(st.Out))
			tensor.Dispatch(st.Inst, in, out)
		}
		for j, to := range st.Out {
			if dy[to] != nil {
				dy[to] = dy[to].Add(out[j])
			} else {
				dy[to] = out[j]
			}
		}
	}
}

func vals(ts []*tensor.Tensor) []kernels.Val {
	out := make([]kernels.Val, len(ts))
	for i, t := range ts {
		if t != nil {
			out[i] = t
		}
	}
	return out
}

// zerosOf returns a constant zero of the given type.
func zerosOf(a kernels.Aval) *tensor.Tensor {
	return tensor.Builder{}.Full(0, a).(*tensor.Tensor)
}

func zerosLike(t *tensor.Tensor) *tensor.Tensor { return zerosOf(t.Aval()) }
