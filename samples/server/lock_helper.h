/* SPDX-License-Identifier: GPL-2.0 */
/* A second thread that holds a mutex while the caller wants it. */
#ifndef SAMPLES_LOCK_HELPER_H
#define SAMPLES_LOCK_HELPER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct lock_helper {
	pthread_t thread;
	pthread_mutex_t mutex;
	sem_t go;   /* posted: the caller is about to take the mutex */
	sem_t done; /* posted: the caller is through */
	uint64_t deadline_ns;
	atomic_bool held;
	atomic_bool stop;
	bool started;
};

/*
 * Blocks in pthread_mutex_lock until @us after the call. The first call starts the thread.
 * Returns the ns from telling the helper to having the mutex, 0 if no thread could be started.
 */
uint64_t lock_helper_block(struct lock_helper *helper, uint64_t us);
/* Ends the thread; accepts a zeroed helper. */
void lock_helper_destroy(struct lock_helper *helper);

#endif
