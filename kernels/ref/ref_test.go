package ref

import (
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

func vector(v ...float64) *kernels.Array { return shaped(v, len(v)) }

func shaped(v []float64, shape ...int) *kernels.Array {
	return &kernels.Array{Aval: kernels.Aval{DType: device.Float64, Shape: shape}, Ptr: unsafe.Pointer(unsafe.SliceData(append(v, 0)))}
}

func integers(v ...int64) *kernels.Array {
	return &kernels.Array{Aval: kernels.Aval{DType: device.Int64, Shape: []int{len(v)}}, Ptr: unsafe.Pointer(unsafe.SliceData(append(v, 0)))}
}

func list(a *kernels.Array) []float64 { return unsafe.Slice((*float64)(a.Ptr), a.Size()) }

// runLoop runs a loop with one result, which starts as given.
func runLoop(e *loop.Expr, out *kernels.Array, c kernels.Call, in ...*kernels.Array) error {
	c.In, c.Out = in, []*kernels.Array{out}
	return newProgram(kernels.NewLoop("test", e)).Run(&c)
}

func floats64(shape ...int) kernels.Aval { return kernels.Aval{DType: device.Float64, Shape: shape} }

func TestGuardedLoad(t *testing.T) {
	e := loop.New(loop.Axes([]int{5}), []loop.Aval{floats64(3)})
	e.Store(loop.Store{Value: e.LoadGuarded(0, loop.At(0).Plus(-1)), Index: loop.Ats(1), Aval: floats64(5)})
	out := vector(9, 9, 9, 9, 9)
	if err := runLoop(e, out, kernels.Call{}, vector(1, 2, 3)); err != nil {
		t.Fatal(err)
	}
	if want := []float64{0, 1, 2, 3, 0}; !slices.Equal(list(out), want) {
		t.Errorf("got %v, want %v", list(out), want)
	}
}

func TestPartialStore(t *testing.T) {
	e := loop.New(loop.Axes([]int{2}), []loop.Aval{floats64(2)})
	e.Store(loop.Store{Value: e.Load(0, loop.At(0)), Index: []loop.Lin{loop.Affine(1, loop.Term{Axis: 0, Coef: 2})}, Partial: true, Aval: floats64(4)})
	out := vector(9, 9, 9, 9)
	if err := runLoop(e, out, kernels.Call{}, vector(1, 2)); err != nil {
		t.Fatal(err)
	}
	if want := []float64{0, 1, 0, 2}; !slices.Equal(list(out), want) {
		t.Errorf("got %v, want %v", list(out), want)
	}
	if err := runLoop(e, out, kernels.Call{Add: true}, vector(10, 20)); err != nil {
		t.Fatal(err)
	}
	if want := []float64{0, 11, 0, 22}; !slices.Equal(list(out), want) {
		t.Errorf("added: got %v, want %v", list(out), want)
	}
}

func scatter(n, size int) *loop.Expr {
	e := loop.New(loop.Axes([]int{n}), []loop.Aval{floats64(n), {DType: device.Int64, Shape: []int{n}}})
	e.Store(loop.Store{Value: e.Load(0, loop.At(0)), Index: []loop.Lin{loop.Through(e.Load(1, loop.At(0)))}, Scatter: true, Aval: floats64(size)})
	return e
}

func TestScatter(t *testing.T) {
	out := vector(7, 7, 7)
	if err := runLoop(scatter(4, 3), out, kernels.Call{}, vector(1, 2, 3, 4), integers(2, 0, -1, 0)); err != nil {
		t.Fatal(err)
	}
	if want := []float64{6, 0, 4}; !slices.Equal(list(out), want) {
		t.Errorf("got %v, want %v", list(out), want)
	}
}

func TestIndexError(t *testing.T) {
	for _, i := range []int64{3, -4, math.MaxInt64, math.MinInt64} {
		var e *kernels.IndexError
		err := runLoop(scatter(1, 3), vector(0, 0, 0), kernels.Call{}, vector(1), integers(i))
		if !errors.As(err, &e) || e.Index != i || e.Size != 3 || e.Op != "test" {
			t.Errorf("index %d: %v", i, err)
		}
	}
}

// TestSums sums what cancels, what is not finite and what is nothing.
func TestSums(t *testing.T) {
	inf := math.Inf(1)
	for _, test := range []struct {
		reduce loop.Combiner
		in     []float64
		want   float64
	}{
		{loop.Sum, []float64{1e100, 1, -1e100, 2}, 3},
		{loop.Sum, []float64{1, inf, 2}, inf},
		{loop.Sum, []float64{inf, -inf}, math.NaN()},
		{loop.Sum, nil, 0},
		{loop.Prod, []float64{2, 3, 4}, 24},
		{loop.Prod, nil, 1},
		{loop.Max, []float64{1, inf, math.NaN()}, math.NaN()},
		{loop.Min, []float64{math.NaN(), -inf, 1}, math.NaN()},
		{loop.Max, []float64{-5, -3, -4}, -3},
		{loop.LSE, []float64{1000, 1000}, 1000 + math.Ln2},
		{loop.LSE, []float64{-inf, -inf}, -inf},
		{loop.LSE, []float64{inf, 0}, inf},
		{loop.LSE, []float64{0, -60}, 8.75651076269652e-27},
		{loop.LSE, nil, -inf},
	} {
		n := len(test.in)
		e := loop.New(loop.Axes([]int{n}), []loop.Aval{floats64(n)})
		e.Store(loop.Store{Value: e.Load(0, loop.At(0)), Reduce: test.reduce, Aval: floats64()})
		out := shaped([]float64{5})
		if err := runLoop(e, out, kernels.Call{}, vector(test.in...)); err != nil {
			t.Fatal(err)
		}
		if got := list(out)[0]; math.Abs(got-test.want) > 1e-15*math.Abs(test.want) || math.IsNaN(got) != math.IsNaN(test.want) {
			t.Errorf("reduction %v of %v is %v, want %v", test.reduce, test.in, got, test.want)
		}
	}
}

// TestCancelled sees that loops and library kernels stop.
func TestCancelled(t *testing.T) {
	var stop atomic.Bool
	stop.Store(true)
	in, out := shaped(make([]float64, 5000), 5000), shaped(make([]float64, 5000), 5000)
	id, _ := kernels.BackendID("ref")
	for _, test := range []struct {
		op   *kernels.Op
		attr any
	}{{kernels.Neg, nil}, {kernels.Join, kernels.AxesOf(false, 0)}, {kernels.ArgMax, kernels.AxesOf(false)}} {
		inst, err := test.op.Inst(test.attr, in.Aval)
		if err != nil {
			t.Fatal(err)
		}
		o := out
		if test.op == kernels.ArgMax {
			o = &kernels.Array{Aval: inst.Out[0], Ptr: out.Ptr}
		}
		c := &kernels.Call{In: []*kernels.Array{in}, Out: []*kernels.Array{o}, Cancel: &stop}
		if err := inst.Kernel(id).Run(c); !errors.Is(err, kernels.ErrCancelled) {
			t.Errorf("%s: %v", inst.Name, err)
		}
	}
}

// TestIntegers sees that int32 wraps, and that int64 is not taken through floats.
func TestIntegers(t *testing.T) {
	wide := integers(1<<62+1, 1<<62)
	run := func(op *kernels.Op, attr any, in ...*kernels.Array) *kernels.Array {
		t.Helper()
		var avals []kernels.Aval
		for _, a := range in {
			avals = append(avals, a.Aval)
		}
		inst, err := op.Inst(attr, avals...)
		if err != nil {
			t.Fatal(err)
		}
		out := &kernels.Array{Aval: inst.Out[0], Ptr: unsafe.Pointer(new([4]uint64))}
		id, _ := kernels.BackendID("ref")
		if err := inst.Kernel(id).Run(&kernels.Call{In: in, Out: []*kernels.Array{out}}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := *(*int64)(run(kernels.Sub, nil, wide, integers(1<<62)).Ptr); got != 1 {
		t.Errorf("difference of large integers: %d", got)
	}
	if got := *(*int64)(run(kernels.ArgMax, kernels.AxesOf(false), wide).Ptr); got != 0 {
		t.Errorf("argmax of large integers: %d", got)
	}
	narrow := run(kernels.Cast, device.Int32, integers(math.MaxInt32))
	if got := *(*int32)(run(kernels.Add, nil, narrow, narrow).Ptr); got != -2 {
		t.Errorf("int32 sum: %d", got)
	}
}
