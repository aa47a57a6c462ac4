package cpu

// Kernels: loops as the registry sees them. A kernel keeps the plans of the
// layouts that it was called with.

import (
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// kernel runs a loop.
type kernel struct {
	name   string
	groups []*group
	dense  atomic.Pointer[variant] // for dense operands, nothing added, no memory shared
	others atomic.Pointer[[]*variant]
	mu     sync.Mutex
}

// variant is the plans of the groups for a layout; nil for a group that is empty.
type variant struct {
	layout layout
	plans  []*plan
}

// maxVariants bounds the layouts that a kernel keeps plans for.
const maxVariants = 16

func newKernel(inst *kernels.Inst) kernels.Kernel {
	if k := newScalar(inst.Expr); k != nil && executor == inEither {
		return k
	}
	gs := groups(inst.Expr)
	if gs == nil {
		return nil
	}
	return &kernel{name: inst.Name, groups: gs}
}

// Run does the loop.
func (k *kernel) Run(c *kernels.Call) error {
	if len(k.groups) > 1 && shared(c) {
		return k.runApart(c)
	}
	v := k.variant(c)
	for i, g := range k.groups {
		if err := k.runGroup(g, v.plans[i], c); err != nil {
			return err
		}
	}
	return nil
}

func (k *kernel) runGroup(g *group, p *plan, c *kernels.Call) error {
	add := c.Add && g.outs[0] == 0
	if g.prepares {
		g.prepare(c, add)
	}
	switch {
	case p == nil:
		return nil
	case add && g.scatter:
		return scatterApart(p, c)
	}
	return run(p, c)
}

// prepare sets what the group's plan does not write: all where there is nothing
// to reduce, zeros where a store leaves gaps or adds.
func (g *group) prepare(c *kernels.Call, add bool) {
	for _, o := range g.outs {
		s := &g.e.Outs[o]
		switch {
		case g.reduced == 0 && !s.Scatter:
			fill(c.Out[o], identityBits(s.Reduce, s.Aval.DType), add && o == 0)
		case !(add && o == 0) && !g.covers(o):
			zero(c.Out[o])
		}
	}
}

// shared reports whether a result is an operand's memory.
func shared(c *kernels.Call) bool {
	for _, o := range c.Out {
		for _, a := range c.In {
			if o.Ptr == a.Ptr && o.Ptr != nil {
				return true
			}
		}
	}
	return false
}

// runApart runs groups that write what others may read on copies of the operands.
func (k *kernel) runApart(c *kernels.Call) error {
	apart := *c
	apart.In = slices.Clone(c.In)
	for i, a := range c.In {
		if slices.ContainsFunc(c.Out, func(o *kernels.Array) bool { return o.Ptr == a.Ptr }) && a.Size() > 0 {
			apart.In[i] = clone(a)
		}
	}
	return k.Run(&apart)
}

// clone copies a dense array.
func clone(a *kernels.Array) *kernels.Array {
	b := *a
	bytes := a.Size() * a.DType.Size()
	mem := make([]uint64, (bytes+7)/8)
	b.Ptr, b.Buf = unsafe.Pointer(unsafe.SliceData(mem)), nil
	copy(unsafe.Slice((*byte)(b.Ptr), bytes), unsafe.Slice((*byte)(a.Ptr), bytes))
	return &b
}

// variant returns the plans for a call's layout.
func (k *kernel) variant(c *kernels.Call) *variant {
	alias := len(c.Out) > 1 && shared(c)
	if !c.Add && !alias && allDense(c.In) {
		if v := k.dense.Load(); v != nil {
			return v
		}
		v := k.plan(c, alias)
		k.dense.Store(v)
		return v
	}
	if list := k.others.Load(); list != nil {
		for _, v := range *list {
			if v.layout.fits(c, alias) {
				return v
			}
		}
	}
	v := k.plan(c, alias)
	k.mu.Lock()
	defer k.mu.Unlock()
	list := []*variant{v}
	if old := k.others.Load(); old != nil {
		list = append(list, (*old)[:min(len(*old), maxVariants-1)]...)
	}
	k.others.Store(&list)
	return v
}

func allDense(in []*kernels.Array) bool {
	for _, a := range in {
		if !a.Dense() {
			return false
		}
	}
	return true
}

// fits reports whether the layout is a call's.
func (l *layout) fits(c *kernels.Call, alias bool) bool {
	if l.add != c.Add || l.alias != alias {
		return false
	}
	for i, a := range c.In {
		for d, n := range a.Shape {
			if n != 1 && a.Stride(d) != l.strides[i][d] {
				return false
			}
		}
	}
	return true
}

// plan makes the plans for a call's layout.
func (k *kernel) plan(c *kernels.Call, alias bool) *variant {
	v := &variant{layout: layout{add: c.Add, alias: alias}, plans: make([]*plan, len(k.groups))}
	for _, a := range c.In {
		strides := loop.RowMajor(a.Shape)
		if a.Strides != nil {
			copy(strides, a.Strides)
		}
		v.layout.strides = append(v.layout.strides, strides)
	}
	for i, g := range k.groups {
		if g.lanes > 0 {
			v.plans[i] = newPlan(g, k.name, v.layout)
		}
	}
	return v
}

// zero clears a result.
func zero(o *kernels.Array) {
	clear(unsafe.Slice((*byte)(o.Ptr), o.Size()*o.DType.Size()))
}

// fill sets a result to a number, or adds the number to it.
func fill(o *kernels.Array, bits uint64, add bool) {
	switch o.DType {
	case device.Float64:
		fillOf[float64](o, bits, add)
	case device.Float32:
		fillOf[float32](o, bits, add)
	case device.Int64:
		fillOf[int64](o, bits, add)
	case device.Int32:
		fillOf[int32](o, bits, add)
	default:
		fillOf[uint8](o, bits, add)
	}
}

func fillOf[T scalar](o *kernels.Array, bits uint64, add bool) {
	x := *(*T)(unsafe.Pointer(&bits)) // all machines that we run on store the low byte first
	for d := unsafe.Slice((*T)(o.Ptr), o.Size()); len(d) > 0; d = d[1:] {
		if add {
			d[0] += x
		} else {
			d[0] = x
		}
	}
}

// addTo adds the elements of a dense array to those of another.
func addTo(d, a *kernels.Array) {
	switch d.DType {
	case device.Float64:
		foldInto(loop.Sum, elements[float64](d), elements[float64](a))
	case device.Float32:
		foldInto(loop.Sum, elements[float32](d), elements[float32](a))
	}
}

// elements returns the elements of a dense array.
func elements[T any](a *kernels.Array) []T { return unsafe.Slice((*T)(a.Ptr), a.Size()) }
