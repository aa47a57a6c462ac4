//go:build cuda && cgo

package cuda

import (
	"os"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cuda"
)

// OpenDevice opens the GPU, or what stands for it, and sees at the end that
// everything was given back. Without one it skips the test, or fails it where
// REQUIRE_GPU is set.
func OpenDevice(t testing.TB) *cuda.Device {
	t.Helper()
	if err := cuda.Status(); err != nil {
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
	return d.(*cuda.Device)
}
