//go:build cuda && cgo

package cuda_test

import (
	"testing"

	_ "github.com/cotangent-ad/cotangent/kernels/cuda"
	_ "github.com/cotangent-ad/cotangent/kernels/ref"
	"github.com/cotangent-ad/cotangent/kernels/spec"
)

// TestSpec is the conformance suite.
func TestSpec(t *testing.T) {
	d := openDevice(t)
	spec.Run(t, "cuda", spec.Options{Device: d})
}
