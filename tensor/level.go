// Levels and dispatch: how transformations see every operation.
//
// A transformation opens a Level and boxes its arguments with it. An operation
// looks at its operands only: the highest level among them decides, its
// interpreter handles the operation one level down, until all operands are
// plain. There is no global state, so transformations nest in any order, run
// concurrently, and never confuse perturbations.

package tensor

import (
	"sync"
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/kernels"
)

// Level is one run of one transformation.
type Level struct {
	id     uint64
	name   string
	interp Interpreter
	closed atomic.Bool
}

// Interpreter is how a transformation treats an operation. Process is given
// operands of which at least one is at level lv and none above it, and fills
// out with one tensor for each result.
type Interpreter interface {
	Process(lv *Level, inst *kernels.Inst, in, out []*Tensor)
	// Call applies a function with rules of its own.
	Call(lv *Level, fn *Function, in []*Tensor) []*Tensor
	// Read returns the plain value of a tensor traced at lv for a reader such as
	// Item, or an error when there is none to be seen.
	Read(lv *Level, t *Tensor) (*Tensor, error)
}

// Recorder is an interpreter that writes operations down instead of carrying them out.
type Recorder interface {
	Interpreter
	Records()
}

// Recording returns the interpreter that records one of the tensors, at whatever
// level, or what forward mode carries along with it; nil where all have values.
func Recording(ts ...*Tensor) Recorder {
	for _, t := range ts {
		for ; t != nil && t.lv != nil; t = t.primal {
			if r, ok := t.lv.interp.(Recorder); ok {
				return r
			}
			if r := Recording(t.aux); r != nil {
				return r
			}
		}
	}
	return nil
}

// Interpreter returns what interprets the operations on t, nil where t is plain.
func (t *Tensor) Interpreter() Interpreter {
	if t.Plain() {
		return nil
	}
	return t.lv.interp
}

var levels atomic.Uint64

// Open starts a transformation. Its name appears in the errors for values that outlive it.
func Open(name string, i Interpreter) *Level {
	return &Level{id: levels.Add(1), name: name, interp: i}
}

// Close ends the transformation: an operation on a value still traced by it is
// an *EscapeError from now on.
func (lv *Level) Close() { lv.closed.Store(true) }

// Trace boxes a value for level lv: primal is the value one level down, aux and
// ref are the interpreter's own.
func (lv *Level) Trace(primal, aux *Tensor, ref int32) *Tensor {
	t := new(Tensor)
	lv.trace(t, primal, aux, ref)
	return t
}

func (lv *Level) trace(t, primal, aux *Tensor, ref int32) {
	t.lv, t.primal, t.aux, t.ref = lv, primal, aux, ref
	if primal.lv == nil {
		t.arr, t.place, t.fault, t.direct = primal.arr, primal.place, primal.fault, true
	} else {
		t.arr.Aval = primal.arr.Aval
	}
}

// TraceAval boxes a value of which only the type is known, or is not that of
// its primal (batching).
func (lv *Level) TraceAval(a kernels.Aval, primal *Tensor, ref int32) *Tensor {
	t := &Tensor{lv: lv, primal: primal, ref: ref}
	t.arr.Aval = a
	return t
}

// TracedAt reports whether t is traced at level lv.
func (t *Tensor) TracedAt(lv *Level) bool { return t != nil && t.lv == lv }

// Lower returns t as seen one level below lv: its primal if it is traced at lv, else t.
func (t *Tensor) Lower(lv *Level) *Tensor {
	if t != nil && t.lv == lv {
		return t.Primal()
	}
	return t
}

// Direct reports whether t's elements are at hand at level lv: it is plain, or
// traced there over a plain value. [Eval] takes such tensors as they are.
func (t *Tensor) Direct(lv *Level) bool { return t.Plain() || t.lv == lv && t.direct }

// Plain reports whether no transformation traces t.
func (t *Tensor) Plain() bool { return t == nil || t.lv == nil }

// Primal returns the value of a traced tensor one level down; that of a marked
// one is a plain tensor over the same memory, which holds it on its own.
func (t *Tensor) Primal() *Tensor {
	switch {
	case t == nil:
		return nil
	case t.primal == nil && t.direct:
		return t.view(t.arr)
	}
	return t.primal
}

// Aux returns the second value of a traced tensor.
func (t *Tensor) Aux() *Tensor {
	if t == nil {
		return nil
	}
	return t.aux
}

// Ref returns the interpreter's index of a traced tensor.
func (t *Tensor) Ref() int32 {
	if t == nil {
		return 0
	}
	return t.ref
}

// frame holds what one dispatch and evaluation needs, pooled so that small
// operations allocate nothing but their result.
type frame struct {
	Evaluator
	in, out [maxOperands]*Tensor
}

// maxOperands is the number of operands that the pooled path takes; operations
// on more (Concat, Einsum) take applyN.
const maxOperands = 4

var frames = sync.Pool{New: func() any { return new(frame) }}

// put gives the frame back without the tensors that it held, n operands.
func (f *frame) put(n int) {
	for i := range n {
		f.in[i] = nil
	}
	f.out[0] = nil
	f.Reset()
	frames.Put(f)
}

// Dispatch applies inst to tensors of its operand types, filling out with its
// results, or with one tensor that carries the first error.
func Dispatch(inst *kernels.Inst, in, out []*Tensor) {
	top, bad := highest(in)
	switch {
	case bad != nil:
		fill(out, bad)
	case inst.Op != nil && inst.Op.Kind == kernels.Control && Recording(in...) == nil:
		copy(out, compose(inst.Op, inst.Attr, in)) // as the Go code that it was made from
	case top == nil:
		f := frames.Get().(*frame)
		f.Eval(inst, in, out, nil)
		f.put(min(len(in), maxOperands))
	default:
		top.process(inst, in, out)
	}
}

// highest returns the highest level among the operands, nil when all are plain,
// and the first operand that carries an error.
func highest(in []*Tensor) (top *Level, bad *Tensor) {
	for _, t := range in {
		if t == nil || t.arr.Ptr == nil && t.unmade() != nil {
			return nil, failed("", ErrNil)
		}
		if t.fault != nil && t.fault.get() != nil {
			return nil, t
		}
		if t.lv != nil && (top == nil || t.lv.id > top.id) {
			top = t.lv
		}
	}
	return top, nil
}

func (lv *Level) process(inst *kernels.Inst, in, out []*Tensor) {
	if lv.closed.Load() {
		fill(out, failed(inst.Name, &EscapeError{Transformation: lv.name}, inst.In...))
		return
	}
	lv.interp.Process(lv, inst, in, out)
}

func fill(out []*Tensor, t *Tensor) {
	for i := range out {
		out[i] = t
	}
}

// apply1, apply2 and apply3 are how the operations of this package begin: they
// find the Inst for the operands and dispatch it.
func apply1(op *kernels.Op, attr any, x *Tensor) *Tensor {
	f := frames.Get().(*frame)
	f.in[0] = x
	return f.apply(op, attr, 1)
}

func apply2(op *kernels.Op, attr any, x, y *Tensor) *Tensor {
	f := frames.Get().(*frame)
	f.in[0], f.in[1] = x, y
	return f.apply(op, attr, 2)
}

func apply3(op *kernels.Op, attr any, x, y, z *Tensor) *Tensor {
	f := frames.Get().(*frame)
	f.in[0], f.in[1], f.in[2] = x, y, z
	return f.apply(op, attr, 3)
}

// apply applies op to the first n tensors of f.in and gives f back.
func (f *frame) apply(op *kernels.Op, attr any, n int) *Tensor {
	t := f.result(op, attr, n)
	f.put(n)
	return t
}

func (f *frame) result(op *kernels.Op, attr any, n int) *Tensor {
	in := f.in[:n]
	top, bad := highest(in)
	if bad != nil {
		return named(op, bad)
	}
	if op.Kind == kernels.Composite {
		return applyN(op, attr, in)[0]
	}
	var inst *kernels.Inst
	switch n {
	case 1:
		inst = op.Known(attr, &in[0].arr)
	case 2:
		inst = op.Known(attr, &in[0].arr, &in[1].arr)
	case 3:
		inst = op.Known(attr, &in[0].arr, &in[1].arr, &in[2].arr)
	}
	if inst == nil {
		var err error
		avals := avalsOf(in)
		if inst, err = op.Inst(attr, avals...); err != nil {
			return failed(op.Name, err, avals...)
		}
	}
	if top != nil {
		top.process(inst, in, f.out[:1])
	} else {
		f.Eval(inst, in, f.out[:1], nil)
	}
	return f.out[0]
}

// named returns bad, or, for the error of a nil operand, one that names op.
func named(op *kernels.Op, bad *Tensor) *Tensor {
	if oe, ok := bad.fault.get().(*OpError); ok && oe.Op == "" && oe.Err == ErrNil {
		return failed(op.Name, ErrNil)
	}
	return bad
}

// maxResults is how many results a failed operation claims to have: its Inst,
// which would tell, does not exist, and rules index what Apply returns.
const maxResults = 8

// applyN is apply for Composite ops and ops of many operands or results.
func applyN(op *kernels.Op, attr any, in []*Tensor) []*Tensor {
	fail := func(t *Tensor) []*Tensor {
		out := make([]*Tensor, maxResults)
		fill(out, t)
		return out
	}
	if _, bad := highest(in); bad != nil {
		return fail(named(op, bad))
	}
	avals := avalsOf(in)
	inst, err := op.Inst(attr, avals...)
	if err != nil {
		return fail(failed(op.Name, err, avals...))
	}
	if op.Kind == kernels.Composite {
		return compose(op, attr, in)
	}
	out := make([]*Tensor, len(inst.Out))
	Dispatch(inst, in, out)
	return out
}

func avalsOf(in []*Tensor) []kernels.Aval {
	avals := make([]kernels.Aval, len(in))
	for i, t := range in {
		avals[i] = t.arr.Aval
	}
	return avals
}

// compose carries out the body of an op in other ops.
func compose(op *kernels.Op, attr any, in []*Tensor) []*Tensor {
	return toTensors(op.Compose(Builder{}, attr, toVals(in)))
}

// Builder emits ops on tensors: what rules are given, whatever the interpreter.
type Builder struct{}

var _ kernels.Builder = Builder{}

// Apply implements [kernels.Builder].
func (Builder) Apply(op *kernels.Op, attr any, in ...kernels.Val) []kernels.Val {
	return toVals(applyN(op, attr, toTensors(in)))
}

// ApplyInst implements [kernels.Builder].
func (Builder) ApplyInst(inst *kernels.Inst, in ...kernels.Val) []kernels.Val {
	out := make([]*Tensor, len(inst.Out))
	Dispatch(inst, toTensors(in), out)
	return toVals(out)
}

// Full implements [kernels.Builder]: one element seen through zero strides.
func (Builder) Full(v float64, a kernels.Aval) kernels.Val { return constant(v, a) }

// Fail implements [kernels.Builder].
func (Builder) Fail(err error) kernels.Val { return failed("", err) }

func toTensors(in []kernels.Val) []*Tensor {
	out := make([]*Tensor, len(in))
	for i, v := range in {
		out[i] = v.(*Tensor)
	}
	return out
}

func toVals(in []*Tensor) []kernels.Val {
	out := make([]kernels.Val, len(in))
	for i, t := range in {
		out[i] = t
	}
	return out
}
