// What simplifies: only what holds for every value, bit for bit but for the
// sign of a zero that a strong product yields. So x+0, x*0, x-x and 0-x stay.

package loop

import "math"

// simplify1 returns a node equal to fn(a), or None.
func (e *Expr) simplify1(fn Fn, a Node) Node {
	if v, ok := e.value(a); ok {
		if f := fold1[fn]; f != nil {
			return e.fold(fn, e.DType(a), f(v))
		}
	}
	x := &e.Nodes[a]
	switch {
	case fn == Neg && x.Fn == Neg, fn == Not && x.Fn == Not:
		return x.Arg[0]
	case fn == Abs && (x.Fn == Abs || x.Fn == Square && x.DType.IsFloat()):
		return a
	case (fn == Abs || fn == Square) && x.Fn == Neg, fn == Square && x.Fn == Abs:
		return e.Unary(fn, x.Arg[0])
	}
	return None
}

// simplify2 returns a node equal to fn(a, b), or None.
func (e *Expr) simplify2(fn Fn, a, b Node) Node {
	if f := rules2[fn]; f != nil {
		if n := f(e, a, b); n != None {
			return n
		}
		if facts[fn].commute {
			return f(e, b, a)
		}
	}
	return None
}

// rules2 holds the simplifications of functions of two arguments; commutative
// ones are tried both ways round. Set in init, for the rules make nodes.
var rules2 [NumFn]func(e *Expr, a, b Node) Node

func init() {
	rules2 = [NumFn]func(e *Expr, a, b Node) Node{
		Add: simplifyAdd, Sub: simplifySub, Mul: simplifyMul, Div: simplifyDiv, Pow: simplifyPow, SMul: simplifySMul,
		Maximum: idempotent, Minimum: idempotent,
		And: func(e *Expr, a, b Node) Node {
			switch {
			case e.isConst(a, 1) || a == b:
				return b
			case e.isConst(a, 0):
				return a
			}
			return None
		},
		Or: func(e *Expr, a, b Node) Node {
			switch {
			case e.isConst(a, 0) || a == b:
				return b
			case e.isConst(a, 1):
				return a
			}
			return None
		},
		Eq: func(e *Expr, a, b Node) Node { return e.reflexive(a, b, true) },
		Le: func(e *Expr, a, b Node) Node { return e.reflexive(a, b, true) },
		Ne: func(e *Expr, a, b Node) Node { return e.reflexive(a, b, false) },
		Lt: func(e *Expr, a, b Node) Node {
			if a == b {
				return e.Bool(false)
			}
			return None
		},
	}
}

func idempotent(_ *Expr, a, b Node) Node {
	if a == b {
		return a
	}
	return None
}

// reflexive decides a comparison of a value with itself where it cannot be NaN.
func (e *Expr) reflexive(a, b Node, v bool) Node {
	if a == b && !e.DType(a).IsFloat() {
		return e.Bool(v)
	}
	return None
}

func simplifyAdd(e *Expr, a, b Node) Node {
	switch {
	case e.isNegZero(a), !e.DType(a).IsFloat() && e.isConst(a, 0):
		return b
	case e.Nodes[a].Fn == Neg:
		return e.Sub(b, e.Nodes[a].Arg[0])
	}
	return None
}

func simplifySub(e *Expr, a, b Node) Node {
	switch {
	case e.isConst(b, 0) && !e.isNegZero(b):
		return a
	case e.isNegZero(a):
		return e.Neg(b)
	case e.Nodes[b].Fn == Neg:
		return e.Add(a, e.Nodes[b].Arg[0])
	case a == b && !e.DType(a).IsFloat():
		return e.Like(a, 0)
	}
	return None
}

func simplifyMul(e *Expr, a, b Node) Node {
	switch {
	case e.isConst(a, 1):
		return b
	case e.isConst(a, -1):
		return e.Neg(b)
	case !e.DType(a).IsFloat() && e.isConst(a, 0):
		return a
	case e.Nodes[a].Fn == Neg && e.Nodes[b].Fn == Neg:
		return e.Mul(e.Nodes[a].Arg[0], e.Nodes[b].Arg[0])
	}
	return None
}

func simplifyDiv(e *Expr, a, b Node) Node {
	v, ok := e.value(b)
	switch {
	case e.isConst(b, 1):
		return a
	case e.isConst(b, -1):
		return e.Neg(a)
	case ok && powerOfTwo(v):
		return e.Mul(a, e.Like(a, 1/v))
	case e.isConst(a, 1):
		return e.Recip(b)
	}
	return None
}

// powerOfTwo reports whether v is ±2^k and its reciprocal exact in float32, too.
func powerOfTwo(v float64) bool {
	m, k := math.Frexp(v)
	return (m == 0.5 || m == -0.5) && k > -100 && k < 100
}

func simplifyPow(e *Expr, a, b Node) Node {
	switch {
	case e.isConst(b, 0):
		return e.Like(a, 1)
	case e.isConst(b, 1):
		return a
	case e.isConst(b, 2):
		return e.Square(a)
	case e.isConst(b, -1):
		return e.Recip(a)
	}
	return None
}

// simplifySMul turns strong products with constants, and with choices among
// constants, into ordinary arithmetic.
func simplifySMul(e *Expr, a, b Node) Node {
	if v, ok := e.value(a); ok {
		switch {
		case v == 0:
			return e.Like(b, 0)
		case v == v && !math.IsInf(v, 0):
			return e.Mul(a, b)
		}
		return None
	}
	if x := e.Nodes[a]; x.Fn == Select && (e.unit(x.Arg[1]) || e.unit(x.Arg[2])) {
		return e.Select(x.Arg[0], e.SMul(x.Arg[1], b), e.SMul(x.Arg[2], b))
	}
	return None
}

// unit reports whether n is a constant whose strong product is no product.
func (e *Expr) unit(n Node) bool {
	v, ok := e.value(n)
	return ok && (v == 0 || v == 1 || v == -1)
}
