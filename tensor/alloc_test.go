package tensor_test

import (
	"testing"

	"github.com/cotangent-ad/cotangent/tensor"
)

// What an eager operation allocates on Go's heap: its result with a few
// elements, the memory of some more, and a boxed attribute where it has one.
func TestAllocations(t *testing.T) {
	if instrumented {
		t.Skip("the race detector makes pools forget")
	}
	on := tensor.On(open(t, "cpu"))
	s, v := tensor.Scalar(1.5, on), tensor.Full(1, []int{8}, on)
	m, w := v.Reshape(2, 4), tensor.Full(1, []int{100}, on)
	large := tensor.Full(1, []int{4096}, on)
	for _, c := range []struct {
		name string
		want float64
		f    func() *tensor.Tensor
	}{
		{"a function of a scalar", 1, func() *tensor.Tensor { return s.Exp() }},
		{"two scalars", 1, func() *tensor.Tensor { return s.Add(s) }},
		{"a scalar and a number", 2, func() *tensor.Tensor { return s.MulScalar(2) }},
		{"small vectors", 1, func() *tensor.Tensor { return v.Add(v) }},
		{"less small vectors", 2, func() *tensor.Tensor { return w.Add(w) }},
		{"a reduction", 1, func() *tensor.Tensor { return v.Sum() }},
		{"an element", 1, func() *tensor.Tensor { return m.At(1, 2) }},
		{"a row", 1, func() *tensor.Tensor { return m.At(-1) }},
		{"a view", 2, func() *tensor.Tensor { return v.Reshape(4, 2) }},
		{"large, given back", 1, func() *tensor.Tensor {
			y := large.Add(large)
			tensor.Free(y)
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := testing.AllocsPerRun(100, func() { c.f() }); got > c.want {
				t.Errorf("%v allocations, not %v", got, c.want)
			}
		})
	}
}
