// The passes: what Optimize does with a graph, and which of it can be left out.

package graph

import (
	"bytes"
	"strings"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// Passes is a set of passes.
type Passes uint

// The passes, in the order in which they run. Dead code is removed in any case.
const (
	FoldConstants Passes = 1 << iota // use the values of constants whose elements are all the same
	Fusion                           // make one loop of several

	AllPasses = 1<<iota - 1
)

var passNames = []string{"constants", "fusion"}

// String lists the passes' names.
func (p Passes) String() string {
	var list []string
	for i, name := range passNames {
		if p>>i&1 != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, ",")
}

// Optimize runs passes on g. What the graph computes stays the same, bit for bit.
func (g *Graph) Optimize(passes Passes) { g.optimize(passes, map[Ref]float64{}) }

// optimize runs passes; known are values of parameters.
func (g *Graph) optimize(passes Passes, known map[Ref]float64) {
	if passes&FoldConstants != 0 {
		g.scalars(known)
	}
	g.optimizeBodies(passes, known)
	if passes&Fusion != 0 {
		g.fuse(known)
	}
	g.RemoveDead()
}

// scalars notes the values of the constants whose elements are all the same.
func (g *Graph) scalars(known map[Ref]float64) {
	for i := range g.Consts {
		c := &g.Consts[i]
		// What cannot be looked at now is not known.
		if a, err := within(&c.Array); err == nil && a.Size() > 0 && uniform(a) {
			if v, ok := numberOf(a); ok {
				known[c.Ref] = v
			}
		}
	}
}

// uniform reports whether all elements of an array have the same bits.
func uniform(a *kernels.Array) bool {
	n := 1 // elements in memory
	for d, size := range a.Shape {
		if size > 1 && a.Stride(d) != 0 {
			n *= size
		}
	}
	if n == 1 {
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
