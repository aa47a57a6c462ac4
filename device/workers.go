package device

// Workers: a fixed number of goroutines that share out the parts of a task.

import (
	"errors"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// Task is work in parts that do not depend on each other.
type Task interface {
	// Do does one part. No two parts of one Run are done at the same time by
	// the same worker, a number from 0 to N-1. Runs that overlap use the same
	// numbers, so what a worker's number indexes belongs to the task.
	Do(part, worker int)
}

// Workers do tasks: n-1 helping goroutines, and the goroutine that calls Run.
// Any number of goroutines may call Run, parts of tasks too: a Run needs no
// helper to get done, and waits only for parts that are being done already, so
// none waits for another in a circle.
type Workers struct {
	n    int
	spin time.Duration // how long an idle helper looks for work before it parks

	mu       sync.Mutex
	jobs     *job      // the Runs under way
	unused   *job      // records of Runs that are over
	parked   []*helper // whoever parked last is woken first
	spinning int       // helpers that look for work
	started  bool
	closed   bool
	posted   atomic.Uint64 // Runs posted so far: what spinning helpers watch
}

// job is one Run. Fields without an own remark are guarded by Workers.mu, but
// task and parts do not change while the job is posted.
type job struct {
	task    Task
	parts   int64
	claimed atomic.Int64 // parts given out; may exceed parts
	helpers atomic.Int64 // that are in it; changed under Workers.mu
	waiting bool         // the caller has parked until helpers is 0
	over    chan struct{}
	failure *PanicError // the first
	next    *job
}

// helper is one helping goroutine.
type helper struct {
	worker int
	wake   chan struct{}
}

// spinTime is about what it takes to wake a goroutine on another processor.
const spinTime = 30 * time.Microsecond

// errGoexit is the failure of a part that ended a helping goroutine.
var errGoexit = errors.New("runtime.Goexit was called in a part of a task")

// NewWorkers returns n workers, GOMAXPROCS where n is 0 or less. Goroutines
// start with the first Run that has use for them.
func NewWorkers(n int) *Workers {
	procs := runtime.GOMAXPROCS(0)
	if n <= 0 {
		n = procs
	}
	w := &Workers{n: n}
	if n <= procs { // else a spinning helper would keep a working one waiting
		w.spin = spinTime
	}
	return w
}

// N is the number of workers.
func (w *Workers) N() int { return w.n }

// Run does every part of the task, 0 to parts-1, once, and returns when all
// are done. It allocates nothing. With one worker or one part all is done in
// the caller's goroutine, in order.
//
// If a part panics, the parts not yet begun are left out, and when those begun
// are done Run panics with a *PanicError.
func (w *Workers) Run(task Task, parts int) {
	if w.n == 1 || parts <= 1 {
		serial(task, parts)
		return
	}
	j := w.post(task, parts)
	if j == nil {
		serial(task, parts)
		return
	}
	defer w.finish(j)
	j.work(task, int64(parts), 0, w)
}

// Close ends the helping goroutines, each after the part it is at. Run then
// does all parts in its caller's goroutine.
func (w *Workers) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.wake(len(w.parked))
	w.posted.Add(1)
	return nil
}

// serial does all parts in the caller's goroutine.
func serial(task Task, parts int) {
	defer func() {
		if r := recover(); r != nil {
			panic(panicError(r))
		}
	}()
	for part := range parts {
		task.Do(part, 0)
	}
}

// panicError returns r, which was just recovered, with its stack; if it
// carries one already, as it is.
func panicError(r any) *PanicError {
	if e, ok := r.(*PanicError); ok {
		return e
	}
	return &PanicError{Value: r, Stack: debug.Stack()}
}

// post makes a job known to the helpers and wakes as many as it has use for.
// It returns nil if the workers are closed.
func (w *Workers) post(task Task, parts int) *job {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	if !w.started {
		w.start()
	}
	j := w.unused
	if j == nil {
		j = &job{over: make(chan struct{}, 1)}
	} else {
		w.unused = j.next
	}
	j.task, j.parts = task, int64(parts)
	j.claimed.Store(0)
	j.next, w.jobs = w.jobs, j
	w.posted.Add(1)
	w.wake(min(parts, w.n) - 1 - w.spinning)
	return j
}

// start starts the helpers. They find the first job without being woken.
func (w *Workers) start() {
	w.started = true
	w.parked = make([]*helper, 0, w.n-1)
	for i := 1; i < w.n; i++ {
		go w.help(&helper{worker: i, wake: make(chan struct{}, 1)})
	}
}

// wake wakes up to n parked helpers. The caller holds the lock.
func (w *Workers) wake(n int) {
	n = min(n, len(w.parked))
	if n <= 0 {
		return
	}
	for range n {
		last := len(w.parked) - 1
		w.parked[last].wake <- struct{}{} // has room: a helper parks once
		w.parked = w.parked[:last]
	}
	// Go's scheduler keeps the goroutine that was woken last for this
	// processor's next turn, and lets another processor have it only after a
	// pause of some 60 us. This one takes its place.
	go decoy()
}

func decoy() {}

// finish ends a job whose parts are all given out: it waits for the helpers
// that are in it, and panics if a part did.
func (w *Workers) finish(j *job) {
	w.mu.Lock()
	at := &w.jobs
	for *at != j {
		at = &(*at).next
	}
	*at = j.next // no helper joins from now on
	if j.helpers.Load() > 0 {
		w.mu.Unlock()
		spin(w.spin, func() bool { return j.helpers.Load() == 0 })
		w.mu.Lock()
		if j.helpers.Load() > 0 {
			j.waiting = true
			w.mu.Unlock()
			<-j.over
			w.mu.Lock()
		}
	}
	failure := j.failure
	j.task, j.failure, j.waiting = nil, nil, false
	j.next, w.unused = w.unused, j
	w.mu.Unlock()
	if failure != nil {
		panic(failure)
	}
}

// work does parts of the job until none is left.
func (j *job) work(task Task, parts int64, worker int, w *Workers) {
	done := false
	defer func() {
		if done {
			return
		}
		var failure *PanicError
		if r := recover(); r != nil {
			failure = panicError(r)
		} else if worker > 0 {
			// The helper's goroutine is being ended. (The caller's own may be:
			// whoever called Goexit there knows.)
			failure = panicError(errGoexit)
		}
		j.claimed.Store(parts)
		w.mu.Lock()
		if j.failure == nil {
			j.failure = failure
		}
		w.mu.Unlock()
	}()
	for {
		part := j.claimed.Add(1) - 1
		if part >= parts {
			break
		}
		task.Do(int(part), worker)
	}
	done = true
}

// help is a helper's life.
func (w *Workers) help(h *helper) {
	ended := false
	defer func() {
		if !ended { // by a part that called Goexit: another takes its place
			go w.help(h)
		}
	}()
	for {
		j := w.join(h)
		if j == nil {
			break
		}
		w.assist(j, h.worker)
	}
	ended = true
}

// assist does parts of a job that was joined, and leaves it.
func (w *Workers) assist(j *job, worker int) {
	defer func() {
		w.mu.Lock()
		if j.helpers.Add(-1) == 0 && j.waiting {
			j.over <- struct{}{}
		}
		w.mu.Unlock()
	}()
	j.work(j.task, j.parts, worker, w)
}

// join waits until a job has parts left and joins it. It returns nil when the
// workers are closed.
func (w *Workers) join(h *helper) *job {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if j := w.open(); j != nil || w.closed {
			return j
		}
		if w.spin > 0 {
			seen := w.posted.Load()
			w.spinning++
			w.mu.Unlock()
			spin(w.spin, func() bool { return w.posted.Load() != seen })
			w.mu.Lock()
			w.spinning--
			if j := w.open(); j != nil || w.closed {
				return j
			}
		}
		w.parked = append(w.parked, h)
		w.mu.Unlock()
		<-h.wake
		w.mu.Lock()
	}
}

// open returns a job that has parts left, with the caller entered as helper.
func (w *Workers) open() *job {
	for j := w.jobs; j != nil; j = j.next {
		if j.claimed.Load() < j.parts {
			j.helpers.Add(1)
			return j
		}
	}
	return nil
}

// spin returns when the condition holds, or after d.
func spin(d time.Duration, holds func() bool) {
	if d == 0 {
		return
	}
	for start := time.Now(); !holds() && time.Since(start) < d; {
	}
}
