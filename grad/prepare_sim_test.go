// Prepared programs on an asynchronous device.

package grad_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/sim"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
)

// On a device whose work runs when somebody waits for it, whose memory is NaN
// before it is written and after its release, and that tells of writes outside of
// buffers.
func TestPreparedOnSim(t *testing.T) {
	dev := sim.New(sim.Options{Name: "sim-prepared", Held: true, Workers: 2})
	r := rand.New(rand.NewPCG(13, 14))
	for _, c := range compositions {
		t.Run(c.name, func(t *testing.T) {
			p := mustPrepare(t, c.f, random(r, 3, 3).To(dev))
			for range 2 {
				x := random(r, 3, 3).To(dev)
				want := c.f(x)
				sameBits(t, "Run", run(t, p, x), want)
				sameBits(t, "Run of a transpose", run(t, p, x.T()), c.f(x.T()))
				dst := tensor.Full(7, want.Shape(), tensor.On(dev))
				if err := p.RunInto(t.Context(), dst, x); err != nil {
					t.Fatal(err)
				}
				sameBits(t, "RunInto", dst, want)
			}
		})
	}
	x := random(r, 3, 3).To(dev)
	p := mustPrepare(t, grad.Grad(network), x)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Run(ctx, x); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	var de *tensor.DeviceError
	if _, err := p.Run(t.Context(), tensor.Ones(3, 3).Clone()); !errors.As(err, &de) {
		t.Errorf("an argument of another device: %v", err)
	}
	if err := p.RunInto(t.Context(), tensor.Zeros(3, 3), x); !errors.As(err, &de) {
		t.Errorf("a destination of another device: %v", err)
	}
	here := tensor.Ones(3, 3)
	if _, err := grad.Prepare(func(x *T) *T { return x.Add(here) }, x); !errors.As(err, &de) {
		t.Errorf("a captured tensor of another device: %v", err)
	}
	// What was queued before and failed is the run's error.
	bad := x.Take(0, tensor.New([]int64{9}).To(dev)).BroadcastTo(3, 3)
	var ie *tensor.IndexError
	if _, err := p.Run(t.Context(), bad); !errors.As(err, &ie) {
		t.Errorf("an argument that fails: %v", err)
	}
	var oom *device.OutOfMemoryError
	fresh := mustPrepare(t, grad.Grad(network), x)
	for n := range 2 { // of the result, of the arena
		dev.FailAfter(n)
		if _, err := fresh.Run(t.Context(), x); !errors.As(err, &oom) {
			t.Errorf("out of memory at allocation %d: %v", n, err)
		}
		dev.FailAfter(-1)
	}
	sameBits(t, "afterwards", run(t, fresh, x), grad.Grad(network)(x))
	if err := dev.Check(); err != nil {
		t.Error(err)
	}
	if s := dev.Stats(); s.Misuses != 0 {
		t.Errorf("%d misuses: %v", s.Misuses, s.Err)
	}
}
