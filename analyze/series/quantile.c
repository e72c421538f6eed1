// SPDX-License-Identifier: GPL-2.0
/* Ranks are integers as long as they can be: p * n in floating point may fall beside its rank. */
#include "quantile.h"

#include <math.h>

__extension__ typedef unsigned __int128 wide_rank;

uint64_t quantile_at_rank(const struct histogram *histogram, uint64_t requests, uint64_t rank,
                          uint64_t max_ns)
{
	uint64_t zeros = requests > histogram->total ? requests - histogram->total : 0;
	uint64_t value;

	if (rank <= zeros || !histogram->total)
		return 0;
	/* The middle of the rank: whichever way it is rounded, it comes back to this rank. */
	value = histogram_percentile(histogram, 100.0 * ((double)(rank - zeros) - 0.5) /
	                                                (double)histogram->total);
	return value < max_ns ? value : max_ns;
}

uint64_t quantile_at_permille(const struct histogram *histogram, uint64_t requests,
                              unsigned int permille, uint64_t max_ns)
{
	uint64_t rank = (uint64_t)(((wide_rank)requests * permille + 999) / 1000);

	return quantile_at_rank(histogram, requests, rank, max_ns);
}

/*
 * Walks the buckets once for all points: a search from the start for each of 180 points would cost
 * 20 times as much.
 */
struct walk {
	const struct histogram *histogram;
	uint64_t zeros, below; /* requests before bucket @next */
	uint32_t next;
};

static uint64_t walk_to(struct walk *walk, uint64_t rank, uint64_t max_ns)
{
	const struct histogram *histogram = walk->histogram;
	uint64_t value;

	if (rank <= walk->zeros || !histogram->total)
		return 0;
	while (walk->next < histogram->length && walk->below < rank)
		walk->below += histogram->counts[walk->next++];
	value = ktax_hist_lowest(walk->next, histogram->magnitude) - 1;
	return value < max_ns ? value : max_ns;
}

void quantile_curve_of(const struct histogram *histogram, uint64_t requests, uint64_t max_ns,
                       struct quantile_curve *ret_curve)
{
	uint64_t zeros = requests > histogram->total ? requests - histogram->total : 0;
	struct walk walk = { histogram, zeros, zeros, 0 };
	double n = (double)requests;

	ret_curve->n = 0;
	for (int i = 0; i < CURVE_POINTS_MAX - 1; i++) {
		double above = pow(10, -(double)i / CURVE_POINTS_PER_DECADE);
		double rank = fmax(ceil((1 - above) * n), 1);

		if (above * n <= 1)
			break;
		ret_curve->point[ret_curve->n++] =
			(struct quantile_point){ above, walk_to(&walk, (uint64_t)rank, max_ns) };
	}
	if (requests)
		ret_curve->point[ret_curve->n++] =
			(struct quantile_point){ 1 / n, walk_to(&walk, requests, max_ns) };
}
