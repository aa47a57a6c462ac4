//go:build cgo

/* The tile executor for AVX2 and FMA. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#pragma GCC target("avx2,fma")
#endif
#define CT_ENTRY ct_tiles_avx2
#define CT_SPARSE ct_sparse_avx2
#define CT_SAMPLED ct_sampled_avx2
#include "body.h"
#include "sparse.h"
#include "sampled.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
