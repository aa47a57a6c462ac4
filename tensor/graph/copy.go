// Copies between arrays of any strides, on the host.

package graph

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// maxRank bounds the dimensions of the arrays that copyArray walks without
// allocating; it is the largest rank there is.
const maxRank = kernels.MaxRank

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
