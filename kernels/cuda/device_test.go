//go:build cuda && cgo

package cuda_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	devcuda "github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/kernels"
)

// openDevice opens the GPU, or what stands for it, and sees at the end that
// everything was given back. Without one it skips the test, or fails it where
// REQUIRE_GPU is set.
func openDevice(t *testing.T) *devcuda.Device {
	t.Helper()
	if err := devcuda.Status(); err != nil {
		if os.Getenv("REQUIRE_GPU") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	d, err := device.Open("cuda")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Sync(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		if s := d.Stats(); s.Live != 0 || s.Misuses != 0 {
			t.Errorf("%d buffers outstanding, %d misuses (%v)", s.Live, s.Misuses, s.Err)
		}
	})
	return d.(*devcuda.Device)
}

// mirror runs kernels on copies of their operands in a device's memory.
type mirror struct{ d *devcuda.Device }

func (m mirror) run(k kernels.Kernel, c *kernels.Call) (err error) {
	there := *c
	there.In, there.Out = nil, nil
	var bufs []*device.Buffer
	defer func() {
		for _, b := range bufs {
			b.Release()
		}
	}()
	copies := map[unsafe.Pointer]*kernels.Array{}
	send := func(list []*kernels.Array) (sent []*kernels.Array) {
		for _, a := range list {
			if b, ok := copies[a.Ptr]; ok && a.Size() > 0 && kernels.EqualAval(a.Aval, b.Aval) && fmt.Sprint(a.Strides) == fmt.Sprint(b.Strides) {
				sent = append(sent, b)
				continue
			}
			lo, hi := reach(a)
			buf, e := m.d.Alloc(hi - lo)
			if e != nil {
				err = e
				return
			}
			bufs = append(bufs, buf)
			if e := m.d.CopyIn(buf, 0, unsafe.Slice((*byte)(unsafe.Add(a.Ptr, lo)), hi-lo)); e != nil {
				err = e
			}
			b := *a
			b.Ptr, b.Buf = unsafe.Add(buf.Ptr(), -lo), buf
			copies[a.Ptr] = &b
			sent = append(sent, &b)
		}
		return sent
	}
	if there.In, there.Out = send(c.In), send(c.Out); err != nil {
		return err
	}
	m.d.Stream().Do(func() { err = k.Run(&there) })
	if err != nil {
		return err
	}
	for i, a := range c.Out {
		lo, hi := reach(a)
		if err := m.d.CopyOut(unsafe.Slice((*byte)(unsafe.Add(a.Ptr, lo)), hi-lo), there.Out[i].Buf, 0); err != nil {
			return err
		}
	}
	runtime.KeepAlive(c)
	return nil
}

// reach is the bytes that an array's strides reach, from its first element.
func reach(a *kernels.Array) (lo, hi int) {
	if a.Size() == 0 {
		return 0, 0
	}
	size := a.DType.Size()
	for d, n := range a.Shape {
		if s := a.Stride(d) * (n - 1) * size; s < 0 {
			lo += s
		} else {
			hi += s
		}
	}
	return lo, hi + size
}
