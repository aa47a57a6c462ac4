//go:build cuda && cgo

package cuda_test

import (
	"errors"
	"os"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// A device that is lost in the middle of work, whether operations are carried out one
// by one, a program runs, or what was recorded of it, says so then and ever after,
// and nothing waits for it.
func TestLostDevice(t *testing.T) {
	onStandIn(t)
	for _, how := range []string{"eager", "program", "recording", "steps"} {
		t.Run(how, func(t *testing.T) {
			devicetest.Child(t, "TestLostDeviceChild", "CUDA_LOST="+how)
		})
	}
}

func TestLostDeviceChild(t *testing.T) {
	devicetest.InChild(t)
	how := os.Getenv("CUDA_LOST")
	d, err := device.Open("cuda")
	if err != nil {
		t.Fatal(err)
	}
	x, y := tensor.Ones(1000).To(d), tensor.Zeros(1000).To(d)
	f := grad.Grad(func(x *tensor.Tensor) *tensor.Tensor { return x.Tanh().Square().Sum() })
	run := func() error {
		g := f(x)
		defer tensor.Free(g)
		return g.Wait(t.Context())
	}
	if how != "eager" {
		if how == "steps" {
			f = shrink
		}
		p, err := grad.Prepare(f, x)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		run = func() error { return p.RunInto(t.Context(), y, x) }
	}
	runs := 1
	if how == "recording" || how == "steps" {
		runs = 3 // the third is a replay, and stays one when a kernel cannot be launched by itself
	}
	for range runs {
		if err := run(); err != nil {
			t.Fatal(err)
		}
	}
	if runs > 1 {
		t.Setenv("STANDIN_FAIL", "replay:0")
	} else {
		t.Setenv("STANDIN_FAIL", "lost:0")
	}
	for i := range 3 {
		if err := run(); !errors.Is(err, device.ErrLost) {
			t.Errorf("run %d on a lost device: %v", i, err)
		}
	}
	if _, err := x.Float64s(); !errors.Is(err, device.ErrLost) {
		t.Errorf("reading: %v", err)
	}
	tensor.Free(x)
	tensor.Free(y)
	if err := d.Sync(t.Context()); !errors.Is(err, device.ErrLost) {
		t.Errorf("waiting: %v", err)
	}
}
