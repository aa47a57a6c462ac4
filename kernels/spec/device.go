// Runs on a device: the arrays of a call in its memory, the kernel in its stream.

package spec

import (
	"context"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// run runs a kernel, on the device if there is one.
func (e eager) run(k kernels.Kernel, c *kernels.Call) error {
	if e.dev == nil {
		return k.Run(c)
	}
	s := staging{dev: e.dev, moved: map[*kernels.Array]*kernels.Array{}}
	defer s.release()
	return s.run(k, c)
}

// staging are the copies of a call's arrays on a device.
type staging struct {
	dev   device.Device
	moved map[*kernels.Array]*kernels.Array
}

// run queues copies of the operands, and the kernel behind them, and waits for
// the results. Results that the kernel adds to, or that are an operand, are
// copied too; the others begin as the device's memory does.
func (s *staging) run(k kernels.Kernel, c *kernels.Call) error {
	later := &kernels.Call{Add: c.Add, Workers: c.Workers}
	for _, a := range c.In {
		there, err := s.move(a, true)
		if err != nil {
			return err
		}
		later.In = append(later.In, there)
	}
	for _, a := range c.Out {
		there, err := s.move(a, c.Add)
		if err != nil {
			return err
		}
		later.Out = append(later.Out, there)
	}
	var err error
	s.dev.Stream().Do(func() { err = k.Run(later) })
	for i, a := range c.Out {
		if there := later.Out[i]; there.Buf != nil {
			if err := s.dev.CopyOut(memory(a), there.Buf, 0); err != nil {
				return err
			}
		}
	}
	if serr := s.dev.Sync(context.Background()); serr != nil {
		return serr
	}
	return err
}

// move returns the array's place on the device, made and filled if it has none.
func (s *staging) move(a *kernels.Array, filled bool) (*kernels.Array, error) {
	if there := s.moved[a]; there != nil {
		return there, nil
	}
	there := *a
	s.moved[a] = &there
	from := memory(a)
	if len(from) == 0 {
		there.Ptr = nil
		return &there, nil
	}
	buf, err := s.dev.Alloc(len(from))
	if err != nil {
		return nil, err
	}
	there.Buf = buf
	there.Ptr = unsafe.Add(buf.Ptr(), uintptr(a.Ptr)-uintptr(unsafe.Pointer(unsafe.SliceData(from))))
	if filled {
		err = s.dev.CopyIn(buf, 0, from)
	}
	return &there, err
}

func (s *staging) release() {
	for _, a := range s.moved {
		if a.Buf != nil {
			a.Buf.Release()
		}
	}
}

// memory returns the bytes from the first to the last element of an array.
func memory(a *kernels.Array) []byte {
	lo, hi := a.Span()
	return unsafe.Slice((*byte)(unsafe.Add(a.Ptr, lo)), hi-lo)
}
