/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The policy: what a gain must be to be worth it. An INI file (samples/policy.ini).
 *
 *	[gain]
 *	metric = p99		p50, p90, p99: what decides
 *	margin = 10 %		a change below it is equivalent
 *	need = 20 %		the whole interval must be beyond it to approve
 *	[limit]
 *	loss = 0.01 %		more loss than the baseline's by this: worse
 *	cpu = 100 %		more CPU per request than the baseline's by this: worse
 */
#ifndef KTAX_POLICY_H
#define KTAX_POLICY_H

#include <stddef.h>

struct policy {
	int metric;                   /* enum ab_metric */
	double margin, need;          /* shares: 0.1 is 10 % */
	double loss_limit, cpu_limit; /* INFINITY: none */
	double confidence;
};

extern const struct policy policy_default;

/* Reads @path. Negative errno, -EINVAL with file, line and what is wrong in @why. */
int policy_read(struct policy *policy, const char *path, char *why, size_t why_size);

#endif
