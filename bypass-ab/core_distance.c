// SPDX-License-Identifier: GPL-2.0
#include "core_distance.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "sort.h"

#define TRIALS       100
#define TRIALS_LEAST 10
#define PINGS        100
#define LIMIT_NS     50000000 /* the other CPU may be somebody else's for a while */
#define CLOCK_EVERY  4096     /* looks at the answer */

struct court {
	_Alignas(128) uint64_t ping;
	_Alignas(128) uint64_t pong;
	_Alignas(128) uint64_t number;
	double until_ns;
};

static void *answer(void *context)
{
	struct court *court = context;
	uint64_t last = 0;

	while (last != UINT64_MAX) {
		uint64_t now = __atomic_load_n(&court->ping, __ATOMIC_ACQUIRE);

		if (now == last)
			continue;
		last = now;
		__atomic_store_n(&court->pong, last, __ATOMIC_RELEASE);
	}
	return NULL;
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Until the answer to @number is there: false, it is too late. */
static bool wait_for(const struct court *court, uint64_t number)
{
	for (unsigned int i = 1; __atomic_load_n(&court->pong, __ATOMIC_ACQUIRE) != number; i++)
		if (i % CLOCK_EVERY == 0 && now_ns() > court->until_ns)
			return false;
	return true;
}

/* ns per ping; 0: it took too long. */
static double trial(struct court *court)
{
	double start_ns = now_ns();

	if (start_ns > court->until_ns)
		return 0;
	for (int i = 0; i < PINGS; i++) {
		__atomic_store_n(&court->ping, ++court->number, __ATOMIC_RELEASE);
		if (!wait_for(court, court->number))
			return 0;
	}
	return (now_ns() - start_ns) / PINGS;
}

static double median_of_trials(struct court *court)
{
	double trials[TRIALS];
	int n = 0;

	court->until_ns = now_ns() + LIMIT_NS;
	trial(court); /* the other thread has to start */
	while (n < TRIALS && (trials[n] = trial(court)) > 0)
		n++;
	if (n < TRIALS_LEAST)
		return 0;
	sort_reals(trials, n);
	return trials[n / 2];
}

double core_distance_ns(int other)
{
	struct court court = { .ping = 0 };
	double distance_ns = 0;
	pthread_attr_t attributes;
	pthread_t thread;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(other, &set);
	if (pthread_attr_init(&attributes))
		return 0;
	if (!pthread_attr_setaffinity_np(&attributes, sizeof(set), &set) &&
	    !pthread_create(&thread, &attributes, answer, &court)) {
		distance_ns = median_of_trials(&court);
		__atomic_store_n(&court.ping, UINT64_MAX, __ATOMIC_RELEASE);
		pthread_join(thread, NULL);
	}
	pthread_attr_destroy(&attributes);
	return distance_ns;
}
