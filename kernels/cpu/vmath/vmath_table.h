/* The array entry points of vmath, one table an instruction set.
 *
 * name_f64(n, y, x) stores f(x[i]) in y[i] for 0 <= i < n; arrays are contiguous and need no alignment, and y may be x
 * (the same start) but may not otherwise overlap it. A table's functions may be called only on a machine that has its
 * instruction set; each gives bit for bit what the others and the Go twins give, NaN payloads aside. */
#ifndef CT_VMATH_TABLE_H
#define CT_VMATH_TABLE_H

/* X(name, kind): PLAIN vectorises whole; TRIG and GAMMA leave rare lanes to a second pass. */
#define CT_VMATH_UNARY(X) \
    X(exp, PLAIN) X(exp2, PLAIN) X(expm1, PLAIN) X(log, PLAIN) X(log2, PLAIN) X(log10, PLAIN) X(log1p, PLAIN) \
    X(sin, TRIG) X(cos, TRIG) X(tan, TRIG) X(asin, PLAIN) X(acos, PLAIN) X(atan, PLAIN) \
    X(sinh, PLAIN) X(cosh, PLAIN) X(tanh, PLAIN) X(asinh, PLAIN) X(acosh, PLAIN) X(atanh, PLAIN) \
    X(sigmoid, PLAIN) X(softplus, PLAIN) X(sqrt, PLAIN) X(erf, PLAIN) X(erfc, PLAIN) \
    X(lgamma, GAMMA) X(digamma, GAMMA) X(trigamma, GAMMA)

/* X(name): z[i] = f(x[i], y[i]). */
#define CT_VMATH_BINARY(X) X(pow) X(atan2) X(hypot)

typedef struct {
#define CT_X(name, kind) \
    void (*name##_f64)(long n, double *y, const double *x); \
    void (*name##_f32)(long n, float *y, const float *x);
    CT_VMATH_UNARY(CT_X)
#undef CT_X
#define CT_X(name) \
    void (*name##_f64)(long n, double *z, const double *x, const double *y); \
    void (*name##_f32)(long n, float *z, const float *x, const float *y);
    CT_VMATH_BINARY(CT_X)
#undef CT_X
    void (*polygamma_f64)(long n, double *y, long order, const double *x);
    void (*polygamma_f32)(long n, float *y, long order, const float *x);
} ct_vmath_table;

#if defined(__x86_64__)
extern const ct_vmath_table ct_vmath_baseline, ct_vmath_avx2, ct_vmath_avx512;
#elif defined(__aarch64__)
extern const ct_vmath_table ct_vmath_neon;
#else
extern const ct_vmath_table ct_vmath_baseline;
#endif

#endif
