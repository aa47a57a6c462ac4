// Functions that printed code brings along where a language's library has none.

package loop

// helperOrder lists them, what is called before what calls it.
var helperOrder = []Fn{Sigmoid, Softplus, Lgamma, Polygamma, Digamma}

// needs notes a call of a helper.
func (p *printer) needs(fn Fn) {
	p.helpers[fn] = true
	if fn == Digamma {
		p.helpers[Polygamma] = true
	}
}

// The polygamma functions are by reflection for negative arguments, by
// recurrence up to 20+n, and there by the asymptotic series (Abramowitz and
// Stegun 6.4.7, 6.4.6, 6.4.11; order 0 is the digamma function). The n-th
// derivative of cot(πx) is π^n P(cot πx), with P' = -(1+c²) dP/dc from P = c on.

// cHelpers are in double.
var cHelpers = map[Fn]string{
	Sigmoid:  "static double cotangent_sigmoid(double x) { return 1 / (1 + exp(-x)); }\n",
	Softplus: "static double cotangent_softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }\n",
	Digamma:  "static double cotangent_digamma(double x) { return cotangent_polygamma(x, 0); }\n",
	Polygamma: `static double cotangent_polygamma(double x, int64_t n) {
	static const double bernoulli[] = {1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730, 7. / 6};
	if (x <= 0) {
		if (x == floor(x)) return NAN;
		double pi = acos(-1), c = 1 / tan(pi * (x - floor(x))), p[n + 3], d[n + 3], value = 0;
		for (int64_t k = 0; k < n + 3; k++) p[k] = k == 1;
		for (int64_t m = 0; m < n; m++) {
			for (int64_t k = 0; k < n + 3; k++) d[k] = k < n + 2 ? (k + 1) * p[k + 1] : 0;
			for (int64_t k = 0; k < n + 3; k++) p[k] = -d[k] - (k >= 2 ? d[k - 2] : 0);
		}
		for (int64_t k = n + 2; k >= 0; k--) value = value * c + p[k];
		return (n % 2 ? -1 : 1) * cotangent_polygamma(1 - x, n) - pow(pi, n + 1) * value;
	}
	double sum = 0;
	for (; x < 20 + n; x++) sum += tgamma(n + 1) / pow(x, n + 1);
	sum += n == 0 ? -log(x) : tgamma(n) / pow(x, n);
	sum += tgamma(n + 1) / (2 * pow(x, n + 1));
	for (int64_t k = 0; k < 7; k++) {
		double j = 2 * k + 2;
		sum += bernoulli[k] * tgamma(j + n) / (tgamma(j + 1) * pow(x, j + n));
	}
	return n % 2 ? sum : -sum;
}
`,
}

// goHelpers are local variables of the printed function.
var goHelpers = map[Fn]string{
	Sigmoid: `	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
`,
	Softplus: `	softplus := func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
`,
	Lgamma: `	lgamma := func(x float64) float64 {
		v, _ := math.Lgamma(x)
		return v
	}
`,
	Digamma: `	digamma := func(x float64) float64 { return polygamma(x, 0) }
`,
	Polygamma: `	var polygamma func(x float64, order int) float64
	polygamma = func(x float64, order int) float64 {
		n := float64(order)
		if x <= 0 {
			if x == math.Floor(x) {
				return math.NaN()
			}
			c, p, d, value := 1/math.Tan(math.Pi*(x-math.Floor(x))), make([]float64, order+3), make([]float64, order+3), 0.0
			p[1] = 1
			for range order {
				for k := range order + 2 {
					d[k] = float64(k+1) * p[k+1]
				}
				for k := range p {
					p[k] = -d[k]
					if k >= 2 {
						p[k] -= d[k-2]
					}
				}
			}
			for k := order + 2; k >= 0; k-- {
				value = value*c + p[k]
			}
			return float64(1-order%2*2)*polygamma(1-x, order) - math.Pow(math.Pi, n+1)*value
		}
		sum := 0.0
		for ; x < 20+n; x++ {
			sum += math.Gamma(n+1) / math.Pow(x, n+1)
		}
		if order == 0 {
			sum -= math.Log(x)
		} else {
			sum += math.Gamma(n) / math.Pow(x, n)
		}
		sum += math.Gamma(n+1) / (2 * math.Pow(x, n+1))
		for k, b := range []float64{1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730, 7. / 6} {
			j := float64(2*k + 2)
			sum += b * math.Gamma(j+n) / (math.Gamma(j+1) * math.Pow(x, j+n))
		}
		return sum * float64(order%2*2-1)
	}
`,
}
