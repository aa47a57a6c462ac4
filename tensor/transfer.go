// Moving tensors between devices.

package tensor

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// To returns t on another device, t itself where it is there. Derivatives
// travel back. Between two GPUs the elements travel in the order of the work on either,
// and nobody waits (see [device.Peer]). It fails with a *DeviceError for a device that no
// kernels are linked in for.
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
	if peer, ok := to.dev.(device.Peer); ok && t.place != nil && t.place.dev.Kind() == peer.Kind() && t.arr.Size() > 0 {
		return fromPeer(peer, t, to)
	}
	a, err := t.read("to")
	if err != nil {
		return failed("to", err)
	}
	return build("to", options{dtype: a.DType, dev: to.dev}, a.Shape, func(dst unsafe.Pointer) { pack(dst, a) })
}

// fromPeer is transfer from a device of the same kind, which packs the elements if need be.
func fromPeer(peer device.Peer, t *Tensor, to *place) *Tensor {
	src := t
	if !t.arr.Dense() {
		src = t.Clone()
		defer Free(src)
	}
	a := kernels.Aval{DType: t.arr.DType, Shape: t.arr.Shape}
	if err := src.Err(); err != nil {
		return failed("to", err, a)
	}
	out, err := newPlain(to, a)
	if err != nil {
		return failed("to", err, a)
	}
	first := int(uintptr(src.arr.Ptr) - uintptr(src.arr.Buf.Ptr()))
	if err := peer.CopyPeer(out.arr.Buf, 0, src.arr.Buf, first, a.Size()*a.DType.Size()); err != nil {
		Free(out)
		return failed("to", err, a)
	}
	if _, prompt := peer.Stream().(device.Prompt); !prompt {
		// What makes the source may have still to fail.
		cause, fault := src.fault, out.fault
		peer.Stream().Do(func() {
			if err := cause.get(); err != nil {
				fault.set(err)
			}
		})
	}
	return out
}
