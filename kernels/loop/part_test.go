package loop

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestPart holds the parts of random loops, with parts of their operands where these
// are read at the axis itself, against the same part of the whole.
func TestPart(t *testing.T) {
	tried, sliced := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		e, x := loops(t)
		axis := rapid.IntRange(0, len(e.Axes)-1).Draw(t, "axis")
		lo := rapid.IntRange(0, e.Axes[axis].Size).Draw(t, "lo")
		n := rapid.IntRange(0, e.Axes[axis].Size-lo).Draw(t, "n")
		dim := slices.Repeat([]int{-1}, len(e.Ins))
		in := slices.Clone(x)
		for i, a := range e.Ins {
			for d := range a.Shape {
				if alongOnly(e, i, d, axis) && dim[i] < 0 {
					dim[i], in[i] = d, cut(x[i], a.Shape, d, lo, n)
					sliced++
				}
			}
		}
		part, ok := e.Part(axis, lo, n, dim)
		if !ok {
			return
		}
		tried++
		whole := eval(t, e, x...)
		for o, got := range eval(t, part, in...) {
			want := cut(whole[o], e.Outs[o].Aval.Shape, axis, lo, n)
			if !slices.EqualFunc(got, want, func(a, b float64) bool { return a == b || near(a, b, 0) }) {
				t.Fatalf("%v, want %v, of\n%s\nfrom\n%s", got, want, part.Text(), e.Text())
			}
		}
	})
	if (tried == 0 || sliced == 0) && !testing.Short() {
		t.Errorf("%d parts with %d sliced operands", tried, sliced)
	}
}

// TestOrder holds random loops with their axes in another order against what they were,
// and finds the order in which a result is plain.
func TestOrder(t *testing.T) {
	whole := 0
	rapid.Check(t, func(t *rapid.T) {
		e, x := loops(t)
		want := eval(t, e, x...)
		list := make([]int, len(e.Axes))
		for a := range list {
			list[a] = a
		}
		orders := [][]int{rapid.Permutation(list).Draw(t, "order")}
		for i := range e.Outs {
			if order, ok := e.Whole(&e.Outs[i]); ok {
				orders = append(orders, order)
				if whole++; !e.Order(order).Plain(&e.Order(order).Outs[i]) {
					t.Fatalf("result %d of\n%s\nis not plain in order %v", i, e.Text(), order)
				}
			}
		}
		for _, order := range orders {
			other := e.Order(order)
			if err := other.Verify(); err != nil {
				t.Fatalf("%v in\n%s", err, other.Text())
			}
			for o, got := range eval(t, other, x...) {
				if !slices.EqualFunc(got, want[o], func(a, b float64) bool { return a == b || near(a, b, 1e-12) }) {
					t.Fatalf("%v, want %v, of\n%s\nfrom\n%s", got, want[o], other.Text(), e.Text())
				}
			}
		}
	})
	if whole == 0 && !testing.Short() {
		t.Error("no result was written whole")
	}
}

// alongOnly reports whether operand i is read along dimension d at the axis itself.
func alongOnly(e *Expr, i, d, axis int) bool {
	read := false
	for _, l := range e.Loads {
		if l.In == i {
			if read = true; !l.Index[d].isAt(axis) {
				return false
			}
		}
	}
	return read && e.Ins[i].Shape[d] == e.Axes[axis].Size
}

// cut returns the part [lo, lo+n) along dimension d.
func cut(v []float64, shape []int, d, lo, n int) []float64 {
	inner := Aval{Shape: shape[d+1:]}.Size()
	out := []float64{}
	for at := 0; at < len(v); at += shape[d] * inner {
		out = append(out, v[at+lo*inner:at+(lo+n)*inner]...)
	}
	return out
}
