// SPDX-License-Identifier: GPL-2.0
#include "budget.h"

#include <math.h>

#define SMOOTHING 0.3 /* weight of the newest measurement */

void budget_init(struct budget *budget, double share, uint64_t window_ns, uint64_t seed)
{
	*budget = (struct budget){ .share = share, .window_ns = window_ns, .random = seed | 1 };
}

void budget_measured(struct budget *budget, uint64_t used_ns, uint64_t attached_ns, unsigned cpus)
{
	double cost;

	if (attached_ns < 1000000 || !cpus)
		return;
	cost = (double)used_ns / ((double)attached_ns * cpus);
	if (budget->cost > 0)
		cost = SMOOTHING * cost + (1 - SMOOTHING) * budget->cost;
	budget->cost = cost;
}

bool budget_continuous(const struct budget *budget, bool is_continuous)
{
	if (budget->share <= 0)
		return true;
	return budget->cost <= budget->share * (is_continuous ? 1.1 : 0.9);
}

/* xorshift64* (Vigna 2016); uniform in (0, 1]. */
static double uniform(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return ((*state * 0x2545f4914f6cdd1dULL >> 11) + 1) * 0x1p-53;
}

uint64_t budget_gap_ns(struct budget *budget)
{
	double share = budget->cost > 0 ? budget->share / budget->cost : 1;
	double mean, gap;

	if (share >= 1)
		return 0;
	mean = budget->window_ns * (1 / share - 1);
	gap = -log(uniform(&budget->random)) * mean;
	return gap < 50 * mean ? gap : 50 * mean;
}
