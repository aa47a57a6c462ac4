/* The threads of a block, as fibers of one processor thread: see threads.cpp. */
#ifndef COTANGENT_STANDIN_THREADS_H
#define COTANGENT_STANDIN_THREADS_H

#include <cuda.h>
#include <cstddef>

#include "runtime.h"

/* Order in which what may run next does: the environment's STANDIN_ORDER. */
enum class Order { forward, reverse, random };
Order order();
/* The place of the i-th of n in that order; another one at each call if random. */
void arrange(int *places, int n);

/* One launch of a kernel. */
struct Launch {
	void (*call)(void **);
	void **at; /* addresses of its arguments */
	standin_uint3 grid, block;
	char *shared, *shared_end; /* static shared memory of the kernel's library */
	size_t dynamic;            /* bytes of dynamic shared memory */
};

/* The runtime that kernels' libraries point to. */
extern standin_runtime the_runtime;

/* Runs all blocks, one after the other. */
CUresult run_grid(const Launch &);

/* Tells what was found, where the environment has STANDIN_VERBOSE. */
void complain(const char *what);

/* Catches bad accesses of kernels; other code's go to who had the signal before. */
void catch_faults();

#endif
