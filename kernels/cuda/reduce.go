//go:build cuda && cgo

package cuda

// Nests that reduce. The threads of a block work on some results, several on
// each; where there are few results and much to reduce, each result is shared out
// among blocks, whose parts a second kernel puts together in their order. What
// does what follows from the sizes alone. What is not reduced is stored on the way.

import (
	"fmt"
	"slices"

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

// shape is how a reduction is shared out. Where threads do several elements at a
// time, per, chunk and turns count such groups.
type shape struct {
	rows  bool // the threads of one result are neighbours
	per   int  // threads of a result in a block
	wide  int  // results of a block
	parts int  // blocks that share out a result
	chunk int  // values of a part
	turns int  // values of a result
}

const (
	each     = 4       // turns that a thread should have
	manyRows = 1 << 16 // rows that fill a card without a thread for each turn
)

// shapeOf decides. Neighbouring threads should read neighbouring elements.
func (p *printer) shapeOf() shape {
	results := product(p.res)
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
	s := shape{parts: 1, rows: along(p.red) >= along(p.res)}
	if s.rows {
		p.vectorize(p.red)
	}
	s.turns = product(p.red) / p.lane
	s.chunk = s.turns
	if s.rows {
		s.per = power(s.turns, threads)
		if results >= manyRows {
			s.per = power(max((s.turns+each-1)/each, min(s.turns, 4)), threads)
		}
		s.wide = power(results, threads/s.per)
	} else {
		s.wide = power(results, 32)
		s.per = power(s.turns, threads/s.wide)
	}
	// Blocks that fill any card several times: with as many as it has room for at once, few
	// left over would take as long as all others. Where results are shared out and not every
	// multiprocessor would have a block, threads have fewer turns.
	const few, most = 128, 4096
	blocks := (results + s.wide - 1) / s.wide
	parts := min(s.turns/(s.per*each), most/blocks)
	if parts > 1 && parts*blocks < few {
		parts = min(s.turns/s.per, few/blocks)
	}
	if parts > 1 {
		s.chunk = (s.turns + parts - 1) / parts
		s.parts = (s.turns + s.chunk - 1) / s.chunk
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
		for _, o := range n.reducing() {
			parts[o] = x.declare("typename "+n.combiner(o)+"::acc *", slot{what: ofScratch, bytes: p.scratch})
			p.scratch += s.parts * results * accBytes
		}
	}
	x.flag()
	x.line("\tconst bool rows = %v;", s.rows)
	x.line("\tconst int at = rows ? threadIdx.x : threadIdx.y, per = rows ? blockDim.x : blockDim.y, step = rows ? 1 : blockDim.x;")
	x.line("\tix r = (ix)blockIdx.x * (rows ? blockDim.y : blockDim.x) + (rows ? threadIdx.y : threadIdx.x);")
	count := x.int(results)
	x.line("\tconst bool on = r < %s;", count)
	x.line("\tconst ix result = r;")
	x.coordinates("i", "r", x.res, "\t")
	for _, o := range n.reducing() {
		x.line("\ttypename %[1]s::acc acc%[2]d = %[1]s::start();", n.combiner(o), o)
	}
	chunk, turns := x.int(s.chunk), x.int(s.turns)
	x.line("\tix end = ((ix)blockIdx.y + 1) * %s;", chunk)
	x.line("\tif (end > %[1]s) end = %[1]s;", turns)
	x.line("\tif (on) for (ix t = (ix)blockIdx.y * %s + at; t < end; t += per) {", chunk)
	x.line("\t\tix q = t;")
	x.elements("q", "q", x.red, 2, outs, func(o int, value string) string {
		return fmt.Sprintf("%s::put(acc%d, %s);", n.combiner(o), o, value)
	})
	x.line("\t}")
	x.together("at", "per", "step", func(o int) string {
		if s.parts > 1 {
			return fmt.Sprintf("%s[(ix)blockIdx.y * %s + result] = acc%d;", parts[o], count, o)
		}
		return x.finished(o, outs)
	})
	g := geometry{Grid: [2]int{(results + s.wide - 1) / s.wide, s.parts}, Block: [2]int{s.wide, s.per}, Shared: s.wide * s.per * accBytes}
	if s.rows {
		g.Block = [2]int{s.per, s.wide}
	}
	p.list = append(p.list, x.launch(reduceText, g))
	if s.parts > 1 {
		p.list = append(p.list, n.finish(lay, s.parts))
	}
}

// reducing are the results that are reduced.
func (n *nest) reducing() []int {
	return slices.DeleteFunc(slices.Clone(n.outs), func(o int) bool { return !n.reduces(o) })
}

// together merges the accumulators of a result's threads, and has the first of
// them do what store says.
func (p *printer) together(at, per, step string, store func(o int) string) {
	for _, o := range p.n.reducing() {
		p.line("\tacc%[1]d = together<%[2]s>(acc%[1]d, %[3]s, %[4]s, %[5]s);", o, p.n.combiner(o), at, per, step)
	}
	p.line("\tif (on && %s == 0) {", at)
	for _, o := range p.n.reducing() {
		p.line("\t\t%s", store(o))
	}
	p.line("\t}")
}

// finished stores an accumulator's value.
func (p *printer) finished(o int, outs map[int]string) string {
	return fmt.Sprintf("%s%s %s %s::value(acc%d);", outs[o], p.storeIndex(o), p.assign(o), p.n.combiner(o), o)
}

// finish puts the parts of each result together, always in the same order.
func (n *nest) finish(lay *layout, count int) *launch {
	m := *n
	m.outs = n.reducing()
	x := newPrinter(&m, lay)
	x.loads = nil
	outs := x.arguments()
	results := product(x.res)
	parts := map[int]string{}
	bytes := 0
	for _, o := range m.outs {
		parts[o] = x.declare("const typename "+n.combiner(o)+"::acc *", slot{what: ofScratch, bytes: bytes})
		bytes += count * results * accBytes
	}
	per := power(count, threads)
	wide := power(results, threads/per)
	x.line("\tix r = (ix)blockIdx.x * blockDim.y + threadIdx.y;")
	size := x.int(results)
	x.line("\tconst bool on = r < %s;", size)
	x.line("\tconst ix result = on ? r : 0;")
	x.coordinates("i", "r", x.res, "\t")
	for _, o := range m.outs {
		x.line("\ttypename %[1]s::acc acc%[2]d = %[1]s::start();", n.combiner(o), o)
		x.line("#pragma unroll 4") // several loads under way at a time
		x.line("\tfor (int part = threadIdx.x; part < %s; part += blockDim.x) %s::merge(acc%d, %s[part * %s + result]);",
			x.int(count), n.combiner(o), o, parts[o], size)
	}
	x.together("threadIdx.x", "blockDim.x", "1", func(o int) string { return x.finished(o, outs) })
	return x.launch(reduceText, geometry{Grid: [2]int{(results + wide - 1) / wide, 1}, Block: [2]int{per, wide}, Shared: per * wide * accBytes})
}
