// Branches of recorded work: what does not depend on each other goes to streams
// side by side, so that small kernels share a device. Who waits for whom follows
// from the memory that each piece of work reads and writes, which the plan uses
// again and again.

package graph

import (
	"slices"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// mostBranches is how many streams a recording is spread over.
const mostBranches = 4

// branches spreads the work of a recording over streams.
type branches struct {
	recorder kernels.Recorder
	streams  []device.Stream // the recording's own first
	last     []int           // the last piece on each stream, -1 before the first
	pieces   []piece
	touched  []touch
	root     device.Event // before all work
}

// piece is a piece of work.
type piece struct {
	stream int
	done   device.Event
}

// touch is memory that a piece reads or writes.
type touch struct {
	lo, hi uintptr
	piece  int
	writes bool
}

func newBranches(r kernels.Recorder, s device.Stream) *branches {
	return &branches{recorder: r, streams: []device.Stream{s}, last: []int{-1}, root: s.Record()}
}

// queue calls work with the stream for a piece that reads in and writes out.
func (b *branches) queue(in, out []*kernels.Array, work func(device.Stream) error) error {
	n := len(b.pieces)
	need := b.touch(n, in, out)
	at, err := b.choose(need)
	if err != nil {
		return err
	}
	s := b.streams[at]
	for other, p := range b.latest(need) {
		if p >= 0 && other != at {
			s.Wait(b.pieces[p].done)
		}
	}
	err = work(s)
	b.last[at] = n
	b.pieces = append(b.pieces, piece{at, s.Record()})
	return err
}

// touch notes what piece n reads and writes, and returns the pieces that it must
// follow.
func (b *branches) touch(n int, in, out []*kernels.Array) (need []int) {
	follow := func(a *kernels.Array, writes bool) (t touch) {
		s := spanOf(a, 0, 0)
		t = touch{s.lo, s.hi, n, writes}
		for _, u := range b.touched {
			if u.piece != n && u.lo < t.hi && t.lo < u.hi && (u.writes || writes) {
				need = append(need, u.piece)
			}
		}
		return t
	}
	for _, a := range in {
		if a.Buf != nil && a.Size() > 0 {
			b.touched = append(b.touched, follow(a, false))
		}
	}
	for _, a := range out {
		if a.Buf != nil && a.Size() > 0 {
			t := follow(a, true)
			// Who follows this piece follows what it covers.
			b.touched = slices.DeleteFunc(b.touched, func(u touch) bool { return t.lo <= u.lo && u.hi <= t.hi })
			b.touched = append(b.touched, t)
		}
	}
	return need
}

// latest returns of each stream the last of some pieces, -1 where there is none.
func (b *branches) latest(need []int) (at [mostBranches]int) {
	for i := range at {
		at[i] = -1
	}
	for _, p := range need {
		s := b.pieces[p].stream
		at[s] = max(at[s], p)
	}
	return at
}

// choose returns the stream of a piece: the one whose last work is the latest that
// it follows, else a new one while there may be more, else the one that has been
// given nothing for longest.
func (b *branches) choose(need []int) (int, error) {
	best := -1
	for s, p := range b.latest(need) {
		if p >= 0 && b.last[s] == p && (best < 0 || p > b.last[best]) {
			best = s
		}
	}
	switch {
	case best >= 0:
		return best, nil
	case b.last[0] < 0:
		return 0, nil
	case len(b.streams) < mostBranches:
		s, err := b.recorder.Fork(b.streams[0])
		if err != nil {
			return 0, err
		}
		s.Wait(b.root)
		b.streams, b.last = append(b.streams, s), append(b.last, -1)
		return len(b.streams) - 1, nil
	}
	return slices.Index(b.last, slices.Min(b.last)), nil
}

// join has the recording's own stream follow all work.
func (b *branches) join() {
	for s, p := range b.last[1:] {
		if p >= 0 {
			b.streams[0].Wait(b.pieces[p].done)
		} else {
			b.streams[0].Wait(b.streams[s+1].Record())
		}
	}
}

// run has a kernel queue its work.
func (b *branches) run(k kernels.Kernel, c *kernels.Call) error {
	return b.queue(c.In, c.Out, func(s device.Stream) error {
		c.Stream = s
		defer func() { c.Stream = nil }()
		return k.Run(c)
	})
}

// Copy sets dst to src.
func (b *branches) Copy(dst, src kernels.Array) error {
	return b.queue([]*kernels.Array{&src}, []*kernels.Array{&dst}, func(s device.Stream) error {
		return b.recorder.On(s).Copy(dst, src)
	})
}

// Clear sets a dense array to zeros.
func (b *branches) Clear(a kernels.Array) error {
	return b.queue(nil, []*kernels.Array{&a}, func(s device.Stream) error { return b.recorder.On(s).Clear(a) })
}

// Int is what cannot be recorded: which way the work goes would depend on it.
func (b *branches) Int(a kernels.Array) (int64, error) { return b.recorder.On(b.streams[0]).Int(a) }
