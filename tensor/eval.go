// Eval: running an operation on plain tensors, now or in a device's queue.

package tensor

import (
	"runtime"
	"runtime/debug"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Evaluator runs operations on the values of tensors that are plain or direct
// (see [Tensor.Direct]) and carry no error: for interpreters that know that there
// is no level below to ask. It holds what a run needs beside its tensors, for one
// goroutine at a time.
type Evaluator struct {
	ins, outs [maxOperands]*kernels.Array
	call      kernels.Call
	numbers   numbers
	sum       struct{ in, out [2]*Tensor }
}

// Reset forgets the arrays of the last run.
func (e *Evaluator) Reset() {
	if e.call.In != nil { // numbers do without
		clear(e.ins[:])
		clear(e.outs[:])
		e.call = kernels.Call{}
	}
}

// Eval fills out with the plain results of inst, or with one tensor that carries
// an error. The first result is written to into where that is not nil: a
// [Writable] tensor, which may be an operand that inst overwrites.
func (e *Evaluator) Eval(inst *kernels.Inst, in, out []*Tensor, into *Tensor) {
	e.eval(inst, in, out, into, false)
}

// EvalAt is Eval with the results of type float traced at lv, the first as ref,
// the others as its successors: marked ones, which are their own boxes.
func (e *Evaluator) EvalAt(lv *Level, ref int32, inst *kernels.Inst, in, out []*Tensor) {
	e.numbers.slabs = true
	e.Eval(inst, in, out, nil)
	e.numbers.slabs = false
	for i, t := range out {
		if t.fault != nil && t.fault.get() != nil {
			return
		}
		if t.arr.DType.IsFloat() {
			t.lv, t.ref, t.direct = lv, ref+int32(i), true
		}
	}
}

// Accumulate adds the one result of inst to a [Writable] tensor. An error of the
// run sticks to that.
func (e *Evaluator) Accumulate(inst *kernels.Inst, in []*Tensor, acc *Tensor) {
	var out [1]*Tensor
	e.eval(inst, in, out[:], acc, true)
	if out[0] != acc {
		acc.fault = out[0].fault
	}
}

// Settled reports whether adding zeros to t surely changes nothing: it lies on the
// host and has no element -0. Whatever is added to it, that stays so.
func Settled(t *Tensor) bool {
	if !Writable(t) || !t.place.host {
		return false
	}
	settled := false
	if n := t.arr.Size(); t.arr.DType == Float32 {
		settled = !slices.Contains(unsafe.Slice((*uint32)(t.arr.Ptr), n), 1<<31)
	} else {
		settled = !slices.Contains(unsafe.Slice((*uint64)(t.arr.Ptr), n), 1<<63)
	}
	runtime.KeepAlive(t)
	return settled
}

// Add returns a + b in the memory of a [Writable] tensor, which may be that of
// either, or in fresh memory where into is nil.
func (e *Evaluator) Add(into, a, b *Tensor) *Tensor {
	if into == nil || a.bad() || b.bad() {
		return a.Add(b)
	}
	inst, err := kernels.Add.Inst(nil, a.arr.Aval, b.arr.Aval)
	if err != nil {
		return failed("add", err, a.arr.Aval, b.arr.Aval)
	}
	s := &e.sum
	s.in = [...]*Tensor{a, b}
	e.Eval(inst, s.in[:], s.out[:1], into)
	sum := s.out[0]
	clear(s.in[:])
	s.out[0] = nil
	return sum
}

func (e *Evaluator) eval(inst *kernels.Inst, in, out []*Tensor, into *Tensor, add bool) {
	p, err := commonPlace(in)
	switch {
	case into == nil || err != nil || p == into.place:
	case !slices.ContainsFunc(in, func(t *Tensor) bool { return t.place != nil }):
		p = into.place
	default:
		err = foreign(p, into.place)
	}
	if err != nil {
		fill(out, failed(inst.Name, err, inst.In...))
		return
	}
	e.evalOn(p, inst, in, out, into, add)
}

func (e *Evaluator) evalOn(p *place, inst *kernels.Inst, in, out []*Tensor, into *Tensor, add bool) {
	if s := inst.Scalar(p.backend); s != nil && p.host && max(len(in), len(out)) <= maxOperands {
		e.numbers.run(p, s, inst, in, out, into, add)
		return
	}
	if into == nil && inst.Rearranges() {
		if v, ok := inst.AsView(&in[0].arr); ok {
			out[0] = in[0].view(v)
			return
		}
	}
	k := inst.Kernel(p.backend)
	switch {
	case k != nil:
	case inst.Op != nil && inst.Op.Compose != nil && into == nil:
		evalBody(inst, in, out)
		return
	default:
		err := &DeviceError{Device: p.dev.Name(), Reason: "no kernel for " + inst.Name}
		fill(out, failed(inst.Name, err, inst.In...))
		return
	}
	c := &e.call
	c.In, c.Out, c.Add, c.Workers = e.ins[:0], e.outs[:0], add, p.workers
	for _, t := range in {
		c.In = append(c.In, &t.arr)
	}
	for i := range out {
		t := into
		if t == nil || i > 0 {
			var err error
			if t, err = newPlain(p, inst.Out[i]); err != nil {
				for _, made := range out[:i] {
					Free(made)
				}
				fill(out, failed(inst.Name, err, inst.In...))
				return
			}
		}
		out[i] = t
		c.Out = append(c.Out, &t.arr)
	}
	if p.host {
		if err := safely(k, c); err != nil {
			for _, t := range out {
				Free(t)
			}
			fill(out, failed(inst.Name, err, inst.In...))
		}
		return
	}
	if s, ok := p.dev.Stream().(device.Prompt); ok {
		runPrompt(s, k, c, inst, in, out)
		return
	}
	runLater(p, k, c, inst, in, out)
}

// evalBody runs an op that has no kernel by its body.
func evalBody(inst *kernels.Inst, in, out []*Tensor) {
	x := make([]*Tensor, len(in))
	for i, t := range in {
		if x[i] = t; t.lv != nil {
			x[i] = t.view(t.arr)
		}
	}
	copy(out, compose(inst.Op, inst.Attr, x))
	for i, t := range out {
		if t.place == nil || slices.Contains(x, t) || slices.Contains(out[:i], t) { // every result is a tensor of its own
			out[i] = Share(t)
		}
	}
	for i, t := range x {
		if t != in[i] {
			Free(t)
		}
	}
}

// safely runs a kernel; a panic in it becomes an error with its stack.
func safely(k kernels.Kernel, c *kernels.Call) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if e, ok := v.(*device.PanicError); ok {
				err = e
				return
			}
			err = &device.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return k.Run(c)
}

// Writable reports whether results can be written to t's memory, if nobody else
// holds it: t is a plain dense tensor of floats without an error.
func Writable(t *Tensor) bool {
	return t.lv == nil && !t.bad() && t.place != nil && t.arr.Strides == nil && !t.borrowed && t.DType().IsFloat()
}

// commonPlace returns where an operation on these tensors runs. Host constants go anywhere.
func commonPlace(in []*Tensor) (*place, error) {
	var p *place
	for _, t := range in {
		switch {
		case t.place == nil || t.place == p:
		case p == nil:
			p = t.place
		default:
			return nil, foreign(p, t.place)
		}
	}
	if p == nil {
		return currentPlace()
	}
	return p, nil
}

// foreign is the error of an operation of which one tensor lives elsewhere than another.
func foreign(p, other *place) error {
	return &DeviceError{Device: p.dev.Name(), Reason: "the other operand lives on " + other.dev.Name() + "; move one with To"}
}

// runPrompt runs the kernel, which queues its work: what of that fails later is told by
// whoever waits for it. Otherwise it is as runLater.
func runPrompt(s device.Prompt, k kernels.Kernel, c *kernels.Call, inst *kernels.Inst, in, out []*Tensor) {
	err := firstFault(in)
	if err == nil && c.Add {
		err = firstFault(out)
	}
	if err == nil {
		if err = s.Enter(); err == nil {
			err = safely(k, c)
			s.Leave()
			runtime.KeepAlive(in) // whose memory is queued for until here
		}
		if err != nil {
			err = &OpError{Op: inst.Name, In: inst.In, Where: Caller(), Err: err}
		}
	}
	if err != nil {
		for _, t := range out {
			if t.fault != nil {
				t.fault.set(err)
			}
		}
	}
}

// firstFault is the first error that sticks to tensors.
func firstFault(list []*Tensor) error {
	for _, t := range list {
		if t.fault != nil {
			if err := t.fault.get(); err != nil {
				return err
			}
		}
	}
	return nil
}

// runLater queues the kernel on the device's stream. The arrays are copied and
// their buffers retained, so that the tensors may be freed meanwhile. An error
// of the run sticks to the results when it happens, and from them to the
// results of what is queued on them.
func runLater(p *place, k kernels.Kernel, c *kernels.Call, inst *kernels.Inst, in, out []*Tensor) {
	later := &kernels.Call{Add: c.Add, Workers: c.Workers}
	var held []*device.Buffer
	hold := func(list []*kernels.Array) []*kernels.Array {
		kept := make([]kernels.Array, len(list))
		ptrs := make([]*kernels.Array, len(list))
		for i, a := range list {
			kept[i] = *a
			ptrs[i] = &kept[i]
			if a.Buf != nil {
				a.Buf.Retain()
				held = append(held, a.Buf)
			}
		}
		return ptrs
	}
	later.In, later.Out = hold(c.In), hold(c.Out)
	causes := faultsOf(in)
	faults := faultsOf(out)
	if c.Add {
		causes = append(causes, faults...)
	}
	where := ""
	if indexed(inst) {
		where = Caller()
	}
	p.dev.Stream().Do(func() {
		err := firstOf(causes)
		if err == nil {
			if err = safely(k, later); err != nil {
				err = &OpError{Op: inst.Name, In: inst.In, Where: where, Err: err}
			}
		}
		if err != nil {
			for _, f := range faults {
				f.set(err)
			}
		}
		for _, b := range held {
			b.Release()
		}
	})
}

func faultsOf(list []*Tensor) []*fault {
	var faults []*fault
	for _, t := range list {
		if t.fault != nil {
			faults = append(faults, t.fault)
		}
	}
	return faults
}

func firstOf(faults []*fault) error {
	for _, f := range faults {
		if err := f.get(); err != nil {
			return err
		}
	}
	return nil
}

// indexed reports whether the run of inst can fail because of its operands'
// values: only then is the caller's place taken down before the run.
func indexed(inst *kernels.Inst) bool {
	if inst.Expr == nil {
		return true
	}
	through := func(index []loop.Lin) bool {
		for _, l := range index {
			if l.Via != loop.None {
				return true
			}
		}
		return false
	}
	for _, l := range inst.Expr.Loads {
		if through(l.Index) {
			return true
		}
	}
	for _, s := range inst.Expr.Outs {
		if through(s.Index) {
			return true
		}
	}
	return false
}
