/* Kernels of operations that are no loops, after definitions of T and ix. A line
 * is the elements along one axis: count of them, inner apart. */
__device__ inline ix line_start(ix line, ix count, ix inner) { return line / inner * count * inner + line % inner; }

/* Sums of the first elements of each line, in place; one block a line. Tiles of
 * a block's size follow each other, and in a tile warps and then their sums. */
extern "C" __global__ void __launch_bounds__(256) scan(T *y, ix count, ix inner, ix reverse) {
	__shared__ T sums[32];
	T *line = y + line_start((ix)blockIdx.x, count, inner);
	int lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
	T carry = 0;
	for (ix first = 0; first < count; first += blockDim.x) {
		ix i = first + (ix)threadIdx.x, at = (reverse ? count - 1 - i : i) * inner;
		T v = i < count ? line[at] : (T)0;
		for (int by = 1; by < 32; by *= 2) {
			T before = __shfl_up_sync(0xffffffffu, v, by);
			if (lane >= by) v += before;
		}
		if (lane == 31) sums[warp] = v;
		__syncthreads();
		if (threadIdx.x == 0)
			for (int w = 1; w < warps; w++) sums[w] += sums[w - 1];
		__syncthreads();
		T base = warp ? carry + sums[warp - 1] : carry;
		if (i < count) line[at] = base + v;
		carry += sums[warps - 1];
		__syncthreads();
	}
}

/* The place of the best element of each line; the first of equals, and NaN is
 * better than all. One block a line. */
extern "C" __global__ void __launch_bounds__(256) best(i64 *y, const T *x, ix count, ix inner, ix least) {
	__shared__ T values[256];
	__shared__ ix places[256];
	const T *line = x + line_start((ix)blockIdx.x, count, inner);
	int self = threadIdx.x;
	ix place = -1;
	T value = 0;
	for (ix i = self; i < count; i += blockDim.x) {
		T v = line[i * inner];
		if (place < 0 || (least ? v < value : v > value) || v != v && value == value) {
			place = i;
			value = v;
		}
	}
	for (int h = blockDim.x / 2; h > 0; h /= 2) {
		values[self] = value;
		places[self] = place;
		__syncthreads();
		if (self < h && places[self + h] >= 0) {
			T v = values[self + h];
			ix i = places[self + h];
			bool better = (least ? v < value : v > value) || v != v && value == value;
			bool equal = v == value || v != v && value != value;
			if (place < 0 || better || equal && i < place) {
				place = i;
				value = v;
			}
		}
		__syncthreads();
	}
	if (self == 0) y[blockIdx.x] = place;
}

/* Adds to floating-point results. */
extern "C" __global__ void __launch_bounds__(256) add(T *y, const T *x, ix count) {
	for (ix i = first_index(); i < count; i += index_step()) y[i] += x[i];
}
