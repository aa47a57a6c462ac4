package gemm

// Sharing out: cutting C into parts, which workers do.

import "sync"

// kernel is who computes a part.
type kernel uint8

const (
	kernelTiny    kernel = iota // C loops for tiny products
	kernelOwn                   // our kernels
	kernelLibrary               // a BLAS library
)

// cut is how a batch is cut into parts: runs of perPart products, or, where that
// is 1, blocks of rows x cols of each C.
type cut struct {
	perPart    int
	rows, cols int
	down, over int // blocks of one C
	parts      int
}

func newCut(p *product, perPart, rows, cols int) cut {
	c := cut{perPart: perPart, rows: rows, cols: cols, down: ceil(p.m, rows), over: ceil(p.n, cols)}
	c.parts = ceil(p.count, perPart) * c.down * c.over
	return c
}

// part returns part i of p.
func (c *cut) part(p *product, i int) product {
	i, col := i/c.over, i%c.over
	i, row := i/c.down, i%c.down
	q := i * c.perPart
	return p.block(q, min(c.perPart, p.count-q), row*c.rows, min(c.rows, p.m-row*c.rows), col*c.cols, min(c.cols, p.n-col*c.cols))
}

func ceil(a, b int) int       { return (a + b - 1) / b }
func roundUp(a, unit int) int { return ceil(a, unit) * unit }

// Blocks of our kernels are whole tiles of any instruction set, and a part takes
// at least some ten microseconds, that is grain multiplications.
const (
	unitRows = 16
	unitCols = 48
	grain    = 1 << 19
)

// cutFor cuts p for a number of workers: into some parts for each, that one who
// is late can be helped. Our kernels' results do not depend on the cut.
func cutFor(p *product, workers int) cut {
	// What is read and written counts too: a vector's product waits for memory.
	cost := max(p.m*p.n*p.k, 8*(p.m*p.k+p.k*p.n+p.m*p.n))
	want := min(4*workers, p.count*cost/grain)
	switch {
	case workers == 1 || want < 2:
		return newCut(p, p.count, p.m, p.n)
	case p.count >= want:
		return newCut(p, ceil(p.count, want), p.m, p.n)
	}
	rows, cols := p.m, p.n
	for blocks := ceil(want, p.count); blocks > 1; blocks = ceil(blocks, 2) {
		if rows >= cols {
			rows = ceil(rows, 2)
		} else {
			cols = ceil(cols, 2)
		}
	}
	return newCut(p, 1, min(roundUp(rows, unitRows), p.m), min(roundUp(cols, unitCols), p.n))
}

// libraryCut cuts p into tiles that depend on its sizes only, since a library
// may add up in another order for another size. They are wide, for a library
// packs all rows of B anew for each tile; where C has rows for few tiles, narrower.
func libraryCut(p *product) cut {
	const rows, wide, narrow = 256, 512, 256
	cols := wide
	if p.m < rows {
		cols = narrow
	}
	even := func(n, most, unit int) int { return min(n, roundUp(ceil(n, ceil(n, most)), unit)) }
	return newCut(p, 1, even(p.m, rows, unitRows), even(p.n, cols, unitCols))
}

// share does p in parts by the given kernel.
func (e *Engine) share(p *product, by kernel) {
	workers := 1
	if e.workers != nil {
		workers = e.workers.N()
	}
	var c cut
	if by == kernelLibrary {
		c = libraryCut(p)
	} else {
		c = cutFor(p, workers)
	}
	if workers == 1 || c.parts == 1 {
		for i := range c.parts {
			part := c.part(p, i)
			e.do(&part, by)
		}
		return
	}
	j := e.jobs.take()
	j.engine, j.product, j.cut, j.by = e, *p, c, by
	e.workers.Run(j, c.parts)
	e.jobs.give(j)
}

// do computes p on this thread.
func (e *Engine) do(p *product, by kernel) {
	switch by {
	case kernelTiny:
		runTiny(p)
	case kernelLibrary:
		e.library.run(p)
	case kernelOwn:
		if p.k*(max(p.m, p.n)+smallMargin) <= smallWork {
			runOwn(e.set, p, nil)
			return
		}
		w := e.scratch.take()
		runOwn(e.set, p, w)
		e.scratch.give(w)
	}
}

// job is a product that workers share out.
type job struct {
	engine  *Engine
	product product
	cut     cut
	by      kernel
	next    *job
}

// Do does one part; it is device.Task's.
func (j *job) Do(part, _ int) {
	p := j.cut.part(&j.product, part)
	j.engine.do(&p, j.by)
}

// jobs are records to be used again.
type jobs struct {
	mu   sync.Mutex
	free *job
}

func (s *jobs) take() *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.free
	if j == nil {
		return new(job)
	}
	s.free = j.next
	return j
}

func (s *jobs) give(j *job) {
	j.product = product{} // keeps no one's memory alive
	s.mu.Lock()
	defer s.mu.Unlock()
	j.next, s.free = s.free, j
}
