// Spans: between which numbers the values of nodes lie, by interval arithmetic.

package loop

import (
	"math"

	"github.com/cotangent-ad/cotangent/device"
)

// span is all that a node's value can be: numbers of [lo, hi], and NaN where nan is set.
type span struct {
	lo, hi float64
	nan    bool
}

var anything = span{math.Inf(-1), math.Inf(1), true}

// finite reports whether the value is neither infinite nor NaN.
func (s span) finite() bool { return !s.nan && s.lo > math.Inf(-1) && s.hi < math.Inf(1) }

// nonzero reports whether the value is not zero; it may be NaN.
func (s span) nonzero() bool { return s.lo > 0 || s.hi < 0 }

// magnitude is the least and the greatest absolute value.
func (s span) magnitude() (least, greatest float64) {
	greatest = math.Max(math.Abs(s.lo), math.Abs(s.hi))
	if s.nonzero() {
		least = math.Min(math.Abs(s.lo), math.Abs(s.hi))
	}
	return least, greatest
}

// union holds what either holds.
func (s span) union(t span) span {
	return span{math.Min(s.lo, t.lo), math.Max(s.hi, t.hi), s.nan || t.nan}
}

// format is the numbers of a type of float.
type format struct {
	slack          float64 // relative, and more than any function's error
	normal, widest float64 // the least normal number and the greatest
}

func formatOf(dt device.DType) format {
	if dt == device.Float32 {
		return format{0x1p-18, 0x1p-126, math.MaxFloat32}
	}
	return format{0x1p-46, 0x1p-1022, math.MaxFloat64}
}

// rounded is what a result that is exactly in s can be once it is rounded: what is
// beyond the greatest number may be infinite, what is below normal ones zero.
func (f format) rounded(s span) span {
	down := func(v float64) float64 { // of a lower bound
		switch v -= math.Abs(v) * f.slack; {
		case v != v || v < -f.widest:
			return math.Inf(-1)
		case v > 0 && v < f.normal:
			return 0
		case v > f.widest:
			return f.widest
		case v < 0 && v > -f.normal:
			return -f.normal
		}
		return v
	}
	return span{down(s.lo), -down(-s.hi), s.nan}
}

// rising holds the functions of one argument that grow with it, with the least
// number for which each is defined; folds compute ends of spans only.
var rising = map[Fn]struct {
	f     func(v float64) float64
	start float64
}{
	Sqrt:    {math.Sqrt, 0},
	Exp:     {math.Exp, math.Inf(-1)},
	Expm1:   {math.Expm1, math.Inf(-1)},
	Log:     {math.Log, 0},
	Log1p:   {math.Log1p, -1},
	Tanh:    {math.Tanh, math.Inf(-1)},
	Erf:     {math.Erf, math.Inf(-1)},
	Sigmoid: {func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }, math.Inf(-1)},
	Softplus: {func(v float64) float64 {
		return math.Max(v, 0) + math.Log1p(math.Exp(-math.Abs(v)))
	}, math.Inf(-1)},
}

// spanOf is the span of a node, from those of the nodes before it.
func (e *Expr) spanOf(n Node, of []span) span {
	x := &e.Nodes[n]
	var a, b span
	if x.Fn.Arity() > 0 {
		a = of[x.Arg[0]]
	}
	if x.Fn.Arity() > 1 {
		b = of[x.Arg[1]]
	}
	f := formatOf(x.DType)
	switch {
	case x.Fn == Const:
		if v, _ := e.value(n); v == v {
			return span{v, v, false}
		}
		return anything
	case facts[x.Fn].boolean || x.DType == device.Bool:
		return span{0, 1, false}
	case x.Fn == Iota:
		return span{0, float64(e.Axes[x.K].Size), false}
	case x.Fn == Select:
		return b.union(of[x.Arg[2]])
	case !x.DType.IsFloat():
		return span{-0x1p63, 0x1p63, false}
	}
	if r, ok := rising[x.Fn]; ok {
		undefined := a.nan || a.lo < r.start
		return f.rounded(span{r.f(math.Max(a.lo, r.start)), r.f(math.Max(a.hi, r.start)), undefined})
	}
	switch x.Fn {
	case Cast:
		return f.rounded(a)
	case Neg:
		return span{-a.hi, -a.lo, a.nan}
	case Abs:
		least, greatest := a.magnitude()
		return span{least, greatest, a.nan}
	case Sign:
		return span{-1, 1, a.nan}
	case Square:
		least, greatest := a.magnitude()
		return f.rounded(span{least * least, greatest * greatest, a.nan})
	case Recip:
		return f.rounded(reciprocal(a))
	case Sin, Cos:
		return f.rounded(span{-1, 1, !a.finite()})
	case Add:
		return f.rounded(sum(a, b))
	case Sub:
		return f.rounded(sum(a, span{-b.hi, -b.lo, b.nan}))
	case Mul, SMul:
		return f.rounded(times(a, b))
	case Div:
		return f.rounded(times(a, reciprocal(b)))
	case Maximum:
		return span{math.Max(a.lo, b.lo), math.Max(a.hi, b.hi), a.nan || b.nan}
	case Minimum:
		return span{math.Min(a.lo, b.lo), math.Min(a.hi, b.hi), a.nan || b.nan}
	case Atan2:
		return span{-4, 4, a.nan || b.nan}
	case Hypot:
		return span{0, math.Inf(1), a.nan || b.nan}
	}
	return anything
}

func sum(a, b span) span {
	opposed := math.IsInf(a.lo, -1) && math.IsInf(b.hi, 1) || math.IsInf(a.hi, 1) && math.IsInf(b.lo, -1)
	return span{a.lo + b.lo, a.hi + b.hi, a.nan || b.nan || opposed}
}

// times is the span of products, 0 times infinity being NaN.
func times(a, b span) span {
	zero := func(s span) bool { return s.lo <= 0 && s.hi >= 0 }
	infinite := func(s span) bool { return math.IsInf(s.lo, 0) || math.IsInf(s.hi, 0) }
	s := span{math.Inf(1), math.Inf(-1), a.nan || b.nan || zero(a) && infinite(b) || zero(b) && infinite(a)}
	for _, v := range [2]float64{a.lo, a.hi} {
		for _, w := range [2]float64{b.lo, b.hi} {
			p := v * w
			if p != p {
				p = 0 // the limit from numbers: the other ends tell the rest
			}
			s.lo, s.hi = math.Min(s.lo, p), math.Max(s.hi, p)
		}
	}
	return s
}

func reciprocal(a span) span {
	if !a.nonzero() {
		return span{math.Inf(-1), math.Inf(1), a.nan}
	}
	return span{1 / a.hi, 1 / a.lo, a.nan}
}
