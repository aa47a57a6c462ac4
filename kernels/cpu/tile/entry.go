//go:build cgo

package tile

/*
#cgo CFLAGS: -std=c11 -O3 -g1
#include "tile.h"

static uintptr_t ct_entry_of(int isa) {
#if defined(__x86_64__)
	if (isa == 1) return (uintptr_t)ct_tiles_avx2;
	if (isa == 2) return (uintptr_t)ct_tiles_avx512;
#endif
	return (uintptr_t)ct_tiles_baseline;
}

static uintptr_t ct_sparse_of(int isa) {
#if defined(__x86_64__)
	if (isa == 1) return (uintptr_t)ct_sparse_avx2;
	if (isa == 2) return (uintptr_t)ct_sparse_avx512;
#endif
	return (uintptr_t)ct_sparse_baseline;
}

static uintptr_t ct_sampled_of(int isa) {
#if defined(__x86_64__)
	if (isa == 1) return (uintptr_t)ct_sampled_avx2;
	if (isa == 2) return (uintptr_t)ct_sampled_avx512;
#endif
	return (uintptr_t)ct_sampled_baseline;
}
*/
import "C"

// Entry returns the address of the executor (a ct_entry of tile.h) for an instruction
// set, numbered as package device/cpu numbers them.
func Entry(isa int) uintptr { return uintptr(C.ct_entry_of(C.int(isa))) }

// Sparse returns the address of the products with sparse matrices (a ct_sparse_entry of
// tile.h) for an instruction set.
func Sparse(isa int) uintptr { return uintptr(C.ct_sparse_of(C.int(isa))) }

// Sampled returns the address of the inner products at the entries of sparse matrices (a
// ct_sampled_entry of tile.h) for an instruction set.
func Sampled(isa int) uintptr { return uintptr(C.ct_sampled_of(C.int(isa))) }
