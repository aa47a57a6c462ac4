package device

// Streams: a device's queue of work, and the events that mark places in it.

import (
	"context"
	"time"
)

// Stream is a queue of work that a device carries out in order. On "cpu" and
// "ref" work is done before Do returns; elsewhere later, until Sync.
type Stream interface {
	// Do appends op. Where ops run later, a panic of op becomes the error of
	// the next Sync; where Do runs it at once, it passes through Do.
	Do(op func())
	// Record marks the place behind all work appended so far.
	Record() Event
	// Wait makes the work appended from now on wait for e, an event of any
	// device. The caller does not wait where work runs later.
	Wait(e Event)
	// Sync waits until all work appended so far is done, or ctx ends, and
	// returns the error of that work or of ctx.
	Sync(ctx context.Context) error
}

// Prompt is a stream whose Do calls its function at once. A caller may as well do that
// itself, on one goroutine between Enter and Leave: without a closure.
type Prompt interface {
	Stream
	Enter() error
	Leave()
}

// Event is a place in a stream.
type Event interface {
	// Done reports whether all work before the event is done.
	Done() bool
	// Wait waits for that, or until ctx ends, and returns ctx's error then.
	Wait(ctx context.Context) error
}

// Timer is a stream whose work runs where the caller's clock does not see it.
type Timer interface {
	Stream
	// Stopwatch returns a new one, to be closed by the caller.
	Stopwatch() (Stopwatch, error)
}

// Stopwatch tells how long a stream's work took. It can be used again and again.
type Stopwatch interface {
	Start() error // marks the place behind the work appended so far
	Stop() error  // marks another one
	// Elapsed waits until the work before Stop is done, and returns the time from one
	// place to the other.
	Elapsed() (time.Duration, error)
	Close() error
}

// inline is the stream of a device that works in its caller's goroutine.
type inline struct{}

func (inline) Do(op func())  { op() }
func (inline) Record() Event { return past{} }

func (inline) Wait(e Event) {
	// Without a deadline an event can only come; there is no error to tell.
	_ = e.Wait(context.Background())
}

func (inline) Sync(ctx context.Context) error { return ctx.Err() }

// past is an event that lies behind.
type past struct{}

func (past) Done() bool                 { return true }
func (past) Wait(context.Context) error { return nil }
