// Sines, cosines, tangents and angles.

package ref

import (
	"math"
	"math/big"
	"sync"
)

// halfPi holds π/2 to three times the precision, pi and piOver2 to twice.
var (
	halfPi  = [3]float64{0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110}
	piOver2 = dd{halfPi[0], halfPi[1]}
	pi      = dd{2 * halfPi[0], 2 * halfPi[1]}
)

// twoOverPi is 2/π times 2^1216, enough for an argument of any size.
var twoOverPi = sync.OnceValue(func() *big.Int {
	n, _ := new(big.Int).SetString(""+
		"a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424d"+
		"d2e006492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639"+
		"835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f46"+
		"3f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6bab", 16)
	return n
})

// reduce returns x less the nearest multiple of π/2, and that multiple modulo 4.
func reduce(x float64) (r dd, quadrant int) {
	if math.Abs(x) < 1<<25 {
		k := math.RoundToEven(x / halfPi[0])
		r = of(x)
		for _, p := range halfPi {
			r = r.sub(product(k, p))
		}
		return r, int(k) & 3
	}
	f, e := math.Frexp(x)
	n := big.NewInt(int64(math.Ldexp(f, 53)))
	n.Mul(n, twoOverPi()) // x times 2/π is n / 2^point
	point := uint(1216 + 53 - e)
	whole := new(big.Int).Rsh(n, point)
	if n.Bit(int(point)-1) == 1 {
		whole.Add(whole, big.NewInt(1))
	}
	n.Sub(n, new(big.Int).Lsh(whole, point))
	part := new(big.Float).SetInt(n)
	part.SetMantExp(part, -int(point))
	hi, _ := part.Float64()
	lo, _ := part.Sub(part, big.NewFloat(hi)).Float64()
	return dd{hi, lo}.mul(piOver2), int(new(big.Int).And(whole, big.NewInt(3)).Int64())
}

// series is 1 - x²/(n(n+1)) + x⁴/(n(n+1)(n+2)(n+3)) - ...: of n = 1 the cosine,
// of n = 2 the sine over x, for |x| up to about 0.8.
func series(x dd, n float64) dd {
	x2 := x.mul(x)
	s := of(1)
	for k := n + 28; k >= n; k -= 2 {
		s = of(1).sub(x2.mul(s).over(k * (k + 1)))
	}
	return s
}

// sincos returns sine and cosine of a finite x.
func sincos(x float64) (sin, cos dd) {
	r, quadrant := reduce(x)
	return turn(r.mul(series(r, 2)), series(r, 1), quadrant)
}

// turn adds so many right angles to that of a sine and cosine.
func turn(sin, cos dd, quadrant int) (dd, dd) {
	for range quadrant {
		sin, cos = cos, sin.neg()
	}
	return sin, cos
}

func sin(x float64) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return math.Sin(x)
	}
	s, _ := sincos(x)
	return s.float()
}

func cos(x float64) float64 {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return math.Cos(x)
	}
	_, c := sincos(x)
	return c.float()
}

func tan(x float64) float64 {
	if math.Abs(x) < 1e-9 || math.IsInf(x, 0) || math.IsNaN(x) {
		return math.Tan(x)
	}
	s, c := sincos(x)
	return s.div(c).float()
}

// atan2 is one step of Newton's from Go's value.
func atan2(y, x float64) float64 {
	if y == 0 || x == 0 || math.IsInf(y, 0) || math.IsInf(x, 0) || math.IsNaN(y) || math.IsNaN(x) {
		return math.Atan2(y, x)
	}
	_, ky := math.Frexp(y)
	_, kx := math.Frexp(x)
	if x > 0 && ky-kx < -100 {
		return y / x
	}
	k := max(kx, ky)
	x, y = math.Ldexp(x, -k), math.Ldexp(y, -k)
	a := math.Atan2(y, x)
	s, c := sincos(a)
	num := c.times(y).sub(s.times(x))
	den := c.times(x).add(s.times(y))
	return of(a).add(num.div(den)).float()
}
