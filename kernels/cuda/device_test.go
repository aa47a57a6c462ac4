//go:build cuda && cgo

package cuda_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/tensor"
)

// openDevice opens the GPU, or what stands for it, and sees at the end that
// everything was given back. Without one it skips the test, or fails it where
// REQUIRE_GPU is set.
func openDevice(t testing.TB) *devcuda.Device {
	t.Helper()
	if err := devcuda.Status(); err != nil {
		if os.Getenv("REQUIRE_GPU") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	d, err := device.Open("cuda")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s := d.Stats(); s.Live != 0 || s.Misuses != 0 {
			t.Errorf("%d buffers outstanding, %d misuses (%v)", s.Live, s.Misuses, s.Err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d.(*devcuda.Device)
}

// onStandIn skips what asks the stand-in to fail or to count, which a GPU does not.
func onStandIn(t testing.TB) {
	t.Helper()
	if os.Getenv("COTANGENT_LIBCUDA") == "" {
		t.Skip("there is no stand-in")
	}
}

// collect frees tensors, and has the garbage collector find what tests left to it.
func collect(t testing.TB, d *devcuda.Device, tensors ...*tensor.Tensor) {
	t.Helper()
	for _, v := range tensors {
		tensor.Free(v)
	}
	collectTo(d, 0)
}

// collectTo collects until no more than some buffers are out, and tells how many are.
func collectTo(d *devcuda.Device, some int64) int64 {
	for range 50 {
		if d.Stats().Live <= some {
			break
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	return d.Stats().Live
}
