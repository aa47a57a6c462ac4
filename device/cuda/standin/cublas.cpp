/* A libcublas for machines without a GPU: the one product that this project calls,
 * as a kernel that the stand-in's compiler and driver see like any other. Arguments
 * that cuBLAS refuses are refused. */
#include <cuda.h>
#include <nvrtc.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

enum { SUCCESS = 0, NOT_INITIALIZED = 1, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
enum { SINGLE = 0, DOUBLE = 1, COMPUTE_SINGLE = 68, COMPUTE_DOUBLE = 70, COMPUTE_SINGLE_TF32 = 77 };

struct Handle {
	CUmodule modules[2]; /* for float, for double */
	CUfunction products[2];
	CUstream stream;
	bool room; /* there is a workspace */
};

/* The parameters of the kernel, in their order. */
struct Parameters {
	const void *a, *b;
	void *c;
	long long stride_a, stride_b, stride_c;
	double alpha, beta;
	int m, n, k, trans_a, trans_b, lda, ldb, ldc, tf32;
};

/* Matrices are column-major. What is multiplied by a beta of 0 is not read. */
const char source[] = R"(
__device__ double rounded(double v) { return v; }
__device__ float rounded(float v) { /* to 10 bits */
	unsigned u;
	__builtin_memcpy(&u, &v, 4);
	return __int_as_float((u + 0x1000u) & ~0x1fffu);
}
extern "C" __global__ void product(const T *a, const T *b, T *c, long long stride_a, long long stride_b, long long stride_c,
		double alpha, double beta, int m, int n, int k, int trans_a, int trans_b, int lda, int ldb, int ldc, int tf32) {
	int at = blockIdx.x * blockDim.x + threadIdx.x, i = at % m, j = at / m;
	if (j >= n) return;
	a += blockIdx.y * stride_a, b += blockIdx.y * stride_b, c += blockIdx.y * stride_c + i + (long long)j * ldc;
	T sum = 0;
	for (int l = 0; l < k; l++) {
		T x = trans_a ? a[l + (long long)i * lda] : a[i + (long long)l * lda];
		T y = trans_b ? b[j + (long long)l * ldb] : b[l + (long long)j * ldb];
		sum += tf32 ? rounded(x) * rounded(y) : x * y;
	}
	*c = beta ? (T)alpha * sum + (T)beta * *c : (T)alpha * sum;
})";

/* Compiles and loads the kernel for a type. */
bool load(const char *type, CUmodule *module, CUfunction *f) {
	nvrtcProgram p;
	size_t size = 0;
	nvrtcCreateProgram(&p, (std::string("typedef ") + type + " T;" + source).c_str(), "cublas.cu", 0, nullptr, nullptr);
	nvrtcCompileProgram(p, 0, nullptr);
	nvrtcGetCUBINSize(p, &size);
	std::vector<char> image(size);
	nvrtcGetCUBIN(p, image.data());
	nvrtcDestroyProgram(&p);
	return size && !cuModuleLoadData(module, image.data()) && !cuModuleGetFunction(f, *module, "product");
}

} // namespace

extern "C" {

int cublasCreate_v2(Handle **handle) {
	Handle h = {};
	if (!load("float", &h.modules[SINGLE], &h.products[SINGLE]) || !load("double", &h.modules[DOUBLE], &h.products[DOUBLE])) return NOT_INITIALIZED;
	*handle = new Handle(h);
	return SUCCESS;
}

int cublasDestroy_v2(Handle *h) {
	for (CUmodule m : h->modules) cuModuleUnload(m);
	delete h;
	return SUCCESS;
}

int cublasSetStream_v2(Handle *h, CUstream s) {
	h->stream = s;
	h->room = false; /* as cuBLAS does */
	return SUCCESS;
}

int cublasSetWorkspace_v2(Handle *h, void *p, size_t bytes) {
	h->room = p && bytes;
	return SUCCESS;
}

int cublasGemmStridedBatchedEx(Handle *h, int trans_a, int trans_b, int m, int n, int k, const void *alpha, const void *a, int type_a, int lda,
		long long stride_a, const void *b, int type_b, int ldb, long long stride_b, const void *beta, void *c, int type_c, int ldc,
		long long stride_c, int batch, int compute, int) {
	const char *fail = getenv("STANDIN_FAIL");
	if (fail && !strcmp(fail, "gemm")) return EXECUTION_FAILED;
	auto least = [](int rows) { return rows > 1 ? rows : 1; };
	if (trans_a < 0 || trans_a > 1 || trans_b < 0 || trans_b > 1 || m < 0 || n < 0 || k < 0 || batch < 0) return INVALID_VALUE;
	if (lda < least(trans_a ? k : m) || ldb < least(trans_b ? n : k) || ldc < least(m)) return INVALID_VALUE;
	bool is64 = type_c == DOUBLE;
	if (type_a != type_c || type_b != type_c || type_c > DOUBLE) return NOT_SUPPORTED;
	if (is64 ? compute != COMPUTE_DOUBLE : compute != COMPUTE_SINGLE && compute != COMPUTE_SINGLE_TF32) return NOT_SUPPORTED;
	/* Without a stream and memory of the caller's it would do, by its own: not as wanted here. */
	if (!h->stream || !h->room) return NOT_INITIALIZED;
	if (batch > 1 && stride_c < (long long)ldc * n) return INVALID_VALUE; /* results over results */
	if (!m || !n || !batch) return SUCCESS;
	Parameters p = {a, b, c, stride_a, stride_b, stride_c, is64 ? *(const double *)alpha : *(const float *)alpha,
		is64 ? *(const double *)beta : *(const float *)beta, m, n, k, trans_a, trans_b, lda, ldb, ldc, compute == COMPUTE_SINGLE_TF32};
	size_t size = sizeof p;
	void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &p, CU_LAUNCH_PARAM_BUFFER_SIZE, &size, CU_LAUNCH_PARAM_END};
	unsigned blocks = ((long long)m * n + 127) / 128;
	return cuLaunchKernel(h->products[is64], blocks, batch, 1, 128, 1, 1, 0, h->stream, nullptr, extra) ? EXECUTION_FAILED : SUCCESS;
}
}
