/* Products with sparse matrices, after definitions of T, ix and I, the type of the
 * structure. y[i] is the sum over t from start[i] to start[i+1] of values[entry[t]]
 * (values[t] without entry) times row at[t] of x. Examples are between elements apart. */

struct Sums {
	const T *values, *x;
	const I *start, *at, *entry;
	u64 *flag;
	ix meets, width, entries;

	/* Where a row's entries begin and end: nowhere, where that is out of range. */
	__device__ void range(ix row, ix &lo, ix &hi) const {
		i64 a = start[row], b = start[row + 1];
		if (a < 0 || a > entries || b < 0 || b > entries) {
			*flag = 1;
			a = b = 0;
		}
		lo = (ix)a, hi = (ix)b;
	}
	/* From the end where negative; out of range it is -1, and sets the flag. */
	__device__ ix place(i64 i, ix size) const {
		if (i < 0) i += size;
		if (i >= 0 && i < size) return (ix)i;
		*flag = 1;
		return -1;
	}
	/* The sum over every step-th of the entries in a column. */
	__device__ T sum(ix lo, ix hi, ix step, ix column) const {
		T s = 0;
#pragma unroll 4
		for (ix t = lo; t < hi; t += step) {
			ix j = place(at[t], meets), e = entry ? place(entry[t], entries) : t;
			if (j >= 0 && e >= 0) s += values[e] * x[j * width + column];
		}
		return s;
	}
};

/* A thread for each column of each row: neighbours read neighbouring columns. */
extern "C" __global__ void __launch_bounds__(256) columns(T *y, const T *values, const T *x, const I *start, const I *at, const I *entry,
		u64 *flag, ix rows, ix meets, ix width, ix entries, ix examples, ix between_values, ix between_x, ix between_y, ix per) {
	const ix size = rows * width;
	for (ix b = blockIdx.y; b < examples; b += gridDim.y) {
		const Sums s = {values + b * between_values, x + b * between_x, start, at, entry, flag, meets, width, entries};
		for (ix t = first_index(); t < size; t += index_step()) {
			ix lo, hi;
			s.range(t / width, lo, hi);
			y[b * between_y + t] = s.sum(lo, hi, 1, t % width);
		}
	}
}

/* Threads for the entries of a row, per of them, a power of two of at most 32: neighbours
 * read neighbouring entries. Their sums are put together in one order. */
extern "C" __global__ void __launch_bounds__(256) lines(T *y, const T *values, const T *x, const I *start, const I *at, const I *entry,
		u64 *flag, ix rows, ix meets, ix width, ix entries, ix examples, ix between_values, ix between_x, ix between_y, ix per) {
	const ix lane = threadIdx.x % per, step = blockDim.x / per;
	for (ix b = blockIdx.y; b < examples; b += gridDim.y) {
		const Sums s = {values + b * between_values, x + b * between_x, start, at, entry, flag, meets, width, entries};
		for (ix first = blockIdx.x * step; first < rows; first += gridDim.x * step) {
			const ix row = first + threadIdx.x / per;
			ix lo = 0, hi = 0;
			if (row < rows) s.range(row, lo, hi);
			for (ix c = 0; c < width; c++) {
				T sum = s.sum(lo + lane, hi, per, c);
				for (int h = per / 2; h > 0; h /= 2) sum += __shfl_down_sync(0xffffffffu, sum, h, per);
				if (row < rows && lane == 0) y[b * between_y + row * width + c] = sum;
			}
		}
	}
}
