package sim

// Memory that shows its misuse: guard words around every buffer, NaN before it
// is written and after its release, a quarantine.

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
)

// What memory is filled with. As float32, float64, or any pair of words, Fresh
// and Freed are NaN; as an index they are negative.
const (
	Fresh uint32 = 0xFFF8F8F8 // a buffer's memory until it is written
	Freed uint32 = 0xFFFDDBDB // ... after its release
	guard uint32 = 0xC5C5C5C5 // around it; any byte of it is the same
)

const (
	guardBytes = 64       // before a buffer, and at least so many behind it
	quarantine = 32 << 20 // bytes that wait before they are used again
)

// ErrInjected is the cause of the failure that FailAfter asked for.
var ErrInjected = errors.New("injected failure")

// memory is the device.Memory of a simulated device. What is given to it goes
// through the stream, so that work that was queued before still finds it.
type memory struct {
	host   device.Memory
	stream *Stream
	report func(*device.MisuseError)

	closed atomic.Bool // the quarantine lets everything go
	mu     sync.Mutex
	left   int      // allocations until failure, negative for none
	freed  []region // the quarantine, the oldest first
	bytes  int      // in the quarantine
}

// region is one buffer's memory, without its guards.
type region struct {
	p    unsafe.Pointer
	size int
}

// parts returns the guard before the region, its bytes, and the guard behind.
func (r region) parts() (before, body, behind []byte) {
	all := unsafe.Slice((*byte)(unsafe.Add(r.p, -guardBytes)), r.total())
	end := guardBytes + r.size
	return all[:guardBytes], all[guardBytes:end], all[end:]
}

// total is the bytes of the region with its guards.
func (r region) total() int {
	return guardBytes + (r.size+63)/64*64 + guardBytes
}

// Take returns memory that is NaN, between guards.
func (m *memory) Take(bytes int) (unsafe.Pointer, error) {
	m.mu.Lock()
	fail := m.left == 0
	if m.left > 0 {
		m.left--
	}
	m.mu.Unlock()
	if fail {
		return nil, ErrInjected
	}
	r := region{size: bytes}
	p, err := m.host.Take(r.total())
	if err != nil {
		return nil, err
	}
	r.p = unsafe.Add(p, guardBytes)
	before, body, behind := r.parts()
	fill(before, guard)
	fill(body, Fresh)
	fill(behind, guard)
	return r.p, nil
}

// Give takes memory into the quarantine, when the work queued so far is done.
func (m *memory) Give(p unsafe.Pointer, bytes int) {
	r := region{p, bytes}
	m.stream.Do(func() {
		m.checkGuards(r)
		_, body, _ := r.parts()
		fill(body, Freed)
		m.mu.Lock()
		m.freed = append(m.freed, r)
		m.bytes += r.total()
		m.mu.Unlock()
		if m.closed.Load() {
			m.free(0)
		} else {
			m.free(quarantine)
		}
	})
}

// free gives the oldest of the quarantine back to the host until no more than
// so many bytes are left.
func (m *memory) free(leave int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.bytes > leave {
		r := m.freed[0]
		m.freed = m.freed[1:]
		m.bytes -= r.total()
		m.checkFreed(r)
		m.host.Give(unsafe.Add(r.p, -guardBytes), r.total())
	}
}

// check looks for writes to memory in the quarantine.
func (m *memory) check() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.freed {
		m.checkFreed(r)
	}
}

// checkGuards reports a write beside the region.
func (m *memory) checkGuards(r region) {
	before, _, behind := r.parts()
	if !holds(before, guard) {
		m.report(&device.MisuseError{Size: r.size, What: "written to before its beginning"})
		fill(before, guard)
	}
	if !holds(behind, guard) {
		m.report(&device.MisuseError{Size: r.size, What: "written to behind its end"})
		fill(behind, guard)
	}
}

// checkFreed reports a write to a region in the quarantine, or beside it.
func (m *memory) checkFreed(r region) {
	m.checkGuards(r)
	if _, body, _ := r.parts(); !holds(body, Freed) {
		m.report(&device.MisuseError{Size: r.size, What: "written to after its release"})
		fill(body, Freed)
	}
}

// fill fills memory with a word, least byte first.
func fill(mem []byte, word uint32) {
	if len(mem) == 0 {
		return
	}
	var w [4]byte
	binary.LittleEndian.PutUint32(w[:], word)
	for n := copy(mem, w[:]); n < len(mem); n *= 2 {
		copy(mem[n:], mem[:n])
	}
}

// holds reports whether memory is as fill left it.
func holds(mem []byte, word uint32) bool {
	var w [4]byte
	binary.LittleEndian.PutUint32(w[:], word)
	n := min(len(mem), 4)
	return bytes.Equal(mem[:n], w[:n]) && bytes.Equal(mem[n:], mem[:len(mem)-n])
}
