// Host memory: elements of any type converted, and read through strides.

package tensor

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Element is the Go type of a dtype's elements.
type Element interface {
	bool | int32 | int64 | float32 | float64
}

// dtypeOf returns the dtype whose elements are of type T.
func dtypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case bool:
		return Bool
	case int32:
		return Int32
	case int64:
		return Int64
	case float32:
		return Float32
	}
	return Float64
}

// toInt converts a float to an integer of the range [lo, hi): towards zero,
// to the nearest end from outside, 0 from NaN.
func toInt[T int32 | int64](v, lo, hi float64) T {
	switch {
	case v != v:
		return 0
	case v < lo:
		return T(lo)
	case v >= hi:
		return -(T(lo) + 1)
	}
	return T(v)
}

// setter returns a function that stores a float64 as element i of dst.
func setter(d DType, dst unsafe.Pointer) func(i int, v float64) {
	at := func(i int) unsafe.Pointer { return unsafe.Add(dst, i*d.Size()) }
	switch d {
	case Bool:
		return func(i int, v float64) { *(*bool)(at(i)) = v != 0 }
	case Int32:
		return func(i int, v float64) { *(*int32)(at(i)) = toInt[int32](v, -1<<31, 1<<31) }
	case Int64:
		return func(i int, v float64) { *(*int64)(at(i)) = toInt[int64](v, -1<<63, 1<<63) }
	case Float32:
		return func(i int, v float64) { *(*float32)(at(i)) = float32(v) }
	}
	return func(i int, v float64) { *(*float64)(at(i)) = v }
}

// load returns the element at p as a float64. An int64 beyond 2^53 is rounded.
func load(d DType, p unsafe.Pointer) float64 {
	switch d {
	case Bool:
		if *(*bool)(p) {
			return 1
		}
		return 0
	case Int32:
		return float64(*(*int32)(p))
	case Int64:
		return float64(*(*int64)(p))
	case Float32:
		return float64(*(*float32)(p))
	}
	return *(*float64)(p)
}

// convert stores n dense elements of type sd at src as type dd at dst.
func convert(dst unsafe.Pointer, dd DType, src unsafe.Pointer, sd DType, n int) {
	switch {
	case dd == sd:
		copy(unsafe.Slice((*byte)(dst), n*dd.Size()), unsafe.Slice((*byte)(src), n*sd.Size()))
	case dd == Int64 && sd == Int32: // float64 would do for the others, but not hold an int64
		widen(unsafe.Slice((*int64)(dst), n), unsafe.Slice((*int32)(src), n))
	case dd == Int32 && sd == Int64:
		widen(unsafe.Slice((*int32)(dst), n), unsafe.Slice((*int64)(src), n))
	case dd == Float32 && sd == Int64:
		widen(unsafe.Slice((*float32)(dst), n), unsafe.Slice((*int64)(src), n))
	default:
		set, size := setter(dd, dst), sd.Size()
		for i := range n {
			set(i, load(sd, unsafe.Add(src, i*size)))
		}
	}
}

func widen[D, S int32 | int64 | float32](dst []D, src []S) {
	for i, v := range src {
		dst[i] = D(v)
	}
}

// pack copies the elements of a host array to dst, row-major.
func pack(dst unsafe.Pointer, a *kernels.Array) {
	switch a.DType.Size() {
	case 1:
		packAs[uint8](dst, a)
	case 4:
		packAs[uint32](dst, a)
	case 8:
		packAs[uint64](dst, a)
	}
}

func packAs[T any](dst unsafe.Pointer, a *kernels.Array) {
	n := a.Size()
	if n == 0 {
		return
	}
	out := unsafe.Slice((*T)(dst), n)
	if a.Dense() {
		copy(out, unsafe.Slice((*T)(a.Ptr), n))
		return
	}
	last := len(a.Shape) - 1
	inner, step := a.Shape[last], a.Stride(last)
	i := 0
	eachRow(a, func(offset int) {
		for range inner {
			out[i] = *(*T)(unsafe.Add(a.Ptr, offset*a.DType.Size()))
			offset += step
			i++
		}
	})
}

// eachRow calls f with the offset, in elements, of each run along the last
// dimension, in row-major order. The array has a dimension and no size 0.
func eachRow(a *kernels.Array, f func(offset int)) {
	outer := len(a.Shape) - 1
	var index [kernels.MaxRank]int
	offset := 0
	for {
		f(offset)
		d := outer - 1
		for ; d >= 0; d-- {
			index[d]++
			offset += a.Stride(d)
			if index[d] < a.Shape[d] {
				break
			}
			offset -= index[d] * a.Stride(d)
			index[d] = 0
		}
		if d < 0 {
			return
		}
	}
}
