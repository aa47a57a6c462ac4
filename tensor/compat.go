package tensor

import "github.com/cotangent-ad/cotangent/kernels"

// TraceInto is Trace into a zero Tensor of the caller's.
func (lv *Level) TraceInto(t *Tensor, primal *Tensor, ref int32) *Tensor {
	*t = *lv.Trace(primal, nil, ref)
	return t
}

// Accumulate adds the one result of inst, applied to plain tensors, to acc and
// reports whether it could.
func Accumulate(inst *kernels.Inst, in []*Tensor, acc *Tensor) bool {
	for _, t := range in {
		if t.lv != nil || t.bad() {
			return false
		}
	}
	if !Writable(acc) || len(inst.Out) != 1 {
		return false
	}
	f := frames.Get().(*frame)
	f.Accumulate(inst, in, acc)
	f.put(min(len(in), maxOperands))
	return true
}
