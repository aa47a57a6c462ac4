// The state of one run: memory, arrays and calls, made once and used again.

package graph

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// state is what one run in progress works on.
type state struct {
	p        *Program
	values   []kernels.Array
	calls    []kernels.Call // of each step
	external []external     // values in the caller's memory
	arena    *device.Buffer
	staging  *device.Buffer   // for outputs that share memory with parameters
	packed   []*device.Buffer // for parameters that are not dense
	overlaps *overlaps

	in, out []*kernels.Array // of the run in progress
	done    <-chan struct{}  // closed when its context ends
	cancel  *atomic.Bool
	watcher *watcher
	cleanup runtime.Cleanup
	work    func() // runs the steps and keeps their error
	err     error
}

// external tells that a value lies at an offset in a parameter or destination.
type external struct {
	value  Ref
	source source
	index  int32
	offset int
}

func newState(p *Program) (*state, error) {
	st := &state{p: p, cancel: new(atomic.Bool), overlaps: newOverlaps(p.g)}
	st.work = func() { st.err = st.guarded() }
	st.packed = make([]*device.Buffer, len(p.g.Params))
	st.values = append(st.values, p.values...)
	if p.lay.arena > 0 {
		var err error
		if st.arena, err = p.dev.Alloc(p.lay.arena); err != nil {
			return nil, err
		}
	}
	for v := range st.values {
		st.locate(Ref(v))
	}
	st.makeCalls()
	return st, nil
}

// locate points a value to its memory, or notes that it is external.
func (st *state) locate(v Ref) {
	a, at := &st.values[v], st.p.lay.at[v]
	root := st.p.lay.at[at.root]
	if a.Size() == 0 {
		return
	}
	switch root.source {
	case inArena:
		a.Ptr, a.Buf = unsafe.Add(st.arena.Ptr(), root.base+at.offset), st.arena
	case ofConst:
		c := &st.p.g.Consts[root.index].Array
		a.Ptr, a.Buf = unsafe.Add(c.Ptr, at.offset), c.Buf
	default:
		st.external = append(st.external, external{v, root.source, root.index, at.offset})
	}
}

func (st *state) makeCalls() {
	p := st.p
	slots := 0
	for _, i := range p.lay.steps {
		inst := p.g.Instrs[i].Inst
		slots += len(inst.In) + len(inst.Out)
	}
	slab := make([]*kernels.Array, 0, slots)
	st.calls = make([]kernels.Call, len(p.lay.steps))
	for s, i := range p.lay.steps {
		x, from := &p.g.Instrs[i], len(slab)
		for _, v := range p.g.Args(int(i)) {
			slab = append(slab, &st.values[v])
		}
		mid := len(slab)
		for k := range x.Inst.Out {
			slab = append(slab, &st.values[x.Out+Ref(k)])
		}
		end := len(slab)
		st.calls[s] = kernels.Call{In: slab[from:mid:mid], Out: slab[mid:end:end], Workers: p.dev.Workers(), Cancel: st.cancel}
	}
}

// bind points the external values to the memory of the arguments, or of what
// stands for them: packed copies of parameters, staged outputs.
func (st *state) bind(in, out []*kernels.Array) error {
	st.in, st.out = in, out
	if err := st.overlaps.check(st.p.g, in, out); err != nil {
		return err
	}
	if err := st.standIns(); err != nil {
		return err
	}
	for _, x := range st.external {
		ptr, buf := st.base(x)
		v := &st.values[x.value]
		v.Ptr, v.Buf = unsafe.Add(ptr, x.offset), buf
	}
	return nil
}

// standIns allocates what this run needs for the first time.
func (st *state) standIns() (err error) {
	if st.overlaps.any && st.staging == nil {
		if st.staging, err = st.p.dev.Alloc(st.p.stage[len(st.out)]); err != nil {
			return err
		}
	}
	for i, a := range st.in {
		if st.packed[i] == nil && !a.Dense() && a.Size() > 0 {
			if st.packed[i], err = st.p.dev.Alloc(bytesOf(a.Aval)); err != nil {
				return err
			}
		}
	}
	return nil
}

// base returns the memory in which an external value lies at its offset.
func (st *state) base(x external) (unsafe.Pointer, *device.Buffer) {
	switch i := x.index; {
	case x.source == ofOutput && st.overlaps.staged[i]:
		return unsafe.Add(st.staging.Ptr(), st.p.stage[i]), st.staging
	case x.source == ofOutput:
		return st.out[i].Ptr, st.out[i].Buf
	case !st.in[i].Dense():
		return st.packed[i].Ptr(), st.packed[i]
	default:
		return st.in[i].Ptr, st.in[i].Buf
	}
}

// unbind forgets the arguments, so that a state that waits keeps nobody's memory.
func (st *state) unbind() {
	for _, x := range st.external {
		v := &st.values[x.value]
		v.Ptr, v.Buf = nil, nil
	}
	st.in, st.out, st.done, st.err = nil, nil, nil, nil
}

// run executes the steps, here or on the device's stream, until ctx ends.
func (st *state) run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st.done = ctx.Done()
	switch {
	case st.p.later:
		st.runLater(ctx)
	case st.done != nil && st.p.slow:
		st.watch()
		st.work()
		st.watcher.end()
	default:
		st.work()
	}
	st.cancel.Store(false)
	if errors.Is(st.err, kernels.ErrCancelled) {
		return ctx.Err()
	}
	return st.err
}

// runLater queues the steps as one piece of work and waits for it. When ctx ends
// it tells the kernels, and still waits: they work on the arguments.
func (st *state) runLater(ctx context.Context) {
	st.p.dev.Stream().Do(st.work)
	err := st.p.dev.Sync(ctx)
	if err != nil && ctx.Err() != nil {
		st.cancel.Store(true)
		err = st.p.dev.Sync(context.WithoutCancel(ctx))
	}
	if st.err == nil {
		st.err = err
	}
}

// watch has the flag that kernels poll set when the context ends.
func (st *state) watch() {
	if st.watcher == nil {
		st.watcher = newWatcher(st.cancel)
		st.cleanup = runtime.AddCleanup(st, (*watcher).close, st.watcher)
	}
	st.watcher.begin(st.done)
}

// guarded runs the steps; a panic of a kernel is its error.
func (st *state) guarded() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &device.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return st.steps()
}

// pollSteps is how many steps pass between two looks at the context: a look costs
// as much as a step on a scalar. What may run long polls the flag besides.
const pollSteps = 8

func (st *state) steps() error {
	for i, a := range st.in {
		if !a.Dense() && a.Size() > 0 {
			packed := kernels.Array{Aval: a.Aval, Ptr: st.packed[i].Ptr()}
			copyArray(&packed, a)
		}
	}
	for s, k := range st.p.kernels {
		if s%pollSteps == 0 {
			select {
			case <-st.done: // never, where the context cannot end
				return kernels.ErrCancelled
			default:
			}
		}
		if err := k.Run(&st.calls[s]); err != nil {
			return st.failed(s, err)
		}
	}
	st.copyOutputs()
	return nil
}

// copyOutputs fills the destinations that no step has written to.
func (st *state) copyOutputs() {
	for _, c := range st.p.lay.copies {
		dst := *st.out[c.output]
		if st.overlaps.staged[c.output] {
			dst.Ptr = unsafe.Add(st.staging.Ptr(), st.p.stage[c.output])
		}
		copyArray(&dst, &st.values[c.value])
	}
	if !st.overlaps.any {
		return
	}
	for i, staged := range st.overlaps.staged {
		if staged {
			src := kernels.Array{Aval: st.out[i].Aval, Ptr: unsafe.Add(st.staging.Ptr(), st.p.stage[i])}
			copyArray(st.out[i], &src)
		}
	}
}

func (st *state) failed(step int, err error) error {
	if errors.Is(err, kernels.ErrCancelled) {
		return err
	}
	i := int(st.p.lay.steps[step])
	inst := st.p.g.Instrs[i].Inst
	return &RunError{Instr: i, Op: inst.Name, In: inst.In, Place: st.p.g.PlaceOf(i), Err: err}
}

// release gives the state's memory back and ends its watcher.
func (st *state) release() {
	if st.watcher != nil {
		st.cleanup.Stop()
		st.watcher.close()
	}
	for _, b := range append(st.packed, st.arena, st.staging) {
		if b != nil {
			b.Release()
		}
	}
}
