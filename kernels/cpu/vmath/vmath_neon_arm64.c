//go:build cgo

/* The loops of loops.h for arm64, whose vector instructions and fma are always there. */
#ifndef __clang__
#pragma GCC optimize("no-trapping-math")
#endif
#define CT_TABLE ct_vmath_neon
#include "loops.h"
