// How the values given to a store become the elements of a result.

package ref

import (
	"math"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// store is one result of a run.
type store struct {
	out     *loop.Store
	array   *kernels.Array
	shape   []int
	strides []int // of the row-major result
	combine combiner
	add     bool // to what the result holds
}

// combiner collects values for the elements of a result, by their row-major
// number, in one or more passes over the loop.
type combiner interface {
	passes() int
	put(pass, at int, v scalar)
	// value returns an element, and whether it was not written yet by put.
	value(at int) (v scalar, pending bool)
}

func (m *machine) newStore(out *loop.Store, array *kernels.Array, add bool) *store {
	dense := &kernels.Array{Aval: array.Aval}
	s := &store{out: out, array: array, shape: array.Shape, strides: strides(dense), add: add}
	n, float := array.Size(), array.DType.IsFloat()
	switch {
	case out.Reduce == loop.NoReduce && !out.Scatter && !add:
		if out.Partial {
			clear(unsafe.Slice((*byte)(array.Ptr), n*array.DType.Size()))
		}
		s.combine = (*direct)(array)
	case out.Reduce == loop.LSE:
		s.combine = &lse{top: filled(n, math.Inf(-1)), sums: newSums(n)}
	case float && (out.Reduce == loop.Sum || out.Reduce == loop.NoReduce):
		s.combine = newSums(n) // of one value each, where nothing is reduced
	case float:
		f, start := floatFold(out.Reduce)
		s.combine = &floats{f, filled(n, start)}
	default:
		f, start := intFold(out.Reduce)
		s.combine = &ints{f, filled(n, start)}
	}
	return s
}

func filled[T any](n int, v T) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// finish writes what is pending.
func (s *store) finish() {
	for i := range s.array.Size() {
		v, pending := s.combine.value(i)
		if !pending {
			return
		}
		p := element(s.array, i)
		if s.add {
			v.f += get[s.array.DType](p).f
		}
		set[s.array.DType](p, v)
	}
}

// direct writes every element at once, so that a result may be its operand's memory.
type direct kernels.Array

func (*direct) passes() int { return 1 }

func (d *direct) put(pass, at int, v scalar) {
	if pass == 0 {
		set[d.DType](element((*kernels.Array)(d), at), v)
	}
}

func (*direct) value(int) (scalar, bool) { return scalar{}, false }

// sums adds floats with Neumaier's compensation (Rundungsfehleranalyse einiger
// Verfahren zur Summation endlicher Summen, 1974).
type sums struct{ total, rest []float64 }

func newSums(n int) sums { return sums{make([]float64, n), make([]float64, n)} }

func (sums) passes() int { return 1 }

func (s sums) put(pass, at int, v scalar) {
	if pass != 0 {
		return
	}
	x := sum(s.total[at], v.f)
	s.total[at] = x.hi
	s.rest[at] += x.lo
}

func (s sums) value(at int) (scalar, bool) {
	if total := s.total[at]; math.IsInf(total, 0) || math.IsNaN(total) {
		return scalar{f: total}, true // the rest is NaN
	}
	return scalar{f: s.total[at] + s.rest[at]}, true
}

// lse finds the maxima, then adds the exponentials of what lies below.
type lse struct {
	top  []float64
	sums sums
}

func (*lse) passes() int { return 2 }

func (s *lse) put(pass, at int, v scalar) {
	switch {
	case pass == 0:
		s.top[at] = max(s.top[at], v.f)
	case v.f == s.top[at]:
		s.sums.put(0, at, scalar{f: 1}) // also of infinities
	default:
		s.sums.put(0, at, scalar{f: exp(v.f - s.top[at])})
	}
}

func (s *lse) value(at int) (scalar, bool) {
	top := s.top[at]
	if math.IsInf(top, 0) || math.IsNaN(top) {
		return scalar{f: top}, true
	}
	// The sum is at least 1; its logarithm is taken of the rest.
	return scalar{f: top + math.Log1p((s.sums.total[at]-1)+s.sums.rest[at])}, true
}

// floats and ints fold one value after the other.
type floats struct {
	fold func(a, b float64) float64
	acc  []float64
}

func (*floats) passes() int { return 1 }

func (s *floats) put(pass, at int, v scalar) {
	if pass == 0 {
		s.acc[at] = s.fold(s.acc[at], v.f)
	}
}

func (s *floats) value(at int) (scalar, bool) { return scalar{f: s.acc[at]}, true }

type ints struct {
	fold func(a, b int64) int64
	acc  []int64
}

func (*ints) passes() int { return 1 }

func (s *ints) put(pass, at int, v scalar) {
	if pass == 0 {
		s.acc[at] = s.fold(s.acc[at], v.i)
	}
}

func (s *ints) value(at int) (scalar, bool) { return scalar{i: s.acc[at]}, true }

// floatFold returns the function and the start of a reduction of floats. The
// products of float32 are collected in float64.
func floatFold(c loop.Combiner) (f func(a, b float64) float64, start float64) {
	switch c {
	case loop.Max:
		return float2[loop.Maximum], math.Inf(-1)
	case loop.Min:
		return float2[loop.Minimum], math.Inf(1)
	}
	return float2[loop.Mul], 1
}

// intFold is floatFold for integers and bools, whose sums are exact. A value
// that is alone is added to 0.
func intFold(c loop.Combiner) (f func(a, b int64) int64, start int64) {
	switch c {
	case loop.Max:
		return int2[loop.Maximum], math.MinInt64
	case loop.Min:
		return int2[loop.Minimum], math.MaxInt64
	case loop.Prod:
		return int2[loop.Mul], 1
	}
	return int2[loop.Add], 0
}
