// SPDX-License-Identifier: GPL-2.0
#include "threads.h"

#include <stdlib.h>

static struct thread_finding *thread_of(struct threads_finding *threads, uint32_t tid)
{
	for (size_t i = 0; i < threads->n; i++)
		if (threads->thread[i].tid == tid)
			return &threads->thread[i];
	if (threads->n == THREADS_MAX)
		return NULL;
	threads->thread[threads->n] = (struct thread_finding){ .tid = tid };
	return &threads->thread[threads->n++];
}

void threads_add(struct threads_finding *threads, const struct ktax_request *request)
{
	struct thread_finding *thread = thread_of(threads, request->tid_read);

	threads->requests++;
	if (!thread) {
		threads->beyond++;
		return;
	}
	thread->requests++;
	thread->answered_elsewhere += (request->flags & KTAX_REQUEST_HANDED_OVER) != 0;
	thread->total_ns += request->total_ns;
	if (request->total_ns > thread->slowest_ns)
		thread->slowest_ns = request->total_ns;
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		thread->account_ns[i] += request->account_ns[i];
}

static int by_time(const void *a, const void *b)
{
	const struct thread_finding *left = a, *right = b;

	if (left->total_ns != right->total_ns)
		return left->total_ns > right->total_ns ? -1 : 1;
	return (left->tid > right->tid) - (left->tid < right->tid);
}

void threads_sort(struct threads_finding *threads)
{
	qsort(threads->thread, threads->n, sizeof(threads->thread[0]), by_time);
}
