// Zeros: a triangular factor, or one of blocks, has strips of columns that begin or
// end with rows of zeros. The products with these change nothing, and are left out,
// where
//
//   - what they multiply is finite, so that they are zero, and
//   - alpha is 1 and beta 0. A sum that is -0 without them (a product that was
//     rounded to -0) may be 0 with them, but no element of C is -0 then: it begins as
//     fma(1, s, 0), and 0 + -0, like x - x, is 0.

// The rows of a strip that are used.
typedef struct { int16_t from, to; } ROWS;

// zeros tells whether n elements are zero.
static inline int FN(zeros)(const T *x, int64_t n) {
    int64_t i = 0;
    while (i < n && x[i] == 0) i++;
    return i == n;
}

// nonzero fills in, for each strip of NR of nn columns of b, kk deep, all its rows, and
// some: those from its first to its last with an element that is not zero. It tells
// whether using some of them saves an eighth of the product, so that it pays to find
// out whether the other factor is finite.
static int FN(nonzero)(int64_t nn, int64_t kk, VIEW b, int packed, ROWS *all, ROWS *some) {
    int64_t saved = 0;
    for (int64_t j = 0; j < nn; j += NR, all++, some++) {
        int64_t w = FN(min)(NR, nn - j), from = 0, to = kk;
        int64_t ldb = packed ? FN(up)(w, VL) : b.rs;
        const T *bj = packed ? b.p + j * kk : b.p + j;
        while (from < to && FN(zeros)(bj + from * ldb, w)) from++;
        while (from < to && FN(zeros)(bj + (to - 1) * ldb, w)) to--;
        *all = (ROWS){0, (int16_t)kk};
        *some = (ROWS){(int16_t)from, (int16_t)to};
        saved += w * (kk - (to - from));
    }
    return 8 * saved >= nn * kk;
}

// finite tells whether all elements of an mm x kk block of a are: 0 times them is 0.
static int FN(finite)(int64_t mm, int64_t kk, VIEW a, int packed) {
    if (packed) {
        kk *= FN(up)(mm, PA), mm = 1;
        a = (VIEW){a.p, 0, 1};
    } else if (a.cs != 1) {
        int64_t t = mm;
        mm = kk, kk = t;
        a = FN(turn)(a);
    }
    V s[4];
    T lanes[4 * VL], sum = 0;
    UNROLL for (int g = 0; g < 4; g++) s[g] = vset1(0);
    for (int64_t i = 0; i < mm; i++) {
        const T *x = a.p + i * a.rs;
        int64_t p = 0;
        if (a.cs == 1)
            for (; p + 4 * VL <= kk; p += 4 * VL)
                UNROLL for (int g = 0; g < 4; g++) s[g] = vfma(vload(x + p + g * VL), vset1(0), s[g]);
        for (; p < kk; p++) sum += x[p * a.cs] * 0;
    }
    UNROLL for (int g = 0; g < 4; g++) vstore(lanes + g * VL, s[g]);
    for (int g = 0; g < 4 * VL; g++) sum += lanes[g];
    return sum == 0;
}
