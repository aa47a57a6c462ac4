//go:build cgo && unix

package device

// Host memory from C: small blocks from the C library, large ones mapped on
// huge pages, because most of a fresh large block's cost is its page faults.

/*
#cgo CFLAGS: -std=c11 -O3
#define _DEFAULT_SOURCE
#define _POSIX_C_SOURCE 200112L
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	HUGE_PAGE = 2 << 20, // where mapped memory begins, and the least that is mapped
	PAGES = 64 << 10     // a multiple of every machine's ordinary page
};

// ct_pages rounds up to whole pages.
static size_t ct_pages(size_t n) { return (n + PAGES - 1) / PAGES * PAGES; }

// ct_map maps n bytes at a multiple of the huge page's size: it maps more and
// gives back what lies outside.
static void *ct_map(size_t n) {
	n = ct_pages(n);
	size_t m = n + HUGE_PAGE;
	char *p = mmap(NULL, m, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) return NULL;
	size_t before = -(uintptr_t)p % HUGE_PAGE, behind = HUGE_PAGE - before;
	if (before) munmap(p, before);
	if (behind) munmap(p + before + n, behind);
#ifdef MADV_HUGEPAGE
	madvise(p + before, n, MADV_HUGEPAGE); // a hint: without it the pages are small
#endif
	return p + before;
}

static void *ct_take(size_t n, size_t align) {
	if (n >= HUGE_PAGE) return ct_map(n);
	void *p = NULL;
	return posix_memalign(&p, align, n) ? NULL : p;
}

static void ct_give(void *p, size_t n) {
	if (n >= HUGE_PAGE) munmap(p, ct_pages(n));
	else free(p);
}
*/
import "C"

import (
	"syscall"
	"unsafe"
)

// onHeap tells whether what pools have is part of Go's heap.
const onHeap = false

func (hostMemory) Take(bytes int) (unsafe.Pointer, error) {
	p := C.ct_take(C.size_t(bytes), align)
	if p == nil {
		return nil, syscall.ENOMEM
	}
	return p, nil
}

func (hostMemory) Give(p unsafe.Pointer, bytes int) { C.ct_give(p, C.size_t(bytes)) }
