package cpu

// The machine: tile code interpreted in Go. It runs what is too short to be
// worth a call of C, and everything where there is no C. Its results are those
// of tile/tile.h, bit for bit.

import (
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// machine is the state of one goroutine's run of a plan.
type machine struct {
	plan       *plan
	base       []unsafe.Pointer // of operands, then results
	reg        []unsafe.Pointer // by value: its lanes
	at         []int64          // by access: its value at the tile's first lane
	step       []int            // by dim
	rows, cols int              // of the tile
	scratch    []uint64
	mem        unsafe.Pointer // scratch, aligned
	folds      []fold
	fault      fault
}

// fault is an index that was out of range.
type fault struct {
	found       bool
	index, size int64
}

func (f *fault) err(name string) error {
	return &kernels.IndexError{Op: name, Index: f.index, Size: int(f.size)}
}

// begin prepares the machine for runs of a plan on the arrays at base.
func (m *machine) begin(p *plan) {
	m.plan = p
	m.reg = grown(m.reg, len(p.slots))
	m.at = grown(m.at, len(p.access))
	m.step = grown(m.step, len(p.dims))
	m.folds = grown(m.folds, len(p.reds))
	m.fault = fault{}
	m.scratch = grown(m.scratch, (p.scratch+align)/8)
	m.mem = unsafe.Pointer(unsafe.SliceData(m.scratch))
	m.mem = unsafe.Add(m.mem, -uintptr(m.mem)&(align-1))
	for v, at := range p.slots {
		if at >= 0 {
			m.reg[v] = unsafe.Add(m.mem, at)
		}
	}
	for _, c := range p.consts {
		*(*uint64)(m.reg[c.value]) = c.bits
	}
	m.rows, m.cols = p.rows.size, p.cols.size
	m.exec(p.code[prologue])
}

// end drops what the machine points to.
func (m *machine) end() {
	clear(m.reg)
	clear(m.base)
	m.plan = nil
}

func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}

// run does the tiles of the result from lo to hi-1.
func (m *machine) run(lo, hi int, cancel *atomic.Bool) error {
	p := m.plan
	m.seek(lo)
	for t := lo; t < hi; t++ {
		m.cut()
		if len(p.code[epilogue]) == 0 {
			m.exec(p.code[body])
		} else {
			clear(m.folds)
			if err := m.reduce(0, math.MaxInt, cancel); err != nil {
				return err
			}
			m.exec(p.code[epilogue])
		}
		if err := m.check(cancel); err != nil {
			return err
		}
		m.advance(0, p.inner)
	}
	return nil
}

// reduce runs the inner loops of a tile of the result: all their steps, or,
// where there is one loop, those from lo to hi-1.
func (m *machine) reduce(lo, hi int, cancel *atomic.Bool) error {
	p := m.plan
	if lo > 0 {
		m.move(p.inner, lo)
	}
	for s := lo; s < hi; s++ {
		m.cut()
		m.exec(p.code[body])
		if err := m.check(cancel); err != nil {
			return err
		}
		if !m.advance(p.inner, len(p.dims)) {
			break
		}
	}
	return nil
}

// check returns the error that ends a run.
func (m *machine) check(cancel *atomic.Bool) error {
	switch {
	case m.fault.found:
		return m.fault.err(m.plan.name)
	case cancel != nil && cancel.Load():
		return kernels.ErrCancelled
	}
	return nil
}

// seek goes to the first step of a tile of the result.
func (m *machine) seek(tile int) {
	p := m.plan
	for i := range p.access {
		m.at[i] = p.access[i].c0
	}
	clear(m.step)
	for d := p.inner - 1; d >= 0; d-- {
		m.move(d, tile%p.dims[d].count)
		tile /= p.dims[d].count
	}
}

// move goes to a step of a dim that is at step 0.
func (m *machine) move(d, step int) {
	m.step[d] = step
	for i, s := range m.plan.dims[d].stride {
		m.at[i] += int64(s * step)
	}
}

// advance goes to the next step of dims lo to hi-1, the last fastest. After the
// last step it is at the first again and returns false.
func (m *machine) advance(lo, hi int) bool {
	for d := hi - 1; d >= lo; d-- {
		dim := &m.plan.dims[d]
		m.step[d]++
		if m.step[d] < dim.count {
			for i, s := range dim.stride {
				m.at[i] += int64(s)
			}
			return true
		}
		m.step[d] = 0
		for i, s := range dim.stride {
			m.at[i] -= int64(s * (dim.count - 1))
		}
	}
	return false
}

// cut sets the tile's rows and columns.
func (m *machine) cut() {
	m.rows, m.cols = m.extent(&m.plan.rows), m.extent(&m.plan.cols)
}

func (m *machine) extent(s *span) int {
	if s.dim >= 0 && m.step[s.dim] == m.plan.dims[s.dim].count-1 {
		return s.last
	}
	return s.size
}

// lanes returns the number of lanes of a class in this tile.
func (m *machine) lanes(c class) int {
	switch c {
	case row:
		return m.rows
	case col:
		return m.cols
	case full:
		return m.rows * m.cols
	}
	return 1
}

func (m *machine) exec(code []instr) {
	for i := range code {
		in := &code[i]
		table[in.op][in.dt](m, in)
	}
}

// pointer returns the memory of an access's element at the tile's first lane.
func (m *machine) pointer(k int32) unsafe.Pointer {
	return unsafe.Add(m.base[m.plan.access[k].arg], m.at[k])
}

// slice returns the lanes of a value as numbers.
func slice[T any](m *machine, v uint16, n int) []T { return unsafe.Slice((*T)(m.reg[v]), n) }
