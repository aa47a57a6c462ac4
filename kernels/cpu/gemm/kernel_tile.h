// The tile kernels: a few rows by a few vectors of C, held in registers.

// spread lets m x n sums, s[i*NR + j], enter c wherever its elements lie.
static NOINLINE void FN(spread)(int64_t m, int64_t n, const T *s, const DEST *c) {
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            T *at = c->p + i * c->rs + j * c->cs;
            *at = sfma(c->alpha, s[i * NR + j], c->beta == 0 ? 0 : c->beta * *at);
        }
}

// tile lets c take the product of mr rows of a by nv vectors of columns of b, n
// columns in all: the last vector may be partial. Row p of b is at b + p*ldb.
// Where there are no masks, b can be read up to whole vectors.
INLINE void FN(tile)(const int mr, const int nv, int64_t n, int64_t k, const VIEW *a,
                     const T *b, int64_t ldb, const DEST *c) {
    V s[MR][NV], bv[NV];
    const T *row[MR];
    UNROLL for (int i = 0; i < mr; i++) {
        row[i] = a->p + i * a->rs;
        UNROLL for (int j = 0; j < nv; j++) s[i][j] = vset1(0);
    }
#ifdef M
    const M mask = vmask(n - (nv - 1) * VL);
#endif
    if (k > 64 && c->cs == 1) // what is read at the end comes meanwhile
        UNROLL for (int i = 0; i < mr; i++)
            UNROLL for (int j = 0; j < nv; j++) __builtin_prefetch(c->p + i * c->rs + j * VL, 1);
    for (int64_t p = 0, o = 0; p < k; p++, o += a->cs, b += ldb) {
        UNROLL for (int j = 0; j < nv - 1; j++) bv[j] = vload(b + j * VL);
#ifdef M
        bv[nv - 1] = vloadm(b + (nv - 1) * VL, mask);
#else
        bv[nv - 1] = vload(b + (nv - 1) * VL);
#endif
        UNROLL for (int i = 0; i < mr; i++) {
            V av = vset1(row[i][o]);
            UNROLL for (int j = 0; j < nv; j++) s[i][j] = vfma(av, bv[j], s[i][j]);
        }
    }

    const V alpha = vset1(c->alpha), beta = vset1(c->beta);
    const int read = c->beta != 0;
    T *to = c->p;
#ifdef M
    if (c->cs == 1) {
        UNROLL for (int i = 0; i < mr; i++, to += c->rs)
            UNROLL for (int j = 0; j < nv; j++) {
                const M some = j < nv - 1 ? vmask(VL) : mask;
                V z = vset1(0);
                if (read) z = vmul(beta, vloadm(to + j * VL, some));
                vstorem(to + j * VL, some, vfma(alpha, s[i][j], z));
            }
        return;
    }
#else
    if (c->cs == 1 && n == nv * VL) {
        UNROLL for (int i = 0; i < mr; i++, to += c->rs)
            UNROLL for (int j = 0; j < nv; j++) {
                V z = vset1(0);
                if (read) z = vmul(beta, vload(to + j * VL));
                vstore(to + j * VL, vfma(alpha, s[i][j], z));
            }
        return;
    }
#endif
    T sums[MR * NR] __attribute__((aligned(64)));
    UNROLL for (int i = 0; i < mr; i++)
        UNROLL for (int j = 0; j < nv; j++) vstore(sums + i * NR + j * VL, s[i][j]);
    FN(spread)(mr, n, sums, c);
}

typedef void FN(kernel)(int64_t n, int64_t k, const VIEW *a, const T *b, int64_t ldb, const DEST *c);

#define TILE(mr, nv)                                                                   \
    static NOINLINE void FN(tile##mr##x##nv)(int64_t n, int64_t k, const VIEW *a,      \
                                             const T *b, int64_t ldb, const DEST *c) { \
        FN(tile)(mr, nv, n, k, a, b, ldb, c);                                          \
    }
#if NV == 3
#define TILES(mr) TILE(mr, 1) TILE(mr, 2) TILE(mr, 3)
#define ROW(mr) {mr, {FN(tile##mr##x1), FN(tile##mr##x2), FN(tile##mr##x3)}}
#else
#define TILES(mr) TILE(mr, 1) TILE(mr, 2)
#define ROW(mr) {mr, {FN(tile##mr##x1), FN(tile##mr##x2)}}
#endif

TILES(1) TILES(2) TILES(4)
#if MR == 8
TILES(8)
#endif

// The tile kernels: the tallest first, then by vectors, less one.
static const struct { int rows; FN(kernel) *of[NV]; } FN(tiles)[] = {
#if MR == 8
    ROW(8),
#endif
    ROW(4), ROW(2), ROW(1),
};

#undef TILE
#undef TILES
#undef ROW
