package vmath

import "math"

// The functions of exp.h, bit for bit.

// scaleBits gives the bits of two powers of two whose product is 2^n, for k = n + shiftUp.
func scaleBits(k float64) (first, second uint64) {
	u := math.Float64bits(k)
	first = u << 51 & (0x7ff << 52)
	return first, u<<52 - first
}

// scale is p * 2^n, in two steps of which the first is exact.
func scale(p, k float64) float64 {
	a, b := scaleBits(k)
	return float64(p * math.Float64frombits(a) * math.Float64frombits(b))
}

// halfPow2 is 2^(n-1).
func halfPow2(k float64) float64 { return math.Float64frombits((math.Float64bits(k) + 1022) << 52) }

// Exp returns e^x.
func Exp(x float64) float64 {
	c := clamp(x, 746)
	k := math.FMA(c, log2e, shiftUp)
	n := k - shiftUp
	r := math.FMA(n, -ln2Lo, math.FMA(n, -ln2Hi, c))
	p := 1 + math.FMA(float64(r*r), pExp(r), r)
	return scale(p, k)
}

// Exp2 returns 2^x.
func Exp2(x float64) float64 {
	c := clamp(x, 1080)
	k := c + shiftUp
	d := c - (k - shiftUp)
	r := float64(d * ln2Hi)
	lo := math.FMA(d, ln2Lo, math.FMA(d, ln2Hi, -r))
	return scale(1+(r+math.FMA(float64(r*r), pExp(r), lo)), k)
}

// halfExpm1 is (e^x - 1)/2 in two parts.
func halfExpm1(x float64) dd {
	k := math.FMA(x, log2e, shift)
	n := k - shift
	a := math.FMA(n, -ln2Hi, x)
	r := math.FMA(n, -ln2Lo, a)
	rest := math.FMA(float64(r*r), pExp(r), math.FMA(n, -ln2Lo, a-r))
	s := halfPow2(k)
	v := fastSum(s-0.5, float64(s*r))
	return fastSum(v.hi, math.FMA(s, rest, v.lo))
}

// Expm1 returns e^x - 1.
func Expm1(x float64) float64 {
	if math.Abs(x) < 0x1p-54 {
		return x
	}
	if x > 709.9 {
		return inf
	}
	return 2 * halfExpm1(max(x, -40)).hi
}

// Sigmoid returns 1/(1 + e^-x).
func Sigmoid(x float64) float64 {
	c := -capped(math.Abs(x), 746)
	k := math.FMA(c, log2e, shiftUp)
	n := k - shiftUp
	r := math.FMA(n, -ln2Lo, math.FMA(n, -ln2Hi, c))
	u := fastSum(1, math.FMA(float64(r*r), pExp(r), r))
	first, second := scaleBits(k)
	a, b := math.Float64frombits(first), math.Float64frombits(0x7fe<<52-second)
	u = dd{float64(u.hi * a), float64(u.lo * a)}
	den := fastSum(b, u.hi)
	num := dd{b, 0}
	if x < 0 {
		num = u
	}
	inv := 1 / den.hi
	q := float64(num.hi * inv)
	rest := math.FMA(-q, den.hi, num.hi) + math.FMA(-q, den.lo+u.lo, num.lo)
	return math.FMA(rest, inv, q)
}

// Tanh returns the hyperbolic tangent.
func Tanh(x float64) float64 {
	m := halfExpm1(-2 * capped(math.Abs(x), 20))
	den := fastSum(1, m.hi)
	inv := -1 / den.hi
	q := float64(m.hi * inv)
	rest := math.FMA(q, den.hi, m.hi) + math.FMA(q, den.lo+m.lo, m.lo)
	return math.Copysign(math.FMA(rest, inv, q), x)
}

// halfExpLarge is e^a/2 for a > 20.
func halfExpLarge(a float64) float64 {
	c := capped(a, 712)
	k := math.FMA(c, log2e, shiftUp)
	n := k - shiftUp
	r := math.FMA(n, -ln2Lo, math.FMA(n, -ln2Hi, c))
	return scale(1+math.FMA(float64(r*r), pExp(r), r), k-1)
}

// Sinh returns the hyperbolic sine.
func Sinh(x float64) float64 {
	a := math.Abs(x)
	if a < 0x1p-28 {
		return x
	}
	if a > 22 {
		return math.Copysign(halfExpLarge(a), x)
	}
	m := halfExpm1(a)
	den := twoSum(1, 2*m.hi)
	q := m.hi / den.hi
	ql := (math.FMA(-q, den.hi, m.hi) + math.FMA(-q, math.FMA(2, m.lo, den.lo), m.lo)) / den.hi
	s := fastSum(m.hi, q)
	return math.Copysign(s.hi+(s.lo+(ql+m.lo)), x)
}

// Cosh returns the hyperbolic cosine.
func Cosh(x float64) float64 {
	a := math.Abs(x)
	if a > 22 {
		return halfExpLarge(a)
	}
	m := halfExpm1(a)
	e := twoSum(0.5, m.hi)
	e.lo += m.lo
	s := fastSum(e.hi, 0.25/(e.hi+e.lo))
	return s.hi + (s.lo + e.lo)
}

// expShort is e^x for |x| < 700, relative error below 2^-33.
func expShort(x float64) float64 {
	k := math.FMA(x, log2e, shift)
	r := math.FMA(k-shift, -ln2Hi, x)
	p := 1 + math.FMA(float64(r*r), pExpf(r), r)
	return math.Float64frombits(math.Float64bits(p) + math.Float64bits(k)<<52)
}

// halfExpm1Short is (e^x - 1)/2 for |x| < 700.
func halfExpm1Short(x float64) float64 {
	k := math.FMA(x, log2e, shift)
	r := math.FMA(k-shift, -ln2Hi, x)
	s := halfPow2(k)
	return math.FMA(s, math.FMA(float64(r*r), pExpf(r), r), s-0.5)
}

func copysign32(x, s float32) float32 {
	return math.Float32frombits(math.Float32bits(x)&^(1<<31) | math.Float32bits(s)&(1<<31))
}

// Exp32 returns e^x.
func Exp32(x float32) float32 { return float32(expShort(clamp(float64(x), 105))) }

// Exp232 returns 2^x.
func Exp232(x float32) float32 {
	c := clamp(float64(x), 152)
	k := c + shift
	r := float64((c - (k - shift)) * ln2Hi)
	p := 1 + math.FMA(float64(r*r), pExpf(r), r)
	return float32(math.Float64frombits(math.Float64bits(p) + math.Float64bits(k)<<52))
}

// Expm132 returns e^x - 1.
func Expm132(x float32) float32 {
	if x == 0 {
		return x
	}
	return float32(2 * halfExpm1Short(clamp(float64(x), 105)))
}

// Sigmoid32 returns 1/(1 + e^-x).
func Sigmoid32(x float32) float32 {
	e := expShort(-capped(math.Abs(float64(x)), 105))
	if x < 0 {
		return float32(e / (1 + e))
	}
	return float32(1 / (1 + e))
}

// Tanh32 returns the hyperbolic tangent.
func Tanh32(x float32) float32 {
	m := halfExpm1Short(-2 * capped(math.Abs(float64(x)), 20))
	return copysign32(float32(-m/(1+m)), x)
}

// Sinh32 returns the hyperbolic sine.
func Sinh32(x float32) float32 {
	m := halfExpm1Short(capped(math.Abs(float64(x)), 90))
	return copysign32(float32(m+m/math.FMA(2, m, 1)), x)
}

// Cosh32 returns the hyperbolic cosine.
func Cosh32(x float32) float32 {
	e := expShort(capped(math.Abs(float64(x)), 90))
	return float32(math.FMA(0.5, e, 0.5/e))
}
