/* NVRTC, opened at run time: see rtc.c. */
#ifndef COTANGENT_RTC_H
#define COTANGENT_RTC_H

#include <stddef.h>

/* Opens NVRTC and tells its version; not 0 if it cannot, with the reason in text. */
int cotangent_rtc_open(int *major, int *minor, char *text, unsigned size);

/* The newest architecture (90 for sm_90) not above the one asked for, 0 if none. */
int cotangent_rtc_newest(int wanted);

/* Compiles a source to a cubin or to PTX. The caller frees image and log. */
int cotangent_rtc_compile(const char *source, const char *const *options, int count, int cubin,
	char **image, size_t *image_size, char **log);

#endif
