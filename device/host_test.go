package device_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

func TestHostClosed(t *testing.T) {
	h := device.NewHost(device.HostConfig{Name: "test", Workers: 2})
	a := alloc(t, h, mib)
	alloc(t, h, 2*mib).Release()
	err := h.Close()
	var left *device.OutstandingError
	if !errors.As(err, &left) || left.Buffers != 1 || left.Bytes != mib {
		t.Errorf("Close: %v", err)
	}
	if _, err := h.Alloc(1); !errors.Is(err, device.ErrClosed) {
		t.Errorf("Alloc after Close: %v", err)
	}
	bytesOf(a)[mib-1] = 1 // still valid
	a.Release()
	if s := h.Stats(); s.Outstanding != 0 || s.Pooled != 0 {
		t.Errorf("%+v", s)
	}
	if err := h.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

func TestHostCopies(t *testing.T) {
	h, other := newHost(t, 0), newHost(t, 0)
	b, foreign := alloc(t, h, 10), alloc(t, other, 10)
	defer b.Release()
	defer foreign.Release()
	if err := h.CopyIn(b, 0, []byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	if err := h.CopyIn(b, 3, []byte("abc")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 8)
	if err := h.CopyOut(got, b, 2); err != nil || string(got) != "2abc6789" {
		t.Errorf("CopyOut: %q, %v", got, err)
	}
	released := alloc(t, h, 10)
	released.Release()
	for _, c := range []struct {
		name string
		b    *device.Buffer
		off  int
		n    int
		want any
	}{
		{"too long", b, 0, 11, new(*device.RangeError)},
		{"behind", b, 11, 0, new(*device.RangeError)},
		{"overflow", b, math.MaxInt, 1, new(*device.RangeError)},
		{"before", b, -1, 1, new(*device.RangeError)},
		{"foreign", foreign, 0, 1, new(*device.ForeignError)},
		{"released", released, 0, 1, new(*device.MisuseError)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := h.CopyIn(c.b, c.off, make([]byte, c.n)); !errors.As(err, c.want) {
				t.Errorf("CopyIn: %v", err)
			}
			if err := h.CopyOut(make([]byte, c.n), c.b, c.off); !errors.As(err, c.want) {
				t.Errorf("CopyOut: %v", err)
			}
		})
	}
	if err := h.CopyIn(b, 10, nil); err != nil {
		t.Errorf("nothing at the end: %v", err)
	}
}

func TestHostStream(t *testing.T) {
	h := newHost(t, 0)
	s := h.Stream()
	done := false
	s.Do(func() { done = true })
	if !done {
		t.Error("Do returned before the work was done")
	}
	e := s.Record()
	s.Wait(e)
	if !e.Done() || e.Wait(context.Background()) != nil || s.Sync(context.Background()) != nil {
		t.Error("an event of work done is not done")
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.Sync(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Sync with a context that has ended: %v", err)
	}
}
