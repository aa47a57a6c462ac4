// The record: numbering, and what recording costs.

package graph

import (
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
)

func TestRecord(t *testing.T) {
	b := newBuilder(t)
	r := &b.Record
	x := r.Input(f64(3))
	y := b.apply(kernels.Neg, nil, x)
	k := r.Input(f64())
	z := b.apply(kernels.Add, nil, y, k)
	if x != 0 || y != 1 || k != 2 || z != 3 || r.NumValues() != 4 || r.NumInputs() != 2 {
		t.Fatalf("values %d %d %d %d of %d, %d inputs", x, y, k, z, r.NumValues(), r.NumInputs())
	}
	if got := r.Args(1); !slices.Equal(got, []Ref{y, k}) {
		t.Errorf("operands %v", got)
	}
	for v, want := range []int{-1, 0, -1, 1} {
		if got := r.Def(Ref(v)); got != want {
			t.Errorf("%%%d is made by %d, want %d", v, got, want)
		}
	}
	for v, want := range []kernels.Aval{f64(3), f64(3), f64(), f64(3)} {
		if got := r.Aval(Ref(v)); !kernels.EqualAval(got, want) {
			t.Errorf("%%%d is %v, want %v", v, got, want)
		}
	}
	r.Reset()
	if r.NumValues() != 0 || r.NumInputs() != 0 || len(r.Instrs) != 0 {
		t.Error("not empty after Reset")
	}
	if v := r.Input(f64()); v != 0 || r.Def(v) != -1 {
		t.Errorf("the first value after Reset is %d", v)
	}
}

// Recording costs no heap object an instruction.
func TestEmitAllocatesNothing(t *testing.T) {
	b := newBuilder(t)
	x := b.param(3)
	add := b.inst(kernels.Add, nil, x, x)
	a := f64(3)
	record := func() {
		b.Reset()
		v := b.Input(a)
		for range 100 {
			v = b.Emit(add, v, v)
		}
	}
	record()
	if n := testing.AllocsPerRun(10, record); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEmit(b *testing.B) {
	g := newBuilder(b)
	x := g.param(3)
	add := g.inst(kernels.Add, nil, x, x)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 {
			g.Reset()
			x = g.Input(f64(3))
		}
		x = g.Emit(add, x, x)
	}
}
