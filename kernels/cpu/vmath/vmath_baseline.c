//go:build cgo && !arm64

/* The loops of loops.h with no instruction set asked for. On amd64 fma is then a call into libm: slow, but the bits are
 * those of the other tables. */
#ifndef __clang__
#pragma GCC optimize("no-trapping-math")
#endif
#define CT_TABLE ct_vmath_baseline
#include "loops.h"
