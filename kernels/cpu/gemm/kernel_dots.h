// Products of a matrix with rows contiguous along k by one vector: nothing is
// used twice, so nothing is packed. Vectors run across 64 bytes' worth of lanes,
// each a row; the rows are transposed in registers as they come, which keeps the
// order of the sums. Where there are fewer rows than lanes, the lanes are the
// parts of k.

#define LANES (64 / (int)sizeof(T))

// lanes returns the dot products of a[l] and x[l], k elements each. shared says
// that all x[l] are one.
INLINE void FN(lanes)(const int shared, int64_t k, const T *const *a, const T *const *x, T *sums) {
    V s[LANES / VL];
    UNROLL for (int g = 0; g < LANES / VL; g++) s[g] = vset1(0);
    int64_t p = 0;
    for (; p + VL <= k; p += VL)
        UNROLL for (int g = 0; g < LANES / VL; g++) {
            V u[VL], v[VL];
            UNROLL for (int l = 0; l < VL; l++) {
                u[l] = vload(a[g * VL + l] + p);
                v[l] = shared ? vset1(x[0][p + l]) : vload(x[g * VL + l] + p);
            }
            vflip(u);
            if (!shared) vflip(v);
            UNROLL for (int l = 0; l < VL; l++) s[g] = vfma(u[l], v[l], s[g]);
        }
    UNROLL for (int g = 0; g < LANES / VL; g++) vstore(sums + g * VL, s[g]);
    for (; p < k; p++)
        for (int l = 0; l < LANES; l++) sums[l] = sfma(a[l][p], x[l][p], sums[l]);
}

static NOINLINE void FN(lanes_rows)(int64_t k, const T *const *a, const T *const *x, T *sums) {
    FN(lanes)(1, k, a, x, sums);
}
static NOINLINE void FN(lanes_parts)(int64_t k, const T *const *a, const T *const *x, T *sums) {
    FN(lanes)(0, k, a, x, sums);
}

// rows lets c[i], i < m, take the products of k elements of the rows of a by x,
// kb after kb, so that rows are read as they lie.
static void FN(rows)(int64_t m, int64_t k, int64_t kb, VIEW a, const T *x, DEST c) {
    const T *pa[LANES], *px[LANES];
    T sums[LANES];
    for (int64_t i = 0; i < m; i += LANES) {
        DEST d = {c.p + i * c.cs, c.rs, c.cs, c.alpha, c.beta};
        for (int64_t p = 0; p < k; p += kb, d.beta = 1) {
            for (int l = 0; l < LANES; l++) {
                pa[l] = a.p + FN(min)(i + l, m - 1) * a.rs + p;
                px[l] = x + p;
            }
            FN(lanes_rows)(FN(min)(kb, k - p), pa, px, sums);
            FN(spread)(1, FN(min)(LANES, m - i), sums, &d);
        }
    }
}

// parts lets *c take, one after the other, the products of the parts of a by
// those of x, which are contiguous: n parts of k elements.
static void FN(parts)(int64_t n, int64_t k, const T *a, const T *x, DEST c) {
    const T *pa[LANES], *px[LANES];
    T sums[LANES];
    for (int64_t q = 0; q < n; q += LANES) {
        for (int l = 0; l < LANES; l++) {
            int64_t at = FN(min)(q + l, n - 1) * k;
            pa[l] = a + at;
            px[l] = x + at;
        }
        FN(lanes_parts)(k, pa, px, sums);
        for (int64_t l = 0; l < FN(min)(LANES, n - q); l++, c.beta = 1) FN(spread)(1, 1, sums + l, &c);
    }
}

// dots lets the row c of m columns take the products of the rows of a by x, of
// which consecutive elements lie xs apart. a is contiguous along its rows unless
// m is 1.
static void FN(dots)(int64_t m, int64_t k, VIEW a, const T *x, int64_t xs, DEST c, T *work) {
    const int64_t kb = FN(part)(k), most = 128; // parts that work has room for
    T *xw = work;
    for (int64_t p = 0; p < k;) {
        int64_t n = FN(min)(most, (k - p) / kb), kk = n * kb;
        if (n == 0) n = 1, kk = k - p;
        const T *xp = x + p * xs;
        VIEW ap = FN(sub)(a, 0, p);
        if (xs != 1) {
            FN(fill)(xw, 1, 0, 1, 0, kk, (VIEW){xp, 0, xs});
            xp = xw;
        }
        if (a.cs != 1) {
            T *aw = work + kk;
            FN(fill)(aw, 1, 0, 1, 0, kk, ap);
            ap = (VIEW){aw, 0, 1};
        }
        if (n > 1 && m < LANES)
            for (int64_t i = 0; i < m; i++)
                FN(parts)(n, kb, ap.p + i * ap.rs, xp, (DEST){c.p + i * c.cs, 0, 0, c.alpha, c.beta});
        else
            FN(rows)(m, kk, kb, ap, xp, c);
        c.beta = 1;
        p += kk;
    }
}

#undef LANES
