//go:build cuda && cgo

package cuda

// Nests that reduce. The threads of a block work on some results, several on
// each; where there are few results and much to reduce, each result is shared out
// among blocks, whose parts a second kernel puts together in their order. What
// does what follows from the sizes alone.

import (
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// combiners names the templates of reduce.cuh.
var combiners = map[loop.Combiner]string{loop.Sum: "Sum", loop.Prod: "Prod", loop.Max: "Max", loop.Min: "Min", loop.LSE: "LSE"}

func (n *nest) combiner(o int) string {
	s := &n.e.Outs[o]
	return combiners[s.Reduce] + "<" + loop.CUDAType(s.Aval.DType) + ">"
}

// accBytes is room for any accumulator.
const accBytes = 16

// shape is how a reduction is shared out.
type shape struct {
	rows  bool // the threads of one result are neighbours
	per   int  // threads of a result in a block
	wide  int  // results of a block
	parts int  // blocks that share out a result
	chunk int  // values of a part
}

// shapeOf decides. Neighbouring threads should read neighbouring elements.
func (p *printer) shapeOf() shape {
	results, values := product(p.res), product(p.red)
	s := shape{parts: 1, chunk: values}
	along := func(dims []dim) (n int) {
		if len(dims) == 0 {
			return 0
		}
		for _, a := range p.loads {
			if c := dims[len(dims)-1].of(a.at); c == 1 || c == -1 {
				n++
			}
		}
		return n
	}
	s.rows = along(p.red) >= along(p.res)
	if s.rows {
		s.per = power(values, threads)
		s.wide = power(results, threads/s.per)
	} else {
		s.wide = power(results, 32)
		s.per = power(values, threads/s.wide)
	}
	const most, each = 256, 8 // blocks that fill a card; values that a thread has at least
	blocks := (results + s.wide - 1) / s.wide
	if parts := min(values/(s.per*each), most/blocks); parts > 1 {
		s.chunk = (values + parts - 1) / parts
		s.parts = (values + s.chunk - 1) / s.chunk
	}
	return s
}

// power returns the least power of two of at least n, or most, a power of two.
func power(n, most int) int {
	p := 1
	for p < n && p < most {
		p *= 2
	}
	return p
}

func (n *nest) planReduce(p *plan, lay *layout) {
	x := newPrinter(n, lay)
	s := x.shapeOf()
	outs := x.arguments()
	results := product(x.res)
	parts := map[int]string{}
	if s.parts > 1 {
		for _, o := range n.outs {
			parts[o] = x.declare("typename "+n.combiner(o)+"::acc *", slot{what: ofScratch, bytes: p.scratch})
			p.scratch += s.parts * results * accBytes
		}
	}
	x.flag()
	x.line("\tconst bool rows = %s;", x.int(int(bit(s.rows))))
	x.line("\tconst int at = rows ? threadIdx.x : threadIdx.y, per = rows ? blockDim.x : blockDim.y, step = rows ? 1 : blockDim.x;")
	x.line("\tix r = (ix)blockIdx.x * (rows ? blockDim.y : blockDim.x) + (rows ? threadIdx.y : threadIdx.x);")
	count := x.int(results)
	x.line("\tconst bool on = r < %s;", count)
	x.line("\tconst ix result = r;")
	x.coordinates("i", "r", x.res, "\t")
	for _, o := range n.outs {
		x.line("\ttypename %[1]s::acc acc%[2]d = %[1]s::start();", n.combiner(o), o)
	}
	chunk, values := x.int(s.chunk), x.int(product(x.red))
	x.line("\tix end = ((ix)blockIdx.y + 1) * %s;", chunk)
	x.line("\tif (end > %[1]s) end = %[1]s;", values)
	x.line("\tif (on) for (ix t = (ix)blockIdx.y * %s + at; t < end; t += per) {", chunk)
	x.line("\t\tix q = t;")
	x.coordinates("q", "q", x.red, "\t\t")
	x.b.WriteString(x.body.Text(2, n.outs...))
	for _, o := range n.outs {
		x.line("\t\t%s::put(acc%d, %s);", n.combiner(o), o, x.body.Name(n.e.Outs[o].Value))
	}
	x.line("\t}")
	for _, o := range n.outs {
		x.line("\tacc%[1]d = together<%[2]s>(acc%[1]d, at, per, step);", o, n.combiner(o))
	}
	x.line("\tif (on && at == 0) {")
	for _, o := range n.outs {
		if s.parts > 1 {
			x.line("\t\t%s[(ix)blockIdx.y * %s + result] = acc%d;", parts[o], count, o)
		} else {
			x.line("\t\t%s%s %s %s::value(acc%d);", outs[o], x.storeIndex(o), x.assign(o), n.combiner(o), o)
		}
	}
	x.line("\t}")
	g := geometry{Grid: [2]int{(results + s.wide - 1) / s.wide, s.parts}, Block: [2]int{s.wide, s.per}, Shared: s.wide * s.per * accBytes}
	if s.rows {
		g.Block = [2]int{s.per, s.wide}
	}
	p.list = append(p.list, x.launch(reduceText, g))
	if s.parts > 1 {
		p.list = append(p.list, n.finish(lay, s))
	}
}

// finish puts the parts of each result together, from the first to the last.
func (n *nest) finish(lay *layout, s shape) *launch {
	x := newPrinter(n, lay)
	x.loads = nil
	outs := x.arguments()
	results := product(x.res)
	parts := map[int]string{}
	bytes := 0
	for _, o := range n.outs {
		parts[o] = x.declare("const typename "+n.combiner(o)+"::acc *", slot{what: ofScratch, bytes: bytes})
		bytes += s.parts * results * accBytes
	}
	count := x.int(results)
	x.line("\tfor (ix result = first_index(); result < %s; result += index_step()) {", count)
	x.line("\t\tix r = result;")
	x.coordinates("i", "r", x.res, "\t\t")
	for _, o := range n.outs {
		x.line("\t\ttypename %s::acc acc%d = %s[result];", n.combiner(o), o, parts[o])
		x.line("\t\tfor (ix part = 1; part < %s; part++) %s::merge(acc%d, %s[part * %s + result]);",
			x.int(s.parts), n.combiner(o), o, parts[o], count)
		x.line("\t\t%s%s %s %s::value(acc%d);", outs[o], x.storeIndex(o), x.assign(o), n.combiner(o), o)
	}
	x.line("\t}")
	return x.launch(reduceText, grid(results))
}
