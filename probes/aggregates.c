// SPDX-License-Identifier: GPL-2.0
#include "aggregates.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint32_t aggregates_sets(uint32_t n_cpus)
{
	return n_cpus + 1;
}

int aggregates_map(int fd, uint32_t n_cpus, uint32_t endpoints, struct aggregates *ret)
{
	uint32_t sets = aggregates_sets(n_cpus);
	size_t bytes = (size_t)sets * endpoints * sizeof(struct ktax_aggregate);
	size_t page = sysconf(_SC_PAGESIZE);
	void *memory;

	bytes = (bytes + page - 1) / page * page;
	memory = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*ret = (struct aggregates){
		.memory = memory, .bytes = bytes, .sets = sets, .endpoints = endpoints
	};
	ret->counted = calloc(sets, sizeof(*ret->counted));
	if (!ret->counted) {
		aggregates_unmap(ret);
		return -ENOMEM;
	}
	return 0;
}

void aggregates_unmap(struct aggregates *aggregates)
{
	if (aggregates->memory)
		munmap((void *)aggregates->memory, aggregates->bytes);
	free(aggregates->counted);
	*aggregates = (struct aggregates){};
}

/* ---- What an endpoint has grown by ---------------------------------------------------------- */

/* An endpoint's aggregates, as far as there were requests. */
struct reading {
	const struct ktax_aggregate *const *set;
	uint32_t sets;
	uint64_t requests, max_ns;
};

static struct reading begin_reading(const struct aggregates *aggregates, uint32_t endpoint)
{
	struct reading reading = { .set = aggregates->counted };

	for (uint32_t set = 0; set < aggregates->sets; set++) {
		const struct ktax_aggregate *aggregate =
			&aggregates->memory[(size_t)set * aggregates->endpoints + endpoint];

		if (!aggregate->requests)
			continue;
		reading.requests += aggregate->requests;
		if (aggregate->max_ns > reading.max_ns)
			reading.max_ns = aggregate->max_ns;
		aggregates->counted[reading.sets++] = aggregate;
	}
	return reading;
}

/* Takes the @n words that stand @offset bytes from an aggregate's beginning. */
static void take_words(const struct reading *reading, size_t offset, size_t n,
                       struct ktax_aggregate *last, struct ktax_aggregate *grown)
{
	uint64_t *before = (uint64_t *)((char *)last + offset);
	uint64_t *delta = (uint64_t *)((char *)grown + offset);

	for (size_t i = 0; i < n; i++) {
		uint64_t now = 0;

		for (uint32_t set = 0; set < reading->sets; set++)
			now += ((const uint64_t *)((const char *)reading->set[set] + offset))[i];
		delta[i] = now - before[i];
		before[i] = now;
	}
}

#define BLOCK 16 /* buckets of a cache line, which vector instructions add at once */
_Static_assert(KTAX_HIST_BUCKETS % BLOCK == 0, "blocks of buckets");

static void add_block(uint32_t *restrict into, const uint32_t *restrict from)
{
	for (int i = 0; i < BLOCK; i++)
		into[i] += from[i];
}

static void settle_block(const uint32_t *restrict now, uint32_t *restrict before,
                         uint32_t *restrict delta)
{
	for (int i = 0; i < BLOCK; i++) {
		delta[i] = now[i] - before[i];
		before[i] = now[i];
	}
}

/* Takes a histogram's buckets below @end, a multiple of BLOCK. */
static void take_buckets(const struct reading *reading, size_t offset, uint32_t end,
                         struct ktax_aggregate *last, struct ktax_aggregate *grown)
{
	for (uint32_t i = 0; i < end; i += BLOCK) {
		size_t at = offset + i * sizeof(uint32_t);
		uint32_t now[BLOCK] = { 0 };

		for (uint32_t set = 0; set < reading->sets; set++)
			add_block(now, (const uint32_t *)((const char *)reading->set[set] + at));
		settle_block(now, (uint32_t *)((char *)last + at),
		             (uint32_t *)((char *)grown + at));
	}
}

static bool was_counted(const struct reading *reading, uint32_t cell)
{
	for (uint32_t set = 0; set < reading->sets; set++)
		if (reading->set[set]->joint[cell].requests)
			return true;
	return false;
}

/* Returns the set of the accounts that were ever counted. */
static uint32_t take_cells(const struct reading *reading, uint32_t end, struct ktax_aggregate *last,
                           struct ktax_aggregate *grown)
{
	uint32_t accounts = 0;

	for (uint32_t i = 0; i < end; i++) {
		if (!was_counted(reading, i))
			continue;
		take_words(reading, offsetof(struct ktax_aggregate, joint[i]),
		           sizeof(last->joint[i]) / sizeof(uint64_t), last, grown);
		for (int account = 0; account < KTAX_NACCOUNTS; account++)
			accounts |= (uint32_t)(last->joint[i].sum_ns[account] != 0) << account;
	}
	return accounts;
}

/* The highest bucket of totals that was ever counted in, and those of its block. */
static uint32_t find_end(const struct ktax_aggregate *last)
{
	uint32_t end = KTAX_HIST_BUCKETS;

	while (end && !last->total[end - 1])
		end--;
	return (end + BLOCK - 1) / BLOCK * BLOCK;
}

/* The cells of totals in buckets below @end. */
static uint32_t cells_below(uint32_t end)
{
	uint64_t highest = ktax_hist_lowest(end, KTAX_HIST_MAGNITUDE) - 1;

	if (!end)
		return 0;
	return end == KTAX_HIST_BUCKETS ? KTAX_JOINT_CELLS
	                                : ktax_hist_index(highest, KTAX_JOINT_MAGNITUDE) + 1;
}

static void clear(struct aggregate_delta *delta)
{
	struct ktax_aggregate *grown = &delta->grown;
	size_t bytes = delta->extent.buckets * sizeof(uint32_t);

	memset(grown->joint, 0, delta->extent.cells * sizeof(grown->joint[0]));
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (delta->extent.accounts & 1U << i)
			memset(grown->account[i], 0, bytes);
	memset(grown->total, 0, sizeof(grown->total));
	memset(grown->floor_tuned, 0, bytes);
	memset(grown->floor_bypass, 0, bytes);
}

bool aggregates_take(const struct aggregates *aggregates, uint32_t endpoint,
                     struct ktax_aggregate *last, struct aggregate_delta *delta)
{
	const struct reading reading = begin_reading(aggregates, endpoint);
	struct ktax_aggregate *grown = &delta->grown;
	uint32_t end;

	if (reading.requests == last->requests)
		return false;
	clear(delta);
	take_words(&reading, 0, offsetof(struct ktax_aggregate, max_ns) / sizeof(uint64_t), last,
	           grown);
	last->max_ns = grown->max_ns = reading.max_ns;
	take_buckets(&reading, offsetof(struct ktax_aggregate, total), KTAX_HIST_BUCKETS, last,
	             grown);
	/* No floor is above its total, nor is an account of a request that is balanced. */
	end = find_end(last);
	take_buckets(&reading, offsetof(struct ktax_aggregate, floor_tuned), end, last, grown);
	take_buckets(&reading, offsetof(struct ktax_aggregate, floor_bypass), end, last, grown);
	delta->extent.cells = cells_below(end);
	delta->extent.accounts = take_cells(&reading, delta->extent.cells, last, grown);
	delta->extent.buckets = last->unbalanced ? KTAX_HIST_BUCKETS : end;
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (delta->extent.accounts & 1U << i)
			take_buckets(&reading, offsetof(struct ktax_aggregate, account[i]),
			             delta->extent.buckets, last, grown);
	return true;
}

/* ---- Arrivals ------------------------------------------------------------------------------- */

bool aggregates_read_arrivals(const struct aggregates *aggregates, uint32_t endpoint,
                              uint64_t first, uint32_t n, uint32_t *ret)
{
	bool any = false;

	for (uint32_t set = 0; set < aggregates->sets; set++) {
		const struct ktax_aggregate *aggregate =
			&aggregates->memory[(size_t)set * aggregates->endpoints + endpoint];

		if (!aggregate->arrived)
			continue;
		if (!any)
			memset(ret, 0, n * sizeof(*ret));
		any = true;
		for (uint32_t i = 0; i < n; i++)
			ret[i] += aggregate->arrivals[(first + i) % KTAX_ARRIVAL_SLOTS];
	}
	return any;
}
