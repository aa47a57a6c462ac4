// Reading one array.

package npy

import (
	"encoding/binary"
	"io"
	"math/bits"
	"os"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/tensor"
)

// Read reads one .npy array; what follows it in r is not read where r tells its
// length (as files, bytes.Reader and bytes.Buffer do), and otherwise neither.
// The options say on which device, and as what dtype, the tensor is made. An
// array in Fortran order becomes a transposed view.
//
// Errors: a *FormatError, a *tensor.DTypeError for elements that no tensor has,
// r's, and those of making the tensor.
func Read(r io.Reader, opts ...tensor.Option) (*tensor.Tensor, error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	t, err := readers[h.dtype](r, h, opts)
	if err != nil {
		return nil, err
	}
	return t, t.Err()
}

// ReadFile reads the .npy file of that name.
func ReadFile(name string, opts ...tensor.Option) (*tensor.Tensor, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(f, opts...)
}

// readers read the elements of each dtype.
var readers = map[tensor.DType]func(io.Reader, *header, []tensor.Option) (*tensor.Tensor, error){
	tensor.Float64: readElements[float64],
	tensor.Float32: readElements[float32],
	tensor.Int64:   readElements[int64],
	tensor.Int32:   readElements[int32],
	tensor.Bool:    readElements[bool],
}

func readElements[T tensor.Element](r io.Reader, h *header, opts []tensor.Option) (*tensor.Tensor, error) {
	size := h.dtype.Size()
	n := h.elements()
	if left, known := remaining(r); known && int64(n)*int64(size) > left {
		return nil, malformed("%d bytes for the shape %v of %v", left, h.shape, h.dtype)
	}
	data, err := readData[T](r, n, size)
	if err != nil {
		return nil, err
	}
	normalize(data, size, h.big)
	if !h.fortran {
		return tensor.NewShaped(data, h.shape, opts...), nil
	}
	reversed := slices.Clone(h.shape)
	slices.Reverse(reversed)
	return tensor.NewShaped(data, reversed, opts...).Transpose(), nil
}

// firstChunk is how many bytes are asked for before any has been seen.
const firstChunk = 1 << 20

// readData reads n elements. Where nothing but the header vouches for n, memory
// grows with what has been read, to at most twice that.
func readData[T any](r io.Reader, n, size int) ([]T, error) {
	have := n
	if _, known := remaining(r); !known {
		have = min(n, firstChunk/size)
	}
	data := make([]T, have)
	for done := 0; ; {
		if err := readFull(r, bytesOf(data[done:have], size), "the data"); err != nil {
			return nil, err
		}
		if have == n {
			return data, nil
		}
		done, have = have, min(n, 2*have)
		grown := make([]T, have)
		copy(grown, data)
		data = grown
	}
}

// bytesOf returns the memory of a slice.
func bytesOf[T any](data []T, size int) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), len(data)*size)
}

// remaining returns how many bytes r still has, where it can tell.
func remaining(r io.Reader) (int64, bool) {
	switch r := r.(type) {
	case interface{ Len() int }:
		return int64(r.Len()), true
	case *io.LimitedReader:
		left, known := remaining(r.R)
		return min(left, r.N), known
	case *os.File:
		info, err := r.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return 0, false
		}
		at, err := r.Seek(0, io.SeekCurrent)
		return info.Size() - at, err == nil
	}
	return 0, false
}

// normalize brings the bytes of elements into the machine's order, and those of
// bools to 0 and 1.
func normalize[T any](data []T, size int, big bool) {
	b := bytesOf(data, size)
	if size == 1 {
		for i, v := range b {
			if v != 0 {
				b[i] = 1
			}
		}
		return
	}
	if machineBig := binary.NativeEndian.Uint16([]byte{0, 1}) == 1; big == machineBig || len(b) == 0 {
		return
	}
	switch p := unsafe.Pointer(unsafe.SliceData(b)); size {
	case 4:
		for i, v := range unsafe.Slice((*uint32)(p), len(data)) {
			unsafe.Slice((*uint32)(p), len(data))[i] = bits.ReverseBytes32(v)
		}
	case 8:
		for i, v := range unsafe.Slice((*uint64)(p), len(data)) {
			unsafe.Slice((*uint64)(p), len(data))[i] = bits.ReverseBytes64(v)
		}
	}
}
