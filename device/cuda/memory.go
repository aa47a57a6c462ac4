//go:build cuda && cgo

package cuda

// The driver's memory: taken and given back in the order of the stream's work, from
// a pool of the driver's that is this device's alone. Memory that was given back lies
// there, mapped, for what is taken next; only what is beyond the device's limit is
// unmapped as soon as the host waits for the stream.

import (
	"errors"
	"math"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/cotangent-ad/cotangent/device"
)

type memory struct {
	d    *Device
	pool *memoryPool // nil where the driver has none
}

var _ device.Trimmer = (*memory)(nil)

// hasPools is CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, which cu does not name.
const hasPools = 115

func newMemory(d *Device, limit int64) (*memory, error) {
	m := &memory{d: d}
	if attribute(d.dev, cu.DeviceAttribute(hasPools)) == 0 {
		return m, nil
	}
	var err error
	if m.pool, err = newMemoryPool(d.dev); err != nil {
		return nil, err
	}
	if err := m.keep(limit); err != nil {
		return nil, errors.Join(err, m.pool.destroy())
	}
	return m, nil
}

// keep lets the driver hold so many bytes, all that it can get for 0.
func (m *memory) keep(bytes int64) error {
	if bytes <= 0 {
		bytes = math.MaxInt64
	}
	return m.pool.keep(bytes)
}

// Take returns device memory.
func (m *memory) Take(bytes int) (p unsafe.Pointer, err error) {
	err = m.d.with(func() error {
		if m.pool != nil {
			var err error
			p, err = m.pool.alloc(max(1, bytes), handle(&m.d.stream.cu))
			return err
		}
		q, err := cu.MemAlloc(int64(max(1, bytes)))
		p = pointer(uintptr(q))
		return wrap(m.d.name, "cuMemAlloc", err)
	})
	return p, err
}

// Give gives memory back. A device that was lost has no use for it.
func (m *memory) Give(p unsafe.Pointer, bytes int) {
	_ = m.d.with(func() error {
		if m.pool != nil {
			return freeAsync(p, handle(&m.d.stream.cu))
		}
		return wrap(m.d.name, "cuMemFree", cu.MemFree(address(p)))
	})
}

// Trim waits for the stream, since memory is free only then, and has the driver unmap
// what is. A device that was lost has nothing to unmap.
func (m *memory) Trim() {
	if m.pool == nil {
		return
	}
	_ = m.d.with(func() error {
		if err := m.d.stream.synchronize(); err != nil {
			return err
		}
		return m.pool.trim()
	})
}

// close gives the pool back, and with it all that it holds.
func (m *memory) close() error {
	if m.pool == nil {
		return nil
	}
	p := m.pool
	m.pool = nil // who closes the device once more has nothing to trim
	return p.destroy()
}

// SetLimit bounds the bytes outstanding, and what the driver holds for the device;
// zero or less removes the bound.
func (d *Device) SetLimit(bytes int64) {
	if d.memory.pool != nil {
		// It can fail only where the device is lost, which is told by what uses it.
		_ = d.with(func() error { return d.memory.keep(bytes) })
	}
	d.Pool.SetLimit(bytes)
}

// Reserved returns the bytes that the driver holds for the device: those that it has
// lent, [device.Stats.Outstanding] and Pooled, and what it keeps for the next. It is 0
// where the driver has no pools.
func (d *Device) Reserved() (bytes int64, err error) {
	if d.memory.pool == nil {
		return 0, nil
	}
	err = d.with(func() error {
		var err error
		bytes, err = d.memory.pool.reserved()
		return err
	})
	return bytes, err
}
