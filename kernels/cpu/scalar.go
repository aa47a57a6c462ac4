package cpu

// Scalars: loops over nothing but single numbers, of which there are many in
// eager code. They are interpreted node by node, with nothing to set up.

import (
	"math"
	"slices"
	"unsafe"

	"github.com/cotangent-ad/cotangent/device"
	"github.com/cotangent-ad/cotangent/kernels"
	"github.com/cotangent-ad/cotangent/kernels/cpu/vmath"
	"github.com/cotangent-ad/cotangent/kernels/loop"
)

// scalarKernel runs a loop of floats and bools whose axes are all of size 1.
type scalarKernel struct {
	nodes []scalarNode
	outs  []scalarOut
}

// scalarNode is a node: a function of earlier ones by number. Values are float64
// whatever their type: float32 is held and rounded in it, true is 1.
type scalarNode struct {
	fn      loop.Fn
	single  bool // float32: the result is rounded
	a, b, c uint8
	in      int       // of a load: the operand
	load    *scalarAt // likewise, where it is not the operand's first element
	dt      device.DType
	v       float64 // of a constant
	order   int     // of a polygamma
	f       *elementary
}

// scalarAt is an index of constants.
type scalarAt []int

type scalarOut struct {
	node uint8
	dt   device.DType
}

// maxScalar bounds the nodes of a loop of scalars.
const maxScalar = 24

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
		node, ok := newScalarNode(e, &e.Nodes[n])
		if !ok {
			return nil
		}
		k.nodes = append(k.nodes, node)
	}
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
	case k.simple():
		return &simpleKernel{k.nodes[len(k.nodes)-1], k.nodes[0].in, k.nodes[len(k.nodes)-2].in}
	case !slices.ContainsFunc(k.outs, func(o scalarOut) bool { return o.dt != device.Float64 }):
		return &numberKernel{*k}
	}
	return k
}

func newScalarNode(e *loop.Expr, x *loop.Inst) (n scalarNode, ok bool) {
	n = scalarNode{fn: x.Fn, dt: x.DType, single: x.DType == device.Float32, v: x.V, order: int(x.K)}
	if x.DType.IsInt() {
		return n, false
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
		return n, n.setLoad(e, &e.Loads[x.K])
	case f.op == opPtr:
		return n, false
	case f.op == opElementary:
		n.f = elementaryOf(x.Fn)
	}
	return n, true
}

// setLoad makes n a load, or a constant where a guard says so.
func (n *scalarNode) setLoad(e *loop.Expr, l *loop.Load) bool {
	n.in = l.In
	at := make(scalarAt, len(l.Index))
	elsewhere := false
	for d, lin := range l.Index {
		if lin.Via != loop.None {
			return false
		}
		at[d] = lin.Const
		elsewhere = elsewhere || lin.Const != 0
		if lin.Const < 0 || lin.Const >= e.Ins[l.In].Shape[d] {
			n.fn, n.v = loop.Const, 0
		}
	}
	if elsewhere {
		n.load = &at
	}
	return true
}

// compute computes the nodes.
func (k *scalarKernel) compute(in []*kernels.Array, v *[maxScalar]float64) {
	for i := range k.nodes {
		v[i] = k.nodes[i].value(in, v)
	}
}

// Run computes the nodes and writes the results.
func (k *scalarKernel) Run(c *kernels.Call) error {
	var v [maxScalar]float64
	k.compute(c.In, &v)
	for i := range k.outs {
		o := &k.outs[i]
		write(c.Out[i].Ptr, o.dt, v[o.node], c.Add && i == 0)
	}
	return nil
}

// numberKernel is a scalarKernel of which all results are float64.
type numberKernel struct{ scalarKernel }

// Numbers computes the results.
func (k *numberKernel) Numbers(in []*kernels.Array, out []float64) {
	var v [maxScalar]float64
	k.compute(in, &v)
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

func read(a *kernels.Array, at *scalarAt, dt device.DType) float64 {
	p := a.Ptr
	if at != nil {
		off := 0
		for d, i := range *at {
			if i != 0 {
				off += i * a.Stride(d)
			}
		}
		p = unsafe.Add(p, off*dt.Size())
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
func (n *scalarNode) value(in []*kernels.Array, v *[maxScalar]float64) float64 {
	switch n.fn {
	case loop.Const:
		return n.v
	case loop.LoadFn:
		return read(in[n.in], n.load, n.dt)
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
	x := n.apply(v[n.a], v[n.b])
	if n.single {
		x = float64(float32(x))
	}
	return x
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

// simple reports whether the kernel is a function of one or two operands of
// float64.
func (k *scalarKernel) simple() bool {
	n := len(k.nodes)
	if n < 2 || n > 3 || len(k.outs) != 1 || int(k.outs[0].node) != n-1 {
		return false
	}
	for _, x := range k.nodes[:n-1] {
		if x.fn != loop.LoadFn || x.load != nil {
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
	node scalarNode
	a, b int
}

// Numbers computes the function.
func (k *simpleKernel) Numbers(in []*kernels.Array, out []float64) {
	out[0] = k.node.apply(*(*float64)(in[k.a].Ptr), *(*float64)(in[k.b].Ptr))
}

// Run computes the function and writes the result.
func (k *simpleKernel) Run(c *kernels.Call) error {
	var z [1]float64
	k.Numbers(c.In, z[:])
	write(c.Out[0].Ptr, device.Float64, z[0], c.Add)
	return nil
}
