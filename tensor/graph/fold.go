// Constant folding: what depends on nothing but constants is computed once, when the
// program is made.

package graph

import (
	"context"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// foldBytes is how large a folded value may be that is larger than the constants that
// it replaces.
const foldBytes = 1 << 16

// fold computes constant values on dev and reports whether there were any. What fails
// stays, to fail in a run.
func (g *Graph) fold(dev device.Device) bool {
	values := g.constantValues()
	if len(values) == 0 {
		return false
	}
	arrays, err := g.compute(values, dev)
	if err != nil {
		return false
	}
	at := map[Ref]*kernels.Array{}
	for k, v := range values {
		at[v] = arrays[k]
	}
	w := g.rewrite()
	for i := range g.Instrs {
		x := &g.Instrs[i]
		if at[x.Out] == nil {
			w.keep(i)
			continue
		}
		for k := range x.Inst.Out {
			a := at[x.Out+Ref(k)]
			w.number[x.Out+Ref(k)] = w.next.Const(*a, nil)
		}
	}
	w.finish()
	for _, a := range arrays {
		a.Buf.Release() // the graph has its own reference
	}
	g.RemoveDead()
	return true
}

// constantValues returns the results to be computed: of instructions on constants that
// others than such read.
func (g *Graph) constantValues() (values []Ref) {
	fixed := make([]bool, g.NumValues())
	for i := range g.Consts {
		fixed[g.Consts[i].Ref] = true
	}
	known := make([]bool, len(g.Instrs))
	from := make([]int, len(g.Instrs)) // bytes of the operands
	for i := range g.Instrs {
		x := &g.Instrs[i]
		known[i] = ends(x.Inst)
		for _, v := range g.Args(i) {
			known[i] = known[i] && fixed[v]
			from[i] += g.footprint(v)
		}
		for k := range x.Inst.Out {
			fixed[x.Out+Ref(k)] = known[i]
		}
	}
	read := make([]bool, len(g.Instrs)) // by what stays
	mark := func(refs []Ref) {
		for _, v := range refs {
			if d := g.Def(v); d >= 0 {
				read[d] = true
			}
		}
	}
	mark(g.Outputs)
	for i := len(g.Instrs) - 1; i >= 0; i-- {
		inst := g.Instrs[i].Inst
		stays := !known[i] || len(inst.In) == 0 || inst.Rearranges() || isReshape(inst) || bytesOfAll(inst.Out) > max(from[i], foldBytes)
		switch {
		case !known[i] || read[i] && stays:
			mark(g.Args(i))
		case read[i]:
			for k := range inst.Out {
				values = append(values, g.Instrs[i].Out+Ref(k))
			}
		}
	}
	return values
}

func bytesOfAll(list []kernels.Aval) (n int) {
	for _, a := range list {
		n += bytesOf(a)
	}
	return n
}

// compute returns the values, which depend on constants only, in arrays of their own.
func (g *Graph) compute(values []Ref, dev device.Device) (_ []*kernels.Array, err error) {
	part, err := g.Extract(nil, values)
	if err != nil {
		return nil, err
	}
	defer part.Release()
	p, err := Compile(part, dev)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	var arrays []*kernels.Array
	defer func() {
		if err != nil {
			for _, a := range arrays {
				a.Buf.Release()
			}
		}
	}()
	for _, v := range values {
		aval := g.Aval(v)
		buf, err := dev.Alloc(max(bytesOf(aval), 1))
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, &kernels.Array{Aval: aval, Ptr: buf.Ptr(), Buf: buf})
	}
	return arrays, p.Run(context.Background(), nil, arrays)
}
