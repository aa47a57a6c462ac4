// Batching: one more axis, outermost.

package loop

import "slices"

// Batch returns e over operands of which those in mask have a leading dimension
// of size n; all results have it.
func Batch(e *Expr, mask uint64, n int) *Expr {
	b := &Expr{Axes: make([]Axis, 1, len(e.Axes)+1), Contraction: e.Contraction}
	b.Axes[0].Size = n
	b.Axes = append(b.Axes, e.Axes...)
	nameAxes(b.Axes)
	for i, a := range e.Ins {
		if mask>>i&1 != 0 {
			a.Shape = append([]int{n}, a.Shape...)
		}
		b.Ins = append(b.Ins, a)
	}
	b.Nodes = slices.Clone(e.Nodes)
	for i := range b.Nodes {
		if b.Nodes[i].Fn == Iota {
			b.Nodes[i].K++
		}
	}
	for _, l := range e.Loads {
		l.Index = shift(l.Index, mask>>l.In&1 != 0)
		b.Loads = append(b.Loads, l)
	}
	for _, s := range e.Outs {
		s.Aval.Shape = append([]int{n}, s.Aval.Shape...)
		s.Index = shift(s.Index, true)
		b.Outs = append(b.Outs, s)
	}
	return b
}

// shift returns an index with all axes one up, led by axis 0 on request.
func shift(index []Lin, lead bool) []Lin {
	out := make([]Lin, 0, len(index)+1)
	if lead {
		out = append(out, At(0))
	}
	for _, l := range index {
		l.Terms = slices.Clone(l.Terms)
		for i := range l.Terms {
			l.Terms[i].Axis++
		}
		out = append(out, l)
	}
	return out
}
