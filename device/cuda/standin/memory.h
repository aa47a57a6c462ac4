/* The stand-in's memory: see memory.cpp. */
#ifndef COTANGENT_STANDIN_MEMORY_H
#define COTANGENT_STANDIN_MEMORY_H

#include <cuda.h>
#include <cstddef>

/* How many bytes the card has. */
size_t card_memory();

/* A pool keeps what it was given, up to its threshold when somebody waits. What is
 * given back in a stream's order can be taken again at once in that order, but leaves
 * the pool only when that is known to be done. The bytes are counted; the memory itself
 * is new each time. */
struct Pool {
	int device;
	size_t used, pending, reserved, threshold;
};
void open_pool(Pool *);
void close_pool(Pool *);
void trim(Pool *, size_t keep);
void settle(); /* all pools, when somebody has waited */

/* A device's memory, full of garbage, of a pool or by itself. */
CUresult take(CUdeviceptr *p, size_t bytes, Pool *, int device);
/* Tells that it will be given back in a stream's order. */
CUresult promise(CUdeviceptr p);
/* Makes it inaccessible; an error if it was none, or if it was written past its end. */
CUresult give(CUdeviceptr p);
/* The host's address of a piece of memory, which must lie in one allocation of the
 * device; null if it does not. Host memory is returned as it is. */
void *reach(CUdeviceptr p, size_t bytes, int device);

#endif
