// Runs the C kernels over many shapes with matrices of exactly the memory they
// need, to be built with sanitizers. In the package's folder, on amd64:
//
//   cc -std=c11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -I. \
//      testdata/sanitize.c own.c baseline.c avx2_amd64.c avx512_amd64.c -lm -o /tmp/sanitize && /tmp/sanitize
//
// and on arm64 with neon_arm64.c in place of the last two. It prints the number
// of products, or ends with an error.

#include "gemm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__x86_64__)
static int runs(int set) {
    return set == GEMM_BASELINE || (set == GEMM_AVX2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) ||
           (set == GEMM_AVX512 && __builtin_cpu_supports("avx512f"));
}
#else
static int runs(int set) { return set == GEMM_BASELINE || set == GEMM_NEON; }
#endif

static uint64_t state = 1;
static int64_t below(int64_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((state >> 33) % (uint64_t)n);
}

// TRY computes one random product, or a small batch, and compares it with plain
// loops. Elements are small integers, so that results are exact.
#define TRY(name, T, gemm)                                                                        \
    static void name(int set, void *work) {                                                       \
        int64_t top = below(8) == 0 ? 300 : 40, m = 1 + below(top), n = 1 + below(top);           \
        int64_t k = 1 + below(below(6) == 0 ? 3000 : 70), count = 1 + below(3);                   \
        if (below(6) == 0) m = 1;                                                                 \
        if (below(6) == 0) n = 1;                                                                 \
        int ta = (int)below(2), tb = (int)below(2);                                               \
        int64_t lda = (ta ? m : k) + below(3), ldb = (tb ? k : n) + below(3), ldc = n + below(3); \
        int64_t na = ((ta ? k : m) - 1) * lda + (ta ? m : k), nb = ((tb ? n : k) - 1) * ldb + (tb ? k : n); \
        int64_t nc = (m - 1) * ldc + n;                                                           \
        T *a = malloc(count * na * sizeof(T)), *b = malloc(count * nb * sizeof(T));               \
        T *c = malloc(count * nc * sizeof(T)), *d = malloc(count * nc * sizeof(T));               \
        for (int64_t i = 0; i < count * na; i++) a[i] = (T)(below(7) - 3);                        \
        for (int64_t i = 0; i < count * nb; i++) b[i] = (T)(below(7) - 3);                        \
        for (int64_t i = 0; i < count * nc; i++) c[i] = d[i] = (T)(below(7) - 3);                 \
        if (below(3) == 0)                                                                        \
            for (int64_t i = 0; i < count * nb; i++)                                              \
                if (i % nb % ldb > i % nb / ldb) b[i] = 0;                                        \
        T alpha = (T)(1 + below(2)), beta = (T)below(3);                                          \
        int small = k * ((m > n ? m : n) + 16) <= GEMM_SMALL;                                     \
        gemm(set, count, na, nb, nc, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, small ? 0 : work); \
        for (int64_t q = 0; q < count; q++)                                                       \
            for (int64_t i = 0; i < m; i++)                                                       \
                for (int64_t j = 0; j < n; j++) {                                                 \
                    T s = 0, *to = d + q * nc + i * ldc + j;                                      \
                    for (int64_t p = 0; p < k; p++)                                               \
                        s += a[q * na + (ta ? p * lda + i : i * lda + p)] * b[q * nb + (tb ? j * ldb + p : p * ldb + j)]; \
                    *to = alpha * s + beta * *to;                                                 \
                }                                                                                 \
        for (int64_t i = 0; i < count * nc; i++)                                                  \
            if (c[i] != d[i]) {                                                                   \
                fprintf(stderr, #name ": set %d, %ldx%ldx%ld: element %ld is %g, not %g\n", set,  \
                        (long)m, (long)n, (long)k, (long)i, (double)c[i], (double)d[i]);          \
                exit(1);                                                                          \
            }                                                                                     \
        free(a), free(b), free(c), free(d);                                                       \
    }

TRY(try64, double, cotangent_gemm_f64)
TRY(try32, float, cotangent_gemm_f32)

int main(void) {
    long products = 0;
    for (int set = 0; set <= GEMM_NEON; set++) {
        if (!cotangent_gemm_has(set) || !runs(set)) continue;
        for (int i = 0; i < 1500; i++, products += 2) {
            void *work = aligned_alloc(64, GEMM_WORK);
            try64(set, work);
            try32(set, work);
            free(work);
        }
    }
    printf("%ld products\n", products);
    return 0;
}
