/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The traffic of a block: which frames the generator sends, and when. Every arm of a comparison is
 * sent the same: traffic is made once, before the first block.
 */
#ifndef KTAX_TRAFFIC_H
#define KTAX_TRAFFIC_H

#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#define TRAFFIC_PORT 7000 /* of the responder, where nothing else is said */

enum traffic_gaps { TRAFFIC_CONSTANT, TRAFFIC_POISSON, TRAFFIC_BURSTS, TRAFFIC_RECORDED };

struct traffic_request {
	uint64_t at_ns; /* due, from the start of the block */
	uint32_t frame_offset;
	uint16_t frame_size; /* bytes */
	uint16_t flow;
	uint32_t work_ns; /* what the responder does between receiving and sending */
};

struct traffic {
	struct traffic_request *request; /* ordered by at_ns; its index is the frame's id */
	size_t n_requests;
	uint8_t *frames; /* all of them, one after the other */
	size_t frames_size;
	struct frame_flow *flow;
	size_t n_flows;
	enum traffic_gaps gaps;
	char work_from[256]; /* the recording and its endpoint that work_ns was drawn from, or "" */
	struct traffic_trace {
		char sha256[65];
		/* Of the file. */
		uint64_t packets, requests;
		uint64_t not_ip, not_udp, fragments, of_responses, other_ports;
		uint64_t damaged; /* headers contradict each other, or were not captured */
		/* Of the requests of this block. */
		uint64_t truncated; /* payload not captured: has its original length all the same */
		uint64_t enlarged;  /* too short for the mark */
		uint64_t too_long;  /* shortened to what an Ethernet frame holds */
		uint64_t ipv6, vlan; /* sent over IPv4, without tags; the payload's size is kept */
		uint64_t reordered;  /* captured after a later one: sent in order of time */
		uint64_t shared_flows; /* flows beyond TRAFFIC_FLOWS_MAX: sent on another one's port
		                        */
	} trace;
};

#define TRAFFIC_SIZES_MAX 8

struct traffic_size {
	uint16_t payload_bytes;
	double weight;
};

/* What a synthetic block is made of. */
struct traffic_shape {
	size_t n_requests;
	double rate_pps;
	enum traffic_gaps gaps;
	unsigned int burst; /* requests per burst, of TRAFFIC_BURSTS: sent back to back */
	unsigned int n_flows;
	/* Sizes of the UDP payload and their weights; n_sizes 0: 64 bytes. */
	struct traffic_size size[TRAFFIC_SIZES_MAX];
	unsigned int n_sizes;
	uint32_t work_ns;
	uint64_t seed;
};

/* The addresses of the embedded test link: the same on every link, each is in its own namespace. */
extern const struct frame_flow traffic_test_flow;

#define TRAFFIC_REQUESTS_MAX (16u << 20)
#define TRAFFIC_FLOWS_MAX    50000
#define TRAFFIC_RATE_MAX     50e6 /* requests per second */

/*
 * Makes a block of synthetic requests, the same for the same shape. Gaps, sizes and flows are drawn
 * independently: another mix of sizes leaves the times as they are. -EINVAL: no requests, a rate
 * that is not positive or above TRAFFIC_RATE_MAX, bursts of nothing, no flows or too many, weights
 * that are no weights; -EMSGSIZE: a size that no frame has; -E2BIG: more than TRAFFIC_REQUESTS_MAX,
 * or 4 GiB of frames; -ENOMEM.
 */
int traffic_synthesize(struct traffic *traffic, const struct traffic_shape *shape);
void traffic_free(struct traffic *traffic);

/*
 * Puts the traffic on another link: the ends of @flow instead of the test link's; each of its flows
 * keeps the client's port, which tells it from the others.
 */
void traffic_set_ends(struct traffic *traffic, const struct frame_flow *flow);

/* From the first request's due time to the last one's. */
uint64_t traffic_duration_ns(const struct traffic *traffic);

#endif
