// The Tensor: an immutable value, plain or traced.

package tensor

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// DType is the type of a tensor's elements.
type DType = device.DType

// The element types.
const (
	Bool    = device.Bool
	Int32   = device.Int32
	Int64   = device.Int64
	Float32 = device.Float32
	Float64 = device.Float64
)

// Tensor is an immutable array of elements of one type on one device, or a
// value that a transformation traces. Operations never modify a Tensor and
// never panic: an operation that fails returns a Tensor that carries the error
// ([Tensor.Err]), and operations on such a Tensor return that same error.
type Tensor struct {
	arr   kernels.Array // its Aval is valid for every Tensor without an error; the rest for plain and direct ones
	place *place        // where it lives; nil: a host constant, good on any device
	lv    *Level        // the transformation that traces it; nil when plain
	fault *fault        // why the value is not there, now or once queued work has run; nil mostly
	// Of a traced tensor:
	primal *Tensor // the value one level down (nil where that is not known, or marked)
	aux    *Tensor // forward mode: the tangent (nil for zero)
	ref    int32   // reverse mode and recording: index in the record; batching: 1 when it has the batch axis
	direct bool    // the value one level down is plain, and is in arr and place as if this were it

	borrowed bool   // its memory is the caller's (Wrap)
	inline   uint64 // the element of a plain rank-0 tensor
}

// Aval returns the tensor's dtype and shape, which must not be modified. A
// tensor that carries an error, and nil, are bools of rank 0.
func (t *Tensor) Aval() kernels.Aval {
	if t == nil {
		return kernels.Aval{}
	}
	return t.arr.Aval
}

// DType returns the type of the elements.
func (t *Tensor) DType() DType { return t.Aval().DType }

// Shape returns a copy of the shape.
func (t *Tensor) Shape() []int { return slices.Clone(t.Aval().Shape) }

// Rank returns the number of dimensions.
func (t *Tensor) Rank() int { return len(t.Aval().Shape) }

// Dim returns the size of dimension d, counted from the end where negative; -1
// when there is no such dimension.
func (t *Tensor) Dim(d int) int {
	shape := t.Aval().Shape
	if d < 0 {
		d += len(shape)
	}
	if d < 0 || d >= len(shape) {
		return -1
	}
	return shape[d]
}

// Size returns the number of elements.
func (t *Tensor) Size() int { return t.Aval().Size() }

// Err returns the first error on the way to this tensor, or nil. On an
// asynchronous device the error of work that is still queued is known only
// after [Tensor.Wait] or a reader.
func (t *Tensor) Err() error {
	if t == nil {
		return ErrNil
	}
	if t.fault == nil {
		return t.unmade()
	}
	return t.fault.get()
}

// unmade is the error of a Tensor that was declared, but made by no function of
// this package; nil for all others.
func (t *Tensor) unmade() error {
	if t.arr.Ptr == nil && t.lv == nil && t.fault == nil && t.arr.Size() > 0 {
		return ErrNil
	}
	return nil
}

// bad is Err for the operations' fast path.
func (t *Tensor) bad() bool {
	return t == nil || (t.fault != nil || t.arr.Ptr == nil) && t.Err() != nil
}

// Device returns the device on which the tensor lives; for a traced one, the
// value's. It is nil for a tensor that carries an error.
func (t *Tensor) Device() device.Device {
	if p, err := t.whereabouts(); err == nil {
		return p.dev
	}
	return nil
}

// whereabouts returns the place of a tensor's value, the default one for what is good on any.
func (t *Tensor) whereabouts() (*place, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	for t.lv != nil && t.primal != nil {
		t = t.primal
	}
	if t.place == nil {
		return currentPlace()
	}
	return t.place, nil
}

// place is a device with the backend that serves it.
type place struct {
	dev     device.Device
	backend int
	workers *device.Workers
	host    bool // kernels run at once on host memory: small results may live on the Go heap
}

var places sync.Map // device.Device -> *place

// placeOf returns the place of a device, or an error when no backend serves it.
func placeOf(dev device.Device) (*place, error) {
	if p, ok := places.Load(dev); ok {
		return p.(*place), nil
	}
	id, ok := kernels.BackendID(dev.Kind())
	if !ok {
		return nil, &DeviceError{Device: dev.Name(), Reason: "no kernels are linked in for this kind of device"}
	}
	p, _ := places.LoadOrStore(dev, &place{
		dev: dev, backend: id, workers: dev.Workers(),
		host: dev.Kind() == "cpu" || dev.Kind() == "ref",
	})
	return p.(*place), nil
}

// chosen is the default device of SetDefaultDevice.
var chosen atomic.Pointer[place]

// SetDefaultDevice makes dev the device of tensors that are made without naming
// one. Without a call it is that of COTANGENT_DEVICE, else the CPU.
func SetDefaultDevice(dev device.Device) error {
	p, err := placeOf(dev)
	if err == nil {
		chosen.Store(p)
	}
	return err
}

// currentPlace returns the default device's place.
func currentPlace() (*place, error) {
	if p := chosen.Load(); p != nil {
		return p, nil
	}
	return defaultOnce()
}

var defaultOnce = sync.OnceValues(func() (*place, error) {
	dev, err := device.Default()
	if err != nil {
		return nil, err
	}
	return placeOf(dev)
})

// smallBytes is the size up to which host results live on the Go heap, where
// allocation is cheaper than the pool's round trip.
const smallBytes = 2048

// newPlain returns a tensor with uninitialised memory.
func newPlain(p *place, a kernels.Aval) (*Tensor, error) {
	bytes := 8
	if len(a.Shape) > 0 {
		bytes = a.Size() * a.DType.Size()
	}
	if p.host && bytes <= smallBytes {
		t := newSmall(bytes)
		t.arr.Aval, t.place = a, p
		return t, nil
	}
	buf, err := p.dev.Alloc(bytes)
	if err != nil {
		return nil, err
	}
	var t *Tensor
	if p.host {
		t = new(Tensor)
	} else {
		both := new(struct {
			Tensor
			later fault
		})
		t = &both.Tensor
		t.fault = &both.later
	}
	t.place, t.arr.Aval, t.arr.Buf, t.arr.Ptr = p, a, buf, buf.Ptr()
	return t, nil
}

// newSmall returns a tensor with memory on the Go heap. Few elements lie in one
// object with it, which is allocated faster than two.
func newSmall(bytes int) *Tensor {
	switch {
	case bytes <= 8:
		t := new(Tensor)
		t.arr.Ptr = unsafe.Pointer(&t.inline)
		return t
	case bytes <= 64:
		t := new(struct {
			Tensor
			data [8]uint64
		})
		t.arr.Ptr = unsafe.Pointer(&t.data)
		return &t.Tensor
	case bytes <= 256:
		t := new(struct {
			Tensor
			data [32]uint64
		})
		t.arr.Ptr = unsafe.Pointer(&t.data)
		return &t.Tensor
	}
	t := new(Tensor)
	t.arr.Ptr = unsafe.Pointer(unsafe.SliceData(make([]uint64, (bytes+7)/8)))
	return t
}

// view returns a plain tensor over t's memory. It holds a reference of its own
// to the buffer, so that either may be freed first.
func (t *Tensor) view(a kernels.Array) *Tensor {
	v := &Tensor{arr: a, place: t.place, fault: t.fault, borrowed: t.borrowed}
	switch {
	case a.Buf != nil:
		a.Buf.Retain()
	case a.Ptr == unsafe.Pointer(&t.inline): // a copy is as good, and keeps nothing alive
		v.inline = t.inline
		v.arr.Ptr = unsafe.Pointer(&v.inline)
	}
	return v
}

// Share returns a plain tensor over t's memory that holds it on its own, so that
// freeing t leaves it alone. A traced tensor is returned as it is.
func Share(t *Tensor) *Tensor {
	if t.lv != nil || t.bad() {
		return t
	}
	return t.view(t.arr)
}

// Buffered reports whether t is plain or marked and its memory a device's
// buffer, which Free gives back.
func Buffered(t *Tensor) bool { return t.primal == nil && t.arr.Buf != nil }

// Free gives back the memory of a plain or marked tensor that nobody will read
// again, without waiting for the garbage collector. Only the interpreters of
// transformations and scopes call it, for tensors that they alone hold.
func Free(t *Tensor) {
	if t == nil || t.primal != nil || t.arr.Buf == nil {
		return
	}
	buf := t.arr.Buf
	t.arr.Buf, t.arr.Ptr, t.direct = nil, nil, false
	if t.lv == nil { // else the level is closed, which says more
		t.fault = freed
	}
	buf.Release()
}
