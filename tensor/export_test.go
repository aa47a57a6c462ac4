package tensor

import (
	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Uninitialized takes a tensor's memory and nothing else.
func Uninitialized(dev device.Device, d DType, shape ...int) *Tensor {
	p, err := placeOf(dev)
	if err != nil {
		return failed("uninitialized", err)
	}
	t, err := newPlain(p, kernels.Aval{DType: d, Shape: shape})
	if err != nil {
		return failed("uninitialized", err)
	}
	return t
}
