/* Device memory over host memory that shows its misuse: full of garbage until it
 * is written, ending at a page that nobody may touch, inaccessible after its
 * release, and at addresses that no host code can use. */
#include "memory.h"

#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <sys/mman.h>

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
};

std::map<uintptr_t, Region> regions; /* by address on the host */
std::deque<Region> released;
size_t released_bytes, outstanding_bytes;

/* What lies between the end of the memory and the page behind. */
char *slack_end(const Region &r) { return r.base + r.mapped - page; }

} // namespace

size_t outstanding() { return outstanding_bytes; }

CUresult take(CUdeviceptr *p, size_t bytes) {
	if (!bytes) return CUDA_ERROR_INVALID_VALUE;
	size_t room = (bytes + aligned - 1) / aligned * aligned;
	Region r;
	r.mapped = (room + page - 1) / page * page + page;
	r.base = (char *)mmap(nullptr, r.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r.base == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
	mprotect(slack_end(r), page, PROT_NONE);
	r.memory = slack_end(r) - room;
	r.bytes = bytes;
	memset(r.memory, 0xFF, room);
	regions[(uintptr_t)r.memory] = r;
	outstanding_bytes += bytes;
	*p = (uintptr_t)r.memory | standin_device_bit;
	return CUDA_SUCCESS;
}

CUresult give(CUdeviceptr p) {
	auto i = regions.find(p & ~standin_device_bit);
	if (i == regions.end() || !(p & standin_device_bit)) return CUDA_ERROR_INVALID_VALUE;
	Region r = i->second;
	regions.erase(i);
	outstanding_bytes -= r.bytes;
	bool whole = true;
	for (char *q = r.memory + r.bytes; q < slack_end(r); q++) whole = whole && *q == (char)0xFF;
	if (!whole) complain("memory was written to past its end");
	mprotect(r.base, r.mapped, PROT_NONE);
	released.push_back(r);
	released_bytes += r.mapped;
	while (released_bytes > most_released || released.size() > 4096) {
		munmap(released.front().base, released.front().mapped);
		released_bytes -= released.front().mapped;
		released.pop_front();
	}
	return whole ? CUDA_SUCCESS : CUDA_ERROR_ILLEGAL_ADDRESS;
}

void *reach(CUdeviceptr p, size_t bytes) {
	if (!(p & standin_device_bit)) return (void *)p;
	uintptr_t at = p & ~standin_device_bit;
	auto i = regions.upper_bound(at);
	if (i == regions.begin()) return nullptr;
	const Region &r = (--i)->second;
	return at >= (uintptr_t)r.memory && at + bytes <= (uintptr_t)r.memory + r.bytes ? (void *)at : nullptr;
}
