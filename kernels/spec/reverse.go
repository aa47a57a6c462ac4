// A tape: ops recorded, then swept back.

package spec

import "github.com/cotangent-ad/cotangent/kernels"

// node is a value of the inner interpreter on a tape.
type node struct {
	primal kernels.Val
	varied bool
}

func (n *node) Aval() kernels.Aval { return n.primal.Aval() }

// entry is one op on a tape.
type entry struct {
	inst    *kernels.Inst
	in, out []*node
}

// tape records ops on nodes.
type tape struct {
	inner   kernels.Builder
	entries []entry
}

func (t *tape) Apply(op *kernels.Op, attr any, in ...kernels.Val) []kernels.Val {
	return apply(t, op, attr, in)
}

func (t *tape) ApplyInst(inst *kernels.Inst, in ...kernels.Val) []kernels.Val {
	e := entry{inst: inst}
	varied := false
	for _, v := range in {
		e.in = append(e.in, v.(*node))
		varied = varied || v.(*node).varied
	}
	varied = varied && inst.Differentiable()
	y := t.inner.ApplyInst(inst, primals(e.in)...)
	out := make([]kernels.Val, len(y))
	for i := range y {
		n := &node{y[i], varied && y[i].Aval().DType.IsFloat()}
		e.out, out[i] = append(e.out, n), n
	}
	if varied {
		t.entries = append(t.entries, e)
	}
	return out
}

func (t *tape) Full(v float64, a kernels.Aval) kernels.Val { return &node{t.inner.Full(v, a), false} }
func (t *tape) Fail(err error) kernels.Val                 { return &node{t.inner.Fail(err), false} }

func primals(nodes []*node) []kernels.Val {
	list := make([]kernels.Val, len(nodes))
	for i, n := range nodes {
		list[i] = n.primal
	}
	return list
}

// vjp returns the cotangents of the operands of f in want, for those of the results that
// seed gives: zeros where nothing arrives.
func vjp(b kernels.Builder, f function, x []kernels.Val, want kernels.Mask, seed func(y []kernels.Val) []kernels.Val) []kernels.Val {
	t := &tape{inner: b}
	in := make([]*node, len(x))
	args := make([]kernels.Val, len(x))
	for i, v := range x {
		in[i] = &node{v, want.Has(i)}
		args[i] = in[i]
	}
	cotangent := map[*node]kernels.Val{}
	add := func(n *node, g kernels.Val) {
		if old := cotangent[n]; old != nil {
			g = kernels.One(b, kernels.Add, nil, old, g)
		}
		cotangent[n] = g
	}
	outs := f(t, args)
	y := make([]kernels.Val, len(outs))
	for i, v := range outs {
		y[i] = v.(*node).primal
	}
	for i, g := range seed(y) {
		if n := outs[i].(*node); n.varied {
			add(n, g)
		}
	}
	for i := len(t.entries) - 1; i >= 0; i-- {
		t.entries[i].sweep(b, cotangent, add)
	}
	dx := make([]kernels.Val, len(x))
	for i, n := range in {
		if !want.Has(i) {
			continue
		}
		if dx[i] = cotangent[n]; dx[i] == nil {
			dx[i] = b.Full(0, n.Aval())
		}
	}
	return dx
}

// sweep passes the cotangents of an entry's results on to its operands.
func (e entry) sweep(b kernels.Builder, cotangent map[*node]kernels.Val, add func(n *node, g kernels.Val)) {
	g := make([]kernels.Val, len(e.out))
	for i, n := range e.out {
		g[i] = cotangent[n]
	}
	if kernels.MaskOf(g) == 0 {
		return
	}
	var want kernels.Mask
	for i, n := range e.in {
		if n.varied {
			want |= 1 << i
		}
	}
	// What the rule says it does not read is not given to it.
	x, y := primals(e.in), primals(e.out)
	read := e.inst.Reverse(want, false)
	for i := range x {
		if !read.In.Has(i) {
			x[i] = nil
		}
	}
	for i := range y {
		if !read.Out.Has(i) {
			y[i] = nil
		}
	}
	for i, d := range e.inst.VJP(b, x, y, g, want) {
		if d != nil && want.Has(i) {
			add(e.in[i], d)
		}
	}
}
