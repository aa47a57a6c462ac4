//go:build cgo

package native

// Calls of compiled programs.

/*
#include <stdint.h>
typedef int ct_range(void *run, long a, long b);
typedef int ct_part(void *run, long step, long a, long b);
#cgo noescape ct_call_range
#cgo nocallback ct_call_range
#cgo noescape ct_call_part
#cgo nocallback ct_call_part
static int ct_call_range(uintptr_t f, void *run, long a, long b) { return ((ct_range *)f)(run, a, b); }
static int ct_call_part(uintptr_t f, void *run, long step, long a, long b) { return ((ct_part *)f)(run, step, a, b); }
*/
import "C"

import "unsafe"

func callEntry(f uintptr, r *run, a, b int) int {
	return int(C.ct_call_range(C.uintptr_t(f), unsafe.Pointer(r), C.long(a), C.long(b)))
}

func callItems(f uintptr, r *run, step, a, b int) int {
	return int(C.ct_call_part(C.uintptr_t(f), unsafe.Pointer(r), C.long(step), C.long(a), C.long(b)))
}
