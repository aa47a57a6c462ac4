/* erf and erfc: a polynomial in x^2 below 1/2, from there on e^(-a^2) P(t)/(1 + 2a) with t = (a-4)/(a+4)
 * (the transformation of M. M. Shepherd and J. G. Laframboise, Math. Comp. 36 (1981) 249). */
#ifndef CT_ERF_H
#define CT_ERF_H

#include "coef.h"
#include "core.h"
#include "exp.h"

/* erfc(a) for 1/2 <= a <= 27.5, something finite below; a^2, e^(-a^2) and the quotient in two parts. */
CT_FN double ct_erfc_tail(double a) {
    ct_dd s = ct_two_prod(a, a);
    double k = fma(s.hi, -CT_LOG2E, CT_SHIFT_UP), n = k - CT_SHIFT_UP;
    double r = fma(n, -CT_LN2_HI, -s.hi) + fma(n, -CT_LN2_LO, -s.lo);
    ct_dd e = ct_fast_sum(1.0, fma(r * r, ct_p_exp(r), r));
    double t = (a - 4.0) / (a + 4.0);
    ct_dd p = ct_fast_sum(CT_ERFC_MID, t * ct_p_erfc(t));
    ct_dd d = ct_two_sum(1.0, 2.0 * a), u = ct_two_prod(e.hi, p.hi);
    u.lo += fma(e.lo, p.hi, e.hi * p.lo);
    double q = u.hi / d.hi, rest = fma(-q, d.hi, u.hi) + (u.lo - q * d.lo);
    return ct_scale(q + rest / d.hi, k);
}

CT_FN double ct_erf(double x) {
    double a = fabs(x);
    double y = copysign(1.0 - ct_erfc_tail(ct_cap(a, 27.5)), x);
    return a < 0.5 ? fma(x, ct_p_erf(x * x), x) : y;
}

CT_FN double ct_erfc(double x) {
    double a = fabs(x), tail = ct_erfc_tail(ct_cap(a, 27.5));
    ct_dd s = ct_fast_sum(1.0, -x);
    double near = s.hi + fma(-x, ct_p_erf(x * x), s.lo);
    return a < 0.5 ? near : x < 0.0 ? 2.0 - tail : tail;
}

CT_FN float ct_erff(float x) { return (float)ct_erf(x); }
CT_FN float ct_erfcf(float x) { return (float)ct_erfc(x); }

#endif
