//go:build cuda && cgo

package cuda_test

import (
	"os"
	"runtime"
	"testing"
	"time"

	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/kernels/cuda"
	"github.com/cotangent-ad/cotangent/tensor"
)

// openDevice is what the tests inside the package open too.
func openDevice(t testing.TB) *devcuda.Device {
	t.Helper()
	return cuda.OpenDevice(t)
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
