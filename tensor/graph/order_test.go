// The order of matrix products: the cheapest of all, and close results.

package graph

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
	"pgregory.net/rapid"
)

func TestReorder(t *testing.T) {
	mul := func(b *builder, x, y Ref) Ref { return b.apply(kernels.Matmul, nil, x, y) }
	for _, c := range []struct {
		name string
		make func(b *builder) []Ref
		want string
	}{
		{"products with a vector from the right", func(b *builder) []Ref {
			x, y, v := b.param(9, 8), b.param(8, 7), b.param(7)
			return []Ref{mul(b, mul(b, x, y), v)}
		}, `
%0 = param 0 float64[9 8]
%1 = param 1 float64[8 7]
%2 = param 2 float64[7]
%3 = matmul %1, %2 float64[8]
%4 = matmul %0, %3 float64[9]
return %4`},
		{"a vector from the left", func(b *builder) []Ref {
			v, x, y := b.param(9), b.param(9, 8), b.param(8, 7)
			return []Ref{mul(b, v, mul(b, x, y))}
		}, `
%0 = param 0 float64[9]
%1 = param 1 float64[9 8]
%2 = param 2 float64[8 7]
%3 = matmul %0, %1 float64[8]
%4 = matmul %3, %2 float64[7]
return %4`},
		{"what others read stays", func(b *builder) []Ref {
			x, y, v := b.param(9, 8), b.param(8, 7), b.param(7)
			p := mul(b, x, y)
			return []Ref{mul(b, p, v), p}
		}, `
%0 = param 0 float64[9 8]
%1 = param 1 float64[8 7]
%2 = param 2 float64[7]
%3 = matmul %0, %1 float64[9 7]
%4 = matmul %3, %2 float64[9]
return %4, %3`},
		{"a vector in the middle is an end", func(b *builder) []Ref {
			x, v, u := b.param(9, 8), b.param(8), b.param(9)
			return []Ref{mul(b, mul(b, x, v), u)}
		}, `
%0 = param 0 float64[9 8]
%1 = param 1 float64[8]
%2 = param 2 float64[9]
%3 = matmul %0, %1 float64[9]
%4 = matmul %3, %2 float64[]
return %4`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			g := b.outputs(c.make(b)...)
			without := g.Clone()
			g.Optimize(Reorder, nil)
			if err := g.Verify(); err != nil {
				t.Fatal(err)
			}
			if got := "\n" + squeezed(g.String()); got != c.want {
				t.Errorf("got%s\nwant%s", got, c.want)
			}
			whole := without.String()
			if without.Optimize(AllPasses&^Fusion, nil); without.String() != whole {
				t.Errorf("without being asked for the order is\n%s", without)
			}
		})
	}
}

// cheapest is the fewest multiplications of a chain of matrices, by trying all orders.
func cheapest(dims []int) int {
	if len(dims) == 2 {
		return 0
	}
	best := math.MaxInt
	for k := 1; k < len(dims)-1; k++ {
		best = min(best, cheapest(dims[:k+1])+cheapest(dims[k:])+dims[0]*dims[k]*dims[len(dims)-1])
	}
	return best
}

// Chains in any order become those of the fewest multiplications, and give close results.
func TestReorderRandom(t *testing.T) {
	dev := openDevice(t, "ref")
	rapid.Check(t, func(t *rapid.T) {
		dims := rapid.SliceOfN(rapid.IntRange(1, 9), 3, 8).Draw(t, "dims")
		g := new(Graph)
		var factors []Ref
		var in []*kernels.Array
		for i := range dims[1:] {
			factors = append(factors, g.Param(f64(dims[i], dims[i+1])))
			a := empty(f64(dims[i], dims[i+1]))
			for k := range floats(a) {
				floats(a)[k] = float64((k*7+i)%11)/4 - 1
			}
			in = append(in, a)
		}
		for len(factors) > 1 {
			k := rapid.IntRange(0, len(factors)-2).Draw(t, "pair")
			inst, err := kernels.Matmul.Inst(nil, g.Aval(factors[k]), g.Aval(factors[k+1]))
			if err != nil {
				t.Fatal(err)
			}
			factors[k] = g.Emit(inst, factors[k], factors[k+1])
			factors = append(factors[:k+1], factors[k+2:]...)
		}
		g.Output(factors[0])
		want := direct(g, in)
		g.Optimize(Reorder, dev)
		if err := g.Verify(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for i := range g.Instrs {
			a, b := g.Instrs[i].Inst.In[0].Shape, g.Instrs[i].Inst.In[1].Shape
			n += a[0] * a[1] * b[1]
		}
		if w := cheapest(dims); n != w {
			t.Fatalf("%d multiplications, want %d\n%s", n, w, g)
		}
		got := direct(g, in)
		a, b := asFloats(got[0]), asFloats(want[0])
		scale := 1.0
		for _, v := range b {
			scale = max(scale, math.Abs(v))
		}
		for i := range a {
			if math.Abs(a[i]-b[i]) > 1e-12*scale*float64(len(dims)*9) {
				t.Fatalf("element %d is %v, want %v", i, a[i], b[i])
			}
		}
	})
}

// asFloats returns the elements whose bytes these are.
func asFloats(b []byte) []float64 {
	v := make([]float64, len(b)/8)
	for i := range v {
		v[i] = math.Float64frombits(binary.NativeEndian.Uint64(b[8*i:]))
	}
	return v
}
