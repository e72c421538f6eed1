/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sweep: requests are finished when their connection has gone idle. Whether a response is over
 * is for the hook set to say: who includes this has defined request_is_idle and request_finish.
 */
#ifndef KTAX_SWEEP_BPF_H
#define KTAX_SWEEP_BPF_H

#include "connection.bpf.h"
#include "finish.bpf.h"

struct ktax_sweep {
	__u64 idle_before_ns;
	__u32 first, count;
	__u32 in_flight;
	bool release_idle;
};

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
		request_finish(connection);
	if (connection->state == KTAX_READABLE || connection->state == KTAX_OPEN ||
	    connection->state == KTAX_SENT) {
		sweep->in_flight += connection->epoch == control.epoch;
	} else if (sweep->release_idle && connection->posted_ns < sweep->idle_before_ns) {
		connection_release(connection, slot);
		COUNT(evicted);
	}
	return 0;
}

/*
 * Run by user space, never attached: finishes requests whose connection has been idle since before
 * args[0], among args[2] slots from args[1] on; returns how many requests are in flight. With
 * args[3] connections idle for as long give their slots back: there were none left.
 *
 * Not a "syscall" program: those may sleep, and before 6.4 such programs were refused maps like the
 * queue of free slots.
 */
SEC("raw_tp") int sweep(struct bpf_raw_tracepoint_args *ctx)
{
	struct ktax_sweep sweep = {
		.idle_before_ns = ctx->args[0],
		.first = ctx->args[1],
		.count = ctx->args[2],
		.release_idle = ctx->args[3],
	};

	bpf_loop(sweep.count, sweep_slot, &sweep, 0);
	return sweep.in_flight;
}

#endif
