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
        if (sr == sizeof(T) && dc == sizeof(T) && rows >= 8) { \
            square_##T(d, dr, s, sc, rows, cols); \
            return; \
        } \
        if (dr == sizeof(T) && sc == sizeof(T) && rows >= 8) { \
            square_##T(d, dc, s, sr, cols, rows); \
            return; \
        } \
        for (long r = 0; r < rows; r++) line_##T(d + r * dr, dc, s + r * sr, sc, cols); \
    } \
    /* d[r][c] = s[c][r] */ \
    static void square_##T(char *d, i64 dr, const char *s, i64 sc, long rows, long cols) { \
        enum { W = 8 }; \
        for (long r = 0; r < rows; r += W) { \
            const long h = rows - r < W ? rows - r : W; \
            for (long c = 0; c < cols; c += W) { \
                const long w = cols - c < W ? cols - c : W; \
                T t[W][W]; \
                const char *from = s + c * sc + r * (long)sizeof(T); \
                char *to = d + r * dr + c * (long)sizeof(T); \
                if (h == W && w == W) { \
                    for (long j = 0; j < W; j++) memcpy(t[j], from + j * sc, W * sizeof(T)); \
                    for (long i = 0; i < W; i++) { \
                        T u[W]; \
                        for (long j = 0; j < W; j++) u[j] = t[j][i]; \
                        memcpy(to + i * dr, u, W * sizeof(T)); \
                    } \
                } else { \
                    for (long i = 0; i < h; i++) \
                        for (long j = 0; j < w; j++) \
                            *(T *)(to + i * dr + j * (long)sizeof(T)) = *(const T *)(from + j * sc + i * (long)sizeof(T)); \
                } \
            } \
        } \
    }

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
        for (long i = 0; i < n; i++) { \
            if (off[i] == OUT_OF_RANGE) continue; \
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
        for (long r = 0; r < m->rows; r++, s += n) { \
            if (off[r] == OUT_OF_RANGE) continue; \
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

/* The value of a virtual access at a lane. */
static inline i64 number(const machine *m, int32_t k, i64 r, i64 c) {
    const ct_access *a = &m->p->access[k];
    return m->at[k] + at_row(m, a, r) + at_col(m, a, c);
}

static inline int in_range(const machine *m, int32_t k, i64 r, i64 c) {
    const i64 v = number(m, k, r, c);
    return v >= 0 && v < m->p->access[k].size;
}

/* Narrows the columns lo to hi-1 of a row to those that a guard without a table of columns lets pass. */
static void narrow(const machine *m, int32_t k, i64 r, i64 *lo, i64 *hi) {
    const ct_access *a = &m->p->access[k];
    i64 v = m->at[k] + at_row(m, a, r), from = *lo, to = *hi;
    if (a->col == 0) {
        if (v < 0 || v >= a->size) to = from;
    } else if (a->col > 0) { /* 0 <= v + c*col < size */
        if (v < 0 && (-v + a->col - 1) / a->col > from) from = (-v + a->col - 1) / a->col;
        const i64 end = v >= a->size ? 0 : (a->size - v + a->col - 1) / a->col;
        if (end < to) to = end;
    } else {
        const i64 step = -a->col;
        if (v >= a->size && (v - a->size) / step + 1 > from) from = (v - a->size) / step + 1;
        const i64 end = v < 0 ? 0 : v / step + 1;
        if (end < to) to = end;
    }
    *lo = from;
    *hi = to < from ? from : to;
}

#define GUARD(T) \
    static void guard_##T(machine *m, const ct_instr *in) { \
        long rows, cols; \
        extents(m, in->cls, &rows, &cols); \
        const ct_access *a = &m->p->access[in->k]; \
        const int32_t first = in->k + 1, last = in->k + in->e; \
        int tabled = a->col_tab >= 0; \
        for (int32_t g = first; g <= last; g++) tabled |= m->p->access[g].col_tab >= 0; \
        T *d = (T *)m->reg[in->d]; \
        const i64 start = m->at[in->k]; \
        const char *base = m->r->base[a->arg]; \
        for (long r = 0; r < rows; r++, d += cols) { \
            i64 lo = 0, hi = cols; \
            if (tabled) { \
                for (long c = 0; c < cols; c++) { \
                    int ok = 1; \
                    for (int32_t g = first; g <= last; g++) ok &= in_range(m, g, r, c); \
                    d[c] = ok ? *(const T *)(base + start + at_row(m, a, r) + at_col(m, a, c)) : 0; \
                } \
                continue; \
            } \
            for (int32_t g = first; g <= last; g++) narrow(m, g, r, &lo, &hi); \
            memset(d, 0, (size_t)lo * sizeof(T)); \
            if (lo < hi) \
                line_##T((char *)(d + lo), sizeof(T), base + start + at_row(m, a, r) + a->col * lo, a->col, hi - lo); \
            memset(d + hi, 0, (size_t)(cols - hi) * sizeof(T)); \
        } \
    }

static void index_lanes(machine *m, const ct_instr *in) {
    long rows, cols;
    extents(m, in->cls, &rows, &cols);
    i64 *d = (i64 *)m->reg[in->d];
    for (long r = 0; r < rows; r++)
        for (long c = 0; c < cols; c++) *d++ = number(m, in->k, r, c);
}

static void within(machine *m, const ct_instr *in) {
    long rows, cols;
    extents(m, in->cls, &rows, &cols);
    i64 *d = (i64 *)m->reg[in->d];
    const i64 *a = (const i64 *)m->reg[in->a];
    for (long r = 0; r < rows; r++)
        for (long c = 0; c < cols; c++, d++, a++) *d = in_range(m, in->k, r, c) ? *a : OUT_OF_RANGE;
}

#define WRAP(T) \
    static void wrap_##T(machine *m, const ct_instr *in) { \
        const long n = lanes_of(m, in->cls); \
        const ct_wrap w = m->p->wraps[in->k]; \
        i64 *d = (i64 *)m->reg[in->d]; \
        const i64 *a = (const i64 *)m->reg[in->a]; \
        const T *b = (const T *)m->reg[in->b]; \
        for (long i = 0; i < n; i++) { \
            i64 x = b[i]; \
            x += x < 0 ? w.size : 0; \
            if (x < 0 || x >= w.size) { \
                if (!m->fault) m->r->fault_index = b[i], m->r->fault_size = w.size; \
                m->fault = 1; \
                d[i] = OUT_OF_RANGE; \
            } else { \
                d[i] = a[i] == OUT_OF_RANGE ? OUT_OF_RANGE : a[i] + x * w.stride; \
            } \
        } \
    }

#define GATHER(T) \
    static void gather_##T(machine *m, const ct_instr *in) { \
        const long n = lanes_of(m, in->cls); \
        const i64 *off = (const i64 *)m->reg[in->a]; \
        const char *base = m->r->base[in->k]; \
        T *d = (T *)m->reg[in->d]; \
        for (long i = 0; i < n; i++) d[i] = off[i] == OUT_OF_RANGE ? 0 : *(const T *)(base + off[i]); \
    } \
    static void gather_rows_##T(machine *m, const ct_instr *in) { \
        const ct_access *a = &m->p->access[in->k]; \
        const i64 *off = (const i64 *)m->reg[in->a]; \
        const char *base = m->r->base[a->arg]; \
        T *d = (T *)m->reg[in->d]; \
        for (long r = 0; r < m->rows; r++, d += m->cols) { \
            if (off[r] == OUT_OF_RANGE) { \
                memset(d, 0, (size_t)m->cols * sizeof(T)); \
            } else if (a->col_tab < 0) { \
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
        if (in->form == CT_ONE) cols *= rows, rows = 1; \
        for (long r = 0; r < rows; r++, d += cols) \
            line_##T((char *)d, sizeof(T), (const char *)(in->form == CT_COL ? a : a + r), in->form == CT_COL ? sizeof(T) : 0, cols); \
    }

#define MOVES(T) LOAD(T) GUARD(T) GATHER(T)
MOVES(u8)
MOVES(u32)
MOVES(u64)
WRAP(i32)
WRAP(i64)
ADD(i32, u32)
ADD(i64, u64)
ADD(f32, f32)
ADD(f64, f64)
