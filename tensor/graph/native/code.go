package native

// Running printed programs: the compiled text with the memory of one run.

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/internal/cc"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/tensor/graph"
)

// Code is a program in machine code. It is safe for concurrent use.
type Code struct {
	// Took is what the compiler took; zero where the code was in the cache.
	Took time.Duration

	lib     *cc.Library
	g       *graph.Graph
	dev     device.Device
	p       *printed
	entry   entries
	consts  []uintptr              // of the unit
	memory  []unsafe.Pointer       // the same
	kernels map[int]kernels.Kernel // of the steps that call one
	within  []kernels.Kernel       // of the calls in bodies
	work    bool                   // some step is worth sharing out
	whole   bool                   // no step calls a kernel
}

// ArenaBytes returns the memory that a run needs beside arguments, destinations and
// constants.
func (c *Code) ArenaBytes() int { return c.p.arena }

// entries are the functions that the text exports.
type entries struct{ steps, items, zero uintptr }

// run is ct_run of prelude.h. Addresses are of memory that the Runner keeps.
type run struct{ table, consts, mem, cancel, fault, stacks, grow, call, owner uintptr }

// faultDepth is CT_DEPTH of prelude.h, and failure ct_fault.
const faultDepth = 8

type failure struct {
	set, site, index, size, depth int64
	step, form                    [faultDepth]int64
}

// grain is the nanoseconds of work that are worth another worker.
const grain = 12e3

func newCode(dev device.Device, p *printed, e entries) (*Code, error) {
	g := p.graph
	c := &Code{g: g, dev: dev, p: p, entry: e, kernels: map[int]kernels.Kernel{}, whole: true}
	backend, ok := kernels.BackendID(dev.Kind())
	if !ok {
		return nil, &graph.BackendError{Device: dev.Name()}
	}
	for i := range p.steps {
		s := &p.steps[i]
		if s.fn == "" {
			k := g.Instrs[s.call].Inst.Kernel(backend)
			if k == nil {
				return nil, &graph.BackendError{Device: dev.Name(), Op: g.Instrs[s.call].Inst.Name}
			}
			c.kernels[i], c.whole = k, false
		}
		c.work = c.work || s.items > 1 && s.cost > 2*grain && !s.whole
	}
	for _, h := range p.calls {
		k := h.inst.Kernel(backend)
		if k == nil {
			return nil, &graph.BackendError{Device: dev.Name(), Op: h.inst.Name}
		}
		c.within = append(c.within, k)
	}
	for _, k := range p.consts {
		ptr := k.array.Ptr
		if k.dim >= 0 {
			ptr = unsafe.Pointer(unsafe.SliceData(packed(k)))
		}
		c.memory = append(c.memory, ptr)
		c.consts = append(c.consts, uintptr(ptr))
	}
	return c, nil
}

// Runner is the memory of one run in progress.
type Runner struct {
	c      *Code
	run    *run // an object of its own, without pointers, which C may be given
	fault  *failure
	table  []uintptr
	arena  *device.Buffer
	calls  map[int]*kernels.Call
	values map[graph.Ref]*kernels.Array
	bound  []binding // values of calls in the caller's memory

	parts []part // of the step that is shared out
	step  int

	host
}

// part is some items of a step.
type part struct {
	run   run
	fault failure
	end   int
}

// binding tells that a value of a call lies in a parameter or destination.
type binding struct {
	a      *kernels.Array
	out    bool
	index  int
	offset int
}

// NewRunner makes what a run needs.
func (c *Code) NewRunner() (graph.Runner, error) {
	r := &Runner{c: c, run: new(run), fault: new(failure), calls: map[int]*kernels.Call{}, values: map[graph.Ref]*kernels.Array{}}
	r.table = make([]uintptr, len(c.g.Params)+len(c.g.Outputs)+1)
	if c.p.arena > 0 {
		var err error
		if r.arena, err = c.dev.Alloc(c.p.arena); err != nil {
			return nil, err
		}
		r.run.mem = uintptr(r.arena.Ptr())
	}
	r.run.table = uintptr(unsafe.Pointer(unsafe.SliceData(r.table)))
	r.run.consts = uintptr(unsafe.Pointer(unsafe.SliceData(c.consts)))
	r.run.fault = uintptr(unsafe.Pointer(r.fault))
	for i := range c.p.steps {
		if c.p.steps[i].fn == "" {
			r.makeCall(i)
		}
	}
	r.makeHost()
	return r, nil
}

// makeCall makes the arrays of a kernel's call.
func (r *Runner) makeCall(step int) {
	c := r.c
	x := &c.g.Instrs[c.p.steps[step].call]
	call := &kernels.Call{Workers: c.dev.Workers()}
	for _, v := range c.g.Args(c.p.steps[step].call) {
		call.In = append(call.In, r.array(v))
	}
	for k := range x.Inst.Out {
		call.Out = append(call.Out, r.array(x.Out+graph.Ref(k)))
	}
	r.calls[step] = call
}

// array returns a value as kernels take it.
func (r *Runner) array(v graph.Ref) *kernels.Array {
	if a := r.values[v]; a != nil {
		return a
	}
	l := r.c.p.views[v]
	a := &kernels.Array{Aval: r.c.g.Aval(v), Strides: l.strides}
	if a.Dense() {
		a.Strides = nil
	}
	r.values[v] = a
	at := &r.c.p.roots[l.root]
	switch at.source {
	case inArena:
		a.Ptr, a.Buf = unsafe.Add(r.arena.Ptr(), at.offset+l.offset), r.arena
	case ofConst:
		a.Ptr = unsafe.Add(r.c.memory[at.index], l.offset)
	default:
		r.bound = append(r.bound, binding{a, at.source == ofOutput, at.index, l.offset})
	}
	return a
}

// Run computes the destinations from the arguments, which are dense.
func (r *Runner) Run(in, out []*kernels.Array, cancel *atomic.Bool) error {
	for i, a := range in {
		r.table[i] = uintptr(a.Ptr)
	}
	for i, a := range out {
		r.table[len(in)+i] = uintptr(a.Ptr)
	}
	for _, b := range r.bound {
		from := in
		if b.out {
			from = out
		}
		b.a.Ptr, b.a.Buf = unsafe.Add(from[b.index].Ptr, b.offset), from[b.index].Buf
	}
	r.run.cancel, r.fault.set, r.fault.depth = uintptr(unsafe.Pointer(cancel)), 0, 0
	hosting := r.hosting()
	if hosting {
		r.beginHost(cancel)
	}
	err := r.steps(cancel)
	if hosting {
		r.endHost()
	}
	for _, b := range r.bound {
		b.a.Ptr, b.a.Buf = nil, nil
	}
	return err
}

// steps does the steps in order, sharing out what is worth it.
func (r *Runner) steps(cancel *atomic.Bool) error {
	c := r.c
	shared := c.work && c.dev.Workers() != nil && c.dev.Workers().N() > 1
	if c.whole && !shared {
		return r.native(0, len(c.p.steps))
	}
	for i := 0; i < len(c.p.steps); {
		s := &c.p.steps[i]
		var err error
		switch {
		case s.fn == "":
			call := r.calls[i]
			call.Cancel = cancel
			if cancel != nil && cancel.Load() {
				return kernels.ErrCancelled
			}
			if err = c.kernels[i].Run(call); err != nil && !errors.Is(err, kernels.ErrCancelled) {
				err = r.failed(s.call, err)
			}
			i++
		case shared && s.items > 1 && s.cost > 2*grain && !s.whole:
			err = r.share(i)
			i++
		default:
			j := i + 1
			for j < len(c.p.steps) && c.p.steps[j].fn != "" && !(shared && c.p.steps[j].cost > 2*grain) {
				j++
			}
			err = r.native(i, j)
			i = j
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// native does steps that are functions.
func (r *Runner) native(from, to int) error {
	call := callEntry
	if r.hosting() {
		call = callHosted
	}
	return r.outcome(call(r.c.entry.steps, r.run, from, to), r.fault)
}

// What functions return.
const (
	done = iota
	cancelled
	fault
	stepsFault
	stackFault
	hostFault
)

// outcome is the error of what a function returned.
func (r *Runner) outcome(end int, f *failure) error {
	var err error
	switch end {
	case done:
		return nil
	case cancelled:
		return kernels.ErrCancelled
	case stepsFault:
		err = &graph.StepsError{Limit: int(f.size)}
	case stackFault:
		err = &graph.StackError{Limit: int(f.size), Steps: int(f.index)}
	case hostFault:
		err = r.hostErr
	default:
		err = &kernels.IndexError{Op: r.c.p.sites[f.site].inst.Name, Index: f.index, Size: int(f.size)}
	}
	at := r.c.p.sites[f.site]
	re := &graph.RunError{Instr: at.instr, Op: at.inst.Name, In: at.inst.In, Place: r.c.g.PlaceOf(at.instr), Err: err}
	for k := range f.depth {
		re.Within = append(re.Within, fmt.Sprintf("step %d of the %v", f.step[k], graph.Form(f.form[k])))
	}
	return re
}

func (r *Runner) failed(i int, err error) error {
	inst := r.c.g.Instrs[i].Inst
	return &graph.RunError{Instr: i, Op: inst.Name, In: inst.In, Place: r.c.g.PlaceOf(i), Err: err}
}

// share does a step on all workers: each takes ranges of its items.
func (r *Runner) share(step int) error {
	s := &r.c.p.steps[step]
	callEntry(r.c.entry.zero, r.run, step, 0)
	w := r.c.dev.Workers()
	parts := max(1, min(s.items, 4*w.N(), int(s.cost/grain)))
	if cap(r.parts) < parts {
		r.parts = make([]part, parts)
	}
	r.parts = r.parts[:parts]
	for i := range r.parts {
		x := &r.parts[i]
		x.run, x.fault = *r.run, failure{}
		x.run.fault = uintptr(unsafe.Pointer(&x.fault))
	}
	r.step = step
	w.Run(r, parts)
	for i := range r.parts {
		if x := &r.parts[i]; x.end != done {
			return r.outcome(x.end, &x.fault)
		}
	}
	return nil
}

// Do does one part of the step that is shared out.
func (r *Runner) Do(i, _ int) {
	items, parts := r.c.p.steps[r.step].items, len(r.parts)
	x := &r.parts[i]
	x.end = callItems(r.c.entry.items, &x.run, r.step, i*items/parts, (i+1)*items/parts)
}

// Release gives the memory back.
func (r *Runner) Release() {
	if r.arena != nil {
		r.arena.Release()
		r.arena = nil
	}
	r.releaseHost()
}
