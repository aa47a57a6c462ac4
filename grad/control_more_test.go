// Control flow: residuals, limits, custom rules, memory, and differences.

package grad_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cotangent-ad/cotangent/device/sim"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/grad/check"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Derivatives of control flow, eager ones to second order, against differences.
func TestControlDifferences(t *testing.T) {
	for _, c := range controls {
		t.Run(c.name, func(t *testing.T) {
			if err := check.Derivatives(c.f, points()[0], check.Order(2)).Err(); err != nil {
				t.Error(err)
			}
			p := mustPrepare(t, c.f, points()[0])
			if err := check.Derivatives(p.Call, points()[0]).Err(); err != nil {
				t.Errorf("prepared: %v", err)
			}
		})
	}
}

// What a step keeps does not change the gradient, only the memory.
func TestResiduals(t *testing.T) {
	const n = 1000
	x := random(rand.New(rand.NewPCG(1, 1)), 50)
	f := func(opt grad.Option) func(x *T) *T {
		return grad.Grad(func(x *T) *T {
			c, _ := grad.Scan(func(c *T, _ struct{}) (*T, struct{}) {
				return c.Sin().Mul(c.Exp()).Add(x).Tanh(), struct{}{}
			}, x, struct{}{}, grad.Length(n), opt)
			return c.Sum()
		})
	}
	keep, again := mustPrepare(t, f(grad.KeepResiduals()), x), mustPrepare(t, f(grad.Recompute()), x)
	sameBits(t, "gradient", run(t, again, x), run(t, keep, x))
	sameBits(t, "gradient of the Go loop", f(nothing)(x), run(t, keep, x))
	if k, a := keep.Stats().ArenaBytes, again.Stats().ArenaBytes; k < 3*n*50*8 || a > 2*n*50*8 {
		t.Errorf("arenas of %d bytes with all residuals and %d with the carries", k, a)
	}
}

var nothing = grad.MaxSteps(0)

// A loop whose residuals do not fit ends in an error that names the limit.
func TestResidualLimit(t *testing.T) {
	grow := func(limit int) func(x *T) *T {
		return grad.Grad(func(x *T) *T {
			return grad.While(func(c *T) *T { return c.Sum().Lt(tensor.Scalar(1e6)) }, func(c *T) *T { return c.Add(c.Square()) }, x, grad.ResidualLimit(limit)).Sum()
		})
	}
	x := tensor.New([]float64{1e-3, 2e-3})
	p := mustPrepare(t, grow(1<<20), x)
	sameBits(t, "gradient", run(t, p, x), grow(1<<20)(x))
	p = mustPrepare(t, grow(1000), x)
	_, err := p.Run(t.Context(), x)
	var se *graph.StackError
	if !errors.As(err, &se) || se.Limit != 1000 || !strings.Contains(err.Error(), "1000 bytes") {
		t.Errorf("got %v", err)
	}
	near(t, "a shorter loop", run(t, p, tensor.New([]float64{1e3, 1e3})).Index(tensor.At(0)), 1+2e3, 0)
	// Of a limit below a row there is room for none.
	for _, limit := range []int{15, 1, 0, -7} {
		for _, opts := range [][]grad.Option{nil, {grad.WithNative()}} {
			p := mustPrepare(t, grow(limit), x, opts...)
			if opts != nil && p.Native(t.Context()) != nil {
				continue
			}
			_, err := p.Run(t.Context(), x)
			if se = nil; !errors.As(err, &se) || se.Steps != 0 || se.Limit != max(limit, 1) {
				t.Errorf("limit %d, %d options: %v", limit, len(opts), err)
			}
			near(t, "no step", run(t, p, tensor.New([]float64{1e6, 0})).Index(tensor.At(1)), 1, 0)
		}
	}
}

// Custom rules hold inside bodies, under transformations of the program too.
func TestControlCustom(t *testing.T) {
	square := grad.Custom(func(x *T) *T { return x.Square() }, grad.Rules[*T, *T]{
		VJP: func(x, y, g *T) *T { return g.MulScalar(100) },
	})
	f := func(x *T) *T {
		c, _ := grad.Scan(func(c *T, _ struct{}) (*T, struct{}) { return square(c), struct{}{} }, x, struct{}{}, grad.Length(2))
		return c
	}
	x := tensor.Scalar(3)
	p := mustPrepare(t, f, x)
	near(t, "value", run(t, p, x), 81, 0)
	near(t, "slope of the program", grad.Grad(p.Call)(x), 1e4, 0)
	near(t, "prepared slope", run(t, mustPrepare(t, grad.Grad(f), x), x), 1e4, 0)
	_, dy := grad.JVP(p.Call, x, tensor.Scalar(1))
	near(t, "tangent", dy, 1e4, 0)
	prepared := mustPrepare(t, func(x *T) *T {
		_, dy := grad.JVP(f, x, tensor.Scalar(1))
		return dy
	}, x)
	near(t, "prepared tangent", run(t, prepared, x), 1e4, 0)
	xs := tensor.New([]float64{1, 2})
	sameBits(t, "map", run(t, mustPrepare(t, grad.Vmap(f), xs), xs), tensor.New([]float64{1, 16}))
}

// Integers and bools go through loops; indices may depend on them.
func TestControlIntegers(t *testing.T) {
	one := tensor.Scalar(1, tensor.WithDType(tensor.Int64))
	type position struct{ At, Sum *T }
	f := func(x *T) *T { // x₀ + x₀x₁ + x₀x₁x₂
		s := grad.While(func(s position) *T { return s.At.Lt(tensor.Scalar(3, tensor.WithDType(tensor.Int64))) }, func(s position) position {
			return position{s.At.Add(one), s.Sum.Add(x.Index(tensor.Range(0, 3)).CumSum(0).Take(0, s.At).Mul(s.Sum))}
		}, position{tensor.Scalar(0, tensor.WithDType(tensor.Int64)), tensor.Scalar(1)})
		return s.Sum
	}
	loop := func(x *T) *T {
		sum := tensor.Scalar(1)
		for i := range 3 {
			sum = sum.Add(x.CumSum(0).Index(tensor.At(i)).Mul(sum))
		}
		return sum
	}
	x := tensor.New([]float64{2, 3, 5})
	sameBits(t, "value", run(t, mustPrepare(t, f, x), x), loop(x))
	close12(t, "gradient", run(t, mustPrepare(t, grad.Grad(f), x), x), grad.Grad(loop)(x))
	close12(t, "HVP", run(t, mustPrepare(t, func(x *T) *T { return grad.HVP(f, x, x) }, x), x), grad.HVP(loop, x, x))
}

// A scan without steps has empty ys and its carry.
func TestScanEmpty(t *testing.T) {
	f := func(x *T) []*T {
		c, ys := grad.Scan(func(c, r *T) (*T, *T) { return c.Add(r.Sum()), r.MatMul(r.T()) }, x.Sum(), tensor.Zeros(0, 2, 3))
		return []*T{c, ys}
	}
	x := tensor.New([]float64{1, 2})
	for name, y := range map[string][]*T{"eager": f(x), "prepared": run(t, mustPrepare(t, f, x), x)} {
		near(t, name, y[0], 3, 0)
		if s := y[1].Shape(); len(s) != 3 || s[0] != 0 || s[1] != 2 || s[2] != 2 {
			t.Errorf("%s: ys of shape %v", name, s)
		}
	}
	near(t, "gradient", run(t, mustPrepare(t, grad.Grad(func(x *T) *T { return f(x)[0] }), x), x).Index(tensor.At(1)), 1, 0)
	if _, y := grad.Scan(func(c *T, _ struct{}) (*T, *T) { return c, c }, x, struct{}{}); y.Err() == nil {
		t.Error("a scan of no known length runs")
	}
}

// Loops allocate nothing once they have run.
func TestControlAllocatesNothing(t *testing.T) {
	x := points()[0]
	if kernelsAllocate || x.Device().Kind() != "cpu" {
		t.Skip("kernels allocate here")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, c := range controls {
		for name, f := range of(c.f) {
			if name == "reverse over forward" {
				continue // of its loops some have more operands than the kernels take without allocating
			}
			dst := tensor.Zeros(f(x).Shape()...)
			p := mustPrepare(t, f, x)
			step := func() {
				if err := p.RunInto(ctx, dst, x); err != nil {
					t.Fatal(err)
				}
			}
			step()
			if n := testing.AllocsPerRun(20, step); n != 0 {
				t.Errorf("%s, %s: %v allocations", c.name, name, n)
			}
		}
	}
}

func TestControlConcurrently(t *testing.T) {
	f := grad.Grad(controls[len(controls)-1].f)
	p := mustPrepare(t, f, points()[0])
	var wg sync.WaitGroup
	for _, x := range points() {
		want := f(x)
		wg.Go(func() {
			for range 20 {
				y, err := p.Run(t.Context(), x)
				if err != nil {
					t.Error(err)
					return
				}
				if a, b := must(y.Float64s())(t), must(want.Float64s())(t); near1(a, b, false) != nil {
					t.Errorf("got %v, want %v", a, b)
				}
			}
		})
	}
	wg.Wait()
}

// On a device whose memory is NaN before it is written, and that tells of writes
// outside of buffers.
func TestControlOnSim(t *testing.T) {
	dev := sim.New(sim.Options{Name: "sim-control", Held: true, Workers: 2})
	f := func(x *T) *T {
		c, ys := grad.Scan(func(c, r *T) (*T, *T) {
			c = grad.While(func(c *T) *T { return c.Square().Sum().Lt(r.Exp()) }, func(c *T) *T { return c.MulScalar(1.5).Add(x) }, c)
			return grad.Cond(r.Gt(c.Sum()), (*T).Sin, (*T).Cos, c), c.Mul(r)
		}, x, x)
		return c.Sum().Add(ys.Square().Sum())
	}
	for name, g := range of(f) {
		if strings.HasSuffix(name, "forward") || strings.HasSuffix(name, "jvp") {
			continue // their directions are on the CPU
		}
		x := points()[0]
		p := mustPrepare(t, g, x.To(dev))
		for range 2 {
			close12(t, name, run(t, p, x.To(dev)), g(x))
		}
	}
}
