// Activations: codes with memory, arrays and calls, made once and run again and again.

package graph

import (
	"errors"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
)

// activation is a code with memory to run in.
type activation struct {
	*code
	st     *state
	values []kernels.Array
	calls  []kernels.Call // of each step
	flows  []*flow        // of each step, nil for kernels
	stacks []stack
	beside []stageRun
	polls  polls

	// Values in memory that comes from outside, and that memory.
	fixed, moving []external // those of the first parameters, which change less often, and the rest
	ins, outs     []memory   // of each parameter and output

	replays replays
}

// memory is where an array begins, and what holds it.
type memory struct {
	ptr unsafe.Pointer
	buf *device.Buffer
}

// plus returns the memory bytes later.
func (m memory) plus(bytes int) memory {
	if m.ptr != nil {
		m.ptr = unsafe.Add(m.ptr, bytes)
	}
	return m
}

// memoryOf returns the memory of an array.
func memoryOf(a *kernels.Array) memory { return memory{a.Ptr, a.Buf} }

// external tells that a value lies at an offset in a parameter, a destination or a stack.
type external struct {
	value  Ref
	source source
	index  int32
	offset int
}

// newActivation gives c the arena; of its parameters the first fixed ones change less often.
func newActivation(st *state, c *code, arena memory, fixed int) *activation {
	a := &activation{code: c, st: st, values: append([]kernels.Array(nil), c.values...)}
	a.ins, a.outs = make([]memory, len(c.g.Params)), make([]memory, len(c.g.Outputs))
	a.stacks = make([]stack, len(c.lay.stacks))
	for i, v := range c.lay.stacks {
		a.stacks[i].most = a.values[v].Shape[0]
		a.stacks[i].row = bytesOf(a.values[v].Aval) / max(a.stacks[i].most, 1)
	}
	for v := range a.values {
		a.locate(Ref(v), arena, fixed)
	}
	a.makeCalls(arena)
	for i := range c.lay.stages {
		x := &c.lay.stages[i]
		a.beside = append(a.beside, stageRun{x, a, x.schedule.NewFlight(st.p.dev.Workers())})
	}
	return a
}

// locate points a value to its memory, or notes that it comes from outside.
func (a *activation) locate(v Ref, arena memory, fixed int) {
	x, at := &a.values[v], a.lay.at[v]
	root := a.lay.at[at.root]
	if x.Size() == 0 {
		return
	}
	set := func(m memory) { x.Ptr, x.Buf = m.ptr, m.buf }
	e := external{v, root.source, root.index, at.offset}
	switch {
	case root.source == inArena:
		set(arena.plus(root.base + at.offset))
	case root.source == ofConst:
		set(memoryOf(&a.g.Consts[root.index].Array).plus(at.offset))
	case root.source == ofStack:
		a.stacks[root.index].views = append(a.stacks[root.index].views, e)
	case root.source == ofParam && int(root.index) < fixed:
		a.fixed = append(a.fixed, e)
	default:
		a.moving = append(a.moving, e)
	}
}

func (a *activation) makeCalls(arena memory) {
	slots := 0
	for _, i := range a.lay.steps {
		inst := a.g.Instrs[i].Inst
		slots += len(inst.In) + len(inst.Out)
	}
	slab := make([]*kernels.Array, 0, slots)
	a.calls = make([]kernels.Call, len(a.steps))
	a.flows = make([]*flow, len(a.steps))
	for s, i := range a.lay.steps {
		x, from := &a.g.Instrs[i], len(slab)
		for _, v := range a.g.Args(int(i)) {
			slab = append(slab, &a.values[v])
		}
		mid := len(slab)
		for k := range x.Inst.Out {
			slab = append(slab, &a.values[x.Out+Ref(k)])
		}
		end := len(slab)
		a.calls[s] = kernels.Call{In: slab[from:mid:mid], Out: slab[mid:end:end], Workers: a.st.p.dev.Workers(), Cancel: a.st.cancel}
		if cc := a.steps[s].control; cc != nil {
			work := memory{}
			if b := a.lay.work[s]; b >= 0 {
				work = arena.plus(a.lay.blocks[b].offset)
			}
			a.flows[s] = newFlow(a, cc, int(i), work)
		}
	}
}

// point tells external values where their memory is now.
func (a *activation) point(list []external) {
	for _, x := range list {
		m := &a.outs
		if x.source == ofParam {
			m = &a.ins
		}
		at, v := (*m)[x.index].plus(x.offset), &a.values[x.value]
		v.Ptr, v.Buf = at.ptr, at.buf
	}
}

// forget unpoints the external values, so that what waits keeps nobody's memory.
func (a *activation) forget() {
	for _, list := range [2][]external{a.fixed, a.moving} {
		for _, x := range list {
			v := &a.values[x.value]
			v.Ptr, v.Buf = nil, nil
		}
	}
	clear(a.ins)
	clear(a.outs)
	for _, f := range a.flows {
		if f != nil {
			for _, b := range f.bodies {
				b.forget()
			}
		}
	}
}

// launch has a kernel do a call, or queue it.
func (st *state) launch(k kernels.Kernel, c *kernels.Call) error {
	if st.branches != nil {
		return st.branches.run(k, c)
	}
	return k.Run(c)
}

// run executes the steps and copies the outputs that none has written to.
func (a *activation) run() error {
	s := 0
	for i := range a.beside {
		x := &a.beside[i]
		if err := a.inOrder(s, x.lo); err != nil {
			return err
		}
		if err := x.flight.Run(x); err != nil {
			return err
		}
		s = x.hi
	}
	if err := a.inOrder(s, len(a.steps)); err != nil {
		return err
	}
	return a.copies()
}

// copies copies the outputs that no step has written to.
func (a *activation) copies() error {
	for _, c := range a.lay.copies {
		v := &a.values[c.value]
		dst := kernels.Array{Aval: v.Aval, Ptr: a.outs[c.output].ptr, Buf: a.outs[c.output].buf}
		if err := a.st.move.Copy(dst, *v); err != nil {
			return err
		}
	}
	return nil
}

// inOrder executes steps s to end-1.
func (a *activation) inOrder(s, end int) error {
	for ; s < end; s++ {
		if err := a.polls.poll(a.st.done); err != nil {
			return err
		}
		if err := a.step(s); err != nil {
			return err
		}
	}
	return nil
}

// step executes step s.
func (a *activation) step(s int) (err error) {
	if f := a.flows[s]; f != nil {
		err = f.run()
	} else {
		err = a.st.launch(a.steps[s].kernel, &a.calls[s])
	}
	if err != nil {
		return a.failed(s, err)
	}
	return nil
}

// failed adds to an error where it happened: the innermost instruction, and the
// steps of loops that it was in.
func (a *activation) failed(step int, err error) error {
	var inner *RunError
	if errors.Is(err, kernels.ErrCancelled) || errors.As(err, &inner) {
		return err
	}
	i := int(a.lay.steps[step])
	inst := a.g.Instrs[i].Inst
	return &RunError{Instr: i, Op: inst.Name, In: inst.In, Place: a.g.PlaceOf(i), Err: err}
}

// release gives the stacks' memory back.
func (a *activation) release() {
	for i := range a.stacks {
		if b := a.stacks[i].buf; b != nil {
			b.Release()
		}
	}
	for _, f := range a.flows {
		if f != nil {
			for _, b := range f.bodies {
				b.release()
			}
		}
	}
}
