// SPDX-License-Identifier: GPL-2.0
#include "curve.h"

#include <math.h>

#include "hist_index.h"

static const struct histogram *curve_histogram(const struct recording_ledger *ledger,
                                               enum curve curve)
{
	static const struct histogram none;

	switch (curve) {
	case CURVE_TOTAL:
		return &ledger->total;
	case CURVE_TUNED:
		return &ledger->floor_tuned;
	case CURVE_BYPASS:
		return &ledger->floor_bypass;
	default:
		return &none;
	}
}

/* The rank of the fastest request that no more than @above of them exceed. */
static uint64_t rank_of(const struct histogram *histogram, double above)
{
	double rank = ceil((double)histogram->total * (1 - above) - 1e-9);

	return rank > 1 ? (uint64_t)rank : 1;
}

void curve_at_each(const struct recording_ledger *ledger, enum curve curve, const double *above,
                   size_t n, uint64_t *ret_ns)
{
	const struct histogram *histogram = curve_histogram(ledger, curve);
	uint32_t next =
		histogram->total ? ktax_hist_index(histogram->min, histogram->magnitude) : 0;
	uint64_t below = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t rank = rank_of(histogram, above[i]), value;

		ret_ns[i] = 0;
		if (!histogram->total)
			continue;
		while (next < histogram->length && below < rank)
			below += histogram->counts[next++];
		value = ktax_hist_lowest(next, histogram->magnitude) - 1;
		ret_ns[i] = value < ledger->max_ns ? value : ledger->max_ns;
	}
}

uint64_t curve_at(const struct recording_ledger *ledger, enum curve curve, double above)
{
	uint64_t ns;

	curve_at_each(ledger, curve, &above, 1, &ns);
	return ns;
}
