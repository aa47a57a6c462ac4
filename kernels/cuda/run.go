//go:build cuda && cgo

package cuda

// A run: a call's operands where kernels reach them, and what is held until the
// work is queued.

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"sync"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/kernels"
)

// run is one call.
type run struct {
	c       *kernels.Call
	dev     *cuda.Device
	stream  *cuda.Stream
	in      []*kernels.Array // on the device, or of one element on the host
	lone    []bool
	held    []*device.Buffer
	scratch unsafe.Pointer
	flag    unsafe.Pointer
	args    []byte

	few struct { // room for what most calls have
		in   [4]*kernels.Array
		lone [4]bool
	}
}

// runs are those of calls that are over.
var runs = sync.Pool{New: func() any { return new(run) }}

// newRun returns nil where nothing of the call is anywhere.
func newRun(c *kernels.Call) (*run, error) {
	if c.Cancel != nil && c.Cancel.Load() {
		return nil, kernels.ErrCancelled
	}
	r := runs.Get().(*run)
	r.c = c
	for _, list := range [2][]*kernels.Array{c.Out, c.In} {
		for _, a := range list {
			if a.Buf == nil || r.dev != nil {
				continue
			}
			if d, ok := a.Buf.Device().(*cuda.Device); ok {
				r.dev, r.stream = d, d.Main()
				if s, ok := c.Stream.(*cuda.Stream); ok {
					r.stream = s
				}
			}
		}
	}
	for _, o := range c.Out {
		if o.Size() > 0 && (r.dev == nil || o.Buf == nil) {
			return nil, errors.New("kernels/cuda: a result is not in a GPU's memory")
		}
	}
	if r.dev == nil {
		return nil, nil
	}
	return r, nil
}

// place sees that operands can be reached: what lies in the host's memory goes by
// value or is copied, and so is, if apart is set, what a result overlies.
func (r *run) place(apart bool) error {
	r.in = append(r.few.in[:0], r.c.In...)
	r.lone = append(r.few.lone[:0], make([]bool, len(r.in))...)
	for i, a := range r.in {
		switch {
		case a.Size() == 0:
		case a.Buf == nil && one(a):
			r.lone[i] = true
		case a.Buf == nil:
			if err := r.upload(i); err != nil {
				return err
			}
		case apart && r.overlaid(a):
			if err := r.copy(i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) overlaid(a *kernels.Array) bool {
	for _, o := range r.c.Out {
		if o.Ptr == a.Ptr {
			return true
		}
	}
	return false
}

// moved is an array of the same strides elsewhere: at, plus what comes before its
// first element.
func (r *run) moved(i int, fill func(dst, src unsafe.Pointer, bytes int) error) error {
	a := *r.in[i]
	lo, hi := a.Span()
	buf, err := r.stream.Scratch(hi - lo)
	if err != nil {
		return err
	}
	r.held = append(r.held, buf)
	err = fill(buf.Ptr(), unsafe.Add(a.Ptr, lo), hi-lo)
	a.Ptr, a.Buf = unsafe.Add(buf.Ptr(), -lo), buf
	r.in[i] = &a
	return err
}

func (r *run) upload(i int) error {
	return r.moved(i, func(dst, src unsafe.Pointer, bytes int) error {
		return r.stream.Upload(dst, unsafe.Slice((*byte)(src), bytes))
	})
}

func (r *run) copy(i int) error { return r.moved(i, r.stream.Copy) }

// release ends the run: what it held may be used by what is queued from now on.
func (r *run) release() {
	for _, b := range r.held {
		b.Release()
	}
	clear(r.held)
	*r = run{held: r.held[:0], args: r.args[:0]}
	runs.Put(r)
}

// layout is the run's.
func (r *run) layout() *layout {
	l := &layout{in: make([]*kernels.Array, len(r.in)), lone: slices.Clone(r.lone), add: r.c.Add, wide: r.wide()}
	for i, a := range r.in {
		kept := *a
		kept.Ptr, kept.Buf = nil, nil
		kept.Strides = make([]int, len(a.Shape))
		for d := range a.Shape {
			kept.Strides[d] = a.Stride(d)
		}
		l.in[i] = &kept
	}
	for _, a := range append(append([]*kernels.Array(nil), r.in...), r.c.Out...) {
		l.align = append(l.align, aligned(a.Ptr))
	}
	return l
}

// mostNarrow is what is counted with 31 bits at most, with a margin for steps.
const mostNarrow = math.MaxInt32 / 4

// wide reports whether some place is beyond 31 bits.
func (r *run) wide() bool {
	for _, list := range [2][]*kernels.Array{r.in, r.c.Out} {
		for _, a := range list {
			if a.Size() == 0 {
				continue
			}
			if lo, hi := a.Span(); a.Size() > mostNarrow || -lo > mostNarrow || hi > mostNarrow {
				return true
			}
		}
	}
	return false
}

// key is the layout as a string of bytes.
func (r *run) key(b []byte) []byte {
	flags := byte(0)
	if r.c.Add {
		flags |= 1
	}
	b = append(b, flags)
	for i, a := range r.in {
		b = append(b, bit(r.lone[i])|bit(aligned(a.Ptr))<<1)
		for d := range a.Shape {
			b = binary.NativeEndian.AppendUint64(b, uint64(a.Stride(d)))
		}
	}
	for _, a := range r.c.Out {
		b = append(b, bit(aligned(a.Ptr)))
	}
	return b
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
