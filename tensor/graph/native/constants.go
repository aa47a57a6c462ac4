// Constants: their elements, and those that are all the same number.

package native

import (
	"iter"
	"math"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// known makes a load of a constant whose elements are all the same that number.
func (l *lowering) known(x *loop.Inst, ld *load) {
	if ld.guarded || slices.ContainsFunc(ld.index, func(i loop.Lin) bool { return i.Via != loop.None }) {
		return
	}
	bits, ok := l.uniform(l.alias[ld.val].base)
	if !ok {
		return
	}
	*x = inst(x.DType, bits)
}

// inst returns the node that is a number, given by its bits.
func inst(dt device.DType, bits uint64) loop.Inst {
	c := loop.Inst{Fn: loop.Const, DType: dt, Arg: [3]loop.Node{loop.None, loop.None, loop.None}}
	switch dt {
	case device.Float64:
		c.V = math.Float64frombits(bits)
	case device.Float32:
		c.V = float64(math.Float32frombits(uint32(bits)))
	case device.Int32:
		c.K = int64(int32(bits))
	default:
		c.K = int64(bits)
	}
	return c
}

// uniform returns the bits of the elements of a constant, if they are all the same.
func (l *lowering) uniform(v graph.Ref) (bits uint64, ok bool) {
	i, is := l.consts[v]
	if !is {
		return 0, false
	}
	if u, seen := l.uniforms[v]; seen {
		return u.bits, u.ok
	}
	bits, ok = sameElements(&l.g.Consts[i].Array)
	l.uniforms[v] = uniform{bits, ok}
	return bits, ok
}

type uniform struct {
	bits uint64
	ok   bool
}

// sameElements returns the bits of an array's elements, if they are all the same.
func sameElements(a *kernels.Array) (bits uint64, ok bool) {
	first := true
	for x := range each(a) {
		if !first && x != bits {
			return 0, false
		}
		bits, first = x, false
	}
	return bits, !first
}

// each yields the bits of an array's elements, in row-major order.
func each(a *kernels.Array) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		unit := a.DType.Size()
		at := make([]int, len(a.Shape))
		for range a.Size() {
			from := 0
			for d, i := range at {
				from += i * a.Stride(d)
			}
			var x uint64
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&x)), unit), unsafe.Slice((*byte)(unsafe.Add(a.Ptr, from*unit)), unit))
			if !yield(x) {
				return
			}
			for d := len(at) - 1; d >= 0; d-- {
				if at[d]++; at[d] < a.Shape[d] {
					break
				}
				at[d] = 0
			}
		}
	}
}

// elementsOf returns the bits of a constant's elements in the order in which the
// text reads them.
func elementsOf(c constant) []uint64 {
	if c.dim < 0 {
		return slices.Collect(each(c.array))
	}
	a := c.array
	m := make([]uint64, a.Size())
	to := packedStrides(a.Shape, c.dim)
	at := make([]int, len(a.Shape))
	for x := range each(a) {
		dst := 0
		for d, i := range at {
			dst += i * to[d]
		}
		m[dst] = x
		for d := len(at) - 1; d >= 0; d-- {
			if at[d]++; at[d] < a.Shape[d] {
				break
			}
			at[d] = 0
		}
	}
	return m
}

// packed returns memory of a constant's elements in the order of elementsOf.
func packed(c constant) []uint64 {
	unit := c.array.DType.Size()
	list := elementsOf(c)
	m := make([]uint64, (len(list)*unit+7)/8+8)
	for i, x := range list {
		copy(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(m)), i*unit)), unit), unsafe.Slice((*byte)(unsafe.Pointer(&x)), unit))
	}
	return m
}
