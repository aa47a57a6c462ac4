package sim

// The stream: a queue of work that runs late.

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cotangent-ad/cotangent/device"
)

// Stream runs what it is given in order, on a goroutine of its own.
type Stream struct {
	delay time.Duration // before work that finds the stream idle
	held  bool          // work runs only when it is waited for

	mu      sync.Mutex
	changed sync.Cond // of anything below
	queue   []func()
	next    uint64 // work appended so far
	done    uint64 // work done so far
	wanted  uint64 // work that somebody waits for
	err     error  // the first since the last Sync
	running bool   // the goroutine is there
	closed  bool
}

func newStream(delay time.Duration, held bool) *Stream {
	s := &Stream{delay: delay, held: held}
	s.changed.L = &s.mu
	return s
}

// Do appends op. Its panic is the error of the next Sync.
func (s *Stream) Do(op func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		if s.closed { // no work is left that op has to wait for
			s.next++
			s.run(op)
			return
		}
		s.running = true
		go s.work()
	}
	s.queue = append(s.queue, op)
	s.next++
	s.changed.Broadcast()
}

// Record marks the place behind all work appended so far.
func (s *Stream) Record() device.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return event{s, s.next}
}

// Wait makes the work appended from now on wait for e.
func (s *Stream) Wait(e device.Event) {
	s.Do(func() {
		// Without a deadline an event can only come; there is no error to tell.
		_ = e.Wait(context.Background())
	})
}

// Sync waits until all work appended so far is done, or ctx ends.
func (s *Stream) Sync(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.await(ctx, s.next); err != nil {
		return err
	}
	err := s.err
	s.err = nil
	return err
}

// close ends the goroutine when all work is done, and waits for that.
func (s *Stream) close() error {
	err := s.Sync(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed.Broadcast()
	for s.running {
		s.changed.Wait()
	}
	return err
}

// await waits until so much work is done. The caller holds the lock.
func (s *Stream) await(ctx context.Context, until uint64) error {
	s.wanted = max(s.wanted, until)
	s.changed.Broadcast()
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})()
	for s.done < until && ctx.Err() == nil {
		s.changed.Wait()
	}
	return ctx.Err()
}

// work is the goroutine.
func (s *Stream) work() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for idle := true; ; {
		for len(s.queue) == 0 || s.held && s.done >= s.wanted && !s.closed {
			if s.closed {
				s.running = false
				s.changed.Broadcast()
				return
			}
			s.changed.Wait()
			idle = true
		}
		if idle && s.delay > 0 {
			s.mu.Unlock()
			time.Sleep(s.delay)
			s.mu.Lock()
		}
		idle = false
		op := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.run(op)
	}
}

// run does op and enters it as done. The caller holds the lock, which op does
// without: it may append work itself.
func (s *Stream) run(op func()) {
	s.mu.Unlock()
	err := do(op)
	s.mu.Lock()
	s.done++
	if s.err == nil {
		s.err = err
	}
	s.changed.Broadcast()
}

// do does op and returns its panic.
func do(op func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *device.PanicError:
			err = r
		default:
			err = &device.PanicError{Value: r, Stack: debug.Stack()}
		}
	}()
	op()
	return nil
}

// event is a place in a stream: behind its first so many pieces of work.
type event struct {
	s  *Stream
	at uint64
}

func (e event) Done() bool {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	return e.s.done >= e.at
}

func (e event) Wait(ctx context.Context) error {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	return e.s.await(ctx, e.at)
}
