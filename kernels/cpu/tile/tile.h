/* Tile code, as the Go side writes it and the C side runs it. The structures are those of code.go and plan.go. */
#ifndef COTANGENT_TILE_H
#define COTANGENT_TILE_H

#include <stdint.h>
#include "../vmath/vmath_table.h"

/* The instructions, in the order of code.go. */
#define CT_OPS(X) \
    X(ptr) X(load) X(guard) X(index) X(wrap) X(within) X(gather) X(gather_rows) X(spread) \
    X(store) X(copy) X(store_add) X(scatter) X(scatter_rows) X(cast) \
    X(neg) X(abs) X(sign) X(square) X(sqrt) X(recip) X(elementary) X(elementary2) X(not) \
    X(add) X(sub) X(mul) X(div) X(max) X(min) X(smul) X(eq) X(ne) X(lt) X(le) X(and) X(or) \
    X(select) X(mul_add) X(mul_sub) X(sub_mul) X(select_lt) X(select_le) \
    X(reduce_rows) X(reduce_cols) X(accumulate) X(result)

#define CT_X(name) CT_OP_##name,
enum { CT_OPS(CT_X) CT_NUM_OPS };
#undef CT_X

/* The element types, as device.DType. */
enum { CT_BOOL, CT_I32, CT_I64, CT_F32, CT_F64, CT_NUM_DTYPES };

/* The combiners, as loop.Combiner. */
enum { CT_NO_REDUCE, CT_SUM, CT_PROD, CT_MAX, CT_MIN, CT_LSE };

/* The elementary functions, in the order of elementary.go. */
#define CT_ELEMENTARY(X) \
    X(exp) X(expm1) X(log) X(log1p) X(sin) X(cos) X(tan) X(tanh) X(sigmoid) X(softplus) X(lgamma) X(digamma) X(erf)
#define CT_ELEMENTARY2(X) X(pow) X(atan2) X(hypot)
#define CT_X(name) CT_E_##name,
enum { CT_ELEMENTARY(CT_X) CT_E_polygamma, CT_ELEMENTARY2(CT_X) CT_NUM_ELEMENTARY };
#undef CT_X

enum { CT_ONE, CT_ROW, CT_COL, CT_FULL };
enum { CT_PROLOGUE, CT_BODY, CT_EPILOGUE };
enum { CT_LANES = 16, CT_BLOCK = 1024, CT_TILE = 512 };

typedef struct {
    uint8_t op, dt, cls, form;
    uint16_t d, a, b, c, e;
    int32_t k;
} ct_instr;

typedef struct {
    int32_t arg, unit;
    int64_t c0, size, row, col;
    int32_t row_tab, col_tab;
} ct_access;

typedef struct { int64_t stride, size; } ct_wrap;
typedef struct { uint16_t value; uint64_t bits; } ct_constant;
typedef struct { uint8_t kind, dt; int32_t at, cols, keep, levels; } ct_reducer;
typedef struct { int64_t dim, size, last; } ct_span;

typedef struct {
    int64_t dims, inner, accesses, values, constants, reducers;
    ct_span rows, cols;
    int64_t ncode[3];
    const ct_instr *code[3];
    const int64_t *counts;  /* by dim */
    const int64_t *strides; /* by dim and access */
    const ct_access *access;
    const ct_wrap *wraps;
    const int64_t *tables;
    const ct_constant *consts;
    const ct_reducer *reds;
    const int32_t *slots; /* by value */
    int64_t scratch;
} ct_plan;

/* One run: tiles lo to hi-1 of the result, or (tile not negative) steps lo to hi-1 of the inner loop of one tile, whose
 * reducers are then written to partial. It ends early when cancel, where not null, is set. */
typedef struct {
    const ct_vmath_table *vmath;
    char *mem;                       /* scratch memory: the plan's, and behind it the run's state */
    int64_t tile, lo, hi;
    const uint32_t *cancel;
    uint64_t *partial;
    int64_t fault_index, fault_size; /* an index out of range, where the run returns CT_FAULT */
    char *const *base;               /* operands, then results */
} ct_run;

enum { CT_DONE, CT_CANCELLED, CT_FAULT };

/* Scratch memory that is taken from the stack, which has 128 KiB in the smallest of C libraries. */
enum { CT_STACK = 48 << 10 };

/* The entries of the instruction sets. */
typedef int ct_entry(const ct_plan *p, ct_run *r);
ct_entry ct_tiles_baseline, ct_tiles_avx2, ct_tiles_avx512;

/* The product of a sparse matrix and a dense one of rows of a width: y[i] is the sum over t from start[i] to start[i+1] of
 * values[entry[t]] (values[t] where entry is null) times row at[t] of x. */
typedef struct {
    const void *start, *at, *entry, *values, *x;
    void *y;
    int64_t rows, width, entries; /* of x, and of the sparse matrix */
} ct_sparse;

/* Rows lo to hi-1; an index out of range and its size go to fault, where it returns CT_FAULT. */
typedef int ct_sparse_entry(const ct_sparse *s, int wide, int doubles, int64_t lo, int64_t hi, int64_t *fault);
ct_sparse_entry ct_sparse_baseline, ct_sparse_avx2, ct_sparse_avx512;

/* Inner products at the entries of a sparse matrix: y[t] is that of row row[t] of a and row col[t] of b, of a width of at
 * least 1 and at most a block of reduce.h. */
typedef struct {
    const void *row, *col, *a, *b;
    void *y;
    int64_t rows, cols, width, entries; /* of a, of b, of both, and of the sparse matrix */
} ct_sampled;

/* Entries lo to hi-1, else like ct_sparse_entry. */
typedef int ct_sampled_entry(const ct_sampled *s, int wide, int doubles, int64_t lo, int64_t hi, int64_t *fault);
ct_sampled_entry ct_sampled_baseline, ct_sampled_avx2, ct_sampled_avx512;

#endif
