// What running code asks of Go: room for rows of stacks, and calls of kernels that
// are part of bodies of control flow.

package native

import (
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// host is the part of a Runner that code calls back.
type host struct {
	stacks  []stack // as C sees them
	buffers []*device.Buffer
	asked   []hosted
	cancel  *atomic.Bool
	hostErr error
}

// stack is ct_stack of prelude.h.
type stack struct {
	p    uintptr
	rows int64
}

// hosted is a kernel in a body, with the call that it is given.
type hosted struct {
	kernel kernels.Kernel
	call   kernels.Call
}

// hosting reports whether the code may call back.
func (r *Runner) hosting() bool { return len(r.stacks) > 0 || len(r.asked) > 0 }

func (r *Runner) makeHost() {
	r.stacks = make([]stack, len(r.c.p.stacks))
	r.buffers = make([]*device.Buffer, len(r.stacks))
	r.run.stacks = uintptr(unsafe.Pointer(unsafe.SliceData(r.stacks)))
	for i, h := range r.c.p.calls {
		x := hosted{kernel: r.c.within[i], call: kernels.Call{Workers: r.c.dev.Workers()}}
		for k, strides := range h.strides {
			list, types, at := &x.call.In, h.inst.In, k
			if k >= len(h.inst.In) {
				list, types, at = &x.call.Out, h.inst.Out, k-len(h.inst.In)
			}
			a := &kernels.Array{Aval: types[at], Strides: strides}
			if a.Dense() {
				a.Strides = nil
			}
			*list = append(*list, a)
		}
		r.asked = append(r.asked, x)
	}
	if r.hosting() {
		r.run.grow, r.run.call = hostEntries()
	}
}

func (r *Runner) beginHost(cancel *atomic.Bool) {
	r.cancel, r.hostErr = cancel, nil
	r.run.owner = owners.enter(r)
}

func (r *Runner) endHost() {
	owners.leave(r.run.owner)
	r.cancel = nil
}

func (r *Runner) releaseHost() {
	for i, b := range r.buffers {
		if b != nil {
			b.Release()
			r.buffers[i], r.stacks[i] = nil, stack{}
		}
	}
}

// owners are the runners of the runs in progress that may be called back, by the
// numbers that C knows them by.
var owners ownerTable

type ownerTable struct {
	mu   sync.Mutex
	list []*Runner
	free []uintptr
}

func (t *ownerTable) enter(r *Runner) uintptr {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		k := t.free[n-1]
		t.free = t.free[:n-1]
		t.list[k] = r
		return k
	}
	t.list = append(t.list, r)
	return uintptr(len(t.list) - 1)
}

func (t *ownerTable) leave(k uintptr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list[k] = nil
	t.free = append(t.free, k)
}

func (t *ownerTable) of(k uintptr) *Runner {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.list[k]
}

// firstRows is how many rows a stack begins with.
const firstRows = 64

// growStack makes room for n rows of a stack and keeps those that there are.
func (r *Runner) growStack(i, n int) error {
	spec, s := r.c.p.stacks[i], &r.stacks[i]
	rows := min(max(firstRows, 2*int(s.rows), n), spec.most)
	b, err := r.c.dev.Alloc(max(rows*spec.row, 1))
	if err != nil {
		return err
	}
	if old := r.buffers[i]; old != nil {
		kept := int(s.rows) * spec.row
		copy(unsafe.Slice((*byte)(b.Ptr()), kept), unsafe.Slice((*byte)(old.Ptr()), kept))
		old.Release()
	}
	r.buffers[i], *s = b, stack{uintptr(b.Ptr()), int64(rows)}
	return nil
}

// callKernel calls the kernel of a body.
func (r *Runner) callKernel(i int, arrays []unsafe.Pointer) error {
	x := &r.asked[i]
	x.call.Cancel = r.cancel
	for k, a := range x.call.In {
		a.Ptr = arrays[k]
	}
	for k, a := range x.call.Out {
		a.Ptr = arrays[len(x.call.In)+k]
	}
	return x.kernel.Run(&x.call)
}

// guard returns the number by which C knows how f ended, and keeps its error.
func (r *Runner) guard(f func() error) (end int) {
	defer func() {
		if v := recover(); v != nil {
			r.hostErr = &device.PanicError{Value: v, Stack: debug.Stack()}
			end = hostFault
		}
	}()
	switch err := f(); {
	case err == nil:
		return done
	case errors.Is(err, kernels.ErrCancelled):
		return cancelled
	default:
		r.hostErr = err
		return hostFault
	}
}
