// The order of matrix products: the cheapest of all, and close results.

package graph

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
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
		{"a vector in the middle, the same either way", func(b *builder) []Ref {
			x, v, u := b.param(8, 8), b.param(8), b.param(8)
			return []Ref{mul(b, mul(b, x, v), u)}
		}, `
%0 = param 0 float64[8 8]
%1 = param 1 float64[8]
%2 = param 2 float64[8]
%3 = matmul %0, %1 float64[8]
%4 = matmul %3, %2 float64[]
return %4`},
		{"the sweep of a product with a vector", func(b *builder) []Ref { // (g⊗v)·yᵀ is g⊗(y·v), of A·y·v by A
			y, v, g := b.param(8, 7), b.param(7), b.param(9)
			outer := b.vjp(kernels.Matmul, 0, g, b.param(9, 7), v)
			return []Ref{b.vjp(kernels.Matmul, 0, outer, b.param(9, 8), y)}
		}, `
%0 = param 0 float64[8 7]
%1 = param 1 float64[7]
%2 = param 2 float64[9]
%3 = param 3 float64[9 7]
%4 = param 4 float64[9 8]
%5 = matmul %1, %0 float64[8]
%6 = matmul %2, %5 float64[9 8]
return %6`},
		{"the sweep by what is in the middle", func(b *builder) []Ref { // xᵀ·(g⊗v) is (g·x)⊗v, of x·B·v by B
			x, v, g := b.param(9, 8), b.param(7), b.param(9)
			outer := b.vjp(kernels.Matmul, 0, g, b.param(9, 7), v)
			return []Ref{b.vjp(kernels.Matmul, 1, outer, x, b.param(8, 7))}
		}, `
%0 = param 0 float64[9 8]
%1 = param 1 float64[7]
%2 = param 2 float64[9]
%3 = param 3 float64[9 7]
%4 = param 4 float64[8 7]
%5 = matmul %0, %2 float64[8]
%6 = matmul %5, %1 float64[8 7]
return %6`},
		{"a sum over rows", func(b *builder) []Ref {
			x, y := b.param(9, 8), b.param(8, 7)
			return []Ref{b.apply(kernels.Sum, kernels.AxesOf(true, 0), mul(b, x, y))}
		}, `
%0 = param 0 float64[9 8]
%1 = param 1 float64[8 7]
%2 = sum %0 float64[8]
%3 = matmul %2, %1 float64[7]
%4 = sum %3 float64[1 7]
return %4`},
		{"a sum over rows, which others read", func(b *builder) []Ref {
			x, y := b.param(9, 8), b.param(8, 7)
			p := mul(b, x, y)
			return []Ref{b.apply(kernels.Sum, kernels.AxesOf(true, 0), p), p}
		}, `
%0 = param 0 float64[9 8]
%1 = param 1 float64[8 7]
%2 = matmul %0, %1 float64[9 7]
%3 = sum(keep axis=[0]) %2 float64[1 7]
return %3, %2`},
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

// vjp emits the derived loop of the cotangent of operand k of an operation on x and y whose
// result's cotangent is g.
func (b *builder) vjp(op *kernels.Op, k int, g, x, y Ref) Ref {
	how := b.inst(op, nil, x, y).Reverse(1<<k, false)
	if len(how.Steps) != 1 {
		b.t.Fatalf("%d steps", len(how.Steps))
	}
	var in []Ref
	for _, src := range how.Steps[0].In {
		switch {
		case src.Kind == loop.Cotangent:
			in = append(in, g)
		case src.Kind == loop.Operand:
			in = append(in, [2]Ref{x, y}[src.Index])
		default:
			b.t.Fatal("the result is read")
		}
	}
	return b.Emit(how.Steps[0].Inst, in...)
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

// The gradient of a chain by each of its matrices, with a vector at either end or at none,
// is close to what it is as it was recorded, and takes no more multiplications.
func TestReorderSweeps(tt *testing.T) {
	dev := openDevice(tt, "ref")
	rapid.Check(tt, func(t *rapid.T) {
		dims := rapid.SliceOfN(rapid.IntRange(2, 9), 3, 6).Draw(t, "dims")
		b := newBuilder(tt)
		var factors []Ref
		for i := range dims[1:] {
			shape := []int{dims[i], dims[i+1]}
			if i == len(dims)-2 && rapid.Bool().Draw(t, "a column") {
				shape = shape[:1]
			} else if i == 0 && rapid.Bool().Draw(t, "a row") {
				shape = shape[1:]
			}
			factors = append(factors, b.param(shape...))
		}
		leaves := slices.Clone(factors)
		var steps [][3]Ref
		for len(factors) > 1 {
			k := rapid.IntRange(0, len(factors)-2).Draw(t, "pair")
			y := b.apply(kernels.Matmul, nil, factors[k], factors[k+1])
			steps = append(steps, [3]Ref{factors[k], factors[k+1], y})
			factors[k] = y
			factors = append(factors[:k+1], factors[k+2:]...)
		}
		ct := map[Ref]Ref{factors[0]: b.param(b.Aval(factors[0]).Shape...)}
		for _, s := range slices.Backward(steps) {
			ct[s[0]], ct[s[1]] = b.vjp(kernels.Matmul, 0, ct[s[2]], s[0], s[1]), b.vjp(kernels.Matmul, 1, ct[s[2]], s[0], s[1])
		}
		var outs []Ref
		for _, v := range leaves {
			outs = append(outs, ct[v])
		}
		g := b.outputs(outs...)
		g.RemoveDead()
		var in []*kernels.Array
		for k, v := range g.Params {
			a := empty(g.Aval(v))
			for i := range floats(a) {
				floats(a)[i] = float64((i*7+k)%11)/4 - 1
			}
			in = append(in, a)
		}
		want, before := direct(g, in), multiplied(g)
		g.Optimize(Reorder, dev)
		if err := g.Verify(); err != nil {
			t.Fatal(err)
		}
		if after := multiplied(g); after > before {
			t.Errorf("%d multiplications, before %d\n%s", after, before, g)
		}
		for k, got := range direct(g, in) {
			nearBytes(t, k, got, want[k])
		}
	})
}

// multiplied counts the points of all loops.
func multiplied(g *Graph) (n int) {
	for i := range g.Instrs {
		n += extent(g.Instrs[i].Inst.Expr.Axes)
	}
	return n
}

// nearBytes compares the elements of output k.
func nearBytes(t *rapid.T, k int, got, want []byte) {
	a, b := asFloats(got), asFloats(want)
	scale := 1.0
	for _, v := range b {
		scale = max(scale, math.Abs(v))
	}
	for i := range a {
		if math.Abs(a[i]-b[i]) > 1e-11*scale {
			t.Fatalf("output %d: element %d is %v, want %v", k, i, a[i], b[i])
		}
	}
}

// asFloats returns the elements whose bytes these are.
func asFloats(b []byte) []float64 {
	v := make([]float64, len(b)/8)
	for i := range v {
		v[i] = math.Float64frombits(binary.NativeEndian.Uint64(b[8*i:]))
	}
	return v
}
