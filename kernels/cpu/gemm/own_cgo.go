//go:build cgo

package gemm

// Our own kernels, in C.

// #cgo CFLAGS: -std=c11 -O3 -g1
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

// sets are the kernels for the instruction sets. Those for AVX-512 and AVX2 were
// measured to be as fast as OpenBLAS's and share out finer, so a library gets
// only what makes many tiles.
var sets = map[cpu.ISA]kernels{
	cpu.Baseline: {C.GEMM_BASELINE, "own baseline kernel", 1},
	cpu.AVX2:     {C.GEMM_AVX2, "own AVX2 kernel", 8},
	cpu.AVX512:   {C.GEMM_AVX512, "own AVX-512 kernel", 8},
	cpu.NEON:     {C.GEMM_NEON, "own NEON kernel", 1},
}

// ownKernels returns the kernels for isa; ok says that they are compiled in.
func ownKernels(isa cpu.ISA) (k kernels, ok bool) {
	k, ok = sets[isa]
	return k, ok && C.cotangent_gemm_has(C.int(k.set)) != 0
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
