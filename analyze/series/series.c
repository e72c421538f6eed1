// SPDX-License-Identifier: GPL-2.0
/* The percentiles are those that ledger.c would find: same rank, same bucket. */
#include "series.h"

#include "bands.h"

static uint64_t percentile(const struct slice_ledger *ledger, unsigned int permille)
{
	const unsigned int magnitude = 11; /* three digits */
	uint64_t rank = (uint64_t)(((wide_ns)ledger->requests * permille + 999) / 1000), seen = 0;

	for (size_t i = 0; i < ledger->n_counts; i++) {
		const struct slice_count *count = &ledger->counts[i];
		uint64_t value = ktax_hist_lowest(count->index + 1U, magnitude) - 1;

		if (count->histogram != SLICE_TOTAL)
			break;
		seen += count->count;
		if (seen >= rank)
			return value < ledger->max_ns ? value : ledger->max_ns;
	}
	return 0;
}

static void find_shares(const struct slice_ledger *ledger, double ret_share[KTAX_NGROUPS])
{
	wide_ns group[KTAX_NGROUPS] = { 0 }, total = 0;

	for (size_t c = 0; c < ledger->n_cells; c++) {
		for (int i = 0; i < KTAX_NACCOUNTS; i++) {
			group[ktax_account_info[i].group] += ledger->cells[c].cell.sum_ns[i];
			total += ledger->cells[c].cell.sum_ns[i];
		}
	}
	for (int g = 0; g < KTAX_NGROUPS; g++)
		ret_share[g] = total ? (double)group[g] / (double)total : 0;
}

void series_point(const struct recording_interval *interval, const struct slice_ledger *ledger,
                  struct series_point *ret_point)
{
	*ret_point = (struct series_point){ .attached = interval->attached_ns > 0 };
	if (!ledger)
		return;
	ret_point->attached = true;
	ret_point->requests = ledger->requests;
	if (interval->attached_ns)
		ret_point->per_second =
			(double)ledger->requests * 1e9 / (double)interval->attached_ns;
	ret_point->p50_ns = percentile(ledger, 500);
	ret_point->p99_ns = percentile(ledger, 990);
	find_shares(ledger, ret_point->share);
}
