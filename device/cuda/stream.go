//go:build cuda && cgo

package cuda

// Streams: queues of work on the GPU, and what kernels are launched with.

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"gorgonia.org/cu"

	"github.com/cotangent-ad/cotangent/device"
)

// Stream is a queue of work that the GPU carries out in order.
type Stream struct {
	d         *Device
	cu        cu.Stream
	recording *Recording            // what keeps its work, nil where it is done
	scratch   []*device.Buffer      // of the recording, lent by this stream
	spare     atomic.Pointer[event] // that Sync waited for before
}

var (
	_ device.Timer  = (*Stream)(nil)
	_ device.Prompt = (*Stream)(nil)
)

func newStream(d *Device) (*Stream, error) {
	s, err := cu.MakeStream(cu.NonBlocking)
	return &Stream{d: d, cu: s}, wrap(d.name, "cuStreamCreate", err)
}

func (s *Stream) close() error { return wrap(s.d.name, "cuStreamDestroy", s.cu.Destroy()) }

// Device is the stream's.
func (s *Stream) Device() *Device { return s.d }

// Do calls op at once, on a thread in which the device's context is current: what
// op launches is what runs later.
func (s *Stream) Do(op func()) {
	err := s.d.with(func() error {
		op()
		return nil
	})
	if err != nil {
		panic(err) // the context, which was current before, is gone
	}
}

// Enter makes the device's context current on this thread, which the goroutine keeps
// until Leave.
func (s *Stream) Enter() error { return s.d.enter() }

// Leave lets the thread go.
func (s *Stream) Leave() { runtime.UnlockOSThread() }

// Record marks the place behind all work queued so far.
func (s *Stream) Record() device.Event { return s.mark(&event{d: s.d, s: s}) }

// mark records e, which nobody waits for.
func (s *Stream) mark(e *event) *event {
	e.err = s.d.with(func() error {
		if !e.made {
			var err error
			if e.cu, err = cu.MakeEvent(cu.DisableTiming); err != nil {
				return wrap(s.d.name, "cuEventCreate", err)
			}
			e.made = true
			runtime.AddCleanup(e, s.d.destroyEvent, e.cu)
		}
		return wrap(s.d.name, "cuEventRecord", e.cu.Record(s.cu))
	})
	return e
}

func (d *Device) destroyEvent(e cu.Event) {
	d.end.mu.Lock()
	defer d.end.mu.Unlock()
	if d.end.ended { // and so did its context with all events, whose handles may be others' by now
		return
	}
	// The driver keeps an event that is still waited for.
	_ = d.with(func() error { return cu.DestroyEvent(&e) })
}

// Wait makes the work queued from now on wait for e; for an event of another kind of
// device it waits here, and so where the driver has none or cannot wait for it. Where e is
// of another GPU and that is lost, this one counts as lost, too.
func (s *Stream) Wait(e device.Event) {
	other, ok := e.(*event)
	if !ok {
		// Without a deadline an event can only come; its error is its stream's.
		_ = e.Wait(context.Background())
		return
	}
	if other.d != s.d {
		s.d.sources.add(other.d)
	}
	s.wait(other)
}

func (s *Stream) wait(other *event) {
	err := other.err
	if err == nil {
		err = s.d.with(func() error { return wrap(s.d.name, "cuStreamWaitEvent", s.cu.Wait(other.cu, 0)) })
		runtime.KeepAlive(other)
	}
	switch {
	case err == nil:
	case s.recording != nil:
		s.recording.err = err
	default:
		_ = other.d.with(other.s.synchronize) // its error stays, and is told by Sync
	}
}

// Sync waits until all work queued so far is done, or ctx ends, and returns the
// error of that work or of ctx.
func (s *Stream) Sync(ctx context.Context) error {
	if ctx.Done() == nil {
		return s.d.with(s.finish)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// Often it is done: who ran a program has waited for it.
	pending := s.d.sources.pending()
	err := s.d.with(func() error { return wrap(s.d.name, "cuStreamQuery", s.cu.Query()) })
	if err == nil {
		return s.d.sources.check(pending)
	}
	if !isNotReady(err) {
		return err
	}
	e := s.spare.Swap(nil)
	if e == nil {
		e = &event{d: s.d, s: s}
	}
	if err := s.mark(e).Wait(ctx); err != nil {
		return err
	}
	s.spare.Store(e)
	return s.d.with(s.finish)
}

// isNotReady reports whether the driver says that there is work left.
func isNotReady(err error) bool {
	const notReady = 600 // CUDA_ERROR_NOT_READY
	d, ok := err.(*DriverError)
	return ok && d.Code == notReady
}

// finish waits until all work queued so far is done, and returns its error or that of a
// device which it waited for.
func (s *Stream) finish() error {
	pending := s.d.sources.pending()
	if err := s.synchronize(); err != nil {
		return err
	}
	return s.d.sources.check(pending)
}

func (s *Stream) synchronize() error {
	return wrap(s.d.name, "cuStreamSynchronize", s.cu.Synchronize())
}

// event is a place in a stream.
type event struct {
	d    *Device
	s    *Stream
	cu   cu.Event
	made bool  // cu is one
	err  error // of recording it
}

// poll reports whether the event came, and an error of the device.
func (e *event) poll() (bool, error) {
	if e.err != nil {
		return true, e.err
	}
	err := e.d.with(func() error { return wrap(e.d.name, "cuEventQuery", e.cu.Query()) })
	if isNotReady(err) {
		return false, nil
	}
	return true, err
}

// Done reports whether all work before the event is done, or has failed.
func (e *event) Done() bool {
	done, _ := e.poll()
	return done
}

// Wait waits for that, or until ctx ends.
func (e *event) Wait(ctx context.Context) error {
	// Most work is short, and handing the wait to another goroutine takes longer.
	const short = 100 * time.Microsecond
	for start := time.Now(); time.Since(start) < short; runtime.Gosched() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if done, err := e.poll(); done {
			return err
		}
	}
	if ctx.Done() == nil {
		return e.synchronize()
	}
	// The driver's wait cannot be broken off, and a timer's shortest sleep may be a
	// millisecond.
	came := make(chan error, 1)
	e.d.waits.Go(func() { came <- e.synchronize() })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-came:
		return err
	}
}

func (e *event) synchronize() error {
	if e.err != nil {
		return e.err
	}
	return e.d.with(func() error { return wrap(e.d.name, "cuEventSynchronize", e.cu.Synchronize()) })
}
