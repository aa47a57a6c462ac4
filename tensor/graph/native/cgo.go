//go:build cgo

package native

// Calls of compiled programs.

/*
#include <stdint.h>
typedef int ct_range(void *run, long a, long b);
typedef int ct_part(void *run, long step, long a, long b);
#cgo nocallback ct_call_range
#cgo nocallback ct_call_part
static int ct_call_range(uintptr_t f, uintptr_t run, long a, long b) { return ((ct_range *)f)((void *)run, a, b); }
static int ct_call_part(uintptr_t f, uintptr_t run, long step, long a, long b) { return ((ct_part *)f)((void *)run, step, a, b); }
*/
import "C"

import "unsafe"

// A run is given as a number, since there is nothing in it to be checked. It lies on
// the heap, and its Runner holds it.

func callEntry(f uintptr, r *run, a, b int) int {
	return int(C.ct_call_range(C.uintptr_t(f), C.uintptr_t(uintptr(unsafe.Pointer(r))), C.long(a), C.long(b)))
}

func callItems(f uintptr, r *run, step, a, b int) int {
	return int(C.ct_call_part(C.uintptr_t(f), C.uintptr_t(uintptr(unsafe.Pointer(r))), C.long(step), C.long(a), C.long(b)))
}
