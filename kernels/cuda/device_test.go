//go:build cuda && cgo

package cuda_test

import (
	"errors"
	"math"
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
		// What it has found is given back by a goroutine, mostly at once.
		for wait := 10 * time.Microsecond; wait < time.Millisecond && d.Stats().Live > some; wait *= 2 {
			time.Sleep(wait)
		}
	}
	return d.Stats().Live
}

// compare is compareAll for tensors of one type.
func compare(t *testing.T, what string, got, want *tensor.Tensor, tol float64) {
	t.Helper()
	g, errGot := got.Float64s()
	w, errWant := want.Float64s()
	if err := errors.Join(errGot, errWant); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	compareAll(t, what, g, w, tol, want.DType())
}

// compareAll sees that elements are what is wanted, but for tol times the largest of these,
// or 2^29 times that in float32.
func compareAll(t *testing.T, what string, got, want []float64, tol float64, dt tensor.DType) {
	t.Helper()
	if dt == tensor.Float32 {
		tol *= 1 << 29
	}
	scale := 0.0
	for _, v := range want {
		scale = max(scale, math.Abs(v))
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		if d := math.Abs(got[i] - want[i]); !(d <= tol*scale) {
			t.Errorf("%s: element %d is %v, want %v", what, i, got[i], want[i])
			return
		}
	}
}

// sawtooth returns n numbers, which rise from the first again and again.
func sawtooth(n int, first float64) *tensor.Tensor {
	data := make([]float64, n)
	for i := range data {
		data[i] = first + float64(i%17)/17
	}
	return tensor.New(data)
}
