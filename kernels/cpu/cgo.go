//go:build cgo

package cpu

// Runs of tile code in C: one call a part.

/*
#cgo CFLAGS: -std=c11 -O3
#cgo noescape ct_tiles
#cgo nocallback ct_tiles
#include <stdlib.h>
#include "tile.h"

// ct_tiles runs a plan with the code of an instruction set, numbered as device/cpu numbers them.
static int ct_tiles(int isa, const ct_plan *p, ct_run *r, const uint32_t *cancel, uint64_t *partial) {
#if defined(__x86_64__)
	if (isa == 1) return ct_tiles_avx2(p, r, cancel, partial);
	if (isa == 2) return ct_tiles_avx512(p, r, cancel, partial);
#endif
	return ct_tiles_baseline(p, r, cancel, partial);
}

#define CT_X(name) #name,
static const char *ct_op_name(int i) {
	static const char *const names[] = {CT_OPS(CT_X) 0};
	return names[i];
}
static const char *ct_elementary_name(int i) {
	static const char *const names[] = {CT_ELEMENTARY(CT_X) "polygamma", CT_ELEMENTARY2(CT_X) 0};
	return names[i];
}
*/
import "C"

import (
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device/cpu"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/cpu/vmath"
)

const haveC = true

// The layouts on both sides are the same.
var (
	_ [C.sizeof_ct_instr]byte    = [unsafe.Sizeof(instr{})]byte{}
	_ [C.sizeof_ct_access]byte   = [unsafe.Sizeof(tileAccess{})]byte{}
	_ [C.sizeof_ct_wrap]byte     = [unsafe.Sizeof(wrap{})]byte{}
	_ [C.sizeof_ct_constant]byte = [unsafe.Sizeof(constant{})]byte{}
	_ [C.sizeof_ct_reducer]byte  = [unsafe.Sizeof(reducer{})]byte{}
)

// engine is the instruction set in use, with its table of elementary functions.
type engine struct {
	isa   cpu.ISA
	vmath unsafe.Pointer
}

var current = newEngine(cpu.Detect())

func newEngine(isa cpu.ISA) engine {
	names := map[cpu.ISA]vmath.ISA{cpu.Baseline: vmath.Baseline, cpu.AVX2: vmath.AVX2, cpu.AVX512: vmath.AVX512, cpu.NEON: vmath.NEON}
	e := engine{isa, vmath.TablePtr(names[isa])}
	if e.vmath == nil { // on arm64 there is but one
		e.vmath = vmath.TablePtr(vmath.NEON)
	}
	return e
}

// cplan is a plan in C's memory, which lasts as long as it does.
type cplan struct {
	once sync.Once
	ptr  *C.ct_plan
}

// inC returns the plan as C reads it.
func (p *plan) inC() *C.ct_plan {
	p.c.once.Do(func() {
		p.c.ptr = p.copyToC()
		runtime.AddCleanup(p, func(c *C.ct_plan) { C.free(unsafe.Pointer(c)) }, p.c.ptr)
	})
	return p.c.ptr
}

// copyToC lays the plan out in one piece of C's memory.
func (p *plan) copyToC() *C.ct_plan {
	var counts, strides []int64
	for _, d := range p.dims {
		counts = append(counts, int64(d.count))
		for _, s := range d.stride {
			strides = append(strides, int64(s))
		}
	}
	size := int(C.sizeof_ct_plan)
	for _, code := range p.code {
		size += sizeOf(code)
	}
	size += sizeOf(counts) + sizeOf(strides) + sizeOf(p.access) + sizeOf(p.wraps) + sizeOf(p.tables) +
		sizeOf(p.consts) + sizeOf(p.reds) + sizeOf(p.slots)
	mem := C.malloc(C.size_t(size)) // C.malloc never returns nil
	c := (*C.ct_plan)(mem)
	*c = C.ct_plan{
		dims: C.int64_t(len(p.dims)), inner: C.int64_t(p.inner), accesses: C.int64_t(len(p.access)),
		values: C.int64_t(len(p.slots)), constants: C.int64_t(len(p.consts)), reducers: C.int64_t(len(p.reds)),
		rows: C.ct_span{C.int64_t(p.rows.dim), C.int64_t(p.rows.size), C.int64_t(p.rows.last)},
		cols: C.ct_span{C.int64_t(p.cols.dim), C.int64_t(p.cols.size), C.int64_t(p.cols.last)},
	}
	at := unsafe.Add(mem, C.sizeof_ct_plan)
	for i, code := range p.code {
		c.ncode[i] = C.int64_t(len(code))
		c.code[i] = (*C.ct_instr)(lay(&at, code))
	}
	c.counts = (*C.int64_t)(lay(&at, counts))
	c.strides = (*C.int64_t)(lay(&at, strides))
	c.access = (*C.ct_access)(lay(&at, p.access))
	c.wraps = (*C.ct_wrap)(lay(&at, p.wraps))
	c.tables = (*C.int64_t)(lay(&at, p.tables))
	c.consts = (*C.ct_constant)(lay(&at, p.consts))
	c.reds = (*C.ct_reducer)(lay(&at, p.reds))
	c.slots = (*C.int32_t)(lay(&at, p.slots))
	return c
}

func sizeOf[T any](s []T) int { return (len(s)*int(unsafe.Sizeof(*new(T))) + 7) &^ 7 }

// lay copies a slice to C's memory and returns where it is.
func lay[T any](at *unsafe.Pointer, s []T) unsafe.Pointer {
	p := *at
	copy(unsafe.Slice((*T)(p), len(s)), s)
	*at = unsafe.Add(p, sizeOf(s))
	return p
}

// crun is memory of C for one run: a ct_run with its addresses, then the state,
// then the scratch memory.
type crun struct {
	mem   unsafe.Pointer
	bytes int
}

var cruns sync.Pool

// takeRun returns a crun of so many bytes at least.
func takeRun(bytes int) *crun {
	if r, ok := cruns.Get().(*crun); ok && r.bytes >= bytes {
		return r
	}
	r := &crun{bytes: 1 << bits.Len(uint(bytes+minRun))}
	r.mem = C.malloc(C.size_t(r.bytes)) // C.malloc never returns nil
	runtime.AddCleanup(r, func(mem unsafe.Pointer) { C.free(mem) }, r.mem)
	return r
}

// minRun is the bytes that every crun has.
const minRun = 32 << 10

// runC runs tiles lo to hi-1, or steps of one tile, see ct_run.
func runC(p *plan, base []unsafe.Pointer, tile, lo, hi int, partial []uint64, cancel *atomic.Bool) error {
	head := aligned(int(C.sizeof_ct_run) + 8*len(base))
	state := aligned(8 * (len(p.slots) + len(p.access) + len(p.dims) + 2*len(p.reds)))
	r := takeRun(head + state + p.scratch + align)
	c := (*C.ct_run)(r.mem)
	c.vmath = (*C.ct_vmath_table)(current.vmath)
	c.tile, c.lo, c.hi = C.int64_t(tile), C.int64_t(lo), C.int64_t(hi)
	c.state = (*C.char)(unsafe.Add(r.mem, head))
	mem := unsafe.Add(r.mem, head+state)
	c.mem = (*C.char)(unsafe.Add(mem, -uintptr(mem)&(align-1)))
	// C gets addresses, not pointers: what they point to is C's, or pinned.
	addresses := unsafe.Slice((*uintptr)(unsafe.Add(r.mem, C.sizeof_ct_run)), len(base))
	for i, b := range base {
		addresses[i] = uintptr(b)
	}
	end := C.ct_tiles(C.int(current.isa), p.inC(), c, (*C.uint32_t)(unsafe.Pointer(cancel)), (*C.uint64_t)(unsafe.SliceData(partial)))
	f := fault{true, int64(c.fault_index), int64(c.fault_size)}
	cruns.Put(r)
	switch end {
	case C.CT_FAULT:
		return f.err(p.name)
	case C.CT_CANCELLED:
		return kernels.ErrCancelled
	}
	return nil
}

// runTiles does tiles lo to hi-1 of the result.
func runTiles(p *plan, base []unsafe.Pointer, lo, hi int, cancel *atomic.Bool) error {
	if p.inGo {
		return runTilesGo(p, base, lo, hi, cancel)
	}
	return runC(p, base, -1, lo, hi, nil, cancel)
}

// runFold reduces steps lo to hi-1 of a tile and writes what the reducers hold
// to partial.
func runFold(p *plan, base []unsafe.Pointer, tile, lo, hi int, partial []uint64, cancel *atomic.Bool) error {
	if p.inGo {
		return runFoldGo(p, base, tile, lo, hi, partial, cancel)
	}
	return runC(p, base, tile, lo, hi, partial, cancel)
}

// pins keeps arrays of Go's heap in place while C works on them.
type pins struct {
	pinner runtime.Pinner
	used   bool
}

func (s *pins) pin(p *plan, c *kernels.Call) {
	if p.inGo {
		return
	}
	for _, list := range [...][]*kernels.Array{c.In, c.Out} {
		for _, a := range list {
			if a.Buf == nil && a.Ptr != nil {
				s.pinner.Pin(a.Ptr)
				s.used = true
			}
		}
	}
}

func (s *pins) unpin() {
	if s.used {
		s.pinner.Unpin()
		s.used = false
	}
}

// opNames and elementaryNames are C's names of instructions and functions.
func opNames() (names []string) {
	for i := 0; C.ct_op_name(C.int(i)) != nil; i++ {
		names = append(names, C.GoString(C.ct_op_name(C.int(i))))
	}
	return names
}

func elementaryNames() (names []string) {
	for i := 0; C.ct_elementary_name(C.int(i)) != nil; i++ {
		names = append(names, C.GoString(C.ct_elementary_name(C.int(i))))
	}
	return names
}
