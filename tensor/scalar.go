// Arithmetic on single float64 numbers in host memory, where finding and
// calling a kernel would cost more than the work. The functions here are the
// correctly rounded ones of IEEE 754, so that no kernel computes other bits.

package tensor

import (
	"math"
	"runtime"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// scalarFns holds, by the op's ID, its function of one or two numbers.
var scalarFns = func() []func(x, y float64) float64 {
	fns := make([]func(x, y float64) float64, len(kernels.Ops()))
	for op, f := range map[*kernels.Op]func(x, y float64) float64{
		kernels.Add:    func(x, y float64) float64 { return x + y },
		kernels.Sub:    func(x, y float64) float64 { return x - y },
		kernels.Mul:    func(x, y float64) float64 { return x * y },
		kernels.Div:    func(x, y float64) float64 { return x / y },
		kernels.Neg:    func(x, _ float64) float64 { return -x },
		kernels.Square: func(x, _ float64) float64 { return x * x },
		kernels.Sqrt:   func(x, _ float64) float64 { return math.Sqrt(x) },
	} {
		fns[op.ID()] = f
	}
	return fns
}()

// isScalar reports whether t is a plain float64 of rank 0 in host memory (what
// is elsewhere always has a fault, set or not).
func (t *Tensor) isScalar() bool {
	return t != nil && t.arr.DType == Float64 && len(t.arr.Shape) == 0 && t.lv == nil && t.fault == nil
}

// scalarOp returns the result of op on scalars x and y, or nil where it is not
// for this file. A result of host constants is a host constant.
func scalarOp(op *kernels.Op, x, y *Tensor) *Tensor {
	if !x.isScalar() || !y.isScalar() || op.ID() >= len(scalarFns) {
		return nil
	}
	f := scalarFns[op.ID()]
	p := x.place
	if p == nil {
		p = y.place
	}
	if f == nil || y.place != nil && y.place != p {
		return nil
	}
	t := &Tensor{place: p}
	t.arr.DType = Float64
	t.arr.Ptr = unsafe.Pointer(&t.inline)
	t.inline = math.Float64bits(f(*(*float64)(x.arr.Ptr), *(*float64)(y.arr.Ptr)))
	runtime.KeepAlive(x) // they may be views of buffers
	runtime.KeepAlive(y)
	return t
}
