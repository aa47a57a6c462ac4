/* Products with sparse matrices, once an instruction set. Each sum is in the order of the entries, of products that are
 * rounded: the same for any number of columns at a time, and what the twin in Go gives. */

#define INLINE static inline __attribute__((always_inline))

enum {
    SPARSE_COLUMNS = 16, /* at a time, in registers */
    SPARSE_AHEAD = 24,   /* entries from what is fetched to what is added */
};

/* Has memory fetched, wherever that is: an index that is not yet checked may lead anywhere. */
#define SPARSE_FETCH(p, bytes) __builtin_prefetch((const void *)((uintptr_t)(p) + (uintptr_t)(bytes)))

/* Counts from the end what is below 0; of what is out of range it makes a note. */
static __attribute__((noinline)) int sparse_far(i64 *i, i64 size, i64 *fault) {
    if (*i < 0 && *i >= -size) {
        *i += size;
        return 0;
    }
    fault[0] = *i, fault[1] = size;
    return 1;
}

#define SPARSE_PLACE(i, size) \
    if (__builtin_expect((u64)(i) >= (u64)(size), 0) && sparse_far(&(i), size, fault)) return CT_FAULT;

#define SPARSE(T, I) \
    /* Sums of N columns from the k-th on. */ \
    INLINE int sparse_sums_##T##_##I(const int N, const int ordered, const ct_sparse *s, i64 lo, i64 hi, i64 k, T *y, i64 *fault) { \
        const I *at = (const I *)s->at, *entry = (const I *)s->entry; \
        const T *values = (const T *)s->values, *x = (const T *)s->x + k; \
        const i64 rows = s->rows, entries = s->entries, width = s->width; \
        T sum[SPARSE_COLUMNS] = {0}; \
        for (i64 t = lo; t < hi; t++) { \
            const i64 next = t + SPARSE_AHEAD < entries ? t + SPARSE_AHEAD : t; \
            if (N > 1) SPARSE_FETCH(x, (u64)at[next] * (u64)width * sizeof(T)); \
            if (N * sizeof(T) > 64) SPARSE_FETCH(x, (u64)at[next] * (u64)width * sizeof(T) + 64); \
            if (!ordered) SPARSE_FETCH(values, (u64)entry[next] * sizeof(T)); \
            i64 j = at[t], e = t; \
            SPARSE_PLACE(j, rows) \
            if (!ordered) { \
                e = entry[t]; \
                SPARSE_PLACE(e, entries) \
            } \
            const T v = values[e], *r = x + j * width; \
            for (int c = 0; c < N; c++) sum[c] += v * r[c]; \
        } \
        for (int c = 0; c < N; c++) y[k + c] = sum[c]; \
        return CT_DONE; \
    } \
    INLINE int sparse_rows_##T##_##I(const int ordered, const ct_sparse *s, i64 lo, i64 hi, i64 *fault) { \
        const I *start = (const I *)s->start; \
        const i64 width = s->width; \
        for (i64 i = lo; i < hi; i++) { \
            const i64 a = start[i], b = start[i + 1]; \
            if (a < 0 || a > s->entries || b < 0 || b > s->entries) { \
                fault[0] = a < 0 || a > s->entries ? a : b, fault[1] = s->entries + 1; \
                return CT_FAULT; \
            } \
            T *y = (T *)s->y + i * width; \
            i64 k = 0; \
            int end = CT_DONE; \
            for (; width - k >= 16 && !end; k += 16) end = sparse_sums_##T##_##I(16, ordered, s, a, b, k, y, fault); \
            if (width & 8 && !end) end = sparse_sums_##T##_##I(8, ordered, s, a, b, k, y, fault), k += 8; \
            if (width & 4 && !end) end = sparse_sums_##T##_##I(4, ordered, s, a, b, k, y, fault), k += 4; \
            if (width & 2 && !end) end = sparse_sums_##T##_##I(2, ordered, s, a, b, k, y, fault), k += 2; \
            if (width & 1 && !end) end = sparse_sums_##T##_##I(1, ordered, s, a, b, k, y, fault); \
            if (end) return end; \
        } \
        return CT_DONE; \
    } \
    static int sparse_##T##_##I(const ct_sparse *s, i64 lo, i64 hi, i64 *fault) { \
        return s->entry ? sparse_rows_##T##_##I(0, s, lo, hi, fault) : sparse_rows_##T##_##I(1, s, lo, hi, fault); \
    }

SPARSE(f32, i32)
SPARSE(f32, i64)
SPARSE(f64, i32)
SPARSE(f64, i64)

int CT_SPARSE(const ct_sparse *s, int wide, int doubles, i64 lo, i64 hi, i64 *fault) {
    if (doubles) return wide ? sparse_f64_i64(s, lo, hi, fault) : sparse_f64_i32(s, lo, hi, fault);
    return wide ? sparse_f32_i64(s, lo, hi, fault) : sparse_f32_i32(s, lo, hi, fault);
}
