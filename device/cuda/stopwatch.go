//go:build cuda && cgo

package cuda

// Stopwatches: what the GPU takes for work on its stream, by the GPU's clock.

import (
	"errors"
	"time"

	"gorgonia.org/cu"

	"github.com/cotangent-ad/cotangent/device"
)

// stopwatch is two events that note the time when the stream comes to them.
type stopwatch struct {
	s           *Stream
	start, stop cu.Event
}

// Stopwatch returns one for the work on the stream.
func (s *Stream) Stopwatch() (device.Stopwatch, error) {
	w := &stopwatch{s: s}
	err := s.d.with(func() (err error) {
		if w.start, err = cu.MakeEvent(cu.DefaultEvent); err == nil {
			if w.stop, err = cu.MakeEvent(cu.DefaultEvent); err != nil {
				_ = cu.DestroyEvent(&w.start) // the first error tells more
			}
		}
		return wrap(s.d.name, "cuEventCreate", err)
	})
	if err != nil {
		return nil, err
	}
	return w, nil
}

// Start marks the beginning.
func (w *stopwatch) Start() error { return w.mark(w.start) }

// Stop marks the end.
func (w *stopwatch) Stop() error { return w.mark(w.stop) }

func (w *stopwatch) mark(e cu.Event) error {
	return w.s.d.with(func() error { return wrap(w.s.d.name, "cuEventRecord", e.Record(w.s.cu)) })
}

// Elapsed waits for the end; the driver's clock has a resolution of half a microsecond.
func (w *stopwatch) Elapsed() (d time.Duration, err error) {
	err = w.s.d.with(func() error {
		if err := wrap(w.s.d.name, "cuEventSynchronize", w.stop.Synchronize()); err != nil {
			return err
		}
		var err error
		d, err = elapsed(handle(&w.start), handle(&w.stop))
		return err
	})
	return d, err
}

// Close gives the events back.
func (w *stopwatch) Close() error {
	return w.s.d.with(func() error {
		start := wrap(w.s.d.name, "cuEventDestroy", cu.DestroyEvent(&w.start))
		return errors.Join(start, wrap(w.s.d.name, "cuEventDestroy", cu.DestroyEvent(&w.stop)))
	})
}
