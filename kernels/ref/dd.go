// Arithmetic to twice the precision: a number is the unevaluated sum of two
// float64, the second at most half a place of the first (Dekker, A
// floating-point technique for extending the available precision, 1971; the
// error bounds of a few 2^-106 are those of Joldes, Muller and Popescu, Tight
// and rigorous error bounds for basic building blocks of double-word
// arithmetic, 2017).

package ref

import "math"

type dd struct{ hi, lo float64 }

// of is x as a dd.
func of(x float64) dd { return dd{x, 0} }

// float rounds.
func (a dd) float() float64 { return a.hi + a.lo }

// sum is a+b, exactly.
func sum(a, b float64) dd {
	s := a + b
	t := s - a
	return dd{s, (a - (s - t)) + (b - t)}
}

// fast is a+b, exactly, for |a| at least |b|.
func fast(a, b float64) dd {
	s := a + b
	return dd{s, b - (s - a)}
}

// product is a*b, exactly but for underflow.
func product(a, b float64) dd {
	p := float64(a * b) // rounded: arm64 would fuse it with a sum
	return dd{p, math.FMA(a, b, -p)}
}

func (a dd) neg() dd { return dd{-a.hi, -a.lo} }

func (a dd) add(b dd) dd {
	s, t := sum(a.hi, b.hi), sum(a.lo, b.lo)
	s = fast(s.hi, s.lo+t.hi)
	return fast(s.hi, s.lo+t.lo)
}

func (a dd) sub(b dd) dd { return a.add(b.neg()) }

func (a dd) mul(b dd) dd {
	p := product(a.hi, b.hi)
	return fast(p.hi, p.lo+math.FMA(a.hi, b.lo, a.lo*b.hi))
}

func (a dd) div(b dd) dd {
	q := a.hi / b.hi
	r := a.sub(b.mul(of(q)))
	return fast(q, r.hi/b.hi)
}

// times and over are mul and div by a float64.
func (a dd) times(x float64) dd { return a.mul(of(x)) }
func (a dd) over(x float64) dd  { return a.div(of(x)) }

// scale is a*2^k.
func (a dd) scale(k int) dd { return dd{math.Ldexp(a.hi, k), math.Ldexp(a.lo, k)} }

// sqrt is one step of Heron's from the rounded root.
func (a dd) sqrt() dd {
	if a.hi == 0 {
		return a
	}
	r := of(math.Sqrt(a.hi))
	return r.add(a.div(r)).times(0.5)
}
