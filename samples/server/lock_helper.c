// SPDX-License-Identifier: GPL-2.0
/*
 * The helper holds the mutex whenever nobody asks for it, so that the caller need not wait for it
 * to be taken, which would be another wait in the measured time.
 *
 *	helper   lock, held = 1, wait go ........ sleep to the deadline, unlock, wait done, again
 *	caller   wait for held, post go, lock (blocks in futex) ........ has it, unlock, post done
 */
#include <errno.h>
#include <sched.h>

#include "../common/clock.h"
#include "lock_helper.h"

static void semaphore_wait(sem_t *semaphore)
{
	while (sem_wait(semaphore) && errno == EINTR)
		;
}

static void *helper_run(void *argument)
{
	struct lock_helper *helper = argument;

	for (;;) {
		struct timespec deadline;

		pthread_mutex_lock(&helper->mutex);
		atomic_store(&helper->held, true);
		semaphore_wait(&helper->go);
		deadline = clock_timespec(helper->deadline_ns);
		if (!atomic_load(&helper->stop))
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL);
		atomic_store(&helper->held, false);
		pthread_mutex_unlock(&helper->mutex);
		if (atomic_load(&helper->stop))
			return NULL;
		semaphore_wait(&helper->done);
	}
}

static bool helper_start(struct lock_helper *helper)
{
	pthread_mutex_init(&helper->mutex, NULL);
	sem_init(&helper->go, 0, 0);
	sem_init(&helper->done, 0, 0);
	helper->started = pthread_create(&helper->thread, NULL, helper_run, helper) == 0;
	if (helper->started)
		pthread_setname_np(helper->thread, "lock-holder");
	return helper->started;
}

uint64_t lock_helper_block(struct lock_helper *helper, uint64_t us)
{
	uint64_t start, end;

	if (!helper->started && !helper_start(helper))
		return 0;
	while (!atomic_load(&helper->held))
		sched_yield();
	start = clock_now_ns();
	helper->deadline_ns = start + us * NS_PER_US;
	sem_post(&helper->go);
	pthread_mutex_lock(&helper->mutex);
	end = clock_now_ns();
	pthread_mutex_unlock(&helper->mutex);
	sem_post(&helper->done);
	return end - start;
}

void lock_helper_destroy(struct lock_helper *helper)
{
	if (!helper->started)
		return;
	atomic_store(&helper->stop, true);
	sem_post(&helper->go);
	pthread_join(helper->thread, NULL);
	sem_destroy(&helper->go);
	sem_destroy(&helper->done);
	pthread_mutex_destroy(&helper->mutex);
	helper->started = false;
}
