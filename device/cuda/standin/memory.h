/* The stand-in's memory: see memory.cpp. */
#ifndef COTANGENT_STANDIN_MEMORY_H
#define COTANGENT_STANDIN_MEMORY_H

#include <cuda.h>
#include <cstddef>

/* Device memory, full of garbage. */
CUresult take(CUdeviceptr *p, size_t bytes);
/* Makes it inaccessible; an error if it was none, or if it was written past its end. */
CUresult give(CUdeviceptr p);
/* The host's address of a piece of memory, which must lie in one allocation; null
 * if it does not. Host memory is returned as it is. */
void *reach(CUdeviceptr p, size_t bytes);
size_t outstanding();

#endif
