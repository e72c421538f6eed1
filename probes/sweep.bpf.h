/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sweep: requests are finished when their connection has gone idle. Whether a response is over
 * is for the hook set to say: who includes this has defined request_is_idle and request_finish.
 */
#ifndef KTAX_SWEEP_BPF_H
#define KTAX_SWEEP_BPF_H

#include "connection.bpf.h"
#include "finish.bpf.h"

static long sweep_slot(__u32 i, struct ktax_sweep *sweep)
{
	__u32 slot = sweep->first + i + 1;
	struct ktax_connection *connection = connection_at(slot);

	if (!connection)
		return 1;
	if (!connection->in_use)
		return 0;
	if (connection->state == KTAX_SENT && connection->epoch == control.epoch &&
	    request_is_idle(connection, sweep->idle_before_ns))
		sweep->finished += request_finish(connection);
	if (connection->state == KTAX_READABLE || connection->state == KTAX_OPEN ||
	    connection->state == KTAX_SENT) {
		sweep->in_flight += connection->epoch == control.epoch;
	} else if (sweep->release_before && connection->posted_ns < sweep->idle_before_ns) {
		connection_release(connection, slot);
		COUNT(evicted);
	}
	return 0;
}

/* Run by user space: finishes requests whose connection has gone idle. */
SEC("syscall") int sweep(struct ktax_sweep *ctx)
{
	struct ktax_sweep sweep = {
		.idle_before_ns = ctx->idle_before_ns,
		.first = ctx->first,
		.count = ctx->count,
		.release_before = ctx->release_before,
	};

	bpf_loop(sweep.count, sweep_slot, &sweep, 0);
	ctx->finished = sweep.finished;
	ctx->in_flight = sweep.in_flight;
	return 0;
}

#endif
