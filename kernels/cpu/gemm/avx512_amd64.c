// The kernels for AVX-512: tiles of 8 rows by 3 vectors, in 24 of 32 registers.
// Of AVX-512 they use the foundation (F) alone.

#include "gemm.h"

#include <immintrin.h>

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx2,fma")
#endif

#define MR 8
#define NV 3
#define LARGE (256 << 10)
#define USES_A 256
#define USES_B 128
#define M __mmask16
#define vmask(n) ((__mmask16)((1u << (n)) - 1))

// The functions that transpose do so first among the elements of 128-bit lanes,
// then among lanes: out[i*step] is the i-th lanes of in[0] to in[3]. Shuffles of
// whole lanes are faster than permutations of elements.
INLINE void flip_lanes(const __m512d in[4], __m512d *out, int step) {
    __m512d a = _mm512_shuffle_f64x2(in[0], in[1], 0x88), b = _mm512_shuffle_f64x2(in[2], in[3], 0x88);
    __m512d c = _mm512_shuffle_f64x2(in[0], in[1], 0xdd), d = _mm512_shuffle_f64x2(in[2], in[3], 0xdd);
    out[0] = _mm512_shuffle_f64x2(a, b, 0x88);
    out[step] = _mm512_shuffle_f64x2(c, d, 0x88);
    out[2 * step] = _mm512_shuffle_f64x2(a, b, 0xdd);
    out[3 * step] = _mm512_shuffle_f64x2(c, d, 0xdd);
}

INLINE void flip_f64(__m512d x[8]) {
    __m512d even[4], odd[4];
    UNROLL for (int i = 0; i < 4; i++) {
        even[i] = _mm512_unpacklo_pd(x[2 * i], x[2 * i + 1]);
        odd[i] = _mm512_unpackhi_pd(x[2 * i], x[2 * i + 1]);
    }
    flip_lanes(even, x, 2);
    flip_lanes(odd, x + 1, 2);
}

INLINE void flip_f32(__m512 x[16]) {
    __m512d q[4][4], out[16];
    UNROLL for (int i = 0; i < 4; i++) {
        __m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(x[4 * i], x[4 * i + 1]));
        __m512d b = _mm512_castps_pd(_mm512_unpackhi_ps(x[4 * i], x[4 * i + 1]));
        __m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(x[4 * i + 2], x[4 * i + 3]));
        __m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(x[4 * i + 2], x[4 * i + 3]));
        q[0][i] = _mm512_unpacklo_pd(a, c);
        q[1][i] = _mm512_unpackhi_pd(a, c);
        q[2][i] = _mm512_unpacklo_pd(b, d);
        q[3][i] = _mm512_unpackhi_pd(b, d);
    }
    UNROLL for (int i = 0; i < 4; i++) flip_lanes(q[i], out + i, 4);
    UNROLL for (int i = 0; i < 16; i++) x[i] = _mm512_castpd_ps(out[i]);
}

#define T double
#define FN(name) name##_f64
#define V __m512d
#define VL 8
#define vload _mm512_loadu_pd
#define vstore _mm512_storeu_pd
#define vset1 _mm512_set1_pd
#define vmul _mm512_mul_pd
#define vfma _mm512_fmadd_pd
#define sfma __builtin_fma
#define vloadm(p, m) _mm512_maskz_loadu_pd((__mmask8)(m), p)
#define vstorem(p, m, v) _mm512_mask_storeu_pd(p, (__mmask8)(m), v)
#define vflip flip_f64
#include "kernel.h"

#define T float
#define FN(name) name##_f32
#define V __m512
#define VL 16
#define vload _mm512_loadu_ps
#define vstore _mm512_storeu_ps
#define vset1 _mm512_set1_ps
#define vmul _mm512_mul_ps
#define vfma _mm512_fmadd_ps
#define sfma __builtin_fmaf
#define vloadm(p, m) _mm512_maskz_loadu_ps(m, p)
#define vstorem(p, m, v) _mm512_mask_storeu_ps(p, m, v)
#define vflip flip_f32
#include "kernel.h"

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const gemm_kernels cotangent_gemm_avx512 = {gemm_f64, gemm_f32};
