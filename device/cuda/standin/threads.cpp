/* The threads of a block, as fibers: each has a stack of its own and runs until
 * it waits for others, at a barrier or a shuffle. A bad access ends the kernel. */
#include "threads.h"

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

standin_runtime the_runtime;

namespace {

enum State { READY, AT_BARRIER, AT_EXCHANGE, FINISHED };

const size_t stack_bytes = 128 << 10;

/* A fiber runs one thread after the other, whichever needs a stack. */
struct Fiber {
	jmp_buf here;
	ucontext_t first;
	char *stack;
	bool started;
};

struct Thread {
	State state;
	Fiber *fiber; /* none before it starts and when it has finished */
	standin_uint3 index;
	unsigned mask;              /* at an exchange */
	unsigned long long given;   /* there */
	unsigned long long got[32]; /* from there */
};

std::vector<Thread> threads;
std::vector<Fiber *> idle;
const Launch *launch;
Thread *current;
jmp_buf scheduler;
const char *failure;

/* What a bad access jumps to, while kernels run. */
thread_local sigjmp_buf *guarded;
struct sigaction previous;

void on_fault(int sig, siginfo_t *info, void *context) {
	if (guarded) siglongjmp(*guarded, 1);
	if (previous.sa_flags & SA_SIGINFO) previous.sa_sigaction(sig, info, context);
	else if (previous.sa_handler == SIG_DFL) {
		signal(sig, SIG_DFL);
		raise(sig);
	} else if (previous.sa_handler != SIG_IGN) previous.sa_handler(sig);
}

void suspend() {
	Thread *self = current;
	if (!_setjmp(self->fiber->here)) _longjmp(scheduler, 1);
}

void fiber_main() {
	for (;;) {
		launch->call(launch->at);
		current->state = FINISHED;
		suspend();
	}
}

Fiber *take_fiber() {
	if (!idle.empty()) {
		Fiber *f = idle.back();
		idle.pop_back();
		return f;
	}
	Fiber *f = new Fiber();
	f->stack = (char *)mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	mprotect(f->stack, 4096, PROT_NONE);
	return f;
}

/* Lets a thread run until it waits or finishes. */
void resume(int i) {
	Thread &t = threads[i];
	if (!t.fiber) t.fiber = take_fiber();
	current = &t;
	the_runtime.thread = t.index;
	the_runtime.lane = i % 32;
	if (!_setjmp(scheduler)) {
		Fiber *f = t.fiber;
		if (f->started) _longjmp(f->here, 1);
		f->started = true;
		getcontext(&f->first);
		f->first.uc_stack.ss_sp = f->stack;
		f->first.uc_stack.ss_size = stack_bytes;
		f->first.uc_link = nullptr;
		makecontext(&f->first, fiber_main, 0);
		setcontext(&f->first);
	}
	if (t.state == FINISHED) {
		idle.push_back(t.fiber);
		t.fiber = nullptr;
	}
}

void barrier() {
	current->state = AT_BARRIER;
	suspend();
}

const unsigned long long *exchange(unsigned mask, unsigned long long value) {
	Thread *self = current;
	if (!(mask >> the_runtime.lane & 1)) the_runtime.fail("a lane is not in the mask that it names");
	self->mask = mask;
	self->given = value;
	self->state = AT_EXCHANGE;
	suspend();
	return self->got;
}

void fail(const char *message) {
	failure = message;
	_longjmp(scheduler, 1);
}

/* Lets lanes go on whose whole mask has come to an exchange. */
bool release_exchanges() {
	bool any = false;
	int n = threads.size();
	for (int i = 0; i < n; i++) {
		Thread &t = threads[i];
		if (t.state != AT_EXCHANGE) continue;
		int warp = i / 32 * 32;
		bool whole = true;
		for (int l = 0; l < 32; l++)
			if (t.mask >> l & 1)
				whole = whole && warp + l < n && threads[warp + l].state == AT_EXCHANGE && threads[warp + l].mask == t.mask;
		if (!whole) continue;
		unsigned mask = t.mask;
		unsigned long long given[32];
		for (int l = 0; l < 32; l++) given[l] = mask >> l & 1 ? threads[warp + l].given : ~0ull;
		for (int l = 0; l < 32; l++)
			if (mask >> l & 1) {
				memcpy(threads[warp + l].got, given, sizeof given);
				threads[warp + l].state = READY;
			}
		any = true;
	}
	return any;
}

/* Lets all threads go on that wait at a barrier, when all are there. */
bool release_barrier() {
	int there = 0, finished = 0, n = threads.size();
	for (Thread &t : threads) {
		there += t.state == AT_BARRIER;
		finished += t.state == FINISHED;
	}
	if (!there || there + finished < n) return false;
	if (finished) failure = "a thread ended while others wait for it at a barrier";
	for (Thread &t : threads)
		if (t.state == AT_BARRIER) t.state = READY;
	return true;
}

CUresult run_block(std::vector<int> &places) {
	int n = threads.size();
	memset(launch->shared, 0xFF, launch->shared_end - launch->shared);
	memset(the_runtime.dynamic, 0xFF, launch->dynamic);
	for (int i = 0; i < n; i++) {
		Thread &t = threads[i];
		t.state = READY;
		t.fiber = nullptr;
		unsigned x = launch->block.x, y = launch->block.y;
		t.index = {i % x, i / x % y, i / (x * y)};
	}
	for (;;) {
		arrange(places.data(), n);
		bool finished = true;
		for (int i : places) {
			if (threads[i].state == READY) resume(i);
			if (failure) return CUDA_ERROR_LAUNCH_FAILED;
			finished = finished && threads[i].state == FINISHED;
		}
		if (finished) return CUDA_SUCCESS;
		bool went_on = release_exchanges();
		went_on = release_barrier() || went_on;
		for (Thread &t : threads) went_on = went_on || t.state == READY;
		if (!went_on) failure = "threads wait for each other for ever";
		if (failure) return CUDA_ERROR_LAUNCH_FAILED;
	}
}

} // namespace

Order order() {
	const char *name = getenv("STANDIN_ORDER");
	if (!name || !strcmp(name, "forward")) return Order::forward;
	return !strcmp(name, "reverse") ? Order::reverse : Order::random;
}

void arrange(int *places, int n) {
	static std::mt19937 generator(20260101);
	Order o = order();
	for (int i = 0; i < n; i++) places[i] = o == Order::reverse ? n - 1 - i : i;
	if (o == Order::random) std::shuffle(places, places + n, generator);
}

/* The end of so many pages for dynamic shared memory, between two where nobody may
 * write, so that a block that asked for too little is found. */
static char *shared_end(size_t pages) {
	static std::map<size_t, char *> areas;
	char *&area = areas[pages];
	if (!area) {
		area = (char *)mmap(nullptr, (pages + 2) * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(area + 4096, pages * 4096, PROT_READ | PROT_WRITE);
	}
	return area + (pages + 1) * 4096;
}

CUresult run_grid(const Launch &l) {
	launch = &l;
	failure = nullptr;
	the_runtime.barrier = barrier;
	the_runtime.exchange = exchange;
	the_runtime.fail = fail;
	the_runtime.grid_dim = l.grid;
	the_runtime.block_dim = l.block;
	the_runtime.dynamic = shared_end((l.dynamic + 4095) / 4096) - (l.dynamic + 15) / 16 * 16;
	threads.resize(l.block.x * l.block.y * l.block.z);
	std::vector<int> places(threads.size()), blocks(l.grid.x * l.grid.y * l.grid.z);
	arrange(blocks.data(), blocks.size());

	static sigjmp_buf out;
	volatile CUresult result = CUDA_SUCCESS;
	if (sigsetjmp(out, 1)) {
		result = CUDA_ERROR_ILLEGAL_ADDRESS;
		failure = "a bad access";
	} else {
		guarded = &out;
		for (int b : blocks) {
			unsigned x = l.grid.x, y = l.grid.y;
			the_runtime.block = {b % x, b / x % y, b / (x * y)};
			result = run_block(places);
			if (result) break;
		}
	}
	guarded = nullptr;
	/* The stacks of threads that will not go on are not used again. */
	if (failure) complain(failure);
	return result;
}

void complain(const char *what) {
	if (getenv("STANDIN_VERBOSE"))
		fprintf(stderr, "stand-in: %s (block %u %u, thread %u %u)\n", what, the_runtime.block.x, the_runtime.block.y,
			the_runtime.thread.x, the_runtime.thread.y);
}

void catch_faults() {
	struct sigaction action = {};
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
	sigaction(SIGSEGV, &action, &previous);
	/* The same handler serves an address that the processor does not know. */
	struct sigaction unused;
	sigaction(SIGBUS, &action, &unused);
}
