//go:build cuda && cgo

package cuda

// The device: a GPU's primary context, its memory and its stream of work.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"gorgonia.org/cu"

	"github.com/cotangent-ad/cotangent/device"
)

// EnvExact, set to anything, makes every buffer memory of its own and of just its
// size, so that a checker of memory accesses sees each buffer's bounds.
const EnvExact = "COTANGENT_CUDA_EXACT"

// Device is a GPU.
type Device struct {
	*device.Pool
	name    string
	dev     cu.Device
	ctx     cu.CUContext
	arch    int // 90 for sm_90
	memory  *memory
	stream  *Stream
	workers *device.Workers
	staging *staging
	flags   flags
	blas    blasHandle
	tf32    bool
	waits   sync.WaitGroup // for events, some of which nobody cares for any more
	sources sources
	end     end

	mu        sync.Mutex
	functions map[string]*Function
	closed    bool
}

var _ device.Peer = (*Device)(nil)

func init() {
	device.Register("cuda", choose)
}

// choose finds the GPU of a number, the first for none: a GPU is one device, whatever
// its number is written like.
func choose(arg string) (device.Choice, error) {
	ordinal := 0
	if arg != "" {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 0 {
			return device.Choice{}, absent(fmt.Sprintf("%q is no number of a GPU", arg))
		}
		ordinal = n
	}
	name := "cuda"
	if ordinal > 0 {
		name += ":" + strconv.Itoa(ordinal)
	}
	return device.Choice{Name: name, Open: func() (device.Device, error) {
		if n, err := cu.NumDevices(); err != nil || ordinal >= n {
			return nil, absent("there is no " + name)
		}
		return open(name, ordinal)
	}}, nil
}

// absent is the error for a GPU that there is not: the driver's where that sees none.
func absent(what string) error {
	if err := Status(); err != nil {
		return err
	}
	n, err := cu.NumDevices()
	if err != nil {
		return wrap("", "cuDeviceGetCount", err)
	}
	return &StatusError{Reason: fmt.Sprintf("%s: the driver sees %d", what, n), Remedy: "GPUs are counted from 0"}
}

func open(name string, ordinal int) (*Device, error) {
	if err := Status(); err != nil {
		return nil, err
	}
	dev, err := cu.GetDevice(ordinal)
	if err != nil {
		return nil, wrap(name, "cuDeviceGet", err)
	}
	limit, err := memoryLimit(dev)
	if err != nil {
		return nil, err
	}
	ctx, err := dev.RetainPrimaryCtx()
	if err != nil {
		return nil, wrap(name, "cuDevicePrimaryCtxRetain", err)
	}
	d := &Device{name: name, dev: dev, ctx: ctx, arch: architecture(dev), tf32: os.Getenv(EnvTF32) != "", functions: map[string]*Function{}}
	err = d.with(func() error {
		var err error
		if d.stream, err = newStream(d); err != nil {
			return err
		}
		if d.memory, err = newMemory(d, limit); err != nil {
			return errors.Join(err, d.stream.close())
		}
		if d.staging, err = newStaging(d); err != nil {
			return errors.Join(err, d.memory.close(), d.stream.close())
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, wrap(name, "cuDevicePrimaryCtxRelease", dev.ReleasePrimaryCtx()))
	}
	d.Pool = device.NewPool(device.PoolConfig{
		Owner: d, Memory: d.memory, Limit: limit, Uncached: os.Getenv(EnvExact) != "",
		// A collection of Go's takes as long as some hundred small kernels.
		Spare: limit / 8,
	})
	d.workers = device.NewWorkers(0)
	return d, nil
}

// memoryLimit is the environment's limit, else the card's memory.
func memoryLimit(dev cu.Device) (int64, error) {
	if os.Getenv(device.EnvMemoryLimit) != "" {
		return device.DefaultLimit()
	}
	total, err := dev.TotalMem()
	return total, wrap("", "cuDeviceTotalMem", err)
}

func attribute(dev cu.Device, a cu.DeviceAttribute) int {
	v, err := dev.Attribute(a)
	if err != nil {
		return 0 // what a driver does not know of it does not have
	}
	return v
}

// Arch is the card's compute capability, for which kernels are compiled: 90 for 9.0.
func (d *Device) Arch() int { return d.arch }

// architecture is a card's compute capability, 90 for 9.0.
func architecture(dev cu.Device) int {
	return 10*attribute(dev, cu.ComputeCapabilityMajor) + attribute(dev, cu.ComputeCapabilityMinor)
}

// with calls f on a thread in which the device's context is current.
func (d *Device) with(f func() error) error {
	if err := d.enter(); err != nil {
		return err
	}
	defer runtime.UnlockOSThread()
	return f()
}

// enter makes the device's context current on this thread, which the goroutine keeps
// until runtime.UnlockOSThread unless there is an error.
func (d *Device) enter() error {
	runtime.LockOSThread()
	if err := cu.SetCurrentContext(d.ctx); err != nil {
		runtime.UnlockOSThread()
		return wrap(d.name, "cuCtxSetCurrent", err)
	}
	return nil
}

// Name is the name that device.Open takes.
func (d *Device) Name() string { return d.name }

// Imitation is what the driver calls the card if that is none.
func (d *Device) Imitation() string {
	name, err := d.dev.Name()
	if err != nil || !strings.Contains(name, "not a GPU") {
		return ""
	}
	return name
}

// Kind is "cuda".
func (d *Device) Kind() string { return "cuda" }

// Stream is the stream of operations that are carried out one by one.
func (d *Device) Stream() device.Stream { return d.stream }

// Main is Stream with its methods for kernels.
func (d *Device) Main() *Stream { return d.stream }

// Workers are the goroutines on the host's side, for what runs there.
func (d *Device) Workers() *device.Workers { return d.workers }

// Sync waits until the stream's work is done, and returns its error.
func (d *Device) Sync(ctx context.Context) error { return d.stream.Sync(ctx) }

// CopyIn copies src, as it is now, to dst at byte offset off, in the stream's order.
func (d *Device) CopyIn(dst *device.Buffer, off int, src []byte) error {
	if err := device.CheckCopy(d, dst, off, len(src)); err != nil {
		return err
	}
	defer runtime.KeepAlive(dst)
	return d.with(func() error { return d.staging.in(unsafe.Add(dst.Ptr(), off), src) })
}

// CopyOut waits for the stream's work and copies len(dst) bytes of src, from byte
// offset off, to dst.
func (d *Device) CopyOut(dst []byte, src *device.Buffer, off int) error {
	if err := device.CheckCopy(d, src, off, len(dst)); err != nil {
		return err
	}
	defer runtime.KeepAlive(src)
	return d.with(func() error { return d.staging.out(dst, unsafe.Add(src.Ptr(), off)) })
}

// Close waits for the stream's work and gives all memory back.
func (d *Device) Close() error {
	device.Forget(d)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return d.Pool.Close()
	}
	d.closed = true
	failed := d.Sync(context.Background())
	d.waits.Wait()
	d.end.come(failed)
	left := d.Pool.Close()
	if left != nil {
		// Who holds those buffers still needs the context.
		return errors.Join(failed, left, d.workers.Close())
	}
	last := d.with(func() error {
		d.blas.close()
		for _, f := range d.functions {
			if f.module != nil {
				failed = errors.Join(failed, unloadModule(f.module))
			}
		}
		return errors.Join(d.flags.close(), d.staging.close(), d.memory.close(), d.stream.close())
	})
	if errors.Is(failed, device.ErrLost) {
		last = nil // it fails in everything
	}
	return errors.Join(failed, last, wrap(d.name, "cuDevicePrimaryCtxRelease", d.dev.ReleasePrimaryCtx()), d.workers.Close())
}

func address(p unsafe.Pointer) cu.DevicePtr { return cu.DevicePtr(uintptr(p)) }
