//go:build cuda

/* cuBLAS, opened at run time. Its functions are declared here, so that no header
 * of it is needed; enumerators are its documented numbers. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "blas.h"
#include "loader.h"

enum { SINGLE = 0, DOUBLE = 1, COMPUTE_SINGLE = 68, COMPUTE_SINGLE_TF32 = 77, COMPUTE_DOUBLE = 70, DEFAULT_ALGORITHM = -1 };

static struct {
	int (*create)(void **);
	int (*destroy)(void *);
	int (*stream)(void *, void *);
	int (*workspace)(void *, void *, size_t);
	int (*gemm)(void *, int, int, int, int, int, const void *, const void *, int, int, long long,
		const void *, int, int, long long, const void *, void *, int, int, long long, int, int, int);
} blas;

int cotangent_cublas_open(char *text, unsigned size) {
	static const char *const functions[] = {
		"cublasCreate_v2", "cublasDestroy_v2", "cublasSetStream_v2", "cublasSetWorkspace_v2", "cublasGemmStridedBatchedEx",
	};
	void *library = cotangent_open("COTANGENT_LIBCUBLAS",
		"libcublas.so.13:libcublas.so.12:libcublas.so.11:libcublas.so:/usr/local/cuda/lib64/libcublas.so", text, size);
	if (!library) return -1;
	void **slot = (void **)&blas;
	for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++) {
		if (!(slot[i] = dlsym(library, functions[i]))) {
			snprintf(text, size, "the library has no %s", functions[i]);
			return -1;
		}
	}
	return 0;
}

int cotangent_cublas_create(void **handle) { return blas.create(handle); }
int cotangent_cublas_destroy(void *handle) { return blas.destroy(handle); }

/* The product of row-major matrices is that of their transposes, which is what
 * cuBLAS's column-major ones are, in the opposite order. */
int cotangent_cublas_gemm(void *handle, void *stream, void *workspace, size_t room, const struct cotangent_gemm *g) {
	double one64 = 1, beta64 = g->beta;
	float one32 = 1, beta32 = (float)g->beta;
	int is64 = g->size == 8, type = is64 ? DOUBLE : SINGLE;
	int compute = is64 ? COMPUTE_DOUBLE : g->tf32 ? COMPUTE_SINGLE_TF32 : COMPUTE_SINGLE;
	const void *one = is64 ? (const void *)&one64 : &one32, *beta = is64 ? (const void *)&beta64 : &beta32;
	int code = blas.stream(handle, stream);
	if (!code) code = blas.workspace(handle, workspace, room);
	if (code) return code;
	return blas.gemm(handle, g->trans_b, g->trans_a, (int)g->n, (int)g->m, (int)g->k, one,
		g->b, type, (int)g->ldb, g->stride_b, g->a, type, (int)g->lda, g->stride_a, beta,
		g->c, type, (int)g->n, g->stride_c, (int)g->batch, compute, DEFAULT_ALGORITHM);
}
