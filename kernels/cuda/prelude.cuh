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
