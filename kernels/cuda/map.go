//go:build cuda && cgo

package cuda

// Nests that reduce nothing: every element of the results on its own. Where the
// innermost dimension lies densely, a thread does as many elements at once as
// 16 bytes hold; where that of an operand is another, it goes by squares (tile.go).

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// leastVector is the number of elements from which on vectors are worth a kernel
// of their own.
const leastVector = 512

// mostVectors is the number of results up to which a card has the registers for them.
const mostVectors = 6

func (n *nest) planMap(p *plan, lay *layout) {
	x := newPrinter(n, lay)
	if x.turn() {
		n.planTiles(p, x)
		return
	}
	x.vectorize(x.res)
	outs := x.arguments()
	x.flag()
	x.line("\tfor (ix t = first_index(); t < %s; t += index_step()) {", x.int(product(x.res)/x.lane))
	x.line("\t\tix r = t;")
	x.elements("i", "r", x.res, 2, outs, nil)
	x.line("\t}")
	p.list = append(p.list, x.launch("", grid(product(x.res)/x.lane)))
}

func (p *printer) storeIndex(o int) string { return "[" + p.at(p.stores[o]) + "]" }

// assign is how result o is written: added to where the call says so.
func (p *printer) assign(o int) string {
	if p.lay.add && o == 0 {
		return "+="
	}
	return "="
}

// vectorize decides how many elements a thread does at once, of which the last of
// dims counts the neighbours.
func (p *printer) vectorize(dims []dim) {
	n := p.n
	if len(dims) == 0 || product(dims) < leastVector || len(n.outs) > mostVectors {
		return
	}
	p.inner = dims[len(dims)-1]
	bytes := 0
	for k, a := range p.loads {
		if p.vectorLoad(k, a) {
			bytes = max(bytes, n.e.Ins[n.e.Loads[k].In].DType.Size())
		}
	}
	for _, o := range n.outs {
		if n.reduces(o) {
			continue
		}
		if p.inner.of(p.stores[o]) != 1 {
			return
		}
		bytes = max(bytes, n.e.Outs[o].Aval.DType.Size())
	}
	if bytes == 0 {
		return
	}
	lane := 16 / bytes
	if lane < 2 || p.inner.size%lane != 0 {
		return
	}
	fits := func(f affine, align bool) bool {
		if !align || f.c0%lane != 0 {
			return false
		}
		for _, d := range slices.Concat(p.res, p.red) {
			if !slices.Equal(d.axes, p.inner.axes) && d.of(f)%lane != 0 {
				return false
			}
		}
		return true
	}
	for _, o := range n.outs {
		if !n.reduces(o) && !fits(p.stores[o], p.lay.align[len(p.lay.in)+o]) {
			return
		}
	}
	for k, a := range p.loads {
		if p.vectorLoad(k, a) && fits(a.at, p.lay.align[n.e.Loads[k].In]) {
			a.vec = true
			p.loads[k] = a
		}
	}
	p.lane = lane
}

// vectorLoad reports whether a load reads neighbours for neighbouring elements,
// always.
func (p *printer) vectorLoad(k int, a access) bool {
	l := &p.n.e.Loads[k]
	if a.lone || l.Guarded || p.inner.of(a.at) != 1 {
		return false
	}
	for _, i := range l.Index {
		if i.Via != loop.None {
			return false
		}
	}
	return true
}

// planFill is for reductions over nothing: results are the combiner's neutral
// elements.
func (n *nest) planFill(p *plan, lay *layout) {
	x := newPrinter(n, lay)
	x.loads = nil // what is read does not matter
	x.red = nil
	outs := x.arguments()
	total := product(x.res)
	x.line("\tfor (ix t = first_index(); t < %s; t += index_step()) {", x.int(total))
	x.line("\t\tix r = t;")
	x.coordinates("i", "r", x.res, "\t\t")
	for _, o := range n.outs {
		x.line("\t\t%s%s %s %s;", outs[o], x.storeIndex(o), x.assign(o), n.e.Outs[o].CUDALiteral())
	}
	x.line("\t}")
	p.list = append(p.list, x.launch("", grid(total)))
}
