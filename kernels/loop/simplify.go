// What simplifies: only what holds for every value, bit for bit but for the
// sign of a zero that a strong product yields. So x+0, x*0, x-x and 0-x stay.

package loop

import (
	"math"

	"github.com/cotangent-ad/cotangent/device"
)

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

// fold1 holds the functions of constants that are computed at once: the exact
// ones. Transcendental functions are left to what runs the loop.
var fold1 = [NumFn]func(v float64) float64{
	Neg:    func(v float64) float64 { return -v },
	Abs:    math.Abs,
	Square: func(v float64) float64 { return v * v },
	Sqrt:   math.Sqrt,
	Recip:  func(v float64) float64 { return 1 / v },
	Not:    func(v float64) float64 { return 1 - v },
	Sign: func(v float64) float64 {
		switch {
		case v > 0:
			return 1
		case v < 0:
			return -1
		}
		return v * 0 // 0, or NaN
	},
}

// arith2 holds the arithmetic that is folded, compare2 the comparisons. In
// float32 the sums, products and quotients of float64 round to the right ones.
var arith2 = [NumFn]func(a, b float64) float64{
	Add: func(a, b float64) float64 { return a + b },
	Sub: func(a, b float64) float64 { return a - b },
	Mul: func(a, b float64) float64 { return a * b },
	Div: func(a, b float64) float64 { return a / b },
	And: func(a, b float64) float64 { return a * b },
	Or:  math.Max,
	SMul: func(a, b float64) float64 {
		if a == 0 || b == 0 {
			return 0
		}
		return a * b
	},
}

var compare2 = [NumFn]func(a, b float64) bool{
	Eq: func(a, b float64) bool { return a == b },
	Ne: func(a, b float64) bool { return a != b },
	Lt: func(a, b float64) bool { return a < b },
	Le: func(a, b float64) bool { return a <= b },
}

// fold returns the constant v, the value of fn; or None for integers so large
// that float64 may not hold the value.
func (e *Expr) fold(fn Fn, dt device.DType, v float64) Node {
	if dt.IsInt() && math.Abs(v) > 1<<30 {
		return None
	}
	if facts[fn].boolean {
		dt = device.Bool
	}
	return e.Const(dt, v)
}

// fold2 returns the constant fn(a, b) of two constants, or None.
func (e *Expr) fold2(fn Fn, a, b Node) Node {
	if compare2[fn] != nil {
		if alo, ahi, ok := e.rangeOf(a); ok {
			if blo, bhi, ok := e.rangeOf(b); ok {
				return e.foldRanges(fn, alo, ahi, blo, bhi)
			}
		}
	}
	v, ok := e.value(a)
	w, ok2 := e.value(b)
	switch {
	case !ok || !ok2:
		return None
	case compare2[fn] != nil:
		return e.Bool(compare2[fn](v, w))
	case arith2[fn] != nil && (e.DType(a).IsFloat() || math.Abs(v) < 1<<30 && math.Abs(w) < 1<<30):
		return e.fold(fn, e.DType(a), arith2[fn](v, w))
	}
	return None
}

// foldRanges decides a comparison of integers by their ranges, or returns None.
func (e *Expr) foldRanges(fn Fn, alo, ahi, blo, bhi int64) Node {
	apart := ahi < blo || bhi < alo
	same := alo == ahi && blo == bhi && alo == blo
	switch {
	case fn == Eq && (apart || same), fn == Ne && (apart || same):
		return e.Bool(same == (fn == Eq))
	case fn == Lt && ahi < blo, fn == Le && ahi <= blo:
		return e.Bool(true)
	case fn == Lt && alo >= bhi, fn == Le && alo > bhi:
		return e.Bool(false)
	}
	return None
}

// rangeOf returns bounds of an int64 node made of axes and small constants.
func (e *Expr) rangeOf(n Node) (lo, hi int64, ok bool) {
	x := &e.Nodes[n]
	if x.DType != device.Int64 {
		return 0, 0, false
	}
	switch x.Fn {
	case Const:
		return x.K, x.K, max(x.K, -x.K) < 1<<40
	case Iota:
		return 0, max(0, int64(e.Axes[x.K].Size-1)), true
	case Neg:
		lo, hi, ok = e.rangeOf(x.Arg[0])
		return -hi, -lo, ok
	case Add, Sub, Mul:
		alo, ahi, ok := e.rangeOf(x.Arg[0])
		if !ok {
			return 0, 0, false
		}
		blo, bhi, ok := e.rangeOf(x.Arg[1])
		switch {
		case !ok || max(alo, -alo, ahi, blo, -blo, bhi) > 1<<30:
			return 0, 0, false
		case x.Fn == Add:
			return alo + blo, ahi + bhi, true
		case x.Fn == Sub:
			return alo - bhi, ahi - blo, true
		}
		p := [4]int64{alo * blo, alo * bhi, ahi * blo, ahi * bhi}
		return min(p[0], p[1], p[2], p[3]), max(p[0], p[1], p[2], p[3]), true
	}
	return 0, 0, false
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
