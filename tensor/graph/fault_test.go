// Runs that are refused, fail, panic or are cancelled.

package graph

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

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
	// What a run that was refused has shown of the memory is not forgotten: the argument is
	// also a destination, which the second one must not be copied from.
	copy(floats(x0), []float64{4, 5, 6})
	if err := p.Run(t.Context(), list(x0), list(x0, empty(f64()))); err == nil {
		t.Error("a destination of another shape is taken")
	}
	if err := p.Run(t.Context(), list(x0), list(x0, y1)); err != nil {
		t.Error(err)
	}
	wantFloats(t, "the argument", x0, 5, 7, 9)
	wantFloats(t, "its copy", y1, 4, 5, 6)
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
		if p.next.Load().cancel.Load() {
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
