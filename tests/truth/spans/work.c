/* SPDX-License-Identifier: GPL-2.0 */
#include "work.h"

#include <time.h>

#include "spin.h"

unsigned long spin_ticks_per_us;

static unsigned long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + (unsigned long long)now.tv_nsec;
}

void spin_calibrate(void)
{
	const unsigned long long begin = now_ns();
	const unsigned long ticks = __rdtsc();
	unsigned long long end;

	do
		end = now_ns();
	while (end - begin < 20000000);
	spin_ticks_per_us = (__rdtsc() - ticks) * 1000 / (end - begin);
}

void span_work(void (*inside)(void))
{
	inside();
	__asm__ volatile(""); /* a call, not a jump */
}

void span_recurse(int depth, unsigned long us, void (*inside)(void))
{
	spin(us);
	if (depth)
		span_recurse(depth - 1, us, inside);
	else
		inside();
	spin(us);
}

__attribute__((noinline)) int span_last(unsigned long us)
{
	spin(us);
	return 1;
}

int span_first(unsigned long us)
{
	spin(us);
	return span_last(us);
}

STEPPED_FUNCTION(span_stepped);
STEPPED_FUNCTION(bare_stepped);
