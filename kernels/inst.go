// Insts: ops at operand types, with everything derived from them kept.

package kernels

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// Inst is an op at an attribute and operand types, or a loop derived from such
// a one. It is immutable but for what it caches, and safe for concurrent use.
type Inst struct {
	Name string // the op's, or that of a derivation: "mul.vjp[0]"
	Op   *Op    // nil for derived loops
	Attr any    // the op's attribute
	In   []Aval
	Out  []Aval
	Expr *loop.Expr // of Loop ops and derived loops

	rearranges bool // its result may be a view of its operand
	derives    bool // see Differentiable
	overwrites Mask // see Overwrites

	compiled    [maxBackends]atomic.Pointer[compiled]
	mu          sync.Mutex
	derivations atomic.Pointer[[]*Derived]
	batches     map[batchKey]*Inst
}

// compiled is what a backend has for an Inst.
type compiled struct {
	kernel Kernel
	scalar Scalar // the kernel, where it is one of single numbers
}

type batchKey struct {
	mask Mask
	n    int
}

// Inst returns the op at the given attribute and operand types, made once for
// types recently seen. Its error is the typed one of Infer, without a place.
func (op *Op) Inst(attr any, in ...Aval) (*Inst, error) {
	if inst := op.insts.find(attr, in); inst != nil {
		return inst, nil
	}
	if err := checkAvals(op.Name, in); err != nil {
		return nil, err
	}
	in = cloneAvals(in)
	out, err := op.Infer(in, attr)
	if err != nil {
		return nil, err
	}
	if err := checkAvals(op.Name, out); err != nil {
		return nil, err
	}
	inst := &Inst{Name: op.Name, Op: op, Attr: attr, In: in, Out: out}
	if op.Loop != nil {
		inst.Expr = op.Loop(attr, in)
		if err := checkLoop(inst); err != nil {
			return nil, err
		}
	}
	inst.classify()
	op.insts.add(inst)
	return inst, nil
}

// Known returns the Inst that Inst would return for operands of the arrays' types
// if it was made recently, else nil.
func (op *Op) Known(attr any, in ...*Array) *Inst {
	if list := op.insts.list.Load(); list != nil {
		for _, inst := range *list {
			if inst.takes(attr, in) {
				return inst
			}
		}
	}
	return nil
}

func (inst *Inst) takes(attr any, in []*Array) bool {
	if len(in) != len(inst.In) {
		return false
	}
	for i, a := range in {
		if !equalAval(&a.Aval, &inst.In[i]) {
			return false
		}
	}
	return attr == inst.Attr
}

func equalAval(a, b *Aval) bool {
	if a.DType != b.DType || len(a.Shape) != len(b.Shape) {
		return false
	}
	for d, n := range a.Shape {
		if n != b.Shape[d] {
			return false
		}
	}
	return true
}

// NewInst returns the Inst of an op that is not in the registry and has no loop.
func NewInst(op *Op, attr any, in, out []Aval) *Inst {
	inst := &Inst{Name: op.Name, Op: op, Attr: attr, In: in, Out: out}
	inst.classify()
	return inst
}

// NewLoop returns the Inst of a loop that belongs to no op.
func NewLoop(name string, e *loop.Expr) *Inst {
	out := make([]Aval, len(e.Outs))
	for i, s := range e.Outs {
		out[i] = s.Aval
	}
	inst := &Inst{Name: name, In: e.Ins, Out: out, Expr: e}
	inst.classify()
	return inst
}

func (inst *Inst) classify() {
	inst.derives = (inst.Op == nil || inst.Op.Kind != Opaque) &&
		slices.ContainsFunc(inst.Out, func(a Aval) bool { return a.DType.IsFloat() })
	if inst.Expr == nil {
		inst.rearranges = inst.Op.View != nil
		return
	}
	_, _, view := inst.Expr.ViewStrides(func(int) int { return 1 })
	inst.rearranges = view || inst.Op != nil && inst.Op.View != nil
	inst.overwrites = overwrites(inst.Expr)
}

// overwrites returns the operands that an elementwise loop reads at no other
// element than the one it is writing.
func overwrites(e *loop.Expr) (same Mask) {
	for i := range e.Outs {
		if s := &e.Outs[i]; s.Scatter || s.Partial || !e.Plain(s) || len(s.Index) < len(e.Axes) {
			return 0
		}
	}
	own := loop.Ats(len(e.Axes))
	same = 1<<len(e.Ins) - 1
	for _, l := range e.Loads {
		if !slices.EqualFunc(l.Index, own, loop.Lin.Equal) {
			same &^= 1 << l.In
		}
	}
	return same
}

// Rearranges reports whether the result can be a view of the operand (see AsView).
func (inst *Inst) Rearranges() bool { return inst.rearranges }

// Overwrites returns the operands whose memory a result of the same size may
// take over: each element of theirs is read only where that of the result is written.
func (inst *Inst) Overwrites() Mask { return inst.overwrites }

// LeavesGaps reports whether a kernel that adds to its result may leave elements
// as they are: where a strided or diagonal store does not write. Adding the zeros
// there instead would turn -0 into 0.
func (inst *Inst) LeavesGaps() bool { return inst.Expr != nil && inst.Expr.Outs[0].Partial }

// Differentiable reports whether any result can carry a derivative.
func (inst *Inst) Differentiable() bool { return inst.derives }

// EqualAval reports whether two types are the same.
func EqualAval(a, b Aval) bool { return equalAval(&a, &b) }

// Is reports whether the array is of type want.
func (a *Array) Is(want *Aval) bool { return equalAval(&a.Aval, want) }

func cloneAvals(in []Aval) []Aval {
	out := make([]Aval, len(in))
	for i, a := range in {
		out[i] = Aval{DType: a.DType, Shape: slices.Clone(a.Shape)}
	}
	return out
}

// instCache keeps the Insts an op was last used at, most of all the newest. It
// is read without a lock: an update replaces the slice.
type instCache struct {
	list atomic.Pointer[[]*Inst]
	mu   sync.Mutex
}

// cacheSize bounds the Insts kept for an op: enough for the shapes of a large
// model, little enough to be searched faster than an Inst is made.
const cacheSize = 32

func (c *instCache) find(attr any, in []Aval) *Inst {
	list := c.list.Load()
	if list == nil {
		return nil
	}
	for _, inst := range *list {
		if inst.matches(attr, in) {
			return inst
		}
	}
	return nil
}

func (inst *Inst) matches(attr any, in []Aval) bool {
	if len(in) != len(inst.In) {
		return false
	}
	for i := range in {
		if !equalAval(&in[i], &inst.In[i]) {
			return false
		}
	}
	return attr == inst.Attr
}

func (c *instCache) add(inst *Inst) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := []*Inst{inst}
	if old := c.list.Load(); old != nil {
		list = append(list, (*old)[:min(len(*old), cacheSize-1)]...)
	}
	c.list.Store(&list)
}

const maxBackends = 8

var (
	backends   [maxBackends]Backend
	backendIDs = map[string]int{}
	bound      = map[boundKey]func(*Inst) Kernel{}
)

type boundKey struct {
	op      *Op
	backend string
}

// RegisterBackend makes b the backend of devices of its name's kind. It is
// called from package initialisation.
func RegisterBackend(b Backend) {
	id := len(backendIDs)
	if id == maxBackends {
		panic("kernels: too many backends")
	}
	backendIDs[b.Name()] = id
	backends[id] = b
}

// Bind gives an op a kernel of its own on a backend, ahead of what the backend
// would compile. A factory may return nil for instances that it does not serve.
func Bind(op *Op, backend string, factory func(*Inst) Kernel) {
	bound[boundKey{op, backend}] = factory
}

// BackendID returns the index of the backend for a kind of device, and whether there is one.
func BackendID(kind string) (int, bool) {
	id, ok := backendIDs[kind]
	return id, ok
}

// MoverOf returns a backend's [Mover], or nil where the host reaches its arrays.
func MoverOf(backend int) Mover {
	m, _ := backends[backend].(Mover)
	return m
}

// BackendNames lists the registered backends.
func BackendNames() []string {
	var names []string
	for _, b := range backends[:len(backendIDs)] {
		names = append(names, b.Name())
	}
	return names
}

// Kernel returns the Inst's kernel on a backend: the bound one, the compiled
// one, or ref's.
func (inst *Inst) Kernel(backend int) Kernel { return inst.on(backend).kernel }

// Scalar returns the Inst's kernel on a backend where that is one of single
// numbers, else nil.
func (inst *Inst) Scalar(backend int) Scalar { return inst.on(backend).scalar }

func (inst *Inst) on(backend int) *compiled {
	if c := inst.compiled[backend].Load(); c != nil {
		return c
	}
	c := &compiled{kernel: inst.compile(backend)}
	if c.kernel != nil { // else a kernel may be registered yet
		c.scalar, _ = c.kernel.(Scalar)
		inst.compiled[backend].Store(c)
	}
	return c
}

func (inst *Inst) compile(backend int) Kernel {
	b := backends[backend]
	if inst.Op != nil {
		if f := bound[boundKey{inst.Op, b.Name()}]; f != nil {
			if k := f(inst); k != nil {
				return k
			}
		}
	}
	if k := b.Compile(inst); k != nil {
		return k
	}
	if ref, ok := backendIDs["ref"]; ok && ref != backend {
		return inst.Kernel(ref)
	}
	return nil
}
