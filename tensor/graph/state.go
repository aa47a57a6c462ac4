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
	*activation
	p        *Program
	move     kernels.Mover // the program's, or branches
	branches *branches     // not nil while the work is being recorded
	arena    *device.Buffer
	staging  *device.Buffer   // for outputs that share memory with parameters
	packed   []*device.Buffer // for parameters that are not dense
	overlaps *overlaps
	coded    *coded // not nil: runs code, and none of the kernels

	run      Run              // the run in progress
	arrays   []*kernels.Array // of it
	done     <-chan struct{}  // closed when its context ends
	cancel   *atomic.Bool
	watcher  *watcher
	cleanup  runtime.Cleanup
	plain    bool                // nothing is recorded
	recorded []kernels.Recording // all that there are
	missed   bool                // a recording that was given up in this run had come upon bad operands
	work     func()              // runs the steps and keeps their error
	err      error
}

func newState(p *Program) (*state, error) {
	st := &state{p: p, move: p.move, cancel: new(atomic.Bool), overlaps: newOverlaps(p)}
	_, records := p.move.(kernels.Recorder)
	st.plain = p.stepwise || !records
	st.work = func() { st.err = st.guarded() }
	st.packed = make([]*device.Buffer, len(p.g.Params))
	st.arrays = make([]*kernels.Array, len(p.ins)+len(p.outs))
	st.run = Run{In: st.arrays[:len(p.ins):len(p.ins)], Out: st.arrays[len(p.ins):], st: st}
	var arena memory
	if p.lay.arena > 0 && p.native.Load() == nil { // see adopt
		var err error
		if st.arena, err = p.dev.Alloc(p.lay.arena); err != nil {
			return nil, err
		}
		arena = memory{st.arena.Ptr(), st.arena}
	}
	st.activation = newActivation(st, p.code, arena, 0)
	return st, nil
}

// bind points the external values to the memory of the arguments, or of what
// stands for them: packed copies of parameters, staged outputs.
func (st *state) bind() error {
	in, out := st.run.In, st.run.Out
	if err := st.overlaps.check(in, out); err != nil {
		return err
	}
	if st.coded != nil && st.overlaps.asIs {
		return nil // the code is given in and out themselves
	}
	if err := st.standIns(); err != nil {
		return err
	}
	for i, a := range in {
		if st.ins[i] = memoryOf(a); st.packed[i] != nil && !a.Dense() {
			st.ins[i] = memory{st.packed[i].Ptr(), st.packed[i]}
		}
	}
	for i, a := range out {
		if st.outs[i] = memoryOf(a); st.overlaps.staged[i] {
			st.outs[i] = memory{st.staging.Ptr(), st.staging}.plus(st.p.stage[i])
		}
	}
	if st.coded != nil {
		st.coded.bind(st.ins, st.outs)
	} else {
		st.point(st.moving)
	}
	return nil
}

// standIns allocates what this run needs for the first time.
func (st *state) standIns() (err error) {
	if st.overlaps.any && st.staging == nil {
		if st.staging, err = st.p.dev.Alloc(st.p.stage[len(st.run.Out)]); err != nil {
			return err
		}
	}
	for i, a := range st.run.In {
		if st.packed[i] == nil && !a.Dense() && a.Size() > 0 {
			if st.packed[i], err = st.p.dev.Alloc(bytesOf(a.Aval)); err != nil {
				return err
			}
		}
	}
	return nil
}

// unbind forgets the arguments, so that a state that waits keeps nobody's memory.
func (st *state) unbind() {
	switch {
	case st.coded == nil:
		st.forget()
	case !st.overlaps.asIs:
		clear(st.ins)
		clear(st.outs)
		st.coded.forget()
	}
	clear(st.arrays)
	st.done, st.err = nil, nil
}

// do executes the steps, here or on the device's stream, until ctx ends.
func (st *state) do(ctx context.Context) error {
	if st.done = ctx.Done(); st.done != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	switch {
	case st.p.later:
		st.runLater(ctx)
	case st.done != nil && (st.p.slow || st.coded != nil && st.coded.loops):
		st.watch()
		st.err = st.guarded()
		st.watcher.end()
	default:
		st.err = st.guarded()
	}
	if st.cancel.Load() {
		st.cancel.Store(false)
	}
	if st.err != nil && errors.Is(st.err, kernels.ErrCancelled) {
		return ctx.Err()
	}
	return st.err
}

// runLater queues the steps as one piece of work and waits for it. When ctx ends
// it tells the kernels, and still waits: they work on the arguments.
func (st *state) runLater(ctx context.Context) {
	st.missed = false
	st.p.dev.Stream().Do(st.work)
	err := st.p.dev.Sync(ctx)
	if err == nil && st.badReplay() { // to say what was wrong
		st.plain = true
		st.dropReplays()
		st.missed = false
		st.p.dev.Stream().Do(st.work)
		err = st.p.dev.Sync(ctx)
	}
	if err != nil && ctx.Err() != nil {
		st.cancel.Store(true)
		err = st.p.dev.Sync(context.WithoutCancel(ctx))
	}
	if st.err == nil || errors.Is(st.err, errBadReplay) {
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

// polls counts the steps between two looks.
type polls uint

// poll looks every now and then whether a context has ended.
func (n *polls) poll(done <-chan struct{}) error {
	if *n++; *n%pollSteps != 0 {
		return nil
	}
	select {
	case <-done: // never, where the context cannot end
		return kernels.ErrCancelled
	default:
		return nil
	}
}

// steps packs the parameters, runs the program and copies what was staged.
func (st *state) steps() error {
	if st.coded != nil && st.overlaps.asIs {
		return st.coded.runner.Run(st.run.In, st.run.Out, st.cancel)
	}
	for i, a := range st.run.In {
		if a.Strides != nil && !a.Dense() && a.Size() > 0 {
			packed := kernels.Array{Aval: a.Aval, Ptr: st.packed[i].Ptr(), Buf: st.packed[i]}
			if err := st.p.move.Copy(packed, *a); err != nil {
				return err
			}
		}
	}
	if st.coded != nil {
		if err := st.coded.runner.Run(st.coded.in, st.coded.out, st.cancel); err != nil {
			return err
		}
	} else if err := st.activation.again(secondRun); err != nil {
		return err
	}
	if !st.overlaps.any {
		return nil
	}
	for i, staged := range st.overlaps.staged {
		if staged {
			src := kernels.Array{Aval: st.run.Out[i].Aval, Ptr: unsafe.Add(st.staging.Ptr(), st.p.stage[i]), Buf: st.staging}
			if err := st.p.move.Copy(*st.run.Out[i], src); err != nil {
				return err
			}
		}
	}
	return nil
}

// release gives the state's memory back and ends its watcher.
func (st *state) release() {
	if st.watcher != nil {
		st.cleanup.Stop()
		st.watcher.close()
	}
	st.dropReplays()
	st.activation.release()
	if st.coded != nil {
		st.coded.runner.Release()
	}
	for _, b := range append(st.packed, st.arena, st.staging) {
		if b != nil {
			b.Release()
		}
	}
}
