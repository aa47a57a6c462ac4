// Building an expression: loads, constants, axes and stores. The functions of
// nodes are in simplify.go.

package loop

import (
	"fmt"
	"math"

	"github.com/cotangent-ad/cotangent/device"
)

// DType returns the type of a node.
func (e *Expr) DType(n Node) device.DType { return e.Nodes[n].DType }

// Const returns a constant of the given type, rounded to it.
func (e *Expr) Const(dt device.DType, v float64) Node {
	switch {
	case !dt.IsFloat():
		return e.ConstInt(dt, int64(v))
	case dt == device.Float32:
		v = float64(float32(v))
	}
	return e.put(Inst{Fn: Const, DType: dt, Arg: noArgs, V: v})
}

// ConstInt returns a constant of the given type, from an integer; for bool,
// anything but 0 is true.
func (e *Expr) ConstInt(dt device.DType, v int64) Node {
	switch dt {
	case device.Float32, device.Float64:
		return e.Const(dt, float64(v))
	case device.Int32:
		v = int64(int32(v))
	case device.Bool:
		v = b2i(v != 0)
	}
	return e.put(Inst{Fn: Const, DType: dt, Arg: noArgs, K: v})
}

// Bool returns a bool constant.
func (e *Expr) Bool(v bool) Node { return e.ConstInt(device.Bool, b2i(v)) }

// Like returns a constant of the type of node n.
func (e *Expr) Like(n Node, v float64) Node { return e.Const(e.DType(n), v) }

// Iota returns the value of an axis, an int64.
func (e *Expr) Iota(axis int) Node {
	if axis < 0 || axis >= len(e.Axes) {
		panic(fmt.Sprintf("loop: no axis %d", axis))
	}
	if e.Axes[axis].Size == 1 {
		return e.ConstInt(device.Int64, 0)
	}
	return e.put(Inst{Fn: Iota, DType: device.Int64, Arg: noArgs, K: int64(axis)})
}

// Load returns the element of operand in at an index, one Lin a dimension.
func (e *Expr) Load(in int, index ...Lin) Node {
	return e.load(Load{In: in, Index: index})
}

// LoadGuarded is Load where an index that is out of range gives zero. An index
// through a node must be in range all the same.
func (e *Expr) LoadGuarded(in int, index ...Lin) Node {
	return e.load(Load{In: in, Index: index, Guarded: true})
}

func (e *Expr) load(l Load) Node {
	if l.In < 0 || l.In >= len(e.Ins) {
		panic(fmt.Sprintf("loop: no operand %d", l.In))
	}
	if len(l.Index) != len(e.Ins[l.In].Shape) {
		panic(fmt.Sprintf("loop: %d indices for an operand of shape %v", len(l.Index), e.Ins[l.In].Shape))
	}
	if l.Guarded {
		if e.never(l.Index, e.Ins[l.In].Shape) {
			return e.Const(e.Ins[l.In].DType, 0)
		}
		l.Guarded = !e.inRange(l.Index, e.Ins[l.In].Shape)
	}
	return e.putLoad(l)
}

// Store adds a result. Whether it is Scatter or Partial follows from its index
// if neither is set; a Scatter store sums, and one that mentions every axis does
// not reduce. It returns the result's number.
func (e *Expr) Store(s Store) int {
	if len(s.Index) != len(s.Aval.Shape) {
		panic(fmt.Sprintf("loop: %d indices for a result of shape %v", len(s.Index), s.Aval.Shape))
	}
	if dt := e.DType(s.Value); dt != s.Aval.DType {
		panic(fmt.Sprintf("loop: a %v stored in a result of %v", dt, s.Aval.DType))
	}
	if !s.Partial && !s.Scatter && !e.plain(s.Index, s.Aval.Shape) {
		s.Partial = e.injective(s.Index)
		s.Scatter = !s.Partial
	}
	switch all := len(e.reduced(s.Index)) == 0; {
	case s.Scatter:
		s.Reduce = Sum
	case all:
		s.Reduce = NoReduce
	case s.Reduce == NoReduce:
		panic("loop: a store without some axes needs a reduction")
	}
	e.Outs = append(e.Outs, s)
	return len(e.Outs) - 1
}

// Elementwise returns the expression of an elementwise operation: axes i, j,
// ... over out's shape, operands broadcast to it (aligned at the last
// dimension, sizes of 1 repeated), and one result, the body's value. The
// operands' shapes must fit; casting to a common type is the body's business.
func Elementwise(in []Aval, out Aval, body func(e *Expr, x []Node) Node) *Expr {
	e := New(Axes(out.Shape), in)
	x := make([]Node, len(in))
	for i, a := range in {
		index := make([]Lin, len(a.Shape))
		skip := len(out.Shape) - len(a.Shape)
		for d, n := range a.Shape {
			if n == 1 && out.Shape[skip+d] != 1 {
				index[d] = Fixed(0)
			} else {
				index[d] = At(skip + d)
			}
		}
		x[i] = e.Load(i, index...)
	}
	e.Store(Store{Value: body(e, x), Index: Ats(len(out.Shape)), Aval: out})
	return e
}

// Axes returns axes named i, j, k, ... of the given sizes.
func Axes(shape []int) []Axis {
	axes := make([]Axis, len(shape))
	for d, n := range shape {
		axes[d] = Axis{AxisName(d), n}
	}
	return axes
}

// AxisName returns the usual name of axis d: i, j, k, l, m, n, p, q, r, s, t, then i10, i11, ...
func AxisName(d int) string {
	const names = "ijklmnpqrs"
	if d < len(names) {
		return names[d : d+1]
	}
	return fmt.Sprintf("i%d", d)
}

// Ats returns the plain index: axes 0 to n-1 in order.
func Ats(n int) []Lin {
	index := make([]Lin, n)
	terms := make([]Term, n)
	for d := range index {
		terms[d] = Term{d, 1}
		index[d] = Lin{Terms: terms[d : d+1 : d+1], Via: None}
	}
	return index
}

var noArgs = [3]Node{None, None, None}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// value returns a constant as a number, and whether n is one.
func (e *Expr) value(n Node) (float64, bool) {
	if n == None || e.Nodes[n].Fn != Const {
		return 0, false
	}
	if x := &e.Nodes[n]; x.DType.IsFloat() {
		return x.V, true
	}
	return float64(e.Nodes[n].K), true
}

// isConst reports whether n is the constant v (by value; both zeros are 0).
func (e *Expr) isConst(n Node, v float64) bool {
	c, ok := e.value(n)
	return ok && c == v
}

// isNegZero reports whether n is the constant -0.
func (e *Expr) isNegZero(n Node) bool {
	c, ok := e.value(n)
	return ok && c == 0 && math.Signbit(c)
}
