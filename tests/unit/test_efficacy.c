// SPDX-License-Identifier: GPL-2.0
/* What part of the kernel's time a path took away: by shares, by time, and with which interval. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "efficacy.h"

#define ROUNDS 20

/* An A/B of a kernel, a tuned kernel and a bypass, with these round trips in every block. */
struct fixture {
	struct ab_document document;
	struct ab_document_arm arm[3];
	double ns[3][ROUNDS];
};

static void make(struct fixture *fixture, double kernel, double tuned, double path)
{
	const double ns[] = { kernel, tuned, path };
	const enum ab_role roles[] = { AB_ROLE_BASELINE, AB_ROLE_TUNED, AB_ROLE_AF_XDP };

	memset(fixture, 0, sizeof(*fixture));
	fixture->document =
		(struct ab_document){ .n_arms = 3, .rounds = ROUNDS, .arm = fixture->arm };
	for (int i = 0; i < 3; i++) {
		fixture->arm[i].role = roles[i];
		fixture->arm[i].block_ns[POLICY_P50] = fixture->ns[i];
		for (int r = 0; r < ROUNDS; r++)
			fixture->ns[i][r] = ns[i];
	}
}

static struct efficacy measure(struct fixture *fixture, int arm, bool with_tuned, double tunable_ns,
                               double rest_ns)
{
	const struct efficacy_parts parts = { tunable_ns, rest_ns };
	struct efficacy efficacy;

	assert_int_equal(efficacy_measure(&fixture->document, &fixture->arm[arm],
	                                  with_tuned ? &fixture->arm[1] : NULL, POLICY_P50, &parts,
	                                  &efficacy),
	                 0);
	return efficacy;
}

static void test_parts_shrink_as_their_kernels_showed(void **state)
{
	struct fixture fixture;
	struct efficacy efficacy;

	make(&fixture, 40000, 20000, 10000);
	efficacy = measure(&fixture, 2, true, 30000, 10000);
	assert_true(efficacy.known);
	/* Half of the tunable 30, half of the other 10; 20 us of the 30, all 10 of the 10. */
	assert_float_equal(efficacy.by_share, 0.5, 1e-9);
	assert_float_equal(efficacy.by_time, 0.75, 1e-9);
	assert_float_equal(efficacy.value, 0.5, 1e-9);
	assert_float_equal(efficacy.saved_ns, 30000, 1e-6);
}

static void test_sleep_that_is_not_there_is_not_gained(void **state)
{
	struct fixture fixture;

	/* Nearly all of the gain is that of not sleeping. */
	make(&fixture, 40000, 10000, 9000);
	assert_true(measure(&fixture, 2, true, 30000, 1000).value > 0.7);
	assert_true(measure(&fixture, 2, true, 0, 30000).value < 0.11);
	assert_true(measure(&fixture, 2, false, 0, 30000).value > 0.7);
}

static void test_a_larger_part_is_not_extrapolated(void **state)
{
	struct fixture fixture;
	struct efficacy efficacy;

	make(&fixture, 40000, 20000, 10000);
	efficacy = measure(&fixture, 1, false, 2000000, 0);
	assert_float_equal(efficacy.value, 0.01, 1e-9);
	assert_float_equal(efficacy.by_share, 0.5, 1e-9);
}

static void test_it_is_monotone_in_the_path(void **state)
{
	double before = -100;

	for (double path = 60000; path >= 500; path -= 500) {
		struct fixture fixture;
		double value;

		make(&fixture, 40000, 20000, path);
		value = measure(&fixture, 2, true, 25000, 12000).value;
		assert_true(value >= before - 1e-12);
		assert_true(value <= 1);
		before = value;
	}
}

static void test_a_slower_path_has_a_negative_one(void **state)
{
	struct fixture fixture;

	make(&fixture, 40000, 20000, 60000);
	assert_true(measure(&fixture, 2, true, 20000, 10000).value < 0);
}

static void test_fixed_work_is_no_part_of_it(void **state)
{
	struct fixture fixture;

	make(&fixture, 1040000, 1020000, 1010000);
	assert_true(measure(&fixture, 1, false, 30000, 0).by_share < 0.03);
	fixture.document.work = AB_WORK_FIXED;
	fixture.document.work_mean_ns = 1000000;
	assert_float_equal(measure(&fixture, 1, false, 30000, 0).by_share, 0.5, 1e-9);
	fixture.document.work = AB_WORK_RECORDED;
	assert_float_equal(measure(&fixture, 1, false, 40000, 0).value, 0.5, 1e-9);
}

static void test_rounds_count_only_whole(void **state)
{
	struct fixture fixture;

	make(&fixture, 40000, 20000, 10000);
	for (int r = 0; r < ROUNDS; r++)
		fixture.ns[r % 3][r] = r < 15 ? NAN : fixture.ns[r % 3][r];
	assert_false(measure(&fixture, 2, true, 1, 1).known);
	fixture.ns[2][2] = 10000;
	assert_int_equal(measure(&fixture, 2, true, 1, 1).n_rounds, 6);
	assert_true(measure(&fixture, 2, true, 1, 1).known);
}

static void test_what_was_lost_is_no_gain(void **state)
{
	struct fixture fixture;
	struct efficacy efficacy;

	make(&fixture, 40000, 20000, INFINITY);
	efficacy = measure(&fixture, 2, true, 20000, 10000);
	assert_true(efficacy.known && isfinite(efficacy.value) && efficacy.value < -1);
	for (int i = 0; i < EFFICACY_REPLICATES; i++)
		assert_true(isfinite(efficacy.replicates[i]));
}

static void test_unlike_traffic_widens(void **state)
{
	struct fixture fixture;
	struct efficacy efficacy;
	double low = 2, high = -2;

	make(&fixture, 40000, 20000, 10000);
	efficacy = measure(&fixture, 1, false, 30000, 0);
	efficacy_widen(&efficacy, 2, 2);
	assert_float_equal(efficacy.replicates[1], efficacy.by_time, 1e-9);
	efficacy_widen(&efficacy, 4, 2);
	for (int i = 0; i < EFFICACY_REPLICATES; i++) {
		low = fmin(low, efficacy.replicates[i]);
		high = fmax(high, efficacy.replicates[i]);
	}
	assert_float_equal(low, 0.25, 1e-9);
	assert_true(high > 0.74 && high < 1);
	assert_float_equal(efficacy.value, 0.5, 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_shrink_as_their_kernels_showed),
		cmocka_unit_test(test_sleep_that_is_not_there_is_not_gained),
		cmocka_unit_test(test_a_larger_part_is_not_extrapolated),
		cmocka_unit_test(test_it_is_monotone_in_the_path),
		cmocka_unit_test(test_a_slower_path_has_a_negative_one),
		cmocka_unit_test(test_fixed_work_is_no_part_of_it),
		cmocka_unit_test(test_rounds_count_only_whole),
		cmocka_unit_test(test_what_was_lost_is_no_gain),
		cmocka_unit_test(test_unlike_traffic_widens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
