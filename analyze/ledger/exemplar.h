/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A sampled request that can stand for those at a percentile: the one whose total comes nearest.
 *
 * Which requests were sampled is not this module's business: of a recording with --slow there is
 * none near the median, and then none is found.
 */
#ifndef KTAX_EXEMPLAR_H
#define KTAX_EXEMPLAR_H

#include <stdbool.h>

#include "aggregate.h"

/* How far from the percentile, as a share of it, a request's total may lie. */
#define EXEMPLAR_NEAR 0.05

struct exemplar {
	uint64_t wanted_ns;  /* set by the caller; 0: none is wanted */
	uint64_t candidates; /* requests that were near enough */
	bool found;
	struct ktax_request request; /* valid where found; of equally near ones the first */
};

void exemplar_consider(struct exemplar *exemplar, const struct ktax_request *request);

#endif
