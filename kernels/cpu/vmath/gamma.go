package vmath

import "math"

// The functions of gamma.h, bit for bit.

// xXp1 is x (x + 1), x >= 0.
func xXp1(x float64) dd {
	p := twoProd(x, x)
	s := twoSum(x, p.hi)
	return dd{s.hi, s.lo + p.lo}
}

// lgammaStirling is log Gamma(x) for x >= 5/2, l = log x.
func lgammaStirling(x float64, l dd) dd {
	w := 1 / x
	t := x - 0.5
	tl := (x - t) - 0.5
	u := twoSum(l.hi, -1)
	u.lo += l.lo
	m := twoProd(t, u.hi)
	s := twoSum(m.hi, stirlingHi)
	lo := math.FMA(t, u.lo, math.FMA(tl, u.hi, m.lo)) + stirlingLo
	return fastSum(s.hi, s.lo+math.FMA(w, pStirling(w), lo))
}

// lgammaNearTwo is log Gamma(2 + d) for |d| <= 1/2.
func lgammaNearTwo(d float64) dd {
	v := fastSum(halfPsi1TwoHi, float64(d*pLgamma(d)))
	w := twoProd(d, v.hi)
	w.lo = math.FMA(d, v.lo+halfPsi1TwoLo, w.lo) + psiTwoLo
	v = fastSum(psiTwoHi, w.hi)
	v.lo += w.lo
	w = twoProd(d, v.hi)
	return dd{w.hi, math.FMA(d, v.lo, w.lo)}
}

// lgammaDD is log Gamma(x) for x > 0, NaN where it overflows.
func lgammaDD(x float64) dd {
	if x >= 2.5 {
		return lgammaStirling(x, logDD(x))
	}
	d, arg, extra := x-2, 1.0, 0.0
	if x < 0.5 {
		p := xXp1(x)
		d, arg, extra = x, p.hi, p.lo/p.hi
	} else if x < 1.5 {
		d, arg = x-1, x
	}
	l := logDD(arg)
	a := lgammaNearTwo(d)
	s := twoSum(-l.hi, a.hi)
	return fastSum(s.hi, s.lo+(a.lo-(l.lo+extra)))
}

// Lgamma returns log |Gamma(x)|.
func Lgamma(x float64) float64 {
	if x <= 0 {
		return lgammaNegative(-x)
	}
	y := lgammaDD(x).hi
	if y != y && x == x {
		return inf // x (log x - 1) overflows
	}
	return y
}

// digammaDD is digamma(x) for finite x > 0.
func digammaDD(x float64) dd {
	t, q, ql := dd{x, 0}, 0.0, 0.0
	if !(x >= 2) {
		t = twoSum(x, 2)
		n, d := twoSum(1, 2*x), xXp1(x)
		q = n.hi / d.hi
		if q == inf {
			return dd{-inf, 0}
		}
		ql = (math.FMA(-q, d.hi, n.hi) + (n.lo - float64(q*d.lo))) / d.hi
	}
	w, l := recip(t.hi), logDD(t.hi)
	s := twoSum(l.hi, -0.5*w.hi)
	v := twoSum(s.hi, -q)
	lo := math.FMA(-0.5, w.lo, l.lo) + float64(t.lo*math.FMA(0.5*w.hi, w.hi, w.hi))
	lo -= float64(w.hi * w.hi * pPsi(w.hi))
	return fastSum(v.hi, v.lo+(s.lo+(lo-ql)))
}

// Digamma returns the logarithmic derivative of Gamma.
func Digamma(x float64) float64 {
	if x <= 0 {
		return digammaNegative(x)
	}
	if !(x <= math.MaxFloat64) {
		return x
	}
	return digammaDD(x).hi
}

// square is q^2, without the low part where the high one overflows.
func square(q dd) dd {
	p := twoProd(q.hi, q.hi)
	if !(p.hi < inf) {
		return dd{p.hi, 0}
	}
	return dd{p.hi, math.FMA(2*q.hi, q.lo, p.lo)}
}

// Trigamma returns the derivative of digamma.
func Trigamma(x float64) float64 {
	if x <= 0 {
		return polygamma(1, x)
	}
	if x == inf {
		return 0
	}
	t := dd{x, 0}
	var s dd
	extra := 0.0
	if !(x >= 2) {
		t = twoSum(x, 2)
		u := twoSum(x, 1)
		a, r := square(recip(x)), recip(u.hi)
		r.lo -= float64(u.lo * r.hi * r.hi)
		b := square(r)
		s = fastSum(a.hi, b.hi)
		if s.hi == inf {
			return inf
		}
		extra = s.lo + (a.lo + b.lo)
	}
	w := recip(t.hi)
	z := float64(w.hi * w.hi)
	lo := math.FMA(z, math.FMA(w.hi, pPsi1(w.hi), 0.5), w.lo-float64(t.lo*math.FMA(z, w.hi, z)))
	v := twoSum(s.hi, w.hi)
	return v.hi + (v.lo + (extra + lo))
}

// sinCosPi is sin(pi x) and cos(pi x) about the nearest integer, up to a common sign.
func sinCosPi(x float64) (s, c dd) {
	t := dd{piHi, piLo}.mul(dd{x - math.RoundToEven(x), 0})
	z := t.mul(t)
	for k := len(taylor) - 1; k >= 0; k-- {
		s = s.mul(z).add(dd{taylor[k][0], taylor[k][1]})
		c = c.mul(z).add(dd{taylor[k][2], taylor[k][3]})
	}
	return s.mul(t), c
}

// lgammaNegative is log |Gamma(-a)| for a >= 0.
func lgammaNegative(a float64) float64 {
	if a == math.RoundToEven(a) {
		return inf
	}
	if a < 0x1p-70 {
		return -Log(a)
	}
	g, l := lgammaDD(a), logDD(a)
	s, _ := sinCosPi(-a)
	m := logDD(math.Abs(s.hi))
	m.lo += s.lo / s.hi
	v := dd{logPiHi, logPiLo}.add(m.neg()).add(l.neg()).add(g.neg())
	return v.hi + v.lo
}

// digammaNegative is digamma(x) for x <= 0.
func digammaNegative(x float64) float64 {
	switch {
	case x == 0:
		return math.Copysign(inf, -x)
	case x == math.RoundToEven(x):
		return nan
	case x > -0x1p-70:
		return -1 / x
	}
	s, c := sinCosPi(x)
	cot := c.div(s).mul(dd{-piHi, -piLo})
	v := digammaDD(-x).add(dd{1, 0}.div(dd{-x, 0})).add(cot)
	return v.hi + v.lo
}

// scaled is m * 2^e: values beyond the range of float64 on the way.
type scaled struct {
	m dd
	e int
}

func scaledOf(m dd, e int) scaled {
	_, k := math.Frexp(m.hi)
	return scaled{dd{math.Ldexp(m.hi, -k), math.Ldexp(m.lo, -k)}, e + k}
}

func (a scaled) add(b scaled) scaled {
	e := max(a.e, b.e)
	i, j := max(a.e-e, -4000), max(b.e-e, -4000)
	am := dd{math.Ldexp(a.m.hi, i), math.Ldexp(a.m.lo, i)}
	return scaledOf(am.add(dd{math.Ldexp(b.m.hi, j), math.Ldexp(b.m.lo, j)}), e)
}

// hurwitz is a^s zeta(s, a), integer s >= 2, a > 0.
func hurwitz(s int, a dd) dd {
	var sum, p dd
	one, top := dd{1, 0}, a
	for {
		q := a.div(top)
		p = one
		for i := s; i > 0; i >>= 1 {
			if i&1 != 0 {
				p = p.mul(q)
			}
			q = q.mul(q)
		}
		if top.hi >= float64(s+12) {
			break
		}
		sum = sum.add(p)
		if float64(p.hi*(1+top.hi/float64(s-1))) < float64(0x1p-75*sum.hi) {
			return sum
		}
		top = top.add(one)
	}
	inv := one.div(top)
	inv2 := inv.mul(inv)
	rest := top.div(dd{float64(s - 1), 0}).add(dd{0.5, 0})
	f := dd{float64(s), 0}.mul(inv)
	for j, b := range bernoulli {
		rest = rest.add(f.mul(dd{b[0], b[1]}))
		r := float64(s + 2*j + 1)
		f = f.mul(inv2).mul(twoProd(r, r+1))
	}
	return sum.add(p.mul(rest))
}

// factorialZeta is n! zeta(n+1, a).
func factorialZeta(n int, a dd) scaled {
	b, v := scaledOf(a, 0), scaledOf(hurwitz(n+1, a), 0)
	inv := dd{1, 0}.div(b.m)
	for i := 0; i <= n; i++ {
		f := inv
		if i > 0 {
			f = inv.mul(dd{float64(i), 0})
		}
		v = scaledOf(v.m.mul(f), v.e-b.e)
	}
	return v
}

// polygamma is Polygamma for n >= 1.
func polygamma(n int, x float64) float64 {
	sign := 1.0
	if n&1 == 0 {
		sign = -1
	}
	switch {
	case x != x || x == -inf:
		return nan
	case x == inf:
		return math.Copysign(0, sign)
	case x <= 0 && x == math.RoundToEven(x):
		return sign * inf
	}
	var v scaled
	if x > 0 {
		v = factorialZeta(n, dd{x, 0})
	} else {
		r := x - math.RoundToEven(x)
		near, far := dd{math.Abs(r), 0}, fastSum(1, -math.Abs(r))
		if r < 0 {
			near, far = far, near
		}
		a, b, c := factorialZeta(n, near), factorialZeta(n, far), factorialZeta(n, twoSum(1, -x))
		c.m = c.m.neg()
		b = b.add(c)
		b.m = dd{sign * b.m.hi, sign * b.m.lo}
		v = a.add(b)
	}
	return sign * math.Ldexp(v.m.hi+v.m.lo, max(-4000, min(v.e, 4000)))
}

// Polygamma returns the n-th derivative of digamma, NaN for n < 0.
func Polygamma(n int, x float64) float64 {
	switch {
	case n > 1:
		return polygamma(n, x)
	case n == 1:
		return Trigamma(x)
	case n == 0:
		return Digamma(x)
	}
	return nan
}

// Lgamma32 returns log |Gamma(x)|.
func Lgamma32(x float32) float32 { return float32(Lgamma(float64(x))) }

// Digamma32 returns the logarithmic derivative of Gamma.
func Digamma32(x float32) float32 { return float32(Digamma(float64(x))) }

// Trigamma32 returns the derivative of digamma.
func Trigamma32(x float32) float32 { return float32(Trigamma(float64(x))) }

// Polygamma32 returns the n-th derivative of digamma, NaN for n < 0.
func Polygamma32(n int, x float32) float32 { return float32(Polygamma(n, float64(x))) }
