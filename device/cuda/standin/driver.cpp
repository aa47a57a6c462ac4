/* A libcuda.so.1 for machines without a GPU: the driver's functions that this
 * project calls, over host memory. Work is queued and done as late as can be:
 * when somebody waits for it, and then only what that wait needs. */
#include <cuda.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <elf.h>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include "memory.h"
#include "threads.h"

namespace {

std::recursive_mutex everything; /* the stand-in does one thing at a time */
thread_local int current = -1;   /* device whose context is current on this thread */

const int max_devices = 4;
int contexts[max_devices];
CUresult lost[max_devices]; /* the error of each that stays */

/* The error of the device whose context is current. */
CUresult gone() { return current < 0 ? CUDA_SUCCESS : lost[current]; }

/* Failures that the environment asks for: STANDIN_FAIL=alloc:2 fails every
 * allocation after two more; launch:N a launch, call:N each call that may fail, once:N
 * one of them alone, lost:N loses the device there, replay:N in a graph; wait:N lets a
 * stream go on without the event it is to wait for, peers refuses copies between devices. */
long left;
bool fails(const char *what) {
	static std::string asked;
	const char *text = getenv("STANDIN_FAIL");
	if (!text) text = "";
	if (asked != text) {
		asked = text;
		const char *colon = strchr(text, ':');
		left = colon ? atol(colon + 1) : 0;
	}
	size_t n = strlen(what);
	if (strncmp(text, what, n) || text[n] != ':') return false;
	return left-- <= 0;
}

/* Whether the environment asks for just this. */
bool asked(const char *what) {
	const char *text = getenv("STANDIN_FAIL");
	return text && !strcmp(text, what);
}

/* Whether this one fails, and none that comes after it. */
bool fails_once(const char *what) { return fails(what) && left == -1; }

/* Whether a call fails for no reason of its own. */
bool fails_somehow() { return fails("call") || fails_once("once"); }

struct Graph;
struct Stream;

/* A piece of work: what to do, or which place in another stream to wait for. */
struct Work {
	std::function<CUresult()> run;
	std::shared_ptr<Stream> other;
	uint64_t until = 0;
};

struct Stream {
	int device;
	std::deque<Work> queue;
	uint64_t queued = 0, done = 0;
	Graph *graph = nullptr;   /* being captured to */
	std::vector<int> last;    /* nodes that the next captured one follows */
	bool origin = false;      /* the capture began here */
};

/* Those that are not destroyed; what waits for one that is keeps it. */
std::map<Stream *, std::shared_ptr<Stream>> streams;

struct Event {
	int device;
	std::shared_ptr<Stream> stream;
	uint64_t at = 0;
	bool timed = false;
	std::shared_ptr<std::chrono::steady_clock::time_point> came; /* where timed */
	Graph *graph = nullptr; /* recorded in a capture: */
	std::vector<int> nodes;
};

/* Work captured once, with what must precede what. */
struct Node {
	std::function<CUresult()> run;
	std::vector<int> after;
};

struct Graph {
	std::vector<Node> nodes;
	std::vector<Stream *> streams; /* that take part in the capture */
	bool broken = false;
};

/* A graph that can be launched. */
struct Exec {
	std::vector<Node> nodes;
	int queued = 0; /* launches that are not done */
};

struct Module {
	void *library;
};

struct Function {
	void (*call)(void **);
	const unsigned *layout; /* count, sizes, alignments of the parameters */
	char *shared, *shared_end;
	int dynamic = 48 << 10; /* dynamic shared memory allowed */
};

CUresult keep(CUresult r, int device) {
	if (r == CUDA_ERROR_ILLEGAL_ADDRESS || r == CUDA_ERROR_LAUNCH_FAILED) lost[device] = r;
	return r;
}

/* Does a stream's work up to a place, and what that waits for: on a device that was lost,
 * nothing, which nobody is told who waits for it. */
CUresult advance(Stream *s, uint64_t until) {
	while (s->done < until && !s->queue.empty()) {
		Work w = std::move(s->queue.front());
		s->queue.pop_front();
		s->done++;
		if (lost[s->device]) continue;
		if (w.other) advance(w.other.get(), w.until);
		else keep(w.run(), s->device);
	}
	return lost[s->device];
}

CUresult queue(Stream *s, std::function<CUresult()> run) {
	/* Nothing here uses the default stream, or another device's. */
	if (!s || s->device != current) return CUDA_ERROR_INVALID_HANDLE;
	if (s->graph) {
		int n = s->graph->nodes.size();
		s->graph->nodes.push_back({std::move(run), s->last});
		s->last = {n};
		return CUDA_SUCCESS;
	}
	s->queue.push_back({std::move(run)});
	s->queued++;
	return CUDA_SUCCESS;
}

/* Runs a graph's nodes in an order that its dependencies allow. */
CUresult run_graph(const std::vector<Node> &nodes) {
	int n = nodes.size();
	std::vector<bool> done(n);
	std::vector<int> places(n);
	for (int left = n; left > 0;) {
		arrange(places.data(), n);
		int progress = -1;
		for (int i : places) {
			bool ready = !done[i];
			for (int a : nodes[i].after) ready = ready && done[a];
			if (!ready) continue;
			progress = i;
			break;
		}
		if (progress < 0) return CUDA_ERROR_UNKNOWN;
		done[progress] = true;
		left--;
		if (CUresult r = nodes[progress].run()) return r;
	}
	return CUDA_SUCCESS;
}

/* Bytes of an ELF file in memory: its section headers lie at its end. */
size_t elf_bytes(const void *image) {
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)image;
	if (memcmp(h->e_ident, ELFMAG, SELFMAG)) return 0;
	return h->e_shoff + (size_t)h->e_shnum * h->e_shentsize;
}

Stream *stream(CUstream s) { return (Stream *)s; }

/* How often each function was called, but for failures that were asked for; STANDIN_CALLS names the file that a wait for a
 * stream puts that into. */
std::map<std::string, long> calls;

void tell_calls() {
	const char *file = getenv("STANDIN_CALLS");
	if (!file || !*file) return;
	std::ofstream out(file);
	for (auto &c : calls) out << c.first << " " << c.second << "\n";
}

} // namespace

#define COUNTED \
	std::lock_guard<std::recursive_mutex> entered(everything); \
	calls[__func__]++
#define ENTER \
	COUNTED; \
	if (gone()) return gone()
#define WITH_CONTEXT \
	ENTER; \
	if (current < 0) return CUDA_ERROR_INVALID_CONTEXT
#define MAY_FAIL \
	if (fails_somehow()) return calls[__func__]--, CUDA_ERROR_OPERATING_SYSTEM
#define FALLIBLE \
	WITH_CONTEXT; \
	MAY_FAIL
/* Waiting is not allowed while work is being captured, nor is allocating. */
#define NOT_CAPTURING(s) \
	if ((s) && (s)->graph) { \
		(s)->graph->broken = true; \
		return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED; \
	}

extern "C" {

CUresult cuInit(unsigned) {
	static bool ready;
	const char *state = getenv("STANDIN_INIT");
	if (state) return (CUresult)atoi(state);
	if (!ready) catch_faults();
	ready = true;
	return CUDA_SUCCESS;
}

CUresult cuDriverGetVersion(int *v) {
	const char *version = getenv("STANDIN_VERSION");
	*v = version ? atoi(version) : 13000;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int *n) {
	const char *devices = getenv("STANDIN_DEVICES");
	*n = devices ? std::min(atoi(devices), max_devices) : 1;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGet(CUdevice *d, int ordinal) {
	int n;
	cuDeviceGetCount(&n);
	if (ordinal < 0 || ordinal >= n) return CUDA_ERROR_INVALID_DEVICE;
	*d = ordinal;
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetName(char *name, int n, CUdevice) {
	snprintf(name, n, "a stand-in, not a GPU");
	return CUDA_SUCCESS;
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) {
	*bytes = card_memory();
	return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice) {
	switch (a) {
	case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *v = 9; break;
	case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *v = 4; break;
	case CU_DEVICE_ATTRIBUTE_WARP_SIZE: *v = 32; break;
	case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *v = 1024; break;
	case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED: *v = getenv("STANDIN_NO_POOLS") == nullptr; break;
	default: *v = 0;
	}
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice d) {
	COUNTED;
	if (lost[d]) return lost[d];
	MAY_FAIL;
	*c = (CUcontext)&contexts[d];
	return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
	COUNTED;
	return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext c) {
	COUNTED;
	current = c ? (int *)c - contexts : -1;
	return CUDA_SUCCESS;
}

CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t bytes) {
	FALLIBLE;
	if (fails("alloc")) return CUDA_ERROR_OUT_OF_MEMORY;
	return take(p, bytes, nullptr, current);
}

CUresult cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *props) {
	ENTER;
	MAY_FAIL;
	if (props->allocType != CU_MEM_ALLOCATION_TYPE_PINNED || props->handleTypes || props->location.type != CU_MEM_LOCATION_TYPE_DEVICE)
		return CUDA_ERROR_INVALID_VALUE;
	Pool *l = new Pool();
	l->device = props->location.id;
	open_pool(l);
	*pool = (CUmemoryPool)l;
	return CUDA_SUCCESS;
}

CUresult cuMemPoolDestroy(CUmemoryPool pool) {
	ENTER;
	Pool *l = (Pool *)pool;
	if (l->used + l->pending) return CUDA_ERROR_NOT_SUPPORTED; /* the driver waits for them */
	close_pool(l);
	delete l;
	return CUDA_SUCCESS;
}

CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute a, void *value) {
	ENTER;
	MAY_FAIL;
	if (a != CU_MEMPOOL_ATTR_RELEASE_THRESHOLD) return CUDA_ERROR_NOT_SUPPORTED;
	((Pool *)pool)->threshold = *(cuuint64_t *)value;
	return CUDA_SUCCESS;
}

CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute a, void *value) {
	ENTER;
	if (a != CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT) return CUDA_ERROR_NOT_SUPPORTED;
	*(cuuint64_t *)value = ((Pool *)pool)->reserved;
	return CUDA_SUCCESS;
}

CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t keep) {
	ENTER;
	trim((Pool *)pool, keep);
	return CUDA_SUCCESS;
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr *p, size_t bytes, CUmemoryPool pool, CUstream s) {
	FALLIBLE;
	NOT_CAPTURING(stream(s));
	if (fails("alloc")) return CUDA_ERROR_OUT_OF_MEMORY;
	return take(p, bytes, (Pool *)pool, ((Pool *)pool)->device);
}

/* Freeing at once waits for all work, as the driver does. */
CUresult cuMemFree_v2(CUdeviceptr p) {
	WITH_CONTEXT;
	for (auto &s : streams)
		if (s.first->device == current && advance(s.first, s.first->queued)) return gone();
	return keep(give(p), current);
}

CUresult cuMemFreeAsync(CUdeviceptr p, CUstream s) {
	WITH_CONTEXT;
	if (CUresult r = promise(p)) return r;
	return queue(stream(s), [=] { return give(p); });
}

CUresult cuMemHostAlloc(void **p, size_t bytes, unsigned) {
	FALLIBLE;
	if (fails("alloc")) return CUDA_ERROR_OUT_OF_MEMORY;
	*p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
	if (!*p) return CUDA_ERROR_OUT_OF_MEMORY;
	memset(*p, 0xFF, bytes);
	return CUDA_SUCCESS;
}

CUresult cuMemFreeHost(void *p) {
	ENTER;
	free(p);
	return CUDA_SUCCESS;
}

/* A copy from one device's memory to another's, or the same's, or the host's. */
static CUresult copy(CUdeviceptr to, int into, CUdeviceptr from, int out, size_t bytes, CUstream s) {
	if (gone()) return gone();
	if (current < 0) return CUDA_ERROR_INVALID_CONTEXT;
	if (fails_somehow()) return CUDA_ERROR_OPERATING_SYSTEM;
	return queue(stream(s), [=] {
		void *d = reach(to, bytes, into), *f = reach(from, bytes, out);
		if (!d || !f) {
			complain("a copy leaves its memory");
			return CUDA_ERROR_ILLEGAL_ADDRESS;
		}
		memmove(d, f, bytes);
		return CUDA_SUCCESS;
	});
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t n, CUstream s) {
	COUNTED;
	return copy(to, current, (CUdeviceptr)from, current, n, s);
}

CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t n, CUstream s) {
	COUNTED;
	return copy((CUdeviceptr)to, current, from, current, n, s);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) {
	COUNTED;
	return copy(to, current, from, current, n, s);
}

CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext into, CUdeviceptr from, CUcontext out, size_t n, CUstream s) {
	COUNTED;
	if (asked("peers")) return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
	return copy(to, (int *)into - contexts, from, (int *)out - contexts, n, s);
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char v, size_t n, CUstream s) {
	FALLIBLE;
	int device = current;
	return queue(stream(s), [=] {
		void *d = reach(to, n, device);
		if (!d) {
			complain("a fill leaves its memory");
			return CUDA_ERROR_ILLEGAL_ADDRESS;
		}
		memset(d, v, n);
		return CUDA_SUCCESS;
	});
}

CUresult cuModuleLoadData(CUmodule *m, const void *image) {
	FALLIBLE;
	size_t bytes = elf_bytes(image);
	if (!bytes) return CUDA_ERROR_INVALID_IMAGE;
	/* A file of its own name: the loader takes files of one name for one library. */
	char path[] = "/tmp/standin-kernel-XXXXXX";
	int file = mkstemp(path);
	bool written = file >= 0 && write(file, image, bytes) == (ssize_t)bytes;
	Module *module = new Module();
	module->library = written ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : nullptr;
	if (!module->library) fprintf(stderr, "stand-in: %s\n", written ? dlerror() : "a kernel's file cannot be written");
	if (file >= 0) {
		close(file);
		unlink(path);
	}
	if (!module->library) {
		delete module;
		return CUDA_ERROR_INVALID_IMAGE;
	}
	*(standin_runtime **)dlsym(module->library, "standin") = &the_runtime;
	*m = (CUmodule)module;
	return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule m) {
	ENTER;
	dlclose(((Module *)m)->library);
	delete (Module *)m;
	return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
	FALLIBLE;
	void *library = ((Module *)m)->library;
	void *call = dlsym(library, (std::string("standin_call_") + name).c_str());
	void *layout = dlsym(library, (std::string("standin_layout_") + name).c_str());
	if (!call || !layout) return CUDA_ERROR_NOT_FOUND;
	Function *fn = new Function();
	fn->call = (void (*)(void **))call;
	fn->layout = ((const unsigned *(*)())layout)();
	((void (*)(char **, char **))dlsym(library, "standin_extent"))(&fn->shared, &fn->shared_end);
	*f = (CUfunction)fn;
	return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute a, int value) {
	FALLIBLE;
	if (a != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value > 227 << 10) return CUDA_ERROR_INVALID_VALUE;
	((Function *)f)->dynamic = value;
	return CUDA_SUCCESS;
}

CUresult cuStreamCreate(CUstream *s, unsigned flags) {
	FALLIBLE;
	if (!(flags & CU_STREAM_NON_BLOCKING)) return CUDA_ERROR_NOT_SUPPORTED;
	auto made = std::make_shared<Stream>();
	made->device = current;
	streams[made.get()] = made;
	*s = (CUstream)made.get();
	return CUDA_SUCCESS;
}

CUresult cuStreamDestroy_v2(CUstream s) {
	ENTER;
	CUresult r = advance(stream(s), stream(s)->queued);
	streams.erase(stream(s));
	return r;
}

CUresult cuStreamSynchronize(CUstream s) {
	WITH_CONTEXT;
	tell_calls();
	NOT_CAPTURING(stream(s));
	CUresult r = advance(stream(s), stream(s)->queued);
	settle();
	return r;
}

CUresult cuStreamQuery(CUstream s) {
	WITH_CONTEXT;
	NOT_CAPTURING(stream(s));
	if (stream(s)->queue.empty()) return CUDA_SUCCESS;
	CUresult r = advance(stream(s), stream(s)->done + 1);
	return r ? r : CUDA_ERROR_NOT_READY;
}

CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned) {
	FALLIBLE;
	Stream *self = stream(s);
	Event *event = (Event *)e;
	if (event->graph) { /* joins the capture, or orders what is in it */
		if (!self->graph) {
			self->graph = event->graph;
			self->last.clear();
			event->graph->streams.push_back(self);
		}
		if (self->graph != event->graph) return CUDA_ERROR_STREAM_CAPTURE_MERGE;
		self->last.insert(self->last.end(), event->nodes.begin(), event->nodes.end());
		return CUDA_SUCCESS;
	}
	if (self->graph) return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
	if (!event->stream || event->stream.get() == self || fails_once("wait")) return CUDA_SUCCESS;
	Work w;
	w.other = event->stream;
	w.until = event->at;
	self->queue.push_back(w);
	self->queued++;
	return CUDA_SUCCESS;
}

CUresult cuEventCreate(CUevent *e, unsigned flags) {
	FALLIBLE;
	Event *event = new Event();
	event->device = current;
	event->timed = !(flags & CU_EVENT_DISABLE_TIMING);
	*e = (CUevent)event;
	return CUDA_SUCCESS;
}

CUresult cuEventDestroy_v2(CUevent e) {
	ENTER;
	delete (Event *)e;
	return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent e, CUstream s) {
	FALLIBLE;
	Event *event = (Event *)e;
	Stream *self = stream(s);
	if (event->device != self->device) return CUDA_ERROR_INVALID_HANDLE;
	bool timed = event->timed;
	*event = {};
	event->device = self->device;
	event->timed = timed;
	if (self->graph) {
		event->graph = self->graph;
		event->nodes = self->last;
		return CUDA_SUCCESS;
	}
	if (timed) {
		auto came = event->came = std::make_shared<std::chrono::steady_clock::time_point>();
		queue(self, [=] {
			*came = std::chrono::steady_clock::now();
			return CUDA_SUCCESS;
		});
	}
	event->stream = streams.at(self);
	event->at = self->queued;
	return CUDA_SUCCESS;
}

CUresult cuEventElapsedTime(float *ms, CUevent start, CUevent stop) {
	FALLIBLE;
	for (Event *e : {(Event *)start, (Event *)stop}) {
		if (!e->timed || !e->stream) return CUDA_ERROR_INVALID_HANDLE;
		if (e->stream->done < e->at) return CUDA_ERROR_NOT_READY;
	}
	*ms = std::chrono::duration<float, std::milli>(*((Event *)stop)->came - *((Event *)start)->came).count();
	return CUDA_SUCCESS;
}

CUresult cuEventQuery(CUevent e) {
	WITH_CONTEXT;
	Event *event = (Event *)e;
	if (event->graph) return CUDA_ERROR_CAPTURED_EVENT;
	if (!event->stream || event->stream->done >= event->at) return CUDA_SUCCESS;
	CUresult r = advance(event->stream.get(), event->stream->done + 1);
	return r ? r : CUDA_ERROR_NOT_READY;
}

CUresult cuEventSynchronize(CUevent e) {
	WITH_CONTEXT;
	Event *event = (Event *)e;
	if (event->graph) return CUDA_ERROR_CAPTURED_EVENT;
	CUresult r = event->stream ? advance(event->stream.get(), event->at) : CUDA_SUCCESS;
	settle();
	return r;
}

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
		unsigned dynamic, CUstream s, void **, void **extra) {
	FALLIBLE;
	Function *fn = (Function *)f;
	if (!gx || !gy || !gz || gy > 65535 || gz > 65535 || gx > 0x7fffffff) return CUDA_ERROR_INVALID_VALUE;
	if (!bx || !by || !bz || bx * by * bz > 1024 || bz > 64) return CUDA_ERROR_INVALID_VALUE;
	if (dynamic > (unsigned)fn->dynamic || !extra) return CUDA_ERROR_INVALID_VALUE;
	if (fails("launch")) return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
	const char *buffer = nullptr;
	size_t size = 0;
	for (; *extra != CU_LAUNCH_PARAM_END; extra += 2) {
		if (*extra == CU_LAUNCH_PARAM_BUFFER_POINTER) buffer = (const char *)extra[1];
		else if (*extra == CU_LAUNCH_PARAM_BUFFER_SIZE) size = *(size_t *)extra[1];
		else return CUDA_ERROR_INVALID_VALUE;
	}
	unsigned count = fn->layout[0];
	std::vector<size_t> offsets(count);
	size_t end = 0;
	for (unsigned i = 0; i < count; i++) {
		size_t align = fn->layout[1 + count + i];
		offsets[i] = (end + align - 1) / align * align;
		end = offsets[i] + fn->layout[1 + i];
	}
	if (end > size || size > 4096) {
		complain("a kernel gets fewer bytes of arguments than it has parameters");
		return CUDA_ERROR_INVALID_VALUE;
	}
	std::string bytes(buffer, size);
	bool loses = fails("lost");
	return queue(stream(s), [=]() mutable {
		if (loses) return CUDA_ERROR_LAUNCH_FAILED;
		std::vector<void *> at(count + 1);
		for (unsigned i = 0; i < count; i++) at[i] = &bytes[offsets[i]];
		Launch l = {fn->call, at.data(), {gx, gy, gz}, {bx, by, bz}, fn->shared, fn->shared_end, dynamic};
		return run_grid(l);
	});
}

CUresult cuStreamBeginCapture_v2(CUstream s, CUstreamCaptureMode) {
	FALLIBLE;
	Stream *self = stream(s);
	if (self->graph) return CUDA_ERROR_ILLEGAL_STATE;
	self->graph = new Graph();
	self->graph->streams.push_back(self);
	self->origin = true;
	self->last.clear();
	return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream s, CUgraph *g) {
	FALLIBLE;
	Stream *self = stream(s);
	Graph *graph = self->graph;
	*g = nullptr;
	if (!graph || !self->origin) return CUDA_ERROR_ILLEGAL_STATE;
	/* All that was captured elsewhere must precede the end of this stream. */
	std::vector<bool> before(graph->nodes.size());
	std::vector<int> rest = self->last;
	while (!rest.empty()) {
		int n = rest.back();
		rest.pop_back();
		if (before[n]) continue;
		before[n] = true;
		rest.insert(rest.end(), graph->nodes[n].after.begin(), graph->nodes[n].after.end());
	}
	bool joined = std::find(before.begin(), before.end(), false) == before.end();
	for (Stream *t : graph->streams) t->graph = nullptr, t->origin = false;
	if (graph->broken || !joined) {
		CUresult r = graph->broken ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
		delete graph;
		return r;
	}
	*g = (CUgraph)graph;
	return CUDA_SUCCESS;
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *x, CUgraph g, unsigned long long) {
	FALLIBLE;
	*x = (CUgraphExec) new Exec{((Graph *)g)->nodes};
	return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec x, CUstream s) {
	FALLIBLE;
	Exec *exec = (Exec *)x;
	bool loses = fails("replay");
	exec->queued++;
	return queue(stream(s), [=] {
		exec->queued--;
		return loses ? CUDA_ERROR_LAUNCH_FAILED : run_graph(exec->nodes);
	});
}

CUresult cuGraphExecDestroy(CUgraphExec x) {
	ENTER;
	if (((Exec *)x)->queued > 0) {
		complain("a graph is destroyed before it has run");
		return keep(CUDA_ERROR_LAUNCH_FAILED, current);
	}
	delete (Exec *)x;
	return CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph g) {
	ENTER;
	delete (Graph *)g;
	return CUDA_SUCCESS;
}

CUresult cuGetErrorString(CUresult code, const char **text) {
	switch (code) {
	case CUDA_ERROR_INVALID_VALUE: *text = "invalid argument"; break;
	case CUDA_ERROR_OUT_OF_MEMORY: *text = "out of memory"; break;
	case CUDA_ERROR_INVALID_CONTEXT: *text = "invalid device context"; break;
	case CUDA_ERROR_ILLEGAL_ADDRESS: *text = "an illegal memory access was encountered"; break;
	case CUDA_ERROR_LAUNCH_FAILED: *text = "unspecified launch failure"; break;
	case CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES: *text = "too many resources requested for launch"; break;
	case CUDA_ERROR_PEER_ACCESS_UNSUPPORTED: *text = "peer access is not supported between these two devices"; break;
	case CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED: *text = "operation not permitted when stream is capturing"; break;
	case CUDA_ERROR_STREAM_CAPTURE_UNJOINED: *text = "capture has unjoined work"; break;
	default: *text = "an error"; break;
	}
	return CUDA_SUCCESS;
}
}
