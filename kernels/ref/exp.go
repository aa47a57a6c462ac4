// Exponentials, logarithms and powers.

package ref

import "math"

var ln2 = dd{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}

// expm1DD is exp(r)-1 for |r| up to about 0.4: Taylor's series at r/512, and
// nine times e(2x) = e(x)(2+e(x)).
func expm1DD(r dd) dd {
	t := r.scale(-9)
	e := of(1)
	for n := 11.0; n > 1; n-- {
		e = of(1).add(t.mul(e).over(n))
	}
	e = t.mul(e)
	for range 9 {
		e = e.mul(e.add(of(2)))
	}
	return e
}

// expDD is exp(x), as a number near 1 and a power of two, for |x| up to some
// thousands.
func expDD(x dd) (m dd, k int) {
	n := math.RoundToEven(x.hi / math.Ln2)
	return expm1DD(x.sub(ln2.times(n))).add(of(1)), int(n)
}

func exp(x float64) float64 {
	switch {
	case math.IsNaN(x):
		return x
	case x > 710:
		return math.Inf(1)
	case x < -746:
		return 0
	}
	return expOf(of(x))
}

// expOf is exp(x) where it does not over- or underflow by far.
func expOf(x dd) float64 {
	m, k := expDD(x)
	return math.Ldexp(m.float(), k)
}

func expm1(x float64) float64 {
	if x > 700 {
		return exp(x)
	}
	return math.Expm1(x)
}

// log1pDD is log(1+r) for r between about -0.3 and 0.42: one step of Newton's
// from Go's value.
func log1pDD(r dd) dd {
	y := math.Log1p(r.hi)
	e := expm1DD(of(-y)) // (1+r)(1+e)-1 is what is missing
	rest := r.add(e).add(r.mul(e))
	return of(y).add(rest.sub(rest.mul(rest).times(0.5)))
}

// logDD is log(x) of a positive finite x.
func logDD(x dd) dd {
	f, k := math.Frexp(x.hi)
	if f < math.Sqrt2/2 {
		k--
	}
	m := x.scale(-k)
	return ln2.times(float64(k)).add(log1pDD(m.sub(of(1))))
}

func log(x float64) float64 {
	switch {
	case x == 0:
		return math.Inf(-1)
	case x < 0:
		return math.NaN()
	case math.IsInf(x, 1) || math.IsNaN(x):
		return x
	}
	return logDD(of(x)).float()
}

func pow(x, y float64) float64 {
	size := math.Abs(x)
	if y == 0 || x == 1 || math.IsNaN(x) || math.IsNaN(y) || math.IsInf(y, 0) || size == 0 || math.IsInf(size, 0) {
		return math.Pow(x, y) // by IEEE 754's table
	}
	sign := 1.0
	if x < 0 {
		if y != math.Trunc(y) {
			return math.NaN()
		}
		if math.Abs(y) < 1<<53 && math.Mod(y, 2) != 0 {
			sign = -1
		}
	}
	l := logDD(of(size)).times(y)
	switch {
	case size == 1:
		return sign
	case l.hi > 710 || math.IsNaN(l.hi) && (y > 0) == (size > 1):
		return sign * math.Inf(1)
	case l.hi < -746 || math.IsNaN(l.hi):
		return sign * 0
	}
	return sign * expOf(l)
}

func sigmoid(x float64) float64 {
	if math.IsNaN(x) || x < -700 {
		return exp(x) // the same to all digits
	}
	if x > 40 {
		return 1
	}
	m, k := expDD(of(-math.Abs(x)))
	e := m.scale(k)
	if x > 0 {
		return of(1).div(of(1).add(e)).float()
	}
	return e.div(of(1).add(e)).float()
}

func softplus(x float64) float64 {
	switch {
	case math.IsNaN(x) || x > 800:
		return x
	case x < -700:
		return exp(x) // the same to all digits
	}
	m, k := expDD(of(-math.Abs(x)))
	e := m.scale(k)
	var l dd // of 1+e
	if e.hi < 0.4 {
		l = log1pDD(e)
	} else {
		l = logDD(of(1).add(e))
	}
	return of(max(x, 0)).add(l).float()
}

func hypot(x, y float64) float64 {
	x, y = math.Abs(x), math.Abs(y)
	if math.IsInf(x, 0) || math.IsInf(y, 0) || math.IsNaN(x) || math.IsNaN(y) || x == 0 || y == 0 {
		return math.Hypot(x, y)
	}
	_, k := math.Frexp(max(x, y))
	x, y = math.Ldexp(x, -k), math.Ldexp(y, -k)
	return math.Ldexp(product(x, x).add(product(y, y)).sqrt().float(), k)
}
