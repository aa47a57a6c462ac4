package sim

// The simulated device.

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
)

// DefaultDelay is the delay of "sim": long enough that who reads without Sync
// comes too early, and short enough for tests with thousands of steps.
const DefaultDelay = 100 * time.Microsecond

// Options say how a simulated device behaves. The zero value is one without a
// delay, with one worker and no limit.
type Options struct {
	Name    string        // "sim" where it is empty
	Delay   time.Duration // before work that finds the stream idle
	Held    bool          // work waits until somebody waits for it
	Limit   int64         // bytes outstanding at most; 0 for no limit
	Workers int           // on the host's side; 1 where it is 0
}

// Device is a simulated accelerator.
type Device struct {
	*device.Pool
	name    string
	memory  *memory
	stream  *Stream
	workers *device.Workers
}

var _ device.Peer = (*Device)(nil)

func init() {
	device.Register("sim", func(arg string) (device.Choice, error) {
		o := Options{Name: "sim", Delay: DefaultDelay}
		switch arg {
		case "":
		case "held":
			o.Name, o.Held, o.Delay = "sim:held", true, 0
		default:
			d, err := time.ParseDuration(arg)
			if err != nil || d < 0 {
				return device.Choice{}, fmt.Errorf("%q is neither held nor a delay such as 1ms", arg)
			}
			o.Name, o.Delay = "sim:"+d.String(), d
		}
		return device.Choice{Name: o.Name, Open: func() (device.Device, error) {
			var err error
			if o.Limit, err = device.DefaultLimit(); err != nil {
				return nil, err
			}
			return New(o), nil
		}}, nil
	})
}

// New returns a device of its own, which device.Open does not know.
func New(o Options) *Device {
	if o.Name == "" {
		o.Name = "sim"
	}
	d := &Device{
		name:    o.Name,
		stream:  newStream(o.Delay, o.Held),
		workers: device.NewWorkers(max(1, o.Workers)),
	}
	d.memory = &memory{host: device.HostMemory(), stream: d.stream, left: -1}
	d.Pool = device.NewPool(device.PoolConfig{Owner: d, Memory: d.memory, Limit: o.Limit, Uncached: true})
	d.memory.report = d.Misused
	return d
}

// FailAfter makes every allocation fail, with an *device.OutOfMemoryError whose
// cause is ErrInjected, after n more that do not. A negative n ends that.
func (d *Device) FailAfter(n int) {
	d.memory.mu.Lock()
	defer d.memory.mu.Unlock()
	d.memory.left = max(-1, n)
}

// Name is the name that device.Open takes.
func (d *Device) Name() string { return d.name }

// Kind is "sim".
func (d *Device) Kind() string { return "sim" }

// Stream runs what it is given later.
func (d *Device) Stream() device.Stream { return d.stream }

// Workers are the goroutines on the host's side.
func (d *Device) Workers() *device.Workers { return d.workers }

// Sync waits until the stream's work is done, and returns its error.
func (d *Device) Sync(ctx context.Context) error { return d.stream.Sync(ctx) }

// CopyIn copies src, as it is now, to dst at byte offset off, later.
func (d *Device) CopyIn(dst *device.Buffer, off int, src []byte) error {
	if err := device.CheckCopy(d, dst, off, len(src)); err != nil {
		return err
	}
	// The memory outlives the copy: even if dst is released or forgotten at
	// once, it is given back behind it in the stream.
	staged := slices.Clone(src)
	to := unsafe.Slice((*byte)(dst.Ptr()), dst.Size())[off:]
	d.stream.Do(func() { copy(to, staged) })
	runtime.KeepAlive(dst)
	return nil
}

// CopyOut waits for the stream's work and copies len(dst) bytes of src, from
// byte offset off, to dst.
func (d *Device) CopyOut(dst []byte, src *device.Buffer, off int) error {
	if err := device.CheckCopy(d, src, off, len(dst)); err != nil {
		return err
	}
	from := unsafe.Slice((*byte)(src.Ptr()), src.Size())[off:]
	d.stream.Do(func() { copy(dst, from) })
	runtime.KeepAlive(src)
	return d.stream.Sync(context.Background())
}

// CopyPeer copies from a buffer of another simulated device, behind the work of both
// so far and before that to come.
func (d *Device) CopyPeer(dst *device.Buffer, to int, src *device.Buffer, from, n int) error {
	other, err := device.CheckPeerCopy(d, dst, to, src, from, n)
	if err != nil {
		return err
	}
	into := unsafe.Slice((*byte)(dst.Ptr()), dst.Size())[to:][:n]
	out := unsafe.Slice((*byte)(src.Ptr()), src.Size())[from:][:n]
	d.stream.Wait(other.stream.Record())
	d.stream.Do(func() { copy(into, out) })
	other.stream.Wait(d.stream.Record())
	runtime.KeepAlive(dst)
	runtime.KeepAlive(src)
	return nil
}

// Check looks for writes to released memory, behind the work queued so far,
// and waits for that. What it finds is told by Stats. Without it they are
// found when the memory leaves the quarantine.
func (d *Device) Check() error {
	d.stream.Do(d.memory.check)
	return d.stream.Sync(context.Background())
}

// Close waits for the stream's work and gives all memory back.
func (d *Device) Close() error {
	device.Forget(d)
	left := d.Pool.Close()
	d.memory.closed.Store(true)
	failed := d.stream.close()
	d.memory.free(0)
	return errors.Join(left, failed, d.workers.Close())
}
