/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bands of requests by the rank of their total, out of the joint table.
 *
 * The joint table holds the requests in the order of their totals, to the width of a cell (6 %).
 * A band is a range of ranks; a cell that lies across its border is split in proportion to the
 * requests on either side, as if all requests of the cell were alike. Splits are cumulative and in
 * integers, so that adjacent bands add up to exactly what the cells hold.
 */
#ifndef KTAX_BANDS_H
#define KTAX_BANDS_H

#include <stdint.h>

#include "aggregate.h"

/* Sums of 20 accounts over 1120 cells of 64 bits each do not fit 64. */
__extension__ typedef unsigned __int128 wide_ns;

struct band {
	uint64_t requests;
	wide_ns sum_ns[KTAX_NACCOUNTS];
	uint64_t cpu_samples_user, cpu_samples_kernel;
};

/* Adds up the requests ranked from @first (from 0) to before @end in @cells. */
void band_sum(const struct ktax_joint_cell cells[KTAX_JOINT_CELLS], uint64_t first, uint64_t end,
              struct band *ret_band);
/* The rank at which @permille of @requests lie below: floor, so the last band is never empty. */
uint64_t band_rank(uint64_t requests, unsigned int permille);
wide_ns band_total(const struct band *band);

/*
 * Mean of each account per request, rounded so that they add up to the returned mean of the total,
 * which is rounded to the nearest: every mean is rounded down, and the nanoseconds left go to those
 * with the largest remainders. 0 where the band is empty.
 */
uint64_t band_means(const struct band *band, uint64_t ret_mean_ns[KTAX_NACCOUNTS]);

#endif
