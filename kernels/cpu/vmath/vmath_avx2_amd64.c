//go:build cgo

/* The loops of loops.h for AVX2 and FMA. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC optimize("no-trapping-math")
#pragma GCC target("avx2,fma")
#endif
#define CT_TABLE ct_vmath_avx2
#include "loops.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
