package device_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/cotangent-ad/cotangent/device"
)

func TestScope(t *testing.T) {
	h := newHost(t, 0)
	s := device.NewScope()
	var bs []*device.Buffer
	for i := range 5 {
		bs = append(bs, alloc(t, h, 100*(i+1)))
		s.Own(bs[i])
	}
	bs[1].Retain() // twice owned, once kept
	s.Own(bs[1])
	s.Keep(bs[1])
	s.Keep(bs[3])
	foreign := alloc(t, h, 1)
	s.Keep(foreign) // not owned: nothing
	s.Close()
	for i, want := range []int{0, 1, 0, 1, 0} {
		if bs[i].Refs() != want {
			t.Errorf("buffer %d has %d references, want %d", i, bs[i].Refs(), want)
		}
	}
	s.Close()
	s.Own(bs[1]) // a scope may be used again
	s.Own(bs[3])
	s.Own(foreign)
	s.Close()
	if live := h.Stats().Live; live != 0 {
		t.Errorf("%d buffers live", live)
	}
}

// A scope that is never closed holds nothing back from the collector.
func TestScopeForgotten(t *testing.T) {
	h := newHost(t, 0)
	s := device.NewScope()
	s.Own(alloc(t, h, 100))
	h.Collect()
	if live := h.Stats().Live; live != 1 {
		t.Errorf("%d buffers live in a scope", live)
	}
	runtime.KeepAlive(s)
	s = nil
	h.Collect()
	if live := h.Stats().Live; live != 0 {
		t.Errorf("%d buffers live after their scope", live)
	}
}

func TestScopeConcurrently(t *testing.T) {
	h := newHost(t, 0)
	s := device.NewScope()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				b, err := h.Alloc(64)
				if err != nil {
					t.Error(err)
					return
				}
				s.Own(b)
			}
		})
	}
	all.Wait()
	s.Close()
	if live := h.Stats().Live; live != 0 {
		t.Errorf("%d buffers live", live)
	}
}
