package device

// Schedules: a sequence of nodes, each of which needs some of those before it, done side
// by side where that is worth it.
//
// The sequence is cut into strands, runs of nodes that one worker does one after the
// other. Workers take the strands in their order, and wait in them for what a node needs
// of earlier ones. So nothing is queued or sorted while a schedule runs, one worker alone
// does the nodes in their order, and no number of workers can come to wait in a circle:
// whoever does the earliest strand that is not done waits for nobody.

import (
	"math"
	"sync"
	"sync/atomic"
)

// What doing nodes side by side takes, in nanoseconds, by TestCalibrateSchedule: 0.3 µs
// for two strands if the workers are awake, up to 7 µs if they must be woken, which pays
// from a gain of 18 µs on; 0.1 µs for a worker to hear of another's node, and 0.06 µs for
// each KiB to read what that has made. Of schedules of many strands that need each other
// less is true than is predicted: of derivatives of losses that share parameters, a
// predicted 0.8 of the time in order was 1.1 to 1.2 of it on two workers, while 0.7 was 0.64
// to 0.91 (BenchmarkBranches in package grad). So a quarter must be gained.
const (
	handOver  = 2e3    // from one worker's node to another's, of 32 KiB or so
	leastGain = 18e3   // of a schedule
	leastPart = 1. / 4 // of the time in order that a schedule must gain
)

// grains are what a strand may have to run ahead of the one before it, from which the best
// is chosen: short strands keep more workers busy, long ones leave more where it was made.
var grains = [...]float64{4e3, 16e3, 64e3}

// Planner makes a schedule of nodes that are added in their order.
type Planner struct {
	one    []float64 // of each node: what it takes
	begin  []float64 // of each node: the work before it
	ends   []float64 // of each node: when it can be done at the earliest
	from   []int32   // of each node: where its needs begin in needs
	needs  []int32
	after  []int32 // of each node: where those that it ends after begin in turns
	turns  []int32
	work   float64 // of all nodes
	path   float64 // of those that need each other, the most
	shared float64 // what they take one after the other, with all workers in each
}

// Reset makes the planner one of no nodes.
func (p *Planner) Reset() {
	p.one, p.begin, p.ends = p.one[:0], p.begin[:0], p.ends[:0]
	p.from, p.needs, p.after, p.turns = p.from[:0], p.needs[:0], p.after[:0], p.turns[:0]
	p.work, p.path, p.shared = 0, 0, 0
}

// Add adds a node that takes one nanoseconds, or shared where all workers share it out,
// and needs earlier nodes.
func (p *Planner) Add(one, shared float64, needs ...int32) {
	p.one, p.begin, p.from = append(p.one, one), append(p.begin, p.work), append(p.from, int32(len(p.needs)))
	p.needs = append(p.needs, needs...)
	p.after = append(p.after, int32(len(p.turns)))
	p.work += one
	p.shared += shared
	end := 0.
	for _, d := range needs {
		end = max(end, p.ends[d])
	}
	p.ends = append(p.ends, end+one)
	p.path = max(p.path, end+one)
}

// EndsAfter says that the node added last waits before its end for an earlier one, by
// [Flight.Await]: for its turn.
func (p *Planner) EndsAfter(node int32) {
	last := len(p.one) - 1
	p.turns = append(p.turns, node)
	p.ends[last] = max(p.ends[last], p.ends[node])
	p.path = max(p.path, p.ends[last])
}

// needsOf returns what a node needs.
func (p *Planner) needsOf(n int) []int32 { return listOf(n, p.from, p.needs) }

// listOf returns the n-th of the lists that are one after the other in all.
func listOf(n int, from, all []int32) []int32 {
	if n+1 < len(from) {
		return all[from[n]:from[n+1]]
	}
	return all[from[n]:]
}

// Schedule returns the schedule of the nodes for a number of workers that takes the least
// time, or nil where none gains enough.
func (p *Planner) Schedule(workers int) (best *Schedule) {
	if workers < 2 || p.shared < leastGain {
		return nil
	}
	limit := p.shared - max(leastGain, leastPart*p.shared)
	if max(p.work/float64(workers), p.path) > limit {
		return nil
	}
	for _, grain := range grains {
		s := p.cut(grain, workers)
		if s.Strands() == 1 {
			break
		}
		if t := p.predict(s, workers); t <= limit {
			best, limit = s, t
		}
	}
	return best
}

// cut cuts the nodes into strands. One begins where a node need not wait for the last ones
// of the strand before it, which take at least grain.
func (p *Planner) cut(grain float64, workers int) *Schedule {
	s := &Schedule{strandOf: make([]int32, len(p.one)), from: make([]int32, len(p.one)+1), window: workers}
	for n := range p.one {
		next, k := 0, len(s.starts)-1 // the first node that this one does not need
		if k >= 0 {
			next = int(s.starts[k])
			for _, d := range p.needsOf(n) {
				next = max(next, int(d)+1)
			}
		}
		if k < 0 || next < n && p.begin[n]-p.begin[next] >= grain {
			s.starts = append(s.starts, int32(n))
			k++
		}
		s.strandOf[n] = int32(k)
		for _, d := range p.needsOf(n) {
			if d < s.starts[k] {
				s.needs = append(s.needs, d)
			}
		}
		s.from[n+1] = int32(len(s.needs))
	}
	s.starts = append(s.starts, int32(len(p.one)))
	return s
}

// predict returns the nanoseconds that a schedule will take.
func (p *Planner) predict(s *Schedule, workers int) (end float64) {
	free := make([]float64, workers)     // when each worker is done
	done := make([]float64, len(p.one))  // when each node is
	by := make([]int, s.Strands())       // who does each strand
	over := make([]float64, s.Strands()) // when each and all before it are done
	for k := range by {
		w := 0
		for i, t := range free {
			if t < free[w] {
				w = i
			}
		}
		by[k] = w
		t := free[w]
		if k > s.window {
			t = max(t, over[k-s.window-1])
		}
		for n := s.starts[k]; n < s.starts[k+1]; n++ {
			read := 0.
			for _, d := range s.Needs(int(n)) {
				if by[s.strandOf[d]] != w {
					t, read = max(t, done[d]), handOver
				}
			}
			t += read + p.one[n]
			wait := 0.
			for _, d := range listOf(int(n), p.after, p.turns) {
				if by[s.strandOf[d]] != w {
					t, wait = max(t, done[d]), handOver
				}
			}
			t += wait
			done[n] = t
		}
		free[w] = t
		end = max(end, t)
		over[k] = end
	}
	return end
}

// Schedule tells how nodes are done side by side. It does not change.
type Schedule struct {
	starts   []int32 // the first node of each strand, and the end
	strandOf []int32 // of each node
	from     []int32 // of each node where its needs begin, and the end
	needs    []int32 // nodes of earlier strands
	window   int     // how many strands may be under way or done behind one that is not
}

// Strands is the number of strands.
func (s *Schedule) Strands() int { return len(s.starts) - 1 }

// Strand is the strand of a node.
func (s *Schedule) Strand(node int) int { return int(s.strandOf[node]) }

// Lanes is how many strands may be under way at a time: one is begun only when all but the
// Lanes()-1 before it are done.
func (s *Schedule) Lanes() int { return s.window + 1 }

// Reach returns the first node that is begun only when the given one, and all of strands
// up to its own, are done; the number of nodes where there is none. What a node has used
// last is free for that one and later ones.
func (s *Schedule) Reach(node int) int {
	return int(s.starts[min(s.Strand(node)+s.Lanes(), s.Strands())])
}

// Needs returns the nodes of earlier strands that a node waits for.
func (s *Schedule) Needs(node int) []int32 { return s.needs[s.from[node]:s.from[node+1]] }

// Sequence is what the nodes of a schedule do.
type Sequence interface {
	// Do does a node, when those that it needs and those before it in its strand have
	// been done. worker is as for a [Task].
	Do(node, worker int) error
}

// Flight is a schedule with what a run of it needs.
type Flight struct {
	s       *Schedule
	workers *Workers
	seq     Sequence
	at      []progress   // of each strand
	low     atomic.Int32 // strands before it are done

	failed atomic.Int32 // the first node, as far as is known, whose error ends the run
	err    error        // its error
	asleep atomic.Int32 // workers that wait for a node, no longer spinning
	mu     sync.Mutex   // of err and asleep
	wake   sync.Cond
}

// progress is the node that a strand has come to, on a cache line of its own.
type progress struct {
	atomic.Int32
	_ [60]byte
}

// NewFlight makes room for runs of the schedule, one at a time.
func (s *Schedule) NewFlight(w *Workers) *Flight {
	f := &Flight{s: s, workers: w, at: make([]progress, s.Strands())}
	f.wake.L = &f.mu
	return f
}

// Run does all nodes. Where some fail, it returns the error of the first of them: those
// before it have been done, as if all had been done in order. A panic is an error, a
// *PanicError. It allocates nothing.
func (f *Flight) Run(seq Sequence) error {
	f.seq, f.err = seq, nil
	f.failed.Store(math.MaxInt32)
	f.low.Store(0)
	for k := range f.at {
		f.at[k].Store(f.s.starts[k])
	}
	f.workers.Run((*strands)(f), len(f.at))
	f.seq = nil
	return f.err
}

// passed reports whether a node is over: done, or left out after an error.
func (f *Flight) passed(node int32) bool { return f.at[f.s.strandOf[node]].Load() > node }

// Done reports whether a node has been done, and the run has not failed before it.
func (f *Flight) Done(node int32) bool { return f.passed(node) && node < f.failed.Load() }

// Await waits for a node, which is one before that at hand, and reports whether it is done
// then: not where the run has failed.
func (f *Flight) Await(node int32) bool {
	if !f.passed(node) {
		spin(f.workers.spin, func() bool { return f.passed(node) })
	}
	if !f.passed(node) {
		f.mu.Lock()
		f.asleep.Add(1)
		for !f.passed(node) {
			f.wake.Wait()
		}
		f.asleep.Add(-1)
		f.mu.Unlock()
	}
	return f.Done(node)
}

// pass notes that a strand has come to a node.
func (f *Flight) pass(strand int, node int32) {
	f.at[strand].Store(node)
	if f.asleep.Load() > 0 {
		f.mu.Lock()
		f.wake.Broadcast()
		f.mu.Unlock()
	}
}

// fail notes the error of a node.
func (f *Flight) fail(node int32, err error) {
	f.mu.Lock()
	if node < f.failed.Load() {
		f.failed.Store(node)
		f.err = err
	}
	f.mu.Unlock()
}

// strands are a flight's parts.
type strands Flight

// Do does a strand.
func (t *strands) Do(k, worker int) {
	f := (*Flight)(t)
	n, end := f.s.starts[k], f.s.starts[k+1]
	defer func() {
		if n == end {
			return
		}
		if r := recover(); r != nil {
			f.fail(n, panicError(r))
		} else {
			f.fail(n, panicError(errGoexit))
		}
		f.pass(k, end)
	}()
	f.clear(k - f.s.window)
	for n < end {
		for _, d := range f.s.Needs(int(n)) {
			f.Await(d)
		}
		if n < f.failed.Load() {
			if err := f.seq.Do(int(n), worker); err != nil {
				f.fail(n, err)
			}
		}
		n++
		f.pass(k, n)
	}
}

// clear returns when all strands before k are done.
func (f *Flight) clear(k int) {
	for i := int(f.low.Load()); i < k; i++ {
		f.Await(f.s.starts[i+1] - 1)
		f.low.Store(int32(i + 1)) // another worker may set it back: then some are looked at again
	}
}
