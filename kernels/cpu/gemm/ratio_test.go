//go:build cgo && unix

package gemm

// The engines against the machine's library, each time in the same run.

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
)

// BenchmarkRatio times the products of float64 of order n in turn by an engine and
// by one call of the machine's library on one thread, and reports the engine's
// rate as a fraction of the library's: at best 1 with one worker.
func BenchmarkRatio(b *testing.B) {
	lib := firstLibrary()
	if lib == nil {
		b.Skip("this machine has no BLAS library")
	}
	b.Log("against", lib.name())
	for _, name := range []string{"auto", "own"} {
		for _, workers := range []int{1, 2} {
			w := device.NewWorkers(workers)
			e, err := Open(name, cpu.Detect(), w)
			if err != nil {
				b.Fatal(err)
			}
			for _, n := range []int{256, 1024, 2048} {
				eachLayout(func(ta, tb bool) {
					b.Run(fmt.Sprintf("engine=%s/workers=%d/%d%s", name, workers, n, layout(ta, tb)), func(b *testing.B) {
						f := newFixture[float64](ta, tb, 1, n, n, n, 0, 1, 0)
						f.product.a, f.product.b, f.product.c = unsafe.Pointer(&f.a[0]), unsafe.Pointer(&f.b[0]), unsafe.Pointer(&f.c[0])
						compare(b, &f.product, e, lib)
					})
				})
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func compare(b *testing.B, p *product, e *Engine, lib *library) {
	e.call64(p)
	lib.run(p)
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		e.call64(p)
		middle := time.Now()
		lib.run(p)
		ours += middle.Sub(start)
		theirs += time.Since(middle)
	}
	flops := 2 * float64(p.m) * float64(p.n) * float64(p.k) * float64(b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(flops/float64(ours.Nanoseconds()), "GFLOP/s")
	b.ReportMetric(float64(theirs)/float64(ours), "of-library")
}
