/* SPDX-License-Identifier: GPL-2.0 */
/* Paired comparison: ranks, coverage by simulation, infinities, orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "paired.h"

#define PAIRS_MAX 64

static void ranks_are(size_t n, double confidence, size_t low, size_t high)
{
	size_t found_low = 0, found_high = 0;
	double achieved = 0;

	assert_int_equal(paired_ranks(n, confidence, &found_low, &found_high, &achieved), 0);
	assert_int_equal(found_low, low);
	assert_int_equal(found_high, high);
	assert_true(achieved >= confidence && achieved < 1);
}

static void test_ranks_are_those_of_the_tables(void **state)
{
	ranks_are(6, 0.95, 1, 6);
	ranks_are(8, 0.95, 1, 8);
	ranks_are(9, 0.95, 2, 8);
	ranks_are(12, 0.95, 3, 10);
	ranks_are(20, 0.95, 6, 15);
	ranks_are(30, 0.95, 10, 21);
	ranks_are(100, 0.95, 40, 61);
	ranks_are(8, 0.99, 1, 8);
	ranks_are(20, 0.99, 4, 17);
	ranks_are(50, 0.90, 19, 32);
	ranks_are(1000, 0.95, 469, 532);
}

/* P(X < k) by Pascal's rule, in integers. */
static double coverage_exactly(unsigned int n, size_t k)
{
	uint64_t row[64] = { 1 }, tail = 0;

	for (unsigned int i = 1; i <= n; i++)
		for (unsigned int j = i; j > 0; j--)
			row[j] += row[j - 1];
	for (size_t i = 0; i < k; i++)
		tail += row[i];
	return 1 - 2 * ldexp((double)tail, -(int)n);
}

static void test_ranks_are_the_narrowest_with_the_confidence(void **state)
{
	const double confidences[] = { 0.5, 0.8, 0.9, 0.95, 0.99, 0.999 };
	size_t low, high;
	double achieved;

	for (unsigned int n = 2; n < 60; n++)
		for (size_t c = 0; c < sizeof(confidences) / sizeof(confidences[0]); c++) {
			if (paired_ranks(n, confidences[c], &low, &high, &achieved)) {
				assert_true(coverage_exactly(n, 1) < confidences[c]);
				continue;
			}
			assert_float_equal(achieved, coverage_exactly(n, low), 1e-14);
			assert_true(achieved >= confidences[c]);
			assert_true(low + 1 > n / 2 ||
			            coverage_exactly(n, low + 1) < confidences[c]);
			assert_int_equal(low + high, n + 1);
		}
}

static void test_ranks_hold_for_many_pairs(void **state)
{
	const size_t sizes[] = { 1073, 1074, 1075, 5000, 100000, 1000000, PAIRED_MAX };
	size_t low, high;
	double achieved;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		double n = (double)sizes[i];

		assert_int_equal(paired_ranks(sizes[i], 0.95, &low, &high, &achieved), 0);
		/* The normal approximation, which is within a rank or so here. */
		assert_true(fabs((double)low - (n / 2 - 0.979982 * sqrt(n) + 0.5)) < 1.5);
		assert_true(achieved >= 0.95 && achieved < 0.9501 + 2 / sqrt(n));
	}
}

static void test_too_few_or_senseless_is_refused(void **state)
{
	size_t low = 7, high = 7;

	for (size_t n = 0; n < 6; n++)
		assert_int_equal(paired_ranks(n, 0.95, &low, &high, NULL), -EDOM);
	assert_int_equal(paired_ranks(7, 0.99, &low, &high, NULL), -EDOM);
	assert_int_equal(paired_ranks(20, 0, &low, &high, NULL), -EINVAL);
	assert_int_equal(paired_ranks(20, 1, &low, &high, NULL), -EINVAL);
	assert_int_equal(paired_ranks(20, -0.5, &low, &high, NULL), -EINVAL);
	assert_int_equal(paired_ranks(20, NAN, &low, &high, NULL), -EINVAL);
	assert_int_equal(paired_ranks(20, INFINITY, &low, &high, NULL), -EINVAL);
	assert_int_equal(paired_ranks(SIZE_MAX, 0.95, &low, &high, NULL), -E2BIG);
	assert_int_equal(paired_ranks((size_t)PAIRED_MAX + 1, 0.95, &low, &high, NULL), -E2BIG);
	assert_int_equal(low, 7);
	assert_int_equal(high, 7);
}

static void test_log_ratios_take_lost_blocks(void **state)
{
	assert_float_equal(paired_log_ratio(100, 77), log(0.77), 1e-15);
	assert_float_equal(paired_change(paired_log_ratio(100, 77)), -0.23, 1e-15);
	assert_true(paired_log_ratio(10, INFINITY) == INFINITY);
	assert_true(paired_log_ratio(INFINITY, 10) == -INFINITY);
	assert_true(paired_log_ratio(INFINITY, INFINITY) == 0);
	assert_true(paired_log_ratio(0, 0) == 0);
	assert_true(paired_log_ratio(0, 1) == INFINITY);
	assert_true(paired_log_ratio(1, 0) == -INFINITY);
	assert_true(isnan(paired_log_ratio(-1, 1)));
	assert_true(isnan(paired_log_ratio(1, NAN)));
	assert_true(paired_change(INFINITY) == INFINITY);
	assert_true(paired_change(-INFINITY) == -1);
}

static void test_effect_is_median_and_order_statistics(void **state)
{
	const double d[] = { 9, 2, 7, 4, 5, 6, 3, 8, 1 };
	struct paired_effect effect;

	assert_int_equal(paired_effect(d, 9, 0.95, &effect), 0);
	assert_true(effect.median == 5 && effect.low == 2 && effect.high == 8);
	assert_int_equal(effect.rank_low, 2);
	assert_int_equal(effect.rank_high, 8);
	assert_float_equal(effect.confidence, 1 - 20.0 / 512, 1e-15);
	assert_true(d[0] == 9);
	assert_int_equal(paired_effect(d, 8, 0.95, &effect), 0);
	assert_true(effect.median == 5.5 && effect.low == 2 && effect.high == 9);
}

static void test_effect_bears_infinities(void **state)
{
	double d[] = { 0.1, 0.2, 0.3, INFINITY, 0.2, 0.1, INFINITY, 0.3, 0.2 };
	const double torn[] = { -INFINITY, -INFINITY, -INFINITY, INFINITY, INFINITY, INFINITY };
	struct paired_effect effect;

	assert_int_equal(paired_effect(d, 9, 0.95, &effect), 0);
	assert_true(effect.median == 0.2 && effect.low == 0.1 && effect.high == INFINITY);
	for (size_t i = 0; i < 9; i++)
		d[i] = INFINITY;
	assert_int_equal(paired_effect(d, 9, 0.95, &effect), 0);
	assert_true(effect.median == INFINITY && effect.low == INFINITY);
	assert_int_equal(paired_effect(torn, 6, 0.95, &effect), 0);
	assert_true(isnan(effect.median) && effect.low == -INFINITY && effect.high == INFINITY);
}

static void test_effect_refuses_what_is_no_number(void **state)
{
	const double d[] = { 1, 2, 3, NAN, 5, 6 };
	struct paired_effect effect = { .n = 77 };

	assert_int_equal(paired_effect(d, 6, 0.95, &effect), -EINVAL);
	assert_int_equal(paired_effect(d, 3, 0.95, &effect), -EDOM);
	assert_int_equal(paired_effect(d, 0, 0.95, &effect), -EDOM);
	assert_int_equal(paired_effect(NULL, SIZE_MAX, 0.95, &effect), -E2BIG);
	assert_int_equal(effect.n, 77);
}

static void test_floor_is_the_farther_end(void **state)
{
	assert_true(paired_floor(&(struct paired_effect){ .low = -0.03, .high = 0.01 }) == 0.03);
	assert_true(paired_floor(&(struct paired_effect){ .low = -0.01, .high = 0.04 }) == 0.04);
	assert_true(paired_floor(&(struct paired_effect){ .low = 0.01, .high = 0.04 }) == 0.04);
	assert_true(paired_floor(&(struct paired_effect){ .low = -INFINITY }) == INFINITY);
}

/* ---- Coverage ----------------------------------------------------------------------------- */

static double uniform(struct paired_order *order)
{
	return ((double)paired_order_draw(order, 1ULL << 53) + 0.5) * 0x1p-53;
}

static double gaussian(struct paired_order *order)
{
	return sqrt(-2 * log(uniform(order))) * cos(6.283185307179586 * uniform(order));
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * p90 of a block's latencies: AR(1) on the log scale with lag-1 correlation 0.95, a level that the
 * two blocks of a pair share, and now and then a pause.
 */
static double ar1_block(struct paired_order *order, double level)
{
	double latency[50], x = gaussian(order);

	for (int i = 0; i < 50; i++) {
		x = 0.95 * x + sqrt(1 - 0.95 * 0.95) * gaussian(order);
		latency[i] = exp(level + 0.5 * x) * (uniform(order) < 0.01 ? 20 : 1);
	}
	qsort(latency, 50, sizeof(latency[0]), by_value);
	return latency[44];
}

static double pair_ar1(struct paired_order *order, double effect)
{
	double level = gaussian(order);
	double a = ar1_block(order, level), b = ar1_block(order, level);

	return paired_log_ratio(a, b * exp(effect));
}

/* Pareto with exponent 1.1: a mean, no variance. Some blocks lose everything. */
static double pair_heavy(struct paired_order *order, double effect)
{
	double level = exp(gaussian(order)), a, b;

	a = level * pow(uniform(order), -1 / 1.1);
	b = level * pow(uniform(order), -1 / 1.1) * exp(effect);
	if (uniform(order) < 0.03)
		a = INFINITY;
	if (uniform(order) < 0.03)
		b = INFINITY;
	return paired_log_ratio(a, b);
}

/* The share of intervals that hold the true effect. */
static double coverage(double (*pair)(struct paired_order *, double), double effect, size_t n,
                       int trials)
{
	struct paired_order order;
	struct paired_effect found;
	double d[PAIRS_MAX];
	int held = 0;

	paired_order_init(&order, 20240601 + n);
	for (int trial = 0; trial < trials; trial++) {
		for (size_t i = 0; i < n; i++)
			d[i] = pair(&order, effect);
		assert_int_equal(paired_effect(d, n, 0.95, &found), 0);
		held += found.low <= effect && effect <= found.high;
	}
	return (double)held / trials;
}

static void test_intervals_cover_as_often_as_they_say(void **state)
{
	const size_t sizes[] = { 6, 9, 12, 20, 30 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		double heavy = coverage(pair_heavy, 0.2, sizes[i], 10000);
		double ar1 = coverage(pair_ar1, -0.3, sizes[i], 1000);

		print_message("n = %zu: heavy tails %.4f, AR(1) %.4f\n", sizes[i], heavy, ar1);
		assert_true(heavy >= 0.94 && heavy < 0.985);
		assert_true(ar1 >= 0.94 && ar1 < 0.985);
	}
}

static void test_no_effect_is_found_where_none_is(void **state)
{
	assert_true(coverage(pair_heavy, 0, 20, 10000) >= 0.94);
	assert_true(coverage(pair_ar1, 0, 20, 1000) >= 0.94);
}

/* ---- Order -------------------------------------------------------------------------------- */

static void test_same_seed_same_order(void **state)
{
	unsigned int a[20], b[20], c[20];
	struct paired_order order;
	bool differs = false;

	for (unsigned int i = 0; i < 20; i++)
		a[i] = b[i] = c[i] = i;
	paired_order_init(&order, 42);
	paired_order_shuffle(&order, a, 20);
	paired_order_init(&order, 42);
	paired_order_shuffle(&order, b, 20);
	paired_order_init(&order, 43);
	paired_order_shuffle(&order, c, 20);
	assert_memory_equal(a, b, sizeof(a));
	for (int i = 0; i < 20; i++)
		differs = differs || a[i] != c[i];
	assert_true(differs);
}

/* splitmix64 from seed 0 begins so on every machine. */
static void test_draws_are_those_of_the_reference(void **state)
{
	struct paired_order order;

	paired_order_init(&order, 0);
	assert_true(paired_order_draw(&order, 1ULL << 63) ==
	            (0xe220a8397b1dcdafULL & ~(1ULL << 63)));
	assert_true(paired_order_draw(&order, 1ULL << 63) == 0x6e789e6aa1b965f4ULL);
	assert_int_equal(paired_order_draw(&order, 0), 0);
	assert_int_equal(paired_order_draw(&order, 1), 0);
}

static void test_all_orders_are_equally_likely(void **state)
{
	int count[4][4] = { 0 }, orders = 40000;
	struct paired_order order;

	paired_order_init(&order, 7);
	for (int i = 0; i < orders; i++) {
		unsigned int items[4] = { 0, 1, 2, 3 };

		paired_order_shuffle(&order, items, 4);
		for (int place = 0; place < 4; place++)
			count[place][items[place]]++;
	}
	for (int place = 0; place < 4; place++)
		for (int item = 0; item < 4; item++)
			/* 5 standard deviations of a binomial */
			assert_true(fabs(count[place][item] - orders / 4.0) < 5 * 86.6);
	paired_order_shuffle(&order, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranks_are_those_of_the_tables),
		cmocka_unit_test(test_ranks_are_the_narrowest_with_the_confidence),
		cmocka_unit_test(test_ranks_hold_for_many_pairs),
		cmocka_unit_test(test_too_few_or_senseless_is_refused),
		cmocka_unit_test(test_log_ratios_take_lost_blocks),
		cmocka_unit_test(test_effect_is_median_and_order_statistics),
		cmocka_unit_test(test_effect_bears_infinities),
		cmocka_unit_test(test_effect_refuses_what_is_no_number),
		cmocka_unit_test(test_floor_is_the_farther_end),
		cmocka_unit_test(test_intervals_cover_as_often_as_they_say),
		cmocka_unit_test(test_no_effect_is_found_where_none_is),
		cmocka_unit_test(test_same_seed_same_order),
		cmocka_unit_test(test_draws_are_those_of_the_reference),
		cmocka_unit_test(test_all_orders_are_equally_likely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
