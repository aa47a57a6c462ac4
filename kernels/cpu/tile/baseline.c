//go:build cgo

/* The tile executor without an instruction set asked for (on arm64, with Advanced SIMD, which is part of it). */
#ifndef __clang__
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#endif
#define CT_ENTRY ct_tiles_baseline
#define CT_SPARSE ct_sparse_baseline
#define CT_SAMPLED ct_sampled_baseline
#include "body.h"
#include "sparse.h"
#include "sampled.h"
