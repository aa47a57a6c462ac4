//go:build cuda && cgo

package cuda

// Nests whose results are scattered: added to, or set, at places that need not
// differ. The outcome does not depend on the order of threads: see scatter.cuh
// for sums; of values that are set, the last in the loop's order stays.

import (
	_ "embed"
	"math/bits"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

//go:embed scatter.cuh
var scatterText string

// placeBytes is the size of scatter.cuh's Place.
const placeBytes = 24

func (n *nest) planScatter(p *plan, lay *layout) {
	o := n.outs[0]
	s := &n.e.Outs[o]
	size := s.Aval.Size()
	if size == 0 {
		return
	}
	float := s.Aval.DType.IsFloat()
	switch {
	case n.set:
		p.scratch, p.clear = 8*size, 8*size
		if n.lanes > 0 {
			p.list = append(p.list,
				n.scatterKernel(lay, "u64", "atomicMax(&places[at], (u64)t + 1);"),
				n.scatterKernel(lay, "u64", "if (places[at] == (u64)t + 1) RESULT[at] = VALUE;"))
		}
	case !float && n.lanes > 0:
		cast := map[device.DType]string{device.Int64: "u64", device.Int32: "unsigned"}[s.Aval.DType]
		p.list = append(p.list, n.scatterKernel(lay, "", "atomicAdd(("+cast+" *)RESULT + at, ("+cast+")VALUE);"))
	case float:
		p.scratch, p.clear = placeBytes*size, placeBytes*size
		if n.lanes > 0 {
			p.list = append(p.list,
				n.scatterKernel(lay, "Place", "look(places + at, VALUE);"),
				n.scatterKernel(lay, "Place", "put(places + at, VALUE, digit);"))
		}
		p.list = append(p.list, n.collect(lay))
	}
}

// digit is the bits of a digit: as many as leave room for all terms in 62.
func (n *nest) digit() int { return min(40, 62-bits.Len(uint(n.lanes))) }

// scatterKernel does what the text says at the place of each value of the axes,
// RESULT being the result and VALUE the value that comes there.
func (n *nest) scatterKernel(lay *layout, scratch, text string) *launch {
	x := newPrinter(n, lay)
	o := n.outs[0]
	s := &n.e.Outs[o]
	outs := x.arguments()
	if scratch != "" {
		x.decls = append(x.decls, scratch+" *places")
		x.slots = append(x.slots, slot{what: ofScratch})
	}
	x.flag()
	x.line("\tconst int digit = %s;", x.int(n.digit()))
	total := product(x.res)
	x.line("\tfor (ix t = first_index(); t < %s; t += index_step()) {", x.int(total))
	x.line("\t\tix r = t;")
	x.coordinates("i", "r", x.res, "\t\t")
	x.b.WriteString(x.body.Text(2, o))
	// Results are dense: a place in the result is one among places.
	f := x.stores[o]
	x.line("\t\tconst ix at = %s + %s%s;", x.int(f.c0), x.at(f), x.through(s.Index, s.Aval.Shape, denseStride(s.Aval.Shape)))
	// The result's argument has the constant part in it already.
	x.line("\t\t%s", strings.NewReplacer("RESULT", "("+outs[o]+" - "+x.int(f.c0)+")", "VALUE", x.body.Name(s.Value)).Replace(text))
	x.line("\t}")
	return x.launch(scatterText, grid(total))
}

// collect turns the sums of integers into the results.
func (n *nest) collect(lay *layout) *launch {
	x := newPrinter(n, lay)
	o := n.outs[0]
	s := &n.e.Outs[o]
	dt := loop.CUDAType(s.Aval.DType)
	out := x.declare(dt+" *", slot{ofResult, o, 0})
	places := x.declare("const Place *", slot{what: ofScratch})
	size := s.Aval.Size()
	x.line("\tconst int digit = %s;", x.int(n.digit()))
	x.line("\tfor (ix t = first_index(); t < %s; t += index_step())", x.int(size))
	x.line("\t\t%s[t] %s (%s)total(%s + t, digit);", out, x.assign(o), dt, places)
	return x.launch(scatterText, grid(size))
}
