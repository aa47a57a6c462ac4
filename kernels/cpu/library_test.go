package cpu

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	_ "github.com/cotangent-ad/cotangent/kernels/ref"
)

// The operations that are no loops, against the reference kernels, on operands
// of any layout, set and added.
func TestLibrary(t *testing.T) {
	f64, f32, i64, i32, bools := device.Float64, device.Float32, device.Int64, device.Int32, device.Bool
	index := func(shape ...int) kernels.Aval { return typed(i64, shape...) }
	for _, c := range []struct {
		op   *kernels.Op
		attr any
		in   []kernels.Aval
	}{
		{kernels.Reshape, kernels.DimsOf(6, -1), []kernels.Aval{typed(f64, 2, 3, 4)}},
		{kernels.Reshape, kernels.DimsOf(3000), []kernels.Aval{typed(f32, 50, 60)}},
		{kernels.Reshape, kernels.DimsOf(0, 5), []kernels.Aval{typed(f64, 5, 0)}},
		{kernels.Join, kernels.AxesOf(false, 0), []kernels.Aval{typed(f64, 3, 4), typed(f64, 0, 4), typed(f64, 1, 4)}},
		{kernels.Join, kernels.AxesOf(false, -1), []kernels.Aval{typed(f32, 40, 30), typed(i32, 40, 7), typed(bools, 40, 1)}},
		{kernels.CumSum, kernels.Scan{Axis: 0}, []kernels.Aval{typed(f64, 5000)}},
		{kernels.CumSum, kernels.Scan{Axis: 0, Reverse: true}, []kernels.Aval{typed(f64, 500)}},
		{kernels.CumSum, kernels.Scan{Axis: -2, Reverse: true}, []kernels.Aval{typed(f32, 3, 50, 4)}},
		{kernels.CumSum, kernels.Scan{Axis: 1}, []kernels.Aval{typed(i32, 3, 50, 4)}},
		{kernels.CumSum, kernels.Scan{Axis: 1}, []kernels.Aval{typed(bools, 3, 50)}},
		{kernels.CumSum, kernels.Scan{}, []kernels.Aval{typed(f64, 0)}},
		{kernels.ArgMax, kernels.AxesOf(false), []kernels.Aval{typed(f64, 30, 40)}},
		{kernels.ArgMax, kernels.AxesOf(false, -1), []kernels.Aval{typed(f32, 30, 40)}},
		{kernels.ArgMin, kernels.AxesOf(false, 0), []kernels.Aval{typed(f64, 30, 40, 2)}},
		{kernels.ArgMin, kernels.AxesOf(true, 1), []kernels.Aval{typed(i64, 30, 40, 2)}},
		{kernels.ArgMax, kernels.AxesOf(false, 1), []kernels.Aval{typed(bools, 5, 9)}},
		{kernels.IndexSet, nil, []kernels.Aval{typed(f64, 7, 5), typed(f64, 3, 1), index(3)}},
		{kernels.IndexSet, nil, []kernels.Aval{typed(f64, 7, 7, 2), typed(f64, 2), index(3, 1), index(4)}},
	} {
		for _, dense := range []bool{true, false} {
			for _, add := range []bool{false, true} {
				inst, err := c.op.Inst(c.attr, c.in...)
				if err != nil {
					t.Fatal(err)
				}
				if add && !inst.Out[0].DType.IsFloat() {
					continue
				}
				t.Run(fmt.Sprintf("%s/%v/dense=%v/add=%v", c.op.Name, c.in, dense, add), func(t *testing.T) {
					call := &kernels.Call{Add: add, Workers: twoWorkers}
					r := rand.New(rand.NewPCG(1, uint64(len(c.in))))
					for i, a := range c.in {
						x := newArray(a, dense, r)
						if c.op == kernels.IndexSet && i >= 2 {
							eachElement(x, func(off int) { writeAt(x, off, num{i: int64(r.IntN(14) - 7)}) })
						}
						call.In = append(call.In, x)
					}
					got, want := results(t, inst, "cpu", call), results(t, inst, "ref", call)
					for i := range want {
						if g, w := got[i], want[i]; !sameNum(inst.Out[0].DType, g, w) && !(math.Abs(g.f-w.f) <= 1e-4*math.Abs(w.f)) {
							t.Fatalf("element %d is %v, want %v", i, g, w)
						}
					}
				})
			}
		}
	}
}

// results runs an instance's kernel and returns its result, added to the element's number.
func results(t *testing.T, inst *kernels.Inst, backend string, c *kernels.Call) []num {
	t.Helper()
	id, ok := kernels.BackendID(backend)
	if !ok {
		t.Fatalf("no backend %s", backend)
	}
	out := newDense(inst.Out[0])
	list := make([]num, out.Size())
	for i := range list {
		writeAt(out, i, num{float64(i), 1})
	}
	call := *c
	call.Out = []*kernels.Array{out}
	if err := inst.Kernel(id).Run(&call); err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i] = readAt(out, i)
	}
	return list
}

func TestLibraryIndexError(t *testing.T) {
	inst, err := kernels.IndexSet.Inst(nil, typed(device.Float64, 7), typed(device.Float64, 2), typed(device.Int64, 2))
	if err != nil {
		t.Fatal(err)
	}
	ref, _ := kernels.BackendID("ref")
	for _, k := range []kernels.Kernel{inst.Kernel(ref), newIndexSet(inst)} {
		c := &kernels.Call{Out: []*kernels.Array{newDense(inst.Out[0])}}
		for _, a := range inst.In {
			c.In = append(c.In, newDense(a))
		}
		writeAt(c.In[2], 1, num{i: -8})
		ie, ok := k.Run(c).(*kernels.IndexError)
		if !ok || ie.Index != -8 || ie.Size != 7 {
			t.Errorf("error %v", ie)
		}
	}
}
