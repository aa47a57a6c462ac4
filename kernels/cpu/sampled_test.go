package cpu

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Sampled products are those of the loop that they are, bit for bit, signs of zeros
// included: at widths with every tail, with indices from the end, of examples, by one worker
// and by two, of operands of any layout, set and added.
func TestSampled(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, width := range []int{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 40, 100, 1024} {
		for _, entries := range []int{1, 700} {
			for _, dt := range []device.DType{device.Float32, device.Float64} {
				for _, index := range []device.DType{device.Int32, device.Int64} {
					for _, lead := range [][2][]int{{}, {{3}, {2, 1}}} {
						turn := r.IntN(8)
						isDense, add, workers := turn&1 != 0, turn&2 != 0, turn&4 != 0
						in := []kernels.Aval{{DType: dt, Shape: append(lead[0], 30, width)}, {DType: dt, Shape: append(lead[1], 20, width)}}
						for _, n := range []int{31, entries, entries, 21, entries, entries} {
							in = append(in, kernels.Aval{DType: index, Shape: []int{n}})
						}
						inst, err := kernels.SampledMatmul.Inst(nil, in...)
						if err != nil {
							t.Fatal(err)
						}
						call := &kernels.Call{Add: add}
						if workers {
							call.Workers = twoWorkers
						}
						for i, a := range in {
							x := newArray(a, isDense, r)
							if size := map[int]int{3: 20, 4: 30}[i]; size > 0 {
								eachElement(x, func(off int) { writeAt(x, off, num{i: int64(r.IntN(2*size) - size)}) })
							}
							if i < 2 {
								eachElement(x, func(off int) {
									if r.IntN(4) == 0 {
										writeAt(x, off, num{f: math.Copysign(0, r.NormFloat64())})
									}
								})
							}
							call.In = append(call.In, x)
						}
						what := fmt.Sprintf("%d entries of %v, %v, dense %v, add %v, workers %v", entries, in[:2], index, isDense, add, workers)
						own := newSampled(inst)
						if own == nil {
							t.Fatalf("%s: no kernel", what)
						}
						var got [2][]float64
						for i, k := range []kernels.Kernel{own, newKernel(inst)} {
							y := newArray(inst.Out[0], true, rand.New(rand.NewPCG(5, 6)))
							call.Out = []*kernels.Array{y}
							if err := k.Run(call); err != nil {
								t.Fatalf("%s: %v", what, err)
							}
							eachElement(y, func(off int) { got[i] = append(got[i], readAt(y, off).f) })
						}
						for i, w := range got[1] {
							if g := got[0][i]; math.Float64bits(g) != math.Float64bits(w) && (g == g || w == w) {
								t.Fatalf("%s: entry %d is %v, the loop's %v", what, i, g, w)
							}
						}
					}
				}
			}
		}
	}
}

// Indices out of range are told by the first part that meets one; so is a cancellation.
func TestSampledFails(t *testing.T) {
	const entries, width = 300_000, 8
	in := []kernels.Aval{typed(device.Float64, 30, width), typed(device.Float64, 20, width)}
	for _, n := range []int{31, entries, entries, 21, entries, entries} {
		in = append(in, typed(device.Int32, n))
	}
	inst, err := kernels.SampledMatmul.Inst(nil, in...)
	if err != nil {
		t.Fatal(err)
	}
	call := &kernels.Call{Out: []*kernels.Array{newDense(inst.Out[0])}, Workers: twoWorkers}
	for _, a := range in {
		call.In = append(call.In, newDense(a))
	}
	k := newSampled(inst)
	if err := k.Run(call); err != nil {
		t.Fatal(err)
	}
	writeAt(call.In[3], 250_000, num{i: 20})
	writeAt(call.In[4], 200_000, num{i: -31})
	var bad *kernels.IndexError
	if err := k.Run(call); !errors.As(err, &bad) || bad.Index != -31 || bad.Size != 30 {
		t.Errorf("error %v", err)
	}
}
