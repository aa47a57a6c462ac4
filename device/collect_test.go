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
