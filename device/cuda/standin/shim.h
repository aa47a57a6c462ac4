/* CUDA C for a C++ compiler: included ahead of every kernel that the stand-in's
 * NVRTC compiles. A kernel is an ordinary function, called once for each thread;
 * what threads do together goes through the driver's scheduler. */
#include "runtime.h"

extern "C" standin_runtime *standin;
standin_runtime *standin;

#define __CUDA_ARCH__ 900
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
/* A section of its own, which the driver fills with garbage before each block. */
#define __shared__ static __attribute__((section("standin_shared")))
#define __constant__ const
#define DYNAMIC_SHARED(type, name) type *name = (type *)standin->dynamic

#define threadIdx (standin->thread)
#define blockIdx (standin->block)
#define blockDim (standin->block_dim)
#define gridDim (standin->grid_dim)

static inline void __syncthreads() { standin->barrier(); }

/* Shuffles carry values of at most 8 bytes. */
template <class T> static inline T standin_read(unsigned mask, T v, unsigned from) {
	union {
		unsigned long long bits;
		T value;
	} u = {0}, r;
	u.value = v;
	const unsigned long long *all = standin->exchange(mask, u.bits);
	if (!(mask >> from & 1)) standin->fail("a shuffle reads a lane outside of its mask");
	r.bits = all[from];
	return r.value;
}

template <class T> static inline T __shfl_sync(unsigned mask, T v, int from, int width = 32) {
	unsigned base = standin->lane / width * width;
	return standin_read(mask, v, base + from % width);
}
template <class T> static inline T __shfl_down_sync(unsigned mask, T v, unsigned by, int width = 32) {
	unsigned to = standin->lane + by;
	return standin_read(mask, v, to / width == standin->lane / width ? to : standin->lane);
}
template <class T> static inline T __shfl_up_sync(unsigned mask, T v, unsigned by, int width = 32) {
	unsigned lane = standin->lane;
	return standin_read(mask, v, lane % width >= by ? lane - by : lane);
}
template <class T> static inline T __shfl_xor_sync(unsigned mask, T v, int with, int width = 32) {
	unsigned to = standin->lane ^ with;
	return standin_read(mask, v, to / width == standin->lane / width ? to : standin->lane);
}
static inline unsigned __ballot_sync(unsigned mask, int predicate) {
	const unsigned long long *all = standin->exchange(mask, predicate != 0);
	unsigned set = 0;
	for (unsigned i = 0; i < 32; i++)
		if (mask >> i & 1 && all[i]) set |= 1u << i;
	return set;
}
static inline int __popc(unsigned v) { return __builtin_popcount(v); }
static inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
static inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }
static inline void __syncwarp(unsigned mask = 0xffffffffu) { standin->exchange(mask, 0); }
static inline void __threadfence() {}
static inline void __threadfence_system() {}

/* One thread runs at a time, so these are atomic as they are. */
template <class T, class F> static inline T standin_update(T *p, F f) {
	T old = *p;
	*p = f(old);
	return old;
}
#define STANDIN_ATOMIC(name, T, expression) \
	static inline T name(T *p, T v) { return standin_update(p, [=](T o) -> T { return expression; }); }
#define STANDIN_INTEGER(T) \
	STANDIN_ATOMIC(atomicAdd, T, o + v) \
	STANDIN_ATOMIC(atomicMax, T, o > v ? o : v) \
	STANDIN_ATOMIC(atomicMin, T, o < v ? o : v) \
	STANDIN_ATOMIC(atomicOr, T, o | v) \
	STANDIN_ATOMIC(atomicExch, T, v)
STANDIN_INTEGER(int)
STANDIN_INTEGER(unsigned)
STANDIN_INTEGER(unsigned long long)
STANDIN_ATOMIC(atomicAdd, float, o + v)
STANDIN_ATOMIC(atomicAdd, double, o + v)

/* The C library's functions, which CUDA's have the names of. */
extern "C" {
#define STANDIN_MATH(n) double n(double); float n##f(float);
#define STANDIN_MATH2(n) double n(double, double); float n##f(float, float);
STANDIN_MATH(exp) STANDIN_MATH(expm1) STANDIN_MATH(log) STANDIN_MATH(log1p) STANDIN_MATH(sin) STANDIN_MATH(cos)
STANDIN_MATH(tan) STANDIN_MATH(tanh) STANDIN_MATH(sqrt) STANDIN_MATH(fabs) STANDIN_MATH(floor) STANDIN_MATH(trunc)
STANDIN_MATH(rint) STANDIN_MATH(lgamma) STANDIN_MATH(tgamma) STANDIN_MATH(erf) STANDIN_MATH(cbrt)
STANDIN_MATH2(pow) STANDIN_MATH2(atan2) STANDIN_MATH2(hypot) STANDIN_MATH2(fmax) STANDIN_MATH2(fmin)
void sincos(double, double *, double *);
void sincosf(float, float *, float *);
double fma(double, double, double);
float fmaf(float, float, float);
double ldexp(double, int);
float ldexpf(float, int);
int ilogb(double);
int ilogbf(float);
}
static inline double __longlong_as_double(long long v) {
	double d;
	__builtin_memcpy(&d, &v, 8);
	return d;
}
static inline float __int_as_float(int v) {
	float f;
	__builtin_memcpy(&f, &v, 4);
	return f;
}
/* The rough operations of a card, "rcp" and "rsqrt", are the right ones here: nothing
 * is said of how a card's differ. Subnormal numbers count as zero. */
static inline float standin_roughly(const char *operation, float x) {
	if (fabsf(x) < 0x1p-126f) x *= 0;
	float y = operation[1] == 'c' ? 1 / x : (float)(1 / sqrt((double)x));
	return fabsf(y) < 0x1p-126f ? y * 0 : y;
}
#define ROUGHLY(operation, x, y) (y = standin_roughly(operation, x))
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned long long)a * b >> 32; }

/* How the driver calls a kernel: with the addresses of its arguments, and with
 * what it needs to find them in a buffer. */
template <class T> struct standin_parameter {
	static T take(void *at) { return *(T *)at; }
};
template <class T> struct standin_parameter<T *> {
	static T *take(void *at) { return (T *)(*(unsigned long long *)at & ~standin_device_bit); }
};
template <int... I> struct standin_sequence {};
template <class... A, int... I>
static inline void standin_apply(void (*kernel)(A...), void **at, standin_sequence<I...>) {
	kernel(standin_parameter<A>::take(at[I])...);
}
template <class... A> static inline void standin_call(void (*kernel)(A...), void **at) {
	standin_apply(kernel, at, standin_sequence<__integer_pack(sizeof...(A))...>());
}
template <class F> struct standin_layout;
template <class... A> struct standin_layout<void (*)(A...)> {
	static const unsigned *table() {
		static const unsigned t[] = {sizeof...(A), (unsigned)sizeof(A)..., (unsigned)alignof(A)...};
		return t;
	}
};
#define STANDIN_KERNEL(name) \
	extern "C" void standin_call_##name(void **at) { standin_call(name, at); } \
	extern "C" const unsigned *standin_layout_##name() { return standin_layout<decltype(&name)>::table(); }
extern "C" char __start_standin_shared[] __attribute__((weak)), __stop_standin_shared[] __attribute__((weak));
extern "C" void standin_extent(char **start, char **stop) {
	*start = __start_standin_shared;
	*stop = __stop_standin_shared;
}
