/* What printed programs are made of: vectors of CT_W lanes, functions of numbers and of vectors, reductions by the tree
 * that package cpu describes. A vector function applies the number's function to each lane, from which the compiler makes
 * one instruction, or a few. */
#if defined(__AVX512F__)
#define CT_W 8
#elif defined(__AVX2__)
#define CT_W 4
#else
#define CT_W 2
#endif
#define CT_P (16 / CT_W) /* vectors that the 16 virtual lanes of a reduction take */

typedef double f64;
typedef float f32;
typedef int64_t i64;
typedef int32_t i32;
typedef uint8_t u8;
typedef int b1; /* a truth, 0 or 1; in vectors 0 or -1 */
typedef f64 v_f64 __attribute__((vector_size(8 * CT_W), may_alias));
typedef f32 v_f32 __attribute__((vector_size(4 * CT_W), may_alias));
typedef i64 v_i64 __attribute__((vector_size(8 * CT_W), may_alias));
typedef i32 v_i32 __attribute__((vector_size(4 * CT_W), may_alias));
typedef i64 v_b1 __attribute__((vector_size(8 * CT_W), may_alias));

enum { CT_DONE, CT_CANCELLED, CT_FAULT, CT_STEPS, CT_STACK, CT_HOST };

/* The first fault: the site of the instruction, an index and its limit, and in which steps of which loops, innermost first. */
enum { CT_DEPTH = 8 };
typedef struct { int64_t set, site, index, size, depth, step[CT_DEPTH], form[CT_DEPTH]; } ct_fault;

/* Memory of rows of which nobody knows beforehand how many there will be. */
typedef struct { char *p; int64_t rows; } ct_stack;

/* A run: the arrays, memory of its own, a flag that ends it early, and where the first fault is noted. What the run asks of
 * who started it is to make room for rows of a stack, and to call an operation's kernel on arrays. */
typedef struct {
    char *const *p; /* arguments, then destinations */
    char *const *k; /* constants */
    char *mem;
    const uint32_t *cancel;
    ct_fault *f;
    ct_stack *stacks;
    int (*grow)(uintptr_t owner, int64_t stack, int64_t rows);
    int (*call)(uintptr_t owner, int64_t call, char *const *arrays);
    uintptr_t owner;
} ct_run;

/* Makes room for rows of a stack. */
static __attribute__((unused)) int ct_reserve(ct_run *c, int64_t site, int64_t stack, int64_t rows) {
    if (rows <= c->stacks[stack].rows) return CT_DONE;
    c->f->site = site;
    return c->grow(c->owner, stack, rows);
}

#define CT_EACH for (int l = 0; l < CT_W; l++)
#ifdef __clang__
#define CT_FREE _Pragma("clang loop vectorize(assume_safety)")
#else
#define CT_FREE _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#endif
/* Has a vector that is used several times stay in its register: gcc reads it from memory again for each use, and then loads
 * take longer than what is computed. */
#if defined(__AVX2__) && !defined(__clang__)
#define CT_HELD(x) __asm__("" : "+v"(x))
#else
#define CT_HELD(x) ((void)0)
#endif
#define CT_IN static inline __attribute__((always_inline, unused))
#define CT_FUN static __attribute__((unused))

/* Repeating, reading and writing n lanes (all where n >= CT_W), the others being 0. What decides which lanes those are is
 * made once a step: a mask, where the instruction set has masks, else n. What is called so often that functions, though
 * put in place, would take the compiler long is a macro. */
#define splat_f64(x) ((f64)(x) - (v_f64){0})
#define splat_f32(x) ((f32)(x) - (v_f32){0})
#define splat_i64(x) ((i64)(x) - (v_i64){0})
#define splat_i32(x) ((i32)(x) - (v_i32){0})
CT_IN long ct_most(long x, long y) { return x > y ? x : y; }
CT_IN long ct_least(long x, long y) { return x < y ? x : y; }
#define CT_FAR static __attribute__((noinline, cold, unused))
#define CT_TAIL(T, E) \
    CT_FAR v_##T ldn_##T(const E *p, long n) { v_##T r = {0}; CT_EACH if (l < n) r[l] = p[l]; return r; } \
    CT_FAR void stn_##T(E *p, v_##T x, long n) { CT_EACH if (l < n) p[l] = (E)x[l]; } \
    /* Reads a step apart, by index, and of those lanes alone that are in range. */ \
    CT_FAR v_##T step_##T(const E *p, long step, long n) { v_##T r = {0}; CT_EACH if (l < n) r[l] = p[l * step]; return r; } \
    CT_FAR v_##T pick_##T(const E *p, v_i64 at, long n) { v_##T r = {0}; CT_EACH if (l < n) r[l] = p[at[l]]; return r; } \
    CT_FAR v_##T part_##T(const E *p, long from, long to) { v_##T r = {0}; CT_EACH if (l >= from && l < to) r[l] = p[l]; return r; }
#define CT_WHOLE(T) \
    CT_IN v_##T ld_##T(const T *p, ct_on on) { \
        v_##T r; \
        if (__builtin_expect(ct_part(on), 0)) return ldn_##T(p, ct_count(on)); \
        memcpy(&r, p, sizeof r); \
        return r; \
    } \
    CT_IN void st_##T(T *p, v_##T x, ct_on on) { \
        if (__builtin_expect(ct_part(on), 0)) stn_##T(p, x, ct_count(on)); \
        else memcpy(p, &x, sizeof x); \
    } \
    CT_IN v_##T keep_##T(ct_on on, v_##T x, v_##T old) { \
        if (__builtin_expect(ct_part(on), 0)) CT_EACH if (l >= ct_count(on)) x[l] = old[l]; \
        return x; \
    }
CT_TAIL(f64, f64)
CT_TAIL(f32, f32)
CT_TAIL(i64, i64)
CT_TAIL(i32, i32)
#if defined(__AVX512F__) && !defined(__clang__)
typedef u8 ct_on;
CT_IN ct_on ct_lanes(long n) { return n >= 8 ? 255 : (u8)((1u << n) - 1); }
CT_IN int ct_part(ct_on on) { return on != 255; }
CT_IN long ct_count(ct_on on) { return __builtin_popcount(on); }
#define CT_ALL(on) (__builtin_constant_p(on) && !ct_part(on)) /* known to be all */
#define CT_MASKED(T, V, LD, ST, MOV) \
    CT_IN v_##T ld_##T(const T *p, ct_on on) { \
        v_##T r; \
        if (!CT_ALL(on)) return (v_##T)LD((const void *)p, (V){0}, on); \
        memcpy(&r, p, sizeof r); \
        return r; \
    } \
    CT_IN void st_##T(T *p, v_##T x, ct_on on) { \
        if (CT_ALL(on)) memcpy(p, &x, sizeof x); \
        else ST((void *)p, (V)x, on); \
    } \
    CT_IN v_##T keep_##T(ct_on on, v_##T x, v_##T old) { return CT_ALL(on) ? x : (v_##T)MOV((V)x, (V)old, on); }
typedef double ct_8f64 __attribute__((vector_size(64)));
typedef float ct_8f32 __attribute__((vector_size(32)));
typedef long long ct_8i64 __attribute__((vector_size(64)));
typedef int ct_8i32 __attribute__((vector_size(32)));
CT_MASKED(f64, ct_8f64, __builtin_ia32_loadupd512_mask, __builtin_ia32_storeupd512_mask, __builtin_ia32_movapd512_mask)
CT_MASKED(i64, ct_8i64, __builtin_ia32_loaddqudi512_mask, __builtin_ia32_storedqudi512_mask, __builtin_ia32_movdqa64_512_mask)
CT_MASKED(f32, ct_8f32, __builtin_ia32_loadups256_mask, __builtin_ia32_storeups256_mask, __builtin_ia32_movaps256_mask)
CT_MASKED(i32, ct_8i32, __builtin_ia32_loaddqusi256_mask, __builtin_ia32_storedqusi256_mask, __builtin_ia32_movdqa32_256_mask)
#else
typedef long ct_on;
CT_IN ct_on ct_lanes(long n) { return n; }
CT_IN int ct_part(ct_on on) { return on < CT_W; }
CT_IN long ct_count(ct_on on) { return on; }
CT_WHOLE(f64)
CT_WHOLE(f32)
CT_WHOLE(i64)
CT_WHOLE(i32)
#endif
CT_IN v_b1 splat_b1(b1 x) { return -(i64)x - (v_b1){0}; }
CT_IN v_b1 ld_b1(const u8 *p, ct_on on) { v_b1 r = {0}; CT_EACH if (l < ct_count(on)) r[l] = -(i64)p[l]; return r; }
CT_IN void st_b1(u8 *p, v_b1 x, ct_on on) { CT_EACH if (l < ct_count(on)) p[l] = x[l] != 0; }

/* Lane by lane x + l * step, written so that gcc makes no halves of it, which a load of the whole would wait for. */
#if CT_W == 8
#define CT_IOTA (v_i64){0, 1, 2, 3, 4, 5, 6, 7}
#elif CT_W == 4
#define CT_IOTA (v_i64){0, 1, 2, 3}
#else
#define CT_IOTA (v_i64){0, 1}
#endif
CT_IN v_i64 iota_i64(i64 x, i64 step) { return splat_i64(x) + CT_IOTA * splat_i64(step); }
/* The lanes 0 to n-1. */
CT_IN v_b1 lanes_b1(long n) { return CT_IOTA < splat_i64(n); }

/* An index that counts from the end where it is negative; one out of range is a fault, and 0 here. */
CT_IN i64 ct_wrap(ct_run *c, i64 site, i64 i, i64 size) {
    const i64 w = i < 0 ? i + size : i;
    if (__builtin_expect(w >= 0 && w < size, 1)) return w;
    if (!c->f->set) c->f->set = 1, c->f->site = site, c->f->index = i, c->f->size = size;
    return 0;
}
CT_FAR void ct_wrap_each(ct_run *c, i64 site, v_i64 i, i64 size, long n) { CT_EACH if (l < n) ct_wrap(c, site, i[l], size); }
#if defined(__AVX512F__) && !defined(__clang__)
CT_IN int ct_any(v_b1 x) { return __builtin_ia32_cvtq2mask512((ct_8i64)x) != 0; }
#else
CT_IN int ct_any(v_b1 x) { i64 any = 0; CT_EACH any |= x[l]; return any != 0; }
#endif
CT_IN v_i64 ct_wrap_v(ct_run *c, i64 site, v_i64 i, i64 size, long n) {
    const v_i64 r = i + (v_i64)((i < 0) & size), out = (v_i64)((r < 0) | (r >= size));
    if (__builtin_expect(ct_any(out & lanes_b1(n)), 0)) ct_wrap_each(c, site, i, size, n);
    return r & ~out;
}

/* Functions of one and of two arguments. */
#define CT_UN(name, T, R, expr) \
    CT_IN R name##_##T(T x) { return expr; } \
    CT_IN v_##R name##_v_##T(v_##T a) { v_##R r; CT_EACH r[l] = name##_##T(a[l]); return r; }
#define CT_BIN(name, T, R, expr) \
    CT_IN R name##_##T(T x, T y) { return expr; } \
    CT_IN v_##R name##_v_##T(v_##T a, v_##T b) { v_##R r; CT_EACH r[l] = name##_##T(a[l], b[l]); return r; }
#define CT_TEST(name, T, op) \
    CT_IN b1 name##_##T(T x, T y) { return x op y; } \
    CT_IN v_b1 name##_v_##T(v_##T a, v_##T b) { return __builtin_convertvector(a op b, v_b1); }
#define CT_SELECT(T) \
    CT_IN T select_##T(b1 m, T x, T y) { return m ? x : y; } \
    CT_IN v_##T select_v_##T(v_b1 m, v_##T a, v_##T b) { return CT_CHOOSE(T, __builtin_convertvector(m, ct_bits_##T), a, b); }
#define CT_CHOOSE(T, m, a, b) (v_##T)(((m) & (ct_bits_##T)(a)) | (~(m) & (ct_bits_##T)(b)))
typedef v_i64 ct_bits_f64;
typedef v_i64 ct_bits_i64;
typedef v_i32 ct_bits_f32;
typedef v_i32 ct_bits_i32;
#define CT_PICK(name, T, cond) \
    CT_IN T name##_##T(T x, T y) { return (cond) ? x : y; } \
    CT_IN v_##T name##_v_##T(v_##T x, v_##T y) { const ct_bits_##T m = (ct_bits_##T)(cond); return CT_CHOOSE(T, m, x, y); }
/* The larger and the smaller: NaN if either is, y where both are equal. */
#define CT_NUMBER(T) \
    CT_PICK(maximum, T, (x > y) | (x != x)) CT_PICK(minimum, T, (x < y) | (x != x)) \
    CT_TEST(eq, T, ==) CT_TEST(ne, T, !=) CT_TEST(lt, T, <) CT_TEST(le, T, <=) CT_SELECT(T)
#define CT_INTEGER(T) CT_NUMBER(T) CT_UN(abs, T, T, x < 0 ? -x : x) CT_UN(sign, T, T, (x > 0) - (x < 0))
#define CT_FLOAT(T, f) \
    CT_NUMBER(T) CT_UN(abs, T, T, __builtin_fabs##f(x)) CT_UN(sign, T, T, x != x ? x : (T)((x > 0) - (x < 0))) \
    CT_UN(sqrt, T, T, __builtin_sqrt##f(x)) \
    CT_IN T recip_##T(T x) { return 1 / x; } \
    CT_IN v_##T recip_v_##T(v_##T x) { return 1 / x; } \
    CT_IN T smul_##T(T x, T y) { return ((x == 0) | (y == 0)) ? 0 : x * y; } \
    CT_IN v_##T smul_v_##T(v_##T x, v_##T y) { return CT_SMUL(T, x, y); } \
    CT_IN T fma_##T(T x, T y, T z) { return __builtin_fma##f(x, y, z); } \
    CT_FMA(T, f)
/* Where both factors are not zero, as a mask, their product, else 0. */
#if defined(__AVX512F__) && !defined(__clang__)
#define CT_SMUL(T, x, y) CT_SMUL_##T(x, y)
#define CT_SMUL_f64(x, y) (v_f64)__builtin_ia32_mulpd512_mask((ct_8f64)x, (ct_8f64)y, (ct_8f64){0}, \
    __builtin_ia32_cmppd512_mask((ct_8f64)y, (ct_8f64){0}, 4, __builtin_ia32_cmppd512_mask((ct_8f64)x, (ct_8f64){0}, 4, -1, 4), 4), 4)
#define CT_SMUL_f32(x, y) (v_f32)__builtin_ia32_mulps256_mask((ct_8f32)x, (ct_8f32)y, (ct_8f32){0}, \
    __builtin_ia32_cmpps256_mask((ct_8f32)y, (ct_8f32){0}, 4, __builtin_ia32_cmpps256_mask((ct_8f32)x, (ct_8f32){0}, 4, -1)))
#else
#define CT_SMUL(T, x, y) (v_##T)(~(ct_bits_##T)((x == 0) | (y == 0)) & (ct_bits_##T)(x * y))
#endif
/* The compiler finds the instruction in a loop over lanes, too, but that takes it long. */
#if defined(__AVX512F__) && !defined(__clang__)
#define CT_FMA(T, f)
#define fma_v_f64(a, b, c) ((v_f64)__builtin_ia32_vfmaddpd512_mask((ct_8f64)(a), (ct_8f64)(b), (ct_8f64)(c), -1, 4))
#define fma_v_f32(a, b, c) ((v_f32)__builtin_ia32_vfmaddps256((ct_8f32)(a), (ct_8f32)(b), (ct_8f32)(c)))
#elif defined(__AVX2__) && defined(__FMA__) && !defined(__clang__)
typedef double ct_4f64 __attribute__((vector_size(32)));
typedef float ct_4f32 __attribute__((vector_size(16)));
#define CT_FMA(T, f)
#define fma_v_f64(a, b, c) ((v_f64)__builtin_ia32_vfmaddpd256((ct_4f64)(a), (ct_4f64)(b), (ct_4f64)(c)))
#define fma_v_f32(a, b, c) ((v_f32)__builtin_ia32_vfmaddps((ct_4f32)(a), (ct_4f32)(b), (ct_4f32)(c)))
#else
#define CT_FMA(T, f) \
    CT_IN v_##T fma_v_##T(v_##T a, v_##T b, v_##T c) { v_##T r; CT_EACH r[l] = __builtin_fma##f(a[l], b[l], c[l]); return r; }
#endif
CT_INTEGER(i32)
CT_INTEGER(i64)
CT_FLOAT(f32, f)
CT_FLOAT(f64, )
CT_IN b1 not_b1(b1 x) { return !x; }
CT_IN v_b1 not_v_b1(v_b1 x) { return ~x; }
CT_IN b1 and_b1(b1 x, b1 y) { return x & y; }
CT_IN v_b1 and_v_b1(v_b1 x, v_b1 y) { return x & y; }
CT_IN b1 or_b1(b1 x, b1 y) { return x | y; }
CT_IN v_b1 or_v_b1(v_b1 x, v_b1 y) { return x | y; }
CT_IN b1 eq_b1(b1 x, b1 y) { return x == y; }
CT_IN v_b1 eq_v_b1(v_b1 x, v_b1 y) { return ~(x ^ y); }
CT_IN b1 ne_b1(b1 x, b1 y) { return x != y; }
CT_IN v_b1 ne_v_b1(v_b1 x, v_b1 y) { return x ^ y; }
CT_IN b1 select_b1(b1 m, b1 x, b1 y) { return m ? x : y; }
CT_IN v_b1 select_v_b1(v_b1 m, v_b1 x, v_b1 y) { return (m & x) | (~m & y); }

/* Conversions. What an integer cannot hold becomes its nearest value, NaN becomes 0. */
#define CT_CAST(R, T, expr) \
    CT_IN R R##_of_##T(T x) { return expr; } \
    CT_IN v_##R R##_of_v_##T(v_##T a) { v_##R r; CT_EACH r[l] = R##_of_##T(a[l]); return r; }
#define CT_TRUNCATE(R, T, LO, HI) CT_CAST(R, T, x >= -(T)(LO) ? HI : x <= (T)(LO) ? LO : x == x ? (R)x : 0)
#define CT_TRUTH(T) \
    CT_IN b1 b1_of_##T(T x) { return x != 0; } \
    CT_IN v_b1 b1_of_v_##T(v_##T a) { return __builtin_convertvector(a != 0, v_b1); } \
    CT_IN T T##_of_b1(b1 x) { return (T)x; } \
    CT_IN v_##T T##_of_v_b1(v_b1 a) { v_##T r; CT_EACH r[l] = a[l] ? 1 : 0; return r; }
CT_TRUTH(i32) CT_TRUTH(i64) CT_TRUTH(f32) CT_TRUTH(f64)
CT_CAST(i32, i64, (i32)x) CT_CAST(i64, i32, x)
CT_CAST(f32, i32, (f32)x) CT_CAST(f32, i64, (f32)x) CT_CAST(f32, f64, (f32)x)
CT_CAST(f64, i32, x) CT_CAST(f64, i64, (f64)x) CT_CAST(f64, f32, x)
CT_TRUNCATE(i32, f32, INT32_MIN, INT32_MAX) CT_TRUNCATE(i32, f64, INT32_MIN, INT32_MAX)
CT_TRUNCATE(i64, f32, INT64_MIN, INT64_MAX) CT_TRUNCATE(i64, f64, INT64_MIN, INT64_MAX)

/* Elementary functions, of vectors as a loop over lanes that becomes straight code: called, or (name_in) inlined. */
#define CT_LANES(T) __attribute__((aligned(sizeof(v_##T)))) T
#define CT_CALLED(name, T) CT_FUN v_##T name##_v_##T(v_##T a) { return name##_in_##T(a); }
#define CT_PLAIN_OF(name, T, f) \
    CT_IN T name##_##T(T x) { return f(x); } \
    CT_IN v_##T name##_in_##T(v_##T a) { \
        CT_LANES(T) x[CT_W], r[CT_W]; \
        *(v_##T *)x = a; \
        CT_FREE for (int l = 0; l < CT_W; l++) r[l] = f(x[l]); \
        return *(v_##T *)r; \
    } \
    CT_CALLED(name, T)
#define CT_MENDED_OF(name, T, f, main, rare, slow) \
    CT_IN T name##_##T(T x) { return f(x); } \
    CT_IN v_##T name##_in_##T(v_##T a) { \
        CT_LANES(T) x[CT_W], r[CT_W]; \
        ct_count_##T any = 0; \
        *(v_##T *)x = a; \
        CT_FREE for (int l = 0; l < CT_W; l++) r[l] = main(x[l]), any |= rare(x[l]); \
        if (__builtin_expect(any != 0, 0)) \
            for (int l = 0; l < CT_W; l++) \
                if (rare(x[l])) r[l] = (T)slow(x[l]); \
        return *(v_##T *)r; \
    } \
    CT_CALLED(name, T)
typedef i64 ct_count_f64; /* as wide as the numbers, so that lanes stay side by side */
typedef i32 ct_count_f32;
#define CT_PLAIN(name) CT_PLAIN_OF(name, f64, ct_##name) CT_PLAIN_OF(name, f32, ct_##name##f)
#define CT_MENDED(name, rare) \
    CT_MENDED_OF(name, f64, ct_##name, ct_##name##_main, rare, ct_##name##_slow) \
    CT_MENDED_OF(name, f32, ct_##name##f, ct_##name##f_main, rare, ct_##name##_slow)
CT_PLAIN(exp) CT_PLAIN(expm1) CT_PLAIN(log) CT_PLAIN(log1p) CT_PLAIN(tanh) CT_PLAIN(sigmoid) CT_PLAIN(softplus) CT_PLAIN(erf)
CT_MENDED(sin, ct_trig_rare) CT_MENDED(cos, ct_trig_rare) CT_MENDED(tan, ct_trig_rare)
CT_MENDED(lgamma, ct_gamma_rare) CT_MENDED(digamma, ct_gamma_rare) CT_MENDED(trigamma, ct_gamma_rare)
#define CT_PLAIN2_OF(name, T, f) \
    CT_IN T name##_##T(T x, T y) { return f(x, y); } \
    CT_FUN v_##T name##_v_##T(v_##T a, v_##T b) { \
        CT_LANES(T) x[CT_W], y[CT_W], r[CT_W]; \
        *(v_##T *)x = a; \
        *(v_##T *)y = b; \
        CT_FREE for (int l = 0; l < CT_W; l++) r[l] = f(x[l], y[l]); \
        return *(v_##T *)r; \
    }
#define CT_PLAIN2(name) CT_PLAIN2_OF(name, f64, ct_##name) CT_PLAIN2_OF(name, f32, ct_##name##f)
CT_PLAIN2(pow) CT_PLAIN2(atan2) CT_PLAIN2(hypot)
CT_FUN f64 polygamma_f64(f64 x, long order) { return order == 1 ? trigamma_f64(x) : ct_polygamma_slow(order, x); }
CT_FUN f32 polygamma_f32(f32 x, long order) { return order == 1 ? trigamma_f32(x) : (f32)ct_polygamma_slow(order, x); }
CT_FUN v_f64 polygamma_v_f64(v_f64 a, long order) {
    if (order == 1) return trigamma_v_f64(a);
    CT_EACH a[l] = polygamma_f64(a[l], order);
    return a;
}
CT_FUN v_f32 polygamma_v_f32(v_f32 a, long order) {
    if (order == 1) return trigamma_v_f32(a);
    CT_EACH a[l] = polygamma_f32(a[l], order);
    return a;
}

/* Reductions. Combiners are sum, prod, max and min; reducing nothing gives none. The sum's is -0, to which anything may be
 * added without a change. */
#define CT_COMBINER(T, U, NAME) \
    CT_IN U sum_##NAME(U x, U y) { return x + y; } \
    CT_IN U prod_##NAME(U x, U y) { return x * y; } \
    CT_IN U max_##NAME(U x, U y) { return maximum_##NAME(x, y); } \
    CT_IN U min_##NAME(U x, U y) { return minimum_##NAME(x, y); }
/* Combines 16 lanes. */
#define CT_FOLD(name, T) \
    CT_FUN T name##_fold_##T(const v_##T *a) { \
        T t[16]; \
        memcpy(t, a, sizeof t); \
        for (int l = 0; l < 8; l++) t[l] = name##_##T(t[l], t[l + 8]); \
        for (int l = 0; l < 4; l++) t[l] = name##_##T(t[l], t[l + 4]); \
        for (int l = 0; l < 2; l++) t[l] = name##_##T(t[l], t[l + 2]); \
        return name##_##T(t[0], t[1]); \
    } \
    /* Combines n blocks, a stride apart. */ \
    CT_FUN T name##_tree_##T(const T *p, long n, long stride) { \
        if (n == 1) return *p; \
        long k = 1; \
        while (2 * k < n) k *= 2; \
        return name##_##T(name##_tree_##T(p, k, stride), name##_tree_##T(p + k * stride, n - k, stride)); \
    }
/* Combines 16 values, and blocks as they come: s holds one for each power of two, count says how many there are. */
#define CT_BLOCKS(name, NAME, U) \
    CT_FUN U name##_rows_##NAME(U *t) { \
        for (int l = 0; l < 8; l++) t[l] = name##_##NAME(t[l], t[l + 8]); \
        for (int l = 0; l < 4; l++) t[l] = name##_##NAME(t[l], t[l + 4]); \
        for (int l = 0; l < 2; l++) t[l] = name##_##NAME(t[l], t[l + 2]); \
        return name##_##NAME(t[0], t[1]); \
    } \
    CT_FUN void name##_push_##NAME(U *s, long count, U x) { \
        int k = 0; \
        for (; count >> k & 1; k++) x = name##_##NAME(s[k], x); \
        s[k] = x; \
    } \
    CT_FUN U name##_pop_##NAME(U *s, long count) { \
        int k = 0; \
        while (!(count >> k & 1)) k++; \
        U x = s[k]; \
        for (k++; count >> k; k++) if (count >> k & 1) x = name##_##NAME(s[k], x); \
        return x; \
    }
#define CT_REDUCE(T) \
    CT_COMBINER(T, T, T) CT_COMBINER(T, v_##T, v_##T) \
    CT_FOLD(sum, T) CT_FOLD(prod, T) CT_FOLD(max, T) CT_FOLD(min, T) \
    CT_BLOCKS(sum, T, T) CT_BLOCKS(prod, T, T) CT_BLOCKS(max, T, T) CT_BLOCKS(min, T, T) \
    CT_BLOCKS(sum, v_##T, v_##T) CT_BLOCKS(prod, v_##T, v_##T) CT_BLOCKS(max, v_##T, v_##T) CT_BLOCKS(min, v_##T, v_##T)
CT_REDUCE(f64)
CT_REDUCE(f32)
CT_REDUCE(i64)
CT_REDUCE(i32)

/* Adds arrays. */
#define CT_ADD(T) CT_FUN void ct_add_##T(T *restrict d, const T *restrict a, long n) { for (long i = 0; i < n; i++) d[i] += a[i]; }
CT_ADD(f64)
CT_ADD(f32)
CT_ADD(i64)
CT_ADD(i32)

/* The sum of a product's lanes, in whatever order. */
#define CT_TOTAL(T) CT_FUN T total_##T(v_##T a) { T s = a[0]; for (int l = 1; l < CT_W; l++) s += a[l]; return s; }
CT_TOTAL(f64)
CT_TOTAL(f32)

/* The log of a sum of exponentials, as a maximum m and the sum s of the exponentials less it. */
#define CT_LSE(T) \
    CT_UN(finite, T, T, x - x == 0 ? x : 0) \
    CT_FUN void lse_block_##T(T *x, long n, T *m, T *s) { /* overwrites x, which has room for 16 more */ \
        T t[16]; \
        T top = x[0]; \
        long i = 0; \
        if (n >= 16) { \
            memcpy(t, x, sizeof t); \
            for (i = 16; i + 16 <= n; i += 16) \
                CT_FREE for (int l = 0; l < 16; l++) t[l] = maximum_##T(t[l], x[i + l]); \
            top = max_rows_##T(t); \
        } \
        for (; i < n; i++) top = maximum_##T(top, x[i]); \
        const T less = finite_##T(top); \
        for (int l = 0; l < 16; l++) x[n + l] = 0, t[l] = -(T)0; \
        for (i = 0; i < n; i += CT_W) { \
            v_##T v; \
            memcpy(&v, x + i, sizeof v); \
            v = exp_v_##T(v - less); \
            memcpy(x + i, &v, sizeof v); \
        } \
        for (int l = 0; l < 16; l++) x[n + l] = -(T)0; \
        for (i = 0; i < n; i += 16) \
            CT_FREE for (int l = 0; l < 16; l++) t[l] += x[i + l]; \
        *m = top; \
        *s = sum_rows_##T(t); \
    } \
    CT_IN T lse_scale_##T(T top, T t) { return top == t ? 1 : exp_##T(top - t); } \
    CT_FUN void lse_tree_##T(const T *p, long n, long stride, T *m, T *s) { \
        if (n == 1) { \
            *m = p[0], *s = p[1]; \
            return; \
        } \
        long k = 1; \
        while (2 * k < n) k *= 2; \
        T m0, s0, m1, s1; \
        lse_tree_##T(p, k, stride, &m0, &s0); \
        lse_tree_##T(p + k * stride, n - k, stride, &m1, &s1); \
        *m = maximum_##T(m0, m1); \
        *s = s0 * lse_scale_##T(m0, *m) + s1 * lse_scale_##T(m1, *m); \
    } \
    /* Of n <= 1024 vectors; overwrites them. */ \
    CT_FUN v_##T lse_v_##T(v_##T *x, long n) { \
        v_##T m = x[0], t[16]; \
        for (long i = 1; i < n; i++) m = maximum_v_##T(m, x[i]); \
        const v_##T less = finite_v_##T(m); \
        for (int l = 0; l < 16; l++) t[l] = splat_##T(-(T)0); \
        for (long i = 0; i < n; i++) t[i & 15] += exp_v_##T(x[i] - less); \
        return log_v_##T(sum_rows_v_##T(t)) + m; \
    } \
    CT_FUN T lse_##T(T *x, long n) { \
        T m = x[0], t[16]; \
        for (long i = 1; i < n; i++) m = maximum_##T(m, x[i]); \
        const T less = finite_##T(m); \
        for (int l = 0; l < 16; l++) t[l] = -(T)0; \
        for (long i = 0; i < n; i++) t[i & 15] += exp_##T(x[i] - less); \
        return log_##T(sum_rows_##T(t)) + m; \
    }
CT_LSE(f64)
CT_LSE(f32)
