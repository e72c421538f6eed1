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
};

/* Sets in the array: one for each of @n_cpus possible CPUs, and the spare one. */
uint32_t aggregates_sets(uint32_t n_cpus);

/* Maps the array behind @fd, aggregates_sets() * @endpoints of them. -errno. */
int aggregates_map(int fd, uint32_t n_cpus, uint32_t endpoints, struct aggregates *ret);
void aggregates_unmap(struct aggregates *aggregates);

/* What has been counted for @endpoint, summed over the sets. */
void aggregates_read(const struct aggregates *aggregates, uint32_t endpoint,
                     struct ktax_aggregate *ret);
/*
 * Adds up the sets' counts of arrivals in the @n slots from @first on, round the ring; false if
 * there never was any: then @ret is not written.
 */
bool aggregates_read_arrivals(const struct aggregates *aggregates, uint32_t endpoint,
                              uint64_t first, uint32_t n, uint32_t *ret);

#endif
