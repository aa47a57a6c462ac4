//go:build cgo

package cpu

// Products with sparse matrices in C.

/*
#cgo noescape ct_sparse_rows
#cgo nocallback ct_sparse_rows
#include "tile/tile.h"

static int ct_sparse_rows(uintptr_t entry, int wide, int doubles, int64_t lo, int64_t hi, int64_t *fault, const char *start,
		const char *at, const char *places, const char *values, const char *x, char *y, int64_t rows, int64_t width, int64_t entries) {
	const ct_sparse s = {start, at, places, values, x, y, rows, width, entries};
	return ((ct_sparse_entry *)entry)(&s, wide, doubles, lo, hi, fault);
}

#cgo noescape ct_sampled_entries
#cgo nocallback ct_sampled_entries
static int ct_sampled_entries(uintptr_t entry, int wide, int doubles, int64_t lo, int64_t hi, int64_t *fault, const char *row, const char *col,
		const char *a, const char *b, char *y, int64_t rows, int64_t cols, int64_t width, int64_t entries) {
	const ct_sampled s = {row, col, a, b, y, rows, cols, width, entries};
	return ((ct_sampled_entry *)entry)(&s, wide, doubles, lo, hi, fault);
}
*/
import "C"

import (
	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/cpu/tile"
)

var (
	sparseEntry  = C.uintptr_t(tile.Sparse(int(cpu.Detect())))
	sampledEntry = C.uintptr_t(tile.Sampled(int(cpu.Detect())))
)

// sparseRows computes rows lo to hi-1 of a product.
func (k *sparse) sparseRows(s *sparseCall, lo, hi int) error {
	var fault [2]C.int64_t
	end := C.ct_sparse_rows(sparseEntry, flagOf(k.index == device.Int64), flagOf(k.float == device.Float64), C.int64_t(lo), C.int64_t(hi), &fault[0],
		(*C.char)(s.start), (*C.char)(s.at), (*C.char)(s.entry), (*C.char)(s.values), (*C.char)(s.x), (*C.char)(s.y), C.int64_t(k.meets), C.int64_t(k.width), C.int64_t(k.entries))
	if end != C.CT_DONE {
		return &kernels.IndexError{Op: k.name, Index: int64(fault[0]), Size: int(fault[1])}
	}
	return nil
}

// entriesOf computes entries lo to hi-1 of a sampled product.
func (k *sampled) entriesOf(s *sampledCall, lo, hi int) error {
	var fault [2]C.int64_t
	end := C.ct_sampled_entries(sampledEntry, flagOf(k.index == device.Int64), flagOf(k.float == device.Float64), C.int64_t(lo), C.int64_t(hi), &fault[0],
		(*C.char)(s.row), (*C.char)(s.col), (*C.char)(s.a), (*C.char)(s.b), (*C.char)(s.y), C.int64_t(k.rows), C.int64_t(k.cols), C.int64_t(k.width), C.int64_t(k.entries))
	if end != C.CT_DONE {
		return &kernels.IndexError{Op: k.name, Index: int64(fault[0]), Size: int(fault[1])}
	}
	return nil
}

func flagOf(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
