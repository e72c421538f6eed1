// SPDX-License-Identifier: GPL-2.0
#include "own_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

/* The second number of schedstat, 0 where the kernel has none (CONFIG_SCHED_INFO). */
static uint64_t run_delay_ns(void)
{
	FILE *file = fopen("/proc/thread-self/schedstat", "re");
	uint64_t delay_ns = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%*u %" SCNu64, &delay_ns) != 1)
		delay_ns = 0;
	fclose(file);
	return delay_ns;
}

uint64_t own_time_cpu_ns(void)
{
	struct timespec cpu;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
	return cpu.tv_sec * 1000000000ULL + cpu.tv_nsec;
}

void own_time_read(struct own_time *ret)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	ret->cpu_ns = own_time_cpu_ns();
	ret->wait_ns = run_delay_ns();
	ret->switches = usage.ru_nivcsw;
}
