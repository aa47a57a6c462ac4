// Control flow in machine code: rows of loops of unknown length, kernels in bodies.

package grad_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
	"pgregory.net/rapid"
)

// together returns the results of several functions as one.
func together(fs map[string]func(x *T) *T) (names []string, all func(x *T) []*T) {
	for name := range fs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, func(x *T) (out []*T) {
		for _, name := range names {
			out = append(out, fs[name](x))
		}
		return out
	}
}

// Loops and branches with their derivatives of first and second order give what
// kernels give, bit for bit.
func TestNativeDerivativesOfControl(t *testing.T) {
	for _, c := range controls {
		t.Run(c.name, func(t *testing.T) {
			names, all := together(of(c.f))
			p, tiles := compiled(t, all, tensor.Zeros(3)), mustPrepare(t, all, tensor.Zeros(3))
			for _, x := range points() {
				got, want := run(t, p, x), run(t, tiles, x)
				for i, name := range names {
					sameBits(t, name, got[i], want[i])
				}
			}
		})
	}
}

// growth has x grow until it is large: the smaller x, the more steps.
func growth(opts ...grad.Option) func(x *T) *T {
	return func(x *T) *T {
		return grad.While(func(c *T) *T { return c.Sum().Lt(tensor.Scalar(1e3)) }, func(c *T) *T {
			return c.MulScalar(1.01).Add(c.Tanh().Mul(x))
		}, x, opts...).Sum()
	}
}

// Stacks grow, more than once, stay for later runs, and are given back.
func TestNativeStacks(t *testing.T) {
	for _, opt := range []grad.Option{grad.KeepResiduals(), grad.Recompute()} {
		fs := of(growth(opt))
		names, all := together(fs)
		p, tiles := compiled(t, all, tensor.Zeros(3)), mustPrepare(t, all, tensor.Zeros(3))
		for _, scale := range []float64{10, 1e-6, 0.1} {
			x := tensor.New([]float64{3, 1, 2}).MulScalar(scale)
			got, want := run(t, p, x), run(t, tiles, x)
			for i, name := range names {
				sameBits(t, name, got[i], want[i])
				close12(t, name, got[i], fs[name](x))
			}
		}
	}
}

func TestNativeStackLimit(t *testing.T) {
	f := grad.Grad(growth(grad.ResidualLimit(10_000)))
	p, tiles := compiled(t, f, tensor.Zeros(3)), mustPrepare(t, f, tensor.Zeros(3))
	x := tensor.New([]float64{3, 1, 2})
	_, err := p.Run(t.Context(), x.MulScalar(1e-6))
	_, want := tiles.Run(t.Context(), x.MulScalar(1e-6))
	var se *graph.StackError
	if !errors.As(err, &se) || se.Limit != 10_000 || want == nil || err.Error() != want.Error() {
		t.Errorf("error %v, want %v", err, want)
	}
	sameBits(t, "a shorter loop", run(t, p, x.MulScalar(10)), run(t, tiles, x.MulScalar(10)))
}

// A device without room for the rows is an error, and no harm is done.
func TestNativeStackMemory(t *testing.T) {
	dev, err := device.Open("cpu:1")
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New([]float64{3, 1, 2}).To(dev)
	f := grad.Grad(growth(grad.KeepResiduals()))
	p := compiled(t, f, x)
	want := run(t, p, x)
	before := dev.Stats().Outstanding
	limited := dev.(interface {
		Limit() int64
		SetLimit(bytes int64)
	})
	limit := limited.Limit()
	limited.SetLimit(before + 1)
	_, err = p.Run(t.Context(), x.MulScalar(1e-7))
	limited.SetLimit(limit)
	var oom *device.OutOfMemoryError
	if !errors.As(err, &oom) {
		t.Errorf("error %v", err)
	}
	sameBits(t, "afterwards", run(t, p, x), want)
	p.Close()
	if now := dev.Stats().Outstanding; now >= before {
		t.Errorf("%d bytes are outstanding after Close, %d before", now, before)
	}
}

// Operations that are no loops are called from within bodies, and their errors
// tell where.
func TestNativeKernelsInBodies(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	xs, w := random(r, 4, 6), random(r, 48, 48)
	for name, f := range map[string]func(x *T) *T{
		"prefix sums": func(x *T) *T {
			c, _ := grad.Scan(func(c, r *T) (*T, *T) { c = c.Tanh().Add(r).CumSum(0); return c, c }, x, xs)
			return c.Sum()
		},
		"in a while": func(x *T) *T {
			return grad.While(func(c *T) *T { return c.Square().Sum().Lt(tensor.Scalar(100)) }, func(c *T) *T {
				return c.MulScalar(0.7).CumSumReverse(0).AddScalar(0.1)
			}, x).Sum()
		},
		"in a branch": func(x *T) *T {
			return grad.Cond(x.Sum().Lt(tensor.Scalar(0)), func(x *T) *T { return x.CumSum(0) }, func(x *T) *T { return x.Neg().CumSum(0) }, x).Square().Sum()
		},
		"large products": func(x *T) *T {
			m := x.Unsqueeze(1).Mul(tensor.Ones(1, 8)).Reshape(1, 48).Mul(w)
			c, _ := grad.Scan(func(c *T, _ struct{}) (*T, struct{}) { return c.MatMul(w).Tanh(), struct{}{} }, m, struct{}{}, grad.Length(3))
			return c.Sum()
		},
	} {
		t.Run(name, func(t *testing.T) {
			fs := map[string]func(x *T) *T{"value": f, "gradient": grad.Grad(f)}
			names, all := together(fs)
			p := compiled(t, all, tensor.Zeros(6))
			for range 3 {
				x := random(r, 6)
				got := run(t, p, x)
				for i, name := range names {
					close12(t, name, got[i], fs[name](x))
				}
			}
		})
	}
}

func TestNativeStacksAllocateNothing(t *testing.T) {
	if kernelsAllocate {
		t.Skip("kernels allocate here")
	}
	f := grad.Grad(func(x *T) *T { return growth(grad.KeepResiduals())(x.CumSum(0)) })
	x := tensor.New([]float64{0.3, 0.1, 0.2})
	p := compiled(t, f, x)
	dst := run(t, p, x)
	if n := testing.AllocsPerRun(100, func() {
		if err := p.RunInto(t.Context(), dst, x); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// multiplies reports whether there are matrix products in statements.
func multiplies(code []statement) bool {
	return slices.ContainsFunc(code, func(s statement) bool {
		return s.kind == "op" && s.op.op == matmulOp || multiplies(s.body) || multiplies(s.other)
	})
}

// Random programs with control flow, many as one program, give what kernels give, bit for
// bit: with all passes, and as they were recorded. Where there are matrix products, whose
// sums machine code makes in another order, they are close.
func TestNativeControlRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	c, rows := random(r, 2, 3), random(r, 3, 2, 3)
	count := 12
	if testing.Short() {
		count = 3
	}
	draw := rapid.Custom(func(t *rapid.T) []statement { return drawStatements(t, 2, 2) })
	fs, close := map[string]func(x *T) *T{}, map[string]bool{}
	for i := range count {
		code := draw.Example(i)
		f := func(x *T) *T { return withControl{rows, false}.run(code, []*T{x, c}).Sum() }
		for what, g := range made(f, false) {
			name := fmt.Sprint(i, " ", what, " ", code)
			fs[name], close[name] = g, multiplies(code)
		}
	}
	names, all := together(fs)
	tiles := mustPrepare(t, all, c)
	for _, without := range []graph.Passes{0, graph.AllPasses} {
		p := compiled(t, all, c, grad.Without(without))
		for range 4 {
			x := random(r, 2, 3)
			got, want := run(t, p, x), run(t, tiles, x)
			for i, name := range names {
				if !close[name] {
					sameBits(t, fmt.Sprint("without ", without, ": ", name), got[i], want[i])
				} else if err := near1(must(got[i].Float64s())(t), must(want[i].Float64s())(t), false); err != nil {
					t.Errorf("without %v: %s: %v", without, name, err)
				}
			}
		}
	}
}
