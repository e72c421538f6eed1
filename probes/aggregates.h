/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The aggregates that the programs add to: one array, memory-mapped, so that reading them takes no
 * system call. It holds sets of one struct ktax_aggregate per endpoint.
 */
#ifndef KTAX_AGGREGATES_H
#define KTAX_AGGREGATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aggregate.h"

struct aggregates {
	const struct ktax_aggregate *memory; /* [set * endpoints + endpoint]; NULL: not mapped */
	size_t bytes;
	uint32_t sets, endpoints;
	const struct ktax_aggregate **counted; /* for aggregates_take(): those of an endpoint */
};

/* Sets in the array: one for each of @n_cpus possible CPUs, and the spare one. */
uint32_t aggregates_sets(uint32_t n_cpus);

/* Maps the array behind @fd, aggregates_sets() * @endpoints of them. -errno. */
int aggregates_map(int fd, uint32_t n_cpus, uint32_t endpoints, struct aggregates *ret);
void aggregates_unmap(struct aggregates *aggregates);

/* What an endpoint has grown by. Begins as zeros. */
struct aggregate_delta {
	struct ktax_aggregate grown; /* its max_ns is the slowest request so far */
	struct ktax_extent extent;
};

/*
 * Takes what @endpoint, summed over the sets, has grown by since @last, and keeps in @last what it
 * is now. False if it had no request since: then neither is written.
 *
 * An aggregate is 300 KB, mostly zeros, and is read while it is written to. Only what can be other
 * than 0 is read. What this misses, because a request was being added at this moment, is not in
 * @last either: the next call finds it.
 */
bool aggregates_take(const struct aggregates *aggregates, uint32_t endpoint,
                     struct ktax_aggregate *last, struct aggregate_delta *delta);
/*
 * Adds up the sets' counts of arrivals in the @n slots from @first on, round the ring; false if
 * there never was any: then @ret is not written.
 */
bool aggregates_read_arrivals(const struct aggregates *aggregates, uint32_t endpoint,
                              uint64_t first, uint32_t n, uint32_t *ret);

#endif
