// Results that the host reads, wherever they are computed.

package jacobian

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// hosted is a float64 array that programs compute, and its elements in the host's
// memory.
type hosted struct {
	array  *array
	apart  *kernels.Array // the array where the host does not reach it, else nil
	values []float64
}

// newHosted returns an array of a shape on the device of another.
func newHosted(like *array, shape ...int) (*hosted, error) {
	h := &hosted{array: tensor.Empty(like.Device(), kernels.Aval{DType: tensor.Float64, Shape: shape})}
	a, _ := tensor.Memory(h.array)
	switch {
	case a == nil:
		return nil, h.array.Err()
	case a.Size() == 0:
	case graph.Apart(a):
		h.apart, h.values = a, make([]float64, a.Size())
	default:
		h.values = unsafe.Slice((*float64)(a.Ptr), a.Size())
	}
	return h, nil
}

// fetch brings elements that were computed elsewhere to the host.
func (h *hosted) fetch() error {
	if h.apart == nil {
		return nil
	}
	at := int(uintptr(h.apart.Ptr) - uintptr(h.apart.Buf.Ptr()))
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&h.values[0])), 8*len(h.values))
	return h.apart.Buf.Device().CopyOut(bytes, h.apart.Buf, at)
}
