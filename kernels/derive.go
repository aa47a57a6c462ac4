// Derivatives and batching of Insts, by derived loops or by rules.

package kernels

import (
	"fmt"
	"math"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Step is one derived loop of a derivative, with where its operands come from
// and where its results go.
type Step struct {
	Inst *Inst
	In   []loop.Source // each operand: an operand, a result, a cotangent or a tangent of the base Inst
	Out  []int         // VJP: the operand whose cotangent each result is; JVP: the result whose tangent it is
	// Pass is set where the step would only copy its one operand: the value is
	// taken as it is.
	Pass bool
}

// Derived is how derivatives go through an Inst: cotangents back to the operands of a
// set, or tangents on from them.
type Derived struct {
	Of      Mask   // the operands
	Steps   []Step // derived loops, in order
	Rule    bool   // there are none: the op's own rule does it
	In, Out Mask   // operands and results of the Inst that are read

	kind  derivative
	nanos atomic.Uint64 // see Nanos
}

// derivative says which derived loops are meant.
type derivative struct{ jvp, ieee bool }

// Reverse returns how the cotangents of the operands in want are found. With ieee,
// products of partials and cotangents are ordinary ones instead of strong ones.
func (inst *Inst) Reverse(want Mask, ieee bool) *Derived {
	return inst.derived(derivative{ieee: ieee}, want)
}

// Forward returns how the tangents of the results are found from those of the
// operands in have. With ieee, products of partials and tangents are ordinary ones.
func (inst *Inst) Forward(have Mask, ieee bool) *Derived {
	return inst.derived(derivative{jvp: true, ieee: ieee}, have)
}

// derived finds or makes what goes for an Inst.
func (inst *Inst) derived(kind derivative, mask Mask) *Derived {
	if list := inst.derivations.Load(); list != nil {
		for _, d := range *list {
			if d.kind == kind && d.Of == mask {
				return d
			}
		}
	}
	d := &Derived{kind: kind, Of: mask}
	if inst.Expr == nil || inst.Op != nil && (kind.jvp && inst.Op.JVP != nil || !kind.jvp && inst.Op.VJP != nil) {
		d.byRule(inst)
	} else {
		d.byLoops(inst)
	}
	inst.mu.Lock()
	defer inst.mu.Unlock()
	list := []*Derived{d}
	if old := inst.derivations.Load(); old != nil {
		list = append(list, (*old)[:min(len(*old), cacheSize-1)]...)
	}
	inst.derivations.Store(&list)
	return d
}

func (d *Derived) byRule(inst *Inst) {
	d.Rule = true
	d.In, d.Out = 1<<len(inst.In)-1, 1<<len(inst.Out)-1
	if !d.kind.jvp && inst.Op.Saves != nil {
		d.In, d.Out = inst.Op.Saves(inst, d.Of)
	}
}

func (d *Derived) byLoops(inst *Inst) {
	name, loops := "vjp", loop.VJP
	if d.kind.jvp {
		name, loops = "jvp", loop.JVP
	}
	for _, l := range loops(inst.Expr, uint64(d.Of), d.kind.ieee) {
		d.Steps = append(d.Steps, Step{Inst: NewLoop(fmt.Sprintf("%s.%s%v", inst.Name, name, l.To), l.Expr), In: l.From, Out: l.To, Pass: l.Expr.IsIdentity()})
		for _, src := range l.From {
			switch src.Kind {
			case loop.Operand:
				d.In |= 1 << src.Index
			case loop.Result:
				d.Out |= 1 << src.Index
			}
		}
	}
}

// Nanos returns what estimate says that the derivative takes, in nanoseconds. It is asked
// once.
func (d *Derived) Nanos(inst *Inst, estimate func(*Inst, *Derived) float64) float64 {
	bits := d.nanos.Load()
	if bits == 0 {
		bits = math.Float64bits(estimate(inst, d))
		d.nanos.Store(bits)
	}
	return math.Float64frombits(bits)
}

// Numbers reports whether all steps have kernels of single numbers on a backend
// (see [Scalar]).
func (d *Derived) Numbers(backend int) bool {
	for i := range d.Steps {
		if st := &d.Steps[i]; !st.Pass && st.Inst.Scalar(backend) == nil {
			return false
		}
	}
	return !d.Rule
}

// VJP emits the cotangents of the operands in want: x are the operands, y the
// results, g the results' cotangents (nil for zero). What is not in want, or
// zero, is nil.
func (inst *Inst) VJP(b Builder, x, y, g []Val, want Mask) []Val {
	d := inst.Reverse(want, false)
	if d.Rule {
		return inst.Op.VJP(b, inst, x, y, g, want)
	}
	out := make([]Val, len(x))
	emit(b, d.Steps, x, y, g, inst.Out, out)
	return out
}

// JVP emits the tangents of the results: dx are the operands' (nil for zero).
// A result without a tangent is nil.
func (inst *Inst) JVP(b Builder, x, y, dx []Val) []Val {
	d := inst.Forward(MaskOf(dx), false)
	if d.Rule {
		return inst.Op.JVP(b, inst, x, y, dx)
	}
	out := make([]Val, len(y))
	emit(b, d.Steps, x, y, dx, inst.In, out)
	return out
}

// emit applies the steps; d are the cotangents or tangents, of types avals. Results for the
// same target are added in order.
func emit(b Builder, steps []Step, x, y, d []Val, avals []Aval, out []Val) {
	for _, s := range steps {
		in := make([]Val, len(s.In))
		for i, src := range s.In {
			switch src.Kind {
			case loop.Operand:
				in[i] = x[src.Index]
			case loop.Result:
				in[i] = y[src.Index]
			default:
				if in[i] = d[src.Index]; in[i] == nil {
					in[i] = b.Full(0, avals[src.Index])
				}
			}
		}
		res := in
		if !s.Pass {
			res = b.ApplyInst(s.Inst, in...)
		}
		for i, to := range s.Out {
			if out[to] != nil {
				out[to] = One(b, Add, nil, out[to], res[i])
			} else {
				out[to] = res[i]
			}
		}
	}
}

// Batch applies the Inst to operands of which those in mask have a leading axis
// of size n. All results have that axis.
func (inst *Inst) Batch(b Builder, x []Val, mask Mask, n int) []Val {
	if inst.Op != nil && inst.Op.Batch != nil {
		return inst.Op.Batch(b, inst, x, mask, n)
	}
	if inst.Expr == nil {
		return []Val{b.Fail(fmt.Errorf("kernels: %s has no batching rule", inst.Name))}
	}
	key := batchKey{mask, n}
	inst.mu.Lock()
	batched := inst.batches[key]
	if batched == nil {
		batched = NewLoop(inst.Name+".batch", loop.Batch(inst.Expr, uint64(mask), n))
		if inst.batches == nil {
			inst.batches = map[batchKey]*Inst{}
		}
		inst.batches[key] = batched
	}
	inst.mu.Unlock()
	return b.ApplyInst(batched, x...)
}

// AsView returns the result as a view of the operand, when that is all the Inst
// does and the operand's layout allows it.
func (inst *Inst) AsView(in *Array) (Array, bool) {
	if !inst.rearranges {
		return Array{}, false
	}
	if inst.Op != nil && inst.Op.View != nil {
		return inst.Op.View(inst, in)
	}
	offset, strides, ok := inst.Expr.ViewStrides(in.Stride)
	if !ok {
		return Array{}, false
	}
	v := Array{Aval: inst.Out[0], Strides: strides, Ptr: in.Ptr, Buf: in.Buf}
	if v.Size() > 0 {
		v.Ptr = unsafe.Add(in.Ptr, offset*in.DType.Size())
	}
	return v, true
}
