// SPDX-License-Identifier: GPL-2.0
/*
 * The interval's ranks come from the binomial distribution's lower tail, 2^-n sum C(n, i), i < k.
 * The sum runs over C(n, i) itself, with its exponent kept apart: 2^-n is no double beyond
 * n = 1074. All terms are positive, so nothing cancels.
 */
#include "paired.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sort.h"

#define SCALE_BITS 512

/* P(X < k) for growing k; X is binomial with n and 1/2. */
struct tail {
	size_t n, k;
	double term, sum; /* C(n, k) and the sum of those before, times 2^-exponent */
	int exponent;
};

static struct tail tail_init(size_t n)
{
	return (struct tail){ .n = n, .term = 1 };
}

static void tail_step(struct tail *tail)
{
	tail->sum += tail->term;
	tail->term *= (double)(tail->n - tail->k) / (double)(tail->k + 1);
	tail->k++;
	if (tail->sum + tail->term < 0x1p512)
		return;
	tail->sum = ldexp(tail->sum, -SCALE_BITS);
	tail->term = ldexp(tail->term, -SCALE_BITS);
	tail->exponent += SCALE_BITS;
}

static double tail_probability(const struct tail *tail)
{
	return ldexp(tail->sum, tail->exponent - (int)tail->n);
}

int paired_ranks(size_t n, double confidence, size_t *ret_low, size_t *ret_high,
                 double *ret_confidence)
{
	struct tail tail = tail_init(n), last;

	if (!(confidence > 0 && confidence < 1))
		return -EINVAL;
	if (n > PAIRED_MAX)
		return -E2BIG;
	do {
		last = tail;
		tail_step(&tail);
	} while (tail.k <= (n + 1) / 2 && 1 - 2 * tail_probability(&tail) >= confidence);
	if (!last.k)
		return -EDOM;
	*ret_low = last.k;
	*ret_high = n + 1 - last.k;
	if (ret_confidence)
		*ret_confidence = 1 - 2 * tail_probability(&last);
	return 0;
}

double paired_sign_p(size_t n, size_t k)
{
	struct tail tail = tail_init(n);

	/* As likely as n - k of them or fewer: the distribution is symmetrical. */
	while (k <= n && tail.k < n - k + 1)
		tail_step(&tail);
	return tail_probability(&tail);
}

double paired_log_ratio(double q_a, double q_b)
{
	if (!(q_a >= 0) || !(q_b >= 0))
		return NAN;
	return q_a == q_b ? 0 : log(q_b / q_a);
}

double paired_change(double log_ratio)
{
	return expm1(log_ratio);
}

static double median_of_sorted(const double *sorted, size_t n)
{
	double low = sorted[(n - 1) / 2], high = sorted[n / 2];

	/* Not (low + high) / 2, which is NAN for two infinities and may overflow. */
	return low == high ? low : low / 2 + high / 2;
}

static int any_nan(const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isnan(values[i]))
			return 1;
	return 0;
}

int paired_effect(const double *differences, size_t n, double confidence,
                  struct paired_effect *ret_effect)
{
	struct paired_effect effect = { .n = n };
	double *sorted;
	int err = paired_ranks(n, confidence, &effect.rank_low, &effect.rank_high,
	                       &effect.confidence);

	if (err)
		return err;
	if (any_nan(differences, n))
		return -EINVAL;
	sorted = malloc(n * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, differences, n * sizeof(*sorted));
	sort_reals(sorted, n);
	effect.median = median_of_sorted(sorted, n);
	effect.low = sorted[effect.rank_low - 1];
	effect.high = sorted[effect.rank_high - 1];
	free(sorted);
	*ret_effect = effect;
	return 0;
}

double paired_floor(const struct paired_effect *same)
{
	return fmax(fabs(same->low), fabs(same->high));
}

void paired_order_init(struct paired_order *order, uint64_t seed)
{
	order->state = seed;
}

static uint64_t next(struct paired_order *order)
{
	uint64_t z = order->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint64_t paired_order_draw(struct paired_order *order, uint64_t below)
{
	uint64_t drawn, surplus;

	if (!below)
		return 0;
	/* 2^64 mod below values too many: without them, all are equally likely. */
	surplus = -below % below;
	do
		drawn = next(order);
	while (drawn < surplus);
	return drawn % below;
}

void paired_order_shuffle(struct paired_order *order, unsigned int *items, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = paired_order_draw(order, i);
		unsigned int item = items[i - 1];

		items[i - 1] = items[j];
		items[j] = item;
	}
}
