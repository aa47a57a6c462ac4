/* The polygamma functions, by reflection for negative arguments, by recurrence up
 * to 20+n, and there by the asymptotic series (Abramowitz and Stegun 6.4.7, 6.4.6,
 * 6.4.11; order 0 is the digamma function). The n-th derivative of cot(pi x) is
 * pi^n P(cot pi x), with P' = -(1+c^2) dP/dc from P = c on. Orders up to 30. */
__device__ inline double polygamma_positive(double x, int n) {
	const double bernoulli[] = {1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730, 7. / 6};
	double sum = 0;
	for (; x < 20 + n; x++) sum += tgamma(n + 1.0) / pow(x, n + 1.0);
	sum += n == 0 ? -log(x) : tgamma((double)n) / pow(x, (double)n);
	sum += tgamma(n + 1.0) / (2 * pow(x, n + 1.0));
	for (int k = 0; k < 7; k++) {
		double j = 2 * k + 2;
		sum += bernoulli[k] * tgamma(j + n) / (tgamma(j + 1) * pow(x, j + n));
	}
	return n % 2 ? sum : -sum;
}
__device__ inline double cotangent_polygamma(double x, int n) {
	if (!(x <= 0)) return polygamma_positive(x, n);
	if (x == floor(x)) return NAN;
	const double pi = 3.141592653589793;
	double c = 1 / tan(pi * (x - floor(x))), p[34], d[34], value = 0;
	for (int k = 0; k < n + 3; k++) p[k] = k == 1;
	for (int m = 0; m < n; m++) {
		for (int k = 0; k < n + 3; k++) d[k] = k < n + 2 ? (k + 1) * p[k + 1] : 0;
		for (int k = 0; k < n + 3; k++) p[k] = -d[k] - (k >= 2 ? d[k - 2] : 0);
	}
	for (int k = n + 2; k >= 0; k--) value = value * c + p[k];
	return (n % 2 ? -1 : 1) * polygamma_positive(1 - x, n) - pow(pi, n + 1.0) * value;
}
__device__ inline float cotangent_polygammaf(float x, int n) { return (float)cotangent_polygamma(x, n); }
__device__ inline double cotangent_digamma(double x) { return cotangent_polygamma(x, 0); }
__device__ inline float cotangent_digammaf(float x) { return (float)cotangent_polygamma(x, 0); }
