/* Ahead of kernels of loops. ix is the type of indices: int where all fit. */

/* Threads share out indices: each takes one, then the next a grid further on. */
__device__ inline ix first_index() { return (ix)blockIdx.x * (ix)blockDim.x + (ix)threadIdx.x; }
__device__ inline ix index_step() { return (ix)gridDim.x * (ix)blockDim.x; }

/* Elements that are read or written together. */
template <class T, int N> struct __align__(sizeof(T) * N) Vec {
	T v[N];
};

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
