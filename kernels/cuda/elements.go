//go:build cuda && cgo

package cuda

// What a thread does for one element, or for neighbours at once: the body of the
// loop, the quick way where that is worth it (loop/quick.go).

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// leastGain is the number of instructions an element from which on quick code is worth
// that the loop is in the kernel twice. Without tests there is no second time.
const leastGain = 8

// elements writes what a thread does for the elements whose number is in the
// variable from (see coordinates): one, or, where the printer is vectorized, neighbours. Results
// that are not reduced are stored; put writes what becomes of the others' values.
func (p *printer) elements(kind, from string, dims []dim, depth int, outs map[int]string, put func(o int, value string) string) {
	n, tabs := p.n, strings.Repeat("\t", depth)
	text, tests, gain := p.body.Quick(depth+1, n.outs...)
	twice := tests > 0 && gain >= leastGain
	if tests > 0 && !twice {
		text = p.body.Text(depth+1, n.outs...)
	}
	value := func(o int) string { return p.body.Name(n.e.Outs[o].Value) }
	if p.lane == 1 && !twice {
		p.coordinates(kind, from, dims, tabs)
		p.b.WriteString(text)
		for _, o := range n.outs {
			if n.reduces(o) {
				p.line("%s%s", tabs, put(o, value(o)))
			} else {
				p.line("%s%s%s %s %s;", tabs, outs[o], p.storeIndex(o), p.assign(o), value(o))
			}
		}
		return
	}
	lanes := func(once bool, text string) {
		if once {
			p.line("%s#pragma unroll", tabs)
		} else {
			p.line("%s#pragma unroll 1", tabs)
		}
		p.line("%sfor (int lane = 0; lane < %d; lane++) {", tabs, p.lane)
		if p.lane > 1 {
			p.line("%s\tconst ix %s = first + lane;", tabs, variable(kind, len(dims)-1))
		}
		p.b.WriteString(text)
		for _, o := range n.outs {
			p.line("%s\tplace(w_%d, lane, %s);", tabs, o, value(o))
		}
		p.line("%s}", tabs)
	}
	p.neighbours(kind, from, dims, tabs)
	for _, o := range n.outs {
		p.line("%s%s w_%d;", tabs, p.vector(o), o)
	}
	if twice {
		p.line("%sbool slow = false;", tabs)
	}
	lanes(true, text)
	if twice {
		p.line("%sif (slow) {", tabs)
		lanes(false, p.body.Text(depth+1, n.outs...))
		p.line("%s}", tabs)
	}
	for _, o := range n.outs {
		if n.reduces(o) {
			p.line("%s#pragma unroll", tabs)
			p.line("%sfor (int lane = 0; lane < %d; lane++) %s", tabs, p.lane, put(o, fmt.Sprintf("w_%d.v[lane]", o)))
		} else {
			p.line("%sstore<%v>((%s *)(%s + %s), w_%d);", tabs, p.assign(o) == "+=", p.vector(o), outs[o], p.at(p.stores[o]), o)
		}
	}
	p.line("%s}", tabs)
}

// neighbours opens a block, with the coordinates of a thread's first element, and the
// loads that are done for all of its elements together.
func (p *printer) neighbours(kind, from string, dims []dim, tabs string) {
	n := p.n
	if p.lane == 1 {
		p.coordinates(kind, from, dims, tabs)
		p.line("%s{", tabs)
		return
	}
	dims = slices.Clone(dims)
	dims[len(dims)-1].size /= p.lane
	p.coordinates(kind, from, dims, tabs)
	last := variable(kind, len(dims)-1)
	p.line("%sconst ix first = %s * %d;", tabs, last, p.lane)
	p.line("%s{", tabs)
	p.line("%sconst ix %s = first;", tabs, last)
	for k := range n.e.Loads {
		if a, ok := p.loads[k]; ok && a.vec {
			dt := loop.CUDAType(n.e.Ins[n.e.Loads[k].In].DType)
			p.line("%[5]sconst Vec<%[1]s, %[2]d> v_%[3]d = *(const Vec<%[1]s, %[2]d> *)(%[4]s);", dt, p.lane, k, a.name+" + "+p.whole(a.at), tabs)
		}
	}
}

// vector is the type of a thread's elements of a result.
func (p *printer) vector(o int) string {
	return fmt.Sprintf("Vec<%s, %d>", loop.CUDAType(p.n.e.Outs[o].Aval.DType), p.lane)
}
