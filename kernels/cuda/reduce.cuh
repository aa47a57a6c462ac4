/* Ahead of kernels that reduce: what the combiners do. A value is put into an
 * accumulator, accumulators are merged, always in the same order. */
template <class T> struct Sum {
	typedef T acc;
	static __device__ acc start() { return 0; }
	static __device__ void put(acc &a, T v) { a += v; }
	static __device__ void merge(acc &a, acc b) { a += b; }
	static __device__ T value(acc a) { return a; }
	static __device__ acc from_lane(acc a, int by) { return __shfl_down_sync(0xffffffffu, a, by); }
};
template <class T> struct Prod : Sum<T> {
	static __device__ T start() { return 1; }
	static __device__ void put(T &a, T v) { a = a * v; }
	static __device__ void merge(T &a, T b) { a = a * b; }
};
template <class T> __device__ inline T lowest() { return (T)-INFINITY; }
template <> __device__ inline int lowest<int>() { return -2147483647 - 1; }
template <> __device__ inline i64 lowest<i64>() { return INT64_MIN; }
template <class T> __device__ inline T highest() { return (T)INFINITY; }
template <> __device__ inline int highest<int>() { return 2147483647; }
template <> __device__ inline i64 highest<i64>() { return 9223372036854775807ll; }
/* NaN wins. */
template <class T> struct Max : Sum<T> {
	static __device__ T start() { return lowest<T>(); }
	static __device__ void put(T &a, T v) { if (v > a || v != v) a = v; }
	static __device__ void merge(T &a, T b) { put(a, b); }
};
template <class T> struct Min : Sum<T> {
	static __device__ T start() { return highest<T>(); }
	static __device__ void put(T &a, T v) { if (v < a || v != v) a = v; }
	static __device__ void merge(T &a, T b) { put(a, b); }
};
__device__ inline double exponential(double x) { return exp(x); }
__device__ inline float exponential(float x) { return expf(x); }
__device__ inline double logarithm(double x) { return log(x); }
__device__ inline float logarithm(float x) { return logf(x); }
/* The log of the sum of exponentials: the maximum so far, and the sum relative to it. */
template <class T> struct LSE {
	struct acc {
		T most, sum;
	};
	static __device__ acc start() { return acc{(T)-INFINITY, 0}; }
	static __device__ void put(acc &a, T v) { merge(a, acc{v, 1}); }
	static __device__ void merge(acc &a, acc b) {
		if (b.most > a.most) {
			acc c = a;
			a = b;
			b = c;
		}
		if (b.most == a.most) a.sum += b.sum;
		else a.sum += b.sum * exponential(b.most - a.most);
	}
	static __device__ T value(acc a) { return a.most + logarithm(a.sum); }
	static __device__ acc from_lane(acc a, int by) {
		return acc{__shfl_down_sync(0xffffffffu, a.most, by), __shfl_down_sync(0xffffffffu, a.sum, by)};
	}
};

/* Merges the accumulators of the threads that work on one result, of which there
 * are n, a power of two, step threads apart; the first one has the outcome. All
 * threads of the block call it. */
template <class C> __device__ inline typename C::acc together(typename C::acc a, int at, int n, int step) {
	DYNAMIC_SHARED(typename C::acc, all);
	int self = threadIdx.y * blockDim.x + threadIdx.x;
	bool warps = step == 1 && n % 32 == 0;
	for (int h = n / 2; h >= (warps ? 32 : 1); h /= 2) {
		all[self] = a;
		__syncthreads();
		if (at < h) C::merge(a, all[self + h * step]);
		__syncthreads();
	}
	if (warps)
		for (int h = 16; h > 0; h /= 2) C::merge(a, C::from_lane(a, h));
	return a;
}
