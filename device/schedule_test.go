package device_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
)

// sequence is nodes made of a function.
type sequence func(node, worker int) error

func (f sequence) Do(node, worker int) error { return f(node, worker) }

const nodeNanos = 40e3 // what planners are told that nodes take

// planOf returns the schedule of nodes with the given needs.
func planOf(needs [][]int32, workers int) *device.Schedule {
	var p device.Planner
	for _, d := range needs {
		p.Add(nodeNanos, nodeNanos, d...)
	}
	return p.Schedule(workers)
}

// branches returns the needs of n chains of the given length, each after a common first
// node and before a common last one, chain by chain.
func branches(n, length int) [][]int32 {
	needs := [][]int32{nil}
	var ends []int32
	for range n {
		before := int32(0)
		for range length {
			needs = append(needs, []int32{before})
			before = int32(len(needs) - 1)
		}
		ends = append(ends, before)
	}
	return append(needs, ends)
}

// randomNeeds returns a random graph: nodes need some of the last ones.
func randomNeeds(rng *rand.Rand, n int) [][]int32 {
	needs := make([][]int32, n)
	for i := range needs {
		for range rng.IntN(4) {
			if i > 0 {
				needs[i] = append(needs[i], int32(max(0, i-1-rng.IntN(12))))
			}
		}
	}
	return needs
}

// TestScheduleOrder: each node is done once, after those that it needs and those before it
// in its strand, and what Reach tells holds, for any number of workers.
func TestScheduleOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	graphs := map[string][][]int32{"branches": branches(9, 3), "pairs": branches(2, 1), "diamonds": nil}
	for i := range int32(40) { // diamonds one after the other
		n := 4 * i
		graphs["diamonds"] = append(graphs["diamonds"], []int32{max(0, n-1)}[:min(i, 1)], []int32{n}, []int32{n}, []int32{n + 1, n + 2})
	}
	for i := range 20 {
		graphs[fmt.Sprint("random ", i)] = randomNeeds(rng, 2+rng.IntN(60))
	}
	planned := 0
	for name, needs := range graphs {
		for _, workers := range []int{2, 3, 7} {
			s := planOf(needs, workers)
			if s == nil {
				continue
			}
			planned++
			for _, have := range []int{1, workers} { // a schedule works with fewer workers too
				w := newWorkers(t, have)
				f := s.NewFlight(w)
				var order []int
				var failure atomic.Pointer[string]
				done := make([]atomic.Bool, len(needs))
				err := f.Run(sequence(func(n, worker int) error {
					fail := func(text string, args ...any) {
						text = fmt.Sprintf("node %d: ", n) + fmt.Sprintf(text, args...)
						failure.CompareAndSwap(nil, &text)
					}
					if worker < 0 || worker >= have {
						fail("worker %d of %d", worker, have)
					}
					for _, d := range needs[n] {
						if !done[d].Load() || !f.Done(d) {
							fail("%d is not done", d)
						}
					}
					for d := range n {
						if s.Reach(d) <= n && !done[d].Load() {
							fail("reaches from %d to %d, which is not done", d, s.Reach(d))
						}
					}
					if have == 1 {
						order = append(order, n)
					}
					spend(n % 7 * 100)
					if done[n].Swap(true) {
						fail("done twice")
					}
					return nil
				}))
				if text := failure.Load(); err != nil || text != nil {
					t.Fatalf("%s, %d workers: %v %s", name, have, err, *text)
				}
				for n := range done {
					if !done[n].Load() {
						t.Fatalf("%s, %d workers: node %d was left out", name, have, n)
					}
				}
				if have == 1 && !slices.IsSorted(order) {
					t.Fatalf("%s: one worker did %v", name, order)
				}
			}
		}
	}
	if planned < 20 {
		t.Errorf("only %d schedules", planned)
	}
}

// TestScheduleSideBySide: two nodes that wait for each other to begin get done.
func TestScheduleSideBySide(t *testing.T) {
	needs := branches(2, 2)
	s := planOf(needs, 2)
	if s == nil {
		t.Fatal("no schedule for two branches")
	}
	f := s.NewFlight(newWorkers(t, 2))
	begun := [2]chan bool{make(chan bool), make(chan bool)}
	err := f.Run(sequence(func(n, _ int) error {
		if n == 1 || n == 3 { // where the branches begin
			close(begun[n/2])
			select {
			case <-begun[1-n/2]:
			case <-time.After(10 * time.Second):
				return errors.New("the other branch has not begun")
			}
		}
		return nil
	}))
	if err != nil {
		t.Error(err)
	}
}

// TestScheduleErrors: whatever fails, the error is the first node's that would fail in
// order, all nodes before it have been done, and the schedule can run again.
func TestScheduleErrors(t *testing.T) {
	needs := branches(6, 4)
	for _, workers := range []int{1, 2, 3, 7} {
		f := planOf(needs, max(workers, 2)).NewFlight(newWorkers(t, workers))
		rng := rand.New(rand.NewPCG(3, uint64(workers)))
		for range 200 {
			bad := map[int]string{}
			for range 1 + rng.IntN(3) {
				bad[rng.IntN(len(needs))] = []string{"error", "panic", "exit"}[rng.IntN(3)]
			}
			first := len(needs)
			for n := range bad {
				first = min(first, n)
			}
			var done [64]atomic.Bool
			var err error
			returned := make(chan bool)
			go func() { // exit may end it
				defer close(returned)
				defer func() {
					if r := recover(); r != nil {
						err = r.(error)
					}
				}()
				err = f.Run(sequence(func(n, _ int) error {
					done[n].Store(true)
					spend(rand.IntN(500))
					switch bad[n] {
					case "error":
						return fmt.Errorf("error of %d", n)
					case "panic":
						panic(fmt.Sprintf("error of %d", n))
					case "exit":
						runtime.Goexit()
					}
					return nil
				}))
			}()
			<-returned
			if slices.Contains(slices.Collect(values(bad)), "exit") {
				continue // it got here, which is all that can be said
			}
			var pe *device.PanicError
			text := fmt.Sprint(err)
			if errors.As(err, &pe) {
				text = fmt.Sprint(pe.Value)
			}
			if want := fmt.Sprintf("error of %d", first); err == nil || text != want || (pe != nil) != (bad[first] == "panic") {
				t.Fatalf("%d workers, %v: got %v, want %s", workers, bad, err, want)
			}
			for n := range first {
				if !done[n].Load() {
					t.Fatalf("%d workers, %v: node %d was left out", workers, bad, n)
				}
			}
		}
		if err := f.Run(sequence(func(int, int) error { return nil })); err != nil {
			t.Error("after errors:", err)
		}
	}
}

func values(m map[int]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// TestScheduleAwait: a node that waits in the middle for an earlier one is told whether that
// has been done, and every wait ends.
func TestScheduleAwait(t *testing.T) {
	needs := branches(6, 4) // chains of nodes 1 to 4, 5 to 8, ...
	for _, workers := range []int{1, 2, 7} {
		f := planOf(needs, max(workers, 2)).NewFlight(newWorkers(t, workers))
		for bad := range len(needs) {
			var done [64]atomic.Bool
			err := f.Run(sequence(func(n, _ int) error {
				spend(rand.IntN(500))
				if n > 4 && n < len(needs)-1 {
					if f.Await(int32(n-4)) != done[n-4].Load() && n < bad {
						t.Errorf("%d workers: node %d waits in vain", workers, n)
					}
					if f.Done(int32(n-4)) && !done[n-4].Load() {
						t.Errorf("%d workers: node %d takes %d for done", workers, n, n-4)
					}
				}
				if n == bad {
					return errors.New("bad")
				}
				done[n].Store(true)
				return nil
			}))
			if err == nil {
				t.Errorf("%d workers: no error of node %d", workers, bad)
			}
		}
	}
	// A branch whose first node ends after the other branch gains nothing.
	plan := func(turn bool) *device.Schedule {
		var p device.Planner
		p.Add(nodeNanos, nodeNanos)
		p.Add(nodeNanos, nodeNanos, 0)
		p.Add(nodeNanos, nodeNanos, 1)
		p.Add(nodeNanos/8, nodeNanos/8)
		if turn {
			p.EndsAfter(2)
		}
		p.Add(nodeNanos, nodeNanos, 3)
		p.Add(nodeNanos, nodeNanos, 4)
		return p.Schedule(2)
	}
	if plan(false) == nil || plan(true) != nil {
		t.Error("turns are not what a schedule is made by")
	}
}

// TestScheduleConcurrent: flights share workers, and nodes may have tasks of their own.
func TestScheduleConcurrent(t *testing.T) {
	w := newWorkers(t, 3)
	needs := branches(8, 5)
	s := planOf(needs, 3)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			f := s.NewFlight(w)
			for range 50 {
				var n atomic.Int64
				err := f.Run(sequence(func(node, _ int) error {
					w.Run(taskFunc(func(int, int) { n.Add(1) }), 4)
					return nil
				}))
				if err != nil || n.Load() != int64(4*len(needs)) {
					t.Errorf("%v, %d parts", err, n.Load())
				}
			}
		})
	}
	wg.Wait()
}

// TestScheduleAllocs: runs allocate nothing.
func TestScheduleAllocs(t *testing.T) {
	f := planOf(branches(8, 5), 2).NewFlight(newWorkers(t, 2))
	var seq device.Sequence = sequence(func(int, int) error { spend(100); return nil })
	if n := testing.AllocsPerRun(100, func() { _ = f.Run(seq) }); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// TestPlanner: there is a schedule where one gains, and only there.
func TestPlanner(t *testing.T) {
	chain := make([][]int32, 50)
	for i := range chain[1:] {
		chain[i+1] = []int32{int32(i)}
	}
	small := func(n int) (p device.Planner) {
		for range n {
			p.Add(500, 500)
		}
		return p
	}
	few, many := small(10), small(1000)
	shared := device.Planner{}
	for range 4 {
		shared.Add(400e3, 200e3) // what is shared out inside as well
	}
	for _, c := range []struct {
		name string
		got  *device.Schedule
		want bool
	}{
		{"two branches", planOf(branches(2, 3), 2), true},
		{"one worker", planOf(branches(2, 3), 1), false},
		{"a chain", planOf(chain, 4), false},
		{"little work", few.Schedule(2), false},
		{"many small nodes", many.Schedule(2), true},
		{"shared out inside", shared.Schedule(2), false},
		{"nothing", new(device.Planner).Schedule(2), false},
	} {
		if (c.got != nil) != c.want {
			t.Errorf("%s: a schedule: %v", c.name, c.got != nil)
		}
	}
	// Chains stay whole where there are enough of them, and side branches go to others.
	if n := planOf(branches(8, 5), 2).Strands(); n != 8 {
		t.Errorf("8 chains became %d strands", n)
	}
	var p device.Planner
	p.Add(100e3, 100e3)
	p.Add(100e3, 100e3, 0)
	p.Add(100e3, 100e3, 0)
	if s := p.Schedule(2); s == nil || s.Strands() != 2 || s.Reach(1) != 3 {
		t.Errorf("a node with two readers: %+v", s)
	}
	few.Reset()
	few.Add(50e3, 50e3)
	few.Add(50e3, 50e3)
	if s := few.Schedule(2); s == nil || s.Strands() != 2 {
		t.Errorf("after Reset: %+v", s)
	}
}
