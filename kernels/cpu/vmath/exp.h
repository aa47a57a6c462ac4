/* The exponential and what is made of it: exp, exp2, expm1, sigmoid, tanh, sinh, cosh, and their float32 forms.
 *
 * x = n ln2 + r with |r| <= ln2/2 (Cody and Waite), e^r by a polynomial, then a scaling by 2^n in two exact steps so
 * that only the last one can round to a subnormal or overflow. */
#ifndef CT_EXP_H
#define CT_EXP_H

#include "coef.h"
#include "core.h"

/* k = x + CT_SHIFT_UP rounds x to the integer n = k - CT_SHIFT_UP, and the low 12 bits of k are n + 2046. */
#define CT_SHIFT_UP (0x1.8p52 + 2046.0)

/* 2^n = 2^a * 2^b with a = (n + 2046)/2 - 1023 and b = n - a, |n| < 2046: bits of the first, then of the second. */
CT_FN uint64_t ct_scale_first(double k) { return (ct_bits(k) << 51) & 0x7ff0000000000000ULL; }
CT_FN uint64_t ct_scale_second(double k) { return (ct_bits(k) << 52) - ct_scale_first(k); }

/* p * 2^n. */
CT_FN double ct_scale(double p, double k) {
    return p * ct_from_bits(ct_scale_first(k)) * ct_from_bits(ct_scale_second(k));
}

/* (1 + q) * 2^n with one rounding for the sum. */
CT_FN double ct_scale_1p(double q, double k) {
    double a = ct_from_bits(ct_scale_first(k));
    return fma(q, a, a) * ct_from_bits(ct_scale_second(k));
}

/* 2^(n-1) for the n in the low bits of k, -1021 <= n <= 1024. */
CT_FN double ct_half_pow2(double k) { return ct_from_bits((ct_bits(k) + 1022) << 52); }

/* e^x for |x| <= 746: beyond, it is 0 or infinite. */
CT_FN double ct_exp_in(double x) {
    double k = fma(x, CT_LOG2E, CT_SHIFT_UP), n = k - CT_SHIFT_UP;
    double r = fma(n, -CT_LN2_LO, fma(n, -CT_LN2_HI, x)); /* the inner one is exact */
    return ct_scale_1p(fma(r * r, ct_p_exp(r), r), k);
}

CT_FN double ct_exp(double x) { return ct_exp_in(ct_clamp(x, 746.0)); }

/* 2^x: the argument of the polynomial is (x - n) ln2 in two parts. */
CT_FN double ct_exp2(double x) {
    double c = ct_clamp(x, 1080.0);
    double k = c + CT_SHIFT_UP, d = c - (k - CT_SHIFT_UP);
    double r = d * CT_LN2_HI, lo = fma(d, CT_LN2_LO, fma(d, CT_LN2_HI, -r));
    return ct_scale_1p(r + fma(r * r, ct_p_exp(r), lo), k);
}

/* (e^x - 1)/2 = hi + lo for -700 < x < 710; the half keeps 2^1024 in range. */
CT_FN ct_dd ct_half_expm1(double x) {
    double k = fma(x, CT_LOG2E, CT_SHIFT), n = k - CT_SHIFT;
    double a = fma(n, -CT_LN2_HI, x), r = fma(n, -CT_LN2_LO, a);
    double rest = fma(r * r, ct_p_exp(r), fma(n, -CT_LN2_LO, a - r)); /* e^r - 1 - r */
    double s = ct_half_pow2(k);
    ct_dd v = ct_fast_sum(s - 0.5, s * r);
    return ct_fast_sum(v.hi, fma(s, rest, v.lo));
}

/* The result for tiny x is x itself, which also keeps -0 and subnormals. */
CT_FN double ct_expm1(double x) {
    double y = 2.0 * ct_half_expm1(x < -40.0 ? -40.0 : x).hi;
    y = x > 709.9 ? CT_INF : y;
    return fabs(x) < 0x1p-54 ? x : y;
}

/* 1/(1 + e^-x) = u/(b + u) or b/(b + u) with e^-|x| = u/b in two parts, b a power of two: as both stay near 2^537 at
 * most, nothing underflows before the quotient, which its remainder corrects. */
CT_FN double ct_sigmoid(double x) {
    double c = -ct_cap(fabs(x), 746.0);
    double k = fma(c, CT_LOG2E, CT_SHIFT_UP), n = k - CT_SHIFT_UP;
    double r = fma(n, -CT_LN2_LO, fma(n, -CT_LN2_HI, c));
    ct_dd u = ct_fast_sum(1.0, fma(r * r, ct_p_exp(r), r));
    double a = ct_from_bits(ct_scale_first(k)), b = ct_from_bits(ct_bits(0x1p1023) - ct_scale_second(k));
    u.hi *= a;
    u.lo *= a;
    ct_dd den = ct_fast_sum(b, u.hi);
    double num = x < 0.0 ? u.hi : b, low = x < 0.0 ? u.lo : 0.0;
    double inv = 1.0 / den.hi, q = num * inv;
    double rest = fma(-q, den.hi, num) + fma(-q, den.lo + u.lo, low);
    return fma(rest, inv, q);
}

/* tanh a = -m/(1 + m) with m = (e^-2a - 1)/2 in two parts, the quotient corrected by its remainder. */
CT_FN double ct_tanh(double x) {
    ct_dd m = ct_half_expm1(-2.0 * ct_cap(fabs(x), 20.0)), den = ct_fast_sum(1.0, m.hi);
    double inv = -1.0 / den.hi, q = m.hi * inv;
    double rest = fma(q, den.hi, m.hi) + fma(q, den.lo + m.lo, m.lo);
    return copysign(fma(rest, inv, q), x);
}

/* e^a/2 for large a, where e^-a does not count; up to 2^1024. */
CT_FN double ct_half_exp_large(double a) {
    double c = ct_cap(a, 712.0), k = fma(c, CT_LOG2E, CT_SHIFT_UP), n = k - CT_SHIFT_UP;
    double r = fma(n, -CT_LN2_LO, fma(n, -CT_LN2_HI, c));
    return ct_scale_1p(fma(r * r, ct_p_exp(r), r), k - 1.0);
}

/* (e^a - 1)/2 = m; sinh a = m + m/(1 + 2m), whose last term is a small correction for large a. */
CT_FN double ct_sinh(double x) {
    double a = fabs(x);
    ct_dd m = ct_half_expm1(ct_cap(a, 22.0)), den = ct_two_sum(1.0, 2.0 * m.hi);
    double q = m.hi / den.hi;
    double ql = (fma(-q, den.hi, m.hi) + fma(-q, fma(2.0, m.lo, den.lo), m.lo)) / den.hi;
    ct_dd s = ct_fast_sum(m.hi, q);
    double y = s.hi + (s.lo + (ql + m.lo));
    y = a > 22.0 ? ct_half_exp_large(a) : y;
    y = a < 0x1p-28 ? a : y;
    return copysign(y, x);
}

/* cosh a = (e^a + e^-a)/2 = 1/2 + m + 1/(2 + 4m). */
CT_FN double ct_cosh(double x) {
    double a = fabs(x);
    ct_dd m = ct_half_expm1(ct_cap(a, 22.0));
    ct_dd e = ct_two_sum(0.5, m.hi); /* e^a/2 */
    e.lo += m.lo;
    double q = 0.25 / (e.hi + e.lo);
    ct_dd s = ct_fast_sum(e.hi, q);
    double y = s.hi + (s.lo + e.lo);
    return a > 22.0 ? ct_half_exp_large(a) : y;
}

/* float32: the same in float64 with a shorter polynomial, relative error below 2^-33 before the one rounding. */

/* e^x for -700 < x < 700. */
CT_FN double ct_exp_short(double x) {
    double k = fma(x, CT_LOG2E, CT_SHIFT), n = k - CT_SHIFT;
    double r = fma(n, -CT_LN2_HI, x);
    double p = 1.0 + fma(r * r, ct_p_expf(r), r);
    return ct_from_bits(ct_bits(p) + (ct_bits(k) << 52));
}

/* (e^x - 1)/2 for |x| < 700. */
CT_FN double ct_half_expm1_short(double x) {
    double k = fma(x, CT_LOG2E, CT_SHIFT), n = k - CT_SHIFT;
    double r = fma(n, -CT_LN2_HI, x), s = ct_half_pow2(k);
    return fma(s, fma(r * r, ct_p_expf(r), r), s - 0.5);
}

CT_FN float ct_expf(float x) { return (float)ct_exp_short(ct_clamp(x, 105.0)); }

CT_FN float ct_exp2f(float x) {
    double c = ct_clamp(x, 152.0), k = c + CT_SHIFT;
    double r = (c - (k - CT_SHIFT)) * CT_LN2_HI;
    double p = 1.0 + fma(r * r, ct_p_expf(r), r);
    return (float)ct_from_bits(ct_bits(p) + (ct_bits(k) << 52));
}

CT_FN float ct_expm1f(float x) {
    float y = (float)(2.0 * ct_half_expm1_short(ct_clamp(x, 105.0)));
    return x == 0.0f ? x : y;
}

CT_FN float ct_sigmoidf(float x) {
    double e = ct_exp_short(-ct_cap(fabs((double)x), 105.0));
    return (float)((x < 0.0f ? e : 1.0) / (1.0 + e));
}

CT_FN float ct_tanhf(float x) {
    double m = ct_half_expm1_short(-2.0 * ct_cap(fabs((double)x), 20.0));
    return copysignf((float)(-m / (1.0 + m)), x);
}

CT_FN float ct_sinhf(float x) {
    double m = ct_half_expm1_short(ct_cap(fabs((double)x), 90.0));
    return copysignf((float)(m + m / fma(2.0, m, 1.0)), x);
}

CT_FN float ct_coshf(float x) {
    double e = ct_exp_short(ct_cap(fabs((double)x), 90.0));
    return (float)fma(0.5, e, 0.5 / e);
}

#endif
