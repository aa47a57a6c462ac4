// The gamma function's family. References are to the Digital Library of
// Mathematical Functions, dlmf.nist.gov.

package ref

import "math"

// bernoulli holds B2, B4, ... as numerators and denominators, exactly.
var bernoulli = [...][2]float64{
	{1, 6}, {-1, 30}, {1, 42}, {-1, 30}, {5, 66}, {-691, 2730}, {7, 6}, {-3617, 510}, {43867, 798}, {-174611, 330},
	{854513, 138}, {-236364091, 2730}, {8553103, 6}, {-23749461029, 870}, {8615841276005, 14322},
}

// far is where the asymptotic series serve to full precision.
const far = 26

var halfLog2Pi = dd{0x1.d67f1c864beb5p-1, -0x1.65b5a1b7ff5dfp-55}

// isPole reports whether x is 0 or a negative integer.
func isPole(x float64) bool { return x <= 0 && x == math.Floor(x) }

// lgamma is log |Γ(x)|. Near its roots below 0 its absolute error is about 1e-28.
func lgamma(x float64) float64 {
	switch {
	case math.IsNaN(x):
		return x
	case isPole(x) || math.IsInf(x, 0):
		return math.Inf(1)
	case math.Abs(x-1) < 0x1p-16:
		return lgammaNear(x-1, -0x1.2788cfc6fb619p-1, 0)
	case math.Abs(x-2) < 0x1p-16:
		return lgammaNear(x-2, 0x1.b0ee6072093cep-2, 1)
	case x > 0x1p60:
		return x * (log(x) - 1) // the rest is below half a place
	case x > 0:
		return lgammaDD(of(x)).float()
	case x > -0x1p-60:
		return -log(-x)
	}
	// 5.5.3: Γ(x)Γ(1-x) = π/sin(πx)
	s, _ := sincosPi(x)
	if s.hi < 0 {
		s = s.neg()
	}
	return logDD(pi.div(s)).sub(lgammaDD(sum(1, -x))).float()
}

// lgammaNear is Taylor's series of lgamma at its roots 1 and 2 (5.7.3), for a
// small distance d from them, with the slope there; by the recurrence the
// other coefficients at 2 are those of ζ less 1.
func lgammaNear(d, slope, less float64) float64 {
	const zeta2, zeta3, zeta4 = 0x1.a51a6625307d3p+0, 0x1.33ba004f00621p+0, 0x1.151322ac7d848p+0
	c := math.FMA(-d, (zeta4-less)/4, (zeta3-less)/3)
	c = math.FMA(-d, c, (zeta2-less)/2)
	return d * math.FMA(d, c, slope)
}

// lgammaDD is log Γ(x) for x > 0: Stirling's series (5.11.1) at x+n, less the
// logarithm of x(x+1)...(x+n-1).
func lgammaDD(x dd) dd {
	factor := of(1)
	for ; x.hi < far; x = x.add(of(1)) {
		factor = factor.mul(x)
	}
	y := x.sub(of(0.5)).mul(logDD(x)).sub(x).add(halfLog2Pi).sub(logDD(factor))
	power, square := x, x.mul(x)
	for i, b := range bernoulli {
		if power.hi > 1e200 {
			break
		}
		k := float64(2*i + 2)
		y = y.add(of(b[0]).div(power.times(b[1] * k * (k - 1))))
		power = power.mul(square)
	}
	return y
}

// sincosPi returns sine (up to its sign) and cosine of πx, of which only x's
// distance to an integer counts.
func sincosPi(x float64) (sin, cos dd) {
	x -= math.RoundToEven(x)
	a, quadrant := math.Abs(x), 0
	if a > 0.25 {
		a, quadrant = a-0.5, 1
	}
	r := pi.times(a)
	sin, cos = turn(r.mul(series(r, 2)), series(r, 1), quadrant)
	if x < 0 {
		sin = sin.neg()
	}
	return sin, cos
}

// digamma is the derivative of lgamma; at 0 it is Inf of the other sign than
// the zero's, at negative integers NaN. Its absolute error near its roots is
// about 1e-29.
func digamma(x float64) float64 {
	switch {
	case x == 0:
		return -1 / x
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x
	case isPole(x) || math.IsInf(x, -1):
		return math.NaN()
	case math.Abs(x) < 0x1p-60:
		return -1 / x
	case x > 0:
		return digammaDD(of(x)).float()
	}
	// 5.5.4: ψ(x) = ψ(1-x) - π/tan(πx)
	s, c := sincosPi(x)
	return digammaDD(sum(1, -x)).sub(pi.mul(c).div(s)).float()
}

// digammaDD is ψ(x) for x > 0: the asymptotic series (5.11.2) at x+n, less the
// sum of 1/x, ..., 1/(x+n-1).
func digammaDD(x dd) dd {
	y := of(0)
	for ; x.hi < far; x = x.add(of(1)) {
		y = y.sub(of(1).div(x))
	}
	y = y.add(logDD(x)).sub(of(0.5).div(x))
	if x.hi > 0x1p100 {
		return y
	}
	square := x.mul(x)
	power := square
	for i, b := range bernoulli {
		if power.hi > 1e200 {
			break
		}
		y = y.sub(of(b[0]).div(power.times(b[1] * float64(2*i+2))))
		power = power.mul(square)
	}
	return y
}

// polygamma is the n-th derivative of digamma, n at least 1. At 0, -1, ... it is
// +Inf for odd n and -Inf for even n, the limit from the right.
func polygamma(n int, x float64) float64 {
	s := n + 1
	sign := float64(1 - 2*(s%2)) // (-1)^(n+1)
	switch {
	case math.IsNaN(x):
		return x
	case math.IsInf(x, 1):
		return sign * 0
	case math.IsInf(x, -1):
		return math.NaN()
	case isPole(x):
		return sign * math.Inf(1)
	case x > 0:
		return sign * zeta(n, of(x)).float()
	}
	// ψ⁽ⁿ⁾(x) = (-1)^s n! Σ 1/(x+i)^s over i from 0 (5.15.1), which is the sum
	// over all integers i less that over the negative ones.
	f := x - math.RoundToEven(x)
	nearest := term(n, of(f))
	if math.IsInf(nearest.hi, 0) {
		return sign * nearest.hi
	}
	all := nearest.add(zeta(n, sum(1, f)))
	rest := zeta(n, sum(1, -f)).sub(zeta(n, sum(1, -x)))
	return all.times(sign).add(rest).float()
}

// term is n!/x^(n+1), with powers and factors alternating so that neither
// overflows alone.
func term(n int, x dd) dd {
	t := of(1).div(x)
	for j := 0; ; j++ {
		switch {
		case math.IsInf(t.hi, 0) || math.IsNaN(t.hi): // a dd makes NaN of infinities
			if x.hi < 0 && n%2 == 0 {
				return of(math.Inf(-1))
			}
			return of(math.Inf(1))
		case j == n || t.hi == 0:
			return t
		}
		t = t.times(float64(j + 1)).div(x)
	}
}

// zeta is n! ζ(n+1, x), x > 0: the terms up to x+m, and from there on the
// Euler-Maclaurin series (25.11.5 with all its terms).
func zeta(n int, x dd) dd {
	s := float64(n + 1)
	y := of(0)
	for ; x.hi < far+s; x = x.add(of(1)) {
		t := term(n, x)
		if math.IsInf(t.hi, 0) {
			return t
		}
		y = y.add(t)
	}
	t := term(n, x)
	y = y.add(term(n-1, x)).add(t.times(0.5))
	if x.hi > 0x1p100 {
		return y
	}
	// B_2k/(2k)! s(s+1)...(s+2k-2) / x^(2k-1), times t
	t = t.times(s).div(x).over(2)
	square := x.mul(x)
	for i, b := range bernoulli {
		y = y.add(t.times(b[0]).over(b[1]))
		k := float64(2*i + 2)
		t = t.times((s + k - 1) * (s + k)).div(square).over((k + 1) * (k + 2))
	}
	return y
}
