// The functions of nodes: types are checked, constants folded, and what is
// equal for all values, zeros and NaN included, is simplified.

package loop

import (
	"fmt"

	"github.com/cotangent-ad/cotangent/device"
)

// Cast returns a converted to a type. None is the symbolic zero here as in the
// other functions: zero where the result of a zero is one.
func (e *Expr) Cast(dt device.DType, a Node) Node {
	if a == None || e.DType(a) == dt {
		return a
	}
	if v, ok := e.value(a); ok && (dt.IsFloat() || !e.DType(a).IsFloat()) {
		if e.DType(a).IsFloat() || dt.IsFloat() && e.DType(a) == device.Bool {
			return e.Const(dt, v)
		}
		return e.ConstInt(dt, e.Nodes[a].K)
	}
	return e.put(Inst{Fn: Cast, DType: dt, Arg: [3]Node{a, None, None}})
}

// Unary returns fn(a) for a function of one argument other than Cast and Polygamma.
func (e *Expr) Unary(fn Fn, a Node) Node {
	if a == None && fn == Neg {
		return None
	}
	dt := e.check(fn, 1, a)
	if n := e.simplify1(fn, a); n != None {
		return n
	}
	return e.put(Inst{Fn: fn, DType: dt, Arg: [3]Node{a, None, None}})
}

// Polygamma returns the polygamma function of an order of at least 1.
func (e *Expr) Polygamma(order int, a Node) Node {
	if order < 1 {
		panic("loop: polygamma of an order below 1")
	}
	dt := e.check(Polygamma, 1, a)
	return e.put(Inst{Fn: Polygamma, DType: dt, Arg: [3]Node{a, None, None}, K: int64(order)})
}

// Binary returns fn(a, b) for a function of two arguments, which have one type.
// None as an argument of Add, Sub, Mul and SMul is a symbolic zero, and so is
// None as their result.
func (e *Expr) Binary(fn Fn, a, b Node) Node {
	if a == None || b == None {
		return e.absent(fn, a, b)
	}
	dt := e.check(fn, 2, a, b)
	if facts[fn].boolean {
		dt = device.Bool
	}
	if facts[fn].commute && e.after(fn, a, b) {
		a, b = b, a
	}
	if n := e.fold2(fn, a, b); n != None {
		return n
	}
	if n := e.simplify2(fn, a, b); n != None {
		return n
	}
	return e.put(Inst{Fn: fn, DType: dt, Arg: [3]Node{a, b, None}})
}

// after reports whether a is the second argument of a commutative function of a
// and b: constants come first (2*x), in comparisons last (x == 2), and nodes in
// their order.
func (e *Expr) after(fn Fn, a, b Node) bool {
	if ca, cb := e.Nodes[a].Fn == Const, e.Nodes[b].Fn == Const; ca != cb {
		return cb != facts[fn].boolean
	}
	return a > b
}

// absent applies a function of which one argument, or both, is a symbolic zero.
func (e *Expr) absent(fn Fn, a, b Node) Node {
	switch {
	case fn == Mul || fn == SMul:
		return None
	case fn == Add && a == None:
		return b
	case (fn == Add || fn == Sub) && b == None:
		return a
	case fn == Sub:
		return e.Neg(b)
	}
	panic(fmt.Sprintf("loop: %v of a symbolic zero", fn))
}

// Select returns a where c is true, else b. One of a and b may be None, a zero;
// if both are, so is the result.
func (e *Expr) Select(c, a, b Node) Node {
	if e.DType(c) != device.Bool {
		panic("loop: select by a " + e.DType(c).String())
	}
	switch {
	case a == b:
		return a
	case a == None:
		a = e.Like(b, 0)
	case b == None:
		b = e.Like(a, 0)
	}
	if e.DType(a) != e.DType(b) {
		panic(fmt.Sprintf("loop: select of a %v and a %v", e.DType(a), e.DType(b)))
	}
	if v, ok := e.value(c); ok {
		if v != 0 {
			return a
		}
		return b
	}
	switch x := &e.Nodes[c]; {
	case a == b:
		return a
	case x.Fn == Not:
		return e.Select(x.Arg[0], b, a)
	case e.Nodes[a].Fn == Select && e.Nodes[a].Arg[0] == c:
		return e.Select(c, e.Nodes[a].Arg[1], b)
	case e.Nodes[b].Fn == Select && e.Nodes[b].Arg[0] == c:
		return e.Select(c, a, e.Nodes[b].Arg[2])
	case e.DType(a) == device.Bool && e.isConst(a, 1) && e.isConst(b, 0):
		return c
	case e.DType(a) == device.Bool && e.isConst(a, 0) && e.isConst(b, 1):
		return e.Not(c)
	}
	return e.put(Inst{Fn: Select, DType: e.DType(a), Arg: [3]Node{c, a, b}})
}

// apply returns the node that is x with its arguments replaced.
func (e *Expr) apply(x *Inst, arg [3]Node) Node {
	switch {
	case x.Fn == Const:
		return e.put(*x)
	case e.Fused && (x.DType.IsFloat() || e.DType(arg[0]).IsFloat()):
		return e.applyExactly(x, arg)
	case x.Fn == Cast:
		return e.Cast(x.DType, arg[0])
	case x.Fn == Polygamma:
		return e.Polygamma(int(x.K), arg[0])
	case x.Fn == Select:
		return e.Select(arg[0], arg[1], arg[2])
	case x.Fn.Arity() == 1:
		return e.Unary(x.Fn, arg[0])
	}
	return e.Binary(x.Fn, arg[0], arg[1])
}

// check panics unless fn takes arguments of these types, all one; it returns
// the type.
func (e *Expr) check(fn Fn, arity int, args ...Node) device.DType {
	if fn.Arity() != arity {
		panic(fmt.Sprintf("loop: %v with %d arguments", fn, arity))
	}
	dt := e.DType(args[0])
	for _, a := range args {
		if e.DType(a) != dt || !facts[fn].domain.has(dt) {
			panic(fmt.Sprintf("loop: %v of a %v and a %v", fn, dt, e.DType(a)))
		}
	}
	return dt
}
