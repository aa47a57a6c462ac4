//go:build cgo

package cpu

// Runs of tile code in C: one call a part.

/*
#cgo CFLAGS: -std=c11 -O3
#cgo noescape ct_tiles
#cgo nocallback ct_tiles
#cgo noescape ct_tiles_many
#cgo nocallback ct_tiles_many
#cgo noescape ct_tiles_most
#cgo nocallback ct_tiles_most
#cgo noescape ct_tiles_at
#cgo nocallback ct_tiles_at
#include <stdlib.h>
#include "tile/tile.h"

// ct_tiles_on_stack is apart so that its memory is touched only where it is used.
static __attribute__((noinline)) int ct_tiles_on_stack(ct_entry *entry, const ct_plan *plan, ct_run *r, int64_t *fault) {
	_Alignas(64) char mem[CT_STACK];
	r->mem = mem;
	int end = entry(plan, r);
	fault[0] = r->fault_index, fault[1] = r->fault_size;
	return end;
}

// What is Go's is passed as a pointer of its own, which keeps it in place; plan, entry and table are C's. Scratch memory
// is on the stack, or given where there is not enough.
typedef struct {
	uintptr_t entry, plan, table, scratch;
	int64_t tile, lo, hi;
} ct_call;

static int ct_begin(ct_call c, const uint32_t *cancel, uint64_t *partial, int64_t *fault, char *const *base) {
	ct_run r = {.vmath = (const ct_vmath_table *)c.table, .tile = c.tile, .lo = c.lo, .hi = c.hi, .cancel = cancel,
		.partial = partial, .base = base};
	if (c.scratch) {
		r.mem = (char *)c.scratch;
		int end = ((ct_entry *)c.entry)((const ct_plan *)c.plan, &r);
		fault[0] = r.fault_index, fault[1] = r.fault_size;
		return end;
	}
	return ct_tiles_on_stack((ct_entry *)c.entry, (const ct_plan *)c.plan, &r, fault);
}

// ct_tiles runs a plan on 8 arrays at most, ct_tiles_many and ct_tiles_most on more, ct_tiles_at on those at some addresses.
static int ct_tiles(ct_call c, const uint32_t *cancel, uint64_t *partial, int64_t *fault,
		char *a0, char *a1, char *a2, char *a3, char *a4, char *a5, char *a6, char *a7) {
	char *base[] = {a0, a1, a2, a3, a4, a5, a6, a7};
	return ct_begin(c, cancel, partial, fault, base);
}
typedef struct { char *a[40]; } ct_many;
static int ct_tiles_many(ct_call c, const uint32_t *cancel, uint64_t *partial, int64_t *fault, ct_many many) {
	return ct_begin(c, cancel, partial, fault, many.a);
}
typedef struct { char *a[128]; } ct_most;
static int ct_tiles_most(ct_call c, const uint32_t *cancel, uint64_t *partial, int64_t *fault, ct_most most) {
	return ct_begin(c, cancel, partial, fault, most.a);
}
static int ct_tiles_at(ct_call c, const uint32_t *cancel, uint64_t *partial, int64_t *fault, const uintptr_t *base) {
	return ct_begin(c, cancel, partial, fault, (char *const *)base);
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
	"github.com/cotangent-ad/cotangent/kernels/cpu/tile"
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

// engine is the instruction set in use: its entry, and its table of elementary
// functions.
type engine struct{ entry, vmath C.uintptr_t }

var current = newEngine(cpu.Detect())

func newEngine(isa cpu.ISA) engine {
	names := map[cpu.ISA]vmath.ISA{cpu.Baseline: vmath.Baseline, cpu.AVX2: vmath.AVX2, cpu.AVX512: vmath.AVX512, cpu.NEON: vmath.NEON}
	table := vmath.TablePtr(names[isa])
	if table == nil { // on arm64 there is but one
		table = vmath.TablePtr(vmath.NEON)
	}
	return engine{C.uintptr_t(tile.Entry(int(isa))), C.uintptr_t(uintptr(table))}
}

// cplan is a plan in C's memory, which lasts as long as it does.
type cplan struct {
	once sync.Once
	ptr  C.uintptr_t
}

// inC returns the plan as C reads it.
func (p *plan) inC() C.uintptr_t {
	p.c.once.Do(func() {
		c := p.copyToC()
		p.c.ptr = C.uintptr_t(uintptr(unsafe.Pointer(c)))
		runtime.AddCleanup(p, func(c *C.ct_plan) { C.free(unsafe.Pointer(c)) }, c)
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
		values: C.int64_t(len(p.slots)), constants: C.int64_t(len(p.consts)), reducers: C.int64_t(len(p.reds)), scratch: C.int64_t(p.scratch),
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

// scratch is memory of C.
type scratch struct {
	mem   unsafe.Pointer
	bytes int
}

var scratches sync.Pool

// takeScratch returns scratch memory of so many bytes at least.
func takeScratch(bytes int) *scratch {
	if s, ok := scratches.Get().(*scratch); ok && s.bytes >= bytes {
		return s
	}
	s := &scratch{bytes: 1 << bits.Len(uint(bytes))}
	s.mem = C.malloc(C.size_t(s.bytes)) // C.malloc never returns nil
	runtime.AddCleanup(s, func(mem unsafe.Pointer) { C.free(mem) }, s.mem)
	return s
}

// few, many and most are the numbers of arrays that C gets as arguments: each passed in
// as little as holds them, for they are copied.
const (
	few  = 8
	many = 40
	most = 128
)

var (
	_ [C.sizeof_ct_many]byte = [many * 8]byte{}
	_ [C.sizeof_ct_most]byte = [most * 8]byte{}
)

// addresses is a list of them for C.
type addresses struct{ of []C.uintptr_t }

var addressLists = sync.Pool{New: func() any { return new(addresses) }}

// runC runs tiles lo to hi-1, or steps of one tile, see ct_run.
func runC(p *plan, base []unsafe.Pointer, tile, lo, hi int, partial []uint64, cancel *atomic.Bool) error {
	call := C.ct_call{
		entry: current.entry, plan: p.inC(), table: current.vmath,
		tile: C.int64_t(tile), lo: C.int64_t(lo), hi: C.int64_t(hi),
	}
	if bytes := p.room(); bytes > C.CT_STACK {
		s := takeScratch(bytes + align)
		defer scratches.Put(s)
		call.scratch = C.uintptr_t(aligned(int(uintptr(s.mem))))
	}
	var fault [2]C.int64_t
	var end C.int
	flag, part := (*C.uint32_t)(unsafe.Pointer(cancel)), (*C.uint64_t)(unsafe.SliceData(partial))
	switch n := len(base); {
	case n <= few:
		var a [few]*C.char
		for i, b := range base {
			a[i] = (*C.char)(b)
		}
		end = C.ct_tiles(call, flag, part, &fault[0], a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7])
	case n <= many:
		var m C.ct_many
		for i, b := range base {
			m.a[i] = (*C.char)(b)
		}
		end = C.ct_tiles_many(call, flag, part, &fault[0], m)
	case n <= most:
		var m C.ct_most
		for i, b := range base {
			m.a[i] = (*C.char)(b)
		}
		end = C.ct_tiles_most(call, flag, part, &fault[0], m)
	default:
		// Addresses, not pointers: what is Go's of these has been pinned.
		list := addressLists.Get().(*addresses)
		defer addressLists.Put(list)
		list.of = grown(list.of, n)
		for i, b := range base {
			list.of[i] = C.uintptr_t(uintptr(b))
		}
		end = C.ct_tiles_at(call, flag, part, &fault[0], &list.of[0])
	}
	switch end {
	case C.CT_FAULT:
		return &kernels.IndexError{Op: p.name, Index: int64(fault[0]), Size: int(fault[1])}
	case C.CT_CANCELLED:
		return kernels.ErrCancelled
	}
	return nil
}

// room returns the bytes that a run takes in C: the plan's scratch memory and
// the run's state behind it.
func (p *plan) room() int {
	return p.scratch + 8*(len(p.slots)+len(p.access)+len(p.dims)+2*len(p.reds))
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

// pins keeps arrays of Go's heap in place where C gets more of them than it has
// arguments.
type pins struct {
	pinner runtime.Pinner
	used   bool
}

func (s *pins) pin(p *plan, base []unsafe.Pointer) {
	if p.inGo || len(base) <= most {
		return
	}
	for _, b := range base {
		if b != nil {
			s.pinner.Pin(b)
			s.used = true
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
