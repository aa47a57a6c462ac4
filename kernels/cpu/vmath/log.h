/* Logarithms: log, log2, log10, log1p, a double-double log for pow and lgamma, softplus, and the inverse hyperbolics.
 *
 * x = 2^k m with sqrt(1/2) <= m < sqrt(2), f = m - 1 exactly, log m = 2 atanh(s) with s = f/(2+f). */
#ifndef CT_LOG_H
#define CT_LOG_H

#include "coef.h"
#include "core.h"
#include "exp.h"

/* m and k of a normal x > 0; anything for other x. */
CT_FN double ct_split_normal(double x, double *k) {
    uint64_t low = ct_bits(CT_SQRT_HALF) & 0x000fffffffffffffULL;
    uint64_t t = ct_bits(x) - low; /* exponent field k + 1022 */
    *k = ct_from_bits((t >> 52) | ct_bits(0x1p52)) - (0x1p52 + 1022);
    return ct_from_bits((t & 0x000fffffffffffffULL) + ct_bits(CT_SQRT_HALF));
}

/* The same for subnormals too. */
CT_FN double ct_split(double x, double *k) {
    int small = x < 0x1p-1022;
    double m = ct_split_normal(small ? x * 0x1p54 : x, k);
    *k -= small ? 54.0 : 0.0;
    return m;
}

/* log(1+f) + k ln2 with log(1+f) = f - (f^2/2 - s (f^2/2 + R)): the leading term exact, the rest small. */
CT_FN double ct_log_sum(double f, double k) {
    double s = f / (2.0 + f), z = s * s;
    double half = 0.5 * f * f;
    double rest = fma(s, fma(2.0 * z, ct_p_log(z), half), k * CT_LN2_LO);
    return fma(k, CT_LN2_HI, f - (half - rest));
}

/* y where 0 < x < Inf, else what log gives there. */
CT_FN double ct_log_special(double x, double y) {
    double z = x < 0.0 ? CT_NAN : x;
    z = x == 0.0 ? -CT_INF : z;
    return ((x > 0.0) & (x < CT_INF)) ? y : z;
}

CT_FN double ct_log(double x) {
    double k, m = ct_split(x, &k);
    return ct_log_special(x, ct_log_sum(m - 1.0, k));
}

/* log m in two parts, relative error below 2^-64: the series 2 (s + s^3/3 + s^5 P), its first two terms in
 * double-double. */
CT_FN ct_dd ct_log_m(double m) {
    double f = m - 1.0;
    ct_dd d = ct_two_sum(1.0, m);
    double inv = 1.0 / d.hi;
    double s = f * inv, sl = (fma(-s, d.hi, f) - s * d.lo) * inv;
    double z = s * s, zl = fma(s, s, -z) + 2.0 * s * sl;
    double q = z * ct_p_logdd(z);
    ct_dd c = ct_fast_sum(CT_THIRD_HI, q);
    c.lo += CT_THIRD_LO;
    double s3 = s * z, s3l = fma(s, z, -s3) + fma(s, zl, sl * z);
    double t = s3 * c.hi, tl = fma(s3, c.hi, -t) + fma(s3, c.lo, s3l * c.hi);
    ct_dd v = ct_fast_sum(s, t);
    v.hi *= 2.0;
    v.lo = 2.0 * (v.lo + (sl + tl));
    return v;
}

/* log x in two parts for finite x > 0. */
CT_FN ct_dd ct_log_dd(double x) {
    double k, m = ct_split(x, &k);
    ct_dd v = ct_log_m(m);
    ct_dd s = ct_fast_sum(k * CT_LN2_SHORT_HI, v.hi);
    return ct_fast_sum(s.hi, s.lo + fma(k, CT_LN2_SHORT_LO, v.lo));
}

/* log m / ln2 in double-double, then k: powers of two are exact. */
CT_FN double ct_log2(double x) {
    double k, m = ct_split(x, &k);
    ct_dd v = ct_log_m(m);
    double p = v.hi * CT_INV_LN2_HI;
    double pl = fma(v.hi, CT_INV_LN2_HI, -p) + fma(v.hi, CT_INV_LN2_LO, v.lo * CT_INV_LN2_HI);
    ct_dd s = ct_fast_sum(k, p);
    return ct_log_special(x, s.hi + (s.lo + pl));
}

CT_FN double ct_log10(double x) {
    ct_dd v = ct_log_dd(x);
    double p = v.hi * CT_INV_LN10_HI;
    double pl = fma(v.hi, CT_INV_LN10_HI, -p) + fma(v.hi, CT_INV_LN10_LO, v.lo * CT_INV_LN10_HI);
    return ct_log_special(x, p + pl);
}

/* log(1 + x + xl) without the special cases: 1 + x = u + c exactly, and c is brought to the scale of u's mantissa, so
 * that f + c is x itself when k = 0. xl is a last correction of x, at most an ulp. */
CT_FN double ct_log1p_main(double x, double xl) {
    double k, u = 1.0 + x, t = u - 1.0;
    double c = ((1.0 - (u - t)) + (x - t)) + xl;
    double m = ct_split_normal(u, &k);
    double scale = ct_from_bits(ct_bits(m) - ct_bits(u) + ct_bits(1.0)); /* 2^-k */
    double f = (m - 1.0) + (x > 0x1p60 ? 0.0 : c * scale);
    return ct_log_sum(f, k);
}

CT_FN double ct_log1p(double x) {
    double y = ct_log1p_main(x, 0.0);
    y = x < CT_INF ? y : x; /* and NaN */
    y = x == -1.0 ? -CT_INF : y;
    y = x < -1.0 ? CT_NAN : y;
    return fabs(x) < 0x1p-54 ? x : y;
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). */
CT_FN double ct_softplus(double x) {
    double y = ct_log1p_main(ct_exp_in(-ct_cap(fabs(x), 746.0)), 0.0);
    return x > 0.0 ? x + y : y;
}

/* asinh a = log1p(a + a^2/(1 + sqrt(1 + a^2))), root and quotient in two parts; log a + ln2 where a^2 overflows. */
CT_FN double ct_asinh(double x) {
    double a = fabs(x);
    int big = a > 0x1p500;
    double b = big ? 1.0 : a;
    ct_dd q = ct_two_prod(b, b), v = ct_two_sum(1.0, q.hi);
    double h = sqrt(v.hi), hl = (fma(-h, h, v.hi) + (v.lo + q.lo)) / (2.0 * h);
    ct_dd den = ct_two_sum(1.0, h);
    double r = q.hi / den.hi, rl = (fma(-r, den.hi, q.hi) + (q.lo - r * (den.lo + hl))) / den.hi;
    ct_dd s = ct_two_sum(b, r);
    double y = ct_log1p_main(big ? a : s.hi, big ? 0.0 : s.lo + rl);
    y = big ? y + CT_LN2_HI : y;
    y = a < CT_INF ? y : a;
    y = a < 0x1p-28 ? a : y;
    return copysign(y, x);
}

/* acosh x = log1p(t + sqrt(2t + t^2)) with t = x - 1; log x + ln2 where t^2 overflows. */
CT_FN double ct_acosh(double x) {
    int big = x > 0x1p500;
    double t = (big ? 2.0 : x) - 1.0; /* exact below 2^53, where it counts */
    ct_dd q = ct_two_prod(t, t), v = ct_two_sum(2.0 * t, q.hi);
    double h = sqrt(v.hi), hl = (fma(-h, h, v.hi) + (v.lo + q.lo)) / (2.0 * h);
    ct_dd s = ct_two_sum(t, h);
    double y = ct_log1p_main(big ? x : s.hi, big ? 0.0 : s.lo + hl);
    y = big ? y + CT_LN2_HI : y;
    y = x < CT_INF ? y : x;
    y = x == 1.0 ? 0.0 : y; /* 0/0 above */
    return x < 1.0 ? CT_NAN : y;
}

/* atanh a = log1p(2a/(1-a))/2, the quotient in two parts. */
CT_FN double ct_atanh(double x) {
    double a = fabs(x);
    ct_dd den = ct_fast_sum(1.0, -a);
    double q = 2.0 * a / den.hi;
    double ql = (fma(-q, den.hi, 2.0 * a) - q * den.lo) / den.hi;
    double y = 0.5 * ct_log1p_main(q, ql);
    y = a == 1.0 ? CT_INF : y;
    y = a > 1.0 ? CT_NAN : y;
    y = a < 0x1p-28 ? a : y;
    return copysign(y, x);
}

/* float32, in float64 with shorter polynomials. */

CT_FN double ct_log_short(double f, double k) {
    double s = f / (2.0 + f), z = s * s;
    return fma(k, CT_LN2_HI, 2.0 * fma(s * z, ct_p_logf(z), s));
}

CT_FN double ct_log_of_float(double x) {
    double k, m = ct_split_normal(x, &k);
    return ct_log_special(x, ct_log_short(m - 1.0, k));
}

CT_FN float ct_logf(float x) { return (float)ct_log_of_float(x); }
CT_FN float ct_log10f(float x) { return (float)(ct_log_of_float(x) * CT_INV_LN10_HI); }

CT_FN float ct_log2f(float x) {
    double k, m = ct_split_normal(x, &k);
    return (float)ct_log_special(x, fma(ct_log_short(m - 1.0, 0.0), CT_INV_LN2_HI, k));
}

CT_FN double ct_log1p_short(double x) {
    double k, u = 1.0 + x, t = u - 1.0;
    double c = (1.0 - (u - t)) + (x - t);
    double m = ct_split_normal(u, &k);
    double scale = ct_from_bits(ct_bits(m) - ct_bits(u) + ct_bits(1.0));
    return ct_log_short(fma(c, scale, m - 1.0), k);
}

CT_FN float ct_log1pf(float x) {
    float y = (float)ct_log1p_short(x);
    y = x < INFINITY ? y : x;
    y = x == -1.0f ? -INFINITY : y;
    y = x < -1.0f ? NAN : y;
    return x == 0.0f ? x : y;
}

CT_FN float ct_softplusf(float x) {
    double e = ct_exp_short(-ct_cap(fabs((double)x), 105.0));
    double y = ct_log1p_short(e);
    return (float)(x > 0.0f ? x + y : y);
}

CT_FN float ct_asinhf(float x) {
    double a = fabs((double)x), q = a * a;
    float y = (float)ct_log1p_short(a + q / (1.0 + sqrt(1.0 + q)));
    y = a < CT_INF ? y : (float)a;
    return copysignf(y, x);
}

CT_FN float ct_acoshf(float x) {
    double t = (double)x - 1.0;
    float y = (float)ct_log1p_short(t + sqrt(fma(t, t, 2.0 * t)));
    y = x < INFINITY ? y : x;
    return x < 1.0f ? NAN : y;
}

CT_FN float ct_atanhf(float x) {
    double a = fabs((double)x);
    float y = (float)(0.5 * ct_log1p_short(2.0 * a / (1.0 - a)));
    y = a == 1.0 ? INFINITY : y;
    y = a > 1.0 ? NAN : y;
    return copysignf(y, x);
}

#endif
