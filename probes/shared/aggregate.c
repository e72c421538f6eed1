// SPDX-License-Identifier: GPL-2.0
/*
 * Sums and differences of aggregates. The structure is u64 up to the histograms and u32 from there,
 * and all of it counts up, but for max_ns.
 */
#include "aggregate.h"

#include <stddef.h>
#include <stdint.h>

#define WORDS (offsetof(struct ktax_aggregate, total) / sizeof(uint64_t))
#define COUNTS                                                                                     \
	((offsetof(struct ktax_aggregate, arrivals) - offsetof(struct ktax_aggregate, total)) /    \
	 sizeof(uint32_t))

_Static_assert(offsetof(struct ktax_aggregate, total) % sizeof(uint64_t) == 0, "aggregate");

static uint32_t *counts_of(struct ktax_aggregate *aggregate)
{
	return (uint32_t *)((char *)aggregate + offsetof(struct ktax_aggregate, total));
}

void ktax_aggregate_add(struct ktax_aggregate *into, const struct ktax_aggregate *from)
{
	const uint32_t *from_counts = counts_of((struct ktax_aggregate *)from);
	uint64_t max = into->max_ns > from->max_ns ? into->max_ns : from->max_ns;
	uint32_t *into_counts = counts_of(into);

	for (size_t i = 0; i < WORDS; i++)
		((uint64_t *)into)[i] += ((const uint64_t *)from)[i];
	for (size_t i = 0; i < COUNTS; i++)
		into_counts[i] += from_counts[i];
	into->max_ns = max;
}

void ktax_aggregate_subtract(struct ktax_aggregate *from, const struct ktax_aggregate *what)
{
	const uint32_t *what_counts = counts_of((struct ktax_aggregate *)what);
	uint64_t max = from->max_ns;
	uint32_t *from_counts = counts_of(from);

	for (size_t i = 0; i < WORDS; i++)
		((uint64_t *)from)[i] -= ((const uint64_t *)what)[i];
	for (size_t i = 0; i < COUNTS; i++)
		from_counts[i] -= what_counts[i];
	from->max_ns = max;
}
