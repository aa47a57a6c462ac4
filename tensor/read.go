// Readers: from tensors back to Go values.

package tensor

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Data returns a copy of t's elements, row-major. T must be the Go type of t's
// dtype; otherwise it fails with a *DTypeError. It waits for queued work, and
// returns t's error if it has one.
func Data[T Element](t *Tensor) ([]T, error) {
	a, err := t.read("data")
	if err != nil {
		return nil, err
	}
	if want := dtypeOf[T](); a.DType != want {
		err := &DTypeError{Op: "data", DTypes: []string{a.DType.String()}, Reason: "the elements are not " + want.String() + "; use Cast first"}
		return nil, failed("data", err, a.Aval).Err()
	}
	out := make([]T, a.Size())
	pack(unsafe.Pointer(unsafe.SliceData(out)), a)
	runtime.KeepAlive(a.Buf)
	return out, nil
}

// Float64s returns t's elements, row-major, converted to float64; true is 1.
func (t *Tensor) Float64s() ([]float64, error) {
	a, err := t.read("float64s")
	if err != nil {
		return nil, err
	}
	out := make([]float64, a.Size())
	dst := unsafe.Pointer(unsafe.SliceData(out))
	if a.DType == Float64 {
		pack(dst, a)
	} else {
		staged := scratch(len(out) * a.DType.Size())
		pack(staged, a)
		convert(dst, Float64, staged, a.DType, len(out))
	}
	runtime.KeepAlive(a.Buf)
	return out, nil
}

// Item returns the element of a tensor that has just one, as a float64. For
// another it fails with a *ShapeError.
func (t *Tensor) Item() (float64, error) {
	if t != nil && t.lv == nil && t.fault == nil && t.arr.Ptr != nil && len(t.arr.Shape) == 0 { // small and frequent
		v := load(t.arr.DType, t.arr.Ptr)
		runtime.KeepAlive(t)
		return v, nil
	}
	a, err := t.read("item")
	if err != nil {
		return math.NaN(), err
	}
	if a.Size() != 1 {
		err := &ShapeError{Op: "item", Shapes: [][]int{slices.Clone(a.Shape)}, Reason: fmt.Sprintf("%d elements, not one", a.Size())}
		return math.NaN(), failed("item", err, a.Aval).Err()
	}
	v := load(a.DType, a.Ptr)
	runtime.KeepAlive(a.Buf)
	return v, nil
}

// Float is Item for expressions: it returns NaN where Item fails.
func (t *Tensor) Float() float64 {
	v, err := t.Item()
	if err != nil {
		return math.NaN()
	}
	return v
}

// Wait waits until the work that computes t is done, or ctx ends, and returns
// t's error, or ctx's. On "cpu" and "ref" there is nothing to wait for.
func (t *Tensor) Wait(ctx context.Context) error {
	p, err := t.whereabouts()
	if err != nil {
		return err
	}
	if !p.host {
		if err := p.dev.Sync(ctx); err != nil {
			return failed("wait", err).Err()
		}
	}
	return t.Err()
}

// plain returns the plain value of a tensor, which the transformations that
// trace it are asked for.
func (t *Tensor) plain(op string) (*Tensor, error) {
	for {
		if err := t.Err(); err != nil {
			if err == ErrNil {
				err = failed(op, err).Err()
			}
			return nil, err
		}
		lv := t.lv
		if lv == nil {
			return t, nil
		}
		if lv.closed.Load() {
			return nil, failed(op, &EscapeError{Transformation: lv.name}, t.arr.Aval).Err()
		}
		v, err := lv.interp.Read(lv, t)
		if err != nil {
			return nil, failed(op, err, t.arr.Aval).Err()
		}
		t = v
	}
}

// read returns t's elements in host memory: an array over t's own memory or a copy.
// The caller keeps its Buf alive while it reads.
func (t *Tensor) read(op string) (*kernels.Array, error) {
	t, err := t.plain(op)
	if err != nil {
		return nil, err
	}
	if t.place == nil || t.place.host {
		return &t.arr, nil
	}
	a, err := t.download()
	if err == nil {
		err = t.Err() // of the work that had been queued
	}
	if err != nil {
		return nil, failed(op, err, t.arr.Aval).Err()
	}
	return a, nil
}

// download copies the elements from a device's memory: the part of the buffer
// that the array's strides reach, which is then read through the same strides.
func (t *Tensor) download() (*kernels.Array, error) {
	a := t.arr
	a.Buf = nil
	if a.Size() == 0 {
		return &a, nil
	}
	lo, hi := 0, 0 // the offsets reached, in elements
	for d, n := range a.Shape {
		if s := a.Stride(d) * (n - 1); s < 0 {
			lo += s
		} else {
			hi += s
		}
	}
	size := a.DType.Size()
	bytes := (hi - lo + 1) * size
	staged := scratch(bytes)
	first := int(uintptr(t.arr.Ptr)-uintptr(t.arr.Buf.Ptr())) + lo*size
	if err := t.place.dev.CopyOut(unsafe.Slice((*byte)(staged), bytes), t.arr.Buf, first); err != nil {
		return nil, err
	}
	a.Ptr = unsafe.Add(staged, -lo*size)
	return &a, nil
}
