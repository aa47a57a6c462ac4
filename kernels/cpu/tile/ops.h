/* Arithmetic: one loop an instruction and type, the twins of ops.go. Iterations are independent even where the result is
 * an operand's own memory. */

#define UNARY(name, T, expr) \
    static void name##_##T(machine *m, const ct_instr *in) { \
        const long n = lanes_of(m, in->cls); \
        T *d = (T *)m->reg[in->d]; \
        const T *a = (const T *)m->reg[in->a]; \
        CT_EACH { const T x = a[i]; d[i] = expr; } \
    }

/* Loops over more operands go in steps of STEP lanes. An operand that is a single number (its bit of the form is set) is
 * repeated STEP times on the stack, and read again in every step: one loop serves all forms. */
enum { STEP = 128 };

#define OPERAND(T, v, bit) \
    T v##_same[STEP]; \
    const T *v = (const T *)m->reg[in->v]; \
    const long v##_step = in->form & bit ? 0 : STEP; \
    if (in->form & bit) { \
        const T same = *v; \
        for (int i = 0; i < STEP; i++) v##_same[i] = same; \
        v = v##_same; \
    }

#define STEPS(next, body) \
    for (long left = lanes_of(m, in->cls); left > 0; left -= STEP) { \
        const long n = left < STEP ? left : STEP; \
        CT_EACH { body } \
        d += STEP; \
        next \
    }

#define BINARY(name, T, D, expr) \
    static void name##_##T(machine *m, const ct_instr *in) { \
        D *d = (D *)m->reg[in->d]; \
        OPERAND(T, a, 1) \
        OPERAND(T, b, 2) \
        STEPS(a += a_step; b += b_step;, const T x = a[i]; const T y = b[i]; d[i] = expr;) \
    }

#define TERNARY(name, T, expr) \
    static void name##_##T(machine *m, const ct_instr *in) { \
        T *d = (T *)m->reg[in->d]; \
        OPERAND(T, a, 1) \
        OPERAND(T, b, 2) \
        OPERAND(T, c, 4) \
        STEPS(a += a_step; b += b_step; c += c_step;, const T x = a[i]; const T y = b[i]; const T z = c[i]; d[i] = expr;) \
    }

#define CHOICE(name, T, cond) \
    static void name##_##T(machine *m, const ct_instr *in) { \
        T *d = (T *)m->reg[in->d]; \
        OPERAND(T, a, 1) \
        OPERAND(T, b, 2) \
        OPERAND(T, c, 4) \
        OPERAND(T, e, 8) \
        STEPS(a += a_step; b += b_step; c += c_step; e += e_step;, \
              const T x = a[i]; const T y = b[i]; const T z = c[i]; const T w = e[i]; d[i] = cond ? z : w;) \
    }

#define SELECT(T) \
    static void select_##T(machine *m, const ct_instr *in) { \
        T *d = (T *)m->reg[in->d]; \
        OPERAND(u8, a, 1) \
        OPERAND(T, b, 2) \
        OPERAND(T, c, 4) \
        STEPS(a += a_step; b += b_step; c += c_step;, const T x = b[i]; const T y = c[i]; d[i] = a[i] ? x : y;) \
    }

/* The larger and the smaller: NaN if either is, y where both are equal. */
#define LARGER(x, y) (((x) > (y)) | ((x) != (x)) ? (x) : (y))
#define SMALLER(x, y) (((x) < (y)) | ((x) != (x)) ? (x) : (y))

#define EQUATED(T) BINARY(eq, T, u8, x == y) BINARY(ne, T, u8, x != y) SELECT(T)
#define COMPARED(T) \
    EQUATED(T) BINARY(max, T, T, LARGER(x, y)) BINARY(min, T, T, SMALLER(x, y)) \
    BINARY(lt, T, u8, x < y) BINARY(le, T, u8, x <= y)

/* Integers wrap around: they are added as unsigned ones. */
#define INTEGER(T, U) \
    COMPARED(T) \
    UNARY(neg, T, (T)(0 - (U)x)) UNARY(abs, T, (T)(x < 0 ? 0 - (U)x : (U)x)) UNARY(sign, T, (x > 0) - (x < 0)) \
    UNARY(square, T, (T)((U)x * (U)x)) \
    BINARY(add, T, T, (T)((U)x + (U)y)) BINARY(sub, T, T, (T)((U)x - (U)y)) BINARY(mul, T, T, (T)((U)x * (U)y))

#define FLOAT(T, FABS, SQRT) \
    COMPARED(T) \
    UNARY(neg, T, -x) UNARY(abs, T, FABS(x)) UNARY(sign, T, x != x ? x : (T)((x > 0) - (x < 0))) UNARY(square, T, x * x) \
    UNARY(sqrt, T, SQRT(x)) UNARY(recip, T, 1 / x) \
    BINARY(add, T, T, x + y) BINARY(sub, T, T, x - y) BINARY(mul, T, T, x * y) BINARY(div, T, T, x / y) \
    BINARY(smul, T, T, (x == 0) | (y == 0) ? 0 : x * y) \
    TERNARY(mul_add, T, x * y + z) TERNARY(mul_sub, T, x * y - z) TERNARY(sub_mul, T, z - x * y) \
    CHOICE(select_lt, T, x < y) CHOICE(select_le, T, x <= y)

EQUATED(u8)
UNARY(not, u8, x ^ 1)
BINARY(and, u8, u8, x & y)
BINARY(or, u8, u8, x | y)
INTEGER(i32, u32)
INTEGER(i64, u64)
/* errno is nobody's concern: without it the compiler puts square roots in vectors. */
extern double sqrt(double) __attribute__((const));
extern float sqrtf(float) __attribute__((const));
FLOAT(f32, __builtin_fabsf, sqrtf)
FLOAT(f64, __builtin_fabs, sqrt)

/* Elementary functions. */
#define ELEMENTARY(T) \
    static void elementary_##T(machine *m, const ct_instr *in) { \
        const ct_vmath_table *v = m->r->vmath; \
        const long n = lanes_of(m, in->cls); \
        T *d = (T *)m->reg[in->d]; \
        const T *a = (const T *)m->reg[in->a]; \
        switch (in->e) { \
            CT_ELEMENTARY(ELEMENTARY_##T) \
        case CT_E_polygamma: v->polygamma_##T(n, d, in->k, a); \
        } \
    } \
    static void elementary2_##T(machine *m, const ct_instr *in) { \
        const ct_vmath_table *v = m->r->vmath; \
        const long n = lanes_of(m, in->cls); \
        T *d = (T *)m->reg[in->d]; \
        const T *a = (const T *)m->reg[in->a], *b = (const T *)m->reg[in->b]; \
        switch (in->e) { CT_ELEMENTARY2(ELEMENTARY2_##T) } \
    }
#define ELEMENTARY_f32(name) case CT_E_##name: v->name##_f32(n, d, a); return;
#define ELEMENTARY_f64(name) case CT_E_##name: v->name##_f64(n, d, a); return;
#define ELEMENTARY2_f32(name) case CT_E_##name: v->name##_f32(n, d, a, b); return;
#define ELEMENTARY2_f64(name) case CT_E_##name: v->name##_f64(n, d, a, b); return;
ELEMENTARY(f32)
ELEMENTARY(f64)

/* Conversions, by result and operand type. */
#define CONVERT(D, T, expr) \
    static void D##_of_##T(machine *m, const ct_instr *in) { \
        const long n = lanes_of(m, in->cls); \
        D *d = (D *)m->reg[in->d]; \
        const T *a = (const T *)m->reg[in->a]; \
        CT_EACH { const T x = a[i]; d[i] = expr; } \
    }
/* What an integer cannot hold becomes its nearest value, NaN becomes 0. */
#define TRUNCATE(D, T, LO, HI) CONVERT(D, T, x >= -(T)(LO) ? HI : x <= (T)(LO) ? LO : x == x ? (D)x : 0)
CONVERT(u8, i32, x != 0)
CONVERT(u8, i64, x != 0)
CONVERT(u8, f32, x != 0)
CONVERT(u8, f64, x != 0)
CONVERT(i32, u8, x)
CONVERT(i32, i64, (i32)(u32)(u64)x)
CONVERT(i64, u8, x)
CONVERT(i64, i32, x)
CONVERT(f32, u8, x)
CONVERT(f32, i32, (f32)x)
CONVERT(f32, i64, (f32)x)
CONVERT(f32, f64, (f32)x)
CONVERT(f64, u8, x)
CONVERT(f64, i32, x)
CONVERT(f64, i64, (f64)x)
CONVERT(f64, f32, x)
TRUNCATE(i32, f32, INT32_MIN, INT32_MAX)
TRUNCATE(i32, f64, INT32_MIN, INT32_MAX)
TRUNCATE(i64, f32, INT64_MIN, INT64_MAX)
TRUNCATE(i64, f64, INT64_MIN, INT64_MAX)

static operation *const casts[CT_NUM_DTYPES][CT_NUM_DTYPES] = {
    {0, u8_of_i32, u8_of_i64, u8_of_f32, u8_of_f64},
    {i32_of_u8, 0, i32_of_i64, i32_of_f32, i32_of_f64},
    {i64_of_u8, i64_of_i32, 0, i64_of_f32, i64_of_f64},
    {f32_of_u8, f32_of_i32, f32_of_i64, 0, f32_of_f64},
    {f64_of_u8, f64_of_i32, f64_of_i64, f64_of_f32, 0},
};

static void cast(machine *m, const ct_instr *in) { casts[in->dt][in->e](m, in); }
