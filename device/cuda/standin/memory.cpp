/* Device memory over host memory that shows its misuse: full of garbage until it
 * is written, ending at a page that nobody may touch, inaccessible after its
 * release, and at addresses that no host code can use. */
#include "memory.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <algorithm>
#include <map>
#include <set>
#include <sys/mman.h>
#include <vector>

#include "runtime.h"
#include "threads.h"

namespace {

const size_t page = 4096, aligned = 64;
const size_t most_released = 64 << 20; /* bytes kept inaccessible before they are used again */

struct Region {
	char *base;  /* of the mapping */
	size_t mapped;
	char *memory;
	size_t bytes;
	Pool *pool;
	int device;
	bool promised;
};

/* Each is two or three mappings, of which a process may have 65530, Go's among them. */
const size_t most_regions = 12000;

std::map<uintptr_t, Region> regions; /* by address on the host */
std::deque<Region> released;
std::map<size_t, std::vector<char *>> spare; /* mappings to use again, by their size */
std::set<Pool *> pools;
size_t released_bytes, held; /* held: by pools, or taken without one */

/* What lies between the end of the memory and the page behind. */
char *slack_end(const Region &r) { return r.base + r.mapped - page; }

/* Bytes that end with a page that nobody may touch. */
char *map(size_t bytes) {
	std::vector<char *> &ready = spare[bytes];
	char *base;
	if (ready.empty()) {
		base = (char *)mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (base == MAP_FAILED) return nullptr;
	} else {
		base = ready.back();
		ready.pop_back();
	}
	mprotect(base, bytes - page, PROT_READ | PROT_WRITE);
	return base;
}

/* Small ones are kept, inaccessible: the system takes longer to map than a kernel to run. */
void unmap(char *base, size_t bytes) {
	std::vector<char *> &ready = spare[bytes];
	if (bytes <= 16 * page && ready.size() < 64) ready.push_back(base);
	else munmap(base, bytes);
}

} // namespace

size_t card_memory() {
	const char *mib = getenv("STANDIN_MEMORY");
	return (size_t)(mib ? atol(mib) : 2048) << 20;
}

void open_pool(Pool *l) { pools.insert(l); }

void close_pool(Pool *l) {
	trim(l, 0);
	pools.erase(l);
}

void trim(Pool *l, size_t keep) {
	size_t left = std::min(l->reserved, std::max(keep, l->used + l->pending));
	held -= l->reserved - left;
	l->reserved = left;
}

void settle() {
	for (Pool *l : pools) trim(l, l->threshold);
}

CUresult take(CUdeviceptr *p, size_t bytes, Pool *l, int device) {
	if (!bytes) return CUDA_ERROR_INVALID_VALUE;
	size_t more = !l ? bytes : std::max(l->used + bytes, l->reserved) - l->reserved;
	if (more > card_memory() - held || regions.size() >= most_regions) return CUDA_ERROR_OUT_OF_MEMORY;
	size_t room = (bytes + aligned - 1) / aligned * aligned;
	Region r;
	r.mapped = (room + page - 1) / page * page + page;
	r.base = map(r.mapped);
	if (!r.base) return CUDA_ERROR_OUT_OF_MEMORY;
	r.memory = slack_end(r) - room;
	r.bytes = bytes;
	r.pool = l;
	r.device = device;
	r.promised = false;
	memset(r.memory, 0xFF, room);
	regions[(uintptr_t)r.memory] = r;
	*p = (uintptr_t)r.memory | standin_device_bit;
	held += more;
	if (l) l->used += bytes, l->reserved += more;
	return CUDA_SUCCESS;
}

CUresult promise(CUdeviceptr p) {
	auto i = regions.find(p & ~standin_device_bit);
	if (i == regions.end() || !i->second.pool || i->second.promised) return CUDA_ERROR_INVALID_VALUE;
	Region &r = i->second;
	r.promised = true;
	r.pool->used -= r.bytes;
	r.pool->pending += r.bytes;
	return CUDA_SUCCESS;
}

CUresult give(CUdeviceptr p) {
	auto i = regions.find(p & ~standin_device_bit);
	if (i == regions.end() || !(p & standin_device_bit)) return CUDA_ERROR_INVALID_VALUE;
	Region r = i->second;
	regions.erase(i);
	if (!r.pool) held -= r.bytes;
	else if (r.promised) r.pool->pending -= r.bytes;
	else r.pool->used -= r.bytes;
	bool whole = true;
	for (char *q = r.memory + r.bytes; q < slack_end(r); q++) whole = whole && *q == (char)0xFF;
	if (!whole) complain("memory was written to past its end");
	mprotect(r.base, r.mapped, PROT_NONE);
	released.push_back(r);
	released_bytes += r.mapped;
	while (released_bytes > most_released || released.size() > 4096) {
		unmap(released.front().base, released.front().mapped);
		released_bytes -= released.front().mapped;
		released.pop_front();
	}
	return whole ? CUDA_SUCCESS : CUDA_ERROR_ILLEGAL_ADDRESS;
}

void *reach(CUdeviceptr p, size_t bytes, int device) {
	if (!(p & standin_device_bit)) return (void *)p;
	uintptr_t at = p & ~standin_device_bit;
	auto i = regions.upper_bound(at);
	if (i == regions.begin()) return nullptr;
	const Region &r = (--i)->second;
	return r.device == device && at >= (uintptr_t)r.memory && at + bytes <= (uintptr_t)r.memory + r.bytes ? (void *)at : nullptr;
}
