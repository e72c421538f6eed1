/* SPDX-License-Identifier: GPL-2.0 */
/* User CPU time by looking at the clock, which is read without a system call. */
#ifndef SAMPLES_SPIN_H
#define SAMPLES_SPIN_H

#include "../common/clock.h"

/* Spins for @us of CLOCK_MONOTONIC (time preempted counts) and returns the ns it took. */
static inline uint64_t spin_us(uint64_t us)
{
	uint64_t start = clock_now_ns(), now = start;

	while (now - start < us * NS_PER_US)
		now = clock_now_ns();
	return now - start;
}

#endif
