/* SPDX-License-Identifier: GPL-2.0 */
/* What the calling thread has had of its CPU so far: the scheduler's account of it. */
#ifndef KTAX_OWN_TIME_H
#define KTAX_OWN_TIME_H

#include <stdint.h>

struct own_time {
	uint64_t cpu_ns;   /* on the CPU */
	uint64_t wait_ns;  /* runnable, but not running (schedstat) */
	uint64_t switches; /* involuntary */
};

void own_time_read(struct own_time *ret);
/* The first of them alone: much cheaper. */
uint64_t own_time_cpu_ns(void);

#endif
