// Fusion: what becomes one loop, what does not, and that nothing else changes.

package graph

import (
	"slices"
	"strings"
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// loops prints the instructions of a graph, those that are loops in index notation.
func loops(g *Graph) string {
	var b strings.Builder
	for i := range g.Instrs {
		inst := g.Instrs[i].Inst
		if inst.Expr == nil || inst.Rearranges() {
			b.WriteString(inst.Name + "\n")
		} else {
			b.WriteString(strings.TrimSpace(inst.Expr.Text()) + "\n")
		}
	}
	return b.String()
}

// axes is the attribute of a reduction over them.
func axes(keep bool, list ...int) kernels.Axes { return kernels.AxesOf(keep, list...) }

func TestFuse(t *testing.T) {
	type refs = []Ref
	for _, c := range []struct {
		name string
		make func(b *builder) refs
		want string
	}{
		{"chain", func(b *builder) refs {
			x := b.param(4)
			return refs{b.apply(kernels.Exp, nil, b.apply(kernels.Neg, nil, b.apply(kernels.Square, nil, x)))}
		}, `
out[i] = exp(-a[i]^2)
`},
		{"constants", func(b *builder) refs {
			x := b.param(4)
			return refs{b.apply(kernels.Add, nil, b.apply(kernels.Mul, nil, x, b.scalar(1)), b.scalar(2))}
		}, `
out[i] = a[i] + 2
`},
		{"map into reduction", func(b *builder) refs {
			x := b.param(3, 4)
			return refs{b.apply(kernels.Sum, axes(false, 1), b.apply(kernels.Exp, nil, x))}
		}, `
out[i] = sum(j) exp(a[i, j])
`},
		{"two results of one space", func(b *builder) refs {
			e := b.apply(kernels.Exp, nil, b.param(3, 4))
			return refs{e, b.apply(kernels.Sum, axes(false, 1), e), b.apply(kernels.Sin, nil, e)}
		}, `
v1 = exp(a[i, j])
out0[i, j] = v1
out1[i] = sum(j) v1
out2[i, j] = sin(v1)
`},
		{"broadcast", func(b *builder) refs {
			x, y := b.param(300, 1), b.param(300, 4)
			return refs{b.apply(kernels.Mul, nil, b.apply(kernels.Neg, nil, x), y)}
		}, `
out[i, j] = -a[i, 0] * b[i, j]
`},
		{"costly broadcast stays", func(b *builder) refs {
			x, y := b.param(1, 1), b.param(3000, 40)
			return refs{b.apply(kernels.Mul, nil, b.apply(kernels.Lgamma, nil, x), y)}
		}, `
out[i, j] = lgamma(a[i, j])
out[i, j] = a[0, 0] * b[i, j]
`},
		{"transpose", func(b *builder) refs {
			x := b.apply(kernels.Exp, nil, b.param(3, 4))
			return refs{b.apply(kernels.Neg, nil, b.apply(kernels.Transpose, kernels.AxesOf(false), x))}
		}, `
out[i, j] = -exp(a[j, i])
`},
		{"pad", func(b *builder) refs {
			x := b.apply(kernels.Exp, nil, b.param(3))
			p := b.apply(kernels.Pad, kernels.PaddingOf([]int{1}, []int{0}), x)
			return refs{b.apply(kernels.Neg, nil, p)}
		}, `
out[i] = -(0 <= -1 + i ? exp(a[i - 1]?) : 0)
`},
		{"reshape that splits", func(b *builder) refs {
			x := b.apply(kernels.Exp, nil, b.param(12))
			return refs{b.apply(kernels.Neg, nil, b.apply(kernels.Reshape, kernels.DimsOf(3, 1, 4), x))}
		}, `
out[i, 0, j] = -exp(a[4*i + j])
`},
		{"reshape that joins", func(b *builder) refs {
			x := b.apply(kernels.Exp, nil, b.param(3, 4))
			return refs{b.apply(kernels.Neg, nil, b.apply(kernels.Reshape, kernels.DimsOf(12), x))}
		}, `
out[i, j] = exp(a[i, j])
reshape
out[i] = -a[i]
`},
		{"product of matrices", func(b *builder) refs {
			x, y := b.param(20, 30), b.param(30, 20)
			p := b.apply(kernels.Matmul, nil, b.apply(kernels.Exp, nil, x), y)
			return refs{b.apply(kernels.Neg, nil, p)}
		}, `
out[i, j] = exp(a[i, j])
out[i, j] = sum(k) a[i, k] * b[k, j]
out[i, j] = -a[i, j]
`},
		{"sum of products stays in its order", func(b *builder) refs {
			x, y := b.param(20, 30, 1), b.param(1, 30, 20)
			return refs{b.apply(kernels.Sum, axes(false, 1), b.apply(kernels.Mul, nil, x, y))}
		}, `
out[i, j] = sum(k) a[i, k, 0] * b[0, k, j]
`},
		{"softmax", func(b *builder) refs {
			x := b.param(30, 4)
			e := b.apply(kernels.Exp, nil, b.apply(kernels.Sub, nil, x, b.apply(kernels.MaxReduce, axes(true, 1), x)))
			return refs{b.apply(kernels.Div, nil, e, b.apply(kernels.Sum, axes(true, 1), e))}
		}, `
out[i, j] = max(k) a[i, k]
v3 = exp(a[i, j] - b[i, 0])
out0[i, j] = v3
out1[i, 0] = sum(j) v3
out[i, j] = a[i, j] / b[i, 0]
`},
		{"reductions over different axes", func(b *builder) refs {
			e := b.apply(kernels.Exp, nil, b.param(3, 4))
			return refs{b.apply(kernels.Sum, axes(false, 0), e), b.apply(kernels.Sum, axes(false, 1), e)}
		}, `
v1 = exp(a[j, i])
out0[j, i] = v1
out1[i] = sum(j) v1
out[i] = sum(j) a[i, j]
`},
		{"no cycles", func(b *builder) refs {
			e := b.apply(kernels.Exp, nil, b.param(3000))
			s := b.apply(kernels.Sum, axes(false), e)
			return refs{b.apply(kernels.Mul, nil, e, s)}
		}, `
v1 = exp(a[i])
out0[i] = v1
out1[] = sum(i) v1
out[i] = a[i] * b[]
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			g := b.outputs(c.make(b)...)
			whole := g.Clone()
			g.Optimize(FoldConstants|Fusion, nil)
			if err := g.Verify(); err != nil {
				t.Fatal(err)
			}
			verifyLoops(t, g)
			if got := loops(g); strings.TrimSpace(got) != strings.TrimSpace(c.want) {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			sameResults(t, whole, g)
		})
	}
}

// ramps are numbers for the parameters.
func ramps(g *Graph) (in []*kernels.Array) {
	for _, v := range g.Params {
		a := empty(g.Aval(v))
		for i := range floats(a) {
			floats(a)[i] = float64(i%17)/4 - 2
		}
		in = append(in, a)
	}
	return in
}

// sameResults runs two graphs on the same numbers.
func sameResults(t *testing.T, g, h *Graph) {
	t.Helper()
	p, q := compile(t, g), compile(t, h)
	in := ramps(g)
	want, got := destinations(p), destinations(q)
	if err := p.Run(t.Context(), in, want); err != nil {
		t.Fatal(err)
	}
	if err := q.Run(t.Context(), in, got); err != nil {
		t.Fatal(err)
	}
	for k := range want {
		if !slices.Equal(packed(got[k]), packed(want[k])) {
			t.Errorf("result %d: got %v, want %v", k, floats(got[k]), floats(want[k]))
		}
	}
}

// verifyLoops checks the invariants of loops.
func verifyLoops(t *testing.T, g *Graph) {
	for i := range g.Instrs {
		if e := g.Instrs[i].Inst.Expr; e != nil {
			if err := e.Verify(); err != nil {
				t.Errorf("%v\n%s", err, e.Text())
			}
		}
	}
}

// A loop whose first result is a reduction that nothing reads has its other one computed
// again by readers in other spaces, at places that the first has not.
func TestCopiesBesideReduction(t *testing.T) {
	build := func() *Graph {
		e := loop.New(loop.Axes([]int{2, 3}), []kernels.Aval{f64(2, 3)})
		x := e.Neg(e.Load(0, loop.Ats(2)...))
		e.Store(loop.Store{Value: x, Index: loop.Ats(1), Reduce: loop.Sum, Aval: f64(2)})
		e.Store(loop.Store{Value: x, Index: loop.Ats(2), Aval: f64(2, 3)})
		b := newBuilder(t)
		v := b.Emit(kernels.NewLoop("sums and values", e), b.param(2, 3))
		b.Output(b.apply(kernels.Square, nil, b.apply(kernels.Slice, kernels.RangesOf(kernels.All(), kernels.From(1, 3)), v+1)))
		b.Output(b.apply(kernels.Exp, nil, b.apply(kernels.Slice, kernels.RangesOf(kernels.All(), kernels.Item(-1)), v+1)))
		return &b.Graph
	}
	in := []*kernels.Array{arrayOf([]float64{2, -1, 3, 0.5, 4, -2}, 2, 3)}
	g := build()
	g.Fuse()
	if !strings.Contains(loops(g), "exp(-a[i, 2])") {
		t.Errorf("nothing is computed again:\n%s", loops(g))
	}
	for i, want := range direct(build(), in) {
		if got := direct(g, in)[i]; !slices.Equal(got, want) {
			t.Errorf("output %d is %v, not %v", i, got, want)
		}
	}
}
