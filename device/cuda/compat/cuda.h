/* Found ahead of the toolkit's cuda.h. CUDA 13 gave a new signature to five
 * functions that gorgonia.org/cu v0.9.6 calls by the old one; every driver still
 * exports the old ones, under names that this header binds again. So it does for a
 * function that CUDA 12.8 gave a second version: older drivers have the first alone. */
#include_next <cuda.h>
#ifdef cuEventElapsedTime
#undef cuEventElapsedTime
#ifdef __cplusplus
extern "C"
#endif
CUresult CUDAAPI cuEventElapsedTime(float *, CUevent, CUevent);
#endif
#if CUDA_VERSION >= 13000 && !defined(COTANGENT_COMPAT_CUDA_H)
#define COTANGENT_COMPAT_CUDA_H
#undef cuCtxCreate
#undef cuMemAdvise
#undef cuMemPrefetchAsync
#undef cuGraphAddDependencies
#undef cuGraphGetEdges
#define cuCtxCreate cuCtxCreate_v2
#ifdef __cplusplus
extern "C" {
#endif
CUresult CUDAAPI cuCtxCreate_v2(CUcontext *, unsigned, CUdevice);
CUresult CUDAAPI cuMemAdvise(CUdeviceptr, size_t, CUmem_advise, CUdevice);
CUresult CUDAAPI cuMemPrefetchAsync(CUdeviceptr, size_t, CUdevice, CUstream);
CUresult CUDAAPI cuGraphAddDependencies(CUgraph, const CUgraphNode *, const CUgraphNode *, size_t);
CUresult CUDAAPI cuGraphGetEdges(CUgraph, CUgraphNode *, CUgraphNode *, size_t *);
#ifdef __cplusplus
}
#endif
#endif
