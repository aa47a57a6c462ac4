// A BLAS library of the machine, found at run time.

#ifndef COTANGENT_BLAS_H
#define COTANGENT_BLAS_H

#include "gemm.h"

// A loaded library: its functions, or null.
typedef struct {
    void (*dgemm)(void), (*sgemm)(void); // cblas_?gemm
    int wide;                            // its integers have 64 bits
    char title[64], version[64];         // "OpenBLAS", "0.3.21 Zen"; or what the loader said

    // The number of threads: OpenBLAS's for the process, BLIS's, MKL's for the
    // calling thread (which returns what it was), and OpenMP's for that thread.
    int (*get_openblas)(void);
    void (*set_openblas)(int);
    int64_t (*get_blis)(void);
    void (*set_blis)(int64_t);
    int (*swap_mkl)(int);
    int (*get_omp)(void);
    void (*set_omp)(int);
} cotangent_blas;

// cotangent_blas_open loads the library of that name or path. It returns 0 or
// the number of an error.
enum { BLAS_NOT_LOADED = 1, BLAS_NO_CBLAS };
int cotangent_blas_open(const char *name, cotangent_blas *lib);

// The products, on the calling thread alone. lda, ldb and ldc fit in 31 bits.
void cotangent_blas_f64(const cotangent_blas *lib, GEMM_ARGS(double));
void cotangent_blas_f32(const cotangent_blas *lib, GEMM_ARGS(float));

#endif
