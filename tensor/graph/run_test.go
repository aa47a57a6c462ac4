package graph

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// ops of the tests, whose kernels do what no other's does.
var (
	opPanic = kernels.Register(kernels.Op{Name: "graph.panic", Kind: kernels.Library, Infer: sameType})
	opIndex = kernels.Register(kernels.Op{Name: "graph.index", Kind: kernels.Library, Infer: sameType})
	opWait  = kernels.Register(kernels.Op{Name: "graph.wait", Kind: kernels.Library, Infer: sameType})
	opCall  = kernels.Register(kernels.Op{Name: "graph.call", Kind: kernels.Library, Infer: sameType})
	opTwo   = kernels.Register(kernels.Op{Name: "graph.two", Kind: kernels.Library, Infer: func(in []kernels.Aval, _ any) ([]kernels.Aval, error) {
		return []kernels.Aval{in[0], in[0]}, nil
	}})
	opNone = kernels.Register(kernels.Op{Name: "graph.none", Kind: kernels.Library, Infer: sameType})
)

func sameType(in []kernels.Aval, _ any) ([]kernels.Aval, error) { return in[:1], nil }

type kernelFunc func(c *kernels.Call) error

func (f kernelFunc) Run(c *kernels.Call) error { return f(c) }

var onCall func() // what graph.call does

func init() {
	bind := func(op *kernels.Op, f kernelFunc) {
		for _, backend := range []string{"ref", "sim"} {
			kernels.Bind(op, backend, func(*kernels.Inst) kernels.Kernel { return f })
		}
	}
	bind(opPanic, func(*kernels.Call) error { panic("kernel out of order") })
	bind(opIndex, func(*kernels.Call) error { return &kernels.IndexError{Op: "graph.index", Index: 7, Size: 3} })
	bind(opCall, func(*kernels.Call) error { onCall(); return nil })
	// A kernel that runs until it is cancelled.
	bind(opWait, func(c *kernels.Call) error {
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Microsecond) {
			if c.Cancel.Load() {
				return kernels.ErrCancelled
			}
		}
		return errors.New("never cancelled")
	})
}

func wantFloats(t *testing.T, what string, a *kernels.Array, want ...float64) {
	t.Helper()
	if got := floats(a); !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestRun(t *testing.T) {
	b := newBuilder(t)
	x := b.param(2, 2)
	y := b.apply(kernels.Transpose, kernels.Axes{}, x)              // a view
	z := b.apply(kernels.Mul, nil, b.apply(kernels.Neg, nil, y), y) // -y² in neg's place
	p := compile(t, b.outputs(b.apply(kernels.Add, nil, z, b.scalar(1))))
	s := p.Stats()
	if s.Views != 1 || s.Instructions != 3 || s.InPlace != 2 || s.ArenaBytes != 0 {
		t.Errorf("stats %+v: want one view, three instructions, two of them in place, all in the destination", s)
	}
	for _, v := range [][]float64{{1, 2, 3, 4}, {5, 6, 7, 8}} {
		out := destinations(p)
		if err := p.Run(t.Context(), []*kernels.Array{arrayOf(v, 2, 2)}, out); err != nil {
			t.Fatal(err)
		}
		wantFloats(t, "1-y²", out[0], 1-v[0]*v[0], 1-v[2]*v[2], 1-v[1]*v[1], 1-v[3]*v[3])
	}
	for i, a := range p.idle[0].values {
		if b := p.lay.at[i]; a.Ptr != nil && p.lay.at[b.root].source != ofConst {
			t.Errorf("the waiting state still knows where %%%d was", i)
		}
	}
}

// An output is not overwritten by what is computed from it.
func TestRunKeepsOutputs(t *testing.T) {
	b := newBuilder(t)
	y := b.apply(kernels.Neg, nil, b.param(2))
	row := b.apply(kernels.Reshape, kernels.DimsOf(1, 2), y)
	p := compile(t, b.outputs(row, b.apply(kernels.Square, nil, y)))
	out := destinations(p)
	if err := p.Run(t.Context(), []*kernels.Array{arrayOf([]float64{2, 3})}, out); err != nil {
		t.Fatal(err)
	}
	wantFloats(t, "-x", out[0], -2, -3)
	wantFloats(t, "x²", out[1], 4, 9)
}

// Outputs that are parameters, constants, views, or there twice.
func TestRunOutputs(t *testing.T) {
	b := newBuilder(t)
	x := b.param(2, 2)
	c := b.Const(*arrayOf([]float64{5, 6}), nil)
	y := b.apply(kernels.Neg, nil, x)
	yT := b.apply(kernels.Transpose, kernels.Axes{}, y)
	row := b.apply(kernels.Slice, kernels.RangesOf(kernels.Item(1)), y)
	flat := b.apply(kernels.Reshape, kernels.DimsOf(4), y)
	xT := b.apply(kernels.Transpose, kernels.Axes{}, x)
	p := compile(t, b.outputs(x, c, flat, y, yT, row, xT, flat))
	if s := p.Stats(); s.Copies != 7 {
		t.Errorf("%d outputs are copied, want all but the first that has y's memory", s.Copies)
	}
	out := destinations(p)
	if err := p.Run(t.Context(), []*kernels.Array{arrayOf([]float64{1, 2, 3, 4}, 2, 2)}, out); err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float64{
		{1, 2, 3, 4}, {5, 6}, {-1, -2, -3, -4}, {-1, -2, -3, -4}, {-1, -3, -2, -4}, {-3, -4}, {1, 3, 2, 4}, {-1, -2, -3, -4},
	} {
		wantFloats(t, "output", out[i], want...)
	}
}

// A result does not take the memory of an operand that another operand views.
func TestRunKeepsViewed(t *testing.T) {
	b := newBuilder(t)
	y := b.apply(kernels.Neg, nil, b.param(3))
	flipped := b.apply(kernels.Slice, kernels.RangesOf(kernels.Stepped(kernels.End, kernels.Begin, -1)), y)
	p := compile(t, b.outputs(b.apply(kernels.Mul, nil, y, flipped)))
	out := destinations(p)
	if err := p.Run(t.Context(), []*kernels.Array{arrayOf([]float64{2, 3, 5})}, out); err != nil {
		t.Fatal(err)
	}
	wantFloats(t, "y times y flipped", out[0], 10, 9, 10)
	if s := p.Stats(); s.Views != 1 || s.InPlace != 0 {
		t.Errorf("%+v", s)
	}
}

func TestRunWithoutAnything(t *testing.T) {
	p := compile(t, newBuilder(t).outputs())
	if err := p.Run(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	b := newBuilder(t)
	x := b.param(0, 3)
	p = compile(t, b.outputs(b.apply(kernels.Neg, nil, x), b.apply(kernels.Sum, kernels.AxesOf(false, 0), x)))
	out := destinations(p)
	if err := p.Run(t.Context(), []*kernels.Array{{Aval: f64(0, 3)}}, out); err != nil {
		t.Fatal(err)
	}
	wantFloats(t, "sum of nothing", out[1], 0, 0, 0)
}

// Parameters of any strides.
func TestRunStrided(t *testing.T) {
	b := newBuilder(t)
	x := b.param(2, 3)
	p := compile(t, b.outputs(
		b.apply(kernels.Add, nil, x, b.scalar(1)),
		b.apply(kernels.Reshape, kernels.DimsOf(6), x),
	))
	v := []float64{1, 2, 3, 4, 5, 6}
	for _, c := range []struct {
		name  string
		array kernels.Array
		want  []float64
	}{
		{"dense", *arrayOf(v, 2, 3), v},
		{"transposed", kernels.Array{Aval: f64(2, 3), Strides: []int{1, 2}, Ptr: arrayOf(v).Ptr}, []float64{1, 3, 5, 2, 4, 6}},
		{"broadcast", kernels.Array{Aval: f64(2, 3), Strides: []int{0, 1}, Ptr: arrayOf(v).Ptr}, []float64{1, 2, 3, 1, 2, 3}},
		{"flipped", kernels.Array{Aval: f64(2, 3), Strides: []int{-3, -1}, Ptr: arrayOf(v[5:]).Ptr}, []float64{6, 5, 4, 3, 2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := destinations(p)
			if err := p.Run(t.Context(), []*kernels.Array{&c.array}, out); err != nil {
				t.Fatal(err)
			}
			wantFloats(t, "the parameter, flat", out[1], c.want...)
			for i := range c.want {
				if floats(out[0])[i] != c.want[i]+1 {
					t.Errorf("got %v, want one more than %v", floats(out[0]), c.want)
				}
			}
		})
	}
}

// A destination may share memory with parameters: x, y = y-x, x+y.
func TestRunIntoParameters(t *testing.T) {
	b := newBuilder(t)
	x, y := b.param(3), b.param(3)
	p := compile(t, b.outputs(b.apply(kernels.Sub, nil, y, x), b.apply(kernels.Add, nil, x, y), x))
	memory := []float64{1, 2, 3, 4, 5, 6, 7}
	in := []*kernels.Array{arrayOf(memory[0:3]), arrayOf(memory[2:5])}
	out := []*kernels.Array{in[0], arrayOf(memory[4:7]), empty(f64(3))}
	for range 2 { // the second time from what the first has left
		x, y := slices.Clone(floats(in[0])), slices.Clone(floats(in[1]))
		if err := p.Run(t.Context(), in, out); err != nil {
			t.Fatal(err)
		}
		wantFloats(t, "y-x", out[0], y[0]-x[0], y[1]-x[1], y[2]-x[2])
		wantFloats(t, "x+y", out[1], x[0]+y[0], x[1]+y[1], x[2]+y[2])
		wantFloats(t, "x", out[2], x...)
	}
	// And apart again.
	out = destinations(p)
	want := []float64{floats(in[1])[0] - floats(in[0])[0]}
	if err := p.Run(t.Context(), in, out); err != nil {
		t.Fatal(err)
	}
	wantFloats(t, "apart", arrayOf(floats(out[0])[:1]), want...)
}

func TestRunRefuses(t *testing.T) {
	captured := arrayOf([]float64{1, 2, 3})
	b := newBuilder(t)
	x := b.param(3)
	p := compile(t, b.outputs(b.apply(kernels.Add, nil, x, b.Const(*captured, nil)), x))
	x0, y0, y1 := arrayOf(make([]float64, 3)), empty(f64(3)), empty(f64(3))
	strided := &kernels.Array{Aval: f64(3), Strides: []int{2}, Ptr: empty(f64(6)).Ptr}
	memory := make([]float64, 4)
	list := func(a ...*kernels.Array) []*kernels.Array { return a }
	for _, c := range []struct {
		name, want string
		in, out    []*kernels.Array
	}{
		{"nothing", "wrong number", nil, nil},
		{"a nil argument", "argument 0 (float64[3]): is of another type", list(nil), list(y0, y1)},
		{"an argument of another shape", "argument 0", list(empty(f64(4))), list(y0, y1)},
		{"a nil destination", "destination 1", list(x0), list(y0, nil)},
		{"a destination of another shape", "destination 1", list(x0), list(y0, empty(f64()))},
		{"a strided destination", "destination 0 (float64[3]): is not dense", list(x0), list(strided, y1)},
		{"a destination twice", "destination 1 (float64[3]): shares memory with another destination", list(x0), list(y0, y0)},
		{"destinations that overlap", "destination 1 (float64[3]): shares memory with another destination", list(x0), list(arrayOf(memory[:3]), arrayOf(memory[1:]))},
		{"a captured destination", "destination 0 (float64[3]): shares memory with a tensor that the program has captured", list(x0), list(captured, y1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := p.Run(t.Context(), c.in, c.out)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	wantFloats(t, "captured", captured, 1, 2, 3)
	if err := p.Run(t.Context(), list(x0), list(y0, y1)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestRunErrors(t *testing.T) {
	for _, dev := range []string{"ref", "sim"} {
		t.Run(dev, func(t *testing.T) {
			run := func(op *kernels.Op) error {
				b := newBuilder(t)
				y := b.apply(op, nil, b.apply(kernels.Neg, nil, b.param(3)))
				b.Place("model.go:42")
				p, err := Compile(b.outputs(y), openDevice(t, dev))
				if err != nil {
					return err
				}
				defer p.Close()
				return p.Run(t.Context(), []*kernels.Array{arrayOf([]float64{1, 2, 3})}, destinations(p))
			}
			err := run(opIndex)
			var re *RunError
			var ie *kernels.IndexError
			if !errors.As(err, &re) || !errors.As(err, &ie) {
				t.Fatalf("error %v", err)
			}
			if re.Instr != 1 || re.Op != "graph.index" || re.Place != "model.go:42" || !strings.HasPrefix(err.Error(), "model.go:42: instruction 1: graph.index: index 7") {
				t.Errorf("error %v (%+v)", err, re)
			}
			var pe *device.PanicError
			if err := run(opPanic); !errors.As(err, &pe) || pe.Value != "kernel out of order" || !strings.Contains(string(pe.Stack), "run_test.go") {
				t.Errorf("error %v", err)
			}
			var be *BackendError
			if err := run(opNone); !errors.As(err, &be) || be.Op != "graph.none" {
				t.Errorf("error %v", err)
			}
		})
	}
}

// ctx ends before the run, between its instructions, and while a kernel runs.
func TestRunCancelled(t *testing.T) {
	ranOn := func() { t.Error("the program ran on") }
	for _, dev := range []string{"ref", "sim"} {
		for _, c := range []struct {
			name string
			op   *kernels.Op
			size int
			stop func(cancel func())
		}{
			{"before", opCall, 1, func(cancel func()) { cancel() }},
			{"between", opCall, 1, func(cancel func()) {
				onCall = func() { onCall = ranOn; cancel() }
			}},
			{"within", opWait, 1 << 12, func(cancel func()) { time.AfterFunc(10*time.Millisecond, cancel) }},
		} {
			t.Run(dev+"/"+c.name, func(t *testing.T) {
				b := newBuilder(t)
				x := b.param(c.size)
				y := b.apply(c.op, nil, x)
				for range pollSteps {
					y = b.apply(kernels.Neg, nil, y)
				}
				y = b.apply(opCall, nil, y)
				p, err := Compile(b.outputs(y), openDevice(t, dev))
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				in, out := []*kernels.Array{empty(f64(c.size))}, destinations(p)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				onCall = ranOn
				c.stop(cancel)
				if err := p.Run(ctx, in, out); err != context.Canceled {
					t.Errorf("error %v, want context.Canceled", err)
				}
			})
		}
	}
}

// A run after one that was cancelled is not.
func TestRunAfterCancelled(t *testing.T) {
	b := newBuilder(t)
	x := b.param(1 << 12)
	p := compile(t, b.outputs(b.apply(opWait, nil, x)))
	in := []*kernels.Array{empty(f64(1 << 12))}
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if err := p.Run(ctx, in, destinations(p)); err != context.DeadlineExceeded {
			t.Errorf("error %v", err)
		}
		cancel()
		if p.idle[0].cancel.Load() {
			t.Fatal("the flag is still set")
		}
	}
}

// The goroutine that watches contexts ends with the program.
func TestWatcherEnds(t *testing.T) {
	watchers := func() int {
		buf := make([]byte, 1<<20)
		return strings.Count(string(buf[:runtime.Stack(buf, true)]), "graph.newWatcher.func1")
	}
	settle := func(want int) bool {
		for range 200 {
			runtime.GC()
			if watchers() == want {
				return true
			}
			time.Sleep(5 * time.Millisecond)
		}
		return false
	}
	run := func() *Program {
		b := newBuilder(t)
		x := b.param(64, 64)
		onCall = func() {}
		p, err := Compile(b.outputs(b.apply(opCall, nil, x)), openDevice(t, "ref"))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Run(t.Context(), []*kernels.Array{empty(f64(64, 64))}, destinations(p)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	settle(0)
	p := run()
	if watchers() != 1 {
		t.Fatalf("%d watchers of a program that ran", watchers())
	}
	p.Close()
	if !settle(0) {
		t.Error("the watcher goes on after Close")
	}
	run()
	if !settle(0) {
		t.Error("the watcher of a forgotten program goes on")
	}
}

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
				own := testing.AllocsPerRun(20, func() {
					if err := st.bind(run.in, run.out); err != nil {
						t.Fatal(err)
					}
					for s, k := range p.kernels {
						if err := k.Run(&st.calls[s]); err != nil {
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
