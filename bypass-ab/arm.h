/* SPDX-License-Identifier: GPL-2.0 */
/* An arm of a comparison while it runs: a link, the generator's wire on it, and its responder. */
#ifndef KTAX_ARM_H
#define KTAX_ARM_H

#include "ab.h"
#include "generator.h"
#include "link.h"
#include "remote.h"
#include "responder.h"

struct arm {
	struct ab_arm *result;
	const struct path_type *type; /* the result's, or its stream over TCP */
	struct link link;
	const struct wire_type *wire_type; /* the run's, or DPDK's for a path in memory */
	struct wire *wire;
	struct responder responder; /* unless it is on another host: */
	struct remote *remote;      /* that host, or NULL */
	uint64_t remote_kernel_ns;  /* CPU time of its kernel in the last block, if it is metered */
	struct ports *nic;          /* whose responder's NIC was given to user space, or NULL */
	int pass; /* an XDP program at the generator's end that passes everything, or -1 */
};

/* Opens it all for the path of @result; @home is the namespace that the caller is in. As ab_run. */
int arm_open(struct arm *arm, struct ab_arm *result, const struct ab_options *options, int home,
             char *why, size_t why_size);
/* One that was never opened, or only in part, is fine. */
void arm_close(struct arm *arm);

/*
 * Runs one block of @epoch and fills @block, all but its CPU time. The latencies stay in
 * @generator, in ascending order, until the next block. -EPIPE, -ETIMEDOUT: the responder is gone;
 * -EINTR: it was to stop.
 */
int arm_run_block(struct arm *arm, struct generator *generator, uint16_t epoch,
                  struct ab_block *block);

#endif
