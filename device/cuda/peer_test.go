//go:build cuda && cgo

package cuda_test

// Copies between devices: their order beside the work of either, devices that are lost,
// drivers that refuse.

import (
	"bytes"
	"errors"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/device/devicetest"
)

func TestPeers(t *testing.T) {
	onStandIn(t)
	for _, name := range []string{"TestPeerOrderChild", "TestPeerReleaseChild", "TestPeerRefusedChild", "TestLostSourceChild", "TestLostReaderChild"} {
		for _, env := range []string{"A=", cuda.EnvExact + "=", "STANDIN_NO_POOLS=1"} {
			devicetest.Child(t, name, "STANDIN_DEVICES=3", env)
		}
	}
}

// set queues the filling of a buffer.
func set(t *testing.T, d *cuda.Device, b *device.Buffer, v float32) {
	t.Helper()
	if err := launch(d, source, "fill", 32, b, v, int32(8)); err != nil {
		t.Fatal(err)
	}
}

// The copy waits for what makes the source, and what changes the source for the copy:
// without either wait something else arrives, depending on who is waited for first.
func TestPeerOrderChild(t *testing.T) {
	devicetest.InChild(t)
	a, b := open(t, "cuda"), open(t, "cuda:1")
	from, to := alloc(t, a, 4*8), alloc(t, b, 4*8)
	for _, c := range []struct {
		plant               string
		reader, sourceFirst float32 // what arrives, by who is waited for first
	}{{"", 7, 7}, {"wait:0", 5, 7}, {"wait:1", 7, 8}} {
		for _, sourceFirst := range []bool{false, true} {
			set(t, a, from, 5)
			if err := errors.Join(a.Sync(t.Context()), b.Sync(t.Context())); err != nil {
				t.Fatal(err)
			}
			set(t, a, from, 7)
			t.Setenv("STANDIN_FAIL", c.plant)
			err := b.CopyPeer(to, 0, from, 0, 4*8)
			t.Setenv("STANDIN_FAIL", "")
			if err != nil {
				t.Fatal(err)
			}
			set(t, a, from, 8)
			want := c.reader
			if sourceFirst {
				want = c.sourceFirst
				if err := a.Sync(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := floats(t, b, to); got[0] != want || got[7] != want {
				t.Errorf("with the fault %q, source first %v, %v arrive, want %v", c.plant, sourceFirst, got, want)
			}
			if got := floats(t, a, from); got[0] != 8 {
				t.Errorf("with the fault %q, source first %v, the source has %v", c.plant, sourceFirst, got)
			}
		}
	}
}

// Memory of the source may be released at once: nobody has it before the copy is done.
func TestPeerReleaseChild(t *testing.T) {
	devicetest.InChild(t)
	a, b := open(t, "cuda"), open(t, "cuda:1")
	to := alloc(t, b, 4*8)
	for range 3 {
		from, err := a.Alloc(4 * 8)
		if err != nil {
			t.Fatal(err)
		}
		set(t, a, from, 7)
		if err := b.CopyPeer(to, 0, from, 0, 4*8); err != nil {
			t.Fatal(err)
		}
		from.Release()
		again, err := a.Alloc(4 * 8)
		if err != nil {
			t.Fatal(err)
		}
		set(t, a, again, 8)
		if err := a.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.Trim()
		again.Release()
		if got := floats(t, b, to); got[0] != 7 {
			t.Errorf("copied %v", got)
		}
	}
}

// Where the driver has no way from card to card, the copy goes through the host.
func TestPeerRefusedChild(t *testing.T) {
	devicetest.InChild(t)
	a, b := open(t, "cuda"), open(t, "cuda:1")
	for _, n := range []int{1, 1 << 20, 3<<20 + 5} {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte(i*7 + i>>8)
		}
		from, errA := a.Alloc(n + 3)
		to, errB := b.Alloc(n + 9)
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		for _, refused := range []string{"", "peers"} {
			if err := errors.Join(a.CopyIn(from, 3, want), b.CopyIn(to, 9, make([]byte, n))); err != nil {
				t.Fatal(err)
			}
			t.Setenv("STANDIN_FAIL", refused)
			err := b.CopyPeer(to, 9, from, 3, n)
			t.Setenv("STANDIN_FAIL", "")
			got := make([]byte, n)
			if err = errors.Join(err, b.CopyOut(got, to, 9)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, refused %q: came otherwise, %v", n, refused, err)
			}
		}
		var bad *device.RangeError
		if err := b.CopyPeer(to, 10, from, 3, n); !errors.As(err, &bad) {
			t.Errorf("a copy past the end: %v", err)
		}
		if err := b.CopyPeer(to, 9, from, 3, -1); !errors.As(err, &bad) {
			t.Errorf("a copy of less than nothing: %v", err)
		}
		var foreign *device.ForeignError
		if err := b.CopyPeer(from, 3, to, 9, n); !errors.As(err, &foreign) {
			t.Errorf("a copy to another device's buffer: %v", err)
		}
		if err := a.CopyIn(to, 0, want); !errors.As(err, &foreign) {
			t.Errorf("bytes for another device's buffer: %v", err)
		}
		from.Release()
		to.Release()
		var gone *device.MisuseError
		if err := b.CopyPeer(to, 9, from, 3, n); !errors.As(err, &gone) {
			t.Errorf("a copy of a released buffer: %v", err)
		}
	}
}

// What was made of a lost device's work is not to be had, from whichever device: here
// one that copied from it, and one that copied from that. A device apart goes on.
func TestLostSourceChild(t *testing.T) {
	devicetest.InChild(t)
	a, b, c := open(t, "cuda"), open(t, "cuda:1"), open(t, "cuda:2")
	x, y, z := alloc(t, a, 4*8), alloc(t, b, 4*8), alloc(t, c, 4*8)
	set(t, b, y, 1)
	set(t, c, z, 2)
	t.Setenv("STANDIN_FAIL", "lost:0")
	set(t, a, x, 3)
	t.Setenv("STANDIN_FAIL", "")
	if err := b.CopyPeer(y, 0, x, 0, 4*8); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 4)
	for i := range 3 {
		if err := b.CopyOut(got, y, 0); !errors.Is(err, device.ErrLost) {
			t.Errorf("read %d: %v, %v", i, got, err)
		}
		if err := b.Sync(t.Context()); !errors.Is(err, device.ErrLost) {
			t.Errorf("wait %d: %v", i, err)
		}
	}
	if got := floats(t, c, z); got[0] != 2 {
		t.Errorf("a device apart has %v", got)
	}
	if err := c.CopyPeer(z, 0, x, 0, 4*8); !errors.Is(err, device.ErrLost) {
		// The driver may take the copy all the same.
		if err = errors.Join(err, c.Sync(t.Context())); !errors.Is(err, device.ErrLost) {
			t.Errorf("a copy from a lost device: %v", err)
		}
	}
	if err := a.Sync(t.Context()); !errors.Is(err, device.ErrLost) {
		t.Errorf("the lost one: %v", err)
	}
}

// A source outlives those that read it.
func TestLostReaderChild(t *testing.T) {
	devicetest.InChild(t)
	a, b := open(t, "cuda"), open(t, "cuda:1")
	x, y := alloc(t, a, 4*8), alloc(t, b, 4*8)
	set(t, a, x, 1)
	t.Setenv("STANDIN_FAIL", "lost:0")
	set(t, b, y, 2)
	t.Setenv("STANDIN_FAIL", "")
	if err := b.CopyPeer(y, 0, x, 0, 4*8); err != nil {
		t.Fatal(err)
	}
	set(t, a, x, 3)
	if got := floats(t, a, x); got[0] != 3 {
		t.Errorf("the source has %v", got)
	}
	if err := b.Sync(t.Context()); !errors.Is(err, device.ErrLost) {
		t.Errorf("the reader: %v", err)
	}
	if err := b.CopyPeer(y, 0, x, 0, 4*8); !errors.Is(err, device.ErrLost) {
		t.Errorf("a copy to a lost device: %v", err)
	}
	if got := floats(t, a, x); got[0] != 3 {
		t.Errorf("the source has %v", got)
	}
}
