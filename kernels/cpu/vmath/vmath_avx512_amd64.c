//go:build cgo

/* The loops of loops.h for AVX-512 (F, DQ, BW, VL) and FMA. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#else
#pragma GCC optimize("no-trapping-math")
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,fma,prefer-vector-width=512")
#endif
#define CT_TABLE ct_vmath_avx512
#include "loops.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
