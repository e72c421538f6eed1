// SPDX-License-Identifier: GPL-2.0
/* Splitting the joint table by rank, and rounding that keeps sums. */
#include "bands.h"

#include <string.h>

/*
 * What @part of a cell's @requests hold of its @sum: floor(sum * part / requests), without the
 * product, which may not fit. Growing @part to @requests gives all of @sum.
 */
static uint64_t prorate(uint64_t sum, uint64_t part, uint64_t requests)
{
	return (uint64_t)((wide_ns)sum * part / requests);
}

/*
 * What lies between the requests @first and @end (counted within the cell). Most cells are taken
 * whole, which needs no division.
 */
static uint64_t slice(uint64_t sum, uint64_t first, uint64_t end, uint64_t requests)
{
	if (!first && end == requests)
		return sum;
	return prorate(sum, end, requests) - prorate(sum, first, requests);
}

static void add_cell(struct band *band, const struct ktax_joint_cell *cell, uint64_t first,
                     uint64_t end)
{
	uint64_t n = cell->requests;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		band->sum_ns[i] += slice(cell->sum_ns[i], first, end, n);
	band->cpu_samples_user += slice(cell->cpu_samples_user, first, end, n);
	band->cpu_samples_kernel += slice(cell->cpu_samples_kernel, first, end, n);
	band->requests += end - first;
}

void band_sum(const struct ktax_joint_cell cells[KTAX_JOINT_CELLS], uint64_t first, uint64_t end,
              struct band *ret_band)
{
	uint64_t rank = 0;

	*ret_band = (struct band){ 0 };
	for (size_t i = 0; i < KTAX_JOINT_CELLS && rank < end; i++) {
		uint64_t n = cells[i].requests;
		uint64_t from = first > rank ? first - rank : 0;
		uint64_t to = end - rank < n ? end - rank : n;

		if (from < to)
			add_cell(ret_band, &cells[i], from, to);
		rank += n;
	}
}

uint64_t band_rank(uint64_t requests, unsigned int permille)
{
	return (uint64_t)((wide_ns)requests * permille / 1000);
}

wide_ns band_total(const struct band *band)
{
	wide_ns total = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		total += band->sum_ns[i];
	return total;
}

/* The account with the largest remainder that has not been rounded up; the first of equals. */
static int largest_remainder(const uint64_t remainder[KTAX_NACCOUNTS])
{
	int largest = 0;

	for (int i = 1; i < KTAX_NACCOUNTS; i++)
		if (remainder[i] > remainder[largest])
			largest = i;
	return largest;
}

static uint64_t saturate(wide_ns ns)
{
	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

uint64_t band_means(const struct band *band, uint64_t ret_mean_ns[KTAX_NACCOUNTS])
{
	uint64_t remainder[KTAX_NACCOUNTS], n = band->requests;
	wide_ns mean, left;

	memset(ret_mean_ns, 0, sizeof(uint64_t[KTAX_NACCOUNTS]));
	if (!n)
		return 0;
	mean = left = (band_total(band) + n / 2) / n;
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		ret_mean_ns[i] = saturate(band->sum_ns[i] / n);
		remainder[i] = (uint64_t)(band->sum_ns[i] % n);
		left -= band->sum_ns[i] / n;
	}
	for (; left > 0; left--) {
		int i = largest_remainder(remainder);

		ret_mean_ns[i]++;
		remainder[i] = 0;
	}
	return saturate(mean);
}
