//go:build cuda

/* NVRTC, opened at run time. Only its stable C interface is used, declared here
 * so that no header of it is needed. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"
#include "rtc.h"

static struct {
	int (*version)(int *, int *);
	int (*archs)(int *);
	int (*arch_list)(int *);
	int (*create)(void **, const char *, const char *, int, const char *const *, const char *const *);
	int (*compile)(void *, int, const char *const *);
	int (*log_size)(void *, size_t *);
	int (*log)(void *, char *);
	int (*cubin_size)(void *, size_t *);
	int (*cubin)(void *, char *);
	int (*ptx_size)(void *, size_t *);
	int (*ptx)(void *, char *);
	int (*destroy)(void **);
} rtc;

int cotangent_rtc_open(int *major, int *minor, char *text, unsigned size) {
	static const char names[] = "libnvrtc.so.13:libnvrtc.so.12:libnvrtc.so.11.2:libnvrtc.so:"
		"/usr/local/cuda/lib64/libnvrtc.so";
	static const char *const functions[] = {
		"nvrtcVersion", "nvrtcGetNumSupportedArchs", "nvrtcGetSupportedArchs", "nvrtcCreateProgram", "nvrtcCompileProgram",
		"nvrtcGetProgramLogSize", "nvrtcGetProgramLog", "nvrtcGetCUBINSize", "nvrtcGetCUBIN", "nvrtcGetPTXSize",
		"nvrtcGetPTX", "nvrtcDestroyProgram",
	};
	void *library = cotangent_open("COTANGENT_LIBNVRTC", names, text, size);
	if (!library) return -1;
	void **slot = (void **)&rtc;
	for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++) {
		if (!(slot[i] = dlsym(library, functions[i]))) {
			snprintf(text, size, "the library has no %s", functions[i]);
			return -1;
		}
	}
	return rtc.version(major, minor);
}

/* newest returns the newest architecture that NVRTC knows up to the one asked
 * for, and whether it is that one. */
int cotangent_rtc_newest(int wanted) {
	int n = 0, best = 0;
	if (rtc.archs(&n) || n <= 0) return 0;
	int *list = malloc(n * sizeof *list);
	if (list && !rtc.arch_list(list))
		for (int i = 0; i < n; i++)
			if (list[i] <= wanted && list[i] > best) best = list[i];
	free(list);
	return best;
}

static char *fetch(void *program, int (*size)(void *, size_t *), int (*get)(void *, char *), size_t *n) {
	*n = 0;
	if (size(program, n) || !*n) return NULL;
	char *text = malloc(*n);
	if (text && !get(program, text)) return text;
	free(text);
	return NULL;
}

int cotangent_rtc_compile(const char *source, const char *const *options, int count, int cubin,
		char **image, size_t *image_size, char **log) {
	void *program;
	size_t n;
	*image = *log = NULL;
	int code = rtc.create(&program, source, "kernel.cu", 0, NULL, NULL);
	if (code) return code;
	code = rtc.compile(program, count, options);
	*log = fetch(program, rtc.log_size, rtc.log, &n);
	if (!code) {
		*image = cubin ? fetch(program, rtc.cubin_size, rtc.cubin, image_size)
			: fetch(program, rtc.ptx_size, rtc.ptx, image_size);
		if (!*image) code = -1;
	}
	rtc.destroy(&program);
	return code;
}
