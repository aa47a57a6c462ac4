// Constructors of tensors from rules: constants, sequences, identity.

package tensor

import (
	"slices"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Scalar returns a tensor of rank 0. Unless On says otherwise it may meet
// operands on any device.
func Scalar(v float64, opts ...Option) *Tensor {
	if len(opts) == 0 {
		return constant(v, kernels.Aval{DType: Float64})
	}
	o := gather(opts, Float64)
	if o.dev == nil && checkType("scalar", kernels.Aval{DType: o.dtype}) == nil {
		return constant(v, kernels.Aval{DType: o.dtype})
	}
	return filled("scalar", v, nil, o)
}

// Zeros returns a float64 tensor of the given shape filled with 0. Since it lists
// sizes it takes no options: of another dtype, or on another device, it is
//
//	tensor.Full(0, []int{2, 3}, tensor.WithDType(tensor.Float32))
//
// and of a tensor's shape, dtype and device [ZerosLike].
func Zeros(shape ...int) *Tensor { return filled("zeros", 0, shape, options{dtype: Float64}) }

// Ones returns a float64 tensor of the given shape filled with 1. For another
// dtype or device see [Full], and [OnesLike]: [Zeros] tells how.
func Ones(shape ...int) *Tensor { return filled("ones", 1, shape, options{dtype: Float64}) }

// Full returns a tensor of the given shape filled with v, float64 unless
// WithDType says otherwise. It fails with a *ShapeError for a shape that no
// tensor can have.
func Full(v float64, shape []int, opts ...Option) *Tensor {
	return filled("full", v, shape, gather(opts, Float64))
}

// ZerosLike returns zeros of t's shape, dtype and device. They do not depend on t.
func ZerosLike(t *Tensor) *Tensor { return filledLike("zeros_like", 0, t, nil) }

// OnesLike returns ones of t's shape, dtype and device. They do not depend on t.
func OnesLike(t *Tensor) *Tensor { return filledLike("ones_like", 1, t, nil) }

// FullLike returns a tensor of t's shape filled with v, of t's dtype and on its device
// unless the options say otherwise. It does not depend on t.
func FullLike(v float64, t *Tensor, opts ...Option) *Tensor {
	return filledLike("full_like", v, t, opts)
}

func filledLike(op string, v float64, t *Tensor, opts []Option) *Tensor {
	p, err := t.whereabouts()
	if err != nil {
		return failed(op, err)
	}
	o := gather(opts, t.arr.DType)
	if o.dev == nil {
		o.dev = p.dev
	}
	return filled(op, v, t.arr.Shape, o)
}

// filled makes a constant and copies it out: one Inst a shape, whatever the value.
func filled(op string, v float64, shape []int, o options) *Tensor {
	a := kernels.Aval{DType: o.dtype, Shape: slices.Clone(shape)}
	if err := checkType(op, a); err != nil {
		return failed(op, err)
	}
	t := o.make(kernels.Clone, nil, constant(v, a))
	if oe, ok := t.Err().(*OpError); ok { // the user asked for no clone
		oe.Op, oe.In = op, nil
	}
	return t
}

// make carries out an op whose operands are constants where the options say.
func (o *options) make(op *kernels.Op, attr any, in ...*Tensor) *Tensor {
	p, err := o.place()
	if err != nil {
		return failed(op.Name, err)
	}
	f := frames.Get().(*frame)
	defer f.put(len(in))
	inst, err := op.Inst(attr, avalsOf(in)...)
	if err != nil {
		return failed(op.Name, err)
	}
	var out [1]*Tensor
	f.evalOn(p, inst, in, out[:], nil, false)
	return out[0]
}

// Arange returns start, start+step, ... up to but not including stop, computed
// as start + i*step; float64 unless WithDType says otherwise. It fails with an
// *AttrError for a step of 0, numbers that are not finite, and integers from
// fractions.
func Arange(start, stop, step float64, opts ...Option) *Tensor {
	o := gather(opts, Float64)
	return o.make(kernels.Arange, kernels.Sequence{DType: o.dtype, Start: start, Stop: stop, Step: step})
}

// Linspace returns n numbers from start to stop, both included, evenly spaced.
// It fails with an *AttrError for a negative n or a distance that is not
// finite, and with a *DTypeError for a dtype that is not float.
func Linspace(start, stop float64, n int, opts ...Option) *Tensor {
	o := gather(opts, Float64)
	return o.make(kernels.Linspace, kernels.Spacing{DType: o.dtype, Start: start, Stop: stop, N: n})
}

// Eye returns the n by n identity matrix, float64 unless WithDType says otherwise.
func Eye(n int, opts ...Option) *Tensor {
	o := gather(opts, Float64)
	return o.make(kernels.Eye, kernels.Identity{DType: o.dtype, Rows: n, Cols: n})
}
