// Sweeps over tapes that workers do side by side.

package grad_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/devicetest"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor"
	"pgregory.net/rapid"
)

// TestSweepsBesideAgree: of random programs over all ops, cut wherever they can be, sweeps
// give the same bits for any number of workers, and when they are repeated.
func TestSweepsBesideAgree(t *testing.T) {
	grad.SweepsBeside(t)
	m := openMachines(t)
	if err := tensor.SetDefaultDevice(m.one); err != nil {
		t.Fatal(err)
	}
	defer restoreDevice(t)
	devices := []device.Device{m.three}
	for _, name := range []string{"cpu:2", "cpu:8"} {
		d, err := device.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		devicetest.NoLeaks(t, d)
		devices = append(devices, d)
	}
	ops := usable()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProgram(t, ops, map[string]int{})
		at := p.point(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "point"), 3)))
		want := bitsOfAll(t, p, "one worker", pulled(p.call)(at))
		for _, dev := range devices {
			there(t, dev, at, func(at point) []*T {
				_, pull := grad.VJP(p.call, at.X)
				for range 3 {
					if got := bitsOfAll(t, p, dev.Name(), pull(at.G)); !slices.EqualFunc(got, want, slices.Equal) {
						t.Fatalf("%s: got %v, want %v\n%v", dev.Name(), got, want, p)
					}
				}
				return nil
			})
		}
	})
}

// TestSweepsBesideOrders is the same of functions with shared parameters, whose values are
// used again and again, and of their second derivatives.
func TestSweepsBesideOrders(t *testing.T) {
	grad.SweepsBeside(t)
	rapid.Check(t, func(rt *rapid.T) {
		fs := []func(x, c *T) *T{drawFunctionOf(rt), drawFunctionOf(rt), drawFunctionOf(rt)}
		f := func(w []*T) *T {
			sum := w[0].Mul(w[1]).Sum()
			for i, f := range fs {
				sum = sum.Add(f(w[i%2], w[2])).Add(f(w[2].MulScalar(0.3), w[i%2]))
			}
			return sum
		}
		second := grad.Grad(func(w []*T) *T {
			sum := tensor.Scalar(0)
			for _, g := range grad.Grad(f)(w) {
				sum = sum.Add(g.Sin().Sum())
			}
			return sum
		})
		var first, two []*T
		for _, dev := range []string{"cpu:1", "cpu:2", "cpu:3", "cpu:8"} {
			on(t, dev)
			r := rand.New(rand.NewPCG(5, 6))
			w := []*T{random(r, 5, 7), random(r, 5, 7), random(r, 5, 7)}
			g, h := grad.Grad(f)(w), second(w)
			if first == nil {
				first, two = g, h
			}
			wantLeaves(rt, "gradient on "+dev, g, first)
			wantLeaves(rt, "second order on "+dev, h, two)
		}
	})
}

// strange returns an op that is its operand, with a rule that does as it likes: nil is no
// contribution.
func strange(x *T, rule func(g *T) *T) *T {
	op := &kernels.Op{Name: "strange", Kind: kernels.Library}
	op.Compose = func(_ kernels.Builder, _ any, in []kernels.Val) []kernels.Val { return in }
	op.VJP = func(_ kernels.Builder, _ *kernels.Inst, _, _, g []kernels.Val, _ kernels.Mask) []kernels.Val {
		if gx := rule(g[0].(*T)); gx != nil {
			return []kernels.Val{gx}
		}
		return []kernels.Val{nil}
	}
	avals, out := []kernels.Aval{x.Aval()}, make([]*T, 1)
	tensor.Dispatch(kernels.NewInst(op, nil, avals, avals), []*T{x}, out)
	return out[0]
}

// TestSweepsBesideNothing: turns are kept where an instruction contributes nothing.
func TestSweepsBesideNothing(t *testing.T) {
	grad.SweepsBeside(t)
	f := func(w []*T) *T {
		y := w[0].Mul(w[1])
		late := strange(y, func(g *T) *T {
			time.Sleep(time.Millisecond)
			return g.MulScalar(0.1)
		})
		nothing := strange(y, func(*T) *T { return nil })
		return y.Sin().Sum().Add(nothing.Exp().Sum()).Add(late.Cos().Sum()) // swept from the last on
	}
	var want []*T
	for _, dev := range []string{"cpu:1", "cpu:2", "cpu:3", "cpu:8"} {
		on(t, dev)
		for range 10 {
			g := grad.Grad(f)(matrices(2))
			if want == nil {
				want = g
			}
			wantLeaves(t, dev, g, want)
		}
	}
}

// members returns the ensemble of matrices with something done to each.
func members(change func(i int, x *T) *T) func(w []*T) *T {
	return func(w []*T) *T {
		sum := tensor.Scalar(0)
		for i := range w {
			sum = sum.Add(change(i, w[i].MatMul(w[i]).Tanh()).MatMul(w[i]).Tanh().Sum())
		}
		return sum
	}
}

// TestSweepsBesideErrors: where branches fail, the error is that of the first in the order
// of one worker, with the caller's place, and nothing is left behind.
func TestSweepsBesideErrors(t *testing.T) {
	grad.SweepsBeside(t)
	bad := func(x, _, g *T) *T { return g.Index(tensor.At(0)) } // of another shape
	custom := func(vjp func(x, y, g *T) *T) func(x *T) *T {
		return grad.Custom(func(x *T) *T { return x.MulScalar(1) }, grad.Rules[*T, *T]{VJP: vjp})
	}
	failing := map[string]func(x *T) *T{
		"a kernel": func(x *T) *T {
			return strange(x, func(g *T) *T { return g.MatMul(tensor.Ones(7, 7)) })
		},
		"a rule that panics":     custom(func(_, _, _ *T) *T { panic("no derivative") }),
		"a rule of other shapes": custom(bad),
	}
	for name, fail := range failing {
		t.Run(name, func(t *testing.T) {
			f := members(func(i int, x *T) *T {
				if i == 1 || i == 3 {
					return fail(x)
				}
				return x
			})
			want := ""
			for _, name := range []string{"cpu:1", "cpu:2", "cpu:3", "cpu:8"} {
				dev := on(t, name)
				devicetest.NoLeaks(t, dev)
				w := matrices(6)
				for range 20 {
					err := grad.Grad(f)(w)[0].Err()
					if err == nil {
						t.Fatalf("%s: no error", name)
					}
					if want == "" {
						want = err.Error()
					}
					if err.Error() != want {
						t.Fatalf("%s: %v, with one worker %v", name, err, want)
					}
				}
				wantLeaves(t, "after errors", grad.Grad(branching["ensemble"])(w), grad.Grad(branching["ensemble"])(w))
			}
			if !strings.Contains(want, "beside_sweep_test.go:") {
				t.Errorf("no place: %s", want)
			}
		})
	}
}

// TestSweepsBesidePanic: an op's rule that panics on some worker is an error.
func TestSweepsBesidePanic(t *testing.T) {
	dev := on(t, "cpu:3")
	devicetest.NoLeaks(t, dev)
	w := matrices(6)
	f := members(func(i int, x *T) *T {
		return strange(x, func(g *T) *T {
			if i < 3 {
				panic("no derivative")
			}
			return g
		})
	})
	var pe *device.PanicError
	for range 20 {
		if err := grad.Grad(f)(w)[0].Err(); !errors.As(err, &pe) || pe.Value != "no derivative" {
			t.Fatalf("got %v", err)
		}
	}
	wantLeaves(t, "afterwards", grad.Grad(branching["heads"])(w), grad.Grad(branching["heads"])(w))
}

// TestSweepsBesideCallUsers: users' rules are called one after the other in the order of
// one worker, and may change what they share.
func TestSweepsBesideCallUsers(t *testing.T) {
	grad.SweepsBeside(t)
	var called []int
	f := members(func(i int, x *T) *T {
		if i%2 == 1 {
			return x.Sin()
		}
		return grad.Custom(func(x *T) *T { return x.Sin() }, grad.Rules[*T, *T]{VJP: func(x, _, g *T) *T {
			time.Sleep(time.Duration(8-i) * 10 * time.Microsecond)
			called = append(called, i)
			return g.Mul(x.Cos())
		}})(x)
	})
	var want []int
	var leaves []*T
	for _, dev := range []string{"cpu:1", "cpu:2", "cpu:3"} {
		on(t, dev)
		w := matrices(8)
		for range 10 {
			called = nil
			g := grad.Grad(f)(w)
			if want == nil {
				want, leaves = called, g
			}
			if len(called) != 4 || !slices.Equal(called, want) {
				t.Fatalf("%s: called %v, with one worker %v", dev, called, want)
			}
			wantLeaves(t, dev, g, leaves)
		}
	}
}

// TestSweepsBesideMemory: all is given back but the gradient, and at no time is more taken
// than with one worker by what a strand makes for each worker.
func TestSweepsBesideMemory(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	const members, matrix = 12, 48 * 48 * 8
	const strand = 6 * matrix * 9 / 8 // two products of two cotangents, two tanh; classes of sizes round up
	for _, name := range []string{"ensemble", "losses of blocks"} {
		var one int64
		for _, workers := range []int64{1, 2, 3} {
			dev := on(t, fmt.Sprintf("cpu:%d", workers))
			devicetest.NoLeaks(t, dev)
			w := matrices(members)
			g := grad.Grad(branching[name])
			for range 20 {
				before := dev.Stats()
				device.ResetPeak(dev)
				leaves := g(w)
				after := dev.Stats()
				made := 0
				for _, x := range leaves {
					if err := x.Err(); err != nil {
						t.Fatal(err)
					}
					if tensor.Buffered(x) {
						made++
					}
					tensor.Free(x)
				}
				if n := after.Live - before.Live + after.Forgotten - before.Forgotten; n != int64(made) {
					t.Fatalf("%s, %d workers: %d buffers outstanding after a gradient of %d", name, workers, n, made)
				}
				peak := after.Peak - before.Outstanding
				if workers == 1 {
					one = max(one, peak)
				}
				if most := one + workers*strand; workers > 1 && peak > most {
					t.Errorf("%s, %d workers: %d bytes, with one %d", name, workers, peak, one)
				}
			}
		}
	}
}

// TestSweepsBesideLimit: where memory is short a sweep takes no more than with one worker,
// and need not look for any.
func TestSweepsBesideLimit(t *testing.T) {
	grad.SweepsBeside(t)
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	f := branching["ensemble"]
	var peak int64
	for _, workers := range []int{1, 4} {
		dev := on(t, fmt.Sprintf("cpu:%d", workers))
		w := matrices(6)
		limit := dev.Limit()
		if workers > 1 {
			dev.SetLimit(dev.Stats().Outstanding + peak)
		}
		for range 10 {
			before, collections := dev.Stats().Outstanding, dev.Stats().Collections
			device.ResetPeak(dev)
			for _, g := range grad.Grad(f)(w) {
				if err := g.Err(); err != nil {
					t.Errorf("%d workers: %v", workers, err)
				}
				tensor.Free(g)
			}
			peak = max(peak, dev.Stats().Peak-before)
			if n := dev.Stats().Collections - collections; n != 0 {
				t.Errorf("%d workers: %d collections", workers, n)
			}
		}
		dev.SetLimit(limit)
	}
}

// BenchmarkSweepBeside compares two workers with one by turns: of a gradient, and of its
// sweep alone. Times are those that a twentieth stays below, since others may use the
// machine.
func BenchmarkSweepBeside(b *testing.B) {
	for _, name := range []string{"ensemble", "heads", "losses of blocks", "gates"} {
		for _, size := range []int{48, 64, 96} {
			for _, how := range []string{"sweep", "gradient"} {
				b.Run(fmt.Sprintf("f=%s/size=%d/of=%s", name, size, how), func(b *testing.B) {
					var took [2][]time.Duration
					var run [2]func()
					for i, dev := range []string{"cpu:1", "cpu:2"} {
						on(b, dev)
						r := rand.New(rand.NewPCG(21, 6))
						w := make([]*T, 6)
						for k := range w {
							w[k] = random(r, size, size).MulScalar(0.2)
						}
						g := grad.Grad(branching[name])
						if how == "sweep" {
							y, pull := grad.VJP(branching[name], w)
							one := tensor.OnesLike(y)
							g = func([]*T) []*T { return pull(one) }
						}
						run[i] = func() {
							on(b, dev)
							for range 3 { // the first ones wake workers, and fill caches
								start := time.Now()
								for _, x := range g(w) {
									tensor.Free(x)
								}
								took[i] = append(took[i], time.Since(start))
							}
						}
					}
					for b.Loop() {
						run[0]()
						run[1]()
					}
					var typical [2]float64
					for i := range took {
						slices.Sort(took[i])
						typical[i] = float64(took[i][len(took[i])/20].Nanoseconds())
					}
					b.ReportMetric(typical[0], "ns/one")
					b.ReportMetric(typical[1], "ns/two")
					b.ReportMetric(typical[0]/typical[1], "one/two")
				})
			}
		}
	}
}
