/* What a kernel built for the stand-in and the stand-in's driver know of each
 * other. The driver hands a kernel's library a pointer to one of these. */
#ifndef COTANGENT_STANDIN_RUNTIME_H
#define COTANGENT_STANDIN_RUNTIME_H

struct standin_uint3 {
	unsigned x, y, z;
};

struct standin_runtime {
	/* Of the thread that runs; set whenever another goes on. */
	standin_uint3 thread, block, block_dim, grid_dim;
	unsigned lane;
	char *dynamic; /* dynamic shared memory of the block */

	void (*barrier)();
	/* Waits until all lanes of the mask have come, and returns what each gave:
	 * 32 values of 8 bytes, of which those of the mask may be read. */
	const unsigned long long *(*exchange)(unsigned mask, unsigned long long value);
	/* Ends the kernel with a failure and this message. */
	void (*fail)(const char *message);
};

/* Addresses of device memory have this bit set, so that no host code can use
 * them; kernels get them without it. It is no valid address bit on amd64 or arm64. */
static const unsigned long long standin_device_bit = 1ull << 54;

#endif
