// The way from Go to the kernels of an instruction set, and the loops for tiny
// products.

#include "gemm.h"

static const gemm_kernels *const sets[] = {
    [GEMM_BASELINE] = &cotangent_gemm_baseline,
#if defined(__x86_64__)
    [GEMM_AVX2] = &cotangent_gemm_avx2,
    [GEMM_AVX512] = &cotangent_gemm_avx512,
#elif defined(__aarch64__)
    [GEMM_NEON] = &cotangent_gemm_neon,
#endif
};

int cotangent_gemm_has(int set) {
    return set >= 0 && set < (int)(sizeof sets / sizeof *sets) && sets[set] != 0;
}

void cotangent_gemm_f64(int set, GEMM_ARGS(double), void *work) { sets[set]->f64(GEMM_PASS, work); }
void cotangent_gemm_f32(int set, GEMM_ARGS(float), void *work) { sets[set]->f32(GEMM_PASS, work); }

// Products and sums are rounded one by one, as Go's loop rounds them.
#define TINY(name, T)                                                           \
    void name(GEMM_ARGS(T)) {                                                   \
        const int64_t ai = ta ? 1 : lda, ap = ta ? lda : 1;                     \
        const int64_t bp = tb ? 1 : ldb, bj = tb ? ldb : 1;                     \
        for (int64_t q = 0; q < count; q++, a += sa, b += sb, c += sc)          \
            for (int64_t i = 0; i < m; i++)                                     \
                for (int64_t j = 0; j < n; j++) {                               \
                    T s = 0, *to = c + i * ldc + j;                             \
                    for (int64_t p = 0; p < k; p++) s += a[i * ai + p * ap] * b[p * bp + j * bj]; \
                    *to = alpha * s + (beta == 0 ? 0 : beta * *to);             \
                }                                                               \
    }

TINY(cotangent_gemm_tiny_f64, double)
TINY(cotangent_gemm_tiny_f32, float)
