/* Bits, selects and double-double steps that the functions of vmath share.
 *
 * Everything is written with selects instead of branches and with explicit fma, so that a loop over any CT_FN
 * vectorises and gives the same bits on every instruction set, and in the Go twins. Nothing here may be compiled with
 * -ffast-math or contraction. */
#ifndef CT_CORE_H
#define CT_CORE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

/* errno is nobody's concern here: without it the compiler may put square roots in vectors. */
extern double sqrt(double) __attribute__((const));
extern float sqrtf(float) __attribute__((const));

/* CT_FN is inlined into the caller's loop; CT_SLOW is called for the few arguments that the loop leaves aside. */
#define CT_FN static inline __attribute__((always_inline, unused))
#define CT_SLOW static __attribute__((noinline, unused))
#define CT_DATA static const __attribute__((unused))

#define CT_INF ((double)INFINITY)
#define CT_NAN ((double)NAN)

/* k = x + CT_SHIFT rounds x to the integer k - CT_SHIFT, which is also in the low bits of k. */
#define CT_SHIFT 0x1.8p52

CT_FN uint64_t ct_bits(double x) {
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

CT_FN double ct_from_bits(uint64_t u) {
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* At most m; a NaN stays. */
CT_FN double ct_cap(double x, double m) { return x > m ? m : x; }

/* x held in [-m, m]; a NaN stays. Two selects in a row would cost more than one with the sign put back. */
CT_FN double ct_clamp(double x, double m) { return copysign(ct_cap(fabs(x), m), x); }

/* A value as an unevaluated sum, |lo| <= ulp(hi)/2 unless said otherwise. */
typedef struct {
    double hi, lo;
} ct_dd;

/* a + b exactly, for |a| >= |b| or a == 0. */
CT_FN ct_dd ct_fast_sum(double a, double b) {
    ct_dd s;
    s.hi = a + b;
    s.lo = b - (s.hi - a);
    return s;
}

/* a + b exactly (Knuth). */
CT_FN ct_dd ct_two_sum(double a, double b) {
    ct_dd s;
    double t;
    s.hi = a + b;
    t = s.hi - a;
    s.lo = (a - (s.hi - t)) + (b - t);
    return s;
}

/* a * b exactly. */
CT_FN ct_dd ct_two_prod(double a, double b) {
    ct_dd p;
    p.hi = a * b;
    p.lo = fma(a, b, -p.hi);
    return p;
}

/* a + b, relative error below 2^-104 unless the sum cancels. */
CT_FN ct_dd ct_dd_add(ct_dd a, ct_dd b) {
    ct_dd s = ct_two_sum(a.hi, b.hi);
    return ct_fast_sum(s.hi, s.lo + (a.lo + b.lo));
}

/* a * b, relative error below 2^-102. */
CT_FN ct_dd ct_dd_mul(ct_dd a, ct_dd b) {
    ct_dd p = ct_two_prod(a.hi, b.hi);
    return ct_fast_sum(p.hi, p.lo + fma(a.hi, b.lo, a.lo * b.hi));
}

/* a / b, relative error below 2^-100. */
CT_FN ct_dd ct_dd_div(ct_dd a, ct_dd b) {
    double q = a.hi / b.hi;
    double rest = fma(-q, b.hi, a.hi) + fma(-q, b.lo, a.lo);
    return ct_fast_sum(q, rest / b.hi);
}

CT_FN ct_dd ct_dd_of(double hi, double lo) {
    ct_dd a;
    a.hi = hi;
    a.lo = lo;
    return a;
}

/* 1/x = hi + lo, relative error below 2^-104. */
CT_FN ct_dd ct_recip(double x) {
    ct_dd q;
    q.hi = 1.0 / x;
    q.lo = fma(-q.hi, x, 1.0) * q.hi;
    return q;
}

#endif
