// The memory of plain tensors, for those who run programs of their own on it.

package tensor

import (
	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Memory returns the array of a plain tensor without an error and the device on
// which it lies (nil for a constant that is good on any), or nil for another
// tensor. It is for package grad, which runs prepared programs on tensors: the
// elements of a Tensor are not to be changed. Whoever uses the array keeps the
// tensor alive meanwhile.
func Memory(t *Tensor) (*kernels.Array, device.Device) {
	switch {
	case t.bad() || t.lv != nil:
		return nil, nil
	case t.place == nil:
		return &t.arr, nil
	}
	return &t.arr, t.place.dev
}

// Arrays sets dst to the arrays of tensors and returns how many of them, from the
// first on, a program can work on that runs where the plain tensor at lives: those that
// are plain, without an error and do not live on another device. What is said of
// [Memory] holds.
func Arrays(tensors []*Tensor, at *Tensor, dst []*kernels.Array) (n int) {
	here := at.place
	dst = dst[:len(tensors)]
	for i, t := range tensors {
		if t.bad() || t.lv != nil || t.place != here && t.place != nil && t.place.dev != here.dev {
			return i
		}
		dst[i] = &t.arr
	}
	return len(tensors)
}

// Empty returns a tensor with undefined elements for a program to fill, or one
// that carries the allocation's error.
func Empty(dev device.Device, a kernels.Aval) *Tensor {
	p, err := placeOf(dev)
	if err != nil {
		return failed("alloc", err, a)
	}
	return emptyAt(p, a)
}

// EmptyBeside is Empty on the device of the plain tensor at.
func EmptyBeside(at *Tensor, a kernels.Aval) *Tensor { return emptyAt(at.place, a) }

func emptyAt(p *place, a kernels.Aval) *Tensor {
	t, err := newPlain(p, a)
	if err != nil {
		return failed("alloc", err, a)
	}
	return t
}

// Place returns the device where a tensor's elements lie, which are at hand (see
// [Tensor.Direct]), and whether kernels run there when they are called; nil for a
// constant that is good on any device.
func Place(t *Tensor) (dev device.Device, host bool) {
	if t.place == nil {
		return nil, false
	}
	return t.place.dev, t.place.host
}

// OnDefault reports whether t lives on the default device, or on any: there is where
// what is computed of constants alone comes to lie.
func OnDefault(t *Tensor) bool {
	at, err := t.whereabouts()
	home, missing := currentPlace()
	return err == nil && missing == nil && at == home
}
