package cpu

// Scalars: loops over nothing but single numbers, of which there are many in
// eager code. They are interpreted node by node, with nothing to set up.

import (
	"math"
	"slices"
	"sync"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/cpu/vmath"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// scalarKernel runs a loop of floats and bools whose axes are all of size 1.
type scalarKernel struct {
	reads []scalarRead // what the nodes load
	nodes []scalarNode
	outs  []scalarOut
}

// scalarRead is an element of an operand: the first one where at is nil.
type scalarRead struct {
	in int
	at []int
	dt device.DType
}

// scalarNode is a node: a function of earlier ones by number. Values are float64
// whatever their type: float32 is held and rounded in it, true is 1.
type scalarNode struct {
	fn      loop.Fn
	single  bool // float32: the result is rounded
	a, b, c uint8
	read    int // of a load: which of the kernel's reads
	dt      device.DType
	v       float64 // of a constant
	order   int     // of a polygamma
	f       *elementary
}

type scalarOut struct {
	node uint8
	dt   device.DType
}

// maxScalar bounds the nodes of a loop of scalars, for which tiles take longer, node by
// node, whatever their number; shortScalar those that need not have their values on the
// stack cleared first.
const (
	maxScalar   = 256
	shortScalar = 24
)

// newScalar returns the kernel of a loop of scalars, or nil if e is none.
func newScalar(e *loop.Expr) kernels.Kernel {
	for _, a := range e.Axes {
		if a.Size != 1 {
			return nil
		}
	}
	if len(e.Nodes) > maxScalar {
		return nil
	}
	k := &scalarKernel{}
	for n := range e.Nodes {
		if !k.addNode(e, &e.Nodes[n]) {
			return nil
		}
	}
	numbers := k.readOperands(e)
	for i := range e.Outs {
		s := &e.Outs[i]
		if s.Aval.Size() != 1 {
			return nil
		}
		for _, l := range s.Index {
			if l.Via != loop.None {
				return nil
			}
		}
		k.outs = append(k.outs, scalarOut{uint8(s.Value), s.Aval.DType})
	}
	switch {
	case !numbers || len(k.nodes) > shortScalar || slices.ContainsFunc(k.outs, func(o scalarOut) bool { return o.dt != device.Float64 }):
		return k
	case k.simple():
		return &simpleKernel{scalarKernel: *k, fn: k.nodes[len(k.nodes)-1], a: k.nodes[0].read, b: k.nodes[len(k.nodes)-2].read}
	}
	return &numberKernel{*k}
}

// addNode appends a node, or returns false where that cannot be one of a kernel.
func (k *scalarKernel) addNode(e *loop.Expr, x *loop.Inst) bool {
	n := scalarNode{fn: x.Fn, dt: x.DType, single: x.DType == device.Float32, v: x.V, order: int(x.K)}
	if x.DType.IsInt() {
		return false
	}
	for i, p := range [...]*uint8{&n.a, &n.b, &n.c} {
		if x.Arg[i] != loop.None {
			*p = uint8(x.Arg[i])
		}
	}
	switch f := fnOps[x.Fn]; {
	case x.Fn == loop.Const:
		if x.DType == device.Bool {
			n.v = float64(x.K)
		}
	case x.Fn == loop.LoadFn:
		r, inside, ok := readOf(e, &e.Loads[x.K])
		if !ok {
			return false
		}
		if !inside {
			n.fn, n.v = loop.Const, 0
			break
		}
		n.read = len(k.reads)
		k.reads = append(k.reads, r)
	case f.op == opPtr:
		return false
	case f.op == opElementary:
		n.f = elementaryOf(x.Fn)
	}
	k.nodes = append(k.nodes, n)
	return true
}

// readOf returns what a load reads, and whether that is an element at all: a guard
// may say that it is none.
func readOf(e *loop.Expr, l *loop.Load) (r scalarRead, inside, ok bool) {
	r = scalarRead{in: l.In, dt: e.Ins[l.In].DType}
	at := make([]int, len(l.Index))
	for d, lin := range l.Index {
		switch {
		case lin.Via != loop.None:
			return r, false, false
		case lin.Const < 0 || lin.Const >= e.Ins[l.In].Shape[d]:
			return r, false, true
		case lin.Const != 0:
			r.at = at
		}
		at[d] = lin.Const
	}
	return r, true, true
}

// readOperands makes the reads those of all operands in their order, if these are
// single numbers.
func (k *scalarKernel) readOperands(e *loop.Expr) bool {
	if len(e.Ins) > maxScalar || slices.ContainsFunc(e.Ins, func(a loop.Aval) bool { return a.Size() != 1 || a.DType.IsInt() }) {
		return false
	}
	for i := range k.nodes {
		if n := &k.nodes[i]; n.fn == loop.LoadFn {
			n.read = k.reads[n.read].in
		}
	}
	k.reads = k.reads[:0]
	for i, a := range e.Ins {
		k.reads = append(k.reads, scalarRead{in: i, dt: a.DType})
	}
	return true
}

// compute computes the nodes from what they load.
func (k *scalarKernel) compute(x, v []float64) {
	for i := range k.nodes {
		v[i] = k.nodes[i].value(x, v)
	}
}

// Run computes the nodes and writes the results.
func (k *scalarKernel) Run(c *kernels.Call) error {
	if len(k.nodes) > shortScalar || len(k.reads) > shortScalar {
		m := scalarMemories.Get().(*[2 * maxScalar]float64)
		k.run(c, m[:maxScalar], m[maxScalar:])
		scalarMemories.Put(m)
		return nil
	}
	var x, v [shortScalar]float64
	k.run(c, x[:], v[:])
	return nil
}

// scalarMemories holds what long loops read and compute.
var scalarMemories = sync.Pool{New: func() any { return new([2 * maxScalar]float64) }}

func (k *scalarKernel) run(c *kernels.Call, x, v []float64) {
	for i := range k.reads {
		r := &k.reads[i]
		x[i] = read(c.In[r.in], r.at, r.dt)
	}
	k.compute(x, v)
	for i := range k.outs {
		o := &k.outs[i]
		write(c.Out[i].Ptr, o.dt, v[o.node], c.Add && i == 0)
	}
}

// numberKernel is a scalarKernel of which all operands are single numbers and all
// results float64.
type numberKernel struct{ scalarKernel }

// Numbers computes the results.
func (k *numberKernel) Numbers(in, out []float64) {
	var v [shortScalar]float64
	k.compute(in, v[:])
	for i := range out {
		out[i] = v[k.outs[i].node]
	}
}

func write(p unsafe.Pointer, dt device.DType, v float64, add bool) {
	switch dt {
	case device.Float64:
		if add {
			v += *(*float64)(p)
		}
		*(*float64)(p) = v
	case device.Float32:
		if add {
			v += float64(*(*float32)(p))
		}
		*(*float32)(p) = float32(v)
	default:
		*(*uint8)(p) = uint8(v)
	}
}

func read(a *kernels.Array, at []int, dt device.DType) float64 {
	p := a.Ptr
	for d, i := range at {
		if i != 0 {
			p = unsafe.Add(p, i*a.Stride(d)*dt.Size())
		}
	}
	switch dt {
	case device.Float64:
		return *(*float64)(p)
	case device.Float32:
		return float64(*(*float32)(p))
	}
	return float64(*(*uint8)(p))
}

// value computes the node. The sums, products, quotients and square roots of two
// float32 in float64 round to those of float32.
func (n *scalarNode) value(x, v []float64) float64 {
	switch n.fn {
	case loop.Const:
		return n.v
	case loop.LoadFn:
		return x[n.read]
	case loop.Cast:
		if n.dt == device.Bool {
			return truthValue(v[n.a] != 0)
		}
	case loop.Select:
		if v[n.a] != 0 {
			return v[n.b]
		}
		return v[n.c]
	}
	y := n.apply(v[n.a], v[n.b])
	if n.single {
		y = float64(float32(y))
	}
	return y
}

func truthValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// apply computes a function of one or two arguments.
func (n *scalarNode) apply(x, y float64) float64 {
	switch n.fn {
	case loop.Add:
		return x + y
	case loop.Sub:
		return x - y
	case loop.Mul:
		return x * y
	case loop.SMul:
		return smulOf(x, y)
	case loop.Div:
		return x / y
	case loop.Neg:
		return -x
	case loop.Abs:
		return math.Abs(x)
	case loop.Sign:
		return signOf(x)
	case loop.Square:
		return x * x
	case loop.Sqrt:
		return math.Sqrt(x)
	case loop.Recip:
		return 1 / x
	case loop.Not:
		return 1 - x
	case loop.Maximum:
		return maxOf(x, y)
	case loop.Minimum:
		return minOf(x, y)
	case loop.Eq:
		return truthValue(x == y)
	case loop.Ne:
		return truthValue(x != y)
	case loop.Lt:
		return truthValue(x < y)
	case loop.Le:
		return truthValue(x <= y)
	case loop.And:
		return x * y
	case loop.Or:
		return max(x, y)
	case loop.Cast:
		return x
	}
	return n.elementary(x, y)
}

func (n *scalarNode) elementary(x, y float64) float64 {
	f := n.f
	switch {
	case n.fn == loop.Polygamma && n.single:
		return float64(vmath.Polygamma32(n.order, float32(x)))
	case n.fn == loop.Polygamma:
		return vmath.Polygamma(n.order, x)
	case f.f64 != nil && !n.single:
		return f.f64(x)
	case f.f64 != nil:
		return float64(f.f32(float32(x)))
	case !n.single:
		return f.f64of2(x, y)
	}
	return float64(f.f32of2(float32(x), float32(y)))
}

// simple reports whether the kernel, one on numbers, is a function of one or two
// operands of float64.
func (k *scalarKernel) simple() bool {
	n := len(k.nodes)
	if n < 2 || n > 3 || len(k.outs) != 1 || int(k.outs[0].node) != n-1 {
		return false
	}
	for _, x := range k.nodes[:n-1] {
		if x.fn != loop.LoadFn {
			return false
		}
	}
	last := &k.nodes[n-1]
	for _, x := range k.nodes {
		if x.dt != device.Float64 {
			return false
		}
	}
	switch last.fn.Arity() {
	case 1:
		return n == 2
	case 2:
		return last.a == 0 && int(last.b) == n-2
	}
	return false
}

// simpleKernel is a function of two operands, or of one, given twice.
type simpleKernel struct {
	scalarKernel
	fn   scalarNode
	a, b int
}

// Numbers computes the function.
func (k *simpleKernel) Numbers(in, out []float64) { out[0] = k.fn.apply(in[k.a], in[k.b]) }
