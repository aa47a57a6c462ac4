//go:build cuda && cgo

package cuda_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Two GPUs in one process: the same computations on either, values and derivatives that
// travel between them, and an error for operands on both.
func TestTwoDevices(t *testing.T) {
	onStandIn(t)
	for _, name := range []string{"TestTwoDevicesChild", "TestBetweenDevicesChild", "TestLostOtherChild"} {
		devicetest.Child(t, name, "STANDIN_DEVICES=2")
	}
}

func TestTwoDevicesChild(t *testing.T) {
	devicetest.InChild(t)
	first := openDevice(t)
	second, err := device.Open("cuda:1")
	if err != nil {
		t.Fatal(err)
	}
	host := tensor.New([][]float64{{0.1, 0.2, 0.3}, {-0.4, 0.5, -0.6}})
	f := grad.Grad(func(x *tensor.Tensor) *tensor.Tensor {
		return x.MatMul(x.T()).Tanh().Sum().Add(x.CumSum(0).Exp().Sum())
	})
	see := func(what string, v *tensor.Tensor, on device.Device, want *tensor.Tensor) {
		t.Helper()
		compare(t, what, v, want, 1e-14)
		if v.Device() != on {
			t.Errorf("%s is on %s, not on %s", what, v.Device().Name(), on.Name())
		}
	}
	for _, d := range []device.Device{first, second} {
		x := host.To(d)
		see("eagerly on "+d.Name(), f(x), d, f(host))
		p, err := grad.Prepare(f, x)
		if err != nil {
			t.Fatal(err)
		}
		y := tensor.Zeros(2, 3).To(d)
		for range 4 { // the later ones are replays
			if err := p.RunInto(t.Context(), y, x); err != nil {
				t.Fatal(err)
			}
		}
		see("prepared on "+d.Name(), y, d, f(host))
		p.Close()
	}

	x := host.To(first)
	see("a row that was moved", x.Exp().Index(tensor.At(1)).To(second), second, host.Index(tensor.At(1)).Exp())
	across := grad.Grad(func(x *tensor.Tensor) *tensor.Tensor { return x.Exp().To(second).Square().Sum() })(x)
	see("a derivative that travels back", across, first, host.MulScalar(2).Exp().MulScalar(2))

	again, err := device.Open("cuda:0")
	if err != nil {
		t.Fatal(err)
	}
	see("a sum on one GPU by two names", x.Add(host.To(again)), first, host.MulScalar(2))

	var mixed *tensor.DeviceError
	if _, err := x.Add(host.To(second)).Float64s(); !errors.As(err, &mixed) {
		t.Errorf("operands on two devices: %v", err)
	}
	// Both give everything back.
	collect(t, first)
	if live := collectTo(second.(*devcuda.Device), 0); live != 0 {
		t.Errorf("%d buffers outstanding on the second", live)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

// What goes from one GPU to the other goes by itself, of any type and layout: the host
// does not wait, nor see it. Where memory or a call of the driver fails on the way, the
// error says so, or it arrives all the same, and neither device keeps anything.
func TestBetweenDevicesChild(t *testing.T) {
	devicetest.InChild(t)
	t.Setenv(devcuda.EnvExact, "1") // what is asked of a device it asks of the driver
	first := openDevice(t)
	other, err := device.Open("cuda:1")
	if err != nil {
		t.Fatal(err)
	}
	second := other.(*devcuda.Device)
	base := tensor.Arange(0, 48, 1).Reshape(6, 8)
	for _, dt := range []tensor.DType{tensor.Bool, tensor.Int32, tensor.Int64, tensor.Float32, tensor.Float64} {
		x := base.Cast(dt)
		there := x.To(first)
		for name, view := range map[string]func(x *tensor.Tensor) *tensor.Tensor{
			"all":       func(x *tensor.Tensor) *tensor.Tensor { return x },
			"transpose": (*tensor.Tensor).T,
			"rows":      func(x *tensor.Tensor) *tensor.Tensor { return x.Index(tensor.Range(2, 5)) },
			"backwards": func(x *tensor.Tensor) *tensor.Tensor { return x.Index(tensor.Step(5, 1, -2), tensor.Range(1, 7)) },
			"repeated":  func(x *tensor.Tensor) *tensor.Tensor { return x.Index(tensor.At(1)).BroadcastTo(3, 8) },
			"number":    func(x *tensor.Tensor) *tensor.Tensor { return x.At(3, 4) },
			"nothing":   func(x *tensor.Tensor) *tensor.Tensor { return x.Index(tensor.Range(2, 2)) },
		} {
			want, err := view(x).Float64s()
			if err != nil {
				t.Fatal(err)
			}
			y := view(there).To(second)
			got, err := y.Float64s()
			if err != nil || !slices.Equal(got, want) || y.Device() != device.Device(second) || y.DType() != dt {
				t.Errorf("%s of %v: got %v on %v, want %v; %v", name, dt, got, y.Device(), want, err)
			}
			tensor.Free(y)
		}
		tensor.Free(there)
	}

	x := base.To(first)
	before := driverCalls(t, first)
	y := x.Exp().To(second).T().To(first)
	after := driverCalls(t, first)
	for name, want := range map[string]int{"cuMemcpyPeerAsync": 2, "cuMemcpyDtoHAsync_v2": 0, "cuMemcpyHtoDAsync_v2": 0, "cuEventSynchronize": 0, "cuStreamSynchronize": 1} {
		if n := after[name] - before[name]; n != want { // asking waits once
			t.Errorf("%d calls of %s, want %d", n, name, want)
		}
	}
	compare(t, "there and back", y, base.Exp().T(), 1e-14)
	tensor.Free(y)
	collectTo(first, 1)

	run := func() ([]float64, error) {
		y := x.T().To(second)
		defer tensor.Free(y)
		return y.Float64s()
	}
	want, err := run()
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"alloc", "call", "once"} {
		failed := 0
		for n := 0; n < 40; n++ {
			t.Setenv("STANDIN_FAIL", fmt.Sprintf("%s:%d", what, n))
			got, err := run()
			t.Setenv("STANDIN_FAIL", "")
			var cause *devcuda.DriverError
			switch {
			case err == nil && !slices.Equal(got, want):
				t.Errorf("%s %d fails: %v, want %v", what, n, got, want)
			case err != nil && (!errors.As(err, &cause) || errors.Is(err, device.ErrLost)):
				t.Errorf("%s %d fails: %v", what, n, err)
			case err != nil:
				failed++
			}
			if a, b := collectTo(first, 1), collectTo(second, 0); a != 1 || b != 0 {
				t.Fatalf("%s %d fails: %d and %d buffers outstanding besides the operand", what, n, a-1, b)
			}
			if got, err := run(); err != nil || !slices.Equal(got, want) {
				t.Errorf("after %s %d failed: %v, %v", what, n, got, err)
			}
		}
		if failed < 2 || failed == 40 {
			t.Errorf("%d of 40 %ss failed", failed, what)
		}
	}
	tensor.Free(x)
	collect(t, first)
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

// What was made of a lost GPU's work is not read as if it were right on another.
func TestLostOtherChild(t *testing.T) {
	devicetest.InChild(t)
	first, err := device.Open("cuda")
	if err != nil {
		t.Fatal(err)
	}
	second, err := device.Open("cuda:1")
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.Ones(1000).To(first)
	y := x.Exp().To(second).MulScalar(2)
	if v, err := y.At(999).Item(); err != nil || v != 2*math.E {
		t.Errorf("got %v, %v", v, err)
	}
	t.Setenv("STANDIN_FAIL", "lost:0")
	z := x.Exp()
	t.Setenv("STANDIN_FAIL", "")
	z = z.To(second).MulScalar(2).Sum()
	for range 2 {
		if v, err := z.Item(); !errors.Is(err, device.ErrLost) {
			t.Errorf("got %v, %v", v, err)
		}
	}
	if err := z.Wait(t.Context()); !errors.Is(err, device.ErrLost) {
		t.Errorf("waiting: %v", err)
	}
	tensor.Free(x)
	tensor.Free(y)
	tensor.Free(z)
}
