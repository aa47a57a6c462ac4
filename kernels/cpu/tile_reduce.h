/* Reductions, by the one tree that doc.go describes: the twins of reduce.go. */

/* The parts of a reducer's memory, in elements. */
static inline i64 stack_of(const ct_reducer *r) { return CT_LANES * r->cols; }
static inline i64 tops_of(const ct_reducer *r) { return stack_of(r) + r->levels * r->cols; }
static inline i64 kept_of(const ct_reducer *r) { return tops_of(r) + r->levels * r->cols; }
static inline i64 temps_of(const ct_reducer *r) { return kept_of(r) + (i64)r->keep * r->cols; }

/* a = a*b with * for the combination, and b = a*b. */
#define FOLD_LOOPS(T, SUM, PROD) \
    static inline void fold_into_##T(int kind, T *a, const T *b, long n) { \
        switch (kind) { \
        case CT_PROD: CT_EACH { const T x = a[i], y = b[i]; a[i] = PROD; } break; \
        case CT_MAX: CT_EACH { const T x = a[i], y = b[i]; a[i] = LARGER(x, y); } break; \
        case CT_MIN: CT_EACH { const T x = a[i], y = b[i]; a[i] = SMALLER(x, y); } break; \
        default: CT_EACH { const T x = a[i], y = b[i]; a[i] = SUM; } \
        } \
    } \
    static inline void fold_onto_##T(int kind, const T *a, T *b, long n) { \
        switch (kind) { \
        case CT_PROD: CT_EACH { const T x = a[i], y = b[i]; b[i] = PROD; } break; \
        case CT_MAX: CT_EACH { const T x = a[i], y = b[i]; b[i] = LARGER(x, y); } break; \
        case CT_MIN: CT_EACH { const T x = a[i], y = b[i]; b[i] = SMALLER(x, y); } break; \
        default: CT_EACH { const T x = a[i], y = b[i]; b[i] = SUM; } \
        } \
    }

/* Adds whole rounds of lanes of one column, which stay in registers. */
#define ROUNDS(T, name, expr) \
    static const T *name##_rounds_##T(T *lanes, const T *v, long n) { \
        T l[CT_LANES]; \
        memcpy(l, lanes, sizeof l); \
        for (; n >= CT_LANES; n -= CT_LANES, v += CT_LANES) \
            for (int i = 0; i < CT_LANES; i++) { const T x = l[i], y = v[i]; l[i] = expr; } \
        memcpy(lanes, l, sizeof l); \
        return v; \
    }

#define FOLDS(T, SUM, PROD) \
    FOLD_LOOPS(T, SUM, PROD) \
    ROUNDS(T, sum, SUM) ROUNDS(T, prod, PROD) ROUNDS(T, max, LARGER(x, y)) ROUNDS(T, min, SMALLER(x, y)) \
    static const T *rounds_##T(int kind, T *lanes, const T *v, long n) { \
        switch (kind) { \
        case CT_PROD: return prod_rounds_##T(lanes, v, n); \
        case CT_MAX: return max_rounds_##T(lanes, v, n); \
        case CT_MIN: return min_rounds_##T(lanes, v, n); \
        } \
        return sum_rounds_##T(lanes, v, n); \
    } \
    /* Adds n values, in rows of c, to the lanes of a block that holds so many rows. */ \
    static void add_rows_##T(int kind, T *sums, long c, long rows, const T *x, long n) { \
        while (n > 0) { \
            const long l = rows % CT_LANES; \
            long k = (CT_LANES - l) * c; \
            if (k > n) k = n; \
            if (rows < CT_LANES) { \
                memcpy(sums + l * c, x, (size_t)k * sizeof(T)); \
            } else if (c == 1 && l == 0 && n >= CT_LANES) { \
                const T *end = rounds_##T(kind, sums, x, n); \
                k = end - x; \
            } else { \
                fold_into_##T(kind, sums + l * c, x, k); \
            } \
            x += k, n -= k, rows += k / c; \
        } \
    } \
    /* Combines the lanes of a block of so many rows into the first. */ \
    static void fold_lanes_##T(int kind, T *sums, long c, long rows) { \
        if (rows > CT_LANES) rows = CT_LANES; \
        for (long w = CT_LANES / 2; w > 0; w /= 2) { \
            if (rows <= w) continue; \
            fold_into_##T(kind, sums, sums + w * c, (rows - w) * c); \
            rows = w; \
        } \
    }

FOLDS(u8, (u8)(x + y), (u8)(x * y))
FOLDS(i32, (i32)((u32)x + (u32)y), (i32)((u32)x * (u32)y))
FOLDS(i64, (i64)((u64)x + (u64)y), (i64)((u64)x * (u64)y))
FOLDS(f32, x + y, x *y)
FOLDS(f64, x + y, x *y)

#define MEMORY(T) T *mem = (T *)(m->r->mem + r->at)

/* The log of a sum of exponentials: a maximum, and the sum of exponentials less it. */
#define LSE(T) \
    /* Sets top to the maxima of columns, and sums to the sums of exp(x - top); overwrites x. */ \
    static void lse_of_##T(const machine *m, T *x, long rows, long c, T *top, T *sums) { \
        memcpy(top, x, (size_t)c * sizeof(T)); \
        if (c == 1) { \
            T lane[CT_LANES]; \
            add_rows_##T(CT_MAX, lane, 1, 0, x, rows); \
            fold_lanes_##T(CT_MAX, lane, 1, rows); \
            *top = *lane; \
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
        lse_of_##T(m, mem + kept_of(r), rows, m->cols, mem + temps_of(r), mem); \
    } \
    static void lse_join_##T(machine *m, const ct_reducer *r, long level) { \
        MEMORY(T); \
        const long n = m->cols; \
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
        const long n = m->cols; \
        for (long i = 0; i < m->rows; i++) { \
            memcpy(mem, a + i * n, (size_t)n * sizeof(T)); \
            T *top = mem + 2 * CT_TILE + i; \
            lse_of_##T(m, mem, n, 1, top, mem + CT_TILE); \
            d[i] = mem[CT_TILE]; \
        } \
        lse_end_##T(m, d, d, mem + 2 * CT_TILE, m->rows); \
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
NO_LSE(u8)
NO_LSE(i32)
NO_LSE(i64)

#define REDUCE(T) \
    static void reduce_rows_##T(machine *m, const ct_instr *in) { \
        const ct_reducer *r = &m->p->reds[in->k]; \
        T *d = (T *)m->reg[in->d]; \
        const T *a = (const T *)m->reg[in->a]; \
        if (r->kind == CT_LSE) { \
            lse_rows_##T(m, r, d, a); \
            return; \
        } \
        T lanes[CT_LANES]; \
        for (long i = 0; i < m->rows; i++, a += m->cols) { \
            add_rows_##T(r->kind, lanes, 1, 0, a, m->cols); \
            fold_lanes_##T(r->kind, lanes, 1, m->cols); \
            d[i] = *lanes; \
        } \
    } \
    static void reduce_cols_##T(machine *m, const ct_instr *in) { \
        const ct_reducer *r = &m->p->reds[in->k]; \
        T *d = (T *)m->reg[in->d]; \
        const T *a = (const T *)m->reg[in->a]; \
        if (r->kind == CT_LSE) { \
            lse_cols_##T(m, r, d, a); \
            return; \
        } \
        MEMORY(T); \
        memcpy(mem, a, (size_t)(m->rows * m->cols) * sizeof(T)); \
        fold_lanes_##T(r->kind, mem, m->cols, m->rows); \
        memcpy(d, mem, (size_t)m->cols * sizeof(T)); \
    } \
    static void join_##T(machine *m, const ct_reducer *r, long level) { \
        MEMORY(T); \
        if (r->kind == CT_LSE) lse_join_##T(m, r, level); \
        else fold_onto_##T(r->kind, mem + stack_of(r) + level * m->cols, mem, m->cols); \
    } \
    /* Completes the block under way and takes it in: blocks are combined in pairs, pairs in pairs. */ \
    static void close_block_##T(machine *m, const ct_reducer *r, fold *f) { \
        MEMORY(T); \
        const long c = m->cols; \
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
        const T *x = (const T *)m->reg[in->a]; \
        const long c = m->cols; \
        for (long rows = m->rows; rows > 0;) { \
            const long n = rows < CT_BLOCK - f->rows ? rows : CT_BLOCK - f->rows; \
            if (r->keep) memcpy(mem + kept_of(r) + f->rows * c, x, (size_t)(n * c) * sizeof(T)); \
            else add_rows_##T(r->kind, mem, c, f->rows, x, n * c); \
            f->rows += n, rows -= n, x += n * c; \
            if (f->rows == CT_BLOCK) close_block_##T(m, r, f); \
        } \
    } \
    /* Combines all blocks, the last ones first. */ \
    static void gather_blocks_##T(machine *m, const ct_reducer *r, fold *f) { \
        MEMORY(T); \
        const long c = m->cols; \
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
        if (r->kind == CT_LSE) lse_end_##T(m, d, mem, mem + temps_of(r), m->cols); \
        else memcpy(d, mem, (size_t)m->cols * sizeof(T)); \
    }
REDUCE(u8)
REDUCE(i32)
REDUCE(i64)
REDUCE(f32)
REDUCE(f64)

/* Writes what the reducers hold to list. */
static void give_out(machine *m, uint64_t *list) {
    typedef void gatherer(machine *, const ct_reducer *, fold *);
    static gatherer *const gathers[] = {gather_blocks_u8, gather_blocks_i32, gather_blocks_i64, gather_blocks_f32, gather_blocks_f64};
    static const int size[] = {1, 4, 8, 4, 8};
    for (i64 i = 0; i < m->p->reducers; i++) {
        const ct_reducer *r = &m->p->reds[i];
        gathers[r->dt](m, r, &m->folds[i]);
        const size_t words = (size_t)(m->cols * size[r->dt] + 7) / 8;
        const char *mem = m->r->mem + r->at;
        memcpy(list, mem, words * 8);
        memcpy(list + words, mem + temps_of(r) * size[r->dt], words * 8);
        list += 2 * words;
    }
}
