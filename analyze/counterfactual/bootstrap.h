/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The bootstrap over blocks of a time series: how much a figure would differ if the same host had
 * been watched at another time. Reproducible: the same seed gives the same draws everywhere.
 */
#ifndef KTAX_BOOTSTRAP_H
#define KTAX_BOOTSTRAP_H

#include "interval.h"

/*
 * Circular block bootstrap (Politis and Romano 1992): draws runs of neighbouring blocks, the last
 * one being next to the first, so that what makes neighbours alike shows in the interval.
 */
struct bootstrap {
	size_t n_blocks, run_length;
	uint64_t state; /* splitmix64 */
};

/* Runs of n^(1/3) blocks, rounded down (Hall, Horowitz and Jing 1995: the order for variances). */
void bootstrap_init(struct bootstrap *bootstrap, size_t n_blocks, uint64_t seed);
/* How often each of the blocks is drawn; the sum is n_blocks. */
void bootstrap_draw(struct bootstrap *bootstrap, double *ret_weights);

/*
 * The expanded percentile interval (Hesterberg 2015, The American Statistician 69:4, section 5.3)
 * of @n replicates, which are sorted: percentiles that allow for the spread being estimated from so
 * few runs, as Student's t does. @n > 0, @confidence in 0..1.
 */
struct interval bootstrap_interval(const struct bootstrap *bootstrap, double *replicates, size_t n,
                                   double confidence);

/*
 * P(T <= t) of Student's t distribution, by its finite sums (Abramowitz and Stegun 26.7.3 and .4);
 * and the t that has probability @p in 0.5..1.
 */
double student_probability(double t, size_t degrees);
double student_quantile(double p, size_t degrees);

#endif
