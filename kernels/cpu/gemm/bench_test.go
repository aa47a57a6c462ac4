package gemm

// Benchmarks: GFLOP/s by engine, type, shape and number of workers.

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
)

// shapes are m, n, k and what is transposed.
var shapes = []struct {
	m, n, k int
	ta, tb  bool
}{
	{m: 4, n: 4, k: 4},
	{m: 8, n: 8, k: 8},
	{m: 16, n: 16, k: 16},
	{m: 32, n: 32, k: 32},
	{m: 64, n: 64, k: 64},
	{m: 128, n: 128, k: 128},
	{m: 256, n: 256, k: 256},
	{m: 512, n: 512, k: 512},
	{m: 1024, n: 1024, k: 1024},
	{m: 64, n: 512, k: 784},
	{m: 784, n: 512, k: 64, ta: true},
	{m: 64, n: 784, k: 512, tb: true},
	{m: 64, n: 10, k: 512},
	{m: 1000, n: 1, k: 1000},
	{m: 1000, n: 1, k: 1000, ta: true},
	{m: 1000, n: 1000, k: 1},
	{m: 1, n: 1, k: 100000},
	{m: 1000, n: 64, k: 64, tb: true},
	{m: 64, n: 64, k: 1000, ta: true},
}

// BenchmarkTriangular times products by a triangular matrix beside full ones.
func BenchmarkTriangular(b *testing.B) {
	e, err := Open("own", cpu.Detect(), nil)
	if err != nil {
		b.Skip(err)
	}
	for _, n := range []int{32, 64, 256} {
		benchmark(b, "full", 1000, n, n, false, true, random[float64], e.call64)
		benchmark(b, "triangular", 1000, n, n, false, true, func(size int, seed uint64) []float64 {
			v := random[float64](size, seed)
			for i := 0; seed == 2 && i < size; i++ { // B's
				if i%n > i/n {
					v[i] = 0
				}
			}
			return v
		}, e.call64)
	}
}

// BenchmarkGemm times single products.
func BenchmarkGemm(b *testing.B) {
	for _, c := range Available(cpu.Detect()) {
		for _, workers := range []int{1, 2} {
			w := device.NewWorkers(workers)
			e, err := Open(c.BLAS, cpu.Detect(), w)
			if err != nil {
				b.Fatal(err)
			}
			for _, s := range shapes {
				benchmark(b, fmt.Sprintf("engine=%s/workers=%d/type=float64", c.BLAS, workers), s.m, s.n, s.k, s.ta, s.tb, random[float64], e.call64)
				benchmark(b, fmt.Sprintf("engine=%s/workers=%d/type=float32", c.BLAS, workers), s.m, s.n, s.k, s.ta, s.tb, random[float32], e.call32)
			}
			if err := w.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func (e *Engine) call64(p *product) {
	e.Gemm64(p.ta, p.tb, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc)
}

func (e *Engine) call32(p *product) {
	e.Gemm32(p.ta, p.tb, p.m, p.n, p.k, float32(p.alpha), p.a, p.lda, p.b, p.ldb, float32(p.beta), p.c, p.ldc)
}

func benchmark[T float32 | float64](b *testing.B, name string, m, n, k int, ta, tb bool, data func(int, uint64) []T, call func(*product)) {
	b.Run(fmt.Sprintf("%s/%dx%dx%d%s", name, m, n, k, layout(ta, tb)), func(b *testing.B) {
		x, y, z := data(m*k, 1), data(k*n, 2), data(m*n, 3)
		p := &product{ta: ta, tb: tb, m: m, n: n, k: k, alpha: 1, lda: k, ldb: n, ldc: n,
			a: unsafe.Pointer(&x[0]), b: unsafe.Pointer(&y[0]), c: unsafe.Pointer(&z[0])}
		if ta {
			p.lda = m
		}
		if tb {
			p.ldb = k
		}
		call(p)
		b.ReportAllocs()
		for b.Loop() {
			call(p)
		}
		b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
	})
}

func layout(ta, tb bool) string {
	s := "NN"
	if ta {
		s = "T" + s[1:]
	}
	if tb {
		s = s[:1] + "T"
	}
	return s
}
