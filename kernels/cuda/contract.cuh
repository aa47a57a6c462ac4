/* Products of matrices, after definitions of T and ix: for each of a batch
 * C = A B, or C += A B. A block computes a tile of 64 by 64 elements of C, a
 * thread 4 by 4 of it, 16 apart; slices of A and B go through shared memory. */
const int tile = 64, slice = 16, each = 4;

/* Strides of a matrix in elements: from row to row, column to column, and to the
 * next of each of two batch axes. */
struct Matrix {
	ix row, column, batch0, batch1;
};

struct P {
	ix m, n, k, batch1, add;
	Matrix a, b, c;
};

extern "C" __global__ void __launch_bounds__(256) product(T *c, const T *a, const T *b, P p) {
	__shared__ T left[slice][tile + 1], right[slice][tile + 1];
	const ix batch = blockIdx.y, b0 = batch / p.batch1, b1 = batch % p.batch1;
	const ix across = (p.n + tile - 1) / tile;
	const ix row = (ix)blockIdx.x / across * tile, column = (ix)blockIdx.x % across * tile;
	const int self = threadIdx.x, tr = self / 16, tc = self % 16;
	a += b0 * p.a.batch0 + b1 * p.a.batch1;
	b += b0 * p.b.batch0 + b1 * p.b.batch1;
	c += b0 * p.c.batch0 + b1 * p.c.batch1;
	T sums[each][each];
	for (int i = 0; i < each; i++)
		for (int j = 0; j < each; j++) sums[i][j] = 0;
	for (ix first = 0; first < p.k; first += slice) {
		for (int e = self; e < slice * tile; e += 256) {
			/* Neighbouring threads read along the dimension that lies densely. */
			int k = p.a.column == 1 ? e % slice : e / tile, i = p.a.column == 1 ? e / slice : e % tile;
			left[k][i] = row + i < p.m && first + k < p.k ? a[(row + i) * p.a.row + (first + k) * p.a.column] : (T)0;
			int l = p.b.column == 1 ? e / tile : e % slice, j = p.b.column == 1 ? e % tile : e / slice;
			right[l][j] = column + j < p.n && first + l < p.k ? b[(first + l) * p.b.row + (column + j) * p.b.column] : (T)0;
		}
		__syncthreads();
		for (int k = 0; k < slice; k++) {
			T x[each], y[each];
			for (int i = 0; i < each; i++) {
				x[i] = left[k][tr + 16 * i];
				y[i] = right[k][tc + 16 * i];
			}
			for (int i = 0; i < each; i++)
				for (int j = 0; j < each; j++) sums[i][j] = FMA(x[i], y[j], sums[i][j]);
		}
		__syncthreads();
	}
	for (int i = 0; i < each; i++)
		for (int j = 0; j < each; j++) {
			ix r = row + tr + 16 * i, s = column + tc + 16 * j;
			if (r >= p.m || s >= p.n) continue;
			T *to = c + r * p.c.row + s * p.c.column;
			*to = p.add ? *to + sums[i][j] : sums[i][j];
		}
}
