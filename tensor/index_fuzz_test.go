package tensor_test

import (
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/tensor"
)

// source hands out small numbers from fuzzed bytes, zeros after their end.
type source []byte

func (s *source) next(n int) int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b) % n
}

// pick is one selector, as the naive implementation sees it.
type pick struct {
	sel     tensor.Selector
	kind    string // "range", "item", "axis", "dots" or "tensor"
	indices []int  // of an item or tensor, before they are wrapped
	shape   []int  // of a tensor
	lo, hi  int    // of a range
	step    int
}

func (s *source) pick() pick {
	switch s.next(8) {
	case 0, 1:
		i := s.next(7) - 3
		return pick{sel: tensor.At(i), kind: "item", indices: []int{i}}
	case 2, 3, 4:
		ends := []int{-5, -3, -2, -1, 0, 1, 2, 3, 5, tensor.Begin, tensor.End}
		lo, hi, step := ends[s.next(len(ends))], ends[s.next(len(ends))], []int{1, 2, 3, -1, -2}[s.next(5)]
		return pick{sel: tensor.Step(lo, hi, step), kind: "range", lo: lo, hi: hi, step: step}
	case 5:
		return pick{sel: tensor.NewAxis, kind: "axis"}
	case 6:
		return pick{sel: tensor.Ellipsis, kind: "dots"}
	default:
		shape := make([]int, s.next(3))
		n := 1
		for d := range shape {
			shape[d] = []int{1, 2, 3, 0}[s.next(4)]
			n *= shape[d]
		}
		p := pick{kind: "tensor", shape: shape, indices: make([]int, n)}
		data := make([]int32, n)
		for i := range p.indices {
			p.indices[i] = s.next(5) - 2
			data[i] = int32(p.indices[i])
		}
		p.sel = tensor.FromSlice(data, shape...)
		return p
	}
}

// naiveIndex carries out NumPy's rules coordinate by coordinate on
// arange(size).reshape(shape); ok is false where they are broken.
func naiveIndex(shape []int, picks []pick) (out []int, data []float64, ok bool) {
	taken, dots := 0, 0
	for _, p := range picks {
		switch p.kind {
		case "dots":
			dots++
		case "axis":
		default:
			taken++
		}
	}
	if taken > len(shape) || dots > 1 {
		return nil, nil, false
	}
	if dots == 0 {
		picks = append(slices.Clone(picks), pick{kind: "dots"})
	}

	// Each dimension of the source reads from one place: a fixed index, a
	// dimension of the result before tensors are counted, or a tensor.
	type reader struct {
		kind    string
		kept    int
		indices []int
		shape   []int
	}
	var readers []reader
	var kept []int
	var broadcast []int
	first, last, count, before, tensors := -1, -1, 0, 0, 0
	for k, p := range picks {
		if p.kind == "item" || p.kind == "tensor" {
			if first < 0 {
				first, before = k, len(kept)
			}
			last = k
			count++
		}
		switch p.kind {
		case "axis":
			kept = append(kept, 1)
			continue
		case "dots":
			for range len(shape) - taken {
				n := shape[len(readers)]
				readers = append(readers, reader{kind: "kept", kept: len(kept), indices: walk(n, 0, n, 1)})
				kept = append(kept, n)
			}
			continue
		}
		n := shape[len(readers)]
		switch p.kind {
		case "range":
			r := reader{kind: "kept", kept: len(kept), indices: walk(n, p.lo, p.hi, p.step)}
			kept = append(kept, len(r.indices))
			readers = append(readers, r)
		case "item":
			i, fine := wrap(p.indices[0], n)
			if !fine {
				return nil, nil, false
			}
			readers = append(readers, reader{kind: "fixed", indices: []int{i}})
		case "tensor":
			r := reader{kind: "tensor", shape: p.shape, indices: slices.Clone(p.indices)}
			tensors++
			if broadcast, ok = naiveBroadcast(broadcast, p.shape); !ok {
				return nil, nil, false
			}
			readers = append(readers, r)
		}
	}
	if last-first+1 != count {
		before = 0
	}
	if tensors == 0 {
		before, broadcast = 0, nil
	}
	out = slices.Concat(kept[:before], broadcast, kept[before:])
	ok = true
	each(out, func(at []int) {
		source := 0
		for d, r := range readers {
			i := 0
			switch r.kind {
			case "fixed":
				i = r.indices[0]
			case "kept":
				c := r.kept
				if c >= before {
					c += len(broadcast)
				}
				i = r.indices[at[c]]
			case "tensor":
				flat := 0
				for e, n := range r.shape {
					c := at[before+len(broadcast)-len(r.shape)+e]
					if n == 1 {
						c = 0
					}
					flat = flat*n + c
				}
				var fine bool
				if i, fine = wrap(r.indices[flat], shape[d]); !fine {
					ok = false
				}
			}
			source = source*shape[d] + i
		}
		data = append(data, float64(source))
	})
	return out, data, ok
}

// walk lists the indices of a Python slice.
func walk(n, lo, hi, step int) []int {
	end := func(i int) int {
		least, most := 0, n
		if step < 0 {
			least, most = -1, n-1
		}
		if i < 0 {
			i += n
		}
		return max(least, min(i, most))
	}
	var list []int
	for i := end(lo); step > 0 && i < end(hi) || step < 0 && i > end(hi); i += step {
		list = append(list, i)
	}
	return list
}

func wrap(i, n int) (int, bool) {
	if i < 0 {
		i += n
	}
	return i, i >= 0 && i < n
}

func naiveBroadcast(a, b []int) ([]int, bool) {
	out := make([]int, max(len(a), len(b)))
	for d := range out {
		n := 1
		for _, s := range [][]int{a, b} {
			if k := d - (len(out) - len(s)); k >= 0 && s[k] != 1 {
				if n != 1 && n != s[k] {
					return nil, false
				}
				n = s[k]
			}
		}
		out[d] = n
	}
	return out, true
}

// each calls f with every coordinate of a shape in row-major order.
func each(shape []int, f func(at []int)) {
	at := make([]int, len(shape))
	var rec func(d int)
	rec = func(d int) {
		if d == len(shape) {
			f(at)
			return
		}
		for at[d] = 0; at[d] < shape[d]; at[d]++ {
			rec(d + 1)
		}
	}
	rec(0)
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte{3, 2, 3, 1, 0, 4, 2, 5, 6, 0})
	f.Add([]byte{2, 3, 3, 7, 1, 1, 2, 3, 7, 1, 1, 0, 4})
	f.Add([]byte{3, 1, 2, 3, 0, 3, 6, 7, 2, 1, 2, 3, 4, 2, 1, 0})
	f.Add([]byte{2, 3, 2, 2, 10, 9, 3, 3, 9, 10, 4})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := source(data)
		shape := make([]int, s.next(4))
		for d := range shape {
			shape[d] = s.next(4)
		}
		var picks []pick
		var sel []tensor.Selector
		for len(s) > 0 && len(picks) < 6 {
			p := s.pick()
			picks, sel = append(picks, p), append(sel, p.sel)
		}
		n := 1
		for _, d := range shape {
			n *= d
		}
		x := tensor.FromSlice(upTo(n), shape...)
		y := x.Index(sel...)
		want, elements, ok := naiveIndex(shape, picks)
		if (y.Err() == nil) != ok {
			t.Fatalf("%v of %v: %v, but naively it is %v", sel, shape, y.Err(), ok)
		}
		if ok {
			check(t, y, tensor.Float64, want, elements...)
		}
	})
}

func FuzzBroadcast(f *testing.F) {
	f.Add([]byte{2, 2, 3, 1, 3})
	f.Add([]byte{3, 2, 1, 3, 3, 1, 2, 1})
	f.Add([]byte{1, 0, 2, 1, 1})
	f.Add([]byte{2, 2, 3, 1, 2})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := source(data)
		var shapes [2][]int
		var x [2]*tensor.Tensor
		for k := range shapes {
			shapes[k] = make([]int, s.next(4))
			n := 1
			for d := range shapes[k] {
				shapes[k][d] = s.next(4)
				n *= shapes[k][d]
			}
			x[k] = tensor.FromSlice(upTo(n), shapes[k]...)
		}
		y := x[0].Add(x[1].MulScalar(100))
		shape, ok := naiveBroadcast(shapes[0], shapes[1])
		if (y.Err() == nil) != ok {
			t.Fatalf("%v + %v: %v, but naively it is %v", shapes[0], shapes[1], y.Err(), ok)
		}
		if !ok {
			return
		}
		var want []float64
		each(shape, func(at []int) {
			flat := [2]int{}
			for k, own := range shapes {
				for d, n := range own {
					c := at[len(at)-len(own)+d]
					if n == 1 {
						c = 0
					}
					flat[k] = flat[k]*n + c
				}
			}
			want = append(want, float64(flat[0]+100*flat[1]))
		})
		check(t, y, tensor.Float64, shape, want...)
		if b := x[0].BroadcastTo(shape...); b.Err() != nil {
			t.Errorf("BroadcastTo: %v", b.Err())
		}
	})
}
