/* SPDX-License-Identifier: GPL-2.0 */
/* Confidence intervals, all at 95 %. */
#ifndef KTAX_INTERVAL_H
#define KTAX_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

struct interval {
	double low, high;
};

/*
 * Of a proportion: @hits of @n trials. Wilson's score interval (Wilson 1927), which stays inside
 * 0..1 and is sound for few trials. n = 0 gives 0..1: nothing is known.
 */
struct interval interval_wilson(uint64_t hits, uint64_t n);

/*
 * Sums over pairs (amount, weight), for the ratio of their totals: requests over seconds. Windows
 * differ in length, so the mean of the windows' rates would weigh the short ones too much.
 */
struct ratio {
	size_t n;
	double amount, weight;
	double amount2, weight2, product; /* sums of squares and of products */
};

void ratio_add(struct ratio *ratio, double amount, double weight);
/* amount / weight, 0 where the weight is 0. */
double ratio_value(const struct ratio *ratio);
/*
 * Student's t interval with the ratio estimator's standard error (Cochran, Sampling Techniques,
 * section 6.4), n - 1 degrees of freedom, cut off at 0. n < 3 gives -ENODATA: too few to say.
 */
int ratio_interval(const struct ratio *ratio, struct interval *ret_interval);

#endif
