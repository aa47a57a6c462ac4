//go:build cuda && cgo

package cuda

// Recordings: work captured once in a CUDA graph and launched again as a whole.

import (
	"errors"
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/device"
)

// ErrRecording is the error of what a recording cannot hold: looking at values
// while the work is queued, as for an index that may be out of range.
var ErrRecording = errors.New("cuda: work that waits for the host cannot be recorded")

// Recording is work that can be done again.
type Recording struct {
	d    *Device
	g    *graph
	kept []*device.Buffer // the scratch memory of its kernels
	side []*Stream        // while it is made: streams beside the first
	flag *uint64          // tells of indices out of range, nil where there are none
	err  error            // of putting its work in order

	failed bool // when it was closed
}

// Record calls queue with a stream that keeps the work instead of doing it. It
// returns nil where some of the work cannot be kept.
func (d *Device) Record(queue func(device.Stream) error) (*Recording, error) {
	r := &Recording{d: d}
	err := d.with(func() error {
		s, err := newStream(d)
		if err != nil {
			return err
		}
		s.recording = r
		if err = beginCapture(handle(&s.cu)); err == nil {
			failed := queue(s)
			if r.err != nil { // whatever else there was, the order is not right
				failed = r.err
			}
			r.g, err = endCapture(handle(&s.cu), failed == nil)
			for _, t := range r.side {
				err = errors.Join(err, t.close())
			}
			r.side = nil
			if failed != nil && !errors.Is(failed, ErrRecording) {
				err = failed
			}
		}
		return errors.Join(err, s.close())
	})
	if err != nil || r.g == nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Fork returns another stream for work of the recording that s belongs to, which is
// to wait for an event of it first, and to be waited for in the end.
func (s *Stream) Fork() (*Stream, error) {
	t, err := newStream(s.d)
	if err != nil {
		return nil, err
	}
	t.recording = s.recording
	s.recording.side = append(s.recording.side, t)
	return t, nil
}

// Recording reports whether the stream keeps its work instead of doing it.
func (s *Stream) Recording() bool { return s.recording != nil }

// Replay queues the work on the device's stream. It is called within Stream.Do.
func (r *Recording) Replay() error { return r.g.launch(handle(&r.d.stream.cu)) }

// Failed reports, once the work is done, whether it has ever met an index out of range.
// What it made is then not to be used.
func (r *Recording) Failed() bool {
	return r.failed || r.flag != nil && atomic.LoadUint64(r.flag) != 0
}

// Close waits for the work and gives the recording's memory back. Failed stays what it is.
func (r *Recording) Close() error {
	g := r.g
	r.g = nil
	var err error
	if g != nil {
		err = r.d.with(func() error {
			// A run that was broken off may still be under way; its error is not of this.
			_ = r.d.stream.synchronize()
			return g.destroy()
		})
	}
	for _, b := range r.kept {
		b.Release()
	}
	r.kept = nil
	if r.flag != nil {
		r.failed = r.Failed()
		r.d.flags.put(r.flag)
		r.flag = nil
	}
	return err
}
