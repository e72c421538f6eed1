/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The policy: what a gain must be to be worth it. An INI file (samples/policy.ini):
 *
 *	[gain]
 *	metric = p99		p50, p90, p99 or p99.9: what decides
 *	margin = 10 %		a smaller change is none: equivalent
 *	need = 20 %		how much lower the metric must be, its whole interval; "none": it
 *must only not be worse, as in a test for regressions [limit]
 *	loss = 0.01 %		how much more of the requests may be lost than with the baseline, in
 *				percentage points; "none"
 *	cpu = 100 %		how much more CPU time a request may take; "none"
 *	[statistics]
 *	confidence = 95 %	of all verdicts together
 *
 * All keys may be left out. The limit of CPU time is "none" by default: a path that polls takes its
 * core whether or not there are requests, so its figure says more of the rate than of the path.
 */
#ifndef KTAX_POLICY_H
#define KTAX_POLICY_H

#include <stddef.h>

struct policy {
	int metric;                   /* enum ab_metric */
	double margin;                /* shares: 0.1 is 10 % */
	double need;                  /* -INFINITY: none */
	double loss_limit, cpu_limit; /* INFINITY: none */
	double confidence;
};

extern const struct policy policy_default;

/*
 * Reads @path; on failure *ret_policy is untouched. Negative errno, with a sentence in @why:
 * -EINVAL has file, line and what is wrong.
 */
int policy_read(struct policy *ret_policy, const char *path, char *why, size_t why_size);

#endif
