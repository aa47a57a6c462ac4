//go:build cuda && cgo

package cuda_test

// Failures of kernels and devices, and calls of the driver that fail once: what was to be
// done then fails with an error of its type, or is done all the same, and the next time
// it works.

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/device/devicetest"
)

// Failures come back as errors of their types, and nothing is left behind.
func TestFailures(t *testing.T) {
	onStandIn(t)
	for _, c := range []struct{ name, env string }{
		{"TestOutOfMemoryChild", "A="}, {"TestLaunchFailureChild", "A="}, {"TestLostChild", "A="}, {"TestOutOfBoundsChild", "A="},
		{"TestOutOfMemoryChild", "STANDIN_NO_POOLS=1"},
	} {
		devicetest.Child(t, c.name, c.env)
	}
}

func TestLaunchFailureChild(t *testing.T) {
	devicetest.InChild(t)
	d, b := openWith(t, 4)
	t.Setenv("STANDIN_FAIL", "launch:0")
	err := launch(d, source, "fill", 32, b, float32(1), int32(1))
	var failed *cuda.DriverError
	if !errors.As(err, &failed) || failed.Call != "cuLaunchKernel" || errors.Is(err, device.ErrLost) {
		t.Errorf("got %v", err)
	}
	t.Setenv("STANDIN_FAIL", "")
	if err := launch(d, source, "fill", 32, b, float32(1), int32(1)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if got := floats(t, d, b); got[0] != 1 {
		t.Errorf("afterwards: %v", got)
	}
}

// lostAfter sees that a device is lost: by what was queued, and for good.
func lostAfter(t *testing.T, d *cuda.Device) {
	t.Helper()
	if err := d.Sync(t.Context()); !errors.Is(err, device.ErrLost) {
		t.Errorf("Sync: %v", err)
	}
	for _, err := range []error{
		func() error { _, err := d.Alloc(8); return err }(),
		d.Sync(t.Context()),
	} {
		if !errors.Is(err, device.ErrLost) {
			t.Errorf("afterwards: %v", err)
		}
	}
	if !d.Stream().Record().Done() {
		t.Error("who waits for a lost device waits for ever")
	}
}

func TestLostChild(t *testing.T) {
	devicetest.InChild(t)
	d, b := openWith(t, 4)
	t.Setenv("STANDIN_FAIL", "lost:0")
	if err := launch(d, source, "fill", 32, b, float32(1), int32(1)); err != nil {
		t.Fatal(err)
	}
	lostAfter(t, d)
}

func TestOutOfBoundsChild(t *testing.T) {
	devicetest.InChild(t)
	d, b := openWith(t, 64)
	if err := launch(d, source, "fill", 32, b, float32(1), int32(17)); err != nil {
		t.Fatal(err)
	}
	lostAfter(t, d)
}

// onceEach calls do with the first call of the driver failing, then the second, until
// none is left to fail: with all that come after it, then alone. Each try has a number.
func onceEach(t *testing.T, least int, do func(try int) error) {
	t.Helper()
	failed := 0
	for n := 0; n < 1000; n++ {
		t.Setenv("STANDIN_FAIL", fmt.Sprintf("call:%d", n))
		all := do(3 * n)
		t.Setenv("STANDIN_FAIL", fmt.Sprintf("once:%d", n))
		one := do(3*n + 1)
		t.Setenv("STANDIN_FAIL", "")
		for _, err := range []error{all, one} {
			var cause *cuda.DriverError
			if err != nil && (!errors.As(err, &cause) || cause.Code != 304) {
				t.Errorf("call %d fails: %v", n, err)
			}
		}
		if err := do(3*n + 2); err != nil {
			t.Errorf("after call %d failed: %v", n, err)
		}
		if all == nil {
			if failed < least {
				t.Errorf("%d calls could fail, expected %d at least", failed, least)
			}
			return
		}
		failed++
	}
	t.Error("calls fail without end")
}

func TestFailedCalls(t *testing.T) {
	onStandIn(t)
	devicetest.Child(t, "TestOpeningFailsChild")
	devicetest.Child(t, "TestEventsEndChild")
	devicetest.Child(t, "TestLaunchingFailsChild")
	devicetest.Child(t, "TestPeersFailChild", "STANDIN_DEVICES=2")
}

func TestOpeningFailsChild(t *testing.T) {
	devicetest.InChild(t)
	before := taken(t)
	onceEach(t, 6, func(int) error { // the context, the stream, two stages with their events
		d, err := device.Open("cuda")
		if err != nil {
			return err
		}
		return d.Close()
	})
	if after := taken(t); !maps.Equal(after, before) {
		t.Errorf("in use are %v, before there were %v", after, before)
	}
}

// taken is how much more of each the driver was asked for than it was given back, while
// one device is open.
func taken(t *testing.T) map[string]int {
	t.Helper()
	file := filepath.Join(t.TempDir(), "calls")
	t.Setenv("STANDIN_CALLS", file)
	d := open(t, "cuda")
	if err := errors.Join(d.Sync(context.Background()), d.Close(), d.Close()); err != nil { // once more does no harm
		t.Fatal(err)
	}
	t.Setenv("STANDIN_CALLS", "")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]int{}
	for line := range strings.Lines(string(text)) {
		var name string
		var n int
		if _, err := fmt.Sscan(line, &name, &n); err != nil {
			t.Fatal(err)
		}
		calls[name] = n
	}
	left := map[string]int{}
	for take, give := range map[string]string{
		"cuDevicePrimaryCtxRetain": "cuDevicePrimaryCtxRelease_v2", "cuStreamCreate": "cuStreamDestroy_v2", "cuMemHostAlloc": "cuMemFreeHost",
		"cuEventCreate": "cuEventDestroy_v2", "cuMemPoolCreate": "cuMemPoolDestroy",
	} {
		if left[take] = calls[take] - calls[give]; left[take] == 0 {
			t.Errorf("%s takes nothing while a device is open", take)
		}
	}
	return left
}

// Events that nobody has collected when their device is closed end with its context: the
// driver is asked nothing about them any more, as another device may be open by then.
func TestEventsEndChild(t *testing.T) {
	devicetest.InChild(t)
	before := taken(t)
	const events = 3
	closed, err := device.Open("cuda")
	if err != nil {
		t.Fatal(err)
	}
	for range events {
		closed.Stream().Record()
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	next := open(t, "cuda")
	for range 20 {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	if n := taken(t)["cuEventCreate"] - before["cuEventCreate"]; n != events {
		t.Errorf("%d events were left to their context, want %d", n, events)
	}
}

func TestLaunchingFailsChild(t *testing.T) {
	devicetest.InChild(t)
	d, b := openWith(t, 4)
	onceEach(t, 3, func(try int) error { // loading, finding, launching
		return launch(d, fmt.Sprintf("%s // %d", source, try/3), "fill", 32, b, float32(1), int32(1))
	})
}

// Where an event cannot be had, or waited for, the host waits, and the order of work on
// two devices stays.
func TestPeersFailChild(t *testing.T) {
	devicetest.InChild(t)
	a, b := open(t, "cuda"), open(t, "cuda:1")
	from, to := alloc(t, a, 4), alloc(t, b, 4)
	onceEach(t, 7, func(try int) error { // two launches, two events made, recorded and waited for
		err := launch(a, source, "fill", 32, from, float32(try), int32(1))
		if err == nil {
			err = b.CopyPeer(to, 0, from, 0, 4)
		}
		if err == nil {
			err = launch(a, source, "fill", 32, from, float32(-1), int32(1))
		}
		if err != nil {
			return err
		}
		got := make([]byte, 4)
		if err := b.CopyOut(got, to, 0); err != nil {
			return err
		}
		if v := math.Float32frombits(binary.NativeEndian.Uint32(got)); v != float32(try) {
			t.Errorf("try %d copied %v", try, v)
		}
		return nil
	})
}
