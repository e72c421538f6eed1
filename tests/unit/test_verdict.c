/* SPDX-License-Identifier: GPL-2.0 */
/* Verdicts: every rule once, on blocks made up for it. test_verdict_rates.c has the rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ab.h"
#include "paired.h"

#define ROUNDS_MOST 64

static const struct path_type kernel = { .name = "kernel" };
static const struct path_type paths[] = {
	{ .name = "af_xdp", .polls = true },
	{ .name = "dpdk", .polls = true },
	{ .name = "io_uring" },
	{ .name = "kernel-spin", .polls = true },
};
static const struct path_type reflector = { .name = "xdp", .in_kernel = true };
static const struct path_type memif = { .name = "dpdk-memif", .in_memory = true };

static struct ab_block blocks[AB_ARMS_MAX * ROUNDS_MOST], same[2 * ROUNDS_MOST];

/* ---- Fixture -------------------------------------------------------------------------------- */

static const struct ab_comparison *found(const struct ab_result *result, size_t arm,
                                         enum ab_metric metric)
{
	const struct ab_comparison *comparison = ab_find_comparison(result, arm, metric);

	assert_non_null(comparison);
	return comparison;
}

/* A run without any noise, in which all arms are equal; figures of 1000, nothing lost. */
static struct ab_result make_exact(size_t rounds, size_t n)
{
	struct ab_result result = { .n_arms = n + 1, .rounds = rounds, .block = blocks };

	result.same = same;
	result.arm[0].type = &kernel;
	for (size_t i = 0; i < n; i++)
		result.arm[i + 1].type = &paths[i];
	for (size_t i = 0; i < (n + 1) * rounds; i++) {
		blocks[i] = (struct ab_block){ .generator = { .sent = 10000, .received = 10000 } };
		for (int m = 0; m < AB_METRICS; m++)
			blocks[i].metric[m] = m == AB_LOSS ? 0 : 1000;
	}
	memcpy(same, blocks, rounds * sizeof(same[0]));
	memcpy(same + rounds, blocks, rounds * sizeof(same[0]));
	return result;
}

static void scale(size_t rounds, size_t arm, enum ab_metric metric, double factor)
{
	for (size_t i = 0; i < rounds; i++)
		blocks[arm * rounds + i].metric[metric] *= factor;
}

/* ---- Holm ----------------------------------------------------------------------------------- */

static void test_each_step_has_its_confidence(void **state)
{
	struct ab_result result = make_exact(20, 1);
	double confidence, widest;
	size_t low, high;

	/* 4 figures: two differ, in all and in all but 4 pairs. CPU time is no part of it. */
	scale(20, 1, AB_P50, 0.5);
	scale(20, 1, AB_P99, 0.5);
	for (int i = 20; i < 24; i++)
		blocks[i].metric[AB_P99] = 1000;
	scale(20, 1, AB_CPU, 0.5);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(result.n_comparisons, 5);
	paired_ranks(20, 1 - 0.05 / 4, &low, &high, &confidence);
	assert_float_equal(found(&result, 1, AB_P50)->confidence, confidence, 1e-12);
	/* Ranks 5 to 16 at 1 - 0.05 / 3: four pairs that do not differ are the most. */
	paired_ranks(20, 1 - 0.05 / 3, &low, &high, &confidence);
	assert_int_equal(high, 16);
	assert_float_equal(found(&result, 1, AB_P99)->confidence, confidence, 1e-12);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_BETTER);
	paired_ranks(20, 1 - 0.05, &low, &high, &confidence);
	assert_float_equal(found(&result, 1, AB_CPU)->confidence, confidence, 1e-12);
	assert_int_equal(found(&result, 1, AB_CPU)->verdict, AB_BETTER);
	/* The two that are left: at the level of the step that stopped. */
	paired_ranks(20, 1 - 0.05 / 2, &low, &high, &widest);
	assert_float_equal(found(&result, 1, AB_LOSS)->confidence, widest, 1e-12);
	assert_int_equal(found(&result, 1, AB_LOSS)->verdict, AB_EQUIVALENT);
	assert_int_equal(found(&result, 1, AB_P999)->verdict, AB_EQUIVALENT);
	assert_float_equal(found(&result, 1, AB_P50)->change, -0.5, 1e-12);
	free(result.comparison);
}

/* 6 pairs hold one figure at 95 %, but not the four of a path at once. */
static void test_few_pairs_cannot_judge_many_figures(void **state)
{
	struct ab_result result = make_exact(6, 1);

	scale(6, 1, AB_P99, 0.5);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_INCONCLUSIVE);
	assert_string_equal(found(&result, 1, AB_P99)->why,
	                    "6 pairs are too few to judge 4 figures at once");
	assert_float_equal(found(&result, 1, AB_P99)->change, -0.5, 1e-12);
	assert_float_equal(found(&result, 1, AB_P99)->confidence, 1 - 2.0 / 64, 1e-12);
	assert_int_equal(result.verdict, AB_INCONCLUSIVE);
	free(result.comparison);
}

/* ---- Verdicts ------------------------------------------------------------------------------- */

static void test_a_gain_beyond_the_need_is_approved(void **state)
{
	struct ab_result result = make_exact(20, 2);

	scale(20, 1, AB_P99, 0.77);
	scale(20, 2, AB_P99, 0.5);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(result.verdict, AB_BETTER);
	assert_int_equal(result.decisive, 2);
	assert_string_equal(result.reason, "dpdk: p99 is 50 % lower [-50, -50] than with kernel");
	assert_int_equal(result.arm[1].verdict, AB_BETTER);
	free(result.comparison);
}

static void test_a_gain_below_the_need_is_not(void **state)
{
	struct ab_result result = make_exact(20, 1);

	scale(20, 1, AB_P99, 0.85);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_BETTER);
	assert_int_equal(result.verdict, AB_EQUIVALENT);
	assert_string_equal(result.reason,
	                    "af_xdp: p99 is 15 % lower [-15, -15]: better, but the policy needs "
	                    "20 %");
	free(result.comparison);

	result = make_exact(20, 1);
	scale(20, 1, AB_P99, 0.85);
	for (int i = 0; i < 8; i++)
		blocks[20 + i].metric[AB_P99] = 700;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_BETTER);
	assert_int_equal(result.verdict, AB_INCONCLUSIVE);
	free(result.comparison);
}

static void test_what_is_no_worse_passes_if_nothing_is_needed(void **state)
{
	const double factors[] = { 0.5, 1.0, 1.04, 1.2 };
	const enum ab_verdict wanted[] = { AB_BETTER, AB_BETTER, AB_BETTER, AB_WORSE };
	struct policy policy = policy_default;

	policy.need = -INFINITY;
	for (int i = 0; i < 4; i++) {
		struct ab_result result = make_exact(20, 1);

		scale(20, 1, AB_P99, factors[i]);
		assert_int_equal(ab_judge(&result, &policy), 0);
		assert_int_equal(result.verdict, wanted[i]);
		free(result.comparison);
	}
}

static void test_limits_hold(void **state)
{
	struct policy policy = policy_default;
	struct ab_result result = make_exact(20, 1);

	policy.cpu_limit = 1;
	scale(20, 1, AB_P99, 0.5);
	scale(20, 1, AB_CPU, 2.5);
	assert_int_equal(ab_judge(&result, &policy), 0);
	assert_int_equal(result.verdict, AB_WORSE);
	assert_string_equal(result.reason,
	                    "af_xdp: CPU time per request is 150 % higher [+150, +150], the "
	                    "policy's limit is 100 %");
	free(result.comparison);

	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(result.verdict, AB_BETTER);
	free(result.comparison);

	for (int i = 0; i < 20; i++)
		blocks[20 + i].metric[AB_LOSS] = 0.002;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_LOSS)->verdict, AB_WORSE);
	assert_float_equal(found(&result, 1, AB_LOSS)->change, 0.002, 1e-12);
	assert_int_equal(result.verdict, AB_WORSE);
	assert_non_null(strstr(result.reason, "loss is 0.200 points more"));
	free(result.comparison);
}

/* One block of 20 lost 4 % of its requests: the median does not see it, the policy must. */
static void test_loss_in_few_blocks_is_not_approved(void **state)
{
	struct ab_result result = make_exact(20, 1);

	scale(20, 1, AB_P99, 0.5);
	blocks[27].metric[AB_LOSS] = 0.04;
	blocks[27].metric[AB_P99] = INFINITY;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_LOSS)->verdict, AB_EQUIVALENT);
	assert_int_equal(result.verdict, AB_INCONCLUSIVE);
	assert_non_null(strstr(result.reason, "lost 0.200 points more"));
	free(result.comparison);
}

/* What loses all of some blocks has them rejected, which must not hide what it lost. */
static void test_silent_blocks_are_loss(void **state)
{
	for (int silent = 2; silent <= 7; silent++) {
		struct ab_result result = make_exact(20, 1);

		scale(20, 1, AB_P99, 0.5);
		for (int i = 0; i < silent; i++) {
			struct ab_block *block = &blocks[20 + i];

			block->gates = AB_GATE_SILENT;
			block->metric[AB_LOSS] = 1;
			block->metric[AB_P50] = block->metric[AB_P99] = INFINITY;
		}
		assert_int_equal(ab_judge(&result, &policy_default), 0);
		assert_int_equal(result.arm[1].unequal, silent >= 5);
		assert_int_not_equal(result.verdict, AB_BETTER);
		free(result.comparison);
	}
}

/* Nor may what it loses in blocks that were rejected for something else, if it has more of them. */
static void test_loss_in_unequally_rejected_blocks_counts(void **state)
{
	struct ab_result result = make_exact(20, 1);

	scale(20, 1, AB_P99, 0.5);
	for (int i = 0; i < 6; i++) {
		blocks[20 + i].gates = AB_GATE_PREEMPTED;
		blocks[20 + i].metric[AB_LOSS] = 0.1;
	}
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_true(result.arm[1].unequal);
	assert_int_equal(result.verdict, AB_INCONCLUSIVE);
	assert_non_null(strstr(result.reason, "lost 3.000 points more"));
	free(result.comparison);
}

static void test_noise_above_the_margin_decides_nothing(void **state)
{
	struct ab_result result = make_exact(20, 1);

	/* Equal arms that differ by up to 30 %. */
	for (int i = 0; i < 20; i++)
		same[i].metric[AB_P99] = i % 2 ? 1300 : 1000 / 1.3;
	scale(20, 1, AB_P99, 1.25);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_float_equal(result.floor[AB_P99].floor, 0.3, 1e-9);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_INCONCLUSIVE);
	assert_string_equal(found(&result, 1, AB_P99)->why, "within the noise of equal arms");
	free(result.comparison);

	scale(20, 1, AB_P99, 1 / 1.25);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_INCONCLUSIVE);
	assert_string_equal(found(&result, 1, AB_P99)->why,
	                    "the noise of equal arms is above the margin");
	free(result.comparison);

	/* The decrease that makes up for +30 % is -23 %. */
	scale(20, 1, AB_P99, 0.76);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_BETTER);
	free(result.comparison);
}

static void test_p999_takes_long_blocks_and_little_noise(void **state)
{
	struct ab_result result = make_exact(20, 1);

	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_true(result.floor[AB_P999].judged);
	assert_true(found(&result, 1, AB_P999)->judged);
	free(result.comparison);

	for (int i = 0; i < 20; i++)
		same[i].metric[AB_P999] = i % 2 ? 3000 : 1000;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_false(result.floor[AB_P999].judged);
	assert_non_null(strstr(result.floor[AB_P999].why, "is noise"));
	assert_true(isnan(found(&result, 1, AB_P999)->change));
	free(result.comparison);

	for (int i = 0; i < 40; i++)
		same[i].generator.sent = 1000;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_false(result.floor[AB_P999].judged);
	assert_true(result.floor[AB_P99].judged);
	assert_string_equal(found(&result, 1, AB_P999)->why,
	                    "not judged: it takes blocks of 10000 requests, these have 1000");
	free(result.comparison);
}

/* ---- What is lost, or not valid -------------------------------------------------------------- */

static void test_a_lossy_baseline_is_beaten(void **state)
{
	struct ab_result result = make_exact(20, 1);

	for (int i = 0; i < 20; i++) {
		blocks[i].metric[AB_P99] = INFINITY;
		blocks[i].metric[AB_LOSS] = 0.1;
	}
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_BETTER);
	assert_true(found(&result, 1, AB_P99)->change == -1);
	assert_int_equal(found(&result, 1, AB_LOSS)->verdict, AB_BETTER);
	free(result.comparison);
}

static void test_equal_arms_that_lose_have_no_floor(void **state)
{
	struct ab_result result = make_exact(20, 1);

	for (int i = 0; i < 20; i++)
		same[i].metric[AB_P99] = i % 2 ? INFINITY : 1000;
	scale(20, 1, AB_P99, 0.1);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_true(result.floor[AB_P99].floor == INFINITY);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_INCONCLUSIVE);
	free(result.comparison);
}

static void test_what_was_not_measured_is_not_judged(void **state)
{
	struct ab_result result = make_exact(20, 2);

	for (int i = 0; i < 20; i++)
		blocks[20 + i].metric[AB_CPU] = NAN;
	blocks[40].metric[AB_CPU] = NAN;
	scale(20, 1, AB_P99, 0.5);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_CPU)->verdict, AB_INVALID);
	assert_string_equal(found(&result, 1, AB_CPU)->why, "not measured");
	assert_int_equal(found(&result, 2, AB_CPU)->n, 19);
	assert_int_equal(found(&result, 2, AB_CPU)->verdict, AB_EQUIVALENT);
	assert_int_equal(result.verdict, AB_BETTER);
	free(result.comparison);

	for (int i = 0; i < 40; i++)
		same[i].metric[AB_CPU] = NAN;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_string_equal(found(&result, 2, AB_CPU)->why, "not measured");
	assert_true(isnan(result.floor[AB_CPU].floor));
	free(result.comparison);
}

/* It comes from fewer rounds, and the gates have nothing to say of it. */
static void test_cpu_time_is_judged_by_itself(void **state)
{
	struct ab_result result = make_exact(20, 1);

	for (int i = 6; i < 20; i++)
		blocks[i].metric[AB_CPU] = same[i].metric[AB_CPU] = NAN;
	for (int i = 0; i < 6; i++)
		blocks[20 + i].gates = AB_GATE_LATENESS;
	scale(20, 1, AB_CPU, 3);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_true(result.arm[1].unequal);
	assert_int_equal(found(&result, 1, AB_CPU)->n, 6);
	assert_int_equal(found(&result, 1, AB_CPU)->verdict, AB_WORSE);
	free(result.comparison);
}

static void test_too_few_valid_pairs_are_invalid(void **state)
{
	struct ab_result result = make_exact(20, 1);

	scale(20, 1, AB_P99, 0.5);
	for (int i = 0; i < 15; i++)
		blocks[i].gates = blocks[20 + i].gates = AB_GATE_LATENESS;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_INVALID);
	assert_string_equal(found(&result, 1, AB_P99)->why, "5 of 20 pairs are valid: too few");
	assert_int_equal(result.verdict, AB_INVALID);
	free(result.comparison);

	result = make_exact(20, 1);
	for (int i = 0; i < 20; i++)
		same[i].gates = AB_GATE_STEAL;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(result.verdict, AB_INVALID);
	free(result.comparison);
}

/* Six blocks of arm 1 were rejected, none of the baseline. */
static struct ab_result make_unequal(double factor_of_rejected)
{
	struct ab_result result = make_exact(20, 1);

	scale(20, 1, AB_P99, 0.5);
	for (int i = 0; i < 6; i++) {
		blocks[20 + i].gates = AB_GATE_PREEMPTED;
		blocks[20 + i].metric[AB_P99] *= factor_of_rejected;
	}
	return result;
}

static void test_verdict_holds_with_what_was_rejected_unequally(void **state)
{
	struct ab_result result = make_unequal(1);
	const struct ab_comparison *p99;

	assert_int_equal(ab_judge(&result, &policy_default), 0);
	p99 = found(&result, 1, AB_P99);
	assert_true(result.arm[1].unequal);
	assert_int_equal(p99->n, 14);
	assert_int_equal(p99->verdict, AB_BETTER);
	assert_int_equal(result.verdict, AB_BETTER);
	free(result.comparison);

	/* Of 20 pairs six are the other way: 14 alone would be unanimous. */
	result = make_unequal(4);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	p99 = found(&result, 1, AB_P99);
	assert_int_equal(p99->verdict, AB_INCONCLUSIVE);
	assert_true(p99->low < -0.49 && p99->high > 0.9);
	assert_non_null(strstr(p99->why, "unequally"));
	assert_int_equal(result.verdict, AB_INCONCLUSIVE);
	free(result.comparison);

	/* The same rejected in both arms is no reason for doubt. */
	result = make_unequal(4);
	for (int i = 0; i < 6; i++)
		blocks[i].gates = AB_GATE_PREEMPTED;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_false(result.arm[1].unequal);
	assert_int_equal(result.verdict, AB_BETTER);
	free(result.comparison);
}

static void test_floor_counts_rejected_pairs_where_rejection_is_unequal(void **state)
{
	struct ab_result result = make_unequal(1);

	for (int i = 0; i < 14; i++) {
		same[20 + i].metric[AB_P99] *= 2.5;
		same[20 + i].gates = i < 8 ? AB_GATE_STEAL : 0;
	}
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_true(result.floor[AB_P99].of_all > 1.4);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_INCONCLUSIVE);
	free(result.comparison);
}

static void test_unequal_rejection_is_found(void **state)
{
	struct ab_result result = make_exact(20, 2);

	scale(20, 1, AB_P99, 0.5);
	scale(20, 2, AB_P99, 0.5);
	for (int i = 0; i < 6; i++)
		blocks[20 + i].gates = AB_GATE_PREEMPTED;
	/* As many in both of these. */
	for (int i = 0; i < 3; i++)
		blocks[i].gates = blocks[43 + i].gates = AB_GATE_PREEMPTED;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_false(result.arm[2].unequal);
	assert_int_equal(result.arm[2].verdict, AB_BETTER);
	assert_false(result.arm[1].unequal); /* 6 against 3, three of them in the same rounds */
	free(result.comparison);

	for (int i = 0; i < 3; i++)
		blocks[i].gates = 0;
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_true(result.arm[1].unequal);
	free(result.comparison);
}

static void test_blocks_that_did_not_run_are_none(void **state)
{
	struct ab_result result = make_exact(20, 1);

	for (int i = 0; i < 20; i++)
		blocks[20 + i] = (struct ab_block){ 0 };
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_P99)->n, 0);
	assert_int_not_equal(result.verdict, AB_BETTER);
	free(result.comparison);
}

static void test_bounds_and_skipped_paths_decide_nothing(void **state)
{
	struct ab_result result = make_exact(20, 3);

	result.arm[1].type = &reflector;
	result.arm[2].type = &memif;
	result.arm[3].skipped = true;
	scale(20, 1, AB_P99, 0.2);
	scale(20, 2, AB_P99, 0.1);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_BETTER);
	assert_null(ab_find_comparison(&result, 2, AB_P99));
	assert_null(ab_find_comparison(&result, 3, AB_P99));
	assert_int_equal(result.verdict, AB_INVALID);
	assert_int_equal(result.decisive, 0);
	free(result.comparison);
}

static void test_senseless_runs_are_refused(void **state)
{
	struct ab_result result = make_exact(20, 1);

	result.rounds = 0;
	assert_int_equal(ab_judge(&result, &policy_default), -EINVAL);
	result.rounds = 20;
	result.n_arms = 0;
	assert_int_equal(ab_judge(&result, &policy_default), -EINVAL);
	result.n_arms = 2;
	result.confidence = 1;
	assert_int_equal(ab_judge(&result, &policy_default), -EINVAL);
}

static void test_p90_is_compared_where_it_decides(void **state)
{
	struct policy policy = policy_default;
	struct ab_result result = make_exact(20, 1);

	policy.metric = AB_P90;
	scale(20, 1, AB_P90, 0.5);
	assert_int_equal(ab_judge(&result, &policy), 0);
	assert_int_equal(result.verdict, AB_BETTER);
	free(result.comparison);
	assert_int_equal(ab_judge(&result, &policy_default), 0);
	assert_null(ab_find_comparison(&result, 1, AB_P90));
	free(result.comparison);
}

/* Any figures end in a verdict, and in one with finite ends where it is a difference. */
static void test_no_figures_break_it(void **state)
{
	const double odd[] = { 0, 1, 1000, INFINITY, NAN, -1, 1e308, 5e-324, -INFINITY };
	struct paired_order order;

	paired_order_init(&order, 8);
	for (int run = 0; run < 300; run++) {
		size_t rounds = 1 + paired_order_draw(&order, 30);
		struct ab_result result = make_exact(rounds, 3);

		for (size_t i = 0; i < 4 * rounds; i++)
			for (int m = 0; m < AB_METRICS; m++)
				blocks[i].metric[m] = odd[paired_order_draw(&order, 9)];
		for (size_t i = 0; i < 2 * rounds; i++)
			for (int m = 0; m < AB_METRICS; m++)
				same[i].metric[m] = odd[paired_order_draw(&order, 9)];
		assert_int_equal(ab_judge(&result, &policy_default), 0);
		for (size_t i = 0; i < result.n_comparisons; i++) {
			const struct ab_comparison *c = &result.comparison[i];

			assert_true(c->verdict != AB_BETTER || c->high < 0);
			assert_true(c->verdict != AB_WORSE || c->low > 0);
			assert_true(c->verdict < AB_INCONCLUSIVE ? !c->why[0] : !!c->why[0]);
		}
		assert_true(result.reason[0]);
		free(result.comparison);
	}
}

static void few_late_blocks_are_of_a_core_of_its_own(void **state)
{
	static struct ab_block paced[60];

	assert_true(ab_is_paced(paced, 60));
	assert_true(ab_is_paced(paced, 40));
	assert_false(ab_is_paced(paced, 39));
	for (size_t i = 0; i < 60; i++)
		paced[i].generator.own_late_p99_ns =
			i < 3 ? AB_LATENESS_PACED_NS + 1 : AB_LATENESS_PACED_NS;
	assert_true(ab_is_paced(paced, 60));
	assert_false(ab_is_paced(paced, 40));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_step_has_its_confidence),
		cmocka_unit_test(test_few_pairs_cannot_judge_many_figures),
		cmocka_unit_test(test_a_gain_beyond_the_need_is_approved),
		cmocka_unit_test(test_a_gain_below_the_need_is_not),
		cmocka_unit_test(test_what_is_no_worse_passes_if_nothing_is_needed),
		cmocka_unit_test(test_limits_hold),
		cmocka_unit_test(test_loss_in_few_blocks_is_not_approved),
		cmocka_unit_test(test_silent_blocks_are_loss),
		cmocka_unit_test(test_loss_in_unequally_rejected_blocks_counts),
		cmocka_unit_test(test_noise_above_the_margin_decides_nothing),
		cmocka_unit_test(test_p999_takes_long_blocks_and_little_noise),
		cmocka_unit_test(test_a_lossy_baseline_is_beaten),
		cmocka_unit_test(test_equal_arms_that_lose_have_no_floor),
		cmocka_unit_test(test_what_was_not_measured_is_not_judged),
		cmocka_unit_test(test_cpu_time_is_judged_by_itself),
		cmocka_unit_test(test_too_few_valid_pairs_are_invalid),
		cmocka_unit_test(test_unequal_rejection_is_found),
		cmocka_unit_test(test_verdict_holds_with_what_was_rejected_unequally),
		cmocka_unit_test(test_floor_counts_rejected_pairs_where_rejection_is_unequal),
		cmocka_unit_test(test_blocks_that_did_not_run_are_none),
		cmocka_unit_test(test_bounds_and_skipped_paths_decide_nothing),
		cmocka_unit_test(test_senseless_runs_are_refused),
		cmocka_unit_test(test_p90_is_compared_where_it_decides),
		cmocka_unit_test(test_no_figures_break_it),
		cmocka_unit_test(few_late_blocks_are_of_a_core_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
