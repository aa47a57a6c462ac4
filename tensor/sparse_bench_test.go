package tensor_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/tensor"
)

// csr is a matrix of compressed rows.
type csr struct {
	rows, cols int
	offsets    []int32
	columns    []int32
	values     []float64
}

// laplacian is the five-point one of an n by n grid.
func laplacian(n int) *csr {
	m := &csr{rows: n * n, cols: n * n, offsets: []int32{0}}
	for i := range n {
		for j := range n {
			for _, d := range [][2]int{{-1, 0}, {0, -1}, {0, 0}, {0, 1}, {1, 0}} {
				if r, c := i+d[0], j+d[1]; r >= 0 && r < n && c >= 0 && c < n {
					m.columns, m.values = append(m.columns, int32(r*n+c)), append(m.values, float64(d[0]+3*d[1]-4))
				}
			}
			m.offsets = append(m.offsets, int32(len(m.columns)))
		}
	}
	return m
}

// scattered has so many entries anywhere.
func scattered(n, entries int) *csr {
	r := rand.New(rand.NewPCG(1, 2))
	m := &csr{rows: n, cols: n, offsets: make([]int32, n+1)}
	for range entries {
		m.offsets[1+r.IntN(n)]++
	}
	for i := range n {
		m.offsets[i+1] += m.offsets[i]
	}
	for range entries {
		m.columns, m.values = append(m.columns, int32(r.IntN(n))), append(m.values, r.NormFloat64())
	}
	return m
}

// multiply is the plain loop for a vector, and for k columns.
func (m *csr) multiply(y, x []float64, k int) {
	if k == 1 {
		for i := range m.rows {
			sum := 0.0
			for e := m.offsets[i]; e < m.offsets[i+1]; e++ {
				sum += m.values[e] * x[m.columns[e]]
			}
			y[i] = sum
		}
		return
	}
	for i := range m.rows {
		row := y[i*k : (i+1)*k]
		clear(row)
		for e := m.offsets[i]; e < m.offsets[i+1]; e++ {
			v := m.values[e]
			for c, w := range x[int(m.columns[e])*k:][:len(row)] {
				row[c] += v * w
			}
		}
	}
}

// BenchmarkSparse compares products with a plain loop, and the transposed product, which
// is the derivative by the vector, and the sampled one, by the values.
func BenchmarkSparse(b *testing.B) {
	for name, m := range map[string]*csr{"laplacian": laplacian(1000), "random": scattered(100_000, 1_000_000)} {
		for _, k := range []int{1, 8} {
			x, y := make([]float64, m.cols*k), make([]float64, m.rows*k)
			for i := range x {
				x[i] = float64(i%7) - 3
			}
			b.Run(fmt.Sprintf("%s/k=%d/loop", name, k), func(b *testing.B) {
				for b.Loop() {
					m.multiply(y, x, k)
				}
			})
			for _, device := range []string{"cpu:1", "cpu:2"} {
				on := tensor.On(open(b, device))
				s, err := tensor.NewSparse(m.rows, m.cols, m.offsets, m.columns, on)
				if err != nil {
					b.Fatal(err)
				}
				v := tensor.New(m.values, on)
				t := tensor.NewShaped(x, []int{m.cols, k}, on)
				run := func(what string, f func() *tensor.Tensor) {
					b.Run(fmt.Sprintf("%s/k=%d/%s/%s", name, k, what, device), func(b *testing.B) {
						for b.Loop() {
							y := f()
							if err := y.Err(); err != nil {
								b.Fatal(err)
							}
							tensor.Free(y)
						}
					})
				}
				run("product", func() *tensor.Tensor { return s.MatMul(v, t) })
				run("transposed", func() *tensor.Tensor { return s.T().MatMul(v, t) })
				run("sampled", func() *tensor.Tensor { return s.SampledMatMul(t, t) })
			}
		}
	}
}
