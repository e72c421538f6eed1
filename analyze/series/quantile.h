/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Quantiles of requests, out of histograms that lack those requests for which the value was 0.
 */
#ifndef KTAX_QUANTILE_H
#define KTAX_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

#include "hist_index.h"
#include "histogram.h"

/* Points of a curve: 20 per factor of ten of 1 / (1 - p), to one in 10^9. */
#define CURVE_POINTS_PER_DECADE 20
#define CURVE_POINTS_MAX        (9 * CURVE_POINTS_PER_DECADE + 2)

/*
 * The value of the @rank-th (from 1) of @requests in rising order, where @histogram holds those of
 * them that are not zero. No value can exceed @max_ns, but the bucket that it lies in may end above
 * it. 0 where there is none.
 */
uint64_t quantile_at_rank(const struct histogram *histogram, uint64_t requests, uint64_t rank,
                          uint64_t max_ns);
/* The value that @permille of @requests do not exceed: rank as in HdrHistogram, ceil(p * n). */
uint64_t quantile_at_permille(const struct histogram *histogram, uint64_t requests,
                              unsigned int permille, uint64_t max_ns);

/* A percentile plot as HdrHistogram draws it: even steps of log 1 / (1 - p). */
struct quantile_point {
	double above; /* share of the requests that are slower: 1 - p */
	uint64_t ns;
};

struct quantile_curve {
	size_t n;
	struct quantile_point point[CURVE_POINTS_MAX];
};

/* Ends with the slowest request, at 1 / n; without a point where there is no request. */
void quantile_curve_of(const struct histogram *histogram, uint64_t requests, uint64_t max_ns,
                       struct quantile_curve *ret_curve);

#endif
