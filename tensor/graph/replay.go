// Replays: a program that runs again on the same memory does recorded work, where
// the device can record it. Queueing kernels one by one costs a GPU more than
// small kernels take.

package graph

import (
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// replays is what a state knows of its last run.
type replays struct {
	seen     []unsafe.Pointer // where operands and results were
	recorded kernels.Recording
	refused  bool // it cannot be recorded
	replayed bool // the run in progress is a replay
}

// replay does the run by a recording, if there is one or can be: from the second
// run in a row on the same memory.
func (st *state) replay() (done bool, err error) {
	st.r.replayed = false
	recorder, ok := st.p.move.(kernels.Recorder)
	if !ok || st.r.refused {
		return false, nil
	}
	if n, ok := st.queued(); !ok || n > mostQueued {
		st.r.refused = true
		return false, nil
	}
	if st.overlaps.any || !st.r.same(st.run.In, st.run.Out) {
		return false, st.r.drop()
	}
	if st.r.recorded == nil {
		st.r.recorded, err = recorder.Record(st.p.dev, st.queue)
		if err != nil || st.r.recorded == nil {
			st.r.refused = true
			return false, err
		}
	}
	st.r.replayed = true
	return true, st.r.recorded.Replay()
}

// failed reports, when a run is done, whether it was a replay that came upon bad
// operands, and gives the recording up.
func (r *replays) failed() (bool, error) {
	if !r.replayed || !r.recorded.Failed() {
		return false, nil
	}
	r.refused = true
	return true, r.drop()
}

// mostQueued is the steps that a recording may have: what is recorded takes memory
// and time to set up.
const mostQueued = 1 << 14

// queued is how many steps a run queues; not ok where which way it goes, or how
// often, is seen only as it runs.
func (a *activation) queued() (n int, ok bool) {
	for _, f := range a.flows {
		if f == nil {
			n++
			continue
		}
		times := 1
		if f.c.Form == Scan && !f.c.Counted {
			times = f.c.Length
		} else if f.c.Form != Call {
			return 0, false
		}
		k, ok := f.bodies[0].queued()
		if !ok {
			return 0, false
		}
		n += times * k
	}
	return n, true
}

// queue queues the steps for a recording that begins on a stream.
func (st *state) queue(s device.Stream) error {
	b := newBranches(st.p.move.(kernels.Recorder), s)
	st.branches, st.move = b, b
	defer func() {
		b.join()
		st.branches, st.move = nil, st.p.move
	}()
	return st.activation.run()
}

// same reports whether operands, all of them dense, and results are where they
// were at the last run.
func (r *replays) same(in, out []*kernels.Array) bool {
	same := len(r.seen) == len(in)+len(out)
	if !same {
		r.seen = make([]unsafe.Pointer, len(in)+len(out))
	}
	for i := range r.seen {
		a := out[max(0, i-len(in)):]
		if i < len(in) {
			a = in[i:]
		}
		// What is no device's memory is passed by value, and changes.
		same = same && a[0].Ptr == r.seen[i] && a[0].Dense() && (a[0].Buf != nil || a[0].Size() == 0)
		r.seen[i] = a[0].Ptr
	}
	return same
}

// drop gives a recording up.
func (r *replays) drop() error {
	if r.recorded == nil {
		return nil
	}
	err := r.recorded.Close()
	r.recorded = nil
	return err
}
