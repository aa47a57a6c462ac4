//go:build cuda && cgo

package cuda

// Copies between GPUs, and what one has to know of another whose work it waits for.

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"sync"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/cotangent-ad/cotangent/device"
)

// CopyPeer copies n bytes from a buffer of another GPU, behind the work of both
// streams so far and before that to come. The driver finds the way, through the host's
// memory where the cards have no link; where it refuses, the copy goes through the
// staging of both devices, and the caller waits.
//
// Neither cuCtxEnablePeerAccess nor cuMemPoolSetAccess is called, which let kernels reach
// another card's memory: the driver is told both contexts, and needs no such leave. (Memory
// of pools follows the second of these alone, after which some drivers of 2026 have
// lost such copies: https://github.com/JuliaGPU/CUDA.jl/pull/3112.)
func (d *Device) CopyPeer(dst *device.Buffer, to int, src *device.Buffer, from, n int) error {
	other, err := device.CheckPeerCopy(d, dst, to, src, from, n)
	if err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	defer runtime.KeepAlive(dst)
	defer runtime.KeepAlive(src)
	into, out := unsafe.Add(dst.Ptr(), to), unsafe.Add(src.Ptr(), from)
	d.stream.Wait(other.stream.Record())
	err = d.with(func() error {
		return wrap(d.name, "cuMemcpyPeerAsync", cu.MemcpyPeerAsync(address(into), d.ctx, address(out), other.ctx, int64(n), d.stream.cu))
	})
	if err != nil {
		if errors.Is(err, device.ErrLost) {
			return err
		}
		return d.copyStaged(into, other, out, n)
	}
	// The source must not be used for anything else before it was read. That its reader
	// may be lost is no matter to it.
	other.stream.wait(d.stream.mark(&event{d: d, s: d.stream}))
	return nil
}

// copyStaged copies from another device through the host's memory.
func (d *Device) copyStaged(dst unsafe.Pointer, other *Device, src unsafe.Pointer, n int) error {
	room := make([]byte, min(n, stageBytes))
	for n > 0 {
		part := room[:min(n, len(room))]
		if err := other.with(func() error { return other.staging.out(part, src) }); err != nil {
			return err
		}
		if err := d.with(func() error { return d.staging.in(dst, part) }); err != nil {
			return err
		}
		dst, src, n = unsafe.Add(dst, len(part)), unsafe.Add(src, len(part)), n-len(part)
	}
	return nil
}

// sources are the devices whose work a device's stream waits for, each with the number
// of the latest such wait. What follows a wait may be made of what the other left
// unfinished when it was lost, and nobody is told: so who waits for the stream asks
// them, and a device is lost with its source.
type sources struct {
	mu    sync.Mutex
	last  map[*Device]int
	waits int
}

func (l *sources) add(other *Device) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[*Device]int{}
	}
	l.waits++
	l.last[other] = l.waits
}

// pending returns those that are not known to have done what was waited for.
func (l *sources) pending() map[*Device]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.last)
}

// check asks some that were pending before the stream was waited for. One that is well
// had done what was asked of it.
func (l *sources) check(pending map[*Device]int) error {
	for other, wait := range pending {
		if err := other.lost(); err != nil {
			return fmt.Errorf("cuda: the work waited for that of a device that failed: %w", err)
		}
		l.mu.Lock()
		if l.last[other] == wait {
			delete(l.last, other)
		}
		l.mu.Unlock()
	}
	return nil
}

// end is how a device that is closed has ended.
type end struct {
	mu    sync.Mutex
	ended bool
	lost  error
}

func (e *end) come(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended = true; errors.Is(err, device.ErrLost) {
		e.lost = err
	}
}

// lost returns the error of a device that is of no more use, be it closed or not.
func (d *Device) lost() error {
	d.end.mu.Lock()
	defer d.end.mu.Unlock()
	if d.end.ended {
		return d.end.lost
	}
	err := d.with(func() error { return wrap(d.name, "cuStreamQuery", d.stream.cu.Query()) })
	if err == nil || isNotReady(err) {
		return nil
	}
	return err
}
