package device_test

import (
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
)

// The more is alive, the more may grow before the collector is asked for: what
// is held and never forgotten costs a few collections, not one every so many
// bytes.
func TestCollectionsFollowWhatIsAlive(t *testing.T) {
	h := newHost(t, 0)
	var held []*device.Buffer
	for range 128 {
		held = append(held, alloc(t, h, 16*mib)) // 2 GiB in all, never touched
	}
	if s := h.Stats(); s.Collections < 2 || s.Collections > 6 {
		t.Errorf("%d collections for 128 MiB, 256 MiB, ... 2 GiB", s.Collections)
	}
	for _, b := range held {
		b.Release()
	}
	if s := h.Stats(); s.Forgotten != 0 {
		t.Errorf("%d buffers were forgotten", s.Forgotten)
	}
}

// poolOf is a pool of the machine's memory that is no device's.
func poolOf(spare int64) *device.Pool {
	return device.NewPool(device.PoolConfig{Memory: device.HostMemory(), Spare: spare})
}

// A pool asks for no collection before what was lent has grown by what it can spare.
func TestSpare(t *testing.T) {
	for _, c := range []struct {
		spare int64
		some  bool
	}{{0, true}, {256 * mib, true}, {2048 * mib, false}} {
		p := poolOf(c.spare)
		for range 64 { // 1 GiB in all, forgotten
			if _, err := p.Alloc(16 * mib); err != nil {
				t.Fatal(err)
			}
		}
		s := p.Stats()
		if (s.Collections > 0) != c.some || c.spare > 0 && c.some && s.Collections > 4 {
			t.Errorf("%d collections with %d MiB to spare", s.Collections, c.spare/mib)
		}
		p.Collect()
		if s := p.Stats(); s.Live != 0 {
			t.Errorf("%d buffers left", s.Live)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// GOGC=off turns the pool's own collections off too, but for want of memory.
func TestGOGCOff(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	h := newHost(t, 0)
	for range 64 {
		alloc(t, h, 16*mib)
	}
	if s := h.Stats(); s.Collections != 0 || s.Live != 64 {
		t.Errorf("%d collections, %d live", s.Collections, s.Live)
	}
	h.SetLimit(1 << 30)
	alloc(t, h, 16*mib).Release()
	if s := h.Stats(); s.Collections == 0 {
		t.Error("no collection at the limit")
	}
}

// A buffer that only an object with a finalizer holds takes two collections.
func TestForgottenBehindAFinalizer(t *testing.T) {
	h := newHost(t, 16*mib)
	type owner struct{ b *device.Buffer }
	for range 10 {
		o := &owner{alloc(t, h, 16*mib)}
		runtime.SetFinalizer(o, func(*owner) {})
	}
}

// takings counts what is taken from a memory, and what it was told to give up.
type takings struct {
	device.Memory
	taken, given, trims int
}

func (m *takings) Take(n int) (unsafe.Pointer, error) { m.taken += n; return m.Memory.Take(n) }
func (m *takings) Give(p unsafe.Pointer, n int)       { m.given += n; m.Memory.Give(p, n) }
func (m *takings) Trim()                              { m.trims++ }

// A loop that forgets one large temporary after another runs in the memory that it
// took at first, wherever in a round the collections fall; and the next phase of the
// program gives that back.
func TestSteadyLoopTakesNothing(t *testing.T) {
	m := &takings{Memory: device.HostMemory()}
	p := device.NewPool(device.PoolConfig{Memory: m, Spare: 450 * mib})
	round := func(sizes ...int) {
		for _, n := range sizes {
			if _, err := p.Alloc(n * mib); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := func() { round(16, 16, 24, 40, 16, 24, 20, 20, 16) }
	for range 30 {
		first()
	}
	before := *m
	for range 300 {
		first()
	}
	lent := 300 * 192 * mib
	// A collection that comes late, on a busy machine, may cost a block.
	if s := p.Stats(); m.taken-before.taken > lent/100 || s.Collections < 20 {
		t.Errorf("%d MiB taken, %d MiB given back, %d collections", (m.taken-before.taken)/mib, (m.given-before.given)/mib, s.Collections)
	}

	for range 300 {
		round(12, 8, 12)
	}
	if s := p.Stats(); s.Pooled+s.Outstanding > 450*mib || m.trims == 0 {
		t.Errorf("the first phase's memory is kept: %v", s)
	}
	p.Collect()
	if err := p.Close(); err != nil || m.taken != m.given {
		t.Errorf("Close: %v, %d bytes left", err, m.taken-m.given)
	}
}
