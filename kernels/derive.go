// Derivatives and batching of Insts, by derived loops or by rules.

package kernels

import (
	"fmt"
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

// cachedSteps are the derived loops for one mask, with the operands and results
// of the base that they read.
type cachedSteps struct {
	kind    derivative
	mask    Mask
	steps   []Step
	in, out Mask
}

// derivative says which derived loops are meant.
type derivative struct{ jvp, ieee bool }

// VJPSteps returns the derived loops that give the cotangents of the operands
// in want, or nil, false when the Inst has a rule instead. With ieee, products
// of partials and cotangents are ordinary ones instead of strong ones.
func (inst *Inst) VJPSteps(want Mask, ieee bool) ([]Step, bool) {
	c := inst.derived(derivative{ieee: ieee}, want)
	if c == nil {
		return nil, false
	}
	return c.steps, true
}

// JVPSteps returns the derived loops that give the tangents of the results from
// those of the operands in have, or nil, false when the Inst has a rule instead.
// With ieee, products of partials and tangents are ordinary ones.
func (inst *Inst) JVPSteps(have Mask, ieee bool) ([]Step, bool) {
	c := inst.derived(derivative{jvp: true, ieee: ieee}, have)
	if c == nil {
		return nil, false
	}
	return c.steps, true
}

// derived finds or makes the derived loops; nil when the Inst has a rule instead.
func (inst *Inst) derived(kind derivative, mask Mask) *cachedSteps {
	if inst.Expr == nil || inst.Op != nil && (kind.jvp && inst.Op.JVP != nil || !kind.jvp && inst.Op.VJP != nil) {
		return nil
	}
	if list := inst.steps.Load(); list != nil {
		for i := range *list {
			if c := &(*list)[i]; c.kind == kind && c.mask == mask {
				return c
			}
		}
	}
	var ds []loop.Derived
	name := "vjp"
	if kind.jvp {
		name, ds = "jvp", loop.JVP(inst.Expr, uint64(mask))
	} else {
		ds = loop.VJP(inst.Expr, uint64(mask))
	}
	c := cachedSteps{kind: kind, mask: mask, steps: make([]Step, len(ds))}
	for i, d := range ds {
		if kind.ieee {
			d.Expr = d.Expr.IEEE()
		}
		c.steps[i] = Step{Inst: NewLoop(fmt.Sprintf("%s.%s%v", inst.Name, name, d.To), d.Expr), In: d.From, Out: d.To, Pass: d.Expr.IsIdentity()}
		for _, src := range d.From {
			switch src.Kind {
			case loop.Operand:
				c.in |= 1 << src.Index
			case loop.Result:
				c.out |= 1 << src.Index
			}
		}
	}
	inst.mu.Lock()
	defer inst.mu.Unlock()
	var list []cachedSteps
	if old := inst.steps.Load(); old != nil {
		list = append(list, *old...)
	}
	list = append(list, c)
	inst.steps.Store(&list)
	return &list[len(list)-1]
}

// Saves tells which operands and results the VJP for the operands in want reads.
func (inst *Inst) Saves(want Mask) (in, out Mask) {
	if c := inst.derived(derivative{}, want); c != nil {
		return c.in, c.out
	}
	if inst.Op.Saves != nil {
		return inst.Op.Saves(inst, want)
	}
	return 1<<len(inst.In) - 1, 1<<len(inst.Out) - 1
}

// VJP emits the cotangents of the operands in want: x are the operands, y the
// results, g the results' cotangents (nil for zero). What is not in want, or
// zero, is nil.
func (inst *Inst) VJP(b Builder, x, y, g []Val, want Mask) []Val {
	steps, ok := inst.VJPSteps(want, false)
	if !ok {
		return inst.Op.VJP(b, inst, x, y, g, want)
	}
	out := make([]Val, len(x))
	emit(b, steps, x, y, g, inst.Out, out)
	return out
}

// JVP emits the tangents of the results: dx are the operands' (nil for zero).
// A result without a tangent is nil.
func (inst *Inst) JVP(b Builder, x, y, dx []Val) []Val {
	steps, ok := inst.JVPSteps(MaskOf(dx), false)
	if !ok {
		return inst.Op.JVP(b, inst, x, y, dx)
	}
	out := make([]Val, len(y))
	emit(b, steps, x, y, dx, inst.In, out)
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
