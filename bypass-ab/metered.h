/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Blocks that are for CPU time only: what the responder's process has spent in one, and what the
 * kernel has on its behalf, whichever host they run on (cost/softirq_meter.h).
 */
#ifndef KTAX_METERED_H
#define KTAX_METERED_H

#include "arm.h"

struct softirq_meter;

struct metered {
	bool on;
	const struct ab_options *options;
	struct softirq_meter *meter; /* this host's, or NULL */
	struct remote *remote;       /* who has its own, or NULL */
};

/* Of one block, in ns. */
struct metered_cost {
	double answers;
	double responder_ns; /* the process' own */
	double kernel_ns;    /* the kernel's for it, elsewhere */
};

/* @remote: the responder's host, NULL: this one. Negative errno, with a sentence in @why. */
int metered_start(struct metered *metered, const struct ab_options *options, struct remote *remote,
                  char *why, size_t why_size);
/* One that was not started is fine. */
void metered_stop(struct metered *metered);

/* As arm_run_block, and its CPU time per answer. */
int metered_run_block(struct metered *metered, struct arm *arm, struct generator *generator,
                      uint16_t epoch, struct ab_block *block, struct metered_cost *ret_cost);

#endif
