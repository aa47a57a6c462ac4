// Evaluation: ops run at once on a backend.

package spec

import (
	"fmt"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// value is an array, or the error that took its place.
type value struct {
	array *kernels.Array
	aval  kernels.Aval
	err   error
}

func (v *value) Aval() kernels.Aval { return v.aval }

// eager runs ops on a backend.
type eager struct {
	backend int
	workers *device.Workers
	dev     device.Device // nil: in Go's memory, at once
}

func (e eager) Apply(op *kernels.Op, attr any, in ...kernels.Val) []kernels.Val {
	return apply(e, op, attr, in)
}

// apply emits op, in its parts where it is made of others.
func apply(b kernels.Builder, op *kernels.Op, attr any, in []kernels.Val) []kernels.Val {
	avals := make([]kernels.Aval, len(in))
	for i, x := range in {
		avals[i] = x.Aval()
	}
	inst, err := op.Inst(attr, avals...)
	if err != nil {
		return []kernels.Val{b.Fail(err)}
	}
	if op.Kind == kernels.Composite {
		return op.Compose(b, attr, in)
	}
	return b.ApplyInst(inst, in...)
}

func (e eager) ApplyInst(inst *kernels.Inst, in ...kernels.Val) []kernels.Val {
	c := &kernels.Call{Workers: e.workers}
	var err error
	for i, x := range in {
		v := x.(*value)
		if err = v.err; err != nil {
			break
		}
		if !kernels.EqualAval(v.aval, inst.In[i]) {
			err = fmt.Errorf("spec: %s: operand %d is %v, not %v", inst.Name, i, v.aval, inst.In[i])
			break
		}
		c.In = append(c.In, v.array)
	}
	out := make([]kernels.Val, len(inst.Out))
	for i, a := range inst.Out {
		v := &value{aval: a, array: newArray(a)}
		poison(v.array)
		c.Out, out[i] = append(c.Out, v.array), v
	}
	if err == nil {
		if k := inst.Kernel(e.backend); k == nil {
			err = fmt.Errorf("spec: no kernel for %s", inst.Name)
		} else {
			err = e.run(k, c)
		}
	}
	for _, v := range out {
		v.(*value).err = err
	}
	return out
}

func (e eager) Full(v float64, a kernels.Aval) kernels.Val {
	attr := kernels.Fill{DType: a.DType, Shape: kernels.DimsOf(a.Shape...), Value: v}
	return kernels.One(e, kernels.Full, attr)
}

func (e eager) Fail(err error) kernels.Val { return &value{err: err} }

// newArray returns a dense array in Go's memory.
func newArray(a kernels.Aval) *kernels.Array {
	memory := make([]uint64, (a.Size()*a.DType.Size()+7)/8+1)
	return &kernels.Array{Aval: a, Ptr: unsafe.Pointer(&memory[0])}
}

// poison fills an array with what shows where it was not written.
func poison(a *kernels.Array) {
	bytes := unsafe.Slice((*byte)(a.Ptr), a.Size()*a.DType.Size())
	for i := range bytes {
		if bytes[i] = 0xff; a.DType == device.Bool {
			bytes[i] = 1
		}
	}
}

// element returns the address of the element at a row-major number.
func element(a *kernels.Array, n int) unsafe.Pointer {
	offset := 0
	for d := len(a.Shape) - 1; d >= 0; d-- {
		offset += n % a.Shape[d] * a.Stride(d)
		n /= a.Shape[d]
	}
	return unsafe.Add(a.Ptr, offset*a.DType.Size())
}

// read and write convert elements of any type from and to float64.
func read(a *kernels.Array, n int) float64 {
	switch p := element(a, n); a.DType {
	case device.Bool:
		return float64(*(*uint8)(p))
	case device.Int32:
		return float64(*(*int32)(p))
	case device.Int64:
		return float64(*(*int64)(p))
	case device.Float32:
		return float64(*(*float32)(p))
	default:
		return *(*float64)(p)
	}
}

func write(a *kernels.Array, n int, v float64) {
	switch p := element(a, n); a.DType {
	case device.Bool:
		*(*bool)(p) = v != 0
	case device.Int32:
		*(*int32)(p) = int32(v)
	case device.Int64:
		*(*int64)(p) = int64(v)
	case device.Float32:
		*(*float32)(p) = float32(v)
	default:
		*(*float64)(p) = v
	}
}

// elements returns all elements in row-major order.
func elements(a *kernels.Array) []float64 {
	list := make([]float64, a.Size())
	for i := range list {
		list[i] = read(a, i)
	}
	return list
}
