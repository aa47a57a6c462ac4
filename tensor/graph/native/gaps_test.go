package native

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/internal/cc"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// What a partial result does not write is zero, whatever its memory held.
func TestGaps(t *testing.T) {
	dev, err := device.Open("cpu:1")
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	for _, c := range []struct{ shape, from, n []int }{
		{[]int{3000}, []int{7}, []int{2000}},
		{[]int{3000}, []int{0}, []int{2999}},
		{[]int{40}, []int{39}, []int{1}},
		{[]int{9, 50}, []int{2, 0}, []int{4, 50}},
		{[]int{9, 50}, []int{0, 3}, []int{9, 40}},
		{[]int{9, 50}, []int{1, 3}, []int{4, 40}},
		{[]int{1, 60}, []int{0, 5}, []int{1, 20}},
		{[]int{30, 1, 2}, []int{28, 0, 0}, []int{2, 1, 2}},
	} {
		t.Run(fmt.Sprint(c.shape, c.from, c.n), func(t *testing.T) {
			in, out := kernels.Aval{DType: device.Float64, Shape: c.n}, kernels.Aval{DType: device.Float64, Shape: c.shape}
			e := loop.New(loop.Axes(c.n), []kernels.Aval{in})
			index := loop.Ats(len(c.n))
			for d := range index {
				index[d] = index[d].Plus(c.from[d])
			}
			e.Store(loop.Store{Value: e.Load(0, loop.Ats(len(c.n))...), Index: index, Aval: out})
			g := new(graph.Graph)
			g.Output(g.Emit(kernels.NewLoop("place", e), g.Param(in)))
			code, err := Compile(context.Background(), g, dev)
			if errors.Is(err, cc.ErrUnsupported) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			run, err := code.NewRunner()
			if err != nil {
				t.Fatal(err)
			}
			defer run.Release()
			x, y := newArray(in), newArray(out)
			for i := range in.Size() {
				set(x, i, float64(i+1))
			}
			for i := range out.Size() {
				set(y, i, math.NaN())
			}
			if err := run.Run([]*kernels.Array{x}, []*kernels.Array{y}, nil); err != nil {
				t.Fatal(err)
			}
			for i := range out.Size() {
				at, inside, rest := 0, true, i // the position in x, dimension by dimension
				for d, stride := 0, out.Size(); d < len(c.shape); d++ {
					stride /= c.shape[d]
					k := rest/stride - c.from[d]
					rest %= stride
					inside = inside && k >= 0 && k < c.n[d]
					at = at*c.n[d] + k
				}
				want := 0.0
				if inside {
					want = float64(at + 1)
				}
				if got, _ := get(y, i); got != want {
					t.Fatalf("element %d is %v, want %v", i, got, want)
				}
			}
		})
	}
}
