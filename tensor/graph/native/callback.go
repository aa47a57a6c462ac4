//go:build cgo

package native

// Calls of Go by compiled programs.

/*
#include <stdint.h>
extern int ct_host_grow(uintptr_t owner, int64_t stack, int64_t rows);
extern int ct_host_call(uintptr_t owner, int64_t call, char **arrays);
typedef int ct_hosted(void *run, long a, long b);
static int ct_call_hosted(uintptr_t f, void *run, long a, long b) { return ((ct_hosted *)f)(run, a, b); }
static uintptr_t ct_grow_entry(void) { return (uintptr_t)ct_host_grow; }
static uintptr_t ct_call_entry(void) { return (uintptr_t)ct_host_call; }
*/
import "C"

import "unsafe"

// callHosted is callEntry for code that may call back.
func callHosted(f uintptr, r *run, a, b int) int {
	return int(C.ct_call_hosted(C.uintptr_t(f), unsafe.Pointer(r), C.long(a), C.long(b)))
}

func hostEntries() (grow, call uintptr) {
	return uintptr(C.ct_grow_entry()), uintptr(C.ct_call_entry())
}

//export ct_host_grow
func ct_host_grow(owner C.uintptr_t, stack, rows C.int64_t) C.int {
	r := owners.of(uintptr(owner))
	return C.int(r.guard(func() error { return r.growStack(int(stack), int(rows)) }))
}

//export ct_host_call
func ct_host_call(owner C.uintptr_t, call C.int64_t, arrays **C.char) C.int {
	r := owners.of(uintptr(owner))
	x := &r.asked[call].call
	list := unsafe.Slice((*unsafe.Pointer)(unsafe.Pointer(arrays)), len(x.In)+len(x.Out))
	return C.int(r.guard(func() error { return r.callKernel(int(call), list) }))
}
