//go:build cgo && unix

package gemm

// What is special of libraries.

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device/cpu"
)

// A library computes products of all sizes rightly, also those that engines do
// not give it.
func TestLibraries(t *testing.T) {
	found := false
	for _, c := range engineCases() {
		e := c.open(t, 1)
		if e.library == nil {
			continue
		}
		found = true
		t.Run(e.Name(), func(t *testing.T) {
			for i, s := range sizes {
				eachLayout(func(ta, tb bool) {
					direct(t, e.library, newFixture(ta, tb, 1+i%2, s[0], s[1], s[2], i%3, 0.5, float64(i%3)))
					direct(t, e.library, newFixture(ta, tb, 1+i%2, s[0], s[1], s[2], i%3, float32(0.5), float32(i%3)))
				})
			}
		})
	}
	if !found {
		t.Skip("this machine has no BLAS library")
	}
}

func direct[T float](t *testing.T, l *library, f *fixture[T]) {
	c := append([]T(nil), f.c...)
	p := f.product
	p.a, p.b, p.c = unsafe.Pointer(&f.a[0]), unsafe.Pointer(&f.b[0]), unsafe.Pointer(&c[0])
	l.run(&p)
	f.check(t, c, slack(f.k))
}

// A file that is no BLAS is refused, and says why.
func TestNotBLAS(t *testing.T) {
	for _, w := range []struct{ file, why string }{
		{"libm.so.6", "has no cblas_dgemm"},
		{"libcotangent-none.so", "libcotangent-none.so"},
	} {
		if _, err := Open(w.file, cpu.Available()[0], nil); err == nil || !strings.Contains(err.Error(), w.why) {
			t.Errorf("%s: %v, want an error with %q", w.file, err, w.why)
		}
	}
}
