/* SPDX-License-Identifier: GPL-2.0 */
/* Work drawn from a recording: its mean and its percentiles are the recording's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "paired.h"
#include "work.h"

#define VALUES 50000

static double uniform(struct paired_order *order)
{
	return ((double)paired_order_draw(order, 1ULL << 52) + 0.5) * 0x1p-52;
}

/* Lognormal, @median_ns and a tail. */
static void fill(struct histogram *histogram, size_t n, double median_ns, uint64_t seed)
{
	struct paired_order order;

	assert_int_equal(histogram_init(histogram, HISTOGRAM_HIGHEST_DEFAULT_NS, 3), 0);
	paired_order_init(&order, seed);
	for (size_t i = 0; i < n; i++) {
		double z = sqrt(-2 * log(uniform(&order))) * cos(2 * M_PI * uniform(&order));

		histogram_record(histogram, median_ns * exp(z), 1);
	}
}

static struct traffic block_of(size_t n)
{
	struct traffic traffic;

	assert_int_equal(traffic_synthesize(&traffic, &(struct traffic_shape){ .n_requests = n,
	                                                                       .rate_pps = 10000,
	                                                                       .n_flows = 1,
	                                                                       .seed = 1 }),
	                 0);
	return traffic;
}

/* What was drawn, as a histogram. */
static struct histogram drawn(const struct traffic *traffic)
{
	struct histogram histogram;

	assert_int_equal(histogram_init(&histogram, HISTOGRAM_HIGHEST_DEFAULT_NS, 3), 0);
	for (size_t i = 0; i < traffic->n_requests; i++)
		histogram_record(&histogram, traffic->request[i].work_ns, 1);
	return histogram;
}

static void assert_near(double found, double wanted, double share)
{
	if (fabs(found / wanted - 1) > share)
		fail_msg("%g, want %g within %g", found, wanted, share);
}

static void test_one_account_keeps_its_distribution(void **state)
{
	struct histogram times, found;
	struct traffic traffic = block_of(2000);

	fill(&times, VALUES, 20000, 1);
	assert_int_equal(
		traffic_draw_work(&traffic, &(struct work_times){ { &times }, 1, VALUES }, 7), 0);
	found = drawn(&traffic);
	assert_near(histogram_mean(&found), histogram_mean(&times), 0.01);
	/* The 1980th of 2000 stands for 98.975 %, which is 1 % less than p99. */
	for (int percentile = 1; percentile <= 99; percentile += 7)
		assert_near(histogram_percentile(&found, percentile),
		            histogram_percentile(&times, percentile), 0.02);
	histogram_destroy(&times);
	histogram_destroy(&found);
	traffic_free(&traffic);
}

static void test_requests_without_the_account_take_nothing(void **state)
{
	struct histogram times, found;
	struct traffic traffic = block_of(1000);

	fill(&times, VALUES, 20000, 1);
	assert_int_equal(
		traffic_draw_work(&traffic, &(struct work_times){ { &times }, 1, 4 * VALUES }, 7),
		0);
	found = drawn(&traffic);
	assert_int_equal(histogram_count_up_to(&found, 0), 750);
	assert_near(histogram_mean(&found), histogram_mean(&times) / 4, 0.03);
	assert_near(histogram_percentile(&found, 87.5), histogram_percentile(&times, 50), 0.02);
	histogram_destroy(&times);
	histogram_destroy(&found);
	traffic_free(&traffic);
}

static void test_accounts_add_up_rank_by_rank(void **state)
{
	struct histogram app, serialize, found;
	struct traffic traffic = block_of(5000);
	const struct work_times times = { { &app, &serialize }, 2, VALUES };

	fill(&app, VALUES, 20000, 1);
	fill(&serialize, VALUES, 5000, 2);
	assert_int_equal(traffic_draw_work(&traffic, &times, 7), 0);
	found = drawn(&traffic);
	assert_near(histogram_mean(&found), histogram_mean(&app) + histogram_mean(&serialize),
	            0.01);
	for (int percentile = 50; percentile < 100; percentile += 49)
		assert_near(histogram_percentile(&found, percentile),
		            (double)histogram_percentile(&app, percentile) +
		                    (double)histogram_percentile(&serialize, percentile),
		            0.01);
	histogram_destroy(&app);
	histogram_destroy(&serialize);
	histogram_destroy(&found);
	traffic_free(&traffic);
}

static void test_the_order_is_random_and_that_of_the_seed(void **state)
{
	struct traffic a = block_of(2000), b = block_of(2000), c = block_of(2000);
	struct histogram app;
	const struct work_times times = { { &app }, 1, VALUES };
	size_t rises = 0, differ = 0;

	fill(&app, VALUES, 20000, 1);
	assert_int_equal(traffic_draw_work(&a, &times, 7), 0);
	assert_int_equal(traffic_draw_work(&b, &times, 7), 0);
	assert_int_equal(traffic_draw_work(&c, &times, 8), 0);
	for (size_t i = 0; i < 2000; i++) {
		assert_int_equal(a.request[i].work_ns, b.request[i].work_ns);
		differ += a.request[i].work_ns != c.request[i].work_ns;
		rises += i && a.request[i].work_ns > a.request[i - 1].work_ns;
	}
	assert_true(differ > 1900);
	assert_true(rises > 900 && rises < 1100);
	histogram_destroy(&app);
	traffic_free(&a);
	traffic_free(&b);
	traffic_free(&c);
}

static void test_what_is_no_distribution_is_refused(void **state)
{
	struct traffic traffic = block_of(10), none = { 0 };
	struct histogram app, endless;

	fill(&app, 100, 20000, 1);
	assert_int_equal(traffic_draw_work(&traffic, &(struct work_times){ { &app }, 1, 99 }, 7),
	                 -EINVAL);
	assert_int_equal(traffic_draw_work(&traffic, &(struct work_times){ { &app }, 1, 0 }, 7),
	                 -EINVAL);
	assert_int_equal(traffic_draw_work(&none, &(struct work_times){ { &app }, 1, 100 }, 7),
	                 -EINVAL);
	assert_int_equal(histogram_init(&endless, HISTOGRAM_HIGHEST_DEFAULT_NS, 3), 0);
	histogram_record(&endless, HISTOGRAM_HIGHEST_DEFAULT_NS, 1);
	assert_int_equal(traffic_draw_work(&traffic, &(struct work_times){ { &endless }, 1, 1 }, 7),
	                 0);
	assert_int_equal(traffic.request[0].work_ns, UINT32_MAX);
	assert_int_equal(
		traffic_draw_work(&traffic, &(struct work_times){ .n = 0, .requests = 1 }, 7), 0);
	assert_int_equal(traffic.request[0].work_ns, 0);
	histogram_destroy(&app);
	histogram_destroy(&endless);
	traffic_free(&traffic);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_account_keeps_its_distribution),
		cmocka_unit_test(test_requests_without_the_account_take_nothing),
		cmocka_unit_test(test_accounts_add_up_rank_by_rank),
		cmocka_unit_test(test_the_order_is_random_and_that_of_the_seed),
		cmocka_unit_test(test_what_is_no_distribution_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
