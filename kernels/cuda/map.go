//go:build cuda && cgo

package cuda

// Nests that reduce nothing: every element of the results on its own. Where the
// innermost dimension lies densely, a thread does as many elements at once as
// 16 bytes hold.

import (
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// leastVector is the number of elements from which on vectors are worth a kernel
// of their own.
const leastVector = 512

func (n *nest) planMap(p *plan, lay *layout) {
	x := newPrinter(n, lay)
	x.vectorize()
	outs := x.arguments()
	x.flag()
	total := product(x.res) / x.lane
	x.line("\tfor (ix t = first_index(); t < %s; t += index_step()) {", x.int(total))
	x.line("\t\tix r = t;")
	dims := x.res
	if x.lane > 1 {
		dims = append([]dim(nil), x.res...)
		dims[len(dims)-1].size /= x.lane
	}
	x.coordinates("i", "r", dims, "\t\t")
	if x.lane > 1 {
		x.lanes(outs)
	} else {
		x.b.WriteString(x.body.Text(2, n.outs...))
		for _, o := range n.outs {
			x.line("\t\t%s%s %s %s;", outs[o], x.storeIndex(o), x.assign(o), x.body.Name(n.e.Outs[o].Value))
		}
	}
	x.line("\t}")
	p.list = append(p.list, x.launch("", grid(total)))
}

func (p *printer) storeIndex(o int) string { return "[" + p.at(p.stores[o]) + "]" }

// assign is how result o is written: added to where the call says so.
func (p *printer) assign(o int) string {
	if p.lay.add && o == 0 {
		return "+="
	}
	return "="
}

// vectorize decides how many elements a thread does at once.
func (p *printer) vectorize() {
	n := p.n
	if len(p.res) == 0 || product(p.res) < leastVector {
		return
	}
	last := p.res[len(p.res)-1]
	bytes := 0
	dense := func(f affine) bool { return last.of(f) == 1 }
	for k, a := range p.loads {
		if p.vectorLoad(k, a) {
			bytes = max(bytes, n.e.Ins[n.e.Loads[k].In].DType.Size())
		}
	}
	for o, f := range p.stores {
		if !dense(f) || n.e.Outs[o].Partial {
			return
		}
		bytes = max(bytes, n.e.Outs[o].Aval.DType.Size())
	}
	lane := 16 / bytes
	if lane < 2 || last.size%lane != 0 {
		return
	}
	fits := func(f affine, align bool) bool {
		if !align || f.c0%lane != 0 {
			return false
		}
		for _, d := range p.res[:len(p.res)-1] {
			if d.of(f)%lane != 0 {
				return false
			}
		}
		return true
	}
	for o, f := range p.stores {
		if !fits(f, p.lay.align[len(p.lay.in)+o]) {
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
	if a.lone || l.Guarded || p.res[len(p.res)-1].of(a.at) != 1 {
		return false
	}
	for _, i := range l.Index {
		if i.Via != loop.None {
			return false
		}
	}
	return true
}

// lanes writes the body of a thread that does several elements.
func (p *printer) lanes(outs map[int]string) {
	n := p.n
	last := variable("i", len(p.res)-1)
	p.line("\t\tconst ix first = %s * %d;", last, p.lane)
	begin := func(f affine) string { // the place of the first lane
		return p.at(f)
	}
	p.line("\t\t{")
	p.line("\t\tconst ix %s = first;", last)
	for k := range n.e.Loads {
		if a, ok := p.loads[k]; ok && a.vec {
			dt := loop.CUDAType(n.e.Ins[n.e.Loads[k].In].DType)
			p.line("\t\tconst Vec<%[1]s, %[2]d> v_%[3]d = *(const Vec<%[1]s, %[2]d> *)(%[4]s + %[5]s);", dt, p.lane, k, a.name, begin(a.at))
		}
	}
	for _, o := range n.outs {
		dt := loop.CUDAType(n.e.Outs[o].Aval.DType)
		p.line("\t\tVec<%[1]s, %[2]d> w_%[3]d;", dt, p.lane, o)
		if p.assign(o) == "+=" {
			p.line("\t\tw_%[1]d = *(const Vec<%[2]s, %[3]d> *)(%[4]s + %[5]s);", o, dt, p.lane, outs[o], begin(p.stores[o]))
		}
	}
	p.line("\t\t#pragma unroll")
	p.line("\t\tfor (int lane = 0; lane < %d; lane++) {", p.lane)
	p.line("\t\t\tconst ix %s = first + lane;", last)
	p.b.WriteString(p.body.Text(3, n.outs...))
	for _, o := range n.outs {
		p.line("\t\t\tw_%d.v[lane] %s %s;", o, p.assign(o), p.body.Name(n.e.Outs[o].Value))
	}
	p.line("\t\t}")
	for _, o := range n.outs {
		dt := loop.CUDAType(n.e.Outs[o].Aval.DType)
		p.line("\t\t*(Vec<%s, %d> *)(%s + %s) = w_%d;", dt, p.lane, outs[o], begin(p.stores[o]), o)
	}
	p.line("\t\t}")
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
