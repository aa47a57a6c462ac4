//go:build cuda && cgo

package cuda

// Copies between the host and the device, through pinned memory: the card reads
// and writes that by itself, at full speed and while the host goes on.

import (
	"errors"
	"sync"
	"unsafe"

	"gorgonia.org/cu"
)

// stageBytes is the size of a stage. Two of them let one be filled while the
// other is on its way.
const stageBytes = 1 << 20

// staging is the stages of a device, used one after the other.
type staging struct {
	d     *Device
	mu    sync.Mutex
	stage [2]stage
	next  int
}

type stage struct {
	mem  unsafe.Pointer
	done cu.Event // behind the copy that used it last
	busy bool
}

func newStaging(d *Device) (*staging, error) {
	g := &staging{d: d}
	for i := range g.stage {
		t := &g.stage[i]
		mem, err := pinned(stageBytes)
		if err == nil {
			t.mem = mem
			t.done, err = cu.MakeEvent(cu.DisableTiming)
			err = wrap(d.name, "cuEventCreate", err)
		}
		if err != nil {
			return nil, errors.Join(err, g.close())
		}
	}
	return g, nil
}

// take returns the next stage when its last copy is done.
func (g *staging) take() (*stage, error) {
	t := &g.stage[g.next]
	g.next = (g.next + 1) % len(g.stage)
	return t, g.settle(t)
}

func (g *staging) settle(t *stage) error {
	if !t.busy {
		return nil
	}
	t.busy = false
	return wrap(g.d.name, "cuEventSynchronize", t.done.Synchronize())
}

// sent marks a stage's copy.
func (g *staging) sent(t *stage) error {
	t.busy = true
	return wrap(g.d.name, "cuEventRecord", t.done.Record(g.d.stream.cu))
}

// in queues a copy to the device; src may change when it returns.
func (g *staging) in(dst unsafe.Pointer, src []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(src) > 0 {
		t, err := g.take()
		if err != nil {
			return err
		}
		n := copy(unsafe.Slice((*byte)(t.mem), stageBytes), src)
		err = wrap(g.d.name, "cuMemcpyHtoDAsync", cu.MemcpyHtoDAsync(address(dst), t.mem, int64(n), g.d.stream.cu))
		if err == nil {
			err = g.sent(t)
		}
		if err != nil {
			return err
		}
		src, dst = src[n:], unsafe.Add(dst, n)
	}
	return nil
}

// out copies from the device and waits: while one stage is emptied, the other is
// being filled.
func (g *staging) out(dst []byte, src unsafe.Pointer) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var before *stage
	var part []byte // of dst, for what lies in before
	for len(dst) > 0 {
		n := min(len(dst), stageBytes)
		t, err := g.take()
		if err == nil {
			err = wrap(g.d.name, "cuMemcpyDtoHAsync", cu.MemcpyDtoHAsync(t.mem, address(src), int64(n), g.d.stream.cu))
		}
		if err == nil && n < len(dst) { // the last is waited for with the stream
			err = g.sent(t)
		}
		if err == nil && before != nil {
			err = g.empty(before, part)
		}
		if err != nil {
			return err
		}
		before, part = t, dst[:n]
		src, dst = unsafe.Add(src, n), dst[n:]
	}
	// What had been queued before may have failed without harm to the copy.
	if err := g.d.stream.finish(); err != nil || before == nil {
		return err
	}
	return g.empty(before, part)
}

// empty copies what came to a stage.
func (g *staging) empty(t *stage, dst []byte) error {
	err := g.settle(t)
	if err == nil {
		copy(dst, unsafe.Slice((*byte)(t.mem), stageBytes))
	}
	return err
}

func (g *staging) close() error {
	var err error
	for i := range g.stage {
		t := &g.stage[i]
		err = errors.Join(err, g.settle(t))
		if t.done != (cu.Event{}) {
			err = errors.Join(err, wrap(g.d.name, "cuEventDestroy", cu.DestroyEvent(&t.done)))
		}
		if t.mem != nil {
			err = errors.Join(err, unpin(t.mem))
		}
	}
	return err
}
