// Replays: what runs again on the same memory does recorded work, where the device can
// record it. Queueing kernels one by one costs a GPU more than small kernels take.
//
// A program is recorded as a whole if it is known beforehand what it queues. Where the
// host decides which way it goes, or how often, what is decided about, a branch, a
// condition or a step, is recorded by itself.

package graph

import (
	"errors"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

const (
	// mostQueued is the steps that a recording may have: what is recorded takes memory
	// and time to set up.
	mostQueued = 1 << 14
	// mostPlaces is for how many places of its operands and results an activation is
	// recorded. The carries of a loop come from before it, or from either of their two
	// places.
	mostPlaces = 4

	// From which run on the same memory on there is a recording. To make one takes as
	// long as some runs, and a loop may come by on memory that it never sees again.
	secondRun = 2
	oftenRun  = 4
)

// replays is what an activation knows of its last runs.
type replays struct {
	refused bool     // it cannot be recorded
	places  []replay // the latest last
}

// replay is what an activation does on certain memory.
type replay struct {
	at       []unsafe.Pointer // operands and results
	runs     int
	recorded kernels.Recording // nil where there is none yet
}

// errBadReplay ends a run in which a recording came upon bad operands.
var errBadReplay = errors.New("graph: a recording met bad operands")

// again runs an activation that may be run often: by a recording, from so many runs on
// the same memory on.
func (a *activation) again(often int) error {
	st, rs := a.st, &a.replays
	// What is staged is copied over operands in the end: no run after that tells what
	// was wrong with them.
	if st.plain || rs.refused || st.branches != nil || st.overlaps.any {
		return a.run()
	}
	r := a.place()
	if r == nil {
		return a.run()
	}
	if r.runs++; r.recorded == nil {
		if r.runs < often {
			return a.run()
		}
		if err := a.record(r); err != nil {
			return err
		}
		if rs.refused {
			a.dropPlaces()
			return a.run()
		}
	}
	return r.recorded.Replay()
}

// place returns what is known of the memory that operands and results are in now; nil
// if some of it is not the device's: that is passed by value, and changes.
func (a *activation) place() *replay {
	rs := &a.replays
	i := slices.IndexFunc(rs.places, func(r replay) bool { return a.isAt(r.at) })
	var r replay
	switch {
	case i >= 0:
		if i == len(rs.places)-1 {
			return &rs.places[i]
		}
		r = rs.places[i]
	case !a.onDevice():
		return nil
	default:
		if len(rs.places) == mostPlaces {
			i = 0
			a.st.drop(&rs.places[0])
			r.at = rs.places[0].at[:0]
		}
		for _, list := range [2][]memory{a.ins, a.outs} {
			for _, m := range list {
				r.at = append(r.at, m.ptr)
			}
		}
	}
	if i >= 0 {
		rs.places = slices.Delete(rs.places, i, i+1)
	}
	rs.places = append(rs.places, r)
	return &rs.places[len(rs.places)-1]
}

// isAt reports whether operands and results are at given places.
func (a *activation) isAt(at []unsafe.Pointer) bool {
	for i, m := range a.ins {
		if m.ptr != at[i] {
			return false
		}
	}
	for i, m := range a.outs {
		if m.ptr != at[len(a.ins)+i] {
			return false
		}
	}
	return true
}

func (a *activation) onDevice() bool {
	in := func(list []memory, values []Ref) bool {
		for i, v := range values {
			if list[i].buf == nil && a.values[v].Size() > 0 {
				return false
			}
		}
		return true
	}
	return in(a.ins, a.g.Params) && in(a.outs, a.g.Outputs)
}

// record records the activation, or finds that it cannot be.
func (a *activation) record(r *replay) (err error) {
	st := a.st
	if n, ok := a.queued(); ok && n <= mostQueued {
		r.recorded, err = st.move.(kernels.Recorder).Record(st.p.dev, func(s device.Stream) error {
			b := newBranches(st.move.(kernels.Recorder), s)
			st.branches, st.move = b, b
			defer func() {
				b.join()
				st.branches, st.move = nil, st.p.move
			}()
			return a.run()
		})
	}
	if r.recorded != nil {
		a.st.recorded = append(a.st.recorded, r.recorded)
	}
	a.replays.refused = r.recorded == nil && !errors.Is(err, kernels.ErrCancelled)
	return err
}

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

// badReplay reports, of work that is done, whether a recording came upon bad operands.
func (st *state) badReplay() bool {
	return slices.ContainsFunc(st.recorded, kernels.Recording.Failed)
}

// drop gives a recording up. Its memory is given back whether or not the driver forgets
// it.
func (st *state) drop(r *replay) {
	if r.recorded != nil {
		_ = r.recorded.Close()
		st.recorded = slices.DeleteFunc(st.recorded, func(x kernels.Recording) bool { return x == r.recorded })
		r.recorded = nil
	}
}

// dropReplays gives all recordings up, those of bodies too.
func (a *activation) dropReplays() {
	a.dropPlaces()
	for _, f := range a.flows {
		if f != nil {
			for _, b := range f.bodies {
				b.dropReplays()
			}
		}
	}
}

func (a *activation) dropPlaces() {
	for i := range a.replays.places {
		a.st.drop(&a.replays.places[i])
	}
	a.replays.places = nil
}
