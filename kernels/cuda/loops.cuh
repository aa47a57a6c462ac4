/* Ahead of kernels of loops. ix is the type of indices: int where all fit. */

/* Threads share out indices: each takes one, then the next a grid further on. */
__device__ inline ix first_index() { return (ix)blockIdx.x * (ix)blockDim.x + (ix)threadIdx.x; }
__device__ inline ix index_step() { return (ix)gridDim.x * (ix)blockDim.x; }

/* Elements that are read or written together. */
template <class T, int N> struct __align__(sizeof(T) * N) Vec {
	T v[N];
};

/* Element k where the compiler may not know which: no address is taken, so that the
 * elements stay in registers. */
template <class T, int N> __device__ inline T pick(const Vec<T, N> &a, int k) {
	T x = a.v[0];
#pragma unroll
	for (int i = 1; i < N; i++)
		if (i == k) x = a.v[i];
	return x;
}
/* A literal may be of another type than the elements. */
template <class T, int N, class U> __device__ inline void place(Vec<T, N> &a, int k, U x) {
#pragma unroll
	for (int i = 0; i < N; i++)
		if (i == k) a.v[i] = x;
}

/* Writes elements, or adds to what is there. */
template <bool ADD, class T, int N> __device__ inline void store(Vec<T, N> *to, Vec<T, N> a) {
	if (ADD) {
		const Vec<T, N> old = *to;
#pragma unroll
		for (int i = 0; i < N; i++) a.v[i] = old.v[i] + a.v[i];
	}
	*to = a;
}

/* An operand's only element, passed by value. */
template <class T> __device__ inline T from_bits(u64 bits) {
	union {
		u64 bits;
		T value;
	} u;
	u.bits = bits;
	return u.value;
}

/* A gathered index: from the end where negative; out of range it sets the flag. */
__device__ inline ix gathered(i64 i, ix size, u64 *flag) {
	if (i < 0) i += size;
	if (i >= 0 && i < size) return (ix)i;
	*flag = 1;
	return 0;
}
