//go:build cgo

/* The tile executor for AVX-512 (F, DQ, BW, VL) and FMA. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma,prefer-vector-width=512"))), apply_to = function)
#else
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,fma,prefer-vector-width=512")
#endif
#define CT_ENTRY ct_tiles_avx512
#define CT_SPARSE ct_sparse_avx512
#define CT_SAMPLED ct_sampled_avx512
#include "body.h"
#include "sparse.h"
#include "sampled.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
