/* Reductions, by the one tree that doc.go describes: the twins of reduce.go. */

#define NOINLINE __attribute__((noinline))

/* The parts of a reducer's memory, in elements. */
static inline i64 stack_of(const ct_reducer *r) { return CT_LANES * r->cols; }
static inline i64 tops_of(const ct_reducer *r) { return stack_of(r) + r->levels * r->cols; }
static inline i64 kept_of(const ct_reducer *r) { return tops_of(r) + r->levels * r->cols; }
static inline i64 temps_of(const ct_reducer *r) { return kept_of(r) + (i64)r->keep * r->cols; }

/* a = a*b with * for the combination, and b = a*b. */
#define FOLD_LOOPS(T, SUM, PROD) \
    static NOINLINE void fold_into_##T(int kind, T *a, const T *b, long n) { \
        switch (kind) { \
        case CT_PROD: CT_EACH { const T x = a[i], y = b[i]; a[i] = PROD; } break; \
        case CT_MAX: CT_EACH { const T x = a[i], y = b[i]; a[i] = LARGER(x, y); } break; \
        case CT_MIN: CT_EACH { const T x = a[i], y = b[i]; a[i] = SMALLER(x, y); } break; \
        default: CT_EACH { const T x = a[i], y = b[i]; a[i] = SUM; } \
        } \
    } \
    static NOINLINE void fold_onto_##T(int kind, const T *a, T *b, long n) { \
        switch (kind) { \
        case CT_PROD: CT_EACH { const T x = a[i], y = b[i]; b[i] = PROD; } break; \
        case CT_MAX: CT_EACH { const T x = a[i], y = b[i]; b[i] = LARGER(x, y); } break; \
        case CT_MIN: CT_EACH { const T x = a[i], y = b[i]; b[i] = SMALLER(x, y); } break; \
        default: CT_EACH { const T x = a[i], y = b[i]; b[i] = SUM; } \
        } \
    }

/* Adds whole rounds of lanes of one column. */
#define SUM_ROUNDS(T) \
    static const T *sum_rounds_##T(T *lanes, const T *v, long n) { \
        T l[CT_LANES]; /* in registers */ \
        memcpy(l, lanes, sizeof l); \
        for (; n >= CT_LANES; n -= CT_LANES, v += CT_LANES) \
            for (int i = 0; i < CT_LANES; i++) l[i] += v[i]; \
        memcpy(lanes, l, sizeof l); \
        return v; \
    }

/* The larger of values in order is the same however they are grouped, so rounds are taken four at a time. (Each in a
 * loop of its own: of nested conditions gcc makes branches.) */
#define EXTREME_ROUNDS(T, name, BEST) \
    static const T *name##_rounds_##T(T *lanes, const T *v, long n) { \
        T t[2 * CT_LANES]; \
        for (; n >= 4 * CT_LANES; n -= 4 * CT_LANES, v += 4 * CT_LANES) { \
            CT_LANES_EACH(CT_LANES) { const T x = v[i], y = v[i + CT_LANES]; t[i] = BEST(x, y); } \
            CT_LANES_EACH(CT_LANES) { const T x = v[i + 2 * CT_LANES], y = v[i + 3 * CT_LANES]; t[i + CT_LANES] = BEST(x, y); } \
            CT_LANES_EACH(CT_LANES) { const T x = t[i], y = t[i + CT_LANES]; t[i] = BEST(x, y); } \
            CT_LANES_EACH(CT_LANES) { const T x = lanes[i], y = t[i]; lanes[i] = BEST(x, y); } \
        } \
        for (; n >= CT_LANES; n -= CT_LANES, v += CT_LANES) { \
            CT_LANES_EACH(CT_LANES) { const T x = lanes[i], y = v[i]; lanes[i] = BEST(x, y); } \
        } \
        return v; \
    }

/* Reduces rows of n values each, some rows at a time, whose trees overlap. Lanes that have no value hold NONE, which
 * leaves others as they are. */
#define ROWS(T, name, NONE, BOTH) \
    static void name##_rows_##T(T *d, const T *a, long rows, long n) { \
        T some[32][CT_LANES]; \
        for (; rows > 0; rows -= 32, d += 32) { \
            const long h = rows < 32 ? rows : 32; \
            for (long r = 0; r < h; r++, a += n) { \
                T *l = some[r]; \
                if (n < CT_LANES) { \
                    CT_LANES_EACH(CT_LANES) l[i] = i < n ? a[i] : NONE; \
                    continue; \
                } \
                memcpy(l, a, CT_LANES * sizeof(T)); \
                const T *v = name##_rounds_##T(l, a + CT_LANES, n - CT_LANES); \
                const long rest = a + n - v; \
                if (rest == 0) continue; \
                CT_LANES_EACH(CT_LANES) { const T x = l[i], y = i < rest ? v[i] : NONE; l[i] = BOTH(x, y); } \
            } \
            for (long r = 0; r < h; r++) { \
                CT_LANES_EACH(8) { const T x = some[r][i], y = some[r][i + 8]; some[r][i] = BOTH(x, y); } \
            } \
            for (long r = 0; r < h; r++) { \
                CT_LANES_EACH(4) { const T x = some[r][i], y = some[r][i + 4]; some[r][i] = BOTH(x, y); } \
            } \
            for (long r = 0; r < h; r++) { \
                const T p = some[r][0], q = some[r][1], s = some[r][2], t = some[r][3], x = BOTH(p, s), y = BOTH(q, t); \
                d[r] = BOTH(x, y); \
            } \
        } \
    }
#define SUM_OF(x, y) ((x) + (y))

#define FOLDS(T, SUM, PROD) \
    FOLD_LOOPS(T, SUM, PROD) \
    static const T *plain_rounds_##T(int kind, T *lanes, const T *v, long n) { \
        for (; n >= CT_LANES; n -= CT_LANES, v += CT_LANES) fold_into_##T(kind, lanes, v, CT_LANES); \
        return v; \
    } \
    /* Adds n values, in rows of c, to the lanes of a block that holds so many rows. */ \
    static NOINLINE void add_rows_##T(int kind, T *sums, long c, long rows, const T *x, long n) { \
        while (n > 0) { \
            const long l = rows % CT_LANES; \
            long k = (CT_LANES - l) * c; \
            if (k > n) k = n; \
            if (rows < CT_LANES) { \
                memcpy(sums + l * c, x, (size_t)k * sizeof(T)); \
            } else if (c == 1 && l == 0 && n >= CT_LANES) { \
                k = rounds_##T(kind, sums, x, n) - x; \
            } else { \
                fold_into_##T(kind, sums + l * c, x, k); \
            } \
            x += k, n -= k, rows += k / c; \
        } \
    } \
    /* Likewise rows that lie a stride in bytes apart. */ \
    static void add_apart_##T(int kind, T *sums, long c, long rows, const char *x, i64 stride, long n) { \
        for (; n > 0; n--, rows++, x += stride) { \
            T *l = sums + rows % CT_LANES * c; \
            if (rows < CT_LANES) memcpy(l, x, (size_t)c * sizeof(T)); \
            else fold_into_##T(kind, l, (const T *)x, c); \
        } \
    } \
    /* Combines the lanes of a block of so many rows into the first. */ \
    static NOINLINE void fold_lanes_##T(int kind, T *sums, long c, long rows) { \
        if (rows > CT_LANES) rows = CT_LANES; \
        for (long w = CT_LANES / 2; w > 0; w /= 2) { \
            if (rows <= w) continue; \
            fold_into_##T(kind, sums, sums + w * c, (rows - w) * c); \
            rows = w; \
        } \
    } \
    static void plain_rows_##T(int kind, T *d, const T *a, long rows, long n) { \
        T sums[CT_LANES]; \
        for (long r = 0; r < rows; r++, a += n) { \
            add_rows_##T(kind, sums, 1, 0, a, n); \
            fold_lanes_##T(kind, sums, 1, n); \
            d[r] = *sums; \
        } \
    }

/* What is common for sums and extremes of floats has loops of its own. */
#define SPECIAL(T, INF) \
    static const T *plain_rounds_##T(int kind, T *lanes, const T *v, long n); \
    SUM_ROUNDS(T) EXTREME_ROUNDS(T, max, LARGER) EXTREME_ROUNDS(T, min, SMALLER) \
    ROWS(T, sum, (T)-0.0, SUM_OF) ROWS(T, max, -INF, LARGER) ROWS(T, min, INF, SMALLER) \
    static const T *rounds_##T(int kind, T *lanes, const T *v, long n) { \
        switch (kind) { \
        case CT_SUM: return sum_rounds_##T(lanes, v, n); \
        case CT_MAX: return max_rounds_##T(lanes, v, n); \
        case CT_MIN: return min_rounds_##T(lanes, v, n); \
        } \
        return plain_rounds_##T(kind, lanes, v, n); \
    } \
    FOLDS(T, x + y, x *y) \
    static void rows_##T(int kind, T *d, const T *a, long rows, long n) { \
        switch (kind) { \
        case CT_SUM: sum_rows_##T(d, a, rows, n); break; \
        case CT_MAX: max_rows_##T(d, a, rows, n); break; \
        case CT_MIN: min_rows_##T(d, a, rows, n); break; \
        default: plain_rows_##T(kind, d, a, rows, n); \
        } \
    }
SPECIAL(f32, __builtin_inff())
SPECIAL(f64, __builtin_inf())

#define PLAIN(T, SUM, PROD) \
    static const T *plain_rounds_##T(int kind, T *lanes, const T *v, long n); \
    static const T *rounds_##T(int kind, T *lanes, const T *v, long n) { return plain_rounds_##T(kind, lanes, v, n); } \
    FOLDS(T, SUM, PROD) \
    static void rows_##T(int kind, T *d, const T *a, long rows, long n) { plain_rows_##T(kind, d, a, rows, n); }
PLAIN(i32, (i32)((u32)x + (u32)y), (i32)((u32)x * (u32)y))
PLAIN(i64, (i64)((u64)x + (u64)y), (i64)((u64)x * (u64)y))

/* How many columns a reducer takes the values of a tile for: as many as the tile has, or one, where the rows of the tile
 * are one row of reduced values. */
static inline long width(const machine *m, const ct_reducer *r) { return m->cols < r->cols ? m->cols : r->cols; }

#define MEMORY(T) T *mem = (T *)(m->r->mem + r->at)

/* The log of a sum of exponentials: a maximum, and the sum of exponentials less it. */
#define LSE(T) \
    /* Sets top to the maxima of columns, and sums to the sums of exp(x - top); overwrites x. */ \
    static void lse_of_##T(const machine *m, T *x, long rows, long c, T *top, T *sums) { \
        memcpy(top, x, (size_t)c * sizeof(T)); \
        if (c == 1) { \
            max_rows_##T(top, x, 1, rows); \
            const T t = *top - *top == 0 ? *top : 0; \
            const long n = rows; \
            CT_EACH x[i] -= t; \
        } else { \
            const long n = c; \
            for (long r = 1; r < rows; r++) fold_into_##T(CT_MAX, top, x + r * c, n); \
            for (long r = 0; r < rows; r++) { \
                T *y = x + r * c; \
                CT_EACH { const T t = top[i]; y[i] -= t - t == 0 ? t : 0; } \
            } \
        } \
        m->r->vmath->exp_##T(rows * c, x, x); \
        add_rows_##T(CT_SUM, sums, c, 0, x, rows * c); \
        fold_lanes_##T(CT_SUM, sums, c, rows); \
    } \
    /* d = log(s) + top */ \
    static void lse_end_##T(const machine *m, T *d, const T *s, const T *top, long n) { \
        m->r->vmath->log_##T(n, d, s); \
        CT_EACH d[i] += top[i]; \
    } \
    static void lse_block_##T(machine *m, const ct_reducer *r, long rows) { \
        MEMORY(T); \
        lse_of_##T(m, mem + kept_of(r), rows, width(m, r), mem + temps_of(r), mem); \
    } \
    static void lse_join_##T(machine *m, const ct_reducer *r, long level) { \
        MEMORY(T); \
        const long n = width(m, r); \
        T *s = mem, *top = mem + temps_of(r), *e = top + r->cols, *e0 = e + r->cols; \
        const T *s0 = mem + stack_of(r) + level * n, *top0 = mem + tops_of(r) + level * n; \
        CT_EACH { \
            const T t = LARGER(top0[i], top[i]); \
            e[i] = top[i] == t ? 0 : top[i] - t; \
            e0[i] = top0[i] == t ? 0 : top0[i] - t; \
            top[i] = t; \
        } \
        m->r->vmath->exp_##T(n, e, e); \
        m->r->vmath->exp_##T(n, e0, e0); \
        CT_EACH s[i] = s0[i] * e0[i] + s[i] * e[i]; \
    } \
    static void lse_rows_##T(machine *m, const ct_reducer *r, T *d, const T *a) { \
        MEMORY(T); \
        T *top = mem + 2 * CT_TILE; \
        const long n = m->cols; \
        max_rows_##T(top, a, m->rows, n); \
        for (long r = 0; r < m->rows; r++) { \
            const T t = top[r] - top[r] == 0 ? top[r] : 0; \
            CT_EACH mem[r * n + i] = a[r * n + i] - t; \
        } \
        m->r->vmath->exp_##T(m->rows * n, mem, mem); \
        sum_rows_##T(d, mem, m->rows, n); \
        lse_end_##T(m, d, d, top, m->rows); \
    } \
    static void lse_cols_##T(machine *m, const ct_reducer *r, T *d, const T *a) { \
        MEMORY(T); \
        T *sums = mem + CT_TILE, *top = mem + 2 * CT_TILE; \
        memcpy(mem, a, (size_t)(m->rows * m->cols) * sizeof(T)); \
        lse_of_##T(m, mem, m->rows, m->cols, top, sums); \
        lse_end_##T(m, d, sums, top, m->cols); \
    }
LSE(f32)
LSE(f64)

/* For the other types, which have no such reduction. */
#define NO_LSE(T) \
    static void lse_block_##T(machine *m, const ct_reducer *r, long rows) { (void)m, (void)r, (void)rows; } \
    static void lse_join_##T(machine *m, const ct_reducer *r, long level) { (void)m, (void)r, (void)level; } \
    static void lse_rows_##T(machine *m, const ct_reducer *r, T *d, const T *a) { (void)m, (void)r, (void)d, (void)a; } \
    static void lse_cols_##T(machine *m, const ct_reducer *r, T *d, const T *a) { (void)m, (void)r, (void)d, (void)a; } \
    static void lse_end_##T(const machine *m, T *d, const T *s, const T *top, long n) { (void)m, (void)d, (void)s, (void)top, (void)n; }
NO_LSE(i32)
NO_LSE(i64)

/* The rows that an instruction reads: those of value a or, where form is set, those at access e, which lie apart. */
static inline const char *source(const machine *m, const ct_instr *in, i64 row, i64 *stride) {
    *stride = in->form ? m->p->access[in->e].row : row;
    return in->form ? pointer(m, in->e) : m->reg[in->a];
}

#define REDUCE(T) \
    static void reduce_rows_##T(machine *m, const ct_instr *in) { \
        const ct_reducer *r = &m->p->reds[in->k]; \
        T *d = (T *)m->reg[in->d]; \
        const T *a = (const T *)m->reg[in->a]; \
        if (r->kind == CT_LSE) { \
            lse_rows_##T(m, r, d, a); \
            return; \
        } \
        rows_##T(r->kind, d, a, m->rows, m->cols); \
    } \
    static void reduce_cols_##T(machine *m, const ct_instr *in) { \
        const ct_reducer *r = &m->p->reds[in->k]; \
        T *d = (T *)m->reg[in->d]; \
        const long c = m->cols; \
        i64 stride; \
        const char *a = source(m, in, c * (long)sizeof(T), &stride); \
        if (r->kind == CT_LSE) { \
            lse_cols_##T(m, r, d, (const T *)a); \
            return; \
        } \
        MEMORY(T); \
        long w = CT_LANES / 2; \
        while (w >= m->rows) w /= 2; \
        for (long l = 0; l < w; l++) { \
            memcpy(mem + l * c, a + l * stride, (size_t)c * sizeof(T)); \
            if (l + w < m->rows) fold_into_##T(r->kind, mem + l * c, (const T *)(a + (l + w) * stride), c); \
        } \
        fold_lanes_##T(r->kind, mem, c, w); \
        memcpy(d, mem, (size_t)c * sizeof(T)); \
    } \
    static void join_##T(machine *m, const ct_reducer *r, long level) { \
        MEMORY(T); \
        if (r->kind == CT_LSE) lse_join_##T(m, r, level); \
        else fold_onto_##T(r->kind, mem + stack_of(r) + level * width(m, r), mem, width(m, r)); \
    } \
    /* Completes the block under way and takes it in: blocks are combined in pairs, pairs in pairs. */ \
    static void close_block_##T(machine *m, const ct_reducer *r, fold *f) { \
        MEMORY(T); \
        const long c = width(m, r); \
        if (r->kind == CT_LSE) lse_block_##T(m, r, f->rows); \
        else fold_lanes_##T(r->kind, mem, c, f->rows); \
        f->rows = 0; \
        long level = 0; \
        for (; f->blocks >> level & 1; level++) join_##T(m, r, level); \
        memcpy(mem + stack_of(r) + level * c, mem, (size_t)c * sizeof(T)); \
        if (r->kind == CT_LSE) memcpy(mem + tops_of(r) + level * c, mem + temps_of(r), (size_t)c * sizeof(T)); \
        f->blocks++; \
    } \
    static void accumulate_##T(machine *m, const ct_instr *in) { \
        const ct_reducer *r = &m->p->reds[in->k]; \
        fold *f = &m->folds[in->k]; \
        MEMORY(T); \
        const long c = width(m, r); \
        i64 stride; \
        const char *x = source(m, in, c * (long)sizeof(T), &stride); \
        for (long rows = m->rows * m->cols / c; rows > 0;) { \
            const long n = rows < CT_BLOCK - f->rows ? rows : CT_BLOCK - f->rows; \
            if (r->keep) memcpy(mem + kept_of(r) + f->rows * c, x, (size_t)(n * c) * sizeof(T)); \
            else if (in->form) add_apart_##T(r->kind, mem, c, f->rows, x, stride, n); \
            else add_rows_##T(r->kind, mem, c, f->rows, (const T *)x, n * c); \
            f->rows += n, rows -= n, x += n * stride; \
            if (f->rows == CT_BLOCK) close_block_##T(m, r, f); \
        } \
    } \
    /* Combines all blocks, the last ones first. */ \
    static void gather_blocks_##T(machine *m, const ct_reducer *r, fold *f) { \
        MEMORY(T); \
        const long c = width(m, r); \
        if (f->rows > 0) close_block_##T(m, r, f); \
        int first = 1; \
        for (long level = 0; f->blocks >> level; level++) { \
            if (!(f->blocks >> level & 1)) continue; \
            if (!first) { \
                join_##T(m, r, level); \
                continue; \
            } \
            first = 0; \
            memcpy(mem, mem + stack_of(r) + level * c, (size_t)c * sizeof(T)); \
            if (r->kind == CT_LSE) memcpy(mem + temps_of(r), mem + tops_of(r) + level * c, (size_t)c * sizeof(T)); \
        } \
        f->blocks = 0; \
    } \
    static void result_##T(machine *m, const ct_instr *in) { \
        const ct_reducer *r = &m->p->reds[in->k]; \
        MEMORY(T); \
        gather_blocks_##T(m, r, &m->folds[in->k]); \
        T *d = (T *)m->reg[in->d]; \
        if (r->kind == CT_LSE) lse_end_##T(m, d, mem, mem + temps_of(r), width(m, r)); \
        else memcpy(d, mem, (size_t)width(m, r) * sizeof(T)); \
    }
REDUCE(i32)
REDUCE(i64)
REDUCE(f32)
REDUCE(f64)

/* Writes what the reducers hold to list. */
static void give_out(machine *m, uint64_t *list) {
    typedef void gatherer(machine *, const ct_reducer *, fold *);
    static gatherer *const gathers[] = {0, gather_blocks_i32, gather_blocks_i64, gather_blocks_f32, gather_blocks_f64};
    static const int size[] = {1, 4, 8, 4, 8};
    for (i64 i = 0; i < m->p->reducers; i++) {
        const ct_reducer *r = &m->p->reds[i];
        gathers[r->dt](m, r, &m->folds[i]);
        const size_t words = (size_t)(width(m, r) * size[r->dt] + 7) / 8;
        const char *mem = m->r->mem + r->at;
        memcpy(list, mem, words * 8);
        memcpy(list + words, mem + temps_of(r) * size[r->dt], words * 8);
        list += 2 * words;
    }
}
