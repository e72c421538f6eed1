/* SPDX-License-Identifier: GPL-2.0 */
/*
 *	t0 = now    call    trap   program          single step    return    t1 = now
 *	────┼────────┬───────┬──────┬─ stamp ─┬───────────┬────────────┼───> time
 *	    │           before                │        after           │
 *
 * "before" and "after" have half of the bare call's time each, which is taken off again: it is that
 * of reading the clock, some 20 ns. Of all calls the medians are taken, since some are interrupted.
 */
#include "step_cost.h"

#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#define CALLS   200
#define WARM_UP 10

/*
 * The instruction is one that many functions begin with, and that gcc puts before any other where
 * nothing is saved.
 */
__asm__(".text\n"
        ".p2align 6\n"
        ".type step_cost_function, @function\n"
        "step_cost_function:\n"
        "	sub $24, %rsp\n"
        "	add $24, %rsp\n"
        "	ret\n"
        ".size step_cost_function, .-step_cost_function\n");
extern void step_cost_function(void) __attribute__((visibility("hidden")));

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- Where the function is ---- */

struct place {
	uintptr_t address;
	uint64_t offset;
	bool found;
};

/* The first object is the program. */
static int find_in_program(struct dl_phdr_info *info, size_t size, void *context)
{
	struct place *place = context;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD || place->address < start ||
		    place->address - start >= segment->p_filesz)
			continue;
		place->offset = place->address - start + segment->p_offset;
		place->found = true;
	}
	return 1;
}

int step_cost_offset(uint64_t *ret_offset)
{
	struct place place = { .address = (uintptr_t)step_cost_function };

	dl_iterate_phdr(find_in_program, &place);
	if (!place.found)
		return -ENOENT;
	*ret_offset = place.offset;
	return 0;
}

/* ---- Samples ---- */

struct samples {
	uint64_t all[CALLS], before[CALLS]; /* ns */
	size_t n;
};

/* @stamp_ns: NULL where the function has no probe. */
static void take_samples(const volatile uint64_t *stamp_ns, struct samples *ret)
{
	ret->n = 0;
	for (int i = -WARM_UP; i < CALLS; i++) {
		uint64_t start = now_ns(), stamp, end;

		step_cost_function();
		end = now_ns();
		stamp = stamp_ns ? *stamp_ns : start;
		if (i < 0 || stamp < start || stamp > end)
			continue;
		ret->all[ret->n] = end - start;
		ret->before[ret->n++] = stamp - start;
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *ns, size_t n)
{
	qsort(ns, n, sizeof(*ns), compare);
	return ns[n / 2];
}

static uint64_t less(uint64_t ns, uint64_t taken)
{
	return ns > taken ? ns - taken : 0;
}

uint64_t step_cost_bare_ns(void)
{
	struct samples samples;

	take_samples(NULL, &samples);
	return median(samples.all, samples.n);
}

int step_cost_measure(uint64_t bare_ns, const volatile uint64_t *stamp_ns, struct step_cost *ret)
{
	struct samples samples;
	uint64_t ns, before_ns;

	take_samples(stamp_ns, &samples);
	if (samples.n < CALLS / 2)
		return -ENODATA;
	ns = less(median(samples.all, samples.n), bare_ns);
	before_ns = less(median(samples.before, samples.n), bare_ns / 2);
	if (before_ns > ns)
		before_ns = ns;
	*ret = (struct step_cost){ .ns = ns, .before_ns = before_ns, .after_ns = ns - before_ns };
	return 0;
}
