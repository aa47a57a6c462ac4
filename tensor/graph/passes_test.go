// Each pass on small graphs: what is left, and that it computes the same.

package graph

import (
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// body writes a graph with a builder of its own.
func body(t testing.TB, write func(b *builder) []Ref) *Graph {
	b := newBuilder(t)
	return b.outputs(write(b)...)
}

func (b *builder) bool(v bool) Ref {
	a := empty(kernels.Aval{DType: device.Bool})
	if v {
		*(*uint8)(a.Ptr) = 1
	}
	return b.Const(*a, nil)
}

func TestPasses(t *testing.T) {
	type refs = []Ref
	transpose := kernels.AxesOf(false)
	for _, c := range []struct {
		name   string
		passes Passes
		make   func(b *builder) refs
		want   string
	}{
		{"share: the same twice", Share, func(b *builder) refs {
			x := b.param(3)
			return refs{b.apply(kernels.Mul, nil, b.apply(kernels.Exp, nil, x), b.apply(kernels.Exp, nil, x))}
		}, `
%0 = param 0 float64[3]
%1 = exp %0 float64[3]
%2 = mul %1, %1 float64[3]
return %2`},
		{"share: attributes, operands and their order count", Share, func(b *builder) refs {
			x, y := b.param(3, 3), b.param(3, 3)
			return refs{
				b.apply(kernels.Sum, axes(false, 0), x), b.apply(kernels.Sum, axes(false, 1), x),
				b.apply(kernels.Sub, nil, x, y), b.apply(kernels.Sub, nil, y, x),
			}
		}, `
%0 = param 0 float64[3 3]
%1 = param 1 float64[3 3]
%2 = sum(axis=[0]) %0 float64[3]
%3 = sum(axis=[1]) %0 float64[3]
%4 = sub %0, %1 float64[3 3]
%5 = sub %1, %0 float64[3 3]
return %2, %3, %4, %5`},
		{"share: constants of one value, in a chain, and outputs", Share | FoldConstants, func(b *builder) refs {
			x := b.param(3)
			return refs{
				b.apply(kernels.Neg, nil, b.apply(kernels.Add, nil, x, b.scalar(2))),
				b.apply(kernels.Neg, nil, b.apply(kernels.Add, nil, x, b.scalar(2))),
			}
		}, `
%0 = param 0 float64[3]
%1 = const 2 float64[]
%2 = add %0, %1 float64[3]
%3 = neg %2 float64[3]
return %3, %3`},
		{"share: zeros of both signs differ", Share | FoldConstants, func(b *builder) refs {
			x := b.param(3)
			return refs{b.apply(kernels.Div, nil, x, b.scalar(0)), b.apply(kernels.Div, nil, x, b.scalar(math.Copysign(0, -1)))}
		}, `
%0 = param 0 float64[3]
%1 = const 0 float64[]
%2 = div %0, %1 float64[3]
%3 = const -0 float64[]
%4 = div %0, %3 float64[3]
return %2, %4`},
		{"share: derived loops by what they do", Share, func(b *builder) refs {
			x := b.param(3)
			e := b.inst(kernels.Exp, nil, x).Expr
			return refs{b.Emit(kernels.NewLoop("one", e), x), b.Emit(kernels.NewLoop("two", e.Simplify()), x)}
		}, `
%0 = param 0 float64[3]
%1 = one %0 float64[3]
return %1, %1`},
		{"share: loops", Share, func(b *builder) refs {
			k, x, xs := b.param(2), b.param(2), b.param(4, 2)
			scan := func() Ref {
				return b.emit(&Control{Form: Scan, Bodies: []*Graph{scanBody(t)}, Consts: 1, Carries: 1, Xs: 1, Ys: 1, Sums: 2, Length: 4}, k, x, xs)
			}
			return refs{scan(), scan()}
		}, `
%0 = param 0 float64[2]
%1 = param 1 float64[2]
%2 = param 2 float64[4 2]
%3 = control(length=4 consts=1 carries=1 xs=1) %0, %1, %2 float64[2]
body:
%0 = param 0 float64[2]
%1 = param 1 float64[2]
%2 = param 2 float64[2]
%3 = mul %1, %0 float64[2]
%4 = add %3, %2 float64[2]
return %4
return %3, %3`},

		{"simplify: identities", Simplify | FoldConstants, func(b *builder) refs {
			x := b.param(3, 2)
			y := b.apply(kernels.Mul, nil, x, b.scalar(1))
			y = b.apply(kernels.Sub, nil, y, b.scalar(0))
			y = b.apply(kernels.Div, nil, y, b.scalar(1))
			y = b.apply(kernels.Add, nil, b.scalar(math.Copysign(0, -1)), y)
			y = b.apply(kernels.Neg, nil, b.apply(kernels.Neg, nil, y))
			y = b.apply(kernels.Transpose, transpose, b.apply(kernels.Transpose, transpose, y))
			y = b.apply(kernels.Reshape, kernels.DimsOf(3, 2), b.apply(kernels.Reshape, kernels.DimsOf(6), y))
			y = b.apply(kernels.BroadcastTo, kernels.DimsOf(3, 2), y)
			return refs{b.apply(kernels.Exp, nil, y)}
		}, `
%0 = param 0 float64[3 2]
%1 = exp %0 float64[3 2]
return %1`},
		{"simplify: what may change a sign or a NaN stays", Simplify | FoldConstants, func(b *builder) refs {
			x := b.param(3)
			return refs{
				b.apply(kernels.Add, nil, x, b.scalar(0)), // of -0
				b.apply(kernels.Mul, nil, x, b.scalar(0)), // of NaN, -1
				b.apply(kernels.Sub, nil, x, x),           // of Inf
				b.apply(kernels.Div, nil, x, x),
			}
		}, `
%0 = param 0 float64[3]
%1 = const 0 float64[]
%2 = add %0, %1 float64[3]
%3 = const 0 float64[]
%4 = mul %0, %3 float64[3]
%5 = sub %0, %0 float64[3]
%6 = div %0, %0 float64[3]
return %2, %4, %5, %6`},
		{"simplify: a broadcast is no identity", Simplify | FoldConstants, func(b *builder) refs {
			x, ones := b.param(), b.Const(*arrayOf([]float64{1, 1}, 2), nil)
			return refs{b.apply(kernels.Mul, nil, x, ones)}
		}, `
%0 = param 0 float64[]
%1 = const float64[2]
%2 = mul %0, %1 float64[2]
return %2`},
		{"simplify: choices that are known", Simplify | FoldConstants, func(b *builder) refs {
			x, y := b.param(3), b.param(3)
			return refs{b.apply(kernels.Where, nil, b.bool(true), x, y), b.apply(kernels.Where, nil, b.apply(kernels.Lt, nil, x, y), y, y)}
		}, `
%0 = param 0 float64[3]
%1 = param 1 float64[3]
return %0, %1`},
		{"simplify: reshapes of reshapes", Simplify, func(b *builder) refs {
			x := b.apply(kernels.Reshape, kernels.DimsOf(6), b.param(3, 2))
			return refs{b.apply(kernels.Reshape, kernels.DimsOf(2, 3), x)}
		}, `
%0 = param 0 float64[3 2]
%1 = reshape(dim=[2 3]) %0 float64[2 3]
return %1`},

		{"constants: computed, and views of them left", FoldConstants, func(b *builder) refs {
			c := b.Const(*arrayOf([]float64{1, 2, 3, 4}, 2, 2), nil)
			s := b.apply(kernels.Transpose, transpose, b.apply(kernels.Exp, nil, b.apply(kernels.Neg, nil, c)))
			return refs{b.apply(kernels.Add, nil, b.param(2, 2), s)}
		}, `
%0 = param 0 float64[2 2]
%1 = const float64[2 2]
%2 = transpose(axis=[]) %1 float64[2 2]
%3 = add %0, %2 float64[2 2]
return %3`},
		{"constants: not what would become much larger", FoldConstants, func(b *builder) refs {
			x, two, ten := b.param(), b.scalar(2), b.Const(*arrayOf(make([]float64, 10), 10), nil)
			s := b.apply(kernels.Add, nil, b.apply(kernels.BroadcastTo, kernels.DimsOf(9000, 10), two), ten)
			return refs{b.apply(kernels.Add, nil, x, s)}
		}, `
%0 = param 0 float64[]
%1 = const 2 float64[]
%2 = const float64[10]
%3 = broadcast_to(dim=[9000 10]) %1 float64[9000 10]
%4 = add %3, %2 float64[9000 10]
%5 = add %0, %4 float64[9000 10]
return %5`},
		{"constants: of a known branch and into it", FoldConstants | Inline, func(b *builder) refs {
			x := b.param(2)
			branch := func(op *kernels.Op) *Graph {
				return body(t, func(b *builder) refs { return refs{b.apply(op, nil, b.param(2))} })
			}
			r := b.emit(&Control{Form: Cond, Bodies: []*Graph{branch(kernels.Exp), branch(kernels.Neg)}}, b.bool(false), x)
			return refs{r}
		}, `
%0 = param 0 float64[2]
%1 = neg %0 float64[2]
return %1`},

		{"inline: a call in a call", Inline, func(b *builder) refs {
			inner := body(t, func(b *builder) refs {
				return refs{b.apply(kernels.Mul, nil, b.param(2), b.scalar(3))}
			})
			outer := body(t, func(b *builder) refs {
				return refs{b.apply(kernels.Exp, nil, b.emit(&Control{Form: Call, Bodies: []*Graph{inner}}, b.param(2)))}
			})
			return refs{b.emit(&Control{Form: Call, Bodies: []*Graph{outer}}, b.param(2))}
		}, `
%0 = param 0 float64[2]
%1 = const 3 float64[]
%2 = mul %0, %1 float64[2]
%3 = exp %2 float64[2]
return %3`},
		{"inline: a scan of one step", Inline, func(b *builder) refs {
			k, x, xs := b.param(2), b.param(2), b.param(1, 2)
			r := b.emit(&Control{Form: Scan, Bodies: []*Graph{scanBody(t)}, Consts: 1, Carries: 1, Xs: 1, Ys: 1, Sums: 2, Length: 1}, k, x, xs)
			return refs{r, r + 1, r + 2, r + 3}
		}, `
%0 = param 0 float64[2]
%1 = param 1 float64[2]
%2 = param 2 float64[1 2]
%3 = reshape(dim=[2]) %2 float64[2]
%4 = mul %1, %0 float64[2]
%5 = add %4, %3 float64[2]
%6 = mul %1, %3 float64[2]
%7 = reshape(dim=[1 2]) %1 float64[1 2]
return %5, %7, %6, %3`},

		{"hoist: out of two loops", Hoist, func(b *builder) refs {
			step := body(t, func(b *builder) refs {
				k, c := b.param(2), b.param(2)
				return refs{b.apply(kernels.Mul, nil, c, b.apply(kernels.Exp, nil, k))}
			})
			outer := body(t, func(b *builder) refs {
				k, c := b.param(2), b.param(2)
				return refs{b.emit(&Control{Form: Scan, Bodies: []*Graph{step}, Consts: 1, Carries: 1, Length: 3}, k, c)}
			})
			return refs{b.emit(&Control{Form: Scan, Bodies: []*Graph{outer}, Consts: 1, Carries: 1, Length: 2}, b.param(2), b.param(2))}
		}, `
%0 = param 0 float64[2]
%1 = param 1 float64[2]
%2 = exp %0 float64[2]
%3 = control(length=2 consts=1 carries=1) %2, %1 float64[2]
body:
%0 = param 0 float64[2]
%1 = param 1 float64[2]
%2 = control(length=3 consts=1 carries=1) %0, %1 float64[2]
body:
%0 = param 0 float64[2]
%1 = param 1 float64[2]
%2 = mul %1, %0 float64[2]
return %2
return %2
return %3`},
		{"hoist: out of a while, whose condition does not need it", Hoist, func(b *builder) refs {
			test := body(t, func(b *builder) refs {
				b.param()
				c := b.param()
				return refs{b.apply(kernels.Lt, nil, c, b.scalar(100))}
			})
			step := body(t, func(b *builder) refs {
				k, c := b.param(), b.param()
				return refs{b.apply(kernels.Add, nil, c, b.apply(kernels.Exp, nil, b.apply(kernels.Abs, nil, k)))}
			})
			return refs{b.emit(&Control{Form: While, Bodies: []*Graph{test, step}, Consts: 1, Carries: 1, Bound: 1000}, b.param(), b.param())}
		}, `
%0 = param 0 float64[]
%1 = param 1 float64[]
%2 = abs %0 float64[]
%3 = exp %2 float64[]
%4, %5 = control(consts=1 carries=1 bound=1000) %3, %1 float64[], int64[]
condition:
%0 = param 0 float64[]
%1 = param 1 float64[]
%2 = const 100 float64[]
%3 = lt %1, %2 bool[]
return %3
body:
%0 = param 0 float64[]
%1 = param 1 float64[]
%2 = add %1, %0 float64[]
return %2
return %4`},
		{"hoist: not what is large and cheap, nor views", Hoist, func(b *builder) refs {
			step := body(t, func(b *builder) refs {
				u, v, c := b.param(5, 1), b.param(1, 5), b.param(5, 5)
				w := b.apply(kernels.Transpose, transpose, b.apply(kernels.Mul, nil, u, v))
				return refs{b.apply(kernels.Add, nil, c, w)}
			})
			return refs{b.emit(&Control{Form: Scan, Bodies: []*Graph{step}, Consts: 2, Carries: 1, Length: 3}, b.param(5, 1), b.param(1, 5), b.param(5, 5))}
		}, `
%0 = param 0 float64[5 1]
%1 = param 1 float64[1 5]
%2 = param 2 float64[5 5]
%3 = control(length=3 consts=2 carries=1) %0, %1, %2 float64[5 5]
body:
%0 = param 0 float64[5 1]
%1 = param 1 float64[1 5]
%2 = param 2 float64[5 5]
%3 = mul %0, %1 float64[5 5]
%4 = transpose(axis=[]) %3 float64[5 5]
%5 = add %2, %4 float64[5 5]
return %5
return %3`},
		{"reuse: rows are what is computed, the part is taken where they are read", Reuse, func(b *builder) refs {
			cut := kernels.RangesOf(kernels.From(0, 127))
			keep := body(t, func(b *builder) refs {
				c := b.apply(kernels.Exp, nil, b.param(128))
				return refs{c, b.apply(kernels.Slice, cut, c), b.apply(kernels.Slice, kernels.RangesOf(kernels.From(0, 64)), c)}
			})
			read := body(t, func(b *builder) refs {
				c := b.param(127)
				return refs{b.apply(kernels.Mul, nil, c, b.param(127))}
			})
			rows := b.emit(&Control{Form: Scan, Bodies: []*Graph{keep}, Carries: 1, Ys: 2, Length: 3}, b.param(128))
			last := b.emit(&Control{Form: Scan, Bodies: []*Graph{read}, Carries: 1, Xs: 1, Length: 3, Reverse: true}, b.param(127), rows+1)
			return refs{rows, last, rows + 2}
		}, `
%0 = param 0 float64[128]
%1 = param 1 float64[127]
%2, %3, %4 = control(length=3 carries=1 ys=2) %0 float64[128], float64[3 128], float64[3 64]
body:
%0 = param 0 float64[128]
%1 = exp %0 float64[128]
%2 = slice(:64) %1 float64[64]
return %1, %1, %2
%5 = control(length=3 carries=1 xs=1 reverse) %1, %3 float64[127]
body:
%0 = param 0 float64[127]
%1 = param 1 float64[128]
%2 = slice(:127) %1 float64[127]
%3 = mul %0, %2 float64[127]
return %3
return %2, %5, %4`},
		{"reuse: not where more than scans read them", Reuse, func(b *builder) refs {
			keep := body(t, func(b *builder) refs {
				c := b.apply(kernels.Exp, nil, b.param(128))
				return refs{c, b.apply(kernels.Slice, kernels.RangesOf(kernels.From(0, 127)), c)}
			})
			rows := b.emit(&Control{Form: Scan, Bodies: []*Graph{keep}, Carries: 1, Ys: 1, Length: 3}, b.param(128))
			return refs{rows, b.apply(kernels.Exp, nil, rows+1)}
		}, `
%0 = param 0 float64[128]
%1, %2 = control(length=3 carries=1 ys=1) %0 float64[128], float64[3 127]
body:
%0 = param 0 float64[128]
%1 = exp %0 float64[128]
%2 = slice(:127) %1 float64[127]
return %1, %2
%3 = exp %2 float64[3 127]
return %1, %3`},
		{"constants: out of a loop", Hoist | FoldConstants, func(b *builder) refs {
			step := body(t, func(b *builder) refs {
				k, c := b.param(2), b.param(2)
				return refs{b.apply(kernels.Mul, nil, c, b.apply(kernels.Exp, nil, k))}
			})
			return refs{b.emit(&Control{Form: Scan, Bodies: []*Graph{step}, Consts: 1, Carries: 1, Length: 3}, b.Const(*arrayOf([]float64{1, 2}), nil), b.param(2))}
		}, `
%0 = param 0 float64[2]
%1 = const float64[2]
%2 = control(length=3 consts=1 carries=1) %1, %0 float64[2]
body:
%0 = param 0 float64[2]
%1 = param 1 float64[2]
%2 = mul %1, %0 float64[2]
return %2
return %2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			g := b.outputs(c.make(b)...)
			whole, without := g.Clone(), g.Clone()
			dev := openDevice(t, "ref")
			g.Optimize(c.passes|Prune, dev)
			if err := g.Verify(); err != nil {
				t.Fatal(err)
			}
			if got := "\n" + squeezed(g.String()); got != c.want {
				t.Errorf("got%s\nwant%s", got, c.want)
			}
			sameResults(t, whole, g)
			whole.RemoveDead()
			if without.Optimize(AllPasses&^c.passes&^Fusion, dev); c.passes.Has(Inline) && !without.Equal(whole) {
				t.Errorf("without the pass there is\n%s", without)
			}
		})
	}
}

// What fails at a constant fails in the run that computes it, not before.
func TestFoldingLeavesFailures(t *testing.T) {
	b := newBuilder(t)
	at := empty(kernels.Aval{DType: device.Int64, Shape: []int{1}})
	*(*int64)(at.Ptr) = 7
	x := b.apply(kernels.Gather, kernels.AxesOf(false, 0), b.Const(*arrayOf([]float64{1, 2}, 2), nil), b.Const(*at, nil))
	g := b.outputs(b.apply(kernels.Add, nil, b.param(1), x))
	g.Optimize(AllPasses, openDevice(t, "ref"))
	p := compile(t, g)
	if err := p.Run(t.Context(), []*kernels.Array{empty(f64(1))}, destinations(p)); err == nil {
		t.Error("no error of an index out of range")
	}
}

// An invariant that fails does so only if there is a step.
func TestHoistingLeavesFailures(t *testing.T) {
	step := body(t, func(b *builder) []Ref {
		k, at, c := b.param(2), b.Param(kernels.Aval{DType: device.Int64, Shape: []int{1}}), b.param(1)
		return []Ref{b.apply(kernels.Add, nil, c, b.apply(kernels.Gather, kernels.AxesOf(false, 0), k, at))}
	})
	for n, fails := range map[int64]bool{0: false, 2: true} {
		b := newBuilder(t)
		k, at, c := b.param(2), b.Param(kernels.Aval{DType: device.Int64, Shape: []int{1}}), b.param(1)
		count := b.Param(count)
		g := b.outputs(b.emit(&Control{Form: Scan, Bodies: []*Graph{step}, Consts: 2, Carries: 1, Length: 3, Counted: true}, k, at, c, count))
		g.Optimize(AllPasses, openDevice(t, "ref"))
		p := compile(t, g)
		in := []*kernels.Array{empty(f64(2)), empty(kernels.Aval{DType: device.Int64, Shape: []int{1}}), empty(f64(1)), empty(g.Aval(count))}
		*(*int64)(in[1].Ptr), *(*int64)(in[3].Ptr) = 7, n
		if err := p.Run(t.Context(), in, destinations(p)); (err != nil) != fails {
			t.Errorf("%d steps: %v", n, err)
		}
	}
}

// Constants that folding made are given back with the program.
func TestFoldingKeepsNothing(t *testing.T) {
	dev := openDevice(t, "ref")
	live := dev.Stats().Live
	b := newBuilder(t)
	g := b.outputs(b.apply(kernels.Add, nil, b.param(2), b.apply(kernels.Exp, nil, b.Const(*arrayOf([]float64{1, 2}), nil))))
	g.Optimize(AllPasses, dev)
	if n := len(g.Instrs); n != 1 {
		t.Errorf("%d instructions, want 1\n%s", n, g)
	}
	p, err := Compile(g, dev)
	if err != nil {
		t.Fatal(err)
	}
	g.Release()
	p.Close()
	if n := dev.Stats().Live - live; n != 0 {
		t.Errorf("%d buffers are left", n)
	}
}
