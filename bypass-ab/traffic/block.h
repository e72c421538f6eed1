/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Filling struct traffic, whatever the requests come from: room for all of them first, then one
 * request after the other.
 */
#ifndef KTAX_TRAFFIC_BLOCK_H
#define KTAX_TRAFFIC_BLOCK_H

#include "traffic.h"

struct block {
	struct traffic traffic;
	size_t requests_max, frames_max;
};

/*
 * Room for @n_requests with @payload_bytes of UDP payload in all, and @n_flows flows of
 * traffic_test_flow with client ports of their own. -E2BIG: more frames than offsets reach;
 * -EINVAL: too many flows; -ENOMEM. block->traffic is to be freed also after an error.
 */
int block_allocate(struct block *block, size_t n_requests, uint64_t payload_bytes, size_t n_flows);

/* Appends a request. -EMSGSIZE: no frame has that size; -ENOBUFS: more than was allocated. */
int block_append(struct block *block, uint64_t at_ns, uint16_t flow, size_t payload_size,
                 uint32_t work_ns);

#endif
