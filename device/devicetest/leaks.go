package devicetest

// Leaks: what a test took from a device and did not give back.

import (
	"context"
	"time"

	"github.com/cotangent-ad/cotangent/device"
)

// T is what these assertions need of a *testing.T or *testing.B.
type T interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
}

// patience is how long the collector may take to find what was forgotten.
var patience = 5 * time.Second

// NoLeaks fails t at its end if d's buffers that t took are still outstanding
// then, even after garbage collections, or if one was used against its
// contract. Tests that run at the same time need a device each.
func NoLeaks(t T, d device.Device) {
	t.Helper()
	watch(t, d, false)
}

// AllReleased is NoLeaks for tests of code that forgets no buffer: it also
// fails t if the collector had to give one back.
func AllReleased(t T, d device.Device) {
	t.Helper()
	watch(t, d, true)
}

func watch(t T, d device.Device, released bool) {
	t.Helper()
	before := d.Stats()
	t.Cleanup(func() {
		t.Helper()
		told := func(err error) {
			if err != nil {
				t.Errorf("device %s: at the test's end: %v", d.Name(), err)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		told(d.Sync(ctx))
		for !released && d.Stats().Live > before.Live && ctx.Err() == nil {
			collect(d)
		}
		if c, ok := d.(interface{ Check() error }); ok {
			told(c.Check())
		}
		after := d.Stats()
		if n := after.Live - before.Live; n > 0 {
			t.Errorf("device %s: %d buffers are still outstanding (%s)", d.Name(), n,
				device.FormatBytes(after.Outstanding-before.Outstanding))
		}
		if n := after.Forgotten - before.Forgotten; released && n > 0 {
			t.Errorf("device %s: the collector had to give %d buffers back", d.Name(), n)
		}
		if n := after.Misuses - before.Misuses; n > 0 {
			t.Errorf("device %s: %d misuses of buffers; the first ever: %v", d.Name(), n, after.Err)
		}
	})
}

// collect runs the garbage collector for forgotten buffers of d, whose memory
// may come back only when its stream has got there.
func collect(d device.Device) {
	if c, ok := d.(interface{ Collect() }); ok {
		c.Collect()
	}
	_ = d.Sync(context.Background()) // its error was told before
	time.Sleep(time.Millisecond)
}
