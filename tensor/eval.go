// Eval: running an operation on plain tensors, now or in a device's queue.

package tensor

import (
	"math"
	"runtime/debug"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// eval runs inst on plain tensors. With add, out[0] is a tensor to add to.
func eval(inst *kernels.Inst, in, out []*Tensor, add bool) {
	if inst.Op != nil && len(in) > 0 && len(in) <= 2 && !add {
		if t := scalarOp(inst.Op, in[0], in[len(in)-1]); t != nil {
			out[0] = t
			return
		}
	}
	f := frames.Get().(*frame)
	f.eval(inst, in, out, add)
	f.put(min(len(in), maxOperands))
}

func (f *frame) eval(inst *kernels.Inst, in, out []*Tensor, add bool) {
	p, err := commonPlace(in)
	if err != nil {
		fill(out, failed(inst.Name, err, inst.In...))
		return
	}
	f.evalOn(p, inst, in, out, add)
}

func (f *frame) evalOn(p *place, inst *kernels.Inst, in, out []*Tensor, add bool) {
	if !add && inst.Rearranges() {
		if v, ok := inst.AsView(&in[0].arr); ok {
			out[0] = in[0].view(v)
			return
		}
	}
	k := inst.Kernel(p.backend)
	switch {
	case k != nil:
	case inst.Op != nil && inst.Op.Compose != nil && !add:
		copy(out, compose(inst.Op, inst.Attr, in))
		for i, t := range out {
			if slices.Contains(in, t) { // every result is a tensor of its own
				out[i] = t.view(t.arr)
			}
		}
		return
	default:
		err := &DeviceError{Device: p.dev.Name(), Reason: "no kernel for " + inst.Name}
		fill(out, failed(inst.Name, err, inst.In...))
		return
	}

	c := &f.call
	c.In, c.Out, c.Add, c.Workers = f.ins[:0], f.outs[:0], add, p.workers
	for _, t := range in {
		c.In = append(c.In, &t.arr)
	}
	for i := range out {
		if !add {
			t, err := newPlain(p, inst.Out[i])
			if err != nil {
				for _, made := range out[:i] {
					Free(made)
				}
				fill(out, failed(inst.Name, err, inst.In...))
				return
			}
			out[i] = t
		}
		c.Out = append(c.Out, &out[i].arr)
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
	runLater(p, k, c, inst, in, out)
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

// Accumulate adds the one result of inst, applied to plain tensors, to acc, a
// plain dense tensor that the caller alone holds and no view shares. It reports
// whether it could: otherwise nothing happened. An error of the run sticks to acc.
func Accumulate(inst *kernels.Inst, in []*Tensor, acc *Tensor) bool {
	if acc.lv != nil || acc.bad() || acc.place == nil || acc.arr.Strides != nil || acc.borrowed ||
		!acc.DType().IsFloat() || len(inst.Out) != 1 {
		return false
	}
	for _, t := range in {
		if t.lv != nil || t.bad() {
			return false
		}
	}
	out := [1]*Tensor{acc}
	eval(inst, in, out[:], true)
	if out[0] != acc {
		acc.fault = out[0].fault
	}
	return true
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
			return nil, &DeviceError{Device: p.dev.Name(), Reason: "the other operand lives on " + t.place.dev.Name() + "; move one with To"}
		}
	}
	if p == nil {
		return currentPlace()
	}
	return p, nil
}

// constant returns a host constant of type a with all elements v: one element
// behind zero strides.
func constant(v float64, a kernels.Aval) *Tensor {
	t := &Tensor{}
	t.arr.Aval = a
	t.arr.Ptr = unsafe.Pointer(&t.inline)
	if len(a.Shape) > 0 {
		t.arr.Strides = make([]int, len(a.Shape))
	}
	switch a.DType {
	case Float64:
		t.inline = math.Float64bits(v)
	case Float32:
		*(*float32)(t.arr.Ptr) = float32(v)
	case Int64:
		*(*int64)(t.arr.Ptr) = int64(v)
	case Int32:
		*(*int32)(t.arr.Ptr) = int32(v)
	case Bool:
		*(*bool)(t.arr.Ptr) = v != 0
	}
	return t
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
		err := firstFault(causes)
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

func firstFault(faults []*fault) error {
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
