// SPDX-License-Identifier: GPL-2.0
/* The addresses of the test link, and the requests of a block one after the other. */
#include "block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX 62 /* Ethernet, IPv6, UDP */
#define FIRST_PORT  10000

_Static_assert(FIRST_PORT + TRAFFIC_FLOWS_MAX <= 65536, "ports");

/* 198.18.0.0/15 is for benchmarks (RFC 2544); the MAC addresses are locally administered. */
const struct frame_flow traffic_test_flow = {
	.client = { .mac = { 0x02, 0x4b, 0x54, 0x41, 0x58, 0x01 },
	            .ip = { 198, 18, 0, 1 },
	            .port = FIRST_PORT },
	.server = { .mac = { 0x02, 0x4b, 0x54, 0x41, 0x58, 0x02 },
	            .ip = { 198, 18, 0, 2 },
	            .port = TRAFFIC_PORT },
};

int block_allocate(struct block *block, size_t n_requests, uint64_t payload_bytes, size_t n_flows)
{
	struct traffic *traffic = &block->traffic;

	*block = (struct block){ 0 };
	if (n_flows > TRAFFIC_FLOWS_MAX)
		return -EINVAL;
	if (n_requests > UINT32_MAX / HEADERS_MAX ||
	    payload_bytes > UINT32_MAX - n_requests * HEADERS_MAX)
		return -E2BIG;
	block->requests_max = n_requests;
	block->frames_max = n_requests * HEADERS_MAX + payload_bytes;
	traffic->request = calloc(n_requests, sizeof(*traffic->request));
	traffic->frames = malloc(block->frames_max);
	traffic->flow = calloc(n_flows, sizeof(*traffic->flow));
	if (!traffic->request || !traffic->frames || !traffic->flow)
		return -ENOMEM;
	for (size_t i = 0; i < n_flows; i++) {
		traffic->flow[i] = traffic_test_flow;
		traffic->flow[i].client.port = FIRST_PORT + i;
	}
	traffic->n_flows = n_flows;
	return 0;
}

int block_append(struct block *block, uint64_t at_ns, uint16_t flow, size_t payload_size,
                 uint32_t work_ns)
{
	struct traffic *traffic = &block->traffic;
	int size;

	if (traffic->n_requests == block->requests_max ||
	    block->frames_max - traffic->frames_size < HEADERS_MAX + payload_size)
		return -ENOBUFS;
	size = frame_build(traffic->frames + traffic->frames_size, &traffic->flow[flow],
	                   FRAME_REQUEST, traffic->n_requests, flow, payload_size);
	if (size < 0)
		return size;
	traffic->request[traffic->n_requests++] = (struct traffic_request){
		.at_ns = at_ns,
		.frame_offset = traffic->frames_size,
		.frame_size = size,
		.flow = flow,
		.work_ns = work_ns,
	};
	traffic->frames_size += size;
	return 0;
}

void traffic_free(struct traffic *traffic)
{
	if (!traffic)
		return;
	free(traffic->request);
	free(traffic->frames);
	free(traffic->flow);
	*traffic = (struct traffic){ 0 };
}

uint64_t traffic_duration_ns(const struct traffic *traffic)
{
	if (!traffic->n_requests)
		return 0;
	return traffic->request[traffic->n_requests - 1].at_ns - traffic->request[0].at_ns;
}
