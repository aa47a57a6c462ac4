package tensor_test

import (
	"fmt"
	"testing"

	"github.com/cotangent-ad/cotangent/tensor"
)

// What an operation costs beside its arithmetic.
func BenchmarkEager(b *testing.B) {
	s, r := tensor.Scalar(1.5), tensor.Scalar(2.5)
	v := tensor.Ones(8)
	m := tensor.Ones(8, 8)
	for _, c := range []struct {
		name string
		f    func() *tensor.Tensor
	}{
		{"add/scalars", func() *tensor.Tensor { return s.Add(r) }},
		{"exp/scalar", func() *tensor.Tensor { return s.Exp() }},
		{"add/n=8", func() *tensor.Tensor { return v.Add(v) }},
		{"sum/n=8", func() *tensor.Tensor { return v.Sum() }},
		{"reshape/n=8", func() *tensor.Tensor { return v.Reshape(2, 4) }},
		{"at/n=8", func() *tensor.Tensor { return v.At(3) }},
		{"matmul/n=8", func() *tensor.Tensor { return m.MatMul(m) }},
	} {
		b.Run("op="+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.f()
			}
		})
	}
	for _, n := range []int{1 << 10, 1 << 16, 1 << 20} {
		x := tensor.Ones(n)
		b.Run(fmt.Sprintf("op=add/n=%d", n), func(b *testing.B) {
			b.SetBytes(int64(24 * n))
			b.ReportAllocs()
			for b.Loop() {
				tensor.Free(x.Add(x))
			}
		})
	}
}

func BenchmarkScope(b *testing.B) {
	x := tensor.Ones(1 << 12)
	b.ReportAllocs()
	for b.Loop() {
		s := tensor.NewScope()
		s.Enter(x).Exp().Add(x).Sum()
		s.Close()
	}
}

func BenchmarkFingerprint(b *testing.B) {
	x := tensor.Wrap(make([]float64, 1<<20))
	b.SetBytes(8 << 20)
	for b.Loop() {
		x.Fingerprint()
	}
}
