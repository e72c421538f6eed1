// SPDX-License-Identifier: GPL-2.0
/*
 * From blocks to verdicts, in three steps:
 *
 *	1. here     A/A pairs -> floor of each metric, and whether it can be judged at all
 *	2. holm.c   A/B pairs -> effect, interval and verdict of each path's metrics
 *	3. decide.c these, by the policy -> verdict of each path, and of the run
 *
 * The statistics work on one difference per pair of blocks of the same round: the logarithm of the
 * ratio for latencies and CPU time, the difference of the shares for loss. A pair counts only if
 * both of its blocks passed the gates; but those are for latencies, and CPU time comes from rounds
 * of its own. Where the gates rejected two arms unequally, what they rejected may be just the slow
 * blocks, or the fast ones: then a verdict must hold with the rejected pairs as well.
 */
#include "judge.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "paired.h"
#include "policy.h"

/* A quantile of a block is judged if so many of its requests lie beyond it. */
#define BEYOND_LEAST 10
/* A p99.9 whose minimum detectable change is above this is not judged. */
#define P999_FLOOR_MOST 0.5
/* Level of the test for unequal rejection. Rather too often unequal: that is the safe side. */
#define UNEQUAL_LEVEL 0.1

_Static_assert(AB_P50 == (int)POLICY_P50 && AB_P90 == (int)POLICY_P90 &&
                       AB_P99 == (int)POLICY_P99 && AB_P999 == (int)POLICY_P999,
               "policy->metric is an enum ab_metric");

const char *const ab_metric_name[AB_METRICS] = {
	[AB_P50] = "p50",   [AB_P90] = "p90",   [AB_P99] = "p99",
	[AB_P999] = "p999", [AB_LOSS] = "loss", [AB_CPU] = "cpu",
};

const char *const ab_verdict_name[] = {
	[AB_BETTER] = "better",         [AB_WORSE] = "worse",
	[AB_EQUIVALENT] = "equivalent", [AB_INCONCLUSIVE] = "inconclusive",
	[AB_INVALID] = "invalid",
};

/* Of the requests, the share beyond the metric's quantile; 0: it is none. */
static const double share_beyond[AB_METRICS] = {
	[AB_P50] = 0.5,
	[AB_P90] = 0.1,
	[AB_P99] = 0.01,
	[AB_P999] = 0.001,
};

bool judge_block_has_run(const struct ab_block *block)
{
	return block->generator.sent + block->generator.not_sent;
}

bool judge_block_is_valid(const struct ab_block *block)
{
	return !block->gates && judge_block_has_run(block);
}

static bool counts(enum ab_metric metric, enum judge_blocks which, const struct ab_block *block)
{
	return metric == AB_CPU || which == JUDGE_ALL ? judge_block_has_run(block)
	                                              : judge_block_is_valid(block);
}

bool judge_is_candidate(const struct ab_arm *arm)
{
	return judge_compares_arm(arm) && !arm->type->in_kernel;
}

bool judge_compares_arm(const struct ab_arm *arm)
{
	return !arm->skipped && !arm->type->in_memory;
}

bool judge_compares(const struct policy *policy, enum ab_metric metric)
{
	return metric != AB_P90 || policy->metric == AB_P90;
}

bool judge_is_difference(enum ab_metric metric)
{
	return metric == AB_LOSS;
}

double judge_change(enum ab_metric metric, double effect)
{
	return judge_is_difference(metric) ? effect : paired_change(effect);
}

const struct ab_comparison *ab_find_comparison(const struct ab_result *result, size_t arm,
                                               enum ab_metric metric)
{
	for (size_t i = 0; i < result->n_comparisons; i++)
		if (result->comparison[i].arm == arm && result->comparison[i].metric == metric)
			return &result->comparison[i];
	return NULL;
}

/* ---- Floors -------------------------------------------------------------------------------- */

static size_t requests_per_block(const struct ab_result *result)
{
	uint64_t most = 0;

	for (size_t i = 0; i < 2 * result->rounds; i++) {
		const struct generator_counts *counts = &result->same[i].generator;

		if (counts->sent + counts->not_sent > most)
			most = counts->sent + counts->not_sent;
	}
	return most;
}

/* Whether blocks are long enough for this quantile. */
static bool blocks_suffice(const struct ab_result *result, enum ab_metric metric,
                           struct ab_floor *floor)
{
	size_t requests = requests_per_block(result);
	double needed = share_beyond[metric] > 0 ? BEYOND_LEAST / share_beyond[metric] : 0;

	/* 10 / 0.01 may be a little more than 1000. */
	if ((double)requests >= needed - 0.5)
		return true;
	snprintf(floor->why, sizeof(floor->why),
	         "not judged: it takes blocks of %.0f requests, these have %zu", needed, requests);
	return false;
}

static void set_floor(const struct ab_result *result, enum ab_metric metric,
                      const double *differences, struct ab_floor *floor)
{
	struct paired_effect effect;
	double end;

	if (paired_effect(differences, floor->n, result->confidence, &effect)) {
		snprintf(floor->why, sizeof(floor->why),
		         floor->n ? "%zu of %zu A/A pairs are valid: too few" : "not measured",
		         floor->n, result->rounds);
		return;
	}
	end = paired_floor(&effect);
	floor->low = judge_change(metric, effect.low);
	floor->high = judge_change(metric, effect.high);
	floor->floor = judge_change(metric, end);
	floor->judged = blocks_suffice(result, metric, floor);
	if (!floor->judged || metric != AB_P999 || floor->floor <= P999_FLOOR_MOST)
		return;
	floor->judged = false;
	snprintf(floor->why, sizeof(floor->why),
	         "not judged: equal arms differ by %.0f %% of it, more than %.0f %% is noise",
	         100 * floor->floor, 100 * P999_FLOOR_MOST);
}

static double difference(enum ab_metric metric, double a, double b)
{
	if (judge_is_difference(metric))
		return b - a;
	return paired_log_ratio(a, b);
}

size_t judge_pair_up(enum ab_metric metric, enum judge_blocks which, const struct ab_block *a,
                     const struct ab_block *b, size_t rounds, double *ret_differences)
{
	size_t n = 0;

	for (size_t i = 0; i < rounds; i++) {
		double d = difference(metric, a[i].metric[metric], b[i].metric[metric]);

		if (counts(metric, which, &a[i]) && counts(metric, which, &b[i]) && !isnan(d))
			ret_differences[n++] = d;
	}
	return n;
}

static size_t pair_up_same(const struct ab_result *result, enum ab_metric metric,
                           enum judge_blocks which, double *ret_differences)
{
	return judge_pair_up(metric, which, result->same, result->same + result->rounds,
	                     result->rounds, ret_differences);
}

/* With the rejected pairs it is not lower, whatever these happen to be. */
static double floor_of_all(const struct ab_result *result, enum ab_metric metric, double floor,
                           double *differences)
{
	size_t n = pair_up_same(result, metric, JUDGE_ALL, differences);
	struct paired_effect effect;

	if (paired_effect(differences, n, result->confidence, &effect))
		return floor;
	return fmax(floor, judge_change(metric, paired_floor(&effect)));
}

static void find_floors(struct ab_result *result, double *differences)
{
	for (int m = 0; m < AB_METRICS; m++) {
		struct ab_floor *floor = &result->floor[m];

		*floor = (struct ab_floor){ .low = NAN, .high = NAN, .floor = NAN };
		floor->n = pair_up_same(result, m, JUDGE_VALID, differences);
		set_floor(result, m, differences, floor);
		floor->of_all = floor_of_all(result, m, floor->floor, differences);
	}
}

/* ---- Rejected blocks ------------------------------------------------------------------------ */

/*
 * The exact form of McNemar's test (Psychometrika 12, 1947), the sign test on the rounds in
 * which one of the two arms was rejected and the other was not.
 */
static bool is_unequal(const struct ab_block *a, const struct ab_block *b, size_t rounds)
{
	size_t only_a = 0, only_b = 0, most;

	for (size_t i = 0; i < rounds; i++) {
		only_a += !judge_block_is_valid(&a[i]) && judge_block_is_valid(&b[i]);
		only_b += judge_block_is_valid(&a[i]) && !judge_block_is_valid(&b[i]);
	}
	most = only_a > only_b ? only_a : only_b;
	return most && 2 * paired_sign_p(only_a + only_b, most) <= UNEQUAL_LEVEL;
}

static void find_unequal(struct ab_result *result)
{
	for (size_t arm = 1; arm < result->n_arms; arm++)
		result->arm[arm].unequal =
			judge_compares_arm(&result->arm[arm]) &&
			is_unequal(result->block, result->block + arm * result->rounds,
		                   result->rounds);
}

/* ---- All of it ------------------------------------------------------------------------------ */

static bool is_sound(const struct ab_result *result)
{
	return result->rounds && result->rounds <= PAIRED_MAX && result->n_arms &&
	       result->n_arms <= AB_ARMS_MAX && result->confidence > 0 && result->confidence < 1;
}

int ab_judge(struct ab_result *result, const struct policy *policy)
{
	double *differences;
	int err;

	if (!(result->confidence > 0))
		result->confidence = policy->confidence;
	if (!is_sound(result))
		return -EINVAL;
	differences = malloc(result->rounds * sizeof(*differences));
	if (!differences)
		return -ENOMEM;
	find_floors(result, differences);
	free(differences);
	find_unequal(result);
	result->policy = *policy;
	err = judge_compare(result, policy);
	if (!err)
		judge_decide(result, policy);
	return err;
}
