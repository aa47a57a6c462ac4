// Tensors over memory that belongs to the caller.

package tensor

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Wrap returns a tensor of the given shape over data itself, without a copy.
// Whoever writes to data afterwards changes the tensor, and what is computed
// from it later; a write while an operation runs is a data race. A prepared
// program notices a change and refuses to run. Where the default device is not
// the host, Wrap copies.
func Wrap[T Element](data []T, shape ...int) *Tensor {
	if shape == nil {
		shape = []int{len(data)}
	}
	a := kernels.Aval{DType: dtypeOf[T](), Shape: slices.Clone(shape)}
	if err := fits("wrap", a, len(data)); err != nil {
		return failed("wrap", err)
	}
	return borrow(data, kernels.Array{Aval: a})
}

// WrapStrided is Wrap with the distance between neighbours along each
// dimension, in elements: element [i, j] is data[i*strides[0]+j*strides[1]]. It
// fails with a *ShapeError for negative strides and where an element would lie
// outside of data.
func WrapStrided[T Element](data []T, shape, strides []int) *Tensor {
	const op = "wrap_strided"
	a := kernels.Aval{DType: dtypeOf[T](), Shape: slices.Clone(shape)}
	if err := checkType(op, a); err != nil {
		return failed(op, err)
	}
	refuse := func(reason string) *Tensor {
		return failed(op, &ShapeError{Op: op, Shapes: [][]int{a.Shape, slices.Clone(strides)}, Reason: reason})
	}
	if len(strides) != len(shape) {
		return refuse("a stride for each dimension is needed")
	}
	last, n := 0, a.Size()
	for d, s := range strides {
		switch {
		case s < 0:
			return refuse("a negative stride")
		case n > 0 && shape[d] > 1 && s > (len(data)-1-last)/(shape[d]-1):
			return refuse(fmt.Sprintf("elements outside of the %d given", len(data)))
		case n > 0:
			last += s * (shape[d] - 1)
		}
	}
	if n > 0 && len(data) == 0 {
		return refuse("elements outside of the 0 given")
	}
	return borrow(data, kernels.Array{Aval: a, Strides: slices.Clone(strides)})
}

func borrow[T Element](data []T, a kernels.Array) *Tensor {
	p, err := currentPlace()
	if err != nil {
		return failed("wrap", err)
	}
	a.Ptr = unsafe.Pointer(unsafe.SliceData(data))
	if !p.host {
		return transfer(&Tensor{arr: a}, p)
	}
	return &Tensor{arr: a, place: p, borrowed: true}
}

// Borrowed reports whether a plain tensor's memory is the caller's (see
// [Wrap]), or shared with such a tensor.
func (t *Tensor) Borrowed() bool { return t != nil && t.borrowed }

// Fingerprint returns 64 bits of hash of a plain tensor's elements, their bits
// as they are. Two tensors of one type and layout that differ in one element
// have different fingerprints, others almost surely. It is 0 for a tensor that
// has no elements to be seen on the host.
func (t *Tensor) Fingerprint() uint64 {
	if t == nil || t.bad() || t.lv != nil || t.place != nil && !t.place.host || t.arr.Size() == 0 {
		return 0
	}
	var h hash
	if t.arr.Dense() {
		h.add(t.arr.Ptr, t.arr.Size()*t.arr.DType.Size())
	} else {
		last := len(t.arr.Shape) - 1
		row := t.arr
		row.Shape, row.Strides = t.arr.Shape[last:], t.arr.Strides[last:]
		bytes := row.Size() * row.DType.Size()
		packed := scratch(bytes)
		eachRow(&t.arr, func(offset int) {
			row.Ptr = unsafe.Add(t.arr.Ptr, offset*row.DType.Size())
			pack(packed, &row)
			h.add(packed, bytes)
		})
	}
	runtime.KeepAlive(t)
	return h.sum()
}

// hash is four lanes of rotate, xor and multiply by an odd number: each step is
// a bijection of the word that it takes in, and the lanes keep memory busy.
type hash [4]uint64

const hashFactor = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio

func (h *hash) mix(lane int, word uint64) {
	h[lane] = (bits.RotateLeft64(h[lane], 29) ^ word) * hashFactor
}

func (h *hash) add(p unsafe.Pointer, n int) {
	b := unsafe.Slice((*byte)(p), n)
	for ; len(b) >= 32; b = b[32:] {
		h.mix(0, binary.NativeEndian.Uint64(b))
		h.mix(1, binary.NativeEndian.Uint64(b[8:]))
		h.mix(2, binary.NativeEndian.Uint64(b[16:]))
		h.mix(3, binary.NativeEndian.Uint64(b[24:]))
	}
	for lane := range h {
		var word [8]byte
		b = b[copy(word[:], b):]
		h.mix(lane, binary.NativeEndian.Uint64(word[:]))
	}
}

func (h *hash) sum() uint64 {
	s := h[0]
	for _, lane := range h[1:] {
		s = (bits.RotateLeft64(s, 23) ^ lane) * hashFactor
	}
	return s ^ s>>32
}
