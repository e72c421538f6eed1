/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The responder: a process per arm that receives requests over its path, works, and sends them
 * back. The loop and the work are the same for all paths. Between blocks it sleeps, whatever its
 * path: an arm that is not measured costs nothing.
 */
#ifndef KTAX_RESPONDER_H
#define KTAX_RESPONDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "path.h"
#include "traffic.h"

/* What a responder counts of a block, in memory shared with its parent. */
struct responder_counts {
	uint64_t received, answered, stale; /* stale: of an earlier block, not answered */
	uint64_t cpu_ns;                    /* CPU time of the process, from the first burst on */
	uint64_t wait_ns;                   /* runnable, but not running (schedstat) */
	uint64_t switches;                  /* involuntary */
	struct path_stats path;
};

struct responder {
	const struct path_type *type;
	pid_t pid;
	int control; /* socket to it */
	struct responder_shared *shared;
};

/*
 * Starts a responder on @cpu in the namespace @ns (-1: here), that opens its path. Its work per
 * request comes from @traffic. 0, or the path's error with the reason in @why.
 */
int responder_start(struct responder *responder, const struct path_type *type,
                    const struct path_config *config, int ns, int cpu,
                    const struct traffic *traffic, char *why, size_t why_size);
/* Tells it that a block of @epoch begins; returns when it listens. -ETIMEDOUT, -EPIPE: it is gone.
 */
int responder_begin(struct responder *responder, uint16_t epoch);
/* Waits until it has seen the stop frame, or makes it stop. */
int responder_end(struct responder *responder, struct responder_counts *ret_counts);
/* Has it ended by itself? */
bool responder_is_gone(const struct responder *responder);
/* Ends the process; NULL or one that was never started is fine. */
void responder_stop(struct responder *responder);

#endif
