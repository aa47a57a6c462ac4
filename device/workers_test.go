package device_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
)

// taskFunc is a task made of a function.
type taskFunc func(part, worker int)

func (f taskFunc) Do(part, worker int) { f(part, worker) }

// newWorkers returns workers that are closed at the test's end, which then
// checks that their goroutines end.
func newWorkers(t testing.TB, n int) *device.Workers {
	before := runtime.NumGoroutine()
	w := device.NewWorkers(n)
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		deadline := time.Now().Add(5 * time.Second)
		for runtime.NumGoroutine() > before {
			if time.Now().After(deadline) {
				t.Errorf("%d goroutines before, %d after Close", before, runtime.NumGoroutine())
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	return w
}

// spend keeps the processor busy for about n steps.
func spend(n int) {
	for range n {
		busy.Load()
	}
}

var busy atomic.Int64

func TestWorkersDoEveryPartOnce(t *testing.T) {
	for _, n := range []int{1, 2, 3, 8} {
		w := newWorkers(t, n)
		if w.N() != n {
			t.Fatalf("N() = %d, want %d", w.N(), n)
		}
		for _, parts := range []int{0, 1, 2, 3, 7, 64, 1000} {
			t.Run(fmt.Sprintf("n=%d/parts=%d", n, parts), func(t *testing.T) {
				done := make([]int, parts) // without atomics: the race detector checks Run's ordering
				inUse := make([]atomic.Int32, n)
				for range 20 {
					clear(done)
					w.Run(taskFunc(func(part, worker int) {
						if inUse[worker].Add(1) != 1 {
							t.Errorf("worker %d does two parts at a time", worker)
						}
						done[part]++
						spend(part % 50)
						inUse[worker].Add(-1)
					}), parts)
					for part, times := range done {
						if times != 1 {
							t.Fatalf("part %d was done %d times", part, times)
						}
					}
				}
			})
		}
	}
}

func TestWorkersDefaultToGOMAXPROCS(t *testing.T) {
	if n := newWorkers(t, 0).N(); n != runtime.GOMAXPROCS(0) {
		t.Errorf("N() = %d, want %d", n, runtime.GOMAXPROCS(0))
	}
}

// Two parts that wait for each other are done only if two goroutines do them.
func TestWorkersWorkAtTheSameTime(t *testing.T) {
	for _, n := range []int{2, 5} {
		w := newWorkers(t, n)
		for range 50 {
			var all sync.WaitGroup
			all.Add(n)
			w.Run(taskFunc(func(int, int) {
				all.Done()
				all.Wait()
			}), n)
			if n == 2 {
				time.Sleep(time.Duration(rand.IntN(40)) * time.Microsecond) // spinning or parked
			}
		}
	}
}

func TestWorkersInOrderWhereThereIsOne(t *testing.T) {
	w := newWorkers(t, 1)
	var order []int
	w.Run(taskFunc(func(part, worker int) {
		order = append(order, part)
		if worker != 0 {
			t.Errorf("worker %d of one", worker)
		}
	}), 5)
	if fmt.Sprint(order) != "[0 1 2 3 4]" {
		t.Errorf("parts done in the order %v", order)
	}
}

func TestWorkersNested(t *testing.T) {
	for _, n := range []int{1, 2, 4} {
		w := newWorkers(t, n)
		var leaves atomic.Int64
		w.Run(taskFunc(func(int, int) {
			w.Run(taskFunc(func(int, int) {
				w.Run(taskFunc(func(int, int) { leaves.Add(1) }), 5)
			}), 6)
		}), 7)
		if leaves.Load() != 5*6*7 {
			t.Errorf("n=%d: %d innermost parts, want %d", n, leaves.Load(), 5*6*7)
		}
	}
}

func TestWorkersConcurrentRuns(t *testing.T) {
	w := newWorkers(t, 3)
	var callers sync.WaitGroup
	for c := range 6 {
		callers.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(c)))
			for range 300 {
				parts := r.IntN(20)
				sum := make([]int, parts)
				w.Run(taskFunc(func(part, _ int) {
					sum[part] = part
					spend(200)
					if part%7 == 3 {
						w.Run(taskFunc(func(int, int) { spend(50) }), 3)
					}
				}), parts)
				for part, got := range sum {
					if got != part {
						t.Errorf("caller %d: part %d is missing", c, part)
						return
					}
				}
			}
		})
	}
	callers.Wait()
}

func TestWorkersPanic(t *testing.T) {
	wrong := errors.New("this part is wrong")
	for _, n := range []int{1, 2, 4} {
		for _, c := range []struct {
			name  string
			value any
		}{{"error", wrong}, {"string", "a string"}} {
			t.Run(fmt.Sprintf("n=%d/%s", n, c.name), func(t *testing.T) {
				w := newWorkers(t, n)
				for range 50 {
					var running atomic.Int32
					e := recovered(func() {
						w.Run(taskFunc(func(part, _ int) {
							running.Add(1)
							defer running.Add(-1)
							spend(100)
							if part == 5 {
								panicHere(c.value)
							}
						}), 12)
					})
					p, ok := e.(*device.PanicError)
					if !ok || p.Value != c.value {
						t.Fatalf("Run panicked with %v", e)
					}
					if running.Load() != 0 {
						t.Fatal("Run returned before its parts")
					}
					if !strings.Contains(string(p.Stack), "panicHere") {
						t.Fatalf("the stack is not that of the panic:\n%s", p.Stack)
					}
					if errors.Is(p, wrong) != (c.value == wrong) {
						t.Fatalf("errors.Is does not see through %v", p.Value)
					}
				}
				done := 0
				w.Run(taskFunc(func(int, int) { done++ }), 1)
				if done != 1 {
					t.Error("the workers do no more work")
				}
			})
		}
	}
}

//go:noinline
func panicHere(v any) { panic(v) }

// recovered returns what f panics with.
func recovered(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// A panic that comes out of a nested Run keeps the innermost stack.
func TestWorkersNestedPanic(t *testing.T) {
	w := newWorkers(t, 2)
	e := recovered(func() {
		w.Run(taskFunc(func(int, int) {
			w.Run(taskFunc(func(int, int) { panicHere("inside") }), 2)
		}), 2)
	})
	p, ok := e.(*device.PanicError)
	if !ok || p.Value != "inside" || !strings.Contains(string(p.Stack), "panicHere") {
		t.Errorf("Run panicked with %v", e)
	}
}

// A part that ends its goroutine, as t.FailNow does, must not hang the Run.
func TestWorkersGoexit(t *testing.T) {
	w := newWorkers(t, 2)
	for range 20 {
		var returned, inHelper bool
		var e any
		caller := make(chan struct{})
		go func() {
			defer close(caller)
			e = recovered(func() {
				var both sync.WaitGroup
				both.Add(2)
				w.Run(taskFunc(func(_, worker int) {
					both.Done()
					both.Wait() // the helper has one of the two parts
					if worker == 1 {
						inHelper = true
						runtime.Goexit()
					}
				}), 2)
			})
			returned = true
		}()
		<-caller
		if !inHelper || !returned {
			t.Fatalf("in helper %v, returned %v", inHelper, returned)
		}
		if p, ok := e.(*device.PanicError); !ok || p.Unwrap() == nil {
			t.Fatalf("Run panicked with %v", e)
		}
	}
	// In the caller's own part it ends the caller, and the helpers go on.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var both sync.WaitGroup
		both.Add(2)
		w.Run(taskFunc(func(_, worker int) {
			both.Done()
			both.Wait()
			if worker == 0 {
				runtime.Goexit()
			}
		}), 2)
		t.Error("Run returned to a goroutine that had ended")
	}()
	<-ended
	var both sync.WaitGroup
	both.Add(2)
	w.Run(taskFunc(func(int, int) { both.Done(); both.Wait() }), 2)
}

func TestWorkersClosed(t *testing.T) {
	w := newWorkers(t, 4)
	var done atomic.Int64
	w.Run(taskFunc(func(int, int) { done.Add(1) }), 10)
	w.Close()
	w.Close()
	w.Run(taskFunc(func(_, worker int) {
		if worker != 0 {
			t.Errorf("worker %d after Close", worker)
		}
		done.Add(1)
	}), 10)
	if done.Load() != 20 {
		t.Errorf("%d parts done, want 20", done.Load())
	}
}

type nothing struct{}

func (nothing) Do(int, int) {}

func TestWorkersRunAllocatesNothing(t *testing.T) {
	w := newWorkers(t, 2)
	var task device.Task = nothing{}
	if n := testing.AllocsPerRun(2000, func() { w.Run(task, 2) }); n != 0 {
		t.Errorf("Run allocates %v times", n)
	}
}

func BenchmarkWorkersRun(b *testing.B) {
	for _, n := range []int{1, 2} {
		b.Run(fmt.Sprintf("empty/n=%d", n), func(b *testing.B) {
			w := newWorkers(b, n)
			b.ReportAllocs()
			for b.Loop() {
				w.Run(nothing{}, n)
			}
		})
	}
	// Both parts have to run at the same time, so that the time until the
	// other worker has begun is seen: the median, since one run that finds the
	// processors taken outweighs a thousand.
	for _, idle := range []time.Duration{0, 10 * time.Microsecond, 300 * time.Microsecond} {
		b.Run(fmt.Sprintf("meet/n=2/idle=%v", idle), func(b *testing.B) {
			w := newWorkers(b, 2)
			m := &meet{}
			var took []time.Duration
			for b.Loop() {
				m.here.Store(0)
				for start := time.Now(); time.Since(start) < idle; {
				}
				start := time.Now()
				w.Run(m, 2)
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "median-ns/run")
		})
	}
}

// meet is a task whose two parts wait for each other.
type meet struct{ here atomic.Int64 }

func (m *meet) Do(int, int) {
	for m.here.Add(1); m.here.Load() < 2; {
	}
}
