/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Latency against load, and the highest rate without loss, of each path.
 *
 * The highest rate is found by bisection of the logarithm of the rate, as in RFC 2544 section 26.1,
 * with the loss verification of ETSI GS NFV-TST 009 section 12.3.3: a trial that lost something is
 * repeated, since a loss that does not come again was not the path's. Trials are much shorter than
 * these documents want (a quarter of a second, at least 2000 requests), so a queue that grows until
 * the end of one counts as loss: it has only not filled its buffer yet. Where the generator itself
 * cannot keep the rate, that is the end of the search.
 *
 * A block of the curve that the gates reject is run again, some times.
 */
#ifndef KTAX_SWEEP_H
#define KTAX_SWEEP_H

#include "ab.h"

#define SWEEP_LOADS 7 /* points of the curve */

struct sweep_point {
	double load; /* share of the highest rate */
	double rate_pps;
	double p50_ns, p99_ns; /* median of the valid blocks; NAN: none was, INFINITY: lost */
	double loss;
	size_t blocks;      /* valid ones */
	size_t rejected;    /* by the gates, or the generator was too slow in them */
	unsigned int gates; /* set of enum ab_gate that rejected them */
};

struct sweep_arm {
	const struct path_type *type;
	bool skipped;
	char why[256];
	double lossless_pps;    /* 0: it loses at the lowest rate too */
	bool generator_limited; /* it may be more: the generator was too slow */
	size_t trials;
	struct sweep_point point[SWEEP_LOADS]; /* by rising load */
	/* The last measured point before p99 is more than twice that of the first; SWEEP_LOADS: the
	 * first has none to compare with. */
	size_t knee;
};

struct sweep_result {
	struct sweep_arm arm[AB_ARMS_MAX];
	size_t n_arms;
	const char *wire;
	double lowest_pps, highest_pps; /* of the search */
	double seconds;
};

/*
 * @options: baseline and paths, traffic (its sizes, flows and gaps; the rate is changed), CPUs.
 * As ab_run for errors.
 */
int sweep_run(const struct ab_options *options, struct sweep_result *ret, char *why,
              size_t why_size);

#endif
