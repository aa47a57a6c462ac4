//go:build cgo

package gemm

// Our own kernels, in C.

// #cgo CFLAGS: -std=c11 -O3
// #cgo noescape cotangent_gemm_f64
// #cgo noescape cotangent_gemm_f32
// #cgo noescape cotangent_gemm_tiny_f64
// #cgo noescape cotangent_gemm_tiny_f32
// #cgo nocallback cotangent_gemm_f64
// #cgo nocallback cotangent_gemm_f32
// #cgo nocallback cotangent_gemm_tiny_f64
// #cgo nocallback cotangent_gemm_tiny_f32
// #include "gemm.h"
import "C"

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/device/cpu"
)

const (
	workBytes   = C.GEMM_WORK
	smallWork   = C.GEMM_SMALL
	smallMargin = 16
)

// sets are the instruction sets of kernels and their names.
var sets = map[cpu.ISA]struct {
	set  C.int
	name string
}{
	cpu.Baseline: {C.GEMM_BASELINE, "baseline"},
	cpu.AVX2:     {C.GEMM_AVX2, "AVX2"},
	cpu.AVX512:   {C.GEMM_AVX512, "AVX-512"},
	cpu.NEON:     {C.GEMM_NEON, "NEON"},
}

// ownSet returns the number by which C knows the kernels for isa, and who they
// are. ok says that they are compiled in.
func ownSet(isa cpu.ISA) (set int, name string, ok bool) {
	s, ok := sets[isa]
	ok = ok && C.cotangent_gemm_has(s.set) != 0
	return int(s.set), "own " + s.name + " kernel", ok
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// runOwn computes p on this thread with the kernels of set. work is scratch
// memory, or nil for a small product.
func runOwn(set int, p *product, work unsafe.Pointer) {
	if p.size == 8 {
		C.cotangent_gemm_f64(C.int(set), C.int64_t(p.count), C.int64_t(p.sa), C.int64_t(p.sb), C.int64_t(p.sc),
			flag(p.ta), flag(p.tb), C.int64_t(p.m), C.int64_t(p.n), C.int64_t(p.k), C.double(p.alpha),
			(*C.double)(p.a), C.int64_t(p.lda), (*C.double)(p.b), C.int64_t(p.ldb), C.double(p.beta),
			(*C.double)(p.c), C.int64_t(p.ldc), work)
		return
	}
	C.cotangent_gemm_f32(C.int(set), C.int64_t(p.count), C.int64_t(p.sa), C.int64_t(p.sb), C.int64_t(p.sc),
		flag(p.ta), flag(p.tb), C.int64_t(p.m), C.int64_t(p.n), C.int64_t(p.k), C.float(p.alpha),
		(*C.float)(p.a), C.int64_t(p.lda), (*C.float)(p.b), C.int64_t(p.ldb), C.float(p.beta),
		(*C.float)(p.c), C.int64_t(p.ldc), work)
}

// runTiny computes what plain computes.
func runTiny(p *product) {
	if p.size == 8 {
		C.cotangent_gemm_tiny_f64(C.int64_t(p.count), C.int64_t(p.sa), C.int64_t(p.sb), C.int64_t(p.sc),
			flag(p.ta), flag(p.tb), C.int64_t(p.m), C.int64_t(p.n), C.int64_t(p.k), C.double(p.alpha),
			(*C.double)(p.a), C.int64_t(p.lda), (*C.double)(p.b), C.int64_t(p.ldb), C.double(p.beta),
			(*C.double)(p.c), C.int64_t(p.ldc))
		return
	}
	C.cotangent_gemm_tiny_f32(C.int64_t(p.count), C.int64_t(p.sa), C.int64_t(p.sb), C.int64_t(p.sc),
		flag(p.ta), flag(p.tb), C.int64_t(p.m), C.int64_t(p.n), C.int64_t(p.k), C.float(p.alpha),
		(*C.float)(p.a), C.int64_t(p.lda), (*C.float)(p.b), C.int64_t(p.ldb), C.float(p.beta),
		(*C.float)(p.c), C.int64_t(p.ldc))
}
