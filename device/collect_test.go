package device_test

import (
	"runtime"
	"runtime/debug"
	"testing"

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
