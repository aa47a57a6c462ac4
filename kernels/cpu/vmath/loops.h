/* The array loops of one instruction set: include with CT_TABLE set to the table's name, inside the target pragmas.
 *
 * Arrays are walked in blocks of CT_BLOCK elements, the last one filled up in a buffer, so that every loop has a
 * constant count: no scalar remainder, half the code. Lanes never mix, so a value does not depend on its place. */
#include "vmath.h"
#include "vmath_table.h"

#define CT_BLOCK 64

/* Iterations are independent even when output and input are the same array. */
#ifdef __clang__
#define CT_LANES _Pragma("clang loop vectorize(assume_safety)")
#else
#define CT_LANES _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#endif

/* Runs block(out, in) over all blocks; the last one is padded with ones, which no function minds. */
#define CT_DRIVE(T, name, block) \
    static void name(long n, T *y, const T *x) { \
        long i = 0; \
        for (; i + CT_BLOCK <= n; i += CT_BLOCK) block(y + i, x + i); \
        if (i == n) return; \
        T buf[CT_BLOCK]; \
        for (int j = 0; j < CT_BLOCK; j++) buf[j] = 1; \
        memcpy(buf, x + i, (size_t)(n - i) * sizeof(T)); \
        block(buf, buf); \
        memcpy(y + i, buf, (size_t)(n - i) * sizeof(T)); \
    }

#define CT_DRIVE2(T, name, block) \
    static void name(long n, T *z, const T *x, const T *y) { \
        long i = 0; \
        for (; i + CT_BLOCK <= n; i += CT_BLOCK) block(z + i, x + i, y + i); \
        if (i == n) return; \
        T a[CT_BLOCK], b[CT_BLOCK]; \
        for (int j = 0; j < CT_BLOCK; j++) a[j] = b[j] = 1; \
        memcpy(a, x + i, (size_t)(n - i) * sizeof(T)); \
        memcpy(b, y + i, (size_t)(n - i) * sizeof(T)); \
        block(a, a, b); \
        memcpy(z + i, a, (size_t)(n - i) * sizeof(T)); \
    }

#define CT_PLAIN(T, name, f) \
    static void name##_block(T *y, const T *x) { \
        CT_LANES for (int i = 0; i < CT_BLOCK; i++) y[i] = f(x[i]); \
    } \
    CT_DRIVE(T, name, name##_block)

/* The results wait in a buffer until the rare lanes are mended, for y may be x. */
#define CT_MENDED(T, name, main, rare, slow) \
    static void name##_block(T *y, const T *x) { \
        T buf[CT_BLOCK]; \
        int any = 0; \
        CT_LANES for (int i = 0; i < CT_BLOCK; i++) { \
            buf[i] = main(x[i]); \
            any |= rare(x[i]); \
        } \
        if (any) \
            for (int i = 0; i < CT_BLOCK; i++) \
                if (rare(x[i])) buf[i] = (T)slow(x[i]); \
        memcpy(y, buf, sizeof buf); \
    } \
    CT_DRIVE(T, name, name##_block)

#define CT_LOOP_PLAIN(name) CT_PLAIN(double, name##_f64, ct_##name) CT_PLAIN(float, name##_f32, ct_##name##f)
#define CT_LOOP_RARE(name, rare) \
    CT_MENDED(double, name##_f64, ct_##name##_main, rare, ct_##name##_slow) \
    CT_MENDED(float, name##_f32, ct_##name##f_main, rare, ct_##name##_slow)
#define CT_LOOP_TRIG(name) CT_LOOP_RARE(name, ct_trig_rare)
#define CT_LOOP_GAMMA(name) CT_LOOP_RARE(name, ct_gamma_rare)

#define CT_X(name, kind) CT_LOOP_##kind(name)
CT_VMATH_UNARY(CT_X)
#undef CT_X

#define CT_PLAIN2(T, name, f) \
    static void name##_block(T *z, const T *x, const T *y) { \
        CT_LANES for (int i = 0; i < CT_BLOCK; i++) z[i] = f(x[i], y[i]); \
    } \
    CT_DRIVE2(T, name, name##_block)
#define CT_X(name) CT_PLAIN2(double, name##_f64, ct_##name) CT_PLAIN2(float, name##_f32, ct_##name##f)
CT_VMATH_BINARY(CT_X)
#undef CT_X

#define CT_POLYGAMMA(T, suffix) \
    static void polygamma_##suffix(long n, T *y, long order, const T *x) { \
        if (order == 0) digamma_##suffix(n, y, x); \
        else if (order == 1) trigamma_##suffix(n, y, x); \
        else \
            for (long i = 0; i < n; i++) y[i] = (T)(order < 0 ? CT_NAN : ct_polygamma_slow(order, x[i])); \
    }
CT_POLYGAMMA(double, f64)
CT_POLYGAMMA(float, f32)

const ct_vmath_table CT_TABLE = {
#define CT_X(name, kind) .name##_f64 = name##_f64, .name##_f32 = name##_f32,
    CT_VMATH_UNARY(CT_X)
#undef CT_X
#define CT_X(name) .name##_f64 = name##_f64, .name##_f32 = name##_f32,
    CT_VMATH_BINARY(CT_X)
#undef CT_X
    .polygamma_f64 = polygamma_f64,
    .polygamma_f32 = polygamma_f32,
};
