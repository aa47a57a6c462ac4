/* Ahead of kernels that add to scattered places. Sums of floating-point numbers
 * depend on their order, and threads have none; so each place's sum is made of
 * integers: of numbers scaled by the largest exponent that comes to the place, in
 * two digits of so many bits that no sum of them overflows. It is exact but for
 * what lies 2 digits below that largest number, and the same in any order. */
struct Place {
	int most;  /* exponent of the largest number, plus bias; 0 where there was none */
	int odd;   /* what is not finite: 1 for +inf, 2 for -inf, 4 for NaN */
	u64 high, low; /* sums of digits, in two's complement */
};
const int bias = 2048;

__device__ inline void look(Place *s, double v) {
	if (v != v) atomicOr(&s->odd, 4);
	else if (v == INFINITY || v == -INFINITY) atomicOr(&s->odd, v > 0 ? 1 : 2);
	else if (v != 0) atomicMax(&s->most, ilogb(v) + 1 + bias);
}

/* |v| < 2^e, so each digit is below 2^digit. */
__device__ inline void put(Place *s, double v, int digit) {
	if (!(v - v == 0) || v == 0) return;
	double scaled = ldexp(v, digit - (s->most - bias)), high = trunc(scaled);
	double low = rint(ldexp(scaled - high, digit));
	atomicAdd(&s->high, (u64)(i64)high);
	atomicAdd(&s->low, (u64)(i64)low);
}

__device__ inline double total(const Place *s, int digit) {
	int e = s->most - bias;
	double sum = s->most ? ldexp((double)(i64)s->high, e - digit) + ldexp((double)(i64)s->low, e - 2 * digit) : 0.0;
	if (s->odd == 1) sum = INFINITY;
	else if (s->odd == 2) sum = -INFINITY;
	else if (s->odd) sum = NAN;
	return sum;
}
