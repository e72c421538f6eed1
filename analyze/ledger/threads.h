/* SPDX-License-Identifier: GPL-2.0 */
/* What sampled requests say of the threads that served them. */
#ifndef KTAX_THREADS_H
#define KTAX_THREADS_H

#include <stddef.h>

#include "aggregate.h"

/* A thread by the requests that it read. They are those that were sampled: maybe only slow ones. */
struct thread_finding {
	uint32_t tid; /* 0: not seen */
	uint64_t requests;
	uint64_t answered_elsewhere; /* another thread wrote the response */
	uint64_t total_ns, slowest_ns;
	uint64_t account_ns[KTAX_NACCOUNTS];
};

#define THREADS_MAX 256

struct threads_finding {
	size_t n;
	struct thread_finding thread[THREADS_MAX]; /* once sorted: by time spent, most first */
	uint64_t requests;
	uint64_t beyond; /* requests of still more threads */
};

void threads_add(struct threads_finding *threads, const struct ktax_request *request);
void threads_sort(struct threads_finding *threads);

#endif
