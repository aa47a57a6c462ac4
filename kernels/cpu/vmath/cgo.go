//go:build cgo

package vmath

/*
#cgo CFLAGS: -std=c11 -O3 -g1
#cgo LDFLAGS: -lm
#cgo noescape ct_unary_f64
#cgo nocallback ct_unary_f64
#cgo noescape ct_unary_f32
#cgo nocallback ct_unary_f32
#cgo noescape ct_binary_f64
#cgo nocallback ct_binary_f64
#cgo noescape ct_binary_f32
#cgo nocallback ct_binary_f32
#cgo noescape ct_polygamma_f64
#cgo nocallback ct_polygamma_f64
#cgo noescape ct_polygamma_f32
#cgo nocallback ct_polygamma_f32
#include "vmath_table.h"

// The table of an instruction set, numbered as ISA is; null where this architecture has none.
static const ct_vmath_table *ct_table(int isa) {
	static const ct_vmath_table *const tables[] = {
#if defined(__x86_64__)
		0, &ct_vmath_baseline, &ct_vmath_avx2, &ct_vmath_avx512, 0
#elif defined(__aarch64__)
		0, 0, 0, 0, &ct_vmath_neon
#else
		0, &ct_vmath_baseline, 0, 0, 0
#endif
	};
	return tables[isa];
}

// The names of the functions in the order of the table, null after the last.
static const char *ct_unary_name(int i) {
#define CT_X(name, kind) #name,
	static const char *const names[] = {CT_VMATH_UNARY(CT_X) 0};
#undef CT_X
	return names[i];
}
static const char *ct_binary_name(int i) {
#define CT_X(name) #name,
	static const char *const names[] = {CT_VMATH_BINARY(CT_X) 0};
#undef CT_X
	return names[i];
}

#define CT_X(name, kind) U_##name,
enum { CT_VMATH_UNARY(CT_X) };
#undef CT_X
#define CT_X(name) B_##name,
enum { CT_VMATH_BINARY(CT_X) };
#undef CT_X

#define CT_X(name, kind) case U_##name: t->name##_f64(n, y, x); return;
static void ct_unary_f64(const ct_vmath_table *t, int f, long n, double *y, const double *x) {
	switch (f) { CT_VMATH_UNARY(CT_X) }
}
#undef CT_X
#define CT_X(name, kind) case U_##name: t->name##_f32(n, y, x); return;
static void ct_unary_f32(const ct_vmath_table *t, int f, long n, float *y, const float *x) {
	switch (f) { CT_VMATH_UNARY(CT_X) }
}
#undef CT_X
#define CT_X(name) case B_##name: t->name##_f64(n, z, x, y); return;
static void ct_binary_f64(const ct_vmath_table *t, int f, long n, double *z, const double *x, const double *y) {
	switch (f) { CT_VMATH_BINARY(CT_X) }
}
#undef CT_X
#define CT_X(name) case B_##name: t->name##_f32(n, z, x, y); return;
static void ct_binary_f32(const ct_vmath_table *t, int f, long n, float *z, const float *x, const float *y) {
	switch (f) { CT_VMATH_BINARY(CT_X) }
}
#undef CT_X
static void ct_polygamma_f64(const ct_vmath_table *t, long n, double *y, long order, const double *x) { t->polygamma_f64(n, y, order, x); }
static void ct_polygamma_f32(const ct_vmath_table *t, long n, float *y, long order, const float *x) { t->polygamma_f32(n, y, order, x); }
*/
import "C"

import (
	"runtime"
	"unsafe"

	"github.com/klauspost/cpuid/v2"
)

var tables = func() (t [len(isaNames)]unsafe.Pointer) {
	for i := range t {
		t[i] = unsafe.Pointer(C.ct_table(C.int(i)))
	}
	return t
}()

// TablePtr returns the address of the C table (a const ct_vmath_table of vmath_table.h) of isa, nil if this build has
// none. Its functions may be called only where ISAs lists isa.
func TablePtr(isa ISA) unsafe.Pointer {
	if int(isa) >= len(tables) {
		return nil
	}
	return tables[isa]
}

// ISAs lists what this build and this machine can run, Go first, the widest last.
func ISAs() []ISA {
	isas := []ISA{Go}
	if TablePtr(Baseline) != nil {
		isas = append(isas, Baseline)
	}
	if runtime.GOARCH == "arm64" {
		isas = append(isas, NEON)
	}
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3) {
		isas = append(isas, AVX2)
		if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512DQ, cpuid.AVX512BW, cpuid.AVX512VL) {
			isas = append(isas, AVX512)
		}
	}
	return isas
}

// tableNames gives the functions of the C tables in their order.
func tableNames() (unary, binary []string) {
	for i := 0; C.ct_unary_name(C.int(i)) != nil; i++ {
		unary = append(unary, C.GoString(C.ct_unary_name(C.int(i))))
	}
	for i := 0; C.ct_binary_name(C.int(i)) != nil; i++ {
		binary = append(binary, C.GoString(C.ct_binary_name(C.int(i))))
	}
	return unary, binary
}

func (f *Unary) map64C(isa ISA, y, x []float64) {
	C.ct_unary_f64((*C.ct_vmath_table)(tables[isa]), C.int(f.id), C.long(len(x)), (*C.double)(&y[0]), (*C.double)(&x[0]))
}

func (f *Unary) map32C(isa ISA, y, x []float32) {
	C.ct_unary_f32((*C.ct_vmath_table)(tables[isa]), C.int(f.id), C.long(len(x)), (*C.float)(&y[0]), (*C.float)(&x[0]))
}

func (f *Binary) map64C(isa ISA, z, x, y []float64) {
	C.ct_binary_f64((*C.ct_vmath_table)(tables[isa]), C.int(f.id), C.long(len(x)), (*C.double)(&z[0]), (*C.double)(&x[0]), (*C.double)(&y[0]))
}

func (f *Binary) map32C(isa ISA, z, x, y []float32) {
	C.ct_binary_f32((*C.ct_vmath_table)(tables[isa]), C.int(f.id), C.long(len(x)), (*C.float)(&z[0]), (*C.float)(&x[0]), (*C.float)(&y[0]))
}

func polygamma64C(isa ISA, y []float64, n int, x []float64) {
	C.ct_polygamma_f64((*C.ct_vmath_table)(tables[isa]), C.long(len(x)), (*C.double)(&y[0]), C.long(n), (*C.double)(&x[0]))
}

func polygamma32C(isa ISA, y []float32, n int, x []float32) {
	C.ct_polygamma_f32((*C.ct_vmath_table)(tables[isa]), C.long(len(x)), (*C.float)(&y[0]), C.long(n), (*C.float)(&x[0]))
}
