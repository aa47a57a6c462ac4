// Folding: functions of constants, and comparisons that the ranges of axes decide.

package loop

import (
	"math"

	"github.com/cotangent-ad/cotangent/device"
)

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
