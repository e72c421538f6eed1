// SPDX-License-Identifier: GPL-2.0
/*
 * ktax-truth-sleep-cost: prints the ns of CPU time that one sleep of a thread takes on this CPU:
 * going to sleep, setting the timer, coming back. Measured by the thread's CPU clock, so that it is
 * the kernel's own figure and not ktax's. The median of several rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 15
#define SLEEPS 20

static long cpu_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static long round_ns(void)
{
	const struct timespec pause = { .tv_nsec = 400000 };
	long start = cpu_ns();

	for (int i = 0; i < SLEEPS; i++)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	return (cpu_ns() - start) / SLEEPS;
}

static int ascending(const void *a, const void *b)
{
	long left = *(const long *)a, right = *(const long *)b;

	return (left > right) - (left < right);
}

int main(void)
{
	long cost_ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		cost_ns[i] = round_ns();
	qsort(cost_ns, ROUNDS, sizeof(*cost_ns), ascending);
	printf("%ld\n", cost_ns[ROUNDS / 2]);
	return 0;
}
