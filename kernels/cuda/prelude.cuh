/* Ahead of every kernel: what printed bodies and the kernels around them use. */
typedef unsigned long long u64;
typedef long long i64;
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif
#ifndef NAN
#define NAN __int_as_float(0x7fffffff)
#endif
#ifndef INT64_MIN
#define INT64_MIN (-9223372036854775807ll - 1)
#endif
#ifndef DYNAMIC_SHARED
#define DYNAMIC_SHARED(type, name) \
	extern __shared__ __align__(16) char dynamic_shared[]; \
	type *name = (type *)dynamic_shared
#endif

/* Functions that CUDA's library has not, or not well enough. */
__device__ inline double cotangent_sigmoid(double x) { return 1 / (1 + exp(-x)); }
__device__ inline float cotangent_sigmoidf(float x) { return 1 / (1 + expf(-x)); }
__device__ inline double cotangent_softplus(double x) { return fmax(x, 0.0) + log1p(exp(-fabs(x))); }
__device__ inline float cotangent_softplusf(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }
/* Scaled by a power of two so that nothing overflows or is lost before the root. */
__device__ inline double cotangent_hypot(double a, double b) {
	a = fabs(a), b = fabs(b);
	if (a == INFINITY || b == INFINITY) return INFINITY;
	if (a < b) { double c = a; a = b; b = c; }
	if (!(a > 0)) return a + b;
	int e = ilogb(a) + 1;
	double x = ldexp(a, -e), y = ldexp(b, -e);
	return ldexp(sqrt(fma(x, x, y * y)), e);
}
__device__ inline float cotangent_hypotf(float a, float b) { return (float)cotangent_hypot(a, b); }

/* The sine and the cosine of float32. An angle is taken to [-pi/4, pi/4] by multiples
 * of pi/2 in three parts (Cody and Waite), which the products with the first part
 * leave exact, where it is not too large; the polynomials are minimax fits in r^2 to
 * (sin r - r) / r^3 and (cos r - 1 + r^2/2) / r^4. At most 1.6 ulp are lost; larger
 * angles are left to CUDA's library. */
#define QUICK_ANGLE 65536.0f
__device__ inline int float_bits(float x) {
	union {
		float value;
		int bits;
	} u;
	u.value = x;
	return u.bits;
}
__device__ inline void quick_sincosf(float x, float *sine, float *cosine) {
	const float nearest = 12582912.0f; /* 1.5 2^23: a sum with it is rounded to an integer, which its last bits are */
	float j = fmaf(x, 0.63661975f, nearest);
	unsigned q = (unsigned)float_bits(j);
	j -= nearest;
	float r = fmaf(j, -1.57079625f, x);
	r = fmaf(j, -7.5497894e-08f, r);
	r = fmaf(j, -5.3903025e-15f, r);
	float z = r * r;
	float s = fmaf(fmaf(-0.00019518285f, z, 0.0083321892f), z, -0.16666655f);
	s = fmaf(fmaf(r, z, 0.0f), s, r); /* with +0, so that -0 stays */
	float c = fmaf(fmaf(2.4432364e-05f, z, -0.0013887309f), z, 0.041666646f);
	c = fmaf(fmaf(c, z, -0.5f), z, 1.0f);
	unsigned turn = q << 30;
	bool swap = (turn & 0x40000000u) != 0;
	*sine = __int_as_float(float_bits(swap ? c : s) ^ (int)(turn & 0x80000000u));
	*cosine = __int_as_float(float_bits(swap ? s : c) ^ (int)(turn + 0x40000000u & 0x80000000u));
}
__device__ inline float quick_sinf(float x) {
	float s, c;
	quick_sincosf(x, &s, &c);
	return s;
}
__device__ inline float quick_cosf(float x) {
	float s, c;
	quick_sincosf(x, &s, &c);
	return c;
}
__device__ inline void cotangent_sincosf(float x, float *sine, float *cosine) {
	if (fabsf(x) <= QUICK_ANGLE) quick_sincosf(x, sine, cosine);
	else sincosf(x, sine, cosine);
}
__device__ inline float cotangent_sinf(float x) { return fabsf(x) <= QUICK_ANGLE ? quick_sinf(x) : sinf(x); }
__device__ inline float cotangent_cosf(float x) { return fabsf(x) <= QUICK_ANGLE ? quick_cosf(x) : cosf(x); }

/* Square roots and reciprocals, correctly rounded as sqrtf and 1/x are, by the very
 * steps that these take for arguments in the middle of their ranges, without a test
 * for others: of 2^-100 and more; of absolute values of 2^-126 to 2^125. */
#ifndef ROUGHLY
#define ROUGHLY(operation, x, y) asm(operation ".approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x))
#endif
__device__ inline float quick_sqrtf(float x) {
	float r;
	ROUGHLY("rsqrt", x, r);
	float y = x * r;
	return fmaf(fmaf(-y, y, x), 0.5f * r, y);
}
__device__ inline float quick_recipf(float x) {
	float r;
	ROUGHLY("rcp", x, r);
	return fmaf(fmaf(-x, r, 1.0f), r, r);
}
/* Of -86 and more. */
__device__ inline float quick_sigmoidf(float x) { return quick_recipf(1 + expf(-x)); }
