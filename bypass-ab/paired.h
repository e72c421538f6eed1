/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics of a paired comparison of two arms, A (the baseline) and B.
 *
 * The unit is the block (or window): one figure q per arm, e.g. a percentile. Blocks come in pairs
 * that ran next to each other, in random order, so that what drifts slowly meets both alike. Pair i
 * gives one difference d_i, ln(q_B / q_A) or q_B - q_A. The effect is the median of the d_i, with
 * the order-statistic confidence interval of a median, [d_(k), d_(n+1-k)]: it assumes nothing of
 * the distribution but that pairs are independent.
 *
 * Everything lost counts as +infinity, which a median bears.
 */
#ifndef KTAX_PAIRED_H
#define KTAX_PAIRED_H

#include <stddef.h>
#include <stdint.h>

#define PAIRED_MAX (1u << 24) /* pairs */

struct paired_effect {
	size_t n;
	size_t rank_low, rank_high; /* of the interval's ends, from 1 */
	double confidence;          /* that the interval has: at least the one asked for */
	double median;              /* NAN: between -infinity and +infinity */
	double low, high;
};

/*
 * Ranks of the narrowest interval of order statistics [k, n + 1 - k] that holds the median with
 * probability of at least @confidence: 1 - 2 P(X < k), X binomial with n and 1/2 (exact, see David
 * and Nagaraja, Order Statistics, section 7.1). For 95 %: n = 6 [1, 6], 9 [2, 8], 20 [6, 15].
 * -EDOM: even [1, n] holds it with less (95 % needs 6 pairs); -EINVAL: confidence not within 0..1;
 * -E2BIG: more than PAIRED_MAX. *ret_confidence, what it really is, may be NULL.
 */
int paired_ranks(size_t n, double confidence, size_t *ret_low, size_t *ret_high,
                 double *ret_confidence);

/*
 * ln(q_b / q_a) of figures that are positive, or 0, or +infinity for a block that lost everything.
 * The same in both arms is no difference, also if both are 0 or both infinite. NAN: negative, NAN.
 */
double paired_log_ratio(double q_a, double q_b);
/* q_b / q_a - 1, from the logarithm: -0.23 is 23 % lower. */
double paired_change(double log_ratio);

/*
 * P(X >= k), X binomial with n and 1/2: the one-sided p-value of the sign test if k of n
 * differences are beyond a limit. It goes with the interval: the interval at confidence 1 - a lies
 * beyond the limit if and only if 2 P(X >= k) <= a. 0 for k > n.
 */
double paired_sign_p(size_t n, size_t k);

/*
 * Median and interval of @differences. As paired_ranks; -EINVAL also if one is NAN; -ENOMEM.
 */
int paired_effect(const double *differences, size_t n, double confidence,
                  struct paired_effect *ret_effect);
/*
 * The minimum detectable effect, from pairs in which both arms were the same (A/A): the end of
 * their interval that is farther from 0. An effect below it is not told from noise.
 */
double paired_floor(const struct paired_effect *same);

/* A random order, the same for the same seed on every machine (splitmix64, Steele et al. 2014). */
struct paired_order {
	uint64_t state;
};

void paired_order_init(struct paired_order *order, uint64_t seed);
/* Uniform in 0..@below - 1; 0 if @below is 0. */
uint64_t paired_order_draw(struct paired_order *order, uint64_t below);
/* All orders of @items are equally likely (Fisher and Yates). */
void paired_order_shuffle(struct paired_order *order, unsigned int *items, size_t n);

#endif
