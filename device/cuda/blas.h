/* cuBLAS, opened at run time: see blas.c. */
#ifndef COTANGENT_BLAS_H
#define COTANGENT_BLAS_H

#include <stddef.h>

/* C = A B + beta C for a batch of row-major matrices, m by k and k by n; a
 * transposed one lies as its transpose. Leading dimensions and strides are in
 * elements of size bytes. */
struct cotangent_gemm {
	const void *a, *b;
	void *c;
	long long m, n, k, batch, lda, ldb, stride_a, stride_b, stride_c;
	int trans_a, trans_b, size, tf32;
	double beta;
};

int cotangent_cublas_open(char *text, unsigned size);
int cotangent_cublas_create(void **handle);
int cotangent_cublas_destroy(void *handle);
int cotangent_cublas_gemm(void *handle, void *stream, void *workspace, size_t room, const struct cotangent_gemm *g);

#endif
