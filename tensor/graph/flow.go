// Running control flow: bodies as codes in the arena of what they are in.

package graph

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels"
)

// controlCode is a control instruction made ready to run.
//
// Its bodies share one part of the arena, since one runs at a time. A carry has two
// places: the result's and a spare one. Each step reads one and writes the other, so
// that the last step writes the result. Sums that the body does not add itself, and
// the condition, have a place each as well.
type controlCode struct {
	c       *Control
	bodies  []*code
	add     []kernels.Kernel // of each sum what adds it, nil where the body does
	scratch int              // bytes of all places
	spare   []int            // where in them each carry's spare place is
	part    []int            // where each sum's is
	test    int              // where the condition's is
}

// newControlCode compiles the bodies for operands of the given strides.
func newControlCode(inst *kernels.Inst, to target, strides [][]int) (*controlCode, error) {
	c := ControlOf(inst)
	cc := &controlCode{c: c}
	sums := len(c.Body().Outputs) - c.Sums
	for _, b := range c.Bodies {
		code, err := newCode(b, to, c.paramStrides(len(b.Params), strides), sums)
		if err != nil {
			return nil, err
		}
		cc.bodies = append(cc.bodies, code)
		cc.scratch = max(cc.scratch, aligned(code.lay.arena))
	}
	take := func(a kernels.Aval) int {
		at := cc.scratch
		cc.scratch += aligned(bytesOf(a))
		return at
	}
	body := c.Body()
	if c.Form == Scan || c.Form == While {
		for _, v := range body.Outputs[:c.Carries] {
			cc.spare = append(cc.spare, take(body.Aval(v)))
		}
	}
	for k, s := range cc.bodies[len(cc.bodies)-1].lay.added {
		v := body.Aval(body.Outputs[sums+k])
		var add kernels.Kernel
		at := -1
		if s < 0 {
			at = take(v)
			inst, err := kernels.Add.Inst(nil, v, v)
			if err != nil {
				return nil, err
			}
			if add = inst.Kernel(to.backend); add == nil {
				return nil, &BackendError{Device: to.device, Op: inst.Name}
			}
		}
		cc.add, cc.part = append(cc.add, add), append(cc.part, at)
	}
	if c.Form == While {
		cc.test = take(condition)
	}
	return cc, nil
}

// paramStrides returns the strides of a body's n parameters, given the operands':
// carries are dense, of the xs the leading axis is gone.
func (c *Control) paramStrides(n int, operands [][]int) [][]int {
	out := make([][]int, n)
	if c.Form == Cond {
		copy(out, operands[1:])
		return out
	}
	copy(out, operands[:n])
	if c.Form == Call {
		return out
	}
	for i := c.Consts; i < n; i++ {
		switch {
		case i < c.Consts+c.Carries:
			out[i] = nil
		case out[i] != nil:
			out[i] = out[i][1:]
		}
	}
	return out
}

// slow reports whether a body may run long. A loop looks at the context itself.
func (cc *controlCode) slow() bool {
	for _, b := range cc.bodies {
		if b.slow {
			return true
		}
	}
	return false
}

// flow is a control instruction with memory to run in.
type flow struct {
	*controlCode
	st      *state
	bodies  []*activation
	in, out []*kernels.Array
	grow    []*stack // of each y, nil where it has all of its memory
	row     int      // bytes of all ys of a step
	owner   *activation
	work    memory
	addCall kernels.Call
	addArgs [3]kernels.Array
	addPtrs [3]*kernels.Array
	steps   int64 // that a while took
	polls   polls
}

// newFlow makes the flow of instruction i of an activation.
func newFlow(a *activation, cc *controlCode, i int, work memory) *flow {
	f := &flow{controlCode: cc, st: a.st, owner: a, work: work}
	for s, j := range a.lay.steps {
		if int(j) == i {
			f.in, f.out = a.calls[s].In, a.calls[s].Out
		}
	}
	fixed := 0
	if cc.c.Form == Scan || cc.c.Form == While {
		fixed = cc.c.Consts
	}
	for _, code := range cc.bodies {
		f.bodies = append(f.bodies, newActivation(a.st, code, work, fixed))
	}
	f.grow = make([]*stack, cc.c.Ys)
	for k := range f.grow {
		y := f.out[cc.c.FirstY()+k].Aval
		f.row += bytesOf(y) / max(cc.c.Length, 1)
		if at := a.lay.at[a.g.Instrs[i].Out+Ref(cc.c.FirstY()+k)]; at.source == ofStack {
			f.grow[k] = &a.stacks[at.index]
		}
	}
	for k := range f.addPtrs {
		f.addPtrs[k] = &f.addArgs[k]
	}
	f.addCall = kernels.Call{In: f.addPtrs[:2:2], Out: f.addPtrs[2:], Workers: a.st.p.dev.Workers(), Cancel: a.st.cancel}
	return f
}

// run executes the instruction.
func (f *flow) run() error {
	switch f.c.Form {
	case Cond:
		b := f.bodies[0]
		if yes, err := f.move().Int(*f.in[0]); err != nil {
			return err
		} else if yes == 0 {
			b = f.bodies[1]
		}
		return f.once(b, f.in[1:])
	case Call:
		return f.once(f.bodies[0], f.in)
	}
	err := f.loop()
	if err == nil {
		for _, s := range f.grow {
			if s != nil {
				s.point(f.owner.values)
			}
		}
	}
	return err
}

func (f *flow) move() kernels.Mover { return f.st.move }

// once runs a body on the operands into the results.
func (f *flow) once(b *activation, in []*kernels.Array) error {
	for i, a := range in {
		b.ins[i] = memoryOf(a)
	}
	for i, a := range f.out {
		b.outs[i] = memoryOf(a)
	}
	b.point(b.moving)
	return b.again(oftenRun)
}

// loop runs the steps of a scan or a while.
func (f *flow) loop() error {
	c, body := f.c, f.bodies[len(f.bodies)-1]
	n := c.Length
	if c.Counted {
		count, err := f.move().Int(*f.in[len(f.in)-1])
		if err != nil {
			return err
		}
		n = int(min(count, int64(n)))
	}
	for _, b := range f.bodies {
		for i := range c.Consts {
			b.ins[i] = memoryOf(f.in[i])
		}
		b.point(b.fixed)
	}
	last := n - 1 // the step that writes to the results
	if err := f.start(last); err != nil {
		return err
	}
	k := 0
	for ; ; k++ {
		if err := f.polls.poll(f.st.done); err != nil {
			return err
		}
		if more, err := f.more(k, n); err != nil {
			return f.within(k, err)
		} else if !more {
			break
		}
		if err := f.step(body, k, n, last); err != nil {
			return f.within(k, err)
		}
	}
	return f.finish(k)
}

// within names the step in which an error happened.
func (f *flow) within(k int, err error) error {
	var re *RunError
	if errors.As(err, &re) {
		re.Within = append(re.Within, fmt.Sprintf("step %d of the %v", k, f.c.Form))
	}
	return err
}

// place returns the memory that holds carry j after step k; -1 is before the first.
func (f *flow) place(j, k, last int) memory {
	if (last-k)&1 == 0 {
		return memoryOf(f.out[j])
	}
	return f.work.plus(f.spare[j])
}

// start brings the initial carries to where the first step reads them.
func (f *flow) start(last int) error {
	body := f.bodies[len(f.bodies)-1]
	for j := range f.c.Carries {
		a := f.in[f.c.Consts+j]
		m := memoryOf(a)
		if !a.Dense() {
			m = f.place(j, -1, last)
			dst := kernels.Array{Aval: a.Aval, Ptr: m.ptr, Buf: m.buf}
			if err := f.move().Copy(dst, *a); err != nil {
				return err
			}
		}
		body.ins[f.c.Consts+j] = m
	}
	return nil
}

// more reports whether there is a step k.
func (f *flow) more(k, n int) (bool, error) {
	c := f.c
	if c.Form == Scan {
		return k < n, f.reserve(n) // a scan in reverse begins with the last row
	}
	test, body := f.bodies[0], f.bodies[1]
	copy(test.ins[c.Consts:], body.ins[c.Consts:])
	test.outs[0] = f.work.plus(f.test)
	test.point(test.moving)
	if err := test.again(oftenRun); err != nil {
		return false, err
	}
	yes, err := f.move().Int(kernels.Array{Aval: condition, Ptr: test.outs[0].ptr, Buf: test.outs[0].buf})
	switch {
	case err != nil:
		return false, err
	case f.st.badReplay():
		return false, errBadReplay
	case yes == 0:
		return false, nil
	case c.Bound > 0 && k >= c.Bound:
		return false, &StepsError{Limit: c.Bound}
	case c.Ys > 0 && (k >= c.Length || c.Limit > 0 && (k+1)*f.row > c.Limit):
		return false, &StackError{Limit: c.Limit, Steps: k}
	}
	return true, f.reserve(k + 1)
}

// reserve makes room for n rows in the ys that grow.
func (f *flow) reserve(n int) error {
	for _, s := range f.grow {
		if s != nil {
			if err := s.reserve(f.st.p.dev, f.move(), n); err != nil {
				return err
			}
		}
	}
	return nil
}

// step runs the body once.
func (f *flow) step(body *activation, k, n, last int) error {
	c := f.c
	row := k
	if c.Reverse {
		row = n - 1 - k
	}
	for j := range c.Carries {
		body.outs[j] = f.place(j, k, last)
	}
	for i := c.Consts + c.Carries; i < c.Consts+c.Carries+c.Xs; i++ {
		a := f.in[i]
		body.ins[i] = memoryOf(a).plus(row * a.Stride(0) * a.DType.Size())
	}
	first := c.FirstY()
	for j := range c.Ys {
		a := f.out[first+j]
		m := memoryOf(a)
		if s := f.grow[j]; s != nil {
			m = memory{s.buf.Ptr(), s.buf}
		}
		body.outs[c.Carries+j] = m.plus(row * (bytesOf(a.Aval) / c.Length))
	}
	for j := range c.Sums {
		at := c.Carries + c.Ys + j
		if f.part[j] < 0 {
			body.outs[at] = memoryOf(f.out[first+c.Ys+j])
			body.calls[body.lay.added[j]].Add = k > 0
		} else {
			body.outs[at] = f.work.plus(f.part[j])
		}
	}
	body.point(body.moving)
	var err error
	if c.Xs+c.Ys+c.Sums == 0 {
		err = body.again(oftenRun)
	} else { // each step has rows, or adds, of its own
		err = body.run()
	}
	if err != nil {
		return err
	}
	for j := range c.Carries {
		body.ins[c.Consts+j] = body.outs[j]
	}
	return f.sum(k)
}

// sum adds the parts that the body has not added itself.
func (f *flow) sum(k int) error {
	first := f.c.FirstY() + f.c.Ys
	for j, at := range f.part {
		if at < 0 {
			continue
		}
		to := f.out[first+j]
		part := kernels.Array{Aval: to.Aval, Ptr: f.work.plus(at).ptr, Buf: f.work.buf}
		if k == 0 {
			if err := f.move().Copy(*to, part); err != nil {
				return err
			}
			continue
		}
		f.addArgs = [3]kernels.Array{*to, part, *to}
		if err := f.st.launch(f.add[j], &f.addCall); err != nil {
			return err
		}
	}
	return nil
}

// finish leaves the results as they are after n steps.
func (f *flow) finish(n int) error {
	c, body := f.c, f.bodies[len(f.bodies)-1]
	for j := range c.Carries {
		if to := f.out[j]; to.Size() > 0 && body.ins[c.Consts+j].ptr != to.Ptr {
			from := kernels.Array{Aval: to.Aval, Ptr: body.ins[c.Consts+j].ptr, Buf: body.ins[c.Consts+j].buf}
			if err := f.move().Copy(*to, from); err != nil {
				return err
			}
		}
	}
	if c.Form == While {
		f.steps = int64(n)
		steps := kernels.Array{Aval: f.out[c.Carries].Aval, Ptr: unsafe.Pointer(&f.steps)}
		if err := f.move().Copy(*f.out[c.Carries], steps); err != nil {
			return err
		}
	}
	if n > 0 {
		return nil
	}
	for _, a := range f.out[c.FirstY()+c.Ys:] {
		if err := f.move().Clear(*a); err != nil {
			return err
		}
	}
	return nil
}
