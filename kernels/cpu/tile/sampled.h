/* Products of two dense matrices at the entries of a sparse one, once an instruction set, after sparse.h: a sum an entry,
 * of products that are rounded, by the tree of reduce.h. It is what the executor gives, and what the twin in Go does. */

/* The sum of N products, a power of two of at most CT_LANES; of n, fewer than CT_LANES; of n, as many or more. */
#define SAMPLED_SUMS(T) \
    INLINE T sampled_few_##T(const int N, const T *a, const T *b) { \
        T l[CT_LANES]; \
        for (int i = 0; i < N; i++) l[i] = a[i] * b[i]; \
        for (int w = N / 2; w > 0; w /= 2) \
            for (int i = 0; i < w; i++) l[i] += l[i + w]; \
        return l[0]; \
    } \
    static T sampled_some_##T(const T *a, const T *b, i64 n) { \
        T l[CT_LANES]; \
        for (i64 i = 0; i < n; i++) l[i] = a[i] * b[i]; \
        for (i64 w = CT_LANES / 2; w > 0; w /= 2) { \
            if (n <= w) continue; \
            for (i64 i = 0; i < n - w; i++) l[i] += l[i + w]; \
            n = w; \
        } \
        return l[0]; \
    } \
    INLINE T sampled_many_##T(const T *a, const T *b, i64 n) { \
        T l[CT_LANES]; \
        for (int i = 0; i < CT_LANES; i++) l[i] = a[i] * b[i]; \
        for (a += CT_LANES, b += CT_LANES, n -= CT_LANES; n >= CT_LANES; a += CT_LANES, b += CT_LANES, n -= CT_LANES) \
            for (int i = 0; i < CT_LANES; i++) l[i] += a[i] * b[i]; \
        for (i64 i = 0; i < n; i++) l[i] += a[i] * b[i]; \
        for (int w = CT_LANES / 2; w > 0; w /= 2) \
            for (int i = 0; i < w; i++) l[i] += l[i + w]; \
        return l[0]; \
    }

/* Entries lo to hi-1, of a sum that is given. */
#define SAMPLED_EACH(T, I, SUM) \
    for (i64 t = lo; t < hi; t++) { \
        const i64 next = t + SPARSE_AHEAD < s->entries ? t + SPARSE_AHEAD : t; \
        if (n > 1) SPARSE_FETCH(s->b, (u64)col[next] * (u64)n * sizeof(T)); \
        i64 i = row[t], j = col[t]; \
        SPARSE_PLACE(i, s->rows) \
        SPARSE_PLACE(j, s->cols) \
        const T *a = (const T *)s->a + i * n, *b = (const T *)s->b + j * n; \
        y[t] = SUM; \
    } \
    return CT_DONE;

#define SAMPLED(T, I) \
    static int sampled_##T##_##I(const ct_sampled *s, i64 lo, i64 hi, i64 *fault) { \
        const I *row = (const I *)s->row, *col = (const I *)s->col; \
        const i64 n = s->width; \
        T *y = (T *)s->y; \
        switch (n) { \
        case 1: SAMPLED_EACH(T, I, *a * *b) \
        case 2: SAMPLED_EACH(T, I, sampled_few_##T(2, a, b)) \
        case 4: SAMPLED_EACH(T, I, sampled_few_##T(4, a, b)) \
        case 8: SAMPLED_EACH(T, I, sampled_few_##T(8, a, b)) \
        } \
        if (n < CT_LANES) { SAMPLED_EACH(T, I, sampled_some_##T(a, b, n)) } \
        SAMPLED_EACH(T, I, sampled_many_##T(a, b, n)) \
    }

SAMPLED_SUMS(f32)
SAMPLED_SUMS(f64)
SAMPLED(f32, i32)
SAMPLED(f32, i64)
SAMPLED(f64, i32)
SAMPLED(f64, i64)

int CT_SAMPLED(const ct_sampled *s, int wide, int doubles, i64 lo, i64 hi, i64 *fault) {
    if (doubles) return wide ? sampled_f64_i64(s, lo, hi, fault) : sampled_f64_i32(s, lo, hi, fault);
    return wide ? sampled_f32_i64(s, lo, hi, fault) : sampled_f32_i32(s, lo, hi, fault);
}
