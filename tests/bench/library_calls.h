/* SPDX-License-Identifier: GPL-2.0 */
/* Calls of functions of the catalogue, in libraries that are opened if they are installed. */
#ifndef KTAX_LIBRARY_CALLS_H
#define KTAX_LIBRARY_CALLS_H

#include <stdbool.h>
#include <stddef.h>

/* Call in this order: prepare(), call() as often as you like, finish(). */
struct library_call {
	const char *label;                 /* of its span site */
	const char *name;                  /* what to call: that function, or one that calls it */
	bool (*prepare)(const char *name); /* false: not installed, nothing to finish */
	void (*call)(void);
	void (*finish)(void);
};

extern const struct library_call library_calls[];
extern const size_t library_calls_n;

#endif
