package vmath

import "math"

// The steps of core.h. A product that a sum takes in is rounded by float64(...) first, so that no compiler fuses what
// C does not.

const (
	shift   = 0x1.8p52     // x + shift rounds x to an integer, in the low bits of the sum
	shiftUp = shift + 2046 // and here that integer plus 2046
)

var (
	inf = math.Inf(1)
	nan = math.NaN()
)

// capped is at most m; a NaN stays.
func capped(x, m float64) float64 {
	if x > m {
		return m
	}
	return x
}

// clamp holds x in [-m, m].
func clamp(x, m float64) float64 {
	if x < -m {
		return -m
	}
	return capped(x, m)
}

// dd is a value as an unevaluated sum.
type dd struct{ hi, lo float64 }

// fastSum is a + b exactly, for |a| >= |b| or a == 0.
func fastSum(a, b float64) dd {
	s := a + b
	return dd{s, b - (s - a)}
}

// twoSum is a + b exactly.
func twoSum(a, b float64) dd {
	s := a + b
	t := s - a
	return dd{s, (a - (s - t)) + (b - t)}
}

// twoProd is a * b exactly.
func twoProd(a, b float64) dd {
	p := float64(a * b)
	return dd{p, math.FMA(a, b, -p)}
}

func (a dd) neg() dd { return dd{-a.hi, -a.lo} }

func (a dd) add(b dd) dd {
	s := twoSum(a.hi, b.hi)
	return fastSum(s.hi, s.lo+(a.lo+b.lo))
}

func (a dd) mul(b dd) dd {
	p := twoProd(a.hi, b.hi)
	return fastSum(p.hi, p.lo+math.FMA(a.hi, b.lo, float64(a.lo*b.hi)))
}

func (a dd) div(b dd) dd {
	q := a.hi / b.hi
	rest := math.FMA(-q, b.hi, a.hi) + math.FMA(-q, b.lo, a.lo)
	return fastSum(q, rest/b.hi)
}

// recip is 1/x.
func recip(x float64) dd {
	q := 1 / x
	return dd{q, float64(math.FMA(-q, x, 1) * q)}
}
