//go:build cgo && unix

package gemm

// BLAS libraries of the machine, loaded at run time.

// #cgo linux LDFLAGS: -ldl
// #cgo noescape cotangent_blas_f64
// #cgo noescape cotangent_blas_f32
// #cgo nocallback cotangent_blas_f64
// #cgo nocallback cotangent_blas_f32
// #include <stdlib.h>
// #include "blas.h"
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"unsafe"
)

// library is a BLAS library. It stays loaded.
type library struct {
	file string
	c    C.cotangent_blas
	gate chan struct{} // bounds the calls under way: a library's buffers are limited
}

// loaded are the libraries, or why there is none, by the names they were asked by.
var loaded = struct {
	sync.Mutex
	by map[string]attempt
}{by: map[string]attempt{}}

type attempt struct {
	lib *library
	why string
}

// openLibrary loads the library of a name or path; if it cannot, it says why.
func openLibrary(file string) (lib *library, why string) {
	loaded.Lock()
	defer loaded.Unlock()
	a, ok := loaded.by[file]
	if !ok {
		a.lib, a.why = load(file)
		loaded.by[file] = a
	}
	return a.lib, a.why
}

// maxCalls bounds the calls of a library under way; OpenBLAS ends the process
// when it runs out of buffers, of which it has at least 50.
const maxCalls = 32

func load(file string) (*library, string) {
	lib := &library{file: file, gate: make(chan struct{}, min(maxCalls, 2*runtime.GOMAXPROCS(0)))}
	name := C.CString(file)
	defer C.free(unsafe.Pointer(name))
	switch C.cotangent_blas_open(name, &lib.c) {
	case C.BLAS_NOT_LOADED:
		return nil, C.GoString(&lib.c.version[0])
	case C.BLAS_NO_CBLAS:
		return nil, file + " has no cblas_dgemm and cblas_sgemm"
	}
	if !lib.works() {
		return nil, file + " multiplies wrongly"
	}
	return lib, ""
}

// works tries the library on a product with sizes that all differ, as a
// library whose integers are other than we believe would fail on.
func (l *library) works() bool {
	const m, n, k = 3, 4, 5
	a, b := make([]float64, m*k), make([]float64, k*n)
	for i := range a {
		a[i] = float64(i + 1)
	}
	for i := range b {
		b[i] = float64(i - 7)
	}
	got, want := make([]float64, m*n), make([]float64, m*n)
	p := product{size: 8, count: 1, m: m, n: n, k: k, alpha: 1, lda: k, ldb: n, ldc: n,
		a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&b[0]), c: unsafe.Pointer(&got[0])}
	l.run(&p)
	p.c = unsafe.Pointer(&want[0])
	p.plain()
	for i := range got {
		if got[i] != want[i] {
			return false
		}
	}
	return true
}

func (l *library) name() string {
	return fmt.Sprintf("%s %s (%s)", C.GoString(&l.c.title[0]), C.GoString(&l.c.version[0]), l.file)
}

// run computes p on this thread.
func (l *library) run(p *product) {
	l.gate <- struct{}{}
	if p.size == 8 {
		C.cotangent_blas_f64(&l.c, C.int64_t(p.count), C.int64_t(p.sa), C.int64_t(p.sb), C.int64_t(p.sc),
			flag(p.ta), flag(p.tb), C.int64_t(p.m), C.int64_t(p.n), C.int64_t(p.k), C.double(p.alpha),
			(*C.double)(p.a), C.int64_t(p.lda), (*C.double)(p.b), C.int64_t(p.ldb), C.double(p.beta),
			(*C.double)(p.c), C.int64_t(p.ldc))
	} else {
		C.cotangent_blas_f32(&l.c, C.int64_t(p.count), C.int64_t(p.sa), C.int64_t(p.sb), C.int64_t(p.sc),
			flag(p.ta), flag(p.tb), C.int64_t(p.m), C.int64_t(p.n), C.int64_t(p.k), C.float(p.alpha),
			(*C.float)(p.a), C.int64_t(p.lda), (*C.float)(p.b), C.int64_t(p.ldb), C.float(p.beta),
			(*C.float)(p.c), C.int64_t(p.ldc))
	}
	<-l.gate
}
