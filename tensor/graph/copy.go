// Copies between arrays of any strides, on the host and elsewhere.

package graph

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// maxRank bounds the dimensions of the arrays that copyArray walks without
// allocating; it is the largest rank there is.
const maxRank = kernels.MaxRank

// hostMover moves arrays in memory that the host reaches.
type hostMover struct{}

// Copy sets dst to src, which do not overlap.
func (hostMover) Copy(dst, src kernels.Array) error {
	copyArray(&dst, &src)
	return nil
}

// Clear sets a dense array to zeros.
func (hostMover) Clear(a kernels.Array) error {
	if a.Size() > 0 {
		clear(unsafe.Slice((*byte)(a.Ptr), bytesOf(a.Aval)))
	}
	return nil
}

// Int returns the only element of an array of int64 or bool.
func (hostMover) Int(a kernels.Array) (int64, error) {
	if a.DType == device.Bool {
		return int64(*(*uint8)(a.Ptr)), nil
	}
	return *(*int64)(a.Ptr), nil
}

// moverOf returns what moves arrays of a backend.
func moverOf(backend int) kernels.Mover {
	if m := kernels.MoverOf(backend); m != nil {
		return m
	}
	return hostMover{}
}

// Apart reports whether an array lies in memory that the host does not reach.
func Apart(a *kernels.Array) bool {
	if a.Buf == nil {
		return false
	}
	id, ok := kernels.BackendID(a.Buf.Device().Kind())
	return ok && kernels.MoverOf(id) != nil
}

// Within returns an array in memory that the host reaches: itself or a copy.
func Within(a *kernels.Array) (*kernels.Array, error) {
	if a.Size() == 0 || !Apart(a) {
		return a, nil
	}
	lo, hi := a.Span()
	words := make([]uint64, (hi-lo+7)/8)
	b := *a
	b.Ptr, b.Buf = unsafe.Add(unsafe.Pointer(unsafe.SliceData(words)), -lo), nil
	first := int(uintptr(a.Ptr)-uintptr(a.Buf.Ptr())) + lo
	return &b, a.Buf.Device().CopyOut(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), hi-lo), a.Buf, first)
}

// copyArray sets dst to src, of the same type. Their memory is the host's and
// does not overlap.
func copyArray(dst, src *kernels.Array) {
	n := src.Size()
	if n == 0 {
		return
	}
	if dst.Dense() && src.Dense() {
		bytes := n * src.DType.Size()
		copy(unsafe.Slice((*byte)(dst.Ptr), bytes), unsafe.Slice((*byte)(src.Ptr), bytes))
		return
	}
	switch src.DType.Size() {
	case 1:
		copyStrided[uint8](dst, src)
	case 4:
		copyStrided[uint32](dst, src)
	case 8:
		copyStrided[uint64](dst, src)
	}
}

// copyStrided walks both arrays in row-major order, the last dimension innermost.
func copyStrided[T any](dst, src *kernels.Array) {
	rank := len(src.Shape)
	if rank == 0 {
		*(*T)(dst.Ptr) = *(*T)(src.Ptr)
		return
	}
	var at [maxRank]int
	var to, from int // of the row that at names, in elements
	size := int(unsafe.Sizeof(*new(T)))
	n, dstStep, srcStep := src.Shape[rank-1], dst.Stride(rank-1), src.Stride(rank-1)
	for {
		d, s := to, from
		for range n {
			*(*T)(unsafe.Add(dst.Ptr, d*size)) = *(*T)(unsafe.Add(src.Ptr, s*size))
			d += dstStep
			s += srcStep
		}
		k := rank - 2
		for ; k >= 0; k-- {
			at[k]++
			to += dst.Stride(k)
			from += src.Stride(k)
			if at[k] < src.Shape[k] {
				break
			}
			to -= at[k] * dst.Stride(k)
			from -= at[k] * src.Stride(k)
			at[k] = 0
		}
		if k < 0 {
			return
		}
	}
}
