// Packing: copying a block of a matrix to panels, which the tile kernels read in
// order, vector by vector.

// flips copies a VL x k block transposed: dst[p*full + i] = src[i*rs + p].
static NOINLINE void FN(flips)(T *dst, int64_t full, int64_t k, const T *src, int64_t rs) {
    for (int64_t p = 0; p < k; p += VL, src += VL, dst += VL * full) {
        V x[VL];
        const T *s = src;
        T *d = dst;
        UNROLL for (int i = 0; i < VL; i++, s += rs) {
            STEP(s);
            x[i] = vload(s);
        }
        vflip(x);
        UNROLL for (int i = 0; i < VL; i++, d += full) {
            STEP(d);
            vstore(d, x[i]);
        }
    }
}

// copies copies n vectors for each p: dst[p*full + i] = src[i + p*cs].
INLINE void FN(copies)(const int n, T *dst, int64_t full, int64_t k, const T *src, int64_t cs) {
    for (int64_t p = 0; p < k; p++, dst += full, src += cs)
        UNROLL for (int i = 0; i < n; i++) vstore(dst + i * VL, vload(src + i * VL));
}

// fill copies one by one: dst[p*full + i] = v(i, p) for i0 <= i < full and
// p0 <= p < p1, and 0 for i >= w.
static NOINLINE void FN(fill)(T *dst, int64_t full, int64_t i0, int64_t w, int64_t p0, int64_t p1, VIEW v) {
    for (int64_t p = p0; p < p1; p++)
        for (int64_t i = i0; i < full; i++) dst[p * full + i] = i < w ? v.p[i * v.rs + p * v.cs] : 0;
}

// pack makes one panel: dst[p*full + i] = v(i, p) for i < w and p < k, and 0 for
// w <= i < full. full is a multiple of VL.
static void FN(pack)(T *dst, int64_t full, int64_t w, int64_t k, VIEW v) {
    const int64_t wv = w / VL * VL, kv = k / VL * VL;
    if (v.rs == 1) {
        int64_t i = 0;
        for (; i + 3 * VL <= wv; i += 3 * VL) FN(copies)(3, dst + i, full, k, v.p + i, v.cs);
        for (; i < wv; i += VL) FN(copies)(1, dst + i, full, k, v.p + i, v.cs);
        if (wv < full) FN(fill)(dst, full, wv, w, 0, k, v);
    } else if (v.cs == 1) {
        for (int64_t i = 0; i < wv; i += VL) FN(flips)(dst + i, full, kv, v.p + i * v.rs, v.rs);
        if (wv < full) FN(fill)(dst, full, wv, w, 0, kv, v);
        if (kv < k) FN(fill)(dst, full, 0, w, kv, k, v);
    } else {
        FN(fill)(dst, full, 0, w, 0, k, v);
    }
}

// panels packs m rows of v, k deep, to panels of rows rows, the last of as few as
// hold what is left in multiples of unit. It returns where they begin.
static VIEW FN(panels)(T *dst, int64_t rows, int64_t unit, int64_t m, int64_t k, VIEW v) {
    for (int64_t i = 0; i < m; i += rows) {
        int64_t w = FN(min)(rows, m - i);
        FN(pack)(dst + i * k, FN(up)(w, unit), w, k, FN(sub)(v, i, 0));
    }
    return (VIEW){dst, 0, 0};
}
