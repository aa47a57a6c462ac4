//go:build cuda && cgo

package cuda

// Plans: what a nest launches for a layout of its operands, kept for later calls.

import (
	"encoding/binary"
	"sync"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device/cuda"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// layout is what a plan depends on beside the nest.
type layout struct {
	in    []*kernels.Array // their strides
	lone  []bool           // operands passed by value: of one element, in the host's memory
	align []bool           // all operands and results begin at multiples of 16 bytes
	add   bool             // result 0 is added to
	wide  bool             // indices need 64 bits
}

func (l *layout) strideOf(in int) func(d int) int { return l.in[in].Stride }

// geometry is how a kernel is launched.
type geometry = cuda.Launch

// launch is one kernel of a plan.
type launch struct {
	source string
	slots  []slot
	args   []byte // a template: the slots are filled in
	geometry
	fn *cuda.Function
}

// plan is what a nest does.
type plan struct {
	before  []step // memory to clear
	scratch int    // bytes
	clear   int    // of them, from the beginning, those that must be zero
	list    []*launch
	flagged bool // some kernel tells of bad indices
}

// step is a result that is filled ahead.
type step struct{ out int }

// kernel runs a loop.
type kernel struct {
	inst  *kernels.Inst
	nests []*nest
	mu    sync.Mutex
	plans map[planKey][]*plan // a plan a nest
}

// planKey is a device and a layout.
type planKey struct {
	dev    *cuda.Device
	layout string
}

// mostPlans bounds the layouts that a kernel keeps plans for.
const mostPlans = 64

func newKernel(inst *kernels.Inst, e *loop.Expr) *kernel {
	list := nests(e)
	if list == nil {
		return nil
	}
	return &kernel{inst: inst, nests: list, plans: map[planKey][]*plan{}}
}

// Run does the loop.
func (k *kernel) Run(c *kernels.Call) error {
	r, err := newRun(c)
	if r == nil {
		return err
	}
	defer r.release()
	// Operands stay as they are for the nests to come, and to find a bad index in.
	if err := r.place(len(k.nests) > 1 || k.nests[0].gathers()); err != nil {
		return err
	}
	plans, err := k.plan(r)
	if err != nil {
		return err
	}
	if plans == nil {
		return r.onHost(k.inst)
	}
	for i, p := range plans {
		if err := k.runNest(r, k.nests[i], p); err != nil {
			return err
		}
	}
	return nil
}

// plan finds or makes the plans of a call's layout: nil where a kernel would have more
// arguments than cards take.
func (k *kernel) plan(r *run) ([]*plan, error) {
	var buf [512]byte
	key := r.key(buf[:0])
	k.mu.Lock()
	defer k.mu.Unlock()
	if list, ok := k.plans[planKey{r.dev, string(key)}]; ok {
		return list, nil
	}
	lay := r.layout()
	list := make([]*plan, len(k.nests))
	for i, n := range k.nests {
		list[i] = newPlan(n, lay)
		list[i].flagged = n.gathers()
		for _, x := range list[i].list {
			if len(x.args) > mostArgs {
				k.plans[planKey{r.dev, string(key)}] = nil
				return nil, nil
			}
			var err error
			if x.fn, err = r.dev.Function(x.source, "kernel"); err != nil {
				return nil, err
			}
		}
	}
	if len(k.plans) >= mostPlans {
		clear(k.plans)
	}
	k.plans[planKey{r.dev, string(key)}] = list
	return list, nil
}

// mostArgs is the bytes of arguments that every card takes.
const mostArgs = 4096

// newPlan prints a nest's kernels.
func newPlan(n *nest, lay *layout) *plan {
	p := &plan{}
	if n.lanes > mostNarrow && !lay.wide { // of arrays that may be small
		more := *lay
		more.wide = true
		lay = &more
	}
	for _, o := range n.outs {
		if lay.add && o == 0 || n.bare {
			continue
		}
		if !n.covers(o) && !n.scatter || n.scatter && !n.set && !n.e.Outs[o].Aval.DType.IsFloat() {
			p.before = append(p.before, step{o})
		}
	}
	switch {
	case n.empty():
	case n.scatter:
		n.planScatter(p, lay)
	case n.reduced == 0 && n.results() > 0:
		n.planFill(p, lay)
	case n.lanes == 0:
	case len(n.red) > 0:
		n.planReduce(p, lay)
	default:
		n.planMap(p, lay)
	}
	return p
}

// empty reports whether the results have no elements. The loop may still run over
// some: of a result of shape [0 2] an expression may keep the second axis only.
func (n *nest) empty() bool { return n.e.Outs[n.outs[0]].Aval.Size() == 0 }

// results is the number of values of the result axes.
func (n *nest) results() int {
	size := 1
	for _, a := range n.res {
		size *= n.e.Axes[a].Size
	}
	return size
}

func (k *kernel) runNest(r *run, n *nest, p *plan) error {
	if n.nowhere {
		return r.onHost(k.inst)
	}
	for _, s := range p.before {
		o := r.c.Out[s.out]
		if err := r.stream.Zero(o.Ptr, o.Size()*o.DType.Size()); err != nil {
			return err
		}
	}
	if p.scratch > 0 {
		buf, err := r.stream.Scratch(p.scratch)
		if err != nil {
			return err
		}
		r.held = append(r.held, buf)
		r.scratch = buf.Ptr()
		if err := r.stream.Zero(r.scratch, p.clear); err != nil {
			return err
		}
	}
	all := func(flag unsafe.Pointer) error {
		r.flag = flag
		for _, x := range p.list {
			if err := r.launch(x); err != nil {
				return err
			}
		}
		return nil
	}
	if !p.flagged {
		return all(nil)
	}
	return r.stream.Checked(all, func() error { return r.onHost(k.inst) })
}

// launch fills in the arguments and queues the kernel.
func (r *run) launch(x *launch) error {
	args := append(r.args[:0], x.args...)
	for i, s := range x.slots {
		binary.NativeEndian.PutUint64(args[8*i:], r.value(s))
	}
	r.args = args
	return r.stream.Launch(x.fn, x.geometry, args)
}

// value is a slot's content in this run.
func (r *run) value(s slot) uint64 {
	switch s.what {
	case ofOperand:
		return uint64(uintptr(r.in[s.array].Ptr)) + uint64(s.bytes)
	case ofResult:
		return uint64(uintptr(r.c.Out[s.array].Ptr)) + uint64(s.bytes)
	case ofValue:
		return bitsOf(r.in[s.array])
	case ofScratch:
		return uint64(uintptr(r.scratch)) + uint64(s.bytes)
	default:
		return uint64(uintptr(r.flag))
	}
}

// bitsOf is the bits of an array's only element, in the host's memory.
func bitsOf(a *kernels.Array) uint64 {
	switch a.DType.Size() {
	case 1:
		return uint64(*(*uint8)(a.Ptr))
	case 4:
		return uint64(*(*uint32)(a.Ptr))
	}
	return *(*uint64)(a.Ptr)
}

// aligned reports whether a pointer is at a multiple of 16 bytes.
func aligned(p unsafe.Pointer) bool { return uintptr(p)%16 == 0 }

// grid returns the blocks that share out n pieces of work among threads.
func grid(n int) geometry {
	return geometry{Grid: [2]int{max(1, min((n+threads-1)/threads, mostBlocks)), 1}, Block: [2]int{min(threads, roundUp(n)), 1}}
}

// mostBlocks is the blocks of a grid of which each does several things in turn.
const mostBlocks = 8192

// threads is the most of a block; kernels are compiled for it.
const threads = 256

// roundUp returns a power of two of at least n and 32, or threads.
func roundUp(n int) int {
	t := 32
	for t < n && t < threads {
		t *= 2
	}
	return t
}
