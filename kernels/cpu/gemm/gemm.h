// The C side of the matrix product: what the Go files call, and what the files
// of the instruction sets have in common.

#ifndef COTANGENT_GEMM_H
#define COTANGENT_GEMM_H

#include <stdint.h>

#ifdef __clang__ // gcc turns contraction off under -std=c11
#pragma STDC FP_CONTRACT OFF
#endif

// A batch of products: C[q] = alpha op(A[q]) op(B[q]) + beta C[q] for q < count,
// the q-th matrix lying q*sa (sb, sc) elements behind the first. Matrices are
// row-major, lda elements from row to row; ta says that A is stored k x m, tb
// that B is stored n x k. beta == 0 means that C is not read. m, n and k are
// positive.
#define GEMM_ARGS(T)                                                    \
    int64_t count, int64_t sa, int64_t sb, int64_t sc, int ta, int tb,  \
    int64_t m, int64_t n, int64_t k, T alpha, const T *a, int64_t lda,  \
    const T *b, int64_t ldb, T beta, T *c, int64_t ldc
#define GEMM_PASS count, sa, sb, sc, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc

// Extents of the packed blocks, in elements: A's are GEMM_MC x GEMM_KC, for the
// second-level cache, B's GEMM_KC x GEMM_NC, for the third. GEMM_KC decides the
// order of the sums, so it is one for all instruction sets and element types.
enum { GEMM_KC = 256, GEMM_MC = 96, GEMM_NC = 1024 };

// The scratch memory of one call, in bytes; it is aligned to 64. A call that says
// it is small (GEMM_SMALL elements hold k columns of max(m, n) + 16) needs none.
enum { GEMM_WORK = (GEMM_MC + GEMM_NC) * GEMM_KC * 8, GEMM_SMALL = 4096 };

// The kernels of one instruction set. work is null for a small product.
typedef struct {
    void (*f64)(GEMM_ARGS(double), void *work);
    void (*f32)(GEMM_ARGS(float), void *work);
} gemm_kernels;

extern const gemm_kernels cotangent_gemm_baseline, cotangent_gemm_avx2,
    cotangent_gemm_avx512, cotangent_gemm_neon;

// The instruction sets, as the Go side numbers them.
enum { GEMM_BASELINE, GEMM_AVX2, GEMM_AVX512, GEMM_NEON };

// cotangent_gemm_has says whether kernels for the set are compiled in.
int cotangent_gemm_has(int set);
void cotangent_gemm_f64(int set, GEMM_ARGS(double), void *work);
void cotangent_gemm_f32(int set, GEMM_ARGS(float), void *work);

// cotangent_gemm_tiny_* are the twins of the Go loops for tiny products.
void cotangent_gemm_tiny_f64(GEMM_ARGS(double));
void cotangent_gemm_tiny_f32(GEMM_ARGS(float));

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
// STEP hides how a pointer came about. Without it compilers work out the
// addresses of a whole unrolled loop beforehand and run out of registers.
#define STEP(p) __asm__("" : "+r"(p))

#endif
