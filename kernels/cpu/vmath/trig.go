package vmath

import (
	"math"
	"math/bits"
)

// The functions of trig.h, bit for bit.

const trigMax = 0x1p30

// trigReduce returns r and q with x = q pi/2 + r, |r| <= pi/4, for |x| <= trigMax.
func trigReduce(x float64) (r dd, q uint64) {
	k := math.FMA(x, twoOverPi, shift)
	n := k - shift
	a := math.FMA(n, -pio2a, x)
	w := twoProd(n, pio2b)
	r = twoSum(a, -w.hi)
	r.lo -= math.FMA(n, pio2c, w.lo)
	return r, math.Float64bits(k)
}

// trigReduceLarge is trigReduce for larger finite x, by the bits of 2/pi that count.
func trigReduceLarge(x float64) (r dd, q uint64) {
	u := math.Float64bits(x)
	m := u&mantissa | 1<<52
	at := uint(u>>52&2047) - 1075 - 2 + 64
	var w [4]uint64
	for i := range w {
		if j := int(at/64) + i - 1; j >= 0 && j < len(twoOverPiBits) {
			w[i] = twoOverPiBits[j]
		}
	}
	s := at % 64
	var word [3]uint64
	for i := range word {
		word[i] = w[i]<<s | w[i+1]>>(64-s)
	}
	h0, _ := bits.Mul64(m, word[2])
	l0 := m * word[2]
	h1, l1 := bits.Mul64(m, word[1])
	l1, carry := bits.Add64(l1, h0, 0)
	p2 := m*word[0] + h1 + carry
	f1, f0 := p2<<2|l1>>62, l1<<2|l0>>62
	up := f1 >> 63
	n := p2>>62 + up
	if up != 0 {
		f1, f0 = ^f1, ^f0
	}
	f := fastSum(float64(f1>>12)*0x1p-52, float64(f1&0xfff<<40|f0>>24)*0x1p-104)
	f = fastSum(f.hi, f.lo+float64(float64(f0&0xffffff)*0x1p-128))
	f = f.mul(dd{pio2a, pio2b})
	minus := u >> 63
	if minus != 0 {
		n = -n
	}
	if up != minus {
		f = f.neg()
	}
	return f, n
}

// sinTerms and cosTerms are sin(r) and cos(r) for |r| <= pi/4, z = r^2, w = 1 - z/2. Half of z is exact, so that fused
// or not the difference is the same; math.FMA costs a test on amd64.
func sinTerms(r dd, z, w float64) dd {
	return dd{r.hi, math.FMA(float64(r.hi*z), pSin(z), float64(r.lo*w))}
}

func cosTerms(r dd, z, w float64) dd {
	return dd{w, math.FMA(float64(z*z), pCos(z), math.FMA(-r.hi, r.lo, (1-w)-0.5*z))}
}

// sinOf is sin(r + q pi/2).
func sinOf(r dd, q uint64) float64 {
	z := float64(r.hi * r.hi)
	w := 1 - 0.5*z
	var t dd
	if q&1 != 0 {
		t = cosTerms(r, z, w)
	} else {
		t = sinTerms(r, z, w)
	}
	return math.Float64frombits(math.Float64bits(t.hi+t.lo) ^ q&2<<62)
}

// tanOf is tan(r + q pi/2).
func tanOf(r dd, q uint64) float64 {
	z := float64(r.hi * r.hi)
	w := 1 - 0.5*z
	n, d := sinTerms(r, z, w), cosTerms(r, z, w)
	n, d = fastSum(n.hi, n.lo), fastSum(d.hi, d.lo)
	if q&1 != 0 {
		n, d = d.neg(), n
	}
	inv := 1 / d.hi
	t := float64(n.hi * inv)
	rest := math.FMA(-t, d.hi, n.hi) + math.FMA(-t, d.lo, n.lo)
	return math.FMA(rest, inv, t)
}

// Sin returns the sine of x radians.
func Sin(x float64) float64 {
	a := math.Abs(x)
	if a < 0x1p-27 {
		return x
	}
	if !(a > trigMax) {
		r, q := trigReduce(x)
		return sinOf(r, q)
	}
	if a == inf {
		return nan
	}
	r, q := trigReduceLarge(x)
	return sinOf(r, q)
}

// Cos returns the cosine of x radians.
func Cos(x float64) float64 {
	if !(math.Abs(x) > trigMax) {
		r, q := trigReduce(x)
		return sinOf(r, q+1)
	}
	if math.Abs(x) == inf {
		return nan
	}
	r, q := trigReduceLarge(x)
	return sinOf(r, q+1)
}

// Tan returns the tangent of x radians.
func Tan(x float64) float64 {
	a := math.Abs(x)
	if a < 0x1p-27 {
		return x
	}
	if !(a > trigMax) {
		r, q := trigReduce(x)
		return tanOf(r, q)
	}
	if a == inf {
		return nan
	}
	r, q := trigReduceLarge(x)
	return tanOf(r, q)
}

// atanRest is atan q - q.hi for |q| <= tan(pi/8).
func atanRest(q dd) float64 {
	z := float64(q.hi * q.hi)
	return math.FMA(float64(q.hi*z), pAtan(z), q.lo)
}

// angle is j pi/4 + sign atan(num/den).
func angle(num, den dd, j, sign float64) float64 {
	q := num.hi / den.hi
	ql := (math.FMA(-q, den.hi, num.hi) + (num.lo - float64(q*den.lo))) / den.hi
	rest := atanRest(dd{q, ql})
	base := float64(j * pio4Hi)
	low := math.FMA(j, pio4Hi, -base) + float64(j*pio4Lo)
	s := twoSum(base, float64(sign*q))
	return s.hi + (s.lo + math.FMA(sign, rest, low))
}

// Atan2 returns the angle of the point (x, y), in [-pi, pi].
func Atan2(y, x float64) float64 {
	if x != x || y != y {
		return x + y
	}
	a, b := math.Abs(y), math.Abs(x)
	j, sign := 0.0, 1.0
	swap := a > b
	if swap {
		a, b = b, a
	}
	switch {
	case b > math.MaxFloat64:
		if b = 1; a > math.MaxFloat64 {
			a = 1
		} else {
			a = 0
		}
	case b > 0x1p1000:
		a, b = a*0x1p-10, b*0x1p-10
	case b == 0:
		b = 1
	case b < 0x1p-500:
		a, b = a*0x1p500, b*0x1p500
	}
	num, den := dd{a, 0}, dd{b, 0}
	if a > float64(tanPio8*b) {
		num, den, j = fastSum(-b, a), fastSum(b, a), 1
	}
	if swap {
		j, sign = 2-j, -sign
	}
	if math.Signbit(x) {
		j, sign = 4-j, -sign
	}
	return math.Copysign(angle(num, den, j, sign), y)
}

// Atan returns the inverse tangent.
func Atan(x float64) float64 { return Atan2(x, 1) }

// sqrtDD is the square root of v, v.hi >= 0.
func sqrtDD(v dd) dd {
	h := math.Sqrt(v.hi)
	if !(h > 0) {
		return dd{h, 0}
	}
	return dd{h, (math.FMA(-h, h, v.hi) + v.lo) / (2 * h)}
}

// atan2Unit is atan2(y, x) for 0 <= y, x <= 2 not both 0.
func atan2Unit(y, x dd) float64 {
	a, b := y, x
	j, sign := 0.0, 1.0
	swap := y.hi > x.hi
	if swap {
		a, b = x, y
	}
	num, den := a, b
	if a.hi > float64(tanPio8*b.hi) {
		num, den, j = fastSum(-b.hi, a.hi), fastSum(b.hi, a.hi), 1
		num.lo += a.lo - b.lo
		den.lo += a.lo + b.lo
	}
	if swap {
		j, sign = 2-j, -1
	}
	return angle(num, den, j, sign)
}

// Asin returns the inverse sine.
func Asin(x float64) float64 {
	a := math.Abs(x)
	if !(a <= 1) {
		return nan
	}
	p := twoProd(a, a)
	v := fastSum(1, -p.hi)
	v = fastSum(v.hi, v.lo-p.lo)
	return math.Copysign(atan2Unit(dd{a, 0}, sqrtDD(v)), x)
}

// Acos returns the inverse cosine.
func Acos(x float64) float64 {
	if !(math.Abs(x) <= 1) {
		return nan
	}
	return 2 * atan2Unit(sqrtDD(fastSum(1, -x)), sqrtDD(fastSum(1, x)))
}

// trigReduceShort is trigReduce to the accuracy that float32 needs.
func trigReduceShort(x float64) (r float64, q uint64) {
	k := math.FMA(x, twoOverPi, shift)
	n := k - shift
	return math.FMA(n, -pio2b, math.FMA(n, -pio2a, x)), math.Float64bits(k)
}

func sinShort(r, z float64) float64 { return math.FMA(float64(r*z), pSinf(z), r) }

func cosShort(z float64) float64 { return math.FMA(float64(z*z), pCosf(z), 1-0.5*z) }

// sin32 is sin(x + q pi/2).
func sin32(x float64, q uint64) float32 {
	r, k := trigReduceShort(x)
	q += k
	z := float64(r * r)
	var y float64
	if q&1 != 0 {
		y = cosShort(z)
	} else {
		y = sinShort(r, z)
	}
	return float32(math.Float64frombits(math.Float64bits(y) ^ q&2<<62))
}

// Sin32 returns the sine of x radians.
func Sin32(x float32) float32 {
	if x == 0 {
		return x
	}
	if math.Abs(float64(x)) > trigMax {
		return float32(Sin(float64(x)))
	}
	return sin32(float64(x), 0)
}

// Cos32 returns the cosine of x radians.
func Cos32(x float32) float32 {
	if math.Abs(float64(x)) > trigMax {
		return float32(Cos(float64(x)))
	}
	return sin32(float64(x), 1)
}

// Tan32 returns the tangent of x radians.
func Tan32(x float32) float32 {
	if x == 0 {
		return x
	}
	if math.Abs(float64(x)) > trigMax {
		return float32(Tan(float64(x)))
	}
	r, q := trigReduceShort(float64(x))
	z := float64(r * r)
	s, c := sinShort(r, z), cosShort(z)
	if q&1 != 0 {
		return float32(-c / s)
	}
	return float32(s / c)
}

// atan2Short is Atan2 for the doubles of float32 values.
func atan2Short(y, x float64) float64 {
	if x != x || y != y {
		return x + y
	}
	a, b := math.Abs(y), math.Abs(x)
	swap := a > b
	if swap {
		a, b = b, a
	}
	if b > math.MaxFloat64 {
		if b = 1; a > math.MaxFloat64 {
			a = 1
		} else {
			a = 0
		}
	} else if b == 0 {
		b = 1
	}
	j := 0.0
	if a > float64(tanPio8*b) {
		a, b, j = a-b, a+b, 1
	}
	q := a / b
	z := float64(q * q)
	r := math.FMA(float64(q*z), pAtanf(z), q)
	if swap {
		j, r = 2-j, -r
	}
	if math.Signbit(x) {
		j, r = 4-j, -r
	}
	return math.Copysign(math.FMA(j, pio4Hi, r), y)
}

// Atan232 returns the angle of the point (x, y), in [-pi, pi].
func Atan232(y, x float32) float32 { return float32(atan2Short(float64(y), float64(x))) }

// Atan32 returns the inverse tangent.
func Atan32(x float32) float32 { return float32(atan2Short(float64(x), 1)) }

// Asin32 returns the inverse sine.
func Asin32(x float32) float32 {
	d := float64(x)
	return float32(atan2Short(d, math.Sqrt((1-d)*(1+d))))
}

// Acos32 returns the inverse cosine.
func Acos32(x float32) float32 {
	d := float64(x)
	return float32(atan2Short(math.Sqrt((1-d)*(1+d)), d))
}
