// SPDX-License-Identifier: GPL-2.0
#include "curve.h"

#include <math.h>

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

uint64_t curve_at(const struct recording_ledger *ledger, enum curve curve, double above)
{
	const struct histogram *histogram = curve_histogram(ledger, curve);
	double rank = ceil((double)histogram->total * (1 - above) - 1e-9);
	uint64_t value;

	if (!histogram->total)
		return 0;
	/* The middle of the rank, as in ledger.c. */
	value = histogram_percentile(histogram,
	                             100 * (fmax(rank, 1) - 0.5) / (double)histogram->total);
	return value < ledger->max_ns ? value : ledger->max_ns;
}
