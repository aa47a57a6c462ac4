package gemm

// Sharing out: cutting C into parts, which workers do.

import (
	"math"
	"sync"
)

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
func roundUp(a, step int) int { return ceil(a, step) * step }

// Blocks of C are whole vectors of any instruction set, and whole rows of tiles.
// For our kernels a block is worth some ten microseconds, grain multiplications.
const (
	unit  = 16
	grain = 1 << 19
)

// wanted returns into how many parts our kernels' work on p is best cut: some for
// each worker, that one who is late can be helped, none for trifles.
func wanted(p *product, workers int) int {
	if workers == 1 {
		return 1
	}
	// What is read and written counts too: a vector's product waits for memory.
	cost := p.count * max(p.m*p.n*p.k, 8*(p.m*p.k+p.k*p.n+p.m*p.n))
	return min(4*workers, cost/grain)
}

// cutFor cuts p into about that many parts. Our kernels' results do not depend
// on the cut.
func cutFor(p *product, parts int) cut {
	if p.count >= parts {
		return newCut(p, ceil(p.count, parts), p.m, p.n)
	}
	rows, cols := p.m, p.n
	for blocks := ceil(parts, p.count); blocks > 1; blocks = ceil(blocks, 2) {
		if rows >= cols {
			rows = ceil(rows, 2)
		} else {
			cols = ceil(cols, 2)
		}
	}
	return newCut(p, 1, min(roundUp(rows, unit), p.m), min(roundUp(cols, unit), p.n))
}

// A library gets products without a thin side and with some work to do.
const (
	libraryThin = 16
	libraryWork = 1 << 24
)

// forLibrary says whether the engine's library computes p. It depends on sizes
// and the engine only.
func (e *Engine) forLibrary(p *product) bool {
	return min(p.m, p.n, p.k) >= libraryThin && p.m*p.n*p.k >= libraryWork &&
		max(p.k, p.lda, p.ldb, p.ldc) <= math.MaxInt32 && libraryCut(p).parts >= p.count*e.kernels.tiles
}

// libraryCut cuts each C of p into tiles that depend on its sizes only, since a
// library may add up in another order for another size. They are large, for it
// packs rows of A and columns of B anew for each.
func libraryCut(p *product) cut {
	const rows, cols = 512, 1024
	even := func(n, most int) int { return min(n, roundUp(ceil(n, ceil(n, most)), unit)) }
	if p.m < rows {
		return newCut(p, 1, p.m, even(p.n, cols/2))
	}
	return newCut(p, 1, even(p.m, rows), even(p.n, cols))
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
	} else if parts := wanted(p, workers); parts > 1 {
		c = cutFor(p, parts)
	} else {
		e.do(p, by)
		return
	}
	if workers == 1 {
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
			runOwn(e.kernels.set, p, nil)
			return
		}
		w := e.scratch.take()
		runOwn(e.kernels.set, p, w)
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
