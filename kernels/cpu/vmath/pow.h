/* pow, hypot, sqrt. */
#ifndef CT_POW_H
#define CT_POW_H

#include "exp.h"
#include "log.h"

/* e^(x + xl) for |xl| small beside 1; x may be anything. */
CT_FN double ct_exp_sum(double x, double xl) {
    double c = ct_clamp(x, 746.0);
    double k = fma(c, CT_LOG2E, CT_SHIFT_UP), n = k - CT_SHIFT_UP;
    double r = fma(n, -CT_LN2_HI, c) + fma(n, -CT_LN2_LO, c == x ? xl : 0.0);
    return ct_scale_1p(fma(r * r, ct_p_exp(r), r), k);
}

/* The sign and the special cases of x^y (C11 F.10.4.4), given p = |x|^y with y != 0. */
CT_FN double ct_pow_special(double x, double y, double p) {
    double h = 0.5 * y;
    int whole = rint(y) == y, odd = whole & (rint(h) != h);
    int negative = copysign(1.0, x) < 0.0;
    p = (negative & odd) ? -p : p;
    p = ((x < 0.0) & !whole & (x > -CT_INF)) ? CT_NAN : p;
    return ((y == 0.0) | (x == 1.0)) ? 1.0 : p;
}

/* |x|^y = e^(y log|x|), the logarithm and the product in double-double. */
CT_FN double ct_pow(double x, double y) {
    double a = fabs(x);
    ct_dd l = ct_log_dd(a);
    l.hi = a == 0.0 ? -CT_INF : l.hi;
    l.hi = a < CT_INF ? l.hi : a; /* and NaN */
    double t = ((a == 1.0) & (y == y)) ? 1.0 : y; /* (-1)^Inf is 1 */
    double e = t * l.hi, el = fma(t, l.hi, -e) + t * l.lo;
    return ct_pow_special(x, y, ct_exp_sum(e, el));
}

CT_FN double ct_sqrt(double x) { return sqrt(x); }
CT_FN float ct_sqrtf(float x) { return sqrtf(x); }

/* sqrt(x^2 + y^2), scaled by powers of two away from overflow and underflow. */
CT_FN double ct_hypot(double x, double y) {
    double a = fabs(x), b = fabs(y);
    double hi = a > b ? a : b, lo = a > b ? b : a;
    double up = hi > 0x1p500 ? 0x1p600 : hi < 0x1p-400 ? 0x1p-600 : 1.0;
    double down = hi > 0x1p500 ? 0x1p-600 : hi < 0x1p-400 ? 0x1p600 : 1.0;
    hi *= down;
    lo *= down;
    double h = up * sqrt(fma(hi, hi, lo * lo));
    h = ((a == a) & (b == b)) ? h : a + b;
    return ((a == CT_INF) | (b == CT_INF)) ? CT_INF : h;
}

CT_FN float ct_hypotf(float x, float y) {
    double a = x, b = y;
    double h = sqrt(fma(a, a, b * b));
    return (float)(((fabs(a) == CT_INF) | (fabs(b) == CT_INF)) ? CT_INF : h);
}

/* log|x| to 2^-42 relative is enough for a float32 power. */
CT_FN float ct_powf(float x, float y) {
    double k, a = fabs((double)x), m = ct_split_normal(a, &k);
    double f = m - 1.0, s = f / (2.0 + f), z = s * s;
    double l = fma(k, CT_LN2_HI, 2.0 * fma(s * z, ct_p_logpow(z), s));
    l = a == 0.0 ? -CT_INF : l;
    l = a < CT_INF ? l : a;
    double t = ((a == 1.0) & (y == y)) ? 1.0 : y;
    return (float)ct_pow_special(x, y, ct_exp_short(ct_clamp(t * l, 105.0)));
}

#endif
