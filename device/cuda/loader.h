/* The driver, opened at run time: see loader.c. */
#ifndef COTANGENT_LOADER_H
#define COTANGENT_LOADER_H

/* State of the driver. */
enum {
	COTANGENT_UNOPENED,
	COTANGENT_NO_LIBRARY, /* no libcuda; cotangent_driver_text says what was tried */
	COTANGENT_REFUSED,    /* cuInit failed with the code cotangent_driver_code */
	COTANGENT_READY
};

extern int cotangent_driver_state, cotangent_driver_code;
extern char cotangent_driver_text[512];

/* Opens a library by the path in the environment's variable, or by the first of
 * the names (separated by colons) that can be opened. The error is then in text. */
void *cotangent_open(const char *variable, const char *names, char *text, unsigned size);

#endif
