/* Elementary functions for loops that vectorise: see doc.go.
 *
 * ct_<f>(double) and ct_<f>f(float) are right for every argument. Where <f> has rare arguments (sin, cos, tan: huge;
 * lgamma, digamma, trigamma: not positive), a vector loop calls ct_<f>_main and mends the lanes for which
 * ct_trig_rare or ct_gamma_rare is nonzero by ct_<f>_slow; the macros of loops.h do so. */
#ifndef CT_VMATH_H
#define CT_VMATH_H

#include "core.h"
#include "coef.h"
#include "exp.h"
#include "log.h"
#include "pow.h"
#include "trig.h"
#include "erf.h"
#include "gamma.h"

#endif
