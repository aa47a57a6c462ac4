// What constructors share: options, checks of shapes, and memory to fill.

package tensor

import (
	"fmt"
	"math"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// An Option says of what type or where a constructor makes its tensor. [New],
// [NewShaped], [Scalar], [Full], [FullLike], [Arange], [Linspace] and [Eye] take options
// as their last arguments. Those that list sizes there do not, and have one of these
// beside them: [Full] does what [Zeros] and [Ones] do, [NewShaped] what [FromSlice]
// does. What there is already is converted by [Tensor.Cast] and moved by [Tensor.To].
type Option func(*options)

type options struct {
	dtype    DType
	hasDType bool
	dev      device.Device
}

// WithDType makes a tensor of the given type; values are converted as by [Tensor.Cast].
func WithDType(d DType) Option { return func(o *options) { o.dtype, o.hasDType = d, true } }

// On makes a tensor on the given device instead of the default one.
func On(dev device.Device) Option { return func(o *options) { o.dev = dev } }

// gather applies the options over a default type.
func gather(opts []Option, d DType) options {
	o := options{dtype: d}
	for _, f := range opts {
		if f != nil {
			f(&o)
		}
	}
	return o
}

// place returns where the options put the tensor.
func (o *options) place() (*place, error) {
	if o.dev == nil {
		return currentPlace()
	}
	return placeOf(o.dev)
}

// maxElements bounds the elements of a tensor, so that bytes and offsets fit an int.
const maxElements = math.MaxInt / 64

// checkType returns an error for a shape or dtype that no tensor can have.
func checkType(op string, a kernels.Aval) error {
	reason := ""
	n := 1
	switch {
	case int(a.DType) >= device.NumDTypes:
		return &DTypeError{Op: op, DTypes: []string{a.DType.String()}, Reason: "no such dtype"}
	case len(a.Shape) > kernels.MaxRank:
		reason = fmt.Sprintf("more than %d dimensions", kernels.MaxRank)
	default:
		for _, d := range a.Shape {
			switch {
			case d < 0:
				reason = "a negative size"
			case d > 0 && n > maxElements/d:
				reason = "too many elements"
			default:
				n *= max(d, 1) // a size of 0 must not hide an overflow of the others
			}
		}
	}
	if reason != "" {
		return &ShapeError{Op: op, Shapes: [][]int{slices.Clone(a.Shape)}, Reason: reason}
	}
	return nil
}

// build makes a tensor of the type and lets fill write its elements, row-major,
// to host memory.
func build(op string, o options, shape []int, fill func(dst unsafe.Pointer)) *Tensor {
	a := kernels.Aval{DType: o.dtype, Shape: shape}
	if err := checkType(op, a); err != nil {
		return failed(op, err)
	}
	p, err := o.place()
	if err != nil {
		return failed(op, err)
	}
	t, err := newPlain(p, a)
	if err != nil {
		return failed(op, err, a)
	}
	if a.Size() == 0 {
		return t
	}
	if p.host {
		fill(t.arr.Ptr)
		return t
	}
	bytes := a.Size() * a.DType.Size()
	staged := scratch(bytes)
	fill(staged)
	if err := p.dev.CopyIn(t.arr.Buf, 0, unsafe.Slice((*byte)(staged), bytes)); err != nil {
		Free(t)
		return failed(op, err, a)
	}
	return t
}

// scratch returns host memory, aligned for any element.
func scratch(bytes int) unsafe.Pointer {
	if bytes == 0 {
		return nil
	}
	return unsafe.Pointer(unsafe.SliceData(make([]uint64, (bytes+7)/8)))
}
