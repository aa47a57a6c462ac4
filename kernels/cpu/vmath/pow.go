package vmath

import "math"

// The functions of pow.h, bit for bit.

// expSum is e^(x + xl) for |xl| small beside 1.
func expSum(x, xl float64) float64 {
	c := clamp(x, 746)
	if c != x {
		xl = 0
	}
	k := math.FMA(c, log2e, shiftUp)
	n := k - shiftUp
	r := math.FMA(n, -ln2Hi, c) + math.FMA(n, -ln2Lo, xl)
	return scale(1+math.FMA(float64(r*r), pExp(r), r), k)
}

// powSpecial gives p = |x|^y its sign, or the special value of x^y.
func powSpecial(x, y, p float64) float64 {
	if y == 0 || x == 1 {
		return 1
	}
	if math.Signbit(x) {
		h := 0.5 * y
		switch {
		case math.RoundToEven(y) != y:
			if x < 0 && x > -inf {
				return nan
			}
		case math.RoundToEven(h) != h:
			return -p
		}
	}
	return p
}

// Pow returns x^y, with the special values of C.
func Pow(x, y float64) float64 {
	a := math.Abs(x)
	l := logDD(a)
	if a == 0 {
		l.hi = -inf
	} else if !(a <= math.MaxFloat64) {
		l.hi = a
	}
	t := y
	if a == 1 && y == y {
		t = 1
	}
	e := float64(t * l.hi)
	el := math.FMA(t, l.hi, -e) + float64(t*l.lo)
	return powSpecial(x, y, expSum(e, el))
}

// Sqrt returns the square root.
func Sqrt(x float64) float64 { return math.Sqrt(x) }

// Sqrt32 returns the square root.
func Sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// Hypot returns sqrt(x^2 + y^2) without overflow on the way.
func Hypot(x, y float64) float64 {
	a, b := math.Abs(x), math.Abs(y)
	if a == inf || b == inf {
		return inf
	}
	if a != a || b != b {
		return a + b
	}
	hi, lo := b, a
	if a > b {
		hi, lo = a, b
	}
	up := 1.0
	if hi > 0x1p500 {
		hi, lo, up = hi*0x1p-600, lo*0x1p-600, 0x1p600
	} else if hi < 0x1p-400 {
		hi, lo, up = hi*0x1p600, lo*0x1p600, 0x1p-600
	}
	return up * math.Sqrt(math.FMA(hi, hi, float64(lo*lo)))
}

// Hypot32 returns sqrt(x^2 + y^2) without overflow on the way.
func Hypot32(x, y float32) float32 {
	a, b := float64(x), float64(y)
	if math.Abs(a) == inf || math.Abs(b) == inf {
		return float32(inf)
	}
	return float32(math.Sqrt(math.FMA(a, a, float64(b*b))))
}

// Pow32 returns x^y, with the special values of C.
func Pow32(x, y float32) float32 {
	a := math.Abs(float64(x))
	m, k := splitNormal(a)
	f := m - 1
	s := f / (2 + f)
	z := float64(s * s)
	l := math.FMA(k, ln2Hi, 2*math.FMA(float64(s*z), pLogpow(z), s))
	if a == 0 {
		l = -inf
	} else if !(a <= math.MaxFloat64) {
		l = a
	}
	t := float64(y)
	if a == 1 && y == y {
		t = 1
	}
	return float32(powSpecial(float64(x), float64(y), expShort(clamp(t*l, 105))))
}
