// What runs cost: allocations, nanoseconds, and runs at the same time.

package graph

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cotangent-ad/cotangent/kernels"
)

func TestRunAllocatesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
	}{{"small", 4}, {"watched", 1 << 12}} {
		t.Run(c.name, func(t *testing.T) {
			b := newBuilder(t)
			x := b.param(c.size)
			y := b.apply(opCall, nil, b.apply(kernels.Transpose, kernels.Axes{}, x)) // of unknown cost
			onCall = func() {}
			p := compile(t, b.outputs(b.apply(kernels.Mul, nil, b.apply(kernels.Neg, nil, y), x), b.apply(kernels.Sum, kernels.Axes{}, x), x))
			if want := c.name == "watched"; p.slow != want {
				t.Fatalf("slow is %v, want %v", p.slow, want)
			}
			in, out := []*kernels.Array{empty(f64(c.size))}, destinations(p)
			strided := []*kernels.Array{{Aval: f64(c.size), Strides: []int{0}, Ptr: in[0].Ptr}}
			into := slices.Clone(out)
			into[0] = in[0]
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for _, run := range []struct {
				name    string
				ctx     context.Context
				in, out []*kernels.Array
			}{
				{"plain", context.Background(), in, out},
				{"cancellable", ctx, in, out},
				{"strided", ctx, strided, out},
				{"into the parameter", ctx, in, into},
			} {
				// The kernels' own allocations are not this test's.
				st, err := p.take()
				if err != nil {
					t.Fatal(err)
				}
				copy(st.run.In, run.in)
				copy(st.run.Out, run.out)
				own := testing.AllocsPerRun(20, func() {
					if err := st.bind(); err != nil {
						t.Fatal(err)
					}
					for s, k := range p.steps {
						if err := k.kernel.Run(&st.calls[s]); err != nil {
							t.Fatal(err)
						}
					}
				})
				st.unbind()
				p.put(st)
				if n := testing.AllocsPerRun(20, func() {
					if err := p.Run(run.ctx, run.in, run.out); err != nil {
						t.Fatal(err)
					}
				}); n != own {
					t.Errorf("%s: %v allocations, %v of them the kernels'", run.name, n, own)
				}
			}
		})
	}
}

// Many runs at the same time, each with its own memory, while the program is closed.
func TestRunConcurrently(t *testing.T) {
	dev := openDevice(t, "ref")
	live := dev.Stats().Live
	b := newBuilder(t)
	x := b.param(100)
	y := b.apply(kernels.Neg, nil, x)
	z := b.apply(kernels.Mul, nil, y, b.apply(kernels.Sum, kernels.Axes{}, y))
	p, err := Compile(b.outputs(b.apply(kernels.Sum, kernels.Axes{}, z)), dev)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var closing atomic.Bool
	for g := range 8 {
		wg.Go(func() {
			v := make([]float64, 100)
			for i := range v {
				v[i] = float64(g)
			}
			out := []*kernels.Array{empty(f64())}
			for n := 0; ; n++ {
				floats(out[0])[0] = math.NaN()
				err := p.Run(t.Context(), []*kernels.Array{arrayOf(v)}, out)
				if err == ErrClosed && closing.Load() {
					return
				}
				if err != nil {
					t.Errorf("run %d: %v", n, err)
					return
				}
				if got, want := floats(out[0])[0], float64(100*100*g*g); got != want {
					t.Errorf("got %v, want %v", got, want)
					return
				}
				if n == 50 && g == 0 {
					closing.Store(true)
					p.Close()
				}
			}
		})
	}
	wg.Wait()
	if n := dev.Stats().Live - live; n != 0 {
		t.Errorf("%d buffers are left", n)
	}
}

// BenchmarkRun measures what a program costs beside its kernels, which here do nothing.
func BenchmarkRun(b *testing.B) {
	onCall = func() {}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for _, c := range []struct {
		name        string
		size, steps int
		ctx         context.Context
	}{
		{"steps=1", 1, 1, context.Background()},
		{"steps=1000", 1, 1000, context.Background()},
		{"steps=1000/cancellable", 1, 1000, ctx},
		{"steps=1/watched", 1 << 12, 1, ctx},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := newBuilder(b)
			x := g.param(c.size)
			for range c.steps {
				x = g.apply(opCall, nil, x)
			}
			p, err := Compile(g.outputs(x), openDevice(b, "ref"))
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			in, out := []*kernels.Array{empty(f64(c.size))}, destinations(p)
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Run(c.ctx, in, out); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.steps), "ns/step")
		})
	}
}
