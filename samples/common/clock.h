/* SPDX-License-Identifier: GPL-2.0 */
/* The one clock of the samples, as of ktax: CLOCK_MONOTONIC in ns. */
#ifndef SAMPLES_CLOCK_H
#define SAMPLES_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US  1000ULL
#define NS_PER_MS  1000000ULL
#define NS_PER_SEC 1000000000ULL

static inline uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

static inline struct timespec clock_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_SEC),
		                  .tv_nsec = (long)(ns % NS_PER_SEC) };
}

#endif
