// Moving tensors between devices.

package tensor

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
)

// To returns t on another device, t itself where it is there. Derivatives
// travel back. It fails with a *DeviceError for a device that no kernels are
// linked in for.
func (t *Tensor) To(dev device.Device) *Tensor {
	from, err := t.whereabouts()
	if err != nil {
		return failed("to", err)
	}
	if dev == nil {
		return failed("to", &DeviceError{Device: "nil", Reason: "no device"})
	}
	to, err := placeOf(dev)
	if err != nil {
		return failed("to", err)
	}
	if from == to && (t.lv != nil || t.place != nil) {
		return t
	}
	move := func(to *place) func(x []*Tensor) []*Tensor {
		return func(x []*Tensor) []*Tensor { return []*Tensor{x[0].To(to.dev)} }
	}
	fn := &Function{
		Name: "to",
		Run:  func(x []*Tensor) []*Tensor { return []*Tensor{transfer(x[0], to)} },
		VJP:  func(_, _, g []*Tensor) []*Tensor { return move(from)(g) },
		JVP:  func(_, _, dx []*Tensor) []*Tensor { return move(to)(dx) },
	}
	return fn.Apply([]*Tensor{t})[0]
}

// transfer returns a copy of a plain tensor at a place.
func transfer(t *Tensor, to *place) *Tensor {
	a, err := t.read("to")
	if err != nil {
		return failed("to", err)
	}
	return build("to", options{dtype: a.DType, dev: to.dev}, a.Shape, func(dst unsafe.Pointer) { pack(dst, a) })
}
