//go:build cuda && cgo

package cuda_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Products with sparse matrices, whose rows are shared out in every way that there is,
// are the CPU's, with their gradients and mapped; replayed they are the same bits.
func TestSparseProducts(t *testing.T) {
	d := openDevice(t)
	r := rand.New(rand.NewPCG(21, 22))
	type factors struct{ V, X *tensor.Tensor }
	for name, count := range map[string]func(i int) int{
		"short rows":   func(i int) int { return i % 3 },
		"middle rows":  func(i int) int { return 5 + i%9 },
		"long rows":    func(i int) int { return 100 * (i % 4) },
		"one long row": func(i int) int { return map[int]int{7: 3000}[i] },
	} {
		const rows, cols = 37, 50
		offsets, columns := []int{0}, []int{}
		for i := range rows {
			for range count(i) {
				columns = append(columns, r.IntN(cols))
			}
			offsets = append(offsets, len(columns))
		}
		here, err := tensor.NewSparse(rows, cols, offsets, columns)
		if err != nil {
			t.Fatal(err)
		}
		there, err := here.To(d)
		if err != nil {
			t.Fatal(err)
		}
		for _, shape := range [][]int{{cols}, {cols, 3}, {cols, 8}, {cols, 33}, {2, cols, 3}} {
			for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
				t.Run(fmt.Sprint(name, shape, dt), func(t *testing.T) {
					draw := func(shape ...int) *tensor.Tensor {
						data := make([]float64, sizeOf(shape))
						for i := range data {
							data[i] = r.NormFloat64() / 8
						}
						return tensor.NewShaped(data, shape, tensor.WithDType(dt))
					}
					in := factors{draw(len(columns)), draw(shape...)}
					at := factors{in.V.To(d), in.X.To(d)}
					of := func(s *tensor.Sparse) func(factors) factors {
						return grad.Grad(func(p factors) *tensor.Tensor {
							f := func(x *tensor.Tensor) *tensor.Tensor {
								return s.T().MatMul(p.V, s.MatMul(p.V, x).Tanh()).Square().Sum()
							}
							if len(shape) < 3 {
								return f(p.X)
							}
							return grad.Vmap(f)(p.X).Sum()
						})
					}
					want, got := of(here)(in), of(there)(at)
					for i, pair := range [][2]*tensor.Tensor{{got.V, want.V}, {got.X, want.X}} {
						g, err := pair[0].Float64s()
						if err != nil {
							t.Fatal(err)
						}
						w, err := pair[1].Float64s()
						if err != nil {
							t.Fatal(err)
						}
						compareAll(t, []string{"values", "factor"}[i], g, w, 1e-13, dt)
					}
					p, err := grad.Prepare(of(there), at)
					if err != nil {
						t.Fatal(err)
					}
					defer p.Close()
					again := factors{tensor.ZerosLike(at.V), tensor.ZerosLike(at.X)}
					for range 4 {
						if err := p.RunInto(t.Context(), again, at); err != nil {
							t.Fatal(err)
						}
					}
					for _, pair := range [][2]*tensor.Tensor{{again.V, got.V}, {again.X, got.X}} {
						g, _ := pair[0].Float64s()
						w, _ := pair[1].Float64s()
						if !slices.Equal(g, w) {
							t.Error("replayed, other bits")
						}
					}
				})
			}
		}
	}
	collect(t, d)
}

// All examples are done by one kernel, however values and factor are repeated for them.
func TestSparseExamples(t *testing.T) {
	onStandIn(t)
	d := openDevice(t)
	here, err := tensor.NewSparse(3, 4, []int{0, 2, 3, 5}, []int{0, 3, 1, 2, 0})
	if err != nil {
		t.Fatal(err)
	}
	there, err := here.To(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		values, x []int
		kernels   int
	}{
		{[]int{5}, []int{4, 2}, 1},
		{[]int{300, 1, 5}, []int{300, 1, 4, 2}, 1},
		{[]int{5}, []int{20, 30, 4, 2}, 1},
		{[]int{20, 30, 5}, []int{4, 2}, 1},
		{[]int{20, 30, 5}, []int{30, 4, 9}, 1},
		{[]int{300, 1, 5}, []int{2, 4, 2}, 1},
		{[]int{1, 3, 5}, []int{40, 1, 4, 9}, 1},
		{[]int{2, 1, 3, 5}, []int{2, 7, 3, 4, 1}, 1},
		{[]int{2, 1, 3, 5}, []int{7, 1, 4, 1}, 1},
		{[]int{2, 1, 3, 1, 5}, []int{2, 1, 3, 4, 33}, 1},
		{[]int{0, 5}, []int{4, 2}, 0},
	} {
		draw := func(shape []int) *tensor.Tensor {
			return tensor.Arange(0, float64(sizeOf(shape)), 1).MulScalar(0.37).Sin().Reshape(shape...)
		}
		v, x := draw(c.values), draw(c.x)
		want, err := here.MatMul(v, x).Float64s()
		if err != nil {
			t.Fatal(err)
		}
		v, x = v.To(d), x.To(d)
		before := driverCalls(t, d)
		y := there.MatMul(v, x)
		after := driverCalls(t, d)
		got, err := y.Float64s()
		if err != nil {
			t.Fatal(err)
		}
		what := fmt.Sprint("values ", c.values, " times ", c.x)
		compareAll(t, what, got, want, 1e-14, tensor.Float64)
		if n := after["cuLaunchKernel"] - before["cuLaunchKernel"]; n != c.kernels {
			t.Errorf("%s: %d kernels, want %d", what, n, c.kernels)
		}
	}
	collect(t, d)
}

func sizeOf(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}
