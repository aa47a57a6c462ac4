//go:build cuda && cgo

package cuda

// What programs do with arrays beside running kernels.

import (
	"errors"
	"sync"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/kernels"
)

var (
	_ kernels.Mover    = backend{}
	_ kernels.Recorder = backend{}
)

// mover moves arrays on a stream, or on their device's where that is nil.
type mover struct{ stream device.Stream }

// On returns what moves arrays on a stream.
func (backend) On(s device.Stream) kernels.Mover { return mover{s} }

// Record keeps work in a CUDA graph.
func (backend) Record(dev device.Device, queue func(device.Stream) error) (kernels.Recording, error) {
	r, err := dev.(*cuda.Device).Record(queue)
	if r == nil {
		return nil, err
	}
	return r, nil
}

// Fork returns another stream of a recording.
func (backend) Fork(s device.Stream) (device.Stream, error) { return s.(*cuda.Stream).Fork() }

// copiers are the kernels of copies between other layouts than dense ones, by
// type and shape.
var copiers sync.Map

// copierKey is a type and the shape's numbers.
type copierKey struct {
	dt   device.DType
	dims kernels.Dims
}

// copierOf returns the kernel that copies arrays of a type.
func copierOf(a kernels.Aval) (*kernel, error) {
	key := copierKey{a.DType, kernels.DimsOf(a.Shape...)}
	if k, ok := copiers.Load(key); ok {
		return k.(*kernel), nil
	}
	k := copier(nil, a, a, -1, 0)
	if k == nil {
		return nil, errors.New("kernels/cuda: no copy of an array of so many dimensions")
	}
	kept, _ := copiers.LoadOrStore(key, k)
	return kept.(*kernel), nil
}

// Copy sets dst to src; one that is not on the device holds when it returns.
func (m mover) Copy(dst, src kernels.Array) error {
	c := &kernels.Call{In: []*kernels.Array{&src}, Stream: m.stream}
	if dst.Buf != nil {
		c.Out = []*kernels.Array{&dst}
	}
	r, err := newRun(c)
	if r == nil || src.Size() == 0 {
		return err
	}
	bytes := src.Size() * src.DType.Size()
	switch {
	case !dst.Dense() || dst.Buf == nil && !src.Dense():
		return errors.New("kernels/cuda: a copy to an array that is not dense")
	case dst.Buf == nil:
		return r.stream.Download(unsafe.Slice((*byte)(dst.Ptr), bytes), src.Ptr)
	case src.Dense() && src.Buf != nil:
		return r.stream.Copy(dst.Ptr, src.Ptr, bytes)
	case src.Dense():
		return r.stream.Upload(dst.Ptr, unsafe.Slice((*byte)(src.Ptr), bytes))
	}
	k, err := copierOf(src.Aval)
	if err != nil {
		return err
	}
	return k.Run(c)
}

// Clear sets a dense array to zeros.
func (m mover) Clear(a kernels.Array) error {
	r, err := newRun(&kernels.Call{Out: []*kernels.Array{&a}, Stream: m.stream})
	if r == nil {
		return err
	}
	return r.stream.Zero(a.Ptr, a.Size()*a.DType.Size())
}

// Int returns the only element of an array of integers or bools; it waits for the
// work that makes it.
func (m mover) Int(a kernels.Array) (int64, error) {
	if a.Buf != nil {
		r, err := newRun(&kernels.Call{Out: []*kernels.Array{&a}, Stream: m.stream})
		if err == nil && r.stream.Recording() {
			err = cuda.ErrRecording
		}
		if err != nil {
			return 0, err
		}
		here, err := r.download(&a)
		if err != nil {
			return 0, err
		}
		a = *here
	}
	switch a.DType {
	case device.Bool:
		return int64(*(*uint8)(a.Ptr)), nil
	case device.Int32:
		return int64(*(*int32)(a.Ptr)), nil
	}
	return *(*int64)(a.Ptr), nil
}
