// Values as tensors, computed where the point lies.

package jacobian

import (
	"errors"
	"slices"

	"github.com/cotangent-ad/cotangent/tensor"
)

// ErrSubstitution is the error of values as tensors where some are found from others,
// one after the other.
var ErrSubstitution = errors.New("jacobian: values that are found by substitution are not to be had as a tensor; prepare with another colouring")

// Values returns the values at x, in the order of [Prepared.Output], as a tensor
// [entries] on the device of x. It is a function of tensors like any other: prepared
// by grad.Prepare it computes all values on the device and leaves them there, and it
// can be part of a larger program. An acyclic colouring's values carry
// [ErrSubstitution].
func (p *Prepared[P]) Values(x P) *tensor.Tensor {
	parts, g, err := p.gather(x)
	if err != nil {
		return tensor.Failed("jacobian.Values", err)
	}
	all := []*tensor.Tensor{beside(x, tensor.FromSlice(g.numbers, len(g.numbers)))}
	for _, part := range parts {
		all = append(all, part.Reshape(-1))
	}
	from := tensor.Concat(0, all...)
	var sum *tensor.Tensor
	for _, index := range g.layers {
		v := from.Take(0, beside(x, tensor.FromSlice(index, len(index))))
		if sum == nil {
			sum = v
		} else {
			sum = sum.Add(v)
		}
	}
	return sum
}

// gathering tells where values are found among some numbers and the elements of
// arrays behind them: each is the sum of one element in every layer. The first number
// is zero.
type gathering struct {
	numbers []float64
	layers  [][]int64
}

// gather computes all products.
func (k *colors[P]) gather(x P) (parts []*array, g gathering, err error) {
	sources := k.plan.Sources()
	if sources == nil {
		return nil, g, ErrSubstitution
	}
	rows := 1 // where the row products begin
	for _, s := range k.sweeps() {
		for _, colors := range s.chunks {
			parts = append(parts, s.program.Call(sweepArg[P]{x, s.line, colors}))
			if s == k.col {
				rows += colors.Size() * s.rows
			}
		}
	}
	index := make([]int64, len(sources))
	for i, at := range sources {
		if index[i] = 1 + int64(at); at < 0 {
			index[i] = int64(rows) + int64(^at)
		}
	}
	return parts, gathering{numbers: []float64{0}, layers: [][]int64{index}}, nil
}

// gather computes all partial derivatives.
func (d *direct[P]) gather(x P) (parts []*array, g gathering, err error) {
	if d.program != nil {
		parts = d.program.Call(x)
	}
	g.numbers = []float64{0}
	filled := make([]int, d.entries) // layers that have something for an entry
	add := func(e int, at int64) {
		if filled[e] == len(g.layers) {
			g.layers = append(g.layers, make([]int64, d.entries))
		}
		g.layers[filled[e]][e] = at
		filled[e]++
	}
	for _, m := range d.moves { // the numbers, which come first
		if m.from < 0 && m.value != 0 {
			at := slices.Index(g.numbers, m.value)
			if at < 0 {
				at = len(g.numbers)
				g.numbers = append(g.numbers, m.value)
			}
			for i := range int(m.n) {
				add(int(m.to)+i*int(m.step), int64(at))
			}
		}
	}
	start := []int64{int64(len(g.numbers))} // where each array begins
	for i, shape := range d.shapes {
		size := int64(1)
		for _, n := range shape {
			size *= int64(n)
		}
		start = append(start, start[i]+size)
	}
	for _, m := range d.moves {
		if m.from >= 0 {
			for i := range int(m.n) {
				add(int(m.to)+i*int(m.step), start[m.from]+int64(m.at)+int64(i))
			}
		}
	}
	if len(g.layers) == 0 {
		g.layers = [][]int64{make([]int64, d.entries)}
	}
	return parts, g, nil
}
