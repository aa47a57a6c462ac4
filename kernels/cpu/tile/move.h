/* Memory and lanes: loads, stores, gathers, scatters and spreads, the twins of move.go. */

#define OUT_OF_RANGE INT64_MIN /* the offset of an element that is not there */

static inline char *pointer(const machine *m, int32_t k) { return m->r->base[m->p->access[k].arg] + m->at[k]; }

static void point(machine *m, const ct_instr *in) { m->reg[in->d] = pointer(m, in->k); }

static inline i64 at_row(const machine *m, const ct_access *a, i64 r) {
    return a->row_tab >= 0 ? m->p->tables[a->row_tab + r] : a->row * r;
}

static inline i64 at_col(const machine *m, const ct_access *a, i64 c) {
    return a->col_tab >= 0 ? m->p->tables[a->col_tab + c] : a->col * c;
}

static inline void extents(const machine *m, int cls, long *rows, long *cols) {
    *rows = cls & CT_ROW ? m->rows : 1;
    *cols = cls & CT_COL ? m->cols : 1;
}

/* Copies a matrix between any strides, in bytes. The longer of its sides becomes the inner loop, unless the other one
 * runs along memory on both ends; where the ends run along different sides it goes in squares. */
#define MOVE(T) \
    static inline void line_##T(char *restrict d, i64 dn, const char *restrict s, i64 sn, long n) { \
        if (dn == sizeof(T) && sn == sizeof(T)) { \
            CT_EACH ((T *)d)[i] = ((const T *)s)[i]; \
        } else if (dn == sizeof(T) && sn == 0) { \
            const T x = *(const T *)s; \
            CT_EACH ((T *)d)[i] = x; \
        } else if (dn == sizeof(T)) { \
            for (long i = 0; i < n; i++) ((T *)d)[i] = *(const T *)(s + i * sn); \
        } else { \
            for (long i = 0; i < n; i++) *(T *)(d + i * dn) = *(const T *)(s + i * sn); \
        } \
    } \
    static void move_##T(char *d, i64 dr, i64 dc, const char *s, i64 sr, i64 sc, long rows, long cols) { \
        const int along = dc == sizeof(T) && (sc == sizeof(T) || sc == 0); \
        if (cols < rows && (!along || cols < 8)) { \
            long n = rows; \
            i64 t = dr; \
            rows = cols, cols = n, dr = dc, dc = t, t = sr, sr = sc, sc = t; \
        } \
        if (sr == sizeof(T) && dc == sizeof(T) && rows >= 4 && cols >= 4) { \
            square_##T(d, dr, s, sc, rows, cols); \
            return; \
        } \
        if (dr == sizeof(T) && sc == sizeof(T) && rows >= 4 && cols >= 4) { \
            square_##T(d, dc, s, sr, cols, rows); \
            return; \
        } \
        for (long r = 0; r < rows; r++) line_##T(d + r * dr, dc, s + r * sr, sc, cols); \
    } \
    /* d[r][c] = s[c][r] */ \
    static void square_##T(char *d, i64 dr, const char *s, i64 sc, long rows, long cols) { \
        const long r8 = rows & ~7L, c8 = cols & ~7L; \
        for (long r = 0; r < r8; r += 8) \
            for (long c = 0; c < c8; c += 8) \
                eight_##T(d + r * dr + c * (long)sizeof(T), dr, s + c * sc + r * (long)sizeof(T), sc); \
        for (long r = 0; r < rows; r++) \
            for (long c = r < r8 ? c8 : 0; c < cols; c++) \
                *(T *)(d + r * dr + c * (long)sizeof(T)) = *(const T *)(s + c * sc + r * (long)sizeof(T)); \
    }

/* Transposes a square of 8 by 8. */
static inline void eight_u8(char *d, i64 dr, const char *s, i64 sc) {
    for (int r = 0; r < 8; r++)
        for (int c = 0; c < 8; c++) d[r * dr + c] = s[c * sc + r];
}

#define EIGHT(T, V) \
    typedef T V __attribute__((vector_size(8 * sizeof(T)))); \
    static inline void eight_##T(char *d, i64 dr, const char *s, i64 sc) { \
        V a[8], b[8]; \
        for (int i = 0; i < 8; i++) memcpy(&a[i], s + i * sc, sizeof a[i]); \
        for (int i = 0; i < 4; i++) { \
            b[2 * i] = __builtin_shufflevector(a[2 * i], a[2 * i + 1], 0, 8, 2, 10, 4, 12, 6, 14); \
            b[2 * i + 1] = __builtin_shufflevector(a[2 * i], a[2 * i + 1], 1, 9, 3, 11, 5, 13, 7, 15); \
        } \
        for (int i = 0; i < 4; i++) { \
            const int j = (i & 1) + (i & 2) * 2; \
            a[j] = __builtin_shufflevector(b[j], b[j + 2], 0, 1, 8, 9, 4, 5, 12, 13); \
            a[j + 2] = __builtin_shufflevector(b[j], b[j + 2], 2, 3, 10, 11, 6, 7, 14, 15); \
        } \
        for (int i = 0; i < 4; i++) { \
            b[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11); \
            b[i + 4] = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15); \
        } \
        for (int i = 0; i < 8; i++) memcpy(d + i * dr, &b[i], sizeof b[i]); \
    }
EIGHT(u32, eight_of_u32)
EIGHT(u64, eight_of_u64)

#define LOAD(T) \
    static void square_##T(char *d, i64 dr, const char *s, i64 sc, long rows, long cols); \
    MOVE(T) \
    static void load_##T(machine *m, const ct_instr *in) { \
        long rows, cols; \
        extents(m, in->cls, &rows, &cols); \
        const ct_access *a = &m->p->access[in->k]; \
        const char *s = pointer(m, in->k); \
        T *d = (T *)m->reg[in->d]; \
        if (a->row_tab < 0 && a->col_tab < 0) { \
            move_##T((char *)d, cols * (i64)sizeof(T), sizeof(T), s, a->row, a->col, rows, cols); \
            return; \
        } \
        for (long r = 0; r < rows; r++, d += cols) { \
            const char *p = s + at_row(m, a, r); \
            if (a->col_tab < 0) { \
                line_##T((char *)d, sizeof(T), p, a->col, cols); \
            } else { \
                const i64 *tab = m->p->tables + a->col_tab; \
                for (long c = 0; c < cols; c++) d[c] = *(const T *)(p + tab[c]); \
            } \
        } \
    } \
    static void store_##T(machine *m, const ct_instr *in) { \
        long rows, cols; \
        extents(m, in->cls, &rows, &cols); \
        const ct_access *a = &m->p->access[in->k]; \
        char *d = pointer(m, in->k); \
        const T *s = (const T *)m->reg[in->a]; \
        if (a->row_tab < 0 && a->col_tab < 0) { \
            move_##T(d, a->row, a->col, (const char *)s, cols * (i64)sizeof(T), sizeof(T), rows, cols); \
            return; \
        } \
        for (long r = 0; r < rows; r++) { \
            char *p = d + at_row(m, a, r); \
            for (long c = 0; c < cols; c++) *(T *)(p + at_col(m, a, c)) = *s++; \
        } \
    }

/* Without tables. */
#define COPY(T) \
    static void copy_##T(machine *m, const ct_instr *in) { \
        long rows, cols; \
        extents(m, in->cls, &rows, &cols); \
        const ct_access *s = &m->p->access[in->k], *d = &m->p->access[in->e]; \
        move_##T(pointer(m, in->e), d->row, d->col, pointer(m, in->k), s->row, s->col, rows, cols); \
    }

#define ADD(T, U) \
    static void store_add_##T(machine *m, const ct_instr *in) { \
        long rows, cols; \
        extents(m, in->cls, &rows, &cols); \
        const ct_access *a = &m->p->access[in->k]; \
        char *d = pointer(m, in->k); \
        const T *s = (const T *)m->reg[in->a]; \
        for (long r = 0; r < rows; r++) { \
            char *p = d + at_row(m, a, r); \
            for (long c = 0; c < cols; c++) { \
                T *x = (T *)(p + at_col(m, a, c)); \
                *x = (T)((U)*x + (U)*s++); \
            } \
        } \
    } \
    static void scatter_##T(machine *m, const ct_instr *in) { \
        const long n = lanes_of(m, in->cls); \
        const i64 *off = (const i64 *)m->reg[in->a]; \
        const T *s = (const T *)m->reg[in->b]; \
        char *base = m->r->base[in->k]; \
        if (m->fault) return; \
        for (long i = 0; i < n; i++) { \
            T *x = (T *)(base + off[i]); \
            *x = (T)((U)*x + (U)s[i]); \
        } \
    } \
    static void scatter_rows_##T(machine *m, const ct_instr *in) { \
        const ct_access *a = &m->p->access[in->k]; \
        const i64 *off = (const i64 *)m->reg[in->a]; \
        const T *s = (const T *)m->reg[in->b]; \
        char *base = m->r->base[a->arg]; \
        const long n = m->cols; \
        if (m->fault) return; \
        for (long r = 0; r < m->rows; r++, s += n) { \
            char *p = base + off[r]; \
            if (a->col_tab < 0 && a->col == sizeof(T)) { \
                T *x = (T *)p; \
                CT_EACH x[i] = (T)((U)x[i] + (U)s[i]); \
            } else { \
                for (long i = 0; i < n; i++) { \
                    T *x = (T *)(p + at_col(m, a, i)); \
                    *x = (T)((U)*x + (U)s[i]); \
                } \
            } \
        } \
    }

/* An access along one line of a tile: a row, or the column where there is but one. */
typedef struct {
    i64 start, step, size;
    const i64 *tab; /* in place of the step, or null */
} line;

static line line_of(const machine *m, int32_t k, long i, int by_rows) {
    const ct_access *a = &m->p->access[k];
    if (by_rows) return (line){m->at[k], a->row, a->size, a->row_tab >= 0 ? m->p->tables + a->row_tab : 0};
    return (line){m->at[k] + at_row(m, a, i), a->col, a->size, a->col_tab >= 0 ? m->p->tables + a->col_tab : 0};
}

static inline i64 on_line(const line *l, i64 i) { return l->start + (l->tab ? l->tab[i] : l->step * i); }

/* Lines of a class: their number and length, and whether they run along the rows' direction. */
static int lines_of(const machine *m, int cls, long *count, long *n) {
    extents(m, cls, count, n);
    if (*n > 1 || *count == 1) return 0;
    *n = *count;
    *count = 1;
    return 1;
}

/* Narrows lanes lo to hi-1 of a line to those where its value is from 0 to size-1. */
static void narrow(const line *l, i64 *lo, i64 *hi) {
    const i64 v = l->start, step = l->step > 0 ? l->step : -l->step;
    i64 from = 0, to = *hi;
    if (step == 0) {
        if (v < 0 || v >= l->size) to = 0;
    } else if (l->step > 0) {
        if (v < 0) from = (-v + step - 1) / step;
        to = v >= l->size ? 0 : (l->size - v + step - 1) / step;
    } else {
        if (v >= l->size) from = (v - l->size) / step + 1;
        to = v < 0 ? 0 : v / step + 1;
    }
    if (from > *lo) *lo = from;
    if (to < *hi) *hi = to;
    if (*lo > *hi) *lo = *hi; /* hi, too, is a lane at most n */
}

#define GUARD(T) \
    static void guard_##T(machine *m, const ct_instr *in) { \
        long count, n; \
        const int by_rows = lines_of(m, in->cls, &count, &n); \
        const char *base = m->r->base[m->p->access[in->k].arg]; \
        m->reg[in->d] = m->r->mem + m->p->slots[in->d]; \
        T *d = (T *)m->reg[in->d]; \
        for (long r = 0; r < count; r++, d += n) { \
            const line at = line_of(m, in->k, r, by_rows); \
            i64 lo = 0, hi = n; \
            int tabled = 0; \
            for (int32_t g = in->k + 1; g <= in->k + in->e; g++) { \
                const line l = line_of(m, g, r, by_rows); \
                if (l.tab) tabled = 1; \
                else narrow(&l, &lo, &hi); \
            } \
            if (count == 1 && lo == 0 && hi == n && at.step == sizeof(T) && !tabled && !at.tab) { \
                m->reg[in->d] = (char *)base + at.start; /* all there: read in place */ \
                return; \
            } \
            memset(d, 0, (size_t)lo * sizeof(T)); \
            memset(d + hi, 0, (size_t)(n - hi) * sizeof(T)); \
            if (!tabled && !at.tab) { \
                if (lo < hi) line_##T((char *)(d + lo), sizeof(T), base + at.start + at.step * lo, at.step, hi - lo); \
                continue; \
            } \
            for (i64 i = lo; i < hi; i++) { \
                int ok = 1; \
                for (int32_t g = in->k + 1; g <= in->k + in->e; g++) { \
                    const line l = line_of(m, g, r, by_rows); \
                    const i64 v = on_line(&l, i); \
                    ok &= v >= 0 && v < l.size; \
                } \
                d[i] = ok ? *(const T *)(base + on_line(&at, i)) : 0; \
            } \
        } \
    }

static void index_lanes(machine *m, const ct_instr *in) {
    long count, n;
    const int by_rows = lines_of(m, in->cls, &count, &n);
    i64 *d = (i64 *)m->reg[in->d];
    for (long r = 0; r < count; r++, d += n) {
        const line l = line_of(m, in->k, r, by_rows);
        if (l.tab) {
            CT_EACH d[i] = l.start + l.tab[i];
        } else {
            CT_EACH d[i] = l.start + l.step * i;
        }
    }
}

static void within(machine *m, const ct_instr *in) {
    long count, n;
    const int by_rows = lines_of(m, in->cls, &count, &n);
    i64 *d = (i64 *)m->reg[in->d];
    const i64 *a = (const i64 *)m->reg[in->a];
    for (long r = 0; r < count; r++, d += n, a += n) {
        const line l = line_of(m, in->k, r, by_rows);
        for (long i = 0; i < n; i++) d[i] = (u64)on_line(&l, i) < (u64)l.size ? a[i] : OUT_OF_RANGE;
    }
}

/* Indices are checked at once; after a fault nothing is gathered or scattered. */
#define WRAP(T) \
    static void wrap_##T(machine *m, const ct_instr *in) { \
        const long n = lanes_of(m, in->cls); \
        const i64 size = m->p->wraps[in->k].size, stride = m->p->wraps[in->k].stride; \
        i64 *d = (i64 *)m->reg[in->d]; \
        const i64 *a = (const i64 *)m->reg[in->a]; \
        const T *b = (const T *)m->reg[in->b]; \
        int bad = 0; \
        CT_EACH { \
            i64 x = b[i]; \
            x = x < 0 ? x + size : x; \
            bad |= (x < 0) | (x >= size); \
            d[i] = (i64)((u64)a[i] + (u64)x * (u64)stride); /* x may be out of range */ \
        } \
        for (long i = 0; bad && !m->fault && i < n; i++) { \
            if (b[i] >= -size && b[i] < size) continue; \
            m->r->fault_index = b[i]; \
            m->r->fault_size = size; \
            m->fault = 1; \
        } \
    }

#define GATHER(T) \
    static void gather_##T(machine *m, const ct_instr *in) { \
        const long n = lanes_of(m, in->cls); \
        const i64 *off = (const i64 *)m->reg[in->a]; \
        const char *base = m->r->base[in->k]; \
        T *d = (T *)m->reg[in->d]; \
        if (m->fault) return; \
        for (long i = 0; i < n; i++) d[i] = off[i] == OUT_OF_RANGE ? 0 : *(const T *)(base + off[i]); \
    } \
    static void gather_rows_##T(machine *m, const ct_instr *in) { \
        const ct_access *a = &m->p->access[in->k]; \
        const i64 *off = (const i64 *)m->reg[in->a]; \
        const char *base = m->r->base[a->arg]; \
        T *d = (T *)m->reg[in->d]; \
        if (m->fault) return; \
        for (long r = 0; r < m->rows; r++, d += m->cols) { \
            if (a->col_tab < 0) { \
                line_##T((char *)d, sizeof(T), base + off[r], a->col, m->cols); \
            } else { \
                for (long c = 0; c < m->cols; c++) d[c] = *(const T *)(base + off[r] + at_col(m, a, c)); \
            } \
        } \
    } \
    static void spread_##T(machine *m, const ct_instr *in) { \
        long rows, cols; \
        extents(m, in->cls, &rows, &cols); \
        T *d = (T *)m->reg[in->d]; \
        const T *a = (const T *)m->reg[in->a]; \
        if (in->form == CT_COL) { \
            const long n = rows * cols; \
            memcpy(d, a, (size_t)cols * sizeof(T)); \
            for (long have = cols; have < n; have *= 2) \
                memcpy(d + have, d, (size_t)(have < n - have ? have : n - have) * sizeof(T)); \
            return; \
        } \
        if (in->form == CT_ONE) cols *= rows, rows = 1; \
        move_##T((char *)d, cols * (i64)sizeof(T), sizeof(T), (const char *)a, sizeof(T), 0, rows, cols); \
    }

#define MOVES(T) LOAD(T) COPY(T) GUARD(T) GATHER(T)
MOVES(u8)
MOVES(u32)
MOVES(u64)
WRAP(i32)
WRAP(i64)
ADD(i32, u32)
ADD(i64, u64)
ADD(f32, f32)
ADD(f64, f64)
