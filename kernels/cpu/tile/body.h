/* The tile executor, compiled once an instruction set: include with CT_ENTRY set to the entry's name, inside the target
 * pragmas. It gives bit for bit what the machine in Go gives. */
#include <string.h>
#include "tile.h"

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF /* gcc turns contraction off under -std=c11 */
#define CT_FREE _Pragma("clang loop vectorize(assume_safety)")
#define CT_ROLLED
#else
#define CT_FREE _Pragma("GCC ivdep")
#define CT_ROLLED _Pragma("GCC unroll 1") /* gcc vectorises conditions in loops only, not in unrolled code */
#endif
#define CT_EACH CT_FREE for (long i = 0; i < n; i++)
#define CT_LANES_EACH(count) CT_ROLLED CT_FREE for (int i = 0; i < (count); i++)

typedef uint8_t u8;
typedef int32_t i32;
typedef int64_t i64;
typedef float f32;
typedef double f64;
typedef uint32_t u32;
typedef uint64_t u64;

/* The state of a run. */
typedef struct { i64 rows, blocks; } fold;

typedef struct {
    const ct_plan *p;
    ct_run *r;
    char **reg; /* by value: its lanes */
    i64 *at;    /* by access: its value at the tile's first lane */
    i64 *step;  /* by dim */
    fold *folds;
    i64 rows, cols;
    int fault;
} machine;

typedef void operation(machine *m, const ct_instr *in);

static inline long lanes_of(const machine *m, int cls) {
    return (cls & CT_ROW ? m->rows : 1) * (cls & CT_COL ? m->cols : 1);
}

#include "ops.h"
#include "move.h"
#include "reduce.h"

#define ANY(f) {f, f, f, f, f}
#define BITS(f) {f##_u8, f##_u32, f##_u64, f##_u32, f##_u64}
#define ALL(f) {f##_u8, f##_i32, f##_i64, f##_f32, f##_f64}
#define NUMBERS(f) {0, f##_i32, f##_i64, f##_f32, f##_f64}
#define FLOATS(f) {0, 0, 0, f##_f32, f##_f64}
#define INTEGERS(f) {0, f##_i32, f##_i64, 0, 0}
#define BYTES(f) {f##_u8, 0, 0, 0, 0}

static operation *const table[CT_NUM_OPS][CT_NUM_DTYPES] = {
    [CT_OP_ptr] = ANY(point), [CT_OP_index] = ANY(index_lanes), [CT_OP_within] = ANY(within), [CT_OP_cast] = ANY(cast),
    [CT_OP_load] = BITS(load), [CT_OP_guard] = BITS(guard), [CT_OP_gather] = BITS(gather),
    [CT_OP_gather_rows] = BITS(gather_rows), [CT_OP_spread] = BITS(spread), [CT_OP_store] = BITS(store),
    [CT_OP_copy] = BITS(copy), [CT_OP_store_add] = NUMBERS(store_add), [CT_OP_scatter] = NUMBERS(scatter),
    [CT_OP_scatter_rows] = NUMBERS(scatter_rows), [CT_OP_wrap] = INTEGERS(wrap),
    [CT_OP_neg] = NUMBERS(neg), [CT_OP_abs] = NUMBERS(abs), [CT_OP_sign] = NUMBERS(sign),
    [CT_OP_square] = NUMBERS(square), [CT_OP_sqrt] = FLOATS(sqrt), [CT_OP_recip] = FLOATS(recip),
    [CT_OP_elementary] = FLOATS(elementary), [CT_OP_elementary2] = FLOATS(elementary2), [CT_OP_not] = BYTES(not),
    [CT_OP_add] = NUMBERS(add), [CT_OP_sub] = NUMBERS(sub), [CT_OP_mul] = NUMBERS(mul), [CT_OP_div] = FLOATS(div),
    [CT_OP_max] = NUMBERS(max), [CT_OP_min] = NUMBERS(min), [CT_OP_smul] = {0, mul_i32, mul_i64, smul_f32, smul_f64},
    [CT_OP_eq] = ALL(eq), [CT_OP_ne] = ALL(ne), [CT_OP_lt] = NUMBERS(lt), [CT_OP_le] = NUMBERS(le),
    [CT_OP_and] = BYTES(and), [CT_OP_or] = BYTES(or), [CT_OP_select] = ALL(select),
    [CT_OP_mul_add] = FLOATS(mul_add), [CT_OP_mul_sub] = FLOATS(mul_sub), [CT_OP_sub_mul] = FLOATS(sub_mul),
    [CT_OP_select_lt] = FLOATS(select_lt), [CT_OP_select_le] = FLOATS(select_le),
    [CT_OP_reduce_rows] = NUMBERS(reduce_rows), [CT_OP_reduce_cols] = NUMBERS(reduce_cols),
    [CT_OP_accumulate] = NUMBERS(accumulate), [CT_OP_result] = NUMBERS(result),
};

static void run_code(machine *m, int section) {
    const ct_instr *in = m->p->code[section];
    for (i64 n = m->p->ncode[section]; n > 0; n--, in++) table[in->op][in->dt](m, in);
}

static i64 extent(const machine *m, const ct_span *s) {
    return s->dim >= 0 && m->step[s->dim] == m->p->counts[s->dim] - 1 ? s->last : s->size;
}

static void cut(machine *m) {
    m->rows = extent(m, &m->p->rows);
    m->cols = extent(m, &m->p->cols);
}

/* Goes to a step of a dim that is at step 0. */
static void move_to(machine *m, i64 d, i64 step) {
    const ct_plan *p = m->p;
    m->step[d] = step;
    for (i64 i = 0; i < p->accesses; i++) m->at[i] += p->strides[d * p->accesses + i] * step;
}

static void seek(machine *m, i64 tile) {
    const ct_plan *p = m->p;
    for (i64 i = 0; i < p->accesses; i++) m->at[i] = p->access[i].c0;
    memset(m->step, 0, (size_t)p->dims * sizeof *m->step);
    for (i64 d = p->inner - 1; d >= 0; d--) {
        move_to(m, d, tile % p->counts[d]);
        tile /= p->counts[d];
    }
}

/* Goes to the next step of dims lo to hi-1, the last fastest; from the last one to the first, and returns 0. */
static int advance(machine *m, i64 lo, i64 hi) {
    const ct_plan *p = m->p;
    for (i64 d = hi - 1; d >= lo; d--) {
        const i64 *stride = p->strides + d * p->accesses;
        if (++m->step[d] < p->counts[d]) {
            for (i64 i = 0; i < p->accesses; i++) m->at[i] += stride[i];
            return 1;
        }
        m->step[d] = 0;
        for (i64 i = 0; i < p->accesses; i++) m->at[i] -= stride[i] * (p->counts[d] - 1);
    }
    return 0;
}

static int ended(const machine *m) {
    if (m->fault) return CT_FAULT;
    return m->r->cancel && __atomic_load_n(m->r->cancel, __ATOMIC_RELAXED) ? CT_CANCELLED : CT_DONE;
}

static int reduce_tile(machine *m, i64 lo, i64 hi) {
    const ct_plan *p = m->p;
    memset(m->folds, 0, (size_t)p->reducers * sizeof *m->folds);
    if (lo > 0) move_to(m, p->inner, lo);
    for (i64 s = lo; s < hi; s++) {
        cut(m);
        run_code(m, CT_BODY);
        const int end = ended(m);
        if (end != CT_DONE) return end;
        if (!advance(m, p->inner, p->dims)) break;
    }
    return CT_DONE;
}

static void begin(machine *m) {
    const ct_plan *p = m->p;
    for (i64 v = 0; v < p->values; v++)
        if (p->slots[v] >= 0) m->reg[v] = m->r->mem + p->slots[v];
    for (i64 i = 0; i < p->constants; i++) memcpy(m->reg[p->consts[i].value], &p->consts[i].bits, 8);
    m->rows = p->rows.size;
    m->cols = p->cols.size;
    run_code(m, CT_PROLOGUE);
}

int CT_ENTRY(const ct_plan *p, ct_run *r) {
    machine m = {.p = p, .r = r};
    m.reg = (char **)(r->mem + p->scratch);
    m.at = (i64 *)(m.reg + p->values);
    m.step = m.at + p->accesses;
    m.folds = (fold *)(m.step + p->dims);
    begin(&m);
    int end = CT_DONE;
    if (r->tile >= 0) {
        seek(&m, r->tile);
        end = reduce_tile(&m, r->lo, r->hi);
        if (end == CT_DONE) give_out(&m, r->partial);
        return end;
    }
    seek(&m, r->lo);
    for (i64 t = r->lo; t < r->hi && end == CT_DONE; t++) {
        cut(&m);
        if (p->ncode[CT_EPILOGUE] == 0) {
            run_code(&m, CT_BODY);
            end = ended(&m);
        } else if ((end = reduce_tile(&m, 0, INT64_MAX)) == CT_DONE) {
            run_code(&m, CT_EPILOGUE);
        }
        advance(&m, 0, p->inner);
    }
    return end;
}
