/* sin, cos, tan, and the inverse functions from atan2.
 *
 * x = q pi/2 + hi + lo with |hi| <= pi/4: up to CT_TRIG_MAX by pi/2 in three parts (Cody and Waite), beyond that by
 * multiplying with the bits of 2/pi that count (Payne and Hanek). The second way is scalar: ct_sin_main is the fast way
 * alone, right wherever ct_trig_rare is 0, and ct_sin is right everywhere. */
#ifndef CT_TRIG_H
#define CT_TRIG_H

#include "coef.h"
#include "core.h"

#define CT_TRIG_MAX 0x1p30

/* Whether x needs the scalar way. */
CT_FN int ct_trig_rare(double x) { return fabs(x) > CT_TRIG_MAX; }

/* The remainder, and q in the low two bits of *q. The first product is exact; the second and the sum with it are kept in
 * two parts, so that the remainder is right even where it nearly vanishes. */
CT_FN ct_dd ct_trig_reduce(double x, uint64_t *q) {
    double k = fma(x, CT_TWO_OVER_PI, CT_SHIFT), n = k - CT_SHIFT;
    double a = fma(n, -CT_PIO2A, x);
    ct_dd w = ct_two_prod(n, CT_PIO2B);
    ct_dd r = ct_two_sum(a, -w.hi);
    r.lo -= fma(n, CT_PIO2C, w.lo);
    *q = ct_bits(k);
    return r;
}

/* The same for CT_TRIG_MAX <= |x| < Inf: |x| = m 2^e, and bits of 2/pi that give multiples of 4 are left out. */
CT_SLOW ct_dd ct_trig_reduce_large(double x, uint64_t *q) {
    uint64_t u = ct_bits(x), m = (u & 0x000fffffffffffffULL) | 0x0010000000000000ULL;
    int at = (int)((u >> 52) & 2047) - 1075 - 2 + 64; /* first bit wanted, of a zero word and the table */
    uint64_t w[4], word[3];
    for (int i = 0; i < 4; i++) {
        int j = at / 64 + i - 1;
        w[i] = j < 0 || j >= 20 ? 0 : ct_two_over_pi[j];
    }
    int s = at % 64;
    for (int i = 0; i < 3; i++) word[i] = s == 0 ? w[i] : w[i] << s | w[i + 1] >> (64 - s);
    __extension__ typedef unsigned __int128 u128;
    u128 p0 = (u128)m * word[2], p1 = (u128)m * word[1] + (uint64_t)(p0 >> 64);
    uint64_t p2 = m * word[0] + (uint64_t)(p1 >> 64);
    uint64_t f1 = p2 << 2 | (uint64_t)p1 >> 62, f0 = (uint64_t)p1 << 2 | (uint64_t)p0 >> 62;
    uint64_t up = f1 >> 63, n = (p2 >> 62) + up; /* the fraction rounds to |f| <= 1/2 */
    f1 = up ? ~f1 : f1;
    f0 = up ? ~f0 : f0;
    ct_dd f = ct_fast_sum((double)(f1 >> 12) * 0x1p-52, (double)((f1 & 0xfff) << 40 | f0 >> 24) * 0x1p-104);
    f = ct_fast_sum(f.hi, f.lo + (double)(f0 & 0xffffff) * 0x1p-128);
    f = ct_dd_mul(f, ct_dd_of(CT_PIO2A, CT_PIO2B));
    int minus = (int)(u >> 63);
    *q = minus ? 0 - n : n;
    return (up != 0) == minus ? f : ct_dd_of(-f.hi, -f.lo);
}

/* sin(r) and cos(r) for |r| <= pi/4: the leading terms in v.hi, what is added to them in v.lo. */
CT_FN ct_dd ct_sin_terms(ct_dd r, double z, double w) {
    return ct_dd_of(r.hi, fma(r.hi * z, ct_p_sin(z), r.lo * w));
}

CT_FN ct_dd ct_cos_terms(ct_dd r, double z, double w) {
    return ct_dd_of(w, fma(z * z, ct_p_cos(z), fma(-r.hi, r.lo, fma(-0.5, z, 1.0 - w))));
}

/* sin(r + q pi/2). */
CT_FN double ct_sin_of(ct_dd r, uint64_t q) {
    double z = r.hi * r.hi, w = fma(-0.5, z, 1.0);
    ct_dd s = ct_sin_terms(r, z, w), c = ct_cos_terms(r, z, w);
    double y = q & 1 ? c.hi + c.lo : s.hi + s.lo;
    return ct_from_bits(ct_bits(y) ^ ((q & 2) << 62));
}

/* tan(r + q pi/2): sine and cosine in two parts, and the quotient corrected by its remainder. */
CT_FN double ct_tan_of(ct_dd r, uint64_t q) {
    double z = r.hi * r.hi, w = fma(-0.5, z, 1.0);
    ct_dd s = ct_sin_terms(r, z, w), c = ct_cos_terms(r, z, w);
    s = ct_fast_sum(s.hi, s.lo);
    c = ct_fast_sum(c.hi, c.lo);
    double nh = q & 1 ? -c.hi : s.hi, nl = q & 1 ? -c.lo : s.lo;
    double dh = q & 1 ? s.hi : c.hi, dl = q & 1 ? s.lo : c.lo;
    double inv = 1.0 / dh, t = nh * inv;
    double rest = fma(-t, dh, nh) + fma(-t, dl, nl);
    return fma(rest, inv, t);
}

CT_FN double ct_sin_main(double x) {
    uint64_t q;
    ct_dd r = ct_trig_reduce(x, &q);
    double y = ct_sin_of(r, q);
    return fabs(x) < 0x1p-27 ? x : y;
}

CT_FN double ct_cos_main(double x) {
    uint64_t q;
    ct_dd r = ct_trig_reduce(x, &q);
    return ct_sin_of(r, q + 1);
}

CT_FN double ct_tan_main(double x) {
    uint64_t q;
    ct_dd r = ct_trig_reduce(x, &q);
    double y = ct_tan_of(r, q);
    return fabs(x) < 0x1p-27 ? x : y;
}

CT_SLOW double ct_sin_slow(double x) {
    uint64_t q;
    if (!(fabs(x) < CT_INF)) return x - x;
    ct_dd r = ct_trig_reduce_large(x, &q);
    return ct_sin_of(r, q);
}

CT_SLOW double ct_cos_slow(double x) {
    uint64_t q;
    if (!(fabs(x) < CT_INF)) return x - x;
    ct_dd r = ct_trig_reduce_large(x, &q);
    return ct_sin_of(r, q + 1);
}

CT_SLOW double ct_tan_slow(double x) {
    uint64_t q;
    if (!(fabs(x) < CT_INF)) return x - x;
    ct_dd r = ct_trig_reduce_large(x, &q);
    return ct_tan_of(r, q);
}

CT_FN double ct_sin(double x) { return ct_trig_rare(x) ? ct_sin_slow(x) : ct_sin_main(x); }
CT_FN double ct_cos(double x) { return ct_trig_rare(x) ? ct_cos_slow(x) : ct_cos_main(x); }
CT_FN double ct_tan(double x) { return ct_trig_rare(x) ? ct_tan_slow(x) : ct_tan_main(x); }

/* atan q - q for q = hi + lo, |q| <= tan(pi/8). */
CT_FN double ct_atan_rest(ct_dd q) {
    double z = q.hi * q.hi;
    return fma(q.hi * z, ct_p_atan(z), q.lo);
}

/* The angle of (|x|, |y|) is j pi/4 + sign * atan(num/den): near the axes num/den is the smaller over the larger, near
 * the diagonal their difference over their sum. num and den come with their rounding errors nl, dl. */
CT_FN double ct_angle(double num, double nl, double den, double dl, double j, double sign) {
    double q = num / den;
    double ql = (fma(-q, den, num) + (nl - q * dl)) / den;
    double rest = ct_atan_rest(ct_dd_of(q, ql));
    double base = j * CT_PIO4_HI, low = fma(j, CT_PIO4_HI, -base) + j * CT_PIO4_LO;
    ct_dd s = ct_two_sum(base, sign * q);
    return s.hi + (s.lo + fma(sign, rest, low));
}

CT_FN double ct_atan2(double y, double x) {
    double ax = fabs(x), ay = fabs(y);
    int swap = ay > ax, left = copysign(1.0, x) < 0.0;
    double b = swap ? ay : ax, a = swap ? ax : ay;
    double scale = b > 0x1p1000 ? 0x1p-10 : b < 0x1p-500 ? 0x1p500 : 1.0;
    a = b < CT_INF ? a * scale : a < CT_INF ? 0.0 : 1.0;
    b = b < CT_INF ? b * scale : 1.0;
    b = b == 0.0 ? 1.0 : b;
    int diagonal = a > CT_TAN_PIO8 * b;
    ct_dd sum = ct_fast_sum(b, a), dif = ct_fast_sum(-b, a);
    double num = diagonal ? dif.hi : a, nl = diagonal ? dif.lo : 0.0;
    double den = diagonal ? sum.hi : b, dl = diagonal ? sum.lo : 0.0;
    double j = diagonal ? 1.0 : 0.0;
    j = swap ? 2.0 - j : j;
    j = left ? 4.0 - j : j;
    double r = ct_angle(num, nl, den, dl, j, swap != left ? -1.0 : 1.0);
    r = ((x == x) & (y == y)) ? r : x + y;
    return copysign(r, y);
}

CT_FN double ct_atan(double x) { return ct_atan2(x, 1.0); }

/* Angles with cos = u, sin = v, u^2 + v^2 = 1 known exactly on one side: asin x = atan2(x, sqrt((1-x)(1+x))), the root
 * in two parts. */
CT_FN ct_dd ct_sqrt_1mx2(double a) {
    ct_dd p = ct_two_prod(a, a), v = ct_fast_sum(1.0, -p.hi);
    v.lo -= p.lo;
    v = ct_fast_sum(v.hi, v.lo);
    double h = sqrt(v.hi);
    return ct_dd_of(h, h > 0.0 ? (fma(-h, h, v.hi) + v.lo) / (2.0 * h) : 0.0);
}

/* atan2(y, x) for y, x in two parts, 0 <= y, x <= 1 not both 0. */
CT_FN double ct_atan2_unit(ct_dd y, ct_dd x) {
    int swap = y.hi > x.hi;
    double b = swap ? y.hi : x.hi, bl = swap ? y.lo : x.lo;
    double a = swap ? x.hi : y.hi, al = swap ? x.lo : y.lo;
    int diagonal = a > CT_TAN_PIO8 * b;
    ct_dd sum = ct_fast_sum(b, a), dif = ct_fast_sum(-b, a);
    double num = diagonal ? dif.hi : a, nl = diagonal ? dif.lo + (al - bl) : al;
    double den = diagonal ? sum.hi : b, dl = diagonal ? sum.lo + (al + bl) : bl;
    double j = diagonal ? 1.0 : 0.0;
    return ct_angle(num, nl, den, dl, swap ? 2.0 - j : j, swap ? -1.0 : 1.0);
}

CT_FN double ct_asin(double x) {
    double a = fabs(x);
    double y = ct_atan2_unit(ct_dd_of(a, 0.0), ct_sqrt_1mx2(a));
    return copysign(a <= 1.0 ? y : CT_NAN, x);
}

/* acos x = 2 atan2(sqrt(1-x), sqrt(1+x)), the radicands exact. */
CT_FN double ct_acos(double x) {
    ct_dd u = ct_fast_sum(1.0, -x), v = ct_fast_sum(1.0, x);
    double hu = sqrt(u.hi), hv = sqrt(v.hi);
    ct_dd y = ct_dd_of(hu, hu > 0.0 ? (fma(-hu, hu, u.hi) + u.lo) / (2.0 * hu) : 0.0);
    ct_dd z = ct_dd_of(hv, hv > 0.0 ? (fma(-hv, hv, v.hi) + v.lo) / (2.0 * hv) : 0.0);
    double r = 2.0 * ct_atan2_unit(y, z);
    return fabs(x) <= 1.0 ? r : CT_NAN;
}

/* float32, in float64 with shorter polynomials; two parts of pi/2 are enough. */

/* sin(x + q pi/2). */
CT_FN double ct_sin_short(double x, uint64_t q) {
    double k = fma(x, CT_TWO_OVER_PI, CT_SHIFT), n = k - CT_SHIFT;
    double r = fma(n, -CT_PIO2B, fma(n, -CT_PIO2A, x)), z = r * r;
    double s = fma(r * z, ct_p_sinf(z), r);
    double c = fma(z * z, ct_p_cosf(z), fma(-0.5, z, 1.0));
    q += ct_bits(k);
    return ct_from_bits(ct_bits(q & 1 ? c : s) ^ ((q & 2) << 62));
}

CT_FN float ct_sinf_main(float x) {
    float y = (float)ct_sin_short(x, 0);
    return x == 0.0f ? x : y;
}

CT_FN float ct_cosf_main(float x) { return (float)ct_sin_short(x, 1); }

CT_FN float ct_tanf_main(float x) {
    double k = fma(x, CT_TWO_OVER_PI, CT_SHIFT), n = k - CT_SHIFT;
    double r = fma(n, -CT_PIO2B, fma(n, -CT_PIO2A, x)), z = r * r;
    double s = fma(r * z, ct_p_sinf(z), r);
    double c = fma(z * z, ct_p_cosf(z), fma(-0.5, z, 1.0));
    uint64_t q = ct_bits(k);
    float y = (float)((q & 1 ? -c : s) / (q & 1 ? s : c));
    return x == 0.0f ? x : y;
}

CT_FN float ct_sinf(float x) { return ct_trig_rare(x) ? (float)ct_sin_slow(x) : ct_sinf_main(x); }
CT_FN float ct_cosf(float x) { return ct_trig_rare(x) ? (float)ct_cos_slow(x) : ct_cosf_main(x); }
CT_FN float ct_tanf(float x) { return ct_trig_rare(x) ? (float)ct_tan_slow(x) : ct_tanf_main(x); }

/* The angle of (x, y) for the doubles of float32 values, or roots of such: no scaling, one rounding. */
CT_FN double ct_atan2_short(double y, double x) {
    double ax = fabs(x), ay = fabs(y);
    int swap = ay > ax, left = copysign(1.0, x) < 0.0;
    double b = swap ? ay : ax, a = swap ? ax : ay;
    a = b < CT_INF ? a : a < CT_INF ? 0.0 : 1.0;
    b = b < CT_INF ? b : 1.0;
    b = b == 0.0 ? 1.0 : b;
    int diagonal = a > CT_TAN_PIO8 * b;
    double q = (diagonal ? a - b : a) / (diagonal ? a + b : b), z = q * q;
    double r = fma(q * z, ct_p_atanf(z), q);
    double j = diagonal ? 1.0 : 0.0;
    j = swap ? 2.0 - j : j;
    j = left ? 4.0 - j : j;
    r = fma(j, CT_PIO4_HI, swap != left ? -r : r);
    r = ((x == x) & (y == y)) ? r : x + y;
    return copysign(r, y);
}

CT_FN float ct_atan2f(float y, float x) { return (float)ct_atan2_short(y, x); }
CT_FN float ct_atanf(float x) { return (float)ct_atan2_short(x, 1.0); }

CT_FN float ct_asinf(float x) {
    double d = x;
    return (float)ct_atan2_short(d, sqrt((1.0 - d) * (1.0 + d)));
}

CT_FN float ct_acosf(float x) {
    double d = x;
    return (float)ct_atan2_short(sqrt((1.0 - d) * (1.0 + d)), d);
}

#endif
