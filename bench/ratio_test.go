package bench

// Ratios of times that are measured in turn, since a machine's speed changes from
// one second to the next.

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cpu"
	"github.com/cotangent-ad/cotangent/kernels/cpu/gemm"
	"github.com/cotangent-ad/cotangent/tensor"
)

func chainMillion(d data) Instance { return NewInstance(Chain, d.normal(1_000_000)) }

const order = 1024

func product(d data) Instance {
	return NewInstance(func(p [2]*T) *T { return p[0].MatMul(p[1]).Square().Sum() }, [2]*T{d.normal(order, order), d.normal(order, order)})
}

// BenchmarkRatio reports how many times faster a gradient is with two workers than
// with one (speedup), beside what two workers gain in a bare loop in the same run: of
// arithmetic in registers (arithmetic-ceiling) and of additions in memory
// (memory-ceiling). Where cores are shared with others these are well below 2. It
// reports also the rate of the gradient of a matrix product, three products and what
// else there is, as a fraction of the rate of the machine's BLAS library called
// directly on one thread (of-dgemm).
func BenchmarkRatio(b *testing.B) {
	for name, make := range map[string]func(d data) Instance{"chain/n=1e6": chainMillion, "matmul/n=1024": product} {
		b.Run(name+"/workers=2", func(b *testing.B) {
			one, two := device.NewWorkers(1), device.NewWorkers(2)
			defer one.Close()
			defer two.Close()
			a, m := &arithmetic{}, newAdditions()
			t := inTurn(b, gradientOn(b, "cpu:2", make), gradientOn(b, "cpu:1", make),
				on(two, a), on(one, a), on(two, m), on(one, m))
			b.ReportMetric(t[1]/t[0], "speedup")
			b.ReportMetric(t[3]/t[2], "arithmetic-ceiling")
			b.ReportMetric(t[5]/t[4], "memory-ceiling")
		})
	}
	b.Run("matmul/n=1024/library", func(b *testing.B) {
		e, err := gemm.Open("openblas", cpu.Detect(), nil)
		if err != nil {
			b.Skip(err)
		}
		x := newData(2)
		m := [3][]float64{}
		for i := range m {
			if m[i], err = x.normal(order, order).Float64s(); err != nil {
				b.Fatal(err)
			}
		}
		at := func(i int) unsafe.Pointer { return unsafe.Pointer(&m[i][0]) }
		t := inTurn(b, gradientOn(b, "cpu:1", product), func() {
			e.Gemm64(false, false, order, order, order, 1, at(0), order, at(1), order, 0, at(2), order)
			e.Gemm64(false, true, order, order, order, 1, at(0), order, at(1), order, 0, at(2), order)
			e.Gemm64(true, false, order, order, order, 1, at(0), order, at(1), order, 0, at(2), order)
		})
		b.ReportMetric(t[1]/t[0], "of-dgemm")
		b.Log(e.Name())
	})
}

// gradientOn returns what computes the gradient on a device.
func gradientOn(b *testing.B, name string, make func(d data) Instance) func() {
	dev, err := device.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	if err := tensor.SetDefaultDevice(dev); err != nil {
		b.Fatal(err)
	}
	in := make(newData(1))
	return func() {
		if err := in.Gradient()[0].Err(); err != nil {
			b.Fatal(err)
		}
	}
}

// inTurn runs functions in turn and returns the seconds that each took in all. What it
// reports as time is the first one's.
func inTurn(b *testing.B, run ...func()) []float64 {
	for range 10 { // until the pools have what is needed
		for _, f := range run {
			f()
		}
	}
	total := make([]float64, len(run))
	for b.Loop() {
		for i, f := range run {
			start := time.Now()
			f()
			total[i] += time.Since(start).Seconds()
		}
	}
	b.ReportMetric(1e9*total[0]/float64(b.N), "ns/op")
	return total
}

// bareParts is how many parts bare loops have: as many as let workers of unequal speed
// share them out evenly.
const bareParts = 16

// on returns what does a bare loop.
func on(w *device.Workers, t device.Task) func() { return func() { w.Run(t, bareParts) } }

// arithmetic is a bare loop of fused multiply-adds, eight at a time, that need no memory.
type arithmetic struct{ sum [bareParts][8]float64 } // a cache line a part

func (t *arithmetic) Do(part, _ int) {
	const x, y = 0.999, 0.001
	a, b, c, d, e, f, g, h := 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0
	for range 200_000 {
		a, b, c, d = math.FMA(a, x, y), math.FMA(b, x, y), math.FMA(c, x, y), math.FMA(d, x, y)
		e, f, g, h = math.FMA(e, x, y), math.FMA(f, x, y), math.FMA(g, x, y), math.FMA(h, x, y)
	}
	t.sum[part] = [8]float64{a, b, c, d, e, f, g, h}
}

// additions is a bare loop over arrays as large as the chain's.
type additions struct{ to, x, y []float64 }

func newAdditions() *additions {
	const n = 1_000_000
	return &additions{make([]float64, n), make([]float64, n), make([]float64, n)}
}

func (t *additions) Do(part, _ int) {
	n := len(t.to) / bareParts
	to, x, y := t.to[part*n:][:n], t.x[part*n:][:n], t.y[part*n:][:n]
	for i := range to {
		to[i] = x[i] + y[i]
	}
}
