//go:build cuda && cgo

package cuda_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// Two GPUs in one process: the same computations on either, values and derivatives that
// travel between them, and an error for operands on both.
func TestTwoDevices(t *testing.T) {
	if os.Getenv("COTANGENT_LIBCUDA") == "" {
		t.Skip("there is no stand-in")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTwoDevicesChild$", "-test.v")
	cmd.Env = append(os.Environ(), "CUDA_TWO=1", "STANDIN_DEVICES=2")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestTwoDevicesChild") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTwoDevicesChild(t *testing.T) {
	if os.Getenv("CUDA_TWO") == "" {
		t.Skip("runs in another test's process")
	}
	first := openDevice(t)
	second, err := device.Open("cuda:1")
	if err != nil {
		t.Fatal(err)
	}
	host := tensor.New([][]float64{{0.1, 0.2, 0.3}, {-0.4, 0.5, -0.6}})
	f := grad.Grad(func(x *tensor.Tensor) *tensor.Tensor {
		return x.MatMul(x.T()).Tanh().Sum().Add(x.CumSum(0).Exp().Sum())
	})
	want, err := f(host).Float64s()
	if err != nil {
		t.Fatal(err)
	}
	see := func(what string, v *tensor.Tensor, on device.Device, want []float64) {
		t.Helper()
		got, err := v.Float64s()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		compareAll(t, what, got, want, 1e-14, tensor.Float64)
		if v.Device() != on {
			t.Errorf("%s is on %s, not on %s", what, v.Device().Name(), on.Name())
		}
	}
	for _, d := range []device.Device{first, second} {
		x := host.To(d)
		see("eagerly on "+d.Name(), f(x), d, want)
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
		see("prepared on "+d.Name(), y, d, want)
		p.Close()
	}

	x := host.To(first)
	row, err := host.Index(tensor.At(1)).Exp().Float64s()
	if err != nil {
		t.Fatal(err)
	}
	see("a row that was moved", x.Exp().Index(tensor.At(1)).To(second), second, row)
	across := grad.Grad(func(x *tensor.Tensor) *tensor.Tensor { return x.Exp().To(second).Square().Sum() })(x)
	twice, err := host.MulScalar(2).Exp().MulScalar(2).Float64s()
	if err != nil {
		t.Fatal(err)
	}
	see("a derivative that travels back", across, first, twice)

	again, err := device.Open("cuda:0")
	if err != nil {
		t.Fatal(err)
	}
	doubled, err := host.MulScalar(2).Float64s()
	if err != nil {
		t.Fatal(err)
	}
	see("a sum on one GPU by two names", x.Add(host.To(again)), first, doubled)

	var mixed *tensor.DeviceError
	if _, err := x.Add(host.To(second)).Float64s(); !errors.As(err, &mixed) {
		t.Errorf("operands on two devices: %v", err)
	}
	// Both give everything back.
	collect(t, first)
	if live := second.Stats().Live; live != 0 {
		t.Errorf("%d buffers outstanding on the second", live)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}
