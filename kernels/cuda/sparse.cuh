/* Products with sparse matrices, after definitions of T, ix, I, which is the type of the
 * structure, LANES, the columns at a time, ITEMS and DIMS. y[i] is the sum over t from start[i] to
 * start[i+1] of values[entry[t]] (values[t] without entry) times row at[t] of x.
 *
 * Rows may be of any lengths. Work is shared out by the items of a path instead (Merrill and
 * Garland, Merge-based parallel sparse matrix-vector multiplication, SC16): all entries in
 * their order and, behind those of each row, its end, so that the end of row i is item
 * i + start[i+1]. A block does a chunk of the path, in tiles of which each group of LANES
 * threads does ITEMS items. A row that ends is written, with what the groups and tiles of
 * the chunk before have of it; what earlier chunks have of it, crossing adds. What is added
 * in which order follows from the structure and the sizes.
 *
 * Of memory an entry takes its value, its place (where the value is, too, if transposed) and
 * width neighbours in x, a row its beginning and its results; what else there is, a word and
 * a part of each column, is once a chunk. For a vector of float64 that is 20 bytes an entry,
 * and 24 transposed, where of the 32 that memory gives at a time, for an element of x and for
 * a value out of order, others are used before they are gone; else up to 44, and 68. */
enum { THREADS = 256, GROUPS = THREADS / LANES };

/* The leading dimensions of the operands: sizes, and how far apart examples are. */
struct Lead {
	ix size[DIMS], values[DIMS], x[DIMS];
};

struct Matrix {
	const I *start, *at, *entry;
	ix rows, meets, width, entries;

	/* How many rows end among the first d items; a warp looks at 32 of them at a time. */
	__device__ ix ends(ix d) const {
		ix lo = 0, hi = rows;
		while (lo < hi) {
			const ix step = (hi - lo + 31) / 32, i = lo + (ix)(threadIdx.x % 32) * step;
			const int n = __popc(__ballot_sync(0xffffffffu, i < hi && start[i + 1] < d - i));
			if (lo + n * step < hi) hi = lo + n * step;
			if (n > 0) lo += (n - 1) * step + 1;
		}
		return lo;
	}
	/* From the end where negative; 0, and bad, out of range. */
	static __device__ ix place(decltype(I() + ix()) i, ix size, bool &bad) {
		if (i < 0) i += size;
		const bool in = i >= 0 && i < size;
		bad = bad || !in;
		return in ? (ix)i : 0;
	}
	/* Where the rows from row on end, from entry e on, and one behind them that does not;
	 * bad, if they do not ascend. */
	__device__ void read_ends(int *end, ix row, int count, ix e, int most, bool &bad) const {
		for (int i = threadIdx.x; i < count; i += blockDim.x) {
			const I a = start[row + i], b = start[row + i + 1];
			if (a < 0 || b < a || b > entries) bad = true;
			end[i] = b <= e ? 0 : b - e > most ? most : (int)(b - e);
		}
		if (threadIdx.x == 0) end[count] = 0x7fffffff;
	}
	/* The products of count entries from entry e on in a column, and 0 behind them. All loads
	 * of a thread are under way together, for which it goes on by repeating the last. */
	__device__ void multiply(T *product, const T *values, const T *x, ix e, int count, bool &bad) const {
		ix to[ITEMS], of[ITEMS];
		T v[ITEMS], w[ITEMS];
		if (count > 0 && meets == 0) bad = true;
		if (meets == 0) count = 0;
		if (count > 0) {
#pragma unroll
			for (int k = 0; k < ITEMS; k++) {
				const int i = (threadIdx.x + k * blockDim.x) / LANES;
				of[k] = e + (i < count ? i : count - 1);
				to[k] = place(at[of[k]], meets, bad);
			}
			if (entry) {
#pragma unroll
				for (int k = 0; k < ITEMS; k++) of[k] = place(entry[of[k]], entries, bad);
			}
#pragma unroll
			for (int k = 0; k < ITEMS; k++) v[k] = values[of[k]], w[k] = x[to[k] * width];
		}
#pragma unroll
		for (int k = 0; k < ITEMS; k++) {
			const int i = threadIdx.x + k * blockDim.x;
			product[i] = i / LANES < count ? v[k] * w[k] : (T)0;
		}
	}
};

/* How many of the ends are before an item. */
__device__ inline int ends_before(const int *end, int count, int item) {
	int lo = 0, hi = count;
	while (lo < hi) {
		const int mid = (lo + hi) / 2;
		if (end[mid] + mid < item) lo = mid + 1;
		else hi = mid;
	}
	return lo;
}

/* Sums of one column, by a block. */
struct Sums {
	T *product; /* of the tile's entries, in LANES columns */
	int *end;   /* of its rows */
	T *part;    /* what each warp has of the row that it leaves open */
	int *open;  /* which one that is */
	T *carry;   /* what earlier tiles have of the first row */

	/* What warps and tiles before have of a row. */
	__device__ T before(int row) const {
		const int lane = threadIdx.x % LANES;
		T sum = row == 0 ? carry[lane] : (T)0;
		for (int w = 0; w < threadIdx.x / 32; w++)
			if (open[w] == row) sum += part[w * LANES + lane];
		return sum;
	}
	/* Adds up a tile, of which count rows end, writes their sums to y, and returns what there
	 * is so far of the row that the thread's group leaves open. */
	__device__ T add(T *y, ix width, bool on, int count) const {
		const int lane = threadIdx.x % LANES, self = threadIdx.x % 32, item = threadIdx.x / LANES * ITEMS;
		const int row = ends_before(end, count, item);
		int i = row, e = item - row;
		T sum = 0, first = 0;
#pragma unroll
		for (int k = 0; k < ITEMS; k++) {
			const bool ends = end[i] <= e;
			const T next = product[e * LANES + lane];
			if (ends && i == row) first = sum;
			if (ends && i != row && on) y[i * width] = sum;
			sum = ends ? (T)0 : sum + next;
			i += ends;
			e += !ends;
		}
		/* With what the groups of the warp before have of the same row. */
		for (int by = LANES; by < 32; by *= 2) {
			const T other = __shfl_up_sync(0xffffffffu, sum, by);
			const int at = __shfl_up_sync(0xffffffffu, i, by);
			if (self >= by && at == i) sum = other + sum;
		}
		T in = __shfl_up_sync(0xffffffffu, sum, LANES);
		if (self < LANES) in = 0;
		if (self >= 32 - LANES) {
			part[threadIdx.x / 32 * LANES + lane] = sum;
			open[threadIdx.x / 32] = i;
		}
		__syncthreads();
		if (i > row && on) y[row * width] = before(row) + in + first;
		return before(i) + sum;
	}
};

extern "C" __global__ void __launch_bounds__(256) products(T *y, T *parts, ix *open, const T *values, const T *x, const I *start, const I *at,
		const I *entry, u64 *flag, ix rows, ix meets, ix width, ix entries, ix examples, ix chunk, Lead lead) {
	__shared__ T product[THREADS * ITEMS], part[THREADS / 32 * LANES], carry[LANES];
	__shared__ int end[GROUPS * ITEMS + 1], left[THREADS / 32];
	__shared__ ix bounds[2]; /* rows that end before the tile, and in it, too */
	const Matrix m = {start, at, entry, rows, meets, width, entries};
	const Sums s = {product, end, part, left, carry};
	const int tile = blockDim.x / LANES * ITEMS, lane = threadIdx.x % LANES;
	const bool last = threadIdx.x >= blockDim.x - LANES;
	const ix begin = (ix)blockIdx.x * chunk, path = rows + entries, stop = begin + chunk < path ? begin + chunk : path;
	const ix columns = (width + LANES - 1) / LANES;
	bool bad = start[0] != 0 || start[rows] != entries;
	for (ix piece = blockIdx.y; piece < examples * columns; piece += gridDim.y) {
		const ix b = piece / columns, column = piece % columns * LANES + lane;
		const bool on = column < width;
		const T *v = values, *w = x + (on ? column : width - 1);
		ix r = b;
#pragma unroll
		for (int d = DIMS - 1; d >= 0; d--) {
			v += r % lead.size[d] * lead.values[d];
			w += r % lead.size[d] * lead.x[d];
			r /= lead.size[d];
		}
		T *to = y + b * rows * width + column, sum = 0;
		ix open_row = 0;
		if (last) carry[lane] = 0;
		for (ix d = begin; d < stop; d += tile) {
			const int items = stop - d < tile ? (int)(stop - d) : tile;
			for (int i = threadIdx.x / 32; i < 2; i += blockDim.x / 32) {
				const ix row = m.ends(i ? d + items : d);
				if (threadIdx.x % 32 == 0) bounds[i] = row;
			}
			__syncthreads();
			const ix row = bounds[0], e = d - row, ended = bounds[1] - row;
			const bool fits = e >= 0 && ended >= 0 && ended <= items && e + items - ended <= entries; /* if rows ascend */
			const int count = fits ? (int)ended : 0, rest = fits ? items - count : 0;
			bad = bad || !fits;
			open_row = row + ended;
			m.read_ends(end, row, count, e, rest, bad);
			m.multiply(product, v, w, e, rest, bad);
			__syncthreads();
			sum = s.add(to + row * width, width, on, count);
			__syncthreads();
			if (last) carry[lane] = sum;
		}
		if (gridDim.x > 1) {
			if (last && on) parts[(b * width + column) * gridDim.x + blockIdx.x] = sum;
			if (threadIdx.x == 0 && piece == 0) {
				const i64 first = open_row < rows ? start[open_row] + (i64)open_row : -1; /* the row's first item */
				open[blockIdx.x] = first >= begin && first < stop ? open_row : -1;
			}
		}
	}
	if (bad) *flag = 1;
}

/* Adds to the rows that begin in a chunk and end in another what all but the last have of
 * them, a warp to each sum. */
extern "C" __global__ void __launch_bounds__(256) crossing(T *y, const T *parts, const ix *open, const I *start, ix rows, ix width, ix chunks, ix chunk, ix sums) {
	const int lane = threadIdx.x % 32;
	for (ix t = first_index() / 32; t < sums; t += index_step() / 32) {
		const ix first = t % chunks, line = t / chunks, row = open[first];
		if (row < 0) continue;
		const u64 end = ((u64)start[row + 1] + (u64)row) / (u64)chunk; /* the chunk that it ends in; of bad rows, any */
		const ix stop = end < (u64)chunks ? (ix)end : chunks;
		T sum = 0;
#pragma unroll 4
		for (ix c = first + lane; c < stop; c += 32) sum += parts[line * chunks + c];
		for (int h = 16; h > 0; h /= 2) sum += __shfl_down_sync(0xffffffffu, sum, h);
		if (lane == 0) y[(line / width * rows + row) * width + line % width] += sum;
	}
}
