/* lgamma, digamma and polygamma.
 *
 * For x > 0 lgamma, digamma and trigamma are straight code over double-double logarithms and reciprocals: their
 * asymptotic series in 1/x, minimax-fitted down to small x, and a shift below. Negative arguments (by reflection) and
 * the higher polygammas (Euler-Maclaurin) are scalar. F. W. J. Olver et al., NIST Handbook of Mathematical Functions,
 * sections 5.5, 5.11, 5.15, 25.11.
 *
 * Error: 2 ULP, but near the roots on the negative axis 2^-57 times the largest term of the reflection formula,
 * and near the root of digamma at 1.4616 2^-57, absolute. */
#ifndef CT_GAMMA_H
#define CT_GAMMA_H

#include "log.h"

/* Whether x needs the scalar way, for lgamma, digamma and trigamma. */
CT_FN int ct_gamma_rare(double x) { return x <= 0.0; }

/* x (x + 1) in two parts, x >= 0. */
CT_FN ct_dd ct_x_xp1(double x) {
    ct_dd p = ct_two_prod(x, x), s = ct_two_sum(x, p.hi);
    return ct_dd_of(s.hi, s.lo + p.lo);
}

/* log Gamma(x) for x >= 5/2 given l = log x: (x - 1/2)(l - 1) + (log(2 pi) - 1)/2 + w P(w), w = 1/x. */
CT_FN ct_dd ct_lgamma_stirling(double x, ct_dd l) {
    double w = 1.0 / x, t = x - 0.5, tl = (x - t) - 0.5;
    ct_dd u = ct_two_sum(l.hi, -1.0);
    u.lo += l.lo;
    ct_dd m = ct_two_prod(t, u.hi), s = ct_two_sum(m.hi, CT_STIRLING_HI);
    double lo = fma(t, u.lo, fma(tl, u.hi, m.lo)) + CT_STIRLING_LO;
    return ct_fast_sum(s.hi, s.lo + fma(w, ct_p_stirling(w), lo));
}

/* log Gamma(2 + d) for |d| <= 1/2: d (digamma(2) + d (trigamma(2)/2 + d P(d))), the outer steps in two parts. */
CT_FN ct_dd ct_lgamma_near_two(double d) {
    ct_dd v = ct_fast_sum(CT_HALF_PSI1_TWO_HI, d * ct_p_lgamma(d)), w = ct_two_prod(d, v.hi);
    w.lo = fma(d, v.lo + CT_HALF_PSI1_TWO_LO, w.lo) + CT_PSI_TWO_LO;
    v = ct_fast_sum(CT_PSI_TWO_HI, w.hi);
    v.lo += w.lo;
    w = ct_two_prod(d, v.hi);
    w.lo = fma(d, v.lo, w.lo);
    return w;
}

/* log Gamma(x) for x > 0, NaN where it overflows. Below 5/2 it is lgamma(2 + d) with |d| <= 1/2 less the logarithm of what
 * Gamma(x + 1) = x Gamma(x) brings in: of nothing from 3/2 on, of x from 1/2, of x (x + 1) below. */
CT_FN ct_dd ct_lgamma_dd(double x) {
    int big = x >= 2.5, two = x < 0.5, one = x < 1.5;
    double d = two ? x : one ? x - 1.0 : x - 2.0;
    ct_dd p = ct_x_xp1(x);
    ct_dd l = ct_log_dd(two ? p.hi : (big | one) ? x : 1.0);
    ct_dd b = ct_lgamma_stirling(x, l);
    ct_dd a = ct_lgamma_near_two(d), s = ct_two_sum(-l.hi, a.hi);
    s = ct_fast_sum(s.hi, s.lo + (a.lo - (l.lo + (two ? p.lo / p.hi : 0.0))));
    return ct_dd_of(big ? b.hi : s.hi, big ? b.lo : s.lo);
}

CT_FN double ct_lgamma_main(double x) {
    double y = ct_lgamma_dd(x).hi;
    return ((y != y) & (x == x)) ? CT_INF : y; /* x (log x - 1) overflows */
}

/* digamma(x) for finite x > 0: log t - w/2 - w^2 P(w) with w = 1/t, at t = x + 2 below 2, where the two steps take off
 * 1/x + 1/(x + 1) = (2x + 1)/(x (x + 1)). */
CT_FN ct_dd ct_digamma_dd(double x) {
    int big = x >= 2.0;
    ct_dd t = ct_two_sum(x, big ? 0.0 : 2.0), w = ct_recip(t.hi), l = ct_log_dd(t.hi);
    ct_dd n = ct_two_sum(1.0, 2.0 * x), d = ct_x_xp1(x);
    double q = n.hi / d.hi, ql = (fma(-q, d.hi, n.hi) + (n.lo - q * d.lo)) / d.hi;
    ql = (big | (q == CT_INF)) ? 0.0 : ql;
    q = big ? 0.0 : q;
    ct_dd s = ct_two_sum(l.hi, -0.5 * w.hi), v = ct_two_sum(s.hi, -q);
    v.lo = q == CT_INF ? 0.0 : v.lo; /* x < 2^-1024: the value is -Inf, whatever the low part */
    double lo = fma(-0.5, w.lo, l.lo) + t.lo * fma(0.5 * w.hi, w.hi, w.hi);
    lo -= w.hi * w.hi * ct_p_psi(w.hi);
    return ct_fast_sum(v.hi, v.lo + (s.lo + (lo - ql)));
}

CT_FN double ct_digamma_main(double x) {
    double y = ct_digamma_dd(x).hi;
    return x < CT_INF ? y : x;
}

/* q^2 in two parts, without the second where the first overflows. */
CT_FN ct_dd ct_square(ct_dd q) {
    ct_dd p = ct_two_prod(q.hi, q.hi);
    p.lo = p.hi < CT_INF ? fma(2.0 * q.hi, q.lo, p.lo) : 0.0;
    return p;
}

/* trigamma(x) for x > 0: w + w^2/2 + w^3 P(w), at x + 2 below 2, to which 1/x^2 + 1/(x+1)^2 is added. */
CT_FN double ct_trigamma_main(double x) {
    int big = x >= 2.0;
    ct_dd t = ct_two_sum(x, big ? 0.0 : 2.0), w = ct_recip(t.hi), u = ct_two_sum(x, 1.0);
    ct_dd a = ct_square(ct_recip(x)), r = ct_recip(u.hi);
    r.lo -= u.lo * r.hi * r.hi;
    ct_dd b = ct_square(r), s = ct_fast_sum(a.hi, b.hi);
    double z = w.hi * w.hi;
    double lo = fma(z, fma(w.hi, ct_p_psi1(w.hi), 0.5), w.lo - t.lo * fma(z, w.hi, z));
    ct_dd v = ct_two_sum(big ? 0.0 : s.hi, w.hi);
    v.lo = s.hi == CT_INF ? 0.0 : v.lo;
    lo += (big | (s.hi == CT_INF)) ? 0.0 : s.lo + (a.lo + b.lo);
    double y = v.hi + (v.lo + lo);
    return x == CT_INF ? 0.0 : y;
}

/* The scalar ways. */

/* sin(pi x) and cos(pi x) by their Taylor series in double-double about the nearest integer, up to a common sign. */
CT_SLOW void ct_sincospi(double x, ct_dd *sine, ct_dd *cosine) {
    ct_dd t = ct_dd_mul(ct_dd_of(CT_PI_HI, CT_PI_LO), ct_dd_of(x - rint(x), 0.0));
    ct_dd z = ct_dd_mul(t, t), s = ct_dd_of(0.0, 0.0), c = s;
    for (int k = 15; k >= 0; k--) {
        s = ct_dd_add(ct_dd_mul(s, z), ct_dd_of(ct_taylor[k][0], ct_taylor[k][1]));
        c = ct_dd_add(ct_dd_mul(c, z), ct_dd_of(ct_taylor[k][2], ct_taylor[k][3]));
    }
    *sine = ct_dd_mul(s, t);
    *cosine = c;
}

/* log pi - log(|x| |sin pi x|) - lgamma(|x|) for x < 0. */
CT_SLOW double ct_lgamma_slow(double x) {
    double a = -x;
    if (a == rint(a)) return CT_INF;
    if (a < 0x1p-70) return -ct_log(a);
    ct_dd s, c, g = ct_lgamma_dd(a), l = ct_log_dd(a), v;
    ct_sincospi(x, &s, &c);
    ct_dd m = ct_log_dd(fabs(s.hi));
    m.lo += s.lo / s.hi;
    v = ct_dd_add(ct_dd_of(CT_LOG_PI_HI, CT_LOG_PI_LO), ct_dd_of(-m.hi, -m.lo));
    v = ct_dd_add(v, ct_dd_of(-l.hi, -l.lo));
    v = ct_dd_add(v, ct_dd_of(-g.hi, -g.lo));
    return v.hi + v.lo;
}

/* digamma(-x) - 1/x - pi cot(pi x) for x < 0. */
CT_SLOW double ct_digamma_slow(double x) {
    if (x == 0.0) return copysign(CT_INF, -x);
    if (x == rint(x)) return CT_NAN;
    if (x > -0x1p-70) return -1.0 / x;
    ct_dd s, c;
    ct_sincospi(x, &s, &c);
    c = ct_dd_mul(ct_dd_div(c, s), ct_dd_of(-CT_PI_HI, -CT_PI_LO));
    ct_dd v = ct_dd_add(ct_digamma_dd(-x), ct_dd_div(ct_dd_of(1.0, 0.0), ct_dd_of(-x, 0.0)));
    v = ct_dd_add(v, c);
    return v.hi + v.lo;
}

/* m * 2^e: values beyond the range of float64 on the way. */
typedef struct {
    ct_dd m;
    long e;
} ct_scaled;

CT_FN ct_scaled ct_scaled_of(ct_dd m, long e) {
    int k;
    ct_scaled v;
    frexp(m.hi, &k);
    v.m = ct_dd_of(ldexp(m.hi, -k), ldexp(m.lo, -k));
    v.e = e + k;
    return v;
}

CT_FN ct_scaled ct_scaled_add(ct_scaled a, ct_scaled b) {
    long e = a.e > b.e ? a.e : b.e;
    int i = a.e - e < -4000 ? -4000 : (int)(a.e - e), j = b.e - e < -4000 ? -4000 : (int)(b.e - e);
    a.m = ct_dd_of(ldexp(a.m.hi, i), ldexp(a.m.lo, i));
    b.m = ct_dd_of(ldexp(b.m.hi, j), ldexp(b.m.lo, j));
    return ct_scaled_of(ct_dd_add(a.m, b.m), e);
}

/* a^s zeta(s, a) = sum over k >= 0 of (a/(a+k))^s, integer s >= 2, a > 0: term by term up to a + k = s + 12, the rest
 * by Euler and Maclaurin. */
CT_SLOW ct_dd ct_hurwitz(long s, ct_dd a) {
    ct_dd sum = ct_dd_of(0.0, 0.0), one = ct_dd_of(1.0, 0.0), top = a, p;
    for (;;) {
        ct_dd q = ct_dd_div(a, top);
        p = one;
        for (long i = s; i > 0; i >>= 1) {
            if (i & 1) p = ct_dd_mul(p, q);
            q = ct_dd_mul(q, q);
        }
        if (top.hi >= (double)(s + 12)) break;
        sum = ct_dd_add(sum, p);
        if (p.hi * (1.0 + top.hi / (double)(s - 1)) < 0x1p-75 * sum.hi) return sum;
        top = ct_dd_add(top, one);
    }
    ct_dd inv = ct_dd_div(one, top), inv2 = ct_dd_mul(inv, inv);
    ct_dd rest = ct_dd_add(ct_dd_div(top, ct_dd_of((double)(s - 1), 0.0)), ct_dd_of(0.5, 0.0));
    ct_dd f = ct_dd_mul(ct_dd_of((double)s, 0.0), inv);
    for (int j = 0; j < 14; j++) {
        rest = ct_dd_add(rest, ct_dd_mul(f, ct_dd_of(ct_bernoulli[j][0], ct_bernoulli[j][1])));
        double r = (double)(s + 2 * j + 1);
        f = ct_dd_mul(ct_dd_mul(f, inv2), ct_two_prod(r, r + 1.0));
    }
    return ct_dd_add(sum, ct_dd_mul(p, rest));
}

/* n! zeta(n+1, a). */
CT_SLOW ct_scaled ct_factorial_zeta(long n, ct_dd a) {
    ct_scaled b = ct_scaled_of(a, 0), v = ct_scaled_of(ct_hurwitz(n + 1, a), 0);
    ct_dd inv = ct_dd_div(ct_dd_of(1.0, 0.0), b.m);
    for (long i = 0; i <= n; i++) {
        ct_dd f = i == 0 ? inv : ct_dd_mul(inv, ct_dd_of((double)i, 0.0));
        v = ct_scaled_of(ct_dd_mul(v.m, f), v.e - b.e);
    }
    return v;
}

/* (-1)^(n+1) n! zeta(n+1, x), n >= 1. For x < 0 the terms of either sign apart: with f = x - floor(x) in (0, 1),
 * zeta(s, x) = zeta(s, f) + (-1)^s (zeta(s, 1-f) - zeta(s, 1-x)). */
CT_SLOW double ct_polygamma_slow(long n, double x) {
    double sign = n & 1 ? 1.0 : -1.0;
    if (x != x || x == -CT_INF) return CT_NAN;
    if (x == CT_INF) return copysign(0.0, sign);
    if (x <= 0.0 && x == rint(x)) return sign * CT_INF;
    ct_scaled v;
    if (x > 0.0) {
        v = ct_factorial_zeta(n, ct_dd_of(x, 0.0));
    } else {
        double r = x - rint(x), d = fabs(r);
        ct_dd far = ct_fast_sum(1.0, -d), near = ct_dd_of(d, 0.0);
        ct_scaled a = ct_factorial_zeta(n, r > 0.0 ? near : far), b = ct_factorial_zeta(n, r > 0.0 ? far : near);
        ct_scaled c = ct_factorial_zeta(n, ct_two_sum(1.0, -x));
        c.m = ct_dd_of(-c.m.hi, -c.m.lo);
        b = ct_scaled_add(b, c);
        b.m = ct_dd_of(sign * b.m.hi, sign * b.m.lo);
        v = ct_scaled_add(a, b);
    }
    int e = v.e > 4000 ? 4000 : v.e < -4000 ? -4000 : (int)v.e;
    return sign * ldexp(v.m.hi + v.m.lo, e);
}

CT_SLOW double ct_trigamma_slow(double x) { return ct_polygamma_slow(1, x); }

CT_FN double ct_lgamma(double x) { return ct_gamma_rare(x) ? ct_lgamma_slow(x) : ct_lgamma_main(x); }
CT_FN double ct_digamma(double x) { return ct_gamma_rare(x) ? ct_digamma_slow(x) : ct_digamma_main(x); }
CT_FN double ct_trigamma(double x) { return ct_gamma_rare(x) ? ct_trigamma_slow(x) : ct_trigamma_main(x); }

/* The n-th derivative of digamma; NaN for n < 0. */
CT_FN double ct_polygamma(long n, double x) {
    return n > 1 ? ct_polygamma_slow(n, x) : n == 1 ? ct_trigamma(x) : n == 0 ? ct_digamma(x) : CT_NAN;
}

/* float32: the float64 result, rounded. */
CT_FN float ct_lgammaf_main(float x) { return (float)ct_lgamma_main(x); }
CT_FN float ct_digammaf_main(float x) { return (float)ct_digamma_main(x); }
CT_FN float ct_trigammaf_main(float x) { return (float)ct_trigamma_main(x); }
CT_FN float ct_lgammaf(float x) { return (float)ct_lgamma(x); }
CT_FN float ct_digammaf(float x) { return (float)ct_digamma(x); }
CT_FN float ct_trigammaf(float x) { return (float)ct_trigamma(x); }
CT_FN float ct_polygammaf(long n, float x) { return (float)ct_polygamma(n, x); }

#endif
