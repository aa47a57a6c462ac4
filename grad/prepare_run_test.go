// Running prepared programs: cancellation, memory, concurrency, allocations.

package grad_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/grad"
	"github.com/cotangent-ad/cotangent/tensor"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

func TestPreparedCancelled(t *testing.T) {
	p := mustPrepare(t, grad.Grad(network), tensor.Zeros(3, 3))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Run(ctx, tensor.Zeros(3, 3)); err != context.Canceled {
		t.Errorf("Run: %v", err)
	}
	if err := p.RunInto(ctx, tensor.Zeros(3, 3), tensor.Zeros(3, 3)); err != context.Canceled {
		t.Errorf("RunInto: %v", err)
	}
}

// A kernel that works for long is interrupted.
func TestPreparedInterrupted(t *testing.T) {
	x := tensor.Full(0.5, []int{1500, 1500})
	if x.Device().Kind() == "cuda" {
		t.Skip("a kernel that was launched on a GPU runs to its end, and this one ends too soon")
	}
	p := mustPrepare(t, func(x *T) *T { return x.Lgamma() }, x)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
	defer cancel()
	if _, err := p.Run(ctx, x); err != context.DeadlineExceeded {
		t.Errorf("error %v", err)
	}
	near(t, "afterwards", run(t, p, x).At(7, 7), math.Log(math.Sqrt(math.Pi)), 1e-14)
}

// The gradient of a deep network needs the memory of its residuals, and hardly more.
func TestPreparedMemory(t *testing.T) {
	const width, depth = 64, 8
	x := tensor.Full(0.5, []int{100, width})
	w := make([]*T, depth)
	for i := range w {
		w[i] = tensor.Full(0.01, []int{width, width})
	}
	p := mustPrepare(t, grad.Grad(func(w []*T) *T {
		h := x
		for _, w := range w {
			h = h.MatMul(w).Tanh()
		}
		return h.Square().Mean()
	}), w)
	s, all := p.Stats(), 0
	for _, x := range p.Graph().Instrs {
		for _, a := range x.Inst.Out {
			all += a.Size() * a.DType.Size()
		}
	}
	if layers := depth * 100 * width * 8; s.ArenaBytes > s.NeedBytes*11/10 || s.NeedBytes > layers*3/2 || s.InPlace < depth {
		t.Errorf("%+v: the residuals alone are %d bytes, all values %d", s, layers, all)
	}
}

// Runs, retraces and calls at the same time.
func TestPreparedConcurrently(t *testing.T) {
	f := grad.Grad(network)
	p := mustPrepare(t, f, tensor.Zeros(3, 3))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(9, uint64(i)))
			x, dst := random(r, 3, 3), tensor.Zeros(3, 3)
			want := must(f(x).Float64s())(t)
			for n := range 50 {
				if i == 0 && n%10 == 0 {
					if changed, err := p.Retrace(); changed || err != nil {
						t.Errorf("Retrace: %v, %v", changed, err)
					}
				}
				if err := p.RunInto(t.Context(), dst, x); err != nil {
					t.Error(err)
					return
				}
				y, err := p.Run(t.Context(), x)
				if err != nil {
					t.Error(err)
					return
				}
				for _, got := range []*T{dst, y, p.Call(x)} {
					if v, err := got.Float64s(); err != nil || !slices.Equal(v, want) {
						t.Errorf("got %v, %v, want %v", v, err, want)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestPreparedClose(t *testing.T) {
	dev := device.NewHost(device.HostConfig{Name: "cpu-close", Kind: "cpu", Workers: 1})
	big := tensor.Full(0, []int{100, 100}, tensor.On(dev))
	x := tensor.Full(1, []int{100, 100}, tensor.On(dev))
	p := mustPrepare(t, func(x *T) *T { return x.Add(big).MatMul(x).Sum() }, x)
	run(t, p, x)
	if n := dev.Stats().Live; n != 3 {
		t.Errorf("%d buffers, want the argument, the captured tensor and an arena", n)
	}
	p.Close()
	p.Close()
	for what, call := range map[string]func() error{
		"Run":     func() error { _, err := p.Run(t.Context(), x); return err },
		"RunInto": func() error { return p.RunInto(t.Context(), tensor.Scalar(0), x) },
		"Call":    func() error { return p.Call(x).Err() },
		"Profile": func() error { _, err := p.Profile(t.Context(), x, 0); return err },
		"Retrace": func() error { _, err := p.Retrace(); return err },
		"WriteC":  func() error { return p.WriteC(io.Discard, "closed") },
	} {
		if err := call(); !errors.Is(err, graph.ErrClosed) || !strings.Contains(fmt.Sprint(err), "prepare_run_test.go:") {
			t.Errorf("%s of a closed program: %v", what, err)
		}
	}
	tensor.Free(big)
	tensor.Free(x)
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever runs are in progress when a program is closed, they end as they would have, later
// ones fail, and all memory is given back.
func TestPreparedCloseWhileRunning(t *testing.T) {
	dev := device.NewHost(device.HostConfig{Name: "cpu-closing", Kind: "cpu", Workers: 1})
	big := tensor.Full(0, []int{100, 100}, tensor.On(dev))
	x := tensor.Full(1, []int{100, 100}, tensor.On(dev))
	for range 20 {
		p := mustPrepare(t, func(x *T) *T { return x.Add(big).MatMul(x).Sum() }, x)
		started := make(chan bool, 4)
		var wg sync.WaitGroup
		for range cap(started) {
			wg.Go(func() {
				for n := 0; ; n++ {
					y, err := p.Run(t.Context(), x)
					if n == 0 {
						started <- true
					}
					if errors.Is(err, graph.ErrClosed) {
						return
					}
					if v, err := y.Float64s(); err != nil || v[0] != 1e6 {
						t.Errorf("got %v, %v", v, err)
						return
					}
				}
			})
		}
		<-started
		p.Close()
		wg.Wait()
	}
	if n := dev.Stats().Live; n != 2 {
		t.Errorf("%d buffers, want the argument and the captured tensor", n)
	}
	tensor.Free(big)
	tensor.Free(x)
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
}

// A hundred thousand runs, with a context that may end and into the same results, leave
// memory, buffers and goroutines as the first ones did.
func TestRunsLeaveMemoryFlat(t *testing.T) {
	if testing.Short() && kernelsAllocate {
		t.Skip("takes long")
	}
	loop := func(x *T) *T { // rows on stacks, a branch, a scan
		y := grad.While(func(c *T) *T { return c.Sum().Lt(tensor.Scalar(50)) }, func(c *T) *T { return c.Mul(c.AddScalar(2)) },
			x.Index(tensor.At(0)).Abs().AddScalar(0.1)).Sum()
		z, _ := grad.Scan(func(z, r *T) (*T, *T) { z = z.Sin().Add(r); return z, z }, x.Index(tensor.At(1)), x)
		return grad.Cond(y.Gt(z.Sum()), func(p [2]*T) *T { return p[0] }, func(p [2]*T) *T { return p[1].Sum() }, [2]*T{y, z})
	}
	x := random(rand.New(rand.NewPCG(13, 14)), 3, 3)
	for name, prepare := range map[string]func(t *testing.T) *grad.Prepared[*T, *T]{
		"straight":        func(t *testing.T) *grad.Prepared[*T, *T] { return mustPrepare(t, grad.Grad(network), x) },
		"loops":           func(t *testing.T) *grad.Prepared[*T, *T] { return mustPrepare(t, grad.Grad(loop), x) },
		"straight native": func(t *testing.T) *grad.Prepared[*T, *T] { return compiled(t, grad.Grad(network), x) },
		"loops native":    func(t *testing.T) *grad.Prepared[*T, *T] { return compiled(t, grad.Grad(loop), x) },
	} {
		t.Run(name, func(t *testing.T) { leavesMemoryFlat(t, prepare(t), x) })
	}
}

func leavesMemoryFlat(t *testing.T, p *grad.Prepared[*T, *T], x *T) {
	dst := tensor.ZerosLike(x)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	runs := func(n int) (heap, buffers int64, goroutines int) {
		for range n {
			if err := p.RunInto(ctx, dst, x); err != nil {
				t.Fatal(err)
			}
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc), x.Device().Stats().Outstanding, runtime.NumGoroutine()
	}
	// What the runtime keeps for each processor comes in the first runs; the smallest
	// object forgotten at each run would be a megabyte and a half.
	heap, buffers, goroutines := runs(10_000)
	after, buffersAfter, goroutinesAfter := runs(100_000)
	t.Logf("heap grew by %d bytes", after-heap)
	if after > heap+128<<10 || buffersAfter > buffers || goroutinesAfter > goroutines {
		t.Errorf("heap of %d bytes, then %d; buffers of %d, then %d; %d goroutines, then %d", heap, after, buffers, buffersAfter, goroutines, goroutinesAfter)
	}
}

var kernelsAllocate = false

// RunInto allocates nothing beside what kernels do, which for most is nothing.
func TestRunIntoAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	check := func(name string, run func() error) {
		t.Helper()
		if err := run(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := testing.AllocsPerRun(50, func() {
			if err := run(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	x, y := random(r, 2, 3), random(r, 3, 2)
	if kind := x.Device().Kind(); kind != "cpu" && kind != "ref" {
		t.Skip("work for " + kind + " is queued in memory of its own")
	}
	one := mustPrepare(t, func(x *T) *T { return x.T() }, x)
	check("tensor", func() error { return one.RunInto(ctx, y, x) })
	list, to := []*T{x, y}, []*T{random(r, 3, 2), random(r, 2, 3)}
	slice := mustPrepare(t, func(x []*T) []*T { return []*T{x[1], x[0]} }, list)
	check("slice", func() error { return slice.RunInto(ctx, to, list) })
	m, dst := newModel(r, false), newModel(r, false)
	tree := mustPrepare(t, func(m model) model { return m }, m)
	check("struct", func() error { return tree.RunInto(ctx, dst, m) })
	data := tensor.Wrap([]float64{1, 2})
	dst2 := tensor.Zeros(2)
	borrowed := mustPrepare(t, func(*T) *T { return data }, x)
	check("borrowed", func() error { return borrowed.RunInto(ctx, dst2, x) })
	if kernelsAllocate || x.Device().Kind() != "cpu" {
		return // as the reference kernels do
	}
	sq, scalar := random(r, 3, 3), tensor.Zeros()
	value := mustPrepare(t, network, sq)
	check("value", func() error { return value.RunInto(ctx, scalar, sq) })
	sq2 := random(r, 3, 3)
	for name, f := range map[string]func(x *T) *T{
		"grad":         grad.Grad(network),
		"hvp":          func(x *T) *T { return grad.HVP(network, x, x.Sin()) },
		"vmap of grad": grad.Vmap(grad.Grad(func(r *T) *T { return r.Sin().Mul(r).Sum() })),
	} {
		p := mustPrepare(t, f, sq)
		check(name, func() error { return p.RunInto(ctx, sq2, sq) })
	}
}

// One argument, with a map of tensors, in several runs at the same time: what is only
// looked at is not written.
func TestPreparedSharesMaps(t *testing.T) {
	type params struct{ By map[string]*T }
	x := params{map[string]*T{"a": tensor.Scalar(2), "b": tensor.Scalar(3)}}
	p := mustPrepare(t, func(x params) *T { return x.By["a"].Mul(x.By["b"]) }, x)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			dst := tensor.Zeros()
			for range 500 {
				if err := p.RunInto(t.Context(), dst, x); err != nil {
					t.Error(err)
					return
				}
			}
			if v, err := dst.Float64s(); err != nil || !slices.Equal(v, []float64{6}) {
				t.Errorf("%v, %v", v, err)
			}
		})
	}
	wg.Wait()
}
