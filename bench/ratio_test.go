package bench

// Ratios of times that are measured in turn, since a machine's speed changes from
// one second to the next.

import (
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
// with one (speedup), and the rate of the gradient of a matrix product, three
// products and what else there is, as a fraction of the rate of the machine's BLAS
// library called directly on one thread (of-dgemm).
func BenchmarkRatio(b *testing.B) {
	for name, make := range map[string]func(d data) Instance{"chain/n=1e6": chainMillion, "matmul/n=1024": product} {
		b.Run(name+"/workers=2", func(b *testing.B) {
			one, two := gradientOn(b, "cpu:1", make), gradientOn(b, "cpu:2", make)
			inTurn(b, two, one, "speedup")
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
		inTurn(b, gradientOn(b, "cpu:1", product), func() {
			e.Gemm64(false, false, order, order, order, 1, at(0), order, at(1), order, 0, at(2), order)
			e.Gemm64(false, true, order, order, order, 1, at(0), order, at(1), order, 0, at(2), order)
			e.Gemm64(true, false, order, order, order, 1, at(0), order, at(1), order, 0, at(2), order)
		}, "of-dgemm")
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

// inTurn runs f and g in turn and reports the time of g as a multiple of f's.
func inTurn(b *testing.B, f, g func(), unit string) {
	for range 10 { // until the pools have what is needed
		f()
		g()
	}
	var tf, tg time.Duration
	for b.Loop() {
		start := time.Now()
		f()
		middle := time.Now()
		g()
		tf += middle.Sub(start)
		tg += time.Since(middle)
	}
	b.ReportMetric(float64(tf.Nanoseconds())/float64(b.N), "ns/op")
	b.ReportMetric(float64(tg)/float64(tf), unit)
}
