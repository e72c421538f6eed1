/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a path costs and saves per year. Cores first, which need no policy: what the kernel's path
 * takes now for these requests against what the other one would take. Then money, from the policy's
 * [economics]; what it does not give has no figure.
 *
 *	freed      mean rate x CPU time per request of the A/B's baseline (responder and kernel)
 *	taken      a path that polls: whole cores for the peak rate, by what one core can carry (a
 *		   sweep) or was shown to (the A/B, at its rate); another: mean rate x its own CPU
 *		   time per request
 *	net        freed - taken, cores per host
 *	per year   net x hosts x price of a core-hour x 8760 + gain in us x its worth - running cost
 *	payback    engineering / per year
 *
 * Both sides are the A/B's responders without the application's work, so what a core that polls
 * could do besides is not counted: `taken` errs on the costly side.
 */
#ifndef KTAX_ECONOMICS_H
#define KTAX_ECONOMICS_H

#include <stdbool.h>

#include "ab_document.h"

#define HOURS_PER_YEAR 8760.0

struct economics_load {
	double mean_per_second, peak_per_second; /* of requests, per host */
	const char *peak_window; /* "10 ms": that the peak is of; NULL: it is the mean */
	/* The path's highest rate without loss, from a sweep; 0: not known. */
	double lossless_pps;
	bool lossless_at_least; /* or more: the generator was too slow to tell */
};

struct economics {
	bool has_cores;
	char cores_why[160];                        /* there are none */
	double per_core_second;                     /* requests that one core carries */
	bool per_core_swept;                        /* by a sweep, else by the A/B's rate */
	bool per_core_at_least;                     /* a lower bound: it may carry more */
	double freed_cores, taken_cores, net_cores; /* per host */
	unsigned int polling_cores;                 /* of the taken ones */
	unsigned int polling_least;                 /* if one core carries more than is known */
	bool has_core_saving, has_latency_worth, has_yearly, has_payback;
	char money_why[160];  /* what is missing for a saving per year, or "" */
	double core_saving;   /* per year, in the currency; negative: it costs */
	double latency_worth; /* per year */
	double yearly;        /* both, less the running cost */
	double payback_months;
	double payback_least_months; /* with polling_least cores; INFINITY: never, or not known */
	char payback_why[96]; /* there is none: it never pays for itself, or an input is missing */
};

/*
 * Of @arm, if it lowered the metric that decides by @gain_ns. It uses the document's cost and rate.
 */
void economics_compute(const struct policy_economics *policy, const struct ab_document *document,
                       const struct ab_document_arm *arm, const struct economics_load *load,
                       double gain_ns, struct economics *ret);

#endif
