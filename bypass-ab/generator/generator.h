/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The generator: sends a block of traffic on an absolute schedule, whether or not responses come
 * back (open loop), and measures each latency from when the request was due. So a stall of the
 * system under test counts against every request that it delayed: no coordinated omission.
 * How late the generator was is measured per request, and how much of that was its own: not the
 * time that the sends before have taken, in which a veth does what the kernel does for the
 * responder.
 */
#ifndef KTAX_GENERATOR_H
#define KTAX_GENERATOR_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "traffic.h"
#include "tsc.h"
#include "wire.h"

#define GENERATOR_LOST            UINT64_MAX
#define GENERATOR_PING_TIMEOUT_NS 100000000 /* then a ping counts as lost */

struct generator {
	const struct wire_type *type;
	const struct traffic *traffic;
	uint8_t *frames;            /* the traffic's, with the epoch of the block */
	uint64_t *latency_ns;       /* of each request, GENERATOR_LOST: no response */
	uint64_t *lateness_ns;      /* sent so long after it was due */
	uint64_t *own_lateness_ns;  /* of that, what the sends before do not explain */
	size_t n_requests;          /* of the traffic: all, or its first ones */
	uint64_t lateness_limit_ns; /* of its own, at p99: a block with more does not count */
	double stretch;             /* due times are multiplied by it: 1, or another rate */
	struct tsc tsc;             /* calibrated by the first block */
	const volatile sig_atomic_t *stop; /* set: the block ends at once; may be NULL */
	bool ping_pong; /* closed loop: the next one when the last has come back */
};

struct generator_counts {
	uint64_t sent, received;
	uint64_t not_sent;   /* no room on the wire */
	uint64_t duplicates; /* responses that had come already */
	uint64_t stale;      /* responses of an earlier block */
	uint64_t backlog;    /* not answered when the last one had been sent */
	uint64_t wire_drops; /* lost on the way up, on this side */
	uint64_t late_p50_ns, late_p99_ns, late_max_ns;
	uint64_t own_late_p99_ns;
	uint64_t gap_max_ns;  /* longest time that the generator was not at it */
	uint64_t wait_ns;     /* runnable, but not running (schedstat) */
	uint64_t switches;    /* involuntary */
	uint64_t duration_ns; /* from the first due time until the last response, or giving up */
};

/* Allocates for @traffic. -ENOMEM. */
int generator_init(struct generator *generator, const struct wire_type *type,
                   const struct traffic *traffic);
void generator_free(struct generator *generator);

/*
 * Sends a block over @wire and waits for what is outstanding, @grace_ns after the last one was due
 * at most. Fills latency_ns and both latenesses, which it sorts. Then sends the stop frame to the
 * responder. -EINTR: it was to stop.
 */
int generator_run(struct generator *generator, struct wire *wire, uint16_t epoch, uint64_t grace_ns,
                  struct generator_counts *ret_counts);

#endif
