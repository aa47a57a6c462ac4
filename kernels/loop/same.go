// When two loops are the same, up to the names of axes.

package loop

import "slices"

// Same reports whether two loops do the same.
func Same(a, b *Expr) bool {
	return a.Fused == b.Fused && a.Contraction == b.Contraction &&
		slices.EqualFunc(a.Axes, b.Axes, func(x, y Axis) bool { return x.Size == y.Size }) &&
		slices.EqualFunc(a.Ins, b.Ins, sameAval) &&
		slices.EqualFunc(a.Nodes, b.Nodes, func(x, y Inst) bool { return sameInst(&x, &y) }) &&
		slices.EqualFunc(a.Loads, b.Loads, func(x, y Load) bool { return sameLoad(&x, &y) }) &&
		slices.EqualFunc(a.Outs, b.Outs, func(x, y Store) bool {
			return x.Value == y.Value && x.Reduce == y.Reduce && x.Partial == y.Partial && x.Scatter == y.Scatter &&
				sameAval(x.Aval, y.Aval) && slices.EqualFunc(x.Index, y.Index, Lin.Equal)
		})
}

func sameAval(a, b Aval) bool { return a.DType == b.DType && slices.Equal(a.Shape, b.Shape) }

// Hash returns a number that loops which are the same have in common.
func (e *Expr) Hash() uint64 {
	h := uint64(len(e.Ins))
	for _, a := range e.Axes {
		h = mix(h, uint64(a.Size))
	}
	for n := range e.Nodes {
		h = mix(h, uint64(e.hash(&e.Nodes[n])))
	}
	for i := range e.Outs {
		h = mix(h, uint64(e.Outs[i].Value)<<8|uint64(e.Outs[i].Reduce))
	}
	return h
}
