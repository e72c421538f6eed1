// SPDX-License-Identifier: GPL-2.0
#include "speed.h"

#include <stdatomic.h>
#include <time.h>

#define TURNS 8000

static _Atomic uint64_t best_ns = UINT64_MAX;
static double slow_ratio = 1.04; /* set before there are threads */

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

/* Four chains side by side: what fills a core's units feels a second thread on it most. */
static uint64_t compute(void)
{
	uint64_t a = 1, b = 2, c = 3, d = 4;

	for (uint64_t i = 0; i < TURNS; i++) {
		a = a * 5 + i;
		b = (b ^ a) + (b << 3);
		c = c * 9 + 7;
		d = d >> 1 ^ (d + i);
	}
	return a ^ b ^ c ^ d;
}

uint64_t speed_probe_ns(void)
{
	uint64_t start = now_ns(), took, best = best_ns;

	__asm__ volatile("" : : "r"(compute())); /* the result must be had */
	took = now_ns() - start;
	while (took < best && !atomic_compare_exchange_weak(&best_ns, &best, took))
		;
	return took;
}

bool speed_is_slow(uint64_t probe_ns)
{
	return (double)probe_ns > slow_ratio * (double)best_ns;
}

void speed_set_limit(double ratio)
{
	slow_ratio = ratio;
}

void speed_calibrate(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i < 300; i++) {
		speed_probe_ns();
		nanosleep(&pause, NULL);
	}
}
