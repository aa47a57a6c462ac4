// Loops that compute nothing: identities and views.

package loop

import "math"

// copied returns the load that e's one result is an exact, fully written copy
// of, if that is all that e does.
func (e *Expr) copied() (*Load, bool) {
	if len(e.Ins) != 1 || len(e.Outs) != 1 {
		return nil, false
	}
	s := &e.Outs[0]
	if s.Partial || s.Scatter || !e.isLoad(s.Value) {
		return nil, false
	}
	for _, a := range e.Reduced(s) {
		if e.Axes[a].Size != 1 {
			return nil, false
		}
	}
	l := &e.Loads[e.Nodes[s.Value].K]
	for _, x := range l.Index {
		if x.Via != None {
			return nil, false
		}
	}
	return l, !l.Guarded
}

// IsIdentity reports whether e's one result is exactly its one operand.
func (e *Expr) IsIdentity() bool {
	l, ok := e.copied()
	if !ok || len(l.Index) != len(e.Outs[0].Index) {
		return false
	}
	for d, x := range l.Index {
		size := e.Ins[0].Shape[d]
		if e.Outs[0].Aval.Shape[d] != size || size != 1 && !x.isAt(d) {
			return false
		}
	}
	return true
}

// ViewStrides returns e's one result as a view of its one operand, if that is
// what it is (a transpose, broadcast, slice, flip or diagonal): the offset of
// its first element and the strides of its dimensions, in elements, from the
// strides of the operand's.
func (e *Expr) ViewStrides(stride func(dim int) int) (offset int, strides []int, ok bool) {
	l, ok := e.copied()
	if !ok {
		return 0, nil, false
	}
	strides = make([]int, len(e.Outs[0].Index))
	for d, x := range l.Index {
		offset += x.Const * stride(d)
		for _, t := range x.Terms {
			if t.Axis < len(strides) {
				strides[t.Axis] += t.Coef * stride(d)
			}
		}
	}
	return offset, strides, true
}

// Uniform returns the value of all elements of e's one result, where the loop stores the
// same constant everywhere; of integers, where a float64 holds it.
func (e *Expr) Uniform() (v float64, ok bool) {
	s := &e.Outs[0]
	if len(e.Outs) != 1 || s.Reduce != NoReduce || !e.Plain(s) {
		return 0, false
	}
	v, ok = e.value(s.Value)
	return v, ok && (e.DType(s.Value).IsFloat() || math.Abs(v) < 1<<53)
}
