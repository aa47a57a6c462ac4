/* Derivatives of log gamma, in double. Numbers in parentheses are equations of the
 * Digital Library of Mathematical Functions, dlmf.nist.gov. */
__device__ inline double bernoulli_number(int i) { /* B2, B4, ... */
	const double b[] = {1. / 6, -1. / 30, 1. / 42, -1. / 30, 5. / 66, -691. / 2730, 7. / 6, -3617. / 510, 43867. / 798, -174611. / 330};
	return b[i];
}
const int bernoulli_numbers = 10;
/* Where the asymptotic series serve to full precision. */
const double far_out = 14;
const double circle_half = 3.141592653589793;

__device__ inline bool is_pole(double x) { return x <= 0 && x == floor(x); }

/* The asymptotic series (5.11.2) at x+n, less the sum of 1/x, ..., 1/(x+n-1). */
__device__ inline double digamma_positive(double x) {
	double y = 0;
	for (; x < far_out; x++) y -= 1 / x;
	y += log(x) - 0.5 / x;
	double square = 1 / (x * x), power = square;
	for (int i = 0; i < bernoulli_numbers; i++) {
		y -= bernoulli_number(i) * power / (2 * i + 2);
		power *= square;
	}
	return y;
}

/* At 0 it is infinite with the other sign than the zero's, at poles NaN. */
__device__ inline double cotangent_digamma(double x) {
	if (x == 0 || fabs(x) < 1e-18) return -1 / x;
	if (x != x || x == INFINITY) return x;
	if (is_pole(x) || x == -INFINITY) return NAN;
	if (x > 0) return digamma_positive(x);
	double r = x - rint(x); /* (5.5.4): psi(1-x) - pi/tan(pi x) */
	return digamma_positive(1 - x) - circle_half * cos(circle_half * r) / sin(circle_half * r);
}

/* n!/x^(n+1), with powers and factors alternating so that neither overflows alone. */
__device__ inline double gamma_term(int n, double x) {
	double t = 1 / x;
	for (int j = 1; j <= n; j++) t = t * j / x;
	return t;
}

/* n! zeta(n+1, x) for x > 0: the terms up to x+m, and from there on the
 * Euler-Maclaurin series (25.11.5 with all its terms). */
__device__ inline double gamma_zeta(int n, double x) {
	double s = n + 1, y = 0;
	for (; x < far_out + s; x++) y += gamma_term(n, x);
	double t = gamma_term(n, x);
	y += gamma_term(n - 1, x) + t / 2;
	t = t * s / x / 2; /* B_2k/(2k)! s(s+1)...(s+2k-2) / x^(2k-1), times n!/x^s */
	for (int i = 0; i < bernoulli_numbers; i++) {
		y += t * bernoulli_number(i);
		double k = 2 * i + 2;
		t = t * (s + k - 1) * (s + k) / (x * x) / ((k + 1) * (k + 2));
	}
	return y;
}

/* The n-th derivative of digamma, n at least 1; at poles the limit from the right. */
__device__ inline double cotangent_polygamma(double x, int n) {
	double sign = n % 2 ? 1 : -1;
	if (x != x) return x;
	if (x == INFINITY) return sign * 0;
	if (x == -INFINITY) return NAN;
	if (is_pole(x)) return sign * INFINITY;
	if (x > 0) return sign * gamma_zeta(n, x);
	/* (5.15.1) sums over x+i from i = 0: that is all i, less the negative ones. */
	double f = x - rint(x), nearest = gamma_term(n, f);
	if (nearest - nearest != 0) return sign * nearest;
	return sign * (nearest + gamma_zeta(n, 1 + f)) + (gamma_zeta(n, 1 - f) - gamma_zeta(n, 1 - x));
}
__device__ inline float cotangent_polygammaf(float x, int n) { return (float)cotangent_polygamma(x, n); }
__device__ inline float cotangent_digammaf(float x) { return (float)cotangent_digamma(x); }
