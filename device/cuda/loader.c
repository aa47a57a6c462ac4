//go:build cuda

/* Opens the CUDA driver at run time, so that a binary needs no libcuda to start.
 *
 * gorgonia.org/cu calls the driver's functions by name and ends the process when
 * cuInit fails in its package initialisation. So the functions are trampolines
 * (trampolines_*.S) through the table here; cuInit opens the driver, keeps the
 * true outcome for the package's status, and always succeeds; and without a
 * driver there are no devices, which is what a caller then learns first. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader.h"
#include "symbols.h"

#define HIDDEN __attribute__((visibility("hidden")))
enum { COUNT = sizeof names / sizeof *names, NOT_INITIALIZED = 3, NOT_FOUND = 500 };

HIDDEN void *cotangent_driver[COUNT];
HIDDEN int cotangent_driver_state = COTANGENT_UNOPENED, cotangent_driver_code;
HIDDEN char cotangent_driver_text[512];

static int (*count_devices)(int *);

static int not_initialized(void) { return NOT_INITIALIZED; }
static int not_found(void) { return NOT_FOUND; }

__attribute__((constructor)) static void fill(void) {
	for (int i = 0; i < COUNT; i++) cotangent_driver[i] = (void *)not_initialized;
}

/* Whether a file is one of ELF that ends before what it says is to be loaded: dlopen maps
 * it all the same, and the process ends where that is touched. */
static int cut_short(const char *path) {
	ElfW(Ehdr) e;
	ElfW(Phdr) p;
	struct stat s;
	int fd = strchr(path, '/') ? open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1, bad = 0;
	if (fd < 0) return 0;
	if (!fstat(fd, &s) && S_ISREG(s.st_mode) && pread(fd, &e, sizeof e, 0) == sizeof e && !memcmp(e.e_ident, ELFMAG, SELFMAG)
			&& e.e_phentsize == sizeof p)
		for (int i = 0; i < e.e_phnum && !bad; i++) {
			ssize_t n = pread(fd, &p, sizeof p, (off_t)(e.e_phoff + (size_t)i * sizeof p));
			unsigned long long size = s.st_size;
			bad = n != sizeof p || (p.p_type == PT_LOAD && (p.p_offset > size || p.p_filesz > size - p.p_offset));
		}
	close(fd);
	return bad;
}

HIDDEN void *cotangent_open(const char *variable, const char *list, char *text, unsigned size) {
	const char *chosen = getenv(variable);
	char all[512], *rest = all;
	snprintf(all, sizeof all, "%s", chosen && *chosen ? chosen : list);
	if (size) text[0] = 0;
	for (char *name; (name = strsep(&rest, ":"));) {
		int cut = cut_short(name);
		void *library = cut ? NULL : dlopen(name, RTLD_NOW | RTLD_LOCAL);
		if (library) return library;
		size_t used = strlen(text);
		if (cut) snprintf(text + used, size - used, "%s%s: the file is cut short", used ? "; " : "", name);
		else snprintf(text + used, size - used, "%s%s", used ? "; " : "", dlerror());
	}
	return NULL;
}

static void open_driver(void) {
	void *library = cotangent_open("COTANGENT_LIBCUDA",
		"libcuda.so.1:/usr/local/nvidia/lib64/libcuda.so.1:/usr/lib/wsl/lib/libcuda.so.1",
		cotangent_driver_text, sizeof cotangent_driver_text);
	cotangent_driver_state = COTANGENT_NO_LIBRARY;
	if (!library) return;
	int (*init)(unsigned) = (int (*)(unsigned))dlsym(library, "cuInit");
	count_devices = (int (*)(int *))dlsym(library, "cuDeviceGetCount");
	cotangent_driver_state = COTANGENT_REFUSED;
	cotangent_driver_code = init && count_devices ? init(0) : NOT_FOUND;
	if (cotangent_driver_code) return;
	for (int i = 0; i < COUNT; i++) {
		void *f = dlsym(library, names[i]);
		cotangent_driver[i] = f ? f : (void *)not_found;
	}
	cotangent_driver_state = COTANGENT_READY;
}

HIDDEN int cuInit(unsigned flags) {
	(void)flags;
	if (cotangent_driver_state == COTANGENT_UNOPENED) open_driver();
	return 0;
}

HIDDEN int cuDeviceGetCount(int *n) {
	*n = 0;
	return cotangent_driver_state == COTANGENT_READY ? count_devices(n) : 0;
}
