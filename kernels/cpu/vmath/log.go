package vmath

import "math"

// The functions of log.h, bit for bit.

const mantissa = 1<<52 - 1

// splitNormal returns m in [sqrt(1/2), sqrt(2)) and k with x = 2^k m, for normal x > 0.
func splitNormal(x float64) (m, k float64) {
	const half = 0x3fe6a09e667f3bcd // the bits of sqrt(1/2)
	t := math.Float64bits(x) - half&mantissa
	k = math.Float64frombits(t>>52|0x4330000000000000) - (0x1p52 + 1022)
	return math.Float64frombits(t&mantissa + half), k
}

// split is splitNormal for subnormals too.
func split(x float64) (m, k float64) {
	if x < 0x1p-1022 {
		m, k = splitNormal(x * 0x1p54)
		return m, k - 54
	}
	return splitNormal(x)
}

// logSum is log(1+f) + k ln2.
func logSum(f, k float64) float64 {
	s := f / (2 + f)
	z := float64(s * s)
	half := float64(0.5 * f * f)
	rest := math.FMA(s, math.FMA(2*z, pLog(z), half), float64(k*ln2Lo))
	return math.FMA(k, ln2Hi, f-(half-rest))
}

// logSpecial is log x where x is not in (0, Inf).
func logSpecial(x float64) float64 {
	switch {
	case x < 0:
		return nan
	case x == 0:
		return -inf
	}
	return x
}

// Log returns the natural logarithm.
func Log(x float64) float64 {
	if !(x > 0 && x <= math.MaxFloat64) {
		return logSpecial(x)
	}
	m, k := split(x)
	return logSum(m-1, k)
}

// logM is log m in two parts.
func logM(m float64) dd {
	f := m - 1
	d := twoSum(1, m)
	inv := 1 / d.hi
	s := float64(f * inv)
	sl := float64((math.FMA(-s, d.hi, f) - float64(s*d.lo)) * inv)
	z := float64(s * s)
	zl := math.FMA(s, s, -z) + float64(2*s*sl)
	q := float64(z * pLogdd(z))
	c := fastSum(thirdHi, q)
	c.lo += thirdLo
	s3 := float64(s * z)
	s3l := math.FMA(s, z, -s3) + math.FMA(s, zl, float64(sl*z))
	t := float64(s3 * c.hi)
	tl := math.FMA(s3, c.hi, -t) + math.FMA(s3, c.lo, float64(s3l*c.hi))
	v := fastSum(s, t)
	return dd{2 * v.hi, 2 * (v.lo + (sl + tl))}
}

// logDD is log x in two parts for finite x > 0.
func logDD(x float64) dd {
	m, k := split(x)
	v := logM(m)
	s := fastSum(float64(k*ln2ShortHi), v.hi)
	return fastSum(s.hi, s.lo+math.FMA(k, ln2ShortLo, v.lo))
}

// Log2 returns the binary logarithm, exact for powers of two.
func Log2(x float64) float64 {
	if !(x > 0 && x <= math.MaxFloat64) {
		return logSpecial(x)
	}
	m, k := split(x)
	v := logM(m)
	p := float64(v.hi * invLn2Hi)
	pl := math.FMA(v.hi, invLn2Hi, -p) + math.FMA(v.hi, invLn2Lo, float64(v.lo*invLn2Hi))
	s := fastSum(k, p)
	return s.hi + (s.lo + pl)
}

// Log10 returns the decimal logarithm.
func Log10(x float64) float64 {
	if !(x > 0 && x <= math.MaxFloat64) {
		return logSpecial(x)
	}
	v := logDD(x)
	p := float64(v.hi * invLn10Hi)
	pl := math.FMA(v.hi, invLn10Hi, -p) + math.FMA(v.hi, invLn10Lo, float64(v.lo*invLn10Hi))
	return p + pl
}

// log1pMain is log(1 + x + xl) without the special cases.
func log1pMain(x, xl float64) float64 {
	u := 1 + x
	t := u - 1
	c := ((1 - (u - t)) + (x - t)) + xl
	m, k := splitNormal(u)
	c = float64(c * math.Float64frombits(math.Float64bits(m)-math.Float64bits(u)+0x3ff0000000000000))
	if x > 0x1p60 {
		c = 0
	}
	return logSum((m-1)+c, k)
}

// Log1p returns log(1 + x).
func Log1p(x float64) float64 {
	switch {
	case math.Abs(x) < 0x1p-54:
		return x
	case x < -1:
		return nan
	case x == -1:
		return -inf
	case !(x <= math.MaxFloat64):
		return x
	}
	return log1pMain(x, 0)
}

// Softplus returns log(1 + e^x).
func Softplus(x float64) float64 {
	y := log1pMain(Exp(-math.Abs(x)), 0)
	if x > 0 {
		return x + y
	}
	return y
}

// Asinh returns the inverse hyperbolic sine.
func Asinh(x float64) float64 {
	a := math.Abs(x)
	if a < 0x1p-28 || !(a <= math.MaxFloat64) {
		return x
	}
	if a > 0x1p500 {
		return math.Copysign(log1pMain(a, 0)+ln2Hi, x)
	}
	q := twoProd(a, a)
	v := twoSum(1, q.hi)
	h := math.Sqrt(v.hi)
	hl := (math.FMA(-h, h, v.hi) + (v.lo + q.lo)) / (2 * h)
	den := twoSum(1, h)
	r := q.hi / den.hi
	rl := (math.FMA(-r, den.hi, q.hi) + (q.lo - float64(r*(den.lo+hl)))) / den.hi
	s := twoSum(a, r)
	return math.Copysign(log1pMain(s.hi, s.lo+rl), x)
}

// Acosh returns the inverse hyperbolic cosine.
func Acosh(x float64) float64 {
	switch {
	case x < 1:
		return nan
	case x == 1:
		return 0
	case !(x <= math.MaxFloat64):
		return x
	case x > 0x1p500:
		return log1pMain(x, 0) + ln2Hi
	}
	t := x - 1
	q := twoProd(t, t)
	v := twoSum(2*t, q.hi)
	h := math.Sqrt(v.hi)
	hl := (math.FMA(-h, h, v.hi) + (v.lo + q.lo)) / (2 * h)
	s := twoSum(t, h)
	return log1pMain(s.hi, s.lo+hl)
}

// Atanh returns the inverse hyperbolic tangent.
func Atanh(x float64) float64 {
	a := math.Abs(x)
	switch {
	case a < 0x1p-28:
		return x
	case a > 1:
		return nan
	case a == 1:
		return math.Copysign(inf, x)
	}
	den := fastSum(1, -a)
	q := 2 * a / den.hi
	ql := (math.FMA(-q, den.hi, 2*a) - float64(q*den.lo)) / den.hi
	return math.Copysign(0.5*log1pMain(q, ql), x)
}

// logShort is log(1+f) + k ln2, relative error below 2^-37.
func logShort(f, k float64) float64 {
	s := f / (2 + f)
	z := float64(s * s)
	return math.FMA(k, ln2Hi, 2*math.FMA(float64(s*z), pLogf(z), s))
}

func logOfFloat(x float64) float64 {
	if !(x > 0 && x <= math.MaxFloat64) {
		return logSpecial(x)
	}
	m, k := splitNormal(x)
	return logShort(m-1, k)
}

// Log32 returns the natural logarithm.
func Log32(x float32) float32 { return float32(logOfFloat(float64(x))) }

// Log1032 returns the decimal logarithm.
func Log1032(x float32) float32 { return float32(logOfFloat(float64(x)) * invLn10Hi) }

// Log232 returns the binary logarithm.
func Log232(x float32) float32 {
	d := float64(x)
	if !(d > 0 && d <= math.MaxFloat64) {
		return float32(logSpecial(d))
	}
	m, k := splitNormal(d)
	return float32(math.FMA(logShort(m-1, 0), invLn2Hi, k))
}

func log1pShort(x float64) float64 {
	u := 1 + x
	t := u - 1
	c := (1 - (u - t)) + (x - t)
	m, k := splitNormal(u)
	s := math.Float64frombits(math.Float64bits(m) - math.Float64bits(u) + 0x3ff0000000000000)
	return logShort(math.FMA(c, s, m-1), k)
}

// Log1p32 returns log(1 + x).
func Log1p32(x float32) float32 {
	switch {
	case x == 0:
		return x
	case x < -1:
		return float32(nan)
	case x == -1:
		return float32(-inf)
	case !(x <= math.MaxFloat32):
		return x
	}
	return float32(log1pShort(float64(x)))
}

// Softplus32 returns log(1 + e^x).
func Softplus32(x float32) float32 {
	y := log1pShort(expShort(-capped(math.Abs(float64(x)), 105)))
	if x > 0 {
		return float32(float64(x) + y)
	}
	return float32(y)
}

// Asinh32 returns the inverse hyperbolic sine.
func Asinh32(x float32) float32 {
	a := math.Abs(float64(x))
	if !(a <= math.MaxFloat64) {
		return x
	}
	q := float64(a * a)
	return copysign32(float32(log1pShort(a+q/(1+math.Sqrt(1+q)))), x)
}

// Acosh32 returns the inverse hyperbolic cosine.
func Acosh32(x float32) float32 {
	if x < 1 {
		return float32(nan)
	}
	if !(x <= math.MaxFloat32) {
		return x
	}
	t := float64(x) - 1
	return float32(log1pShort(t + math.Sqrt(math.FMA(t, t, 2*t))))
}

// Atanh32 returns the inverse hyperbolic tangent.
func Atanh32(x float32) float32 {
	a := math.Abs(float64(x))
	switch {
	case a > 1:
		return float32(nan)
	case a == 1:
		return copysign32(float32(inf), x)
	}
	return copysign32(float32(0.5*log1pShort(2*a/(1-a))), x)
}
