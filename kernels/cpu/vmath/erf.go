package vmath

import "math"

// The functions of erf.h, bit for bit.

// erfcTail is erfc(a) for 1/2 <= a <= 27.5.
func erfcTail(a float64) float64 {
	s := twoProd(a, a)
	k := math.FMA(s.hi, -log2e, shiftUp)
	n := k - shiftUp
	r := math.FMA(n, -ln2Hi, -s.hi) + math.FMA(n, -ln2Lo, -s.lo)
	e := fastSum(1, math.FMA(float64(r*r), pExp(r), r))
	t := (a - 4) / (a + 4)
	p := fastSum(erfcMid, float64(t*pErfc(t)))
	d := twoSum(1, 2*a)
	u := twoProd(e.hi, p.hi)
	u.lo += math.FMA(e.lo, p.hi, float64(e.hi*p.lo))
	q := u.hi / d.hi
	rest := math.FMA(-q, d.hi, u.hi) + (u.lo - float64(q*d.lo))
	return scale(q+rest/d.hi, k)
}

// Erf returns the error function.
func Erf(x float64) float64 {
	a := math.Abs(x)
	if a < 0.5 {
		return math.FMA(x, pErf(float64(x*x)), x)
	}
	return math.Copysign(1-erfcTail(capped(a, 27.5)), x)
}

// Erfc returns 1 - erf(x).
func Erfc(x float64) float64 {
	a := math.Abs(x)
	if a < 0.5 {
		s := fastSum(1, -x)
		return s.hi + math.FMA(-x, pErf(float64(x*x)), s.lo)
	}
	tail := erfcTail(capped(a, 27.5))
	if x < 0 {
		return 2 - tail
	}
	return tail
}

// Erf32 returns the error function.
func Erf32(x float32) float32 { return float32(Erf(float64(x))) }

// Erfc32 returns 1 - erf(x).
func Erfc32(x float32) float32 { return float32(Erfc(float64(x))) }
