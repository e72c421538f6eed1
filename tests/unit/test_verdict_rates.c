/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Verdicts: rates of wrong and of missed ones, by simulation. The latencies of a block are
 * autocorrelated, and so are the blocks, as measured on a noisy machine.
 */
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
#define REQUESTS    1000 /* of a block */

static const struct path_type kernel = { .name = "kernel" };
static const struct path_type paths[] = {
	{ .name = "af_xdp", .polls = true },
	{ .name = "dpdk", .polls = true },
	{ .name = "io_uring" },
	{ .name = "kernel-spin", .polls = true },
};

static struct ab_block blocks[AB_ARMS_MAX * ROUNDS_MOST], same[2 * ROUNDS_MOST];

/* ---- Random figures ------------------------------------------------------------------------- */

static double uniform(struct paired_order *order)
{
	return ((double)paired_order_draw(order, 1ULL << 53) + 0.5) * 0x1p-53;
}

static double gaussian(struct paired_order *order)
{
	return sqrt(-2 * log(uniform(order))) * cos(6.283185307179586 * uniform(order));
}

/* Nearly normal, and cheap: the sum of four uniform figures, variance 1. */
static double nearly_gaussian(struct paired_order *order)
{
	uint64_t bits = paired_order_draw(order, UINT64_MAX);
	int sum = 0;

	for (int i = 0; i < 4; i++)
		sum += (int)(bits >> (16 * i) & 0xffff);
	return (sum - 131070) / 37837.2; /* 65536 sqrt(4 / 12) */
}

/* Autoregressive of the first order, variance 1. */
static double drift(struct paired_order *order, double *state, double correlation, double rest)
{
	*state = correlation * *state + rest * nearly_gaussian(order);
	return *state;
}

static double drift_round(struct paired_order *order, double *level)
{
	return drift(order, level, 0.45, sqrt(1 - 0.45 * 0.45));
}

/* The k-th smallest (Hoare, Communications of the ACM 4, 1961); reorders. */
static double quickselect(double *values, long n, long k)
{
	long from = 0, to = n - 1;

	while (from < to) {
		double pivot = values[(from + to) / 2];
		long i = from, j = to;

		while (i <= j) {
			while (values[i] < pivot)
				i++;
			while (values[j] > pivot)
				j--;
			if (i <= j) {
				double value = values[i];

				values[i++] = values[j];
				values[j--] = value;
			}
		}
		if (k <= j)
			to = j;
		else if (k >= i)
			from = i;
		else
			break;
	}
	return values[k];
}

/* What differs in an arm. */
struct effect {
	double all;         /* of every request: its logarithm */
	double slow_share;  /* of the requests ... */
	double slow;        /* ... take so much longer, times */
	double lost_share;  /* of the requests */
	double lost_blocks; /* share of the blocks in which all but one are lost */
	double noise;       /* of a block's level */
	bool plain; /* figures drawn one by one, not from requests: a hundred times faster */
};

static void make_plain_block(struct paired_order *order, double level, struct ab_block *ret_block)
{
	*ret_block = (struct ab_block){ .generator = { .sent = REQUESTS, .received = REQUESTS } };
	for (int m = 0; m < AB_METRICS; m++)
		ret_block->metric[m] = m == AB_LOSS ? 0 : exp(level + 0.05 * gaussian(order));
}

/*
 * A block: latencies around 20 us, lag-1 correlation 0.95 on the log scale, with a tail of pauses.
 * Its level drifts from round to round (0.45), and differs a little from block to block.
 */
static void make_block(struct paired_order *order, const struct effect *effect, double level,
                       struct ab_block *ret_block)
{
	double latency[REQUESTS], x, noise = effect->noise ? effect->noise : 0.02;
	double base = log(20000) + level + effect->all + noise * gaussian(order);
	double slow = effect->slow_share ? log(effect->slow) : 0, rest = sqrt(1 - 0.95 * 0.95);
	bool lost = uniform(order) < effect->lost_blocks;
	int n_lost = 0;

	if (effect->plain) {
		make_plain_block(order, level, ret_block);
		return;
	}
	x = gaussian(order);
	for (int i = 0; i < REQUESTS; i++) {
		latency[i] = base + 0.05 * drift(order, &x, 0.95, rest);
		if (uniform(order) < 0.02)
			latency[i] += 0.4 + 0.1 * uniform(order);
		if (effect->slow_share && uniform(order) < effect->slow_share)
			latency[i] += slow;
		if ((lost && i) || (effect->lost_share && uniform(order) < effect->lost_share)) {
			latency[i] = INFINITY;
			n_lost++;
		}
	}
	*ret_block = (struct ab_block){
		.metric = { [AB_P50] = exp(quickselect(latency, REQUESTS, 499)),
		            [AB_P90] = exp(quickselect(latency, REQUESTS, 899)),
		            [AB_P99] = exp(quickselect(latency, REQUESTS, 989)),
		            [AB_P999] = exp(quickselect(latency, REQUESTS, 998)),
		            [AB_LOSS] = (double)n_lost / REQUESTS,
		            [AB_CPU] = 8000 * exp(0.03 * gaussian(order)) },
		.generator = { .sent = REQUESTS, .received = (uint64_t)(REQUESTS - n_lost) },
	};
}

/* A run: the A/A rounds, then rounds of the baseline and @n paths with an effect each. */
static struct ab_result make_run(struct paired_order *order, size_t rounds,
                                 const struct effect *effects, size_t n)
{
	const struct effect none = { .noise = effects->noise, .plain = effects->plain };
	struct ab_result result = { .n_arms = n + 1, .rounds = rounds, .block = blocks };
	double level = gaussian(order);

	result.same = same;
	result.arm[0].type = &kernel;
	for (size_t i = 0; i < n; i++)
		result.arm[i + 1].type = &paths[i];
	for (size_t round = 0; round < rounds; round++) {
		drift_round(order, &level);
		make_block(order, &none, 0.1 * level, &same[round]);
		make_block(order, &none, 0.1 * level, &same[rounds + round]);
	}
	for (size_t round = 0; round < rounds; round++) {
		drift_round(order, &level);
		make_block(order, &none, 0.1 * level, &blocks[round]);
		for (size_t i = 0; i < n; i++)
			make_block(order, &effects[i], 0.1 * level,
			           &blocks[(i + 1) * rounds + round]);
	}
	return result;
}

static struct ab_result judged(struct paired_order *order, size_t rounds,
                               const struct effect *effects, size_t n, const struct policy *policy)
{
	struct ab_result result = make_run(order, rounds, effects, n);

	assert_int_equal(ab_judge(&result, policy), 0);
	return result;
}

static size_t count(const struct ab_result *result, enum ab_verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < result->n_comparisons; i++)
		n += result->comparison[i].verdict == verdict;
	return n;
}

static const struct ab_comparison *found(const struct ab_result *result, size_t arm,
                                         enum ab_metric metric)
{
	const struct ab_comparison *comparison = ab_find_comparison(result, arm, metric);

	assert_non_null(comparison);
	return comparison;
}

/* ---- Rates ---------------------------------------------------------------------------------- */

/* Of 1000 runs of equal arms, those in which any metric is called better or worse. */
static int count_wrong(double noise, uint64_t seed)
{
	const struct effect none = { .noise = noise };
	struct paired_order order;
	int wrong = 0, equivalent = 0;

	paired_order_init(&order, seed);
	for (int i = 0; i < 1000; i++) {
		struct ab_result result = judged(&order, 20, &none, 1, &policy_default);

		wrong += count(&result, AB_BETTER) + count(&result, AB_WORSE) > 0;
		equivalent += found(&result, 1, AB_P99)->verdict == AB_EQUIVALENT;
		free(result.comparison);
	}
	print_message("1000 runs of equal arms, blocks +-%.0f %%: %d with a false verdict, p99 "
	              "equivalent in %d\n",
	              100 * noise, wrong, equivalent);
	return wrong;
}

static void test_equal_arms_seldom_differ(void **state)
{
	assert_true(count_wrong(0.02, 1) <= 50);
	/* Here the noise is far above the margin. */
	assert_true(count_wrong(0.3, 9) <= 50);
}

/* In a family, the number of verdicts; and of intervals that each by itself would have had one. */
static void count_both(const struct ab_result *result, bool cpu, size_t *ret_found,
                       size_t *ret_alone)
{
	*ret_found = *ret_alone = 0;
	for (size_t c = 0; c < result->n_comparisons; c++) {
		const struct ab_comparison *comparison = &result->comparison[c];
		enum ab_metric m = comparison->metric;
		struct paired_effect effect;
		double d[20];

		if (!comparison->judged || (m == AB_CPU) != cpu)
			continue;
		for (size_t i = 0; i < 20; i++)
			d[i] = paired_log_ratio(blocks[i].metric[m],
			                        blocks[comparison->arm * 20 + i].metric[m]);
		assert_int_equal(paired_effect(d, 20, 0.95, &effect), 0);
		*ret_found += comparison->verdict == AB_BETTER || comparison->verdict == AB_WORSE;
		*ret_alone += effect.low > 0 || effect.high < 0;
	}
}

/*
 * The same without a margin, without a floor, and with 4 paths: only Holm's correction is left.
 * Tests of each figure by itself would be wrong much more often.
 */
static void test_holm_keeps_the_rate_of_all_comparisons(void **state)
{
	const struct effect none[4] = {
		{ .plain = true }, { .plain = true }, { .plain = true }, { .plain = true }
	};
	struct policy policy = policy_default;
	int wrong[2] = { 0 }, wrong_alone[2] = { 0 }, runs = 5000;
	struct paired_order order;

	policy.margin = policy.need = policy.loss_limit = 0;
	paired_order_init(&order, 2);
	for (int i = 0; i < runs; i++) {
		struct ab_result result = make_run(&order, 20, none, 4);

		memcpy(same + 20, same, 20 * sizeof(same[0]));
		assert_int_equal(ab_judge(&result, &policy), 0);
		for (int cpu = 0; cpu < 2; cpu++) {
			size_t n, alone;

			count_both(&result, cpu, &n, &alone);
			wrong[cpu] += n > 0;
			wrong_alone[cpu] += alone > 0;
		}
		free(result.comparison);
	}
	print_message("%d runs of 5 equal arms: %d with a false verdict on latency or loss (%d "
	              "without Holm), %d on CPU time (%d)\n",
	              runs, wrong[0], wrong_alone[0], wrong[1], wrong_alone[1]);
	assert_true(wrong[0] <= runs / 20 && wrong[1] <= runs / 20);
	assert_true(wrong_alone[0] > runs / 10 && wrong_alone[1] > runs / 10);
}

static int share_found(struct effect effect, enum ab_metric metric, enum ab_verdict verdict,
                       uint64_t seed)
{
	struct paired_order order;
	int times = 0;

	paired_order_init(&order, seed);
	for (int i = 0; i < 100; i++) {
		struct ab_result result = judged(&order, 20, &effect, 1, &policy_default);

		times += found(&result, 1, metric)->verdict == verdict;
		free(result.comparison);
	}
	return times;
}

static void test_slower_tails_and_medians_are_found(void **state)
{
	/* 2 % of the requests wait: the p99 is 30 % up, the p50 is not. */
	const struct effect tail = { .slow_share = 0.02, .slow = 2.3 };
	int p99 = share_found(tail, AB_P99, AB_WORSE, 3);
	int p50 = share_found((struct effect){ .all = log(1.15) }, AB_P50, AB_WORSE, 4);
	int gain = share_found((struct effect){ .all = log(0.77) }, AB_P99, AB_BETTER, 5);

	print_message("found in %d %% (p99 +30 %%), %d %% (p50 +15 %%), %d %% (p99 -23 %%)\n", p99,
	              p50, gain);
	assert_true(p99 >= 80);
	assert_true(p50 >= 80);
	assert_true(gain >= 80);
}

static void test_small_effects_are_no_verdict(void **state)
{
	const struct effect small = { .all = log(1.05) };
	int worse = share_found(small, AB_P50, AB_WORSE, 6);

	assert_int_equal(worse, 0);
}

static void test_lost_blocks_are_infinite(void **state)
{
	const struct effect lossy = { .lost_share = 0.05 };
	const struct effect now_and_then = { .lost_blocks = 0.1 };
	struct paired_order order;
	struct ab_result result;

	paired_order_init(&order, 7);
	result = judged(&order, 20, &lossy, 1, &policy_default);
	assert_int_equal(found(&result, 1, AB_P99)->verdict, AB_WORSE);
	assert_true(found(&result, 1, AB_P99)->change == INFINITY);
	assert_int_equal(found(&result, 1, AB_LOSS)->verdict, AB_WORSE);
	assert_int_equal(result.verdict, AB_WORSE);
	free(result.comparison);

	result = judged(&order, 20, &now_and_then, 1, &policy_default);
	assert_true(isfinite(found(&result, 1, AB_P99)->change));
	assert_int_not_equal(found(&result, 1, AB_P99)->verdict, AB_BETTER);
	assert_int_not_equal(result.verdict, AB_BETTER);
	free(result.comparison);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_arms_seldom_differ),
		cmocka_unit_test(test_holm_keeps_the_rate_of_all_comparisons),
		cmocka_unit_test(test_slower_tails_and_medians_are_found),
		cmocka_unit_test(test_small_effects_are_no_verdict),
		cmocka_unit_test(test_lost_blocks_are_infinite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
