// Replays: what runs again on the same memory does recorded work, where the device can
// record it. Queueing kernels one by one costs a GPU more than small kernels take.
//
// A program is recorded as a whole if it is known beforehand what it queues. Where the
// host decides which way it goes, or how often, what comes before and after that is
// recorded by itself, and so is what is decided about: a branch, a condition or a step.

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
	refused bool     // nothing of it can be recorded
	parts   []part   // nil until there is something to record
	places  []replay // the latest last
}

// part is steps of an activation, in a row: those of which it is known what they queue,
// or one of which it is not.
type part struct {
	lo, hi int
	known  bool
}

// replay is what an activation does on certain memory.
type replay struct {
	at       []unsafe.Pointer // operands and results
	runs     int
	recorded []kernels.Recording // of each part, nil where there is none
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
	if r.runs++; r.runs < often || !a.divide() {
		return a.run()
	}
	if r.recorded == nil {
		r.recorded = make([]kernels.Recording, len(rs.parts))
	}
	for i := range rs.parts {
		if rs.parts[i].known && r.recorded[i] == nil {
			if err := a.record(r, i); err != nil {
				return err
			}
		}
		var err error
		if r.recorded[i] != nil {
			err = r.recorded[i].Replay()
		} else {
			err = a.runPart(i)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runPart executes the steps of part i, and what comes after the last.
func (a *activation) runPart(i int) error {
	x := &a.replays.parts[i]
	if err := a.inOrder(x.lo, x.hi); err != nil || x.hi < len(a.steps) {
		return err
	}
	return a.copies()
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

// divide finds the parts, and reports whether there is something to record.
func (a *activation) divide() bool {
	rs := &a.replays
	if rs.parts != nil || rs.refused {
		return !rs.refused
	}
	known := 0
	for s := range a.steps {
		n, ok := a.queues(s)
		known += n
		if last := len(rs.parts) - 1; ok && last >= 0 && rs.parts[last].known {
			rs.parts[last].hi++
		} else {
			rs.parts = append(rs.parts, part{s, s + 1, ok})
		}
	}
	rs.refused = known == 0 || known > mostQueued
	return !rs.refused
}

// queues is how many kernels step s queues; not ok, and 0, where which way it goes, or
// how often, is seen only as it runs.
func (a *activation) queues(s int) (n int, ok bool) {
	f := a.flows[s]
	if f == nil {
		return 1, true
	}
	times := 1
	if f.c.Form == Scan && !f.c.Counted {
		times = f.c.Length
	} else if f.c.Form != Call {
		return 0, false
	}
	for s := range f.bodies[0].steps {
		k, ok := f.bodies[0].queues(s)
		if !ok {
			return 0, false
		}
		n += times * k
	}
	return n, true
}

// record records part i, or finds that it cannot be.
func (a *activation) record(r *replay, i int) error {
	st := a.st
	recorder := st.move.(kernels.Recorder)
	rec, err := recorder.Record(st.p.dev, func(s device.Stream) error {
		b := newBranches(recorder, s)
		st.branches, st.move = b, b
		defer func() {
			b.join()
			st.branches, st.move = nil, st.p.move
		}()
		return a.runPart(i)
	})
	if err != nil || rec == nil {
		a.replays.parts[i].known = errors.Is(err, kernels.ErrCancelled)
		return err
	}
	r.recorded[i] = rec
	st.recorded = append(st.recorded, rec)
	return nil
}

// badReplay reports, of work that is done, whether a recording came upon bad operands.
func (st *state) badReplay() bool {
	return st.missed || slices.ContainsFunc(st.recorded, kernels.Recording.Failed)
}

// drop gives recordings up. Their memory is given back whether or not the driver forgets
// them.
func (st *state) drop(r *replay) {
	for _, rec := range r.recorded {
		if rec != nil {
			_ = rec.Close()
			st.missed = st.missed || rec.Failed()
			st.recorded = slices.DeleteFunc(st.recorded, func(x kernels.Recording) bool { return x == rec })
		}
	}
	r.recorded = nil
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
