// Known values: constants, and values made of nothing, whose elements are all the same.

package graph

import (
	"bytes"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// given holds the values of parameters that are known, by position.
type given map[int]float64

// elements tells arrays apart: those that it cannot have the same elements, as long as
// all of them are kept.
type elements struct {
	ptr   unsafe.Pointer
	dtype device.DType
	n     int // elements in memory
	dense bool
}

// uniformity is the value of all elements of an array, where it is one.
type uniformity struct {
	value float64
	known bool
}

// known returns the values of g that have one value throughout. Without FoldConstants
// none is looked at.
func (o *optimizer) known(g *Graph, given given) map[Ref]float64 {
	known := map[Ref]float64{}
	if !o.passes.Has(FoldConstants) {
		return known
	}
	for p, v := range given {
		known[g.Params[p]] = v
	}
	for i := range g.Consts {
		if u := o.look(&g.Consts[i].Array); u.known {
			known[g.Consts[i].Ref] = u.value
		}
	}
	for i := range g.Instrs {
		x := &g.Instrs[i]
		if f, ok := x.Inst.Attr.(kernels.Fill); ok && x.Inst.Op == kernels.Full {
			known[x.Out] = f.Value
		}
	}
	return known
}

// look looks at the elements of a constant, once.
func (o *optimizer) look(a *kernels.Array) uniformity {
	key := elements{a.Ptr, a.DType, inMemory(a), a.Dense()}
	u, seen := o.uniform[key]
	if !seen {
		// What cannot be looked at now is not known.
		if h, err := Within(a); err == nil && h.Size() > 0 && uniform(h) {
			u.value, u.known = numberOf(h)
		}
		o.uniform[key] = u
	}
	return u
}

// inMemory returns how many elements of an array there are in memory.
func inMemory(a *kernels.Array) int {
	n := 1
	for d, size := range a.Shape {
		if size != 1 && a.Stride(d) != 0 {
			n *= size
		}
	}
	return n
}

// uniform reports whether all elements of an array have the same bits.
func uniform(a *kernels.Array) bool {
	if inMemory(a) == 1 {
		return true
	}
	if !a.Dense() {
		return false
	}
	b, size := packed(a), a.DType.Size()
	return bytes.Equal(b[size:], b[:len(b)-size])
}

// numberOf returns the first element of an array; not ok where float64 may not hold it.
func numberOf(a *kernels.Array) (v float64, ok bool) {
	switch p := a.Ptr; a.DType {
	case device.Float64:
		return *(*float64)(p), true
	case device.Float32:
		return float64(*(*float32)(p)), true
	case device.Int64:
		n := *(*int64)(p)
		return float64(n), max(n, -n) < 1<<53
	case device.Int32:
		return float64(*(*int32)(p)), true
	case device.Bool:
		return float64(*(*uint8)(p)), true
	}
	return 0, false
}
