// SPDX-License-Identifier: GPL-2.0
#include "tsc.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define CALIBRATION_NS 20000000ULL
#define NSEC_PER_SEC   1000000000ULL

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

#if defined(__x86_64__)

/* The first CPU's flags: the kernel clears them on all if one of them is out of step. */
static bool tsc_is_reliable(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	bool constant = false, nonstop = false;
	char line[8192];

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "flags", 5))
			continue;
		constant = strstr(line, " constant_tsc");
		nonstop = strstr(line, " nonstop_tsc");
		break;
	}
	if (file)
		fclose(file);
	return constant && nonstop;
}

static uint64_t read_ticks(void)
{
	unsigned int cpu;

	return __rdtscp(&cpu); /* waits for what is before it */
}

/* Both clocks at one moment: the narrowest of some brackets. */
static void read_both(uint64_t *ret_ticks, uint64_t *ret_ns)
{
	uint64_t least = ~0ULL;

	for (int i = 0; i < 50; i++) {
		uint64_t before = read_ticks(), ns = monotonic_ns(), after = read_ticks();

		if (after - before >= least)
			continue;
		least = after - before;
		*ret_ticks = before + least / 2;
		*ret_ns = ns;
	}
}

void tsc_calibrate(struct tsc *tsc)
{
	uint64_t ticks, ns;

	*tsc = (struct tsc){};
	if (!tsc_is_reliable())
		return;
	read_both(&ticks, &ns);
	while (monotonic_ns() - ns < CALIBRATION_NS)
		;
	read_both(&tsc->ticks, &tsc->ns);
	tsc->ns_per_tick = (double)(tsc->ns - ns) / (tsc->ticks - ticks);
}

uint64_t tsc_now_ns(const struct tsc *tsc)
{
	if (!tsc->ns_per_tick)
		return monotonic_ns();
	return tsc->ns + (uint64_t)((read_ticks() - tsc->ticks) * tsc->ns_per_tick);
}

#else

void tsc_calibrate(struct tsc *tsc)
{
	*tsc = (struct tsc){};
}

uint64_t tsc_now_ns(const struct tsc *tsc)
{
	return monotonic_ns();
}

#endif
