// The kernels for AVX2 with FMA: tiles of 4 rows by 3 vectors, in 12 of 16
// registers.

#include "gemm.h"

#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define MR 4
#define NV 3
#define LARGE (32 << 10)
#define USES_A 96
#define USES_B 16

// The functions that transpose do so first among the elements of 128-bit lanes,
// then among lanes: out[0] and out[step] are the lower and the upper ones of a, b.
INLINE void flip_lanes(__m256d a, __m256d b, __m256d *out, int step) {
    out[0] = _mm256_permute2f128_pd(a, b, 0x20);
    out[step] = _mm256_permute2f128_pd(a, b, 0x31);
}

INLINE void flip_f64(__m256d x[4]) {
    __m256d even[2], odd[2];
    UNROLL for (int i = 0; i < 2; i++) {
        even[i] = _mm256_unpacklo_pd(x[2 * i], x[2 * i + 1]);
        odd[i] = _mm256_unpackhi_pd(x[2 * i], x[2 * i + 1]);
    }
    flip_lanes(even[0], even[1], x, 2);
    flip_lanes(odd[0], odd[1], x + 1, 2);
}

INLINE void flip_f32(__m256 x[8]) {
    __m256d q[4][2], out[8];
    UNROLL for (int i = 0; i < 2; i++) {
        __m256d a = _mm256_castps_pd(_mm256_unpacklo_ps(x[4 * i], x[4 * i + 1]));
        __m256d b = _mm256_castps_pd(_mm256_unpackhi_ps(x[4 * i], x[4 * i + 1]));
        __m256d c = _mm256_castps_pd(_mm256_unpacklo_ps(x[4 * i + 2], x[4 * i + 3]));
        __m256d d = _mm256_castps_pd(_mm256_unpackhi_ps(x[4 * i + 2], x[4 * i + 3]));
        q[0][i] = _mm256_unpacklo_pd(a, c);
        q[1][i] = _mm256_unpackhi_pd(a, c);
        q[2][i] = _mm256_unpacklo_pd(b, d);
        q[3][i] = _mm256_unpackhi_pd(b, d);
    }
    UNROLL for (int i = 0; i < 4; i++) flip_lanes(q[i][0], q[i][1], out + i, 4);
    UNROLL for (int i = 0; i < 8; i++) x[i] = _mm256_castpd_ps(out[i]);
}

#define T double
#define FN(name) name##_f64
#define V __m256d
#define VL 4
#define vload _mm256_loadu_pd
#define vstore _mm256_storeu_pd
#define vset1 _mm256_set1_pd
#define vmul _mm256_mul_pd
#define vfma _mm256_fmadd_pd
#define sfma __builtin_fma
#define vflip flip_f64
#include "kernel.h"

#define T float
#define FN(name) name##_f32
#define V __m256
#define VL 8
#define vload _mm256_loadu_ps
#define vstore _mm256_storeu_ps
#define vset1 _mm256_set1_ps
#define vmul _mm256_mul_ps
#define vfma _mm256_fmadd_ps
#define sfma __builtin_fmaf
#define vflip flip_f32
#include "kernel.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const gemm_kernels cotangent_gemm_avx2 = {gemm_f64, gemm_f32};
