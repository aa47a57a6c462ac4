//go:build cgo && linux

package cc

// Loading a shared object from memory.

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#endif
enum { CLOEXEC = 1, ALLOW_SEALING = 2, EXEC = 16, ALL_SEALS = 15 };

// cc_file returns a file in memory that holds n bytes and cannot be changed any more, or -1.
static int cc_file(const char *name, const char *bytes, size_t n) {
	int fd = (int)syscall(SYS_memfd_create, name, CLOEXEC | ALLOW_SEALING | EXEC);
	if (fd < 0 && errno == EINVAL) // kernels before 6.3 do not know EXEC, and need no telling
		fd = (int)syscall(SYS_memfd_create, name, CLOEXEC | ALLOW_SEALING);
	if (fd < 0) return -1;
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);
		if (done < 0 && errno == EINTR) continue;
		if (done <= 0) break;
		bytes += done, n -= (size_t)done;
	}
	if (n == 0 && fcntl(fd, F_ADD_SEALS, ALL_SEALS) == 0) return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

// cc_open loads the object in fd. The loader takes objects of one path for the same: fd stays open as long as the object
// is loaded, so that no other has its path.
static void *cc_open(int fd, char *why, size_t size) {
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!h) {
		const char *e = dlerror();
		snprintf(why, size, "%s", e ? e : "dlopen failed");
	}
	return h;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

// handle is a loaded object.
type handle struct {
	dl unsafe.Pointer
	fd C.int
}

// open loads code, under a name that debuggers and profilers show.
func open(name string, code []byte) (handle, error) {
	if len(code) == 0 {
		return handle{}, errors.New("the compiler made an empty file")
	}
	cname := C.CString("cotangent:" + name[:min(len(name), 200)])
	defer C.free(unsafe.Pointer(cname))
	fd, err := C.cc_file(cname, (*C.char)(unsafe.Pointer(&code[0])), C.size_t(len(code)))
	if fd < 0 {
		return handle{}, fmt.Errorf("no file in memory: %w", err)
	}
	var why [512]C.char
	dl := C.cc_open(fd, &why[0], C.size_t(len(why)))
	if dl == nil {
		C.close(fd)
		return handle{}, errors.New(C.GoString(&why[0]))
	}
	return handle{dl, fd}, nil
}

func (h handle) symbol(name string) unsafe.Pointer {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	return C.dlsym(h.dl, cname)
}

func (h handle) close() {
	C.dlclose(h.dl)
	C.close(h.fd)
}
