//go:build cuda && cgo

package cuda_test

// Barriers that kernels lack are found on the stand-in.

import (
	"testing"

	"github.com/cotangent-ad/cotangent/device/devicetest"
)

// reverse needs its barrier: without it a thread reads what another has not written.
const reverse = `
extern "C" __global__ void reverse(float *y, int with) {
	__shared__ float s[64];
	int i = threadIdx.x;
	s[i] = i;
	if (with) __syncthreads();
	y[i] = s[63 - i];
}
extern "C" __global__ void divided(float *y, int with) {
	if (threadIdx.x < 32 || with) __syncthreads();
	y[threadIdx.x] = 1;
}`

func TestMissingBarrierIsFound(t *testing.T) {
	onStandIn(t)
	d, b := openWith(t, 4*64)
	right := func(with int32) bool {
		if err := launch(d, reverse, "reverse", 64, b, with); err != nil {
			t.Fatal(err)
		}
		for i, v := range floats(t, d, b) {
			if v != float32(63-i) {
				return false
			}
		}
		return true
	}
	for _, order := range []string{"forward", "reverse", "random"} {
		t.Setenv("STANDIN_ORDER", order)
		if !right(1) {
			t.Errorf("%s: wrong with its barrier", order)
		}
		if right(0) {
			t.Errorf("%s: right without its barrier", order)
		}
	}
}

func TestBarrierThatSomeMissIsFound(t *testing.T) {
	onStandIn(t)
	devicetest.Child(t, "TestDividedChild")
}

func TestDividedChild(t *testing.T) {
	devicetest.InChild(t)
	d, b := openWith(t, 4*64)
	if err := launch(d, reverse, "divided", 64, b, int32(1)); err != nil {
		t.Fatal(err)
	}
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := launch(d, reverse, "divided", 64, b, int32(0)); err != nil {
		t.Fatal(err)
	}
	lostAfter(t, d)
}
