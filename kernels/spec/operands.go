// Operands of cases: their elements, and their layouts in memory.

package spec

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// layout is a way to lay an array out in memory.
type layout struct {
	name string
	// make returns an array of the type, its elements not set.
	make func(a kernels.Aval) *kernels.Array
	// repeats tells that elements share memory.
	repeats bool
}

var dense = layout{name: "dense", make: newArray}

var layouts = []layout{
	{name: "transposed", make: transposed},
	{name: "stepped", make: func(a kernels.Aval) *kernels.Array { return stepped(a, 2) }},
	{name: "flipped", make: func(a kernels.Aval) *kernels.Array { return stepped(a, -3) }},
	{name: "repeated", make: repeated, repeats: true},
}

// transposed lays the first dimension innermost.
func transposed(a kernels.Aval) *kernels.Array {
	x := newArray(a)
	x.Strides = make([]int, len(a.Shape))
	stride := 1
	for d, n := range a.Shape {
		x.Strides[d] = stride
		stride *= n
	}
	return x
}

// stepped leaves gaps between elements, and goes backwards for a negative step.
func stepped(a kernels.Aval, step int) *kernels.Array {
	shape := slices.Clone(a.Shape)
	for d := range shape {
		shape[d] *= max(step, -step)
	}
	x := newArray(kernels.Aval{DType: a.DType, Shape: shape})
	poison(x)
	strides := make([]int, len(shape))
	offset := 0
	for d, n := range a.Shape {
		strides[d] = step * x.Stride(d)
		if step < 0 && n > 0 {
			offset -= (n - 1) * strides[d]
		}
	}
	p := x.Ptr
	if a.Size() > 0 {
		p = unsafe.Add(p, offset*a.DType.Size())
	}
	return &kernels.Array{Aval: a, Strides: strides, Ptr: p}
}

// repeated has one memory place along the largest dimension.
func repeated(a kernels.Aval) *kernels.Array {
	x := newArray(a)
	x.Strides = make([]int, len(a.Shape))
	largest := 0
	for d, n := range a.Shape {
		if n > a.Shape[largest] {
			largest = d
		}
	}
	stride := 1
	for d := len(a.Shape) - 1; d >= 0; d-- {
		if d != largest {
			x.Strides[d] = stride
			stride *= a.Shape[d]
		}
	}
	return x
}

// filled returns an array of the layout with the given elements; where it
// repeats, some of them.
func (l layout) filled(a kernels.Aval, elements []float64) *value {
	x := l.make(a)
	for i, v := range elements {
		write(x, i, v)
	}
	return &value{array: x, aval: a}
}

// copied returns the value in another layout.
func (l layout) copied(v *value) *value { return l.filled(v.aval, elements(v.array)) }

// random returns a generator that depends on the names alone.
func random(names ...string) *rand.Rand {
	h := fnv.New64a()
	for _, s := range names {
		h.Write([]byte(s + "\x00"))
	}
	return rand.New(rand.NewPCG(h.Sum64(), 1))
}

// dtypes are the types that a Sample names.
var dtypes = map[string]device.DType{
	"bool": device.Bool, "int32": device.Int32, "int64": device.Int64, "float32": device.Float32, "float64": device.Float64,
}

// operands returns those of a case. Random elements lie at equal distances in
// random order, so that no two of a case are close, and none is 0.
func operands(c *kernels.Case, float device.DType, names ...string) []*value {
	r := random(names...)
	total := 0
	for _, s := range c.In {
		if s.Values == nil {
			total += kernels.Aval{Shape: s.Shape}.Size()
		}
	}
	place := r.Perm(total)
	list := make([]*value, len(c.In))
	for i, s := range c.In {
		a := kernels.Aval{DType: float, Shape: s.Shape}
		if s.DType != "" {
			a.DType = dtypes[s.DType]
		}
		elements := s.Values
		if elements == nil {
			lo, hi := s.Lo, s.Hi
			if lo == hi {
				lo, hi = -2, 2
			}
			for range a.Size() {
				elements = append(elements, lo+(hi-lo)*(float64(place[0])+0.37)/float64(total))
				place = place[1:]
			}
		}
		list[i] = dense.filled(a, elements)
	}
	return list
}

// direction returns random elements between -1 and 1 of a type, for a tangent
// or a cotangent.
func direction(r *rand.Rand, a kernels.Aval) *value {
	list := make([]float64, a.Size())
	for i := range list {
		list[i] = 2*r.Float64() - 1
	}
	return dense.filled(a, list)
}
