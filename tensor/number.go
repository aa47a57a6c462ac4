// Numbers: tensors of one element, of which there are many in eager code. What they
// take is mostly their making and finding kernels, so that is what is saved here.

package tensor

import (
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// numbers runs kernels of single numbers.
type numbers struct {
	v     [2 * maxOperands]float64 // operands, then results
	slab  *[slabSize]Tensor        // of which so many are used
	used  int
	slabs bool // results share allocations
}

// slabSize is how many tensors a slab has.
const slabSize = 15 // and a header of the allocator

// run runs a kernel of single numbers.
func (n *numbers) run(p *place, k kernels.Scalar, inst *kernels.Inst, in, out []*Tensor, into *Tensor, add bool) {
	v := n.compute(k, in, len(out))
	for i, v := range v[len(in):] {
		t := into
		if t == nil || i > 0 {
			t = n.make(p, inst.Out[i])
		}
		at := (*float64)(t.arr.Ptr)
		if add {
			v += *at
		}
		*at = v
		out[i] = t
	}
}

// compute returns the operands as numbers, and so many results.
func (n *numbers) compute(k kernels.Scalar, in []*Tensor, outs int) []float64 {
	v := n.v[:len(in)+outs]
	for i, t := range in {
		v[i] = Number(t)
	}
	k.Numbers(v[:len(in)], v[len(in):])
	return v
}

// NumbersAt is [Evaluator.EvalAt] where inst and its derivative are kernels of single
// numbers. It returns the operands and results as numbers, valid until the next run, or
// nil where it has done nothing since they are not.
func (e *Evaluator) NumbersAt(lv *Level, ref int32, inst *kernels.Inst, how *kernels.Derived, in, out []*Tensor) []float64 {
	if max(len(in), len(out)) > maxOperands {
		return nil
	}
	for _, t := range in {
		if !t.Direct(lv) {
			return nil
		}
	}
	p, err := commonPlace(in)
	if err != nil || !p.host {
		return nil
	}
	k := inst.Scalar(p.backend)
	if k == nil || !how.Numbers(p.backend) {
		return nil
	}
	n := &e.numbers
	v := n.compute(k, in, len(out))
	n.slabs = true
	for i := range out {
		t := n.make(p, inst.Out[i])
		*(*float64)(t.arr.Ptr) = v[len(in)+i]
		t.lv, t.ref, t.direct = lv, ref+int32(i), true
		out[i] = t
	}
	n.slabs = false
	return v
}

// Number returns the element of a tensor on the host of one float or bool, which is
// plain or direct.
func Number(t *Tensor) float64 {
	switch t.arr.DType {
	case Float64:
		return *(*float64)(t.arr.Ptr)
	case Float32:
		return float64(*(*float32)(t.arr.Ptr))
	}
	return float64(*(*uint8)(t.arr.Ptr))
}

// IsNumber reports whether t is plain, a single float64 and on the host.
func IsNumber(t *Tensor) bool {
	return t.lv == nil && !t.bad() && t.arr.DType == Float64 && t.arr.Size() == 1 && (t.place == nil || t.place.host)
}

// NewNumber returns a plain tensor of one element that lives where beside does.
func NewNumber(v float64, a kernels.Aval, beside *Tensor) *Tensor {
	var n numbers
	t := n.make(beside.place, a)
	t.inline = bitsOf(v, a.DType)
	return t
}

// KernelOfNumbers returns the kernel of inst for numbers that live where beside does.
func KernelOfNumbers(inst *kernels.Inst, beside *Tensor) kernels.Scalar {
	return inst.Scalar(beside.place.backend)
}

// make returns an uninitialised tensor of one element on the host.
func (n *numbers) make(p *place, a kernels.Aval) *Tensor {
	t := n.next()
	t.arr.DType, t.arr.Ptr, t.place = a.DType, unsafe.Pointer(&t.inline), p
	if len(a.Shape) > 0 {
		t.arr.Shape = a.Shape
	}
	return t
}

// next returns an empty tensor, of a slab where that is asked for: of tensors that
// all end with a level, since one alone would keep the others' memory.
func (n *numbers) next() *Tensor {
	if !n.slabs {
		return new(Tensor)
	}
	if n.slab == nil || n.used == slabSize {
		n.slab, n.used = new([slabSize]Tensor), 0
	}
	n.used++
	return &n.slab[n.used-1]
}

// Trace is [Level.Trace] of an evaluator's level.
func (e *Evaluator) Trace(lv *Level, primal *Tensor, ref int32) *Tensor {
	if primal.lv != nil || primal.arr.Buf != nil || primal.arr.Size() > 1 {
		return lv.Trace(primal, nil, ref)
	}
	n := &e.numbers
	n.slabs = true
	t := n.next()
	n.slabs = false
	lv.trace(t, primal, nil, ref)
	return t
}

// constant returns a host constant of type a with all elements v: one element
// behind zero strides.
func constant(v float64, a kernels.Aval) *Tensor {
	bits := bitsOf(v, a.DType)
	if len(a.Shape) == 0 {
		return recent(bits, a.DType)
	}
	t := newConstant(bits, a)
	t.arr.Strides = make([]int, len(a.Shape))
	return t
}

// bitsOf returns the word that begins with v as an element.
func bitsOf(v float64, dt DType) (bits uint64) {
	at := unsafe.Pointer(&bits)
	switch dt {
	case Float64:
		*(*float64)(at) = v
	case Float32:
		*(*float32)(at) = float32(v)
	case Int64:
		*(*int64)(at) = int64(v)
	case Int32:
		*(*int32)(at) = int32(v)
	case Bool:
		*(*bool)(at) = v != 0
	}
	return bits
}

func newConstant(bits uint64, a kernels.Aval) *Tensor {
	t := &Tensor{inline: bits}
	t.arr.Aval, t.arr.Ptr = a, unsafe.Pointer(&t.inline)
	return t
}

// constants are numbers that were used of late, since programs use few of them often.
var constants [64]atomic.Pointer[Tensor]

// recent returns the constant of rank 0 with these bits.
func recent(bits uint64, dt DType) *Tensor {
	slot := &constants[(bits^uint64(dt))*0x9e3779b97f4a7c15>>58] // Fibonacci hashing
	t := slot.Load()
	if t == nil || t.inline != bits || t.arr.DType != dt {
		t = newConstant(bits, kernels.Aval{DType: dt})
		slot.Store(t)
	}
	return t
}
