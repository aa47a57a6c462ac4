// Running: products into buffers that are kept, entries out of them.

package jacobian

import (
	"context"
	"math"
	"runtime"
	"time"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/sparse"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// frame holds the products of one run in progress.
type frame struct{ col, row products }

// products is memory for all products of one side. A chunk's are computed in a
// tensor, which holds them all if there is one chunk.
type products struct {
	chunk  *array
	apart  *kernels.Array // the chunk in memory that the host does not reach, else nil
	from   []float64      // the chunk's elements
	values []float64
}

// Run computes the values at x, in the order of [Prepared.Output], into the memory
// of the caller's. It allocates nothing once as many runs as there are now have been in
// progress at the same time.
//
// Errors: a *sparse.SizeError for values of the wrong length, those of
// grad.Prepared.RunInto, the context's.
func (p *Prepared[P]) Run(ctx context.Context, x P, values []float64) error {
	if want := p.plan.Output().Nnz(); len(values) != want {
		return &sparse.SizeError{Op: "jacobian.Run", What: "values", Got: len(values), Want: want}
	}
	start := time.Now()
	f, err := p.take()
	if err != nil {
		return err
	}
	defer p.put(f)
	if err := p.col.run(ctx, x, &f.col); err != nil {
		return err
	}
	if err := p.row.run(ctx, x, &f.row); err != nil {
		return err
	}
	if err := sparse.Recover(p.plan, values, f.col.values, f.row.values); err != nil {
		return err
	}
	p.note(time.Since(start).Seconds())
	return nil
}

// note keeps the time of the fastest run.
func (p *Prepared[P]) note(t float64) {
	for {
		old := p.fastest.Load()
		if old != 0 && math.Float64frombits(old) <= t || p.fastest.CompareAndSwap(old, math.Float64bits(t)) {
			return
		}
	}
}

// run computes the products, chunk by chunk.
func (s *sweep[P]) run(ctx context.Context, x P, to *products) error {
	for i, colors := range s.chunks {
		if err := s.program.RunInto(ctx, to.chunk, sweepArg[P]{x, s.line, colors}); err != nil {
			return err
		}
		if err := to.fetch(); err != nil {
			return err
		}
		if len(s.chunks) > 1 {
			copy(to.values[i*len(to.from):], to.from)
		}
	}
	runtime.KeepAlive(to.chunk)
	return nil
}

// fetch brings a chunk that was computed elsewhere to the host.
func (m *products) fetch() error {
	if m.apart == nil || len(m.from) == 0 {
		return nil
	}
	at := int(uintptr(m.apart.Ptr) - uintptr(m.apart.Buf.Ptr()))
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&m.from[0])), 8*len(m.from))
	return m.apart.Buf.Device().CopyOut(bytes, m.apart.Buf, at)
}

// memory returns room for the products.
func (s *sweep[P]) memory() (products, error) {
	var m products
	if s.program == nil {
		return m, nil
	}
	width := s.chunks[0].Size()
	m.chunk = tensor.Empty(s.line.Device(), kernels.Aval{DType: tensor.Float64, Shape: []int{width, s.rows}})
	a, _ := tensor.Memory(m.chunk)
	if a == nil {
		return m, m.chunk.Err()
	}
	if graph.Apart(a) {
		m.apart, m.from = a, make([]float64, width*s.rows)
	} else {
		m.from = unsafe.Slice((*float64)(a.Ptr), width*s.rows)
	}
	if m.values = m.from; len(s.chunks) > 1 {
		m.values = make([]float64, s.colors*s.rows)
	}
	return m, nil
}

func (p *Prepared[P]) take() (*frame, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		f := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return f, nil
	}
	p.mu.Unlock()
	f := new(frame)
	var err error
	if f.col, err = p.col.memory(); err != nil {
		return nil, err
	}
	f.row, err = p.row.memory()
	return f, err
}

func (p *Prepared[P]) put(f *frame) {
	p.mu.Lock()
	p.idle = append(p.idle, f)
	p.mu.Unlock()
}
