package tensor_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
)

const mebi = 1 << 20

// host returns a device of its own with a limit of bytes, closed at the test's
// end, when all its buffers must be back.
func host(t testing.TB, limit int64) *device.Host {
	t.Helper()
	d := device.NewHost(device.HostConfig{Name: strings.ReplaceAll(t.Name(), "/", " "), Kind: "cpu", Workers: 1, Limit: limit})
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	devicetest.NoLeaks(t, d)
	return d
}

// empty takes a tensor's memory and nothing else.
func empty(d device.Device, n int) *tensor.Tensor {
	return tensor.Empty(d, kernels.Aval{DType: tensor.Float64, Shape: []int{n}})
}

// A loop of temporaries that nobody releases stays within the device's limit.
func TestForgottenTemporaries(t *testing.T) {
	d := host(t, 256*mebi)
	n := 20_000 // of 8 MiB each: 156 GiB
	if testing.Short() {
		n = 1000
	}
	for i := range n {
		if err := empty(d, mebi).Err(); err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
	}
	if peak := d.Stats().Peak; peak > 256*mebi {
		t.Errorf("a peak of %s", device.FormatBytes(peak))
	}
}

// The same with operations, some temporaries being views of others.
func TestForgottenResults(t *testing.T) {
	d := host(t, mebi)
	x := tensor.Full(1, []int{4, mebi / 512}, tensor.On(d)) // 64 KiB
	for i := range 100 {
		x = x.Neg().T().T().Neg()
		if err := x.Err(); err != nil {
			t.Fatalf("after %d: %v", i, err)
		}
	}
	check(t, x.At(3, 7), tensor.Float64, []int{}, 1)
}

func TestOutOfMemory(t *testing.T) {
	for _, name := range []string{"cpu", "sim"} {
		t.Run(name, func(t *testing.T) {
			var d device.Device = host(t, 4*mebi)
			if name == "sim" {
				d = simulated(t, 4*mebi)
			}
			x := empty(d, mebi/4) // 2 MiB
			y, where := x.BroadcastTo(3, mebi/4).Clone(), caller(0)
			failsAt[*device.OutOfMemoryError](t, y, "clone", "out of memory: 6 MiB requested", where)
			if z := y.Add(x).Sum(); z.Err() != y.Err() {
				t.Errorf("it did not stick: %v", z.Err())
			}
			fails[*device.OutOfMemoryError](t, tensor.Full(1, []int{mebi}, tensor.On(d)), "full", "8 MiB requested")
			fails[*device.OutOfMemoryError](t, tensor.FromSlice(make([]float64, mebi)).To(d), "to", "8 MiB requested")
			// What fits still can be had.
			if err := empty(d, mebi/8).Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestScope(t *testing.T) {
	d := host(t, 0)
	devicetest.AllReleased(t, d)
	x := tensor.Full(2, []int{1000}, tensor.On(d))
	defer tensor.Free(x)
	before := d.Stats().Live

	s := tensor.NewScope()
	y := s.Enter(x)
	sum := y.Square().Add(y).Sum()
	if got := sum.Float(); got != 6000 { // readers see through it
		t.Errorf("the sum is %v", got)
	}
	z := s.Keep(y.Square().Reshape(10, 100).T())
	if n := d.Stats().Live - before; n != 3 {
		t.Errorf("%d buffers in the scope, not 3", n)
	}
	s.Close()
	if n := d.Stats().Live - before; n != 1 {
		t.Errorf("%d buffers outlive the scope, not the one that was kept", n)
	}
	if !z.Plain() {
		t.Error("what was kept is still traced")
	}
	if got := floats(t, z); got[999] != 4 {
		t.Errorf("what was kept is %v", got[999])
	}
	if got := floats(t, x); got[0] != 2 { // what entered is not the scope's
		t.Errorf("what entered is %v", got[0])
	}
	fails[*tensor.EscapeError](t, y.Exp(), "exp", "a value traced by a scope is used after")
	tensor.Free(z)
}

func TestScoped(t *testing.T) {
	d := host(t, 0)
	devicetest.AllReleased(t, d)
	x := tensor.Full(2, []int{1000}, tensor.On(d))
	y := tensor.Scoped(func(xs ...*tensor.Tensor) *tensor.Tensor {
		return xs[0].Exp().Mul(xs[1]).Sub(xs[0].Exp().Mul(xs[1])).Add(xs[0])
	}, x, tensor.Scalar(3))
	if got := floats(t, y); got[5] != 2 {
		t.Errorf("the result is %v", got[5])
	}
	if n := d.Stats().Live; n != 2 {
		t.Errorf("%d buffers, not x and the result", n)
	}
	if same := tensor.Scoped(func(xs ...*tensor.Tensor) *tensor.Tensor { return xs[0] }, x); same != x {
		t.Error("an argument that is the result came back as another")
	}
	bad := tensor.Zeros(-1)
	if got := tensor.Scoped(func(xs ...*tensor.Tensor) *tensor.Tensor { return xs[0].Add(xs[1]) }, x, bad); got.Err() != bad.Err() {
		t.Errorf("an error did not stick: %v", got.Err())
	}
	if err := tensor.Scoped(func(xs ...*tensor.Tensor) *tensor.Tensor { return nil }, x).Err(); !errors.Is(err, tensor.ErrNil) {
		t.Errorf("nil: %v", err)
	}
	tensor.Free(x)
	tensor.Free(y)
}

// A scope and another level nest either way; only what is plain below the scope is its own.
func TestScopeNests(t *testing.T) {
	d := host(t, 0)
	x := tensor.Full(2, []int{1000}, tensor.On(d))
	var log []string

	outer := tensor.NewScope()
	lv := tensor.Open("test", tracer{log: &log})
	y := lv.Trace(outer.Enter(x), nil, 0).Exp().Log() // a transformation in a scope
	kept := outer.Keep(y.Lower(lv))
	outer.Close()
	if got := floats(t, kept); len(got) != 1000 {
		t.Errorf("%d elements", len(got))
	}

	inner := tensor.Open("test", tracer{log: &log})
	a := inner.Trace(x, nil, 0)
	s := tensor.NewScope() // a scope in a transformation
	b := s.Keep(s.Enter(a).Neg().Neg())
	s.Close()
	if !b.TracedAt(inner) {
		t.Fatal("the result left the transformation")
	}
	check(t, b.At(0), tensor.Float64, []int{}, 2)
	if want := []string{"exp", "log", "neg", "neg", "slice"}; !slices.Equal(log, want) {
		t.Errorf("dispatched %v", log)
	}

	fn := &tensor.Function{Name: "f", Run: func(x []*tensor.Tensor) []*tensor.Tensor { return []*tensor.Tensor{x[0].Exp().Log()} }}
	before := d.Stats().Live
	s = tensor.NewScope()
	c := s.Keep(fn.Apply([]*tensor.Tensor{s.Enter(x)})[0])
	s.Close()
	if n := d.Stats().Live - before; n != 1 || !c.Plain() {
		t.Errorf("a function's temporaries: %d buffers, not the result's", n)
	}
}

func TestFree(t *testing.T) {
	d := host(t, 0)
	devicetest.AllReleased(t, d)
	x := tensor.Full(1, []int{1000}, tensor.On(d))
	v := x.Reshape(10, 100) // shares the buffer, and holds it
	tensor.Free(x)
	tensor.Free(x) // once more does nothing
	if got := floats(t, v); got[999] != 1 {
		t.Errorf("the view is %v", got[999])
	}
	if err := x.Exp().Err(); err == nil || !strings.Contains(err.Error(), "given back") {
		t.Errorf("used after Free: %v", err)
	}
	tensor.Free(v)
	tensor.Free(nil)
	if n := d.Stats().Live; n != 0 {
		t.Errorf("%d buffers", n)
	}
}

func ExampleScope() {
	w := tensor.New([]float64{1, 2, 3})
	for range 3 {
		s := tensor.NewScope()
		x := s.Enter(w)
		w = s.Keep(x.Sub(x.Sum().MulScalar(0.1)))
		s.Close() // the difference stays, the rest is given back
	}
	fmt.Printf("%.3v\n", w)
	// Output: [-0.314  0.686  1.686]
}

func ExampleScoped() {
	x := tensor.New([]float64{3, 4})
	norm := tensor.Scoped(func(xs ...*tensor.Tensor) *tensor.Tensor { return xs[0].Square().Sum().Sqrt() }, x)
	fmt.Println(norm)
	// Output: 5.0
}
