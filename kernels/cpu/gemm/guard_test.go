//go:build unix

package gemm

// No byte beyond the matrices is touched: they lie at the ends of pages behind
// and before which nothing may be read.

import (
	"syscall"
	"testing"
	"unsafe"
)

// fenced returns room for a matrix of n elements that ends (atEnd) or begins
// next to forbidden memory.
func fenced[T float](t *testing.T, n int, atEnd bool) []T {
	t.Helper()
	var zero T
	page, bytes := syscall.Getpagesize(), n*int(unsafe.Sizeof(zero))
	inner := roundUp(bytes, page)
	m, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	for _, fence := range [][]byte{m[:page], m[page+inner:]} {
		if err := syscall.Mprotect(fence, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	at := page
	if atEnd {
		at = page + inner - bytes
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&m[at])), n)
}

func testFences[T float](t *testing.T, e *Engine) {
	for _, atEnd := range []bool{true, false} {
		for _, s := range sizes {
			eachLayout(func(ta, tb bool) {
				f := newFixture[T](ta, tb, 1, s[0], s[1], s[2], 0, 1, 0.5)
				a, b, c := fenced[T](t, s[0]*s[2], atEnd), fenced[T](t, s[2]*s[1], atEnd), fenced[T](t, s[0]*s[1], atEnd)
				copy(a, f.a)
				copy(b, f.b)
				copy(c, f.c)
				p := f.product
				p.a, p.b, p.c = unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&c[0])
				e.compute(&p)
				f.check(t, c, slack(s[2]))
			})
		}
	}
}

func TestFences(t *testing.T) {
	eachEngine(t, 1, func(t *testing.T, _ engineCase, e *Engine) {
		testFences[float64](t, e)
		testFences[float32](t, e)
	})
}
