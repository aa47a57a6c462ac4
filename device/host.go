package device

// Host: a device over the machine's own memory, which works at once.

import (
	"context"
	"errors"
	"runtime"
	"unsafe"
)

// HostConfig says what a Host is called and what it may use.
type HostConfig struct {
	Name, Kind string
	Workers    int   // goroutines that share out loops; 0 for GOMAXPROCS
	Limit      int64 // bytes outstanding at most; 0 for no limit
}

// Host is a device over host memory whose stream works in its caller's
// goroutine: "cpu" and "ref" are Hosts.
type Host struct {
	*Pool
	name, kind string
	workers    *Workers
}

// NewHost returns a device of its own, which Open does not know. Close gives
// back what it holds: a Host that is merely forgotten keeps its pooled memory.
func NewHost(c HostConfig) *Host {
	h := &Host{name: c.Name, kind: c.Kind, workers: NewWorkers(c.Workers)}
	h.Pool = NewPool(PoolConfig{Owner: h, Memory: HostMemory(), Limit: c.Limit})
	return h
}

// Name is the name that Open takes.
func (h *Host) Name() string { return h.name }

// Kind is the name without its argument.
func (h *Host) Kind() string { return h.kind }

// Stream works in its caller's goroutine.
func (h *Host) Stream() Stream { return inline{} }

// Workers are the goroutines that share out loops.
func (h *Host) Workers() *Workers { return h.workers }

// Sync has nothing to wait for.
func (h *Host) Sync(ctx context.Context) error { return ctx.Err() }

// CopyIn copies src to dst at byte offset off.
func (h *Host) CopyIn(dst *Buffer, off int, src []byte) error {
	if err := CheckCopy(h, dst, off, len(src)); err != nil {
		return err
	}
	copy(unsafe.Slice((*byte)(dst.Ptr()), dst.Size())[off:], src)
	runtime.KeepAlive(dst)
	return nil
}

// CopyOut copies len(dst) bytes of src, from byte offset off, to dst.
func (h *Host) CopyOut(dst []byte, src *Buffer, off int) error {
	if err := CheckCopy(h, src, off, len(dst)); err != nil {
		return err
	}
	copy(dst, unsafe.Slice((*byte)(src.Ptr()), src.Size())[off:])
	runtime.KeepAlive(src)
	return nil
}

// Close gives pooled memory back and ends the workers.
func (h *Host) Close() error {
	Forget(h)
	return errors.Join(h.Pool.Close(), h.workers.Close())
}

// CheckCopy returns an error if b is not d's, was released, or does not have
// n bytes from off.
func CheckCopy(d Device, b *Buffer, off, n int) error {
	switch {
	case b.Device() != d:
		return &ForeignError{Device: d.Name(), Owner: b.Device().Name()}
	case b.Refs() <= 0:
		return &MisuseError{Device: d.Name(), What: "copied after its last release", Size: b.Size()}
	case off < 0 || n < 0 || off > b.Size() || n > b.Size()-off:
		return &RangeError{Device: d.Name(), Offset: off, Len: n, Size: b.Size()}
	}
	return nil
}

// CheckPeerCopy returns the device that src is of, or an error where that is of another
// kind than d, or where CheckCopy refuses dst or src.
func CheckPeerCopy[D Device](d D, dst *Buffer, to int, src *Buffer, from, n int) (other D, err error) {
	other, ok := src.Device().(D)
	if !ok {
		return other, &ForeignError{Device: d.Name(), Owner: src.Device().Name()}
	}
	return other, errors.Join(CheckCopy(d, dst, to, n), CheckCopy(other, src, from, n))
}
