// SPDX-License-Identifier: GPL-2.0
#include "aggregates.h"

#include <errno.h>
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
	return 0;
}

void aggregates_unmap(struct aggregates *aggregates)
{
	if (aggregates->memory)
		munmap((void *)aggregates->memory, aggregates->bytes);
	*aggregates = (struct aggregates){};
}

void aggregates_read(const struct aggregates *aggregates, uint32_t endpoint,
                     struct ktax_aggregate *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint32_t set = 0; set < aggregates->sets; set++) {
		const struct ktax_aggregate *aggregate =
			&aggregates->memory[(size_t)set * aggregates->endpoints + endpoint];

		if (aggregate->requests)
			ktax_aggregate_add(ret, aggregate);
	}
}

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
