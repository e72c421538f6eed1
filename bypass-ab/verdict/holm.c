// SPDX-License-Identifier: GPL-2.0
/*
 * The comparisons. There are two families of them: latencies and loss of all paths; and the CPU
 * time of all paths, a question of its own that is measured in rounds of its own.
 *
 * All of a family are judged at once, so by chance some would differ. Holm's step-down
 * procedure (Scandinavian Journal of Statistics 6, 1979) keeps the probability that any of them is
 * called better or worse without being so at or below 1 - confidence, whatever their dependence.
 *
 * A comparison's hypothesis is that its effect is within +-T, T being the larger of margin and
 * floor. With u of its n differences above T and d below -T, its p-value is that of the sign test,
 *
 *	p = 2 min(P(X >= u), P(X >= d)),    X binomial with n and 1/2.
 *
 * The m hypotheses are taken in the order of their p, the k-th (from 0) at the level
 * a = (1 - confidence) / (m - k), until one cannot be rejected. The order-statistic interval at
 * confidence 1 - a is the set of values that this very test does not reject: it lies beyond T
 * exactly if p <= a. So each comparison is given the interval of its own step, and the verdict can
 * be read off it. A wrong direction has half of that probability in each comparison.
 *
 * All that remain, r of them, are given intervals at confidence 1 - (1 - confidence) / r:
 * Bonferroni's over what remains, so that "equivalent" is wrong for any of them with the same
 * probability. The intervals as such hold together only as far as these verdicts need it: see
 * docs/ab.md.
 *
 * Where the gates rejected the two arms unequally there are two samples of differences: of the valid
 * pairs, and of all that ran. The p-value is the larger one of both, the interval spans both, so that
 * no verdict depends on which blocks were left out.
 */
#include "judge.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "paired.h"

/* Differences of pairs. */
struct sample {
	double *differences;
	size_t n;
};

struct hypothesis {
	struct ab_comparison *comparison;
	struct sample sample[2]; /* JUDGE_VALID; JUDGE_ALL only if the arm is unequal */
	size_t n_samples;
	/* Limits of the effect, on the scale of the differences; downwards ones as positive
	 * figures. */
	double margin_up, margin_down;
	double beyond_up, beyond_down;
	double p;
};

struct family {
	struct ab_result *result;
	const struct policy *policy;
	struct hypothesis *hypothesis;
	size_t n;
	double *differences; /* of all of them, and both samples */
};

static size_t count_comparisons(const struct ab_result *result, const struct policy *policy)
{
	size_t arms = 0, metrics = 0;

	for (size_t i = 1; i < result->n_arms; i++)
		arms += judge_compares_arm(&result->arm[i]);
	for (int m = 0; m < AB_METRICS; m++)
		metrics += judge_compares(policy, m);
	return arms * metrics;
}

/* ---- One comparison ------------------------------------------------------------------------- */

static void set_limits(struct hypothesis *hypothesis, const struct policy *policy,
                       const struct ab_floor *floors)
{
	double loss = isfinite(policy->loss_limit) ? policy->loss_limit : policy_default.loss_limit;
	double floor = hypothesis->n_samples > 1 ? floors->of_all : floors->floor;
	double noise = log1p(floor);

	if (judge_is_difference(hypothesis->comparison->metric)) {
		hypothesis->margin_up = hypothesis->margin_down = loss;
		noise = floor;
	} else {
		hypothesis->margin_up = log1p(policy->margin);
		hypothesis->margin_down = -log1p(-policy->margin);
	}
	hypothesis->beyond_up = fmax(hypothesis->margin_up, noise);
	hypothesis->beyond_down = fmax(hypothesis->margin_down, noise);
}

static double p_value(const struct hypothesis *hypothesis)
{
	double p_above = 0, p_below = 0;

	for (size_t s = 0; s < hypothesis->n_samples; s++) {
		const struct sample *sample = &hypothesis->sample[s];
		size_t above = 0, below = 0;

		for (size_t i = 0; i < sample->n; i++) {
			above += sample->differences[i] > hypothesis->beyond_up;
			below += sample->differences[i] < -hypothesis->beyond_down;
		}
		p_above = fmax(p_above, paired_sign_p(sample->n, above));
		p_below = fmax(p_below, paired_sign_p(sample->n, below));
	}
	return 2 * fmin(p_above, p_below);
}

/* Makes it unjudged if there is a reason; whether there is one. */
static bool is_void(const struct ab_result *result, struct ab_comparison *comparison)
{
	const struct ab_floor *floor = &result->floor[comparison->metric];
	size_t low, high;

	if (!comparison->n && floor->n)
		snprintf(comparison->why, sizeof(comparison->why), "not measured");
	else if (paired_ranks(comparison->n, result->confidence, &low, &high, NULL) && floor->n)
		snprintf(comparison->why, sizeof(comparison->why),
		         "%zu of %zu pairs are valid: too few", comparison->n, result->rounds);
	else if (!floor->judged)
		snprintf(comparison->why, sizeof(comparison->why), "%s", floor->why);
	return comparison->why[0];
}

static void pair_up(const struct ab_result *result, struct hypothesis *hypothesis, double *room)
{
	const struct ab_comparison *comparison = hypothesis->comparison;
	bool unequal = result->arm[comparison->arm].unequal && comparison->metric != AB_CPU;

	hypothesis->n_samples = unequal ? 2 : 1;
	for (size_t s = 0; s < hypothesis->n_samples; s++) {
		struct sample *sample = &hypothesis->sample[s];

		sample->differences = room + s * result->rounds;
		sample->n = judge_pair_up(comparison->metric, s ? JUDGE_ALL : JUDGE_VALID,
		                          result->block,
		                          result->block + comparison->arm * result->rounds,
		                          result->rounds, sample->differences);
	}
}

/* Joins the family, unless it cannot be judged. */
static void add_comparison(struct family *family, size_t arm, enum ab_metric metric)
{
	struct ab_result *result = family->result;
	struct ab_comparison *comparison = &result->comparison[result->n_comparisons];
	struct hypothesis *hypothesis = &family->hypothesis[family->n];

	*comparison = (struct ab_comparison){
		.arm = arm,
		.metric = metric,
		.change = NAN,
		.low = NAN,
		.high = NAN,
		.verdict = AB_INVALID,
	};
	hypothesis->comparison = comparison;
	pair_up(result, hypothesis,
	        family->differences + 2 * result->n_comparisons * result->rounds);
	result->n_comparisons++;
	comparison->n = hypothesis->sample[0].n;
	if (is_void(result, comparison))
		return;
	comparison->judged = true;
	set_limits(hypothesis, family->policy, &result->floor[metric]);
	hypothesis->p = p_value(hypothesis);
	family->n++;
}

/* ---- Its interval and verdict --------------------------------------------------------------- */

/* The interval at @confidence; 1 if so few pairs have none: then as wide as there is. Or -errno. */
static int find_effect(const struct sample *sample, double confidence, double least_confidence,
                       struct paired_effect *ret)
{
	double widest = 1 - 2 * paired_sign_p(sample->n, sample->n);
	int err = paired_effect(sample->differences, sample->n, confidence, ret);

	if (err != -EDOM)
		return err;
	err = paired_effect(sample->differences, sample->n, fmax(widest, least_confidence), ret);
	return err ? err : 1;
}

/*
 * The interval at @confidence; false if so few pairs have none. The effect is that of the valid
 * pairs, whatever the interval spans.
 */
static bool set_interval(const struct hypothesis *hypothesis, double confidence,
                         double least_confidence, struct paired_effect *ret_effect)
{
	struct ab_comparison *comparison = hypothesis->comparison;
	struct paired_effect effect, all;
	int narrower = find_effect(&hypothesis->sample[0], confidence, least_confidence, &effect);

	if (narrower < 0)
		return false;
	if (hypothesis->n_samples > 1) {
		if (find_effect(&hypothesis->sample[1], confidence, least_confidence, &all) < 0)
			return false;
		effect.low = fmin(effect.low, all.low);
		effect.high = fmax(effect.high, all.high);
	}
	comparison->change = judge_change(comparison->metric, effect.median);
	comparison->low = judge_change(comparison->metric, effect.low);
	comparison->high = judge_change(comparison->metric, effect.high);
	comparison->confidence = effect.confidence;
	*ret_effect = effect;
	return !narrower;
}

/* Whether this step rejects its hypothesis; then it has its verdict. */
static bool reject(const struct hypothesis *hypothesis, double confidence, double least_confidence)
{
	struct paired_effect effect;

	if (!set_interval(hypothesis, confidence, least_confidence, &effect))
		return false;
	if (effect.low > hypothesis->beyond_up)
		hypothesis->comparison->verdict = AB_WORSE;
	else if (effect.high < -hypothesis->beyond_down)
		hypothesis->comparison->verdict = AB_BETTER;
	else
		return false;
	return true;
}

static void set_why(struct ab_comparison *comparison, const char *why)
{
	snprintf(comparison->why, sizeof(comparison->why), "%s", why);
}

static const char *why_undecided(const struct hypothesis *hypothesis,
                                 const struct paired_effect *effect)
{
	if (effect->low > hypothesis->margin_up || effect->high < -hypothesis->margin_down)
		return hypothesis->n_samples > 1
		               ? "within the noise of equal arms, rejected blocks included"
		               : "within the noise of equal arms";
	return hypothesis->n_samples > 1
	               ? "the interval, with and without the blocks that the gates rejected "
	                 "unequally, crosses the margin"
	               : "the interval crosses the margin";
}

/* Of a hypothesis that was not rejected. */
static void judge_rest(const struct hypothesis *hypothesis, double confidence,
                       double least_confidence, size_t remaining)
{
	struct ab_comparison *comparison = hypothesis->comparison;
	struct paired_effect effect;

	comparison->verdict = AB_INCONCLUSIVE;
	if (!set_interval(hypothesis, confidence, least_confidence, &effect))
		snprintf(comparison->why, sizeof(comparison->why),
		         "%zu pairs are too few to judge %zu figures at once", comparison->n,
		         remaining);
	else if (effect.high > hypothesis->margin_up || effect.low < -hypothesis->margin_down)
		set_why(comparison, why_undecided(hypothesis, &effect));
	else if (hypothesis->beyond_up > hypothesis->margin_up)
		set_why(comparison, "the noise of equal arms is above the margin");
	else
		comparison->verdict = AB_EQUIVALENT;
}

/* ---- All of them ---------------------------------------------------------------------------- */

static int by_p(const void *a, const void *b)
{
	const struct hypothesis *x = a, *y = b;

	if (x->p != y->p)
		return (x->p > y->p) - (x->p < y->p);
	return (x->comparison > y->comparison) - (x->comparison < y->comparison);
}

static void step_down(struct family *family)
{
	double least = family->result->confidence, alpha = 1 - least;
	size_t k = 0;

	qsort(family->hypothesis, family->n, sizeof(*family->hypothesis), by_p);
	while (k < family->n &&
	       reject(&family->hypothesis[k], 1 - alpha / (double)(family->n - k), least))
		k++;
	for (size_t i = k; i < family->n; i++)
		judge_rest(&family->hypothesis[i], 1 - alpha / (double)(family->n - k), least,
		           family->n - k);
}

/* One family: CPU time, or all the rest. */
static void compare_family(struct family *family, bool cpu)
{
	family->n = 0;
	for (size_t arm = 1; arm < family->result->n_arms; arm++)
		for (int m = 0; m < AB_METRICS; m++)
			if (judge_compares_arm(&family->result->arm[arm]) &&
			    judge_compares(family->policy, m) && (m == AB_CPU) == cpu)
				add_comparison(family, arm, m);
	step_down(family);
}

int judge_compare(struct ab_result *result, const struct policy *policy)
{
	size_t n = count_comparisons(result, policy);
	struct family family = { .result = result, .policy = policy };
	int err = -ENOMEM;

	result->n_comparisons = 0;
	result->comparison = calloc(n + 1, sizeof(*result->comparison));
	family.hypothesis = calloc(n + 1, sizeof(*family.hypothesis));
	family.differences = calloc(2 * n * result->rounds + 1, sizeof(*family.differences));
	if (result->comparison && family.hypothesis && family.differences) {
		compare_family(&family, false);
		compare_family(&family, true);
		err = 0;
	}
	free(family.hypothesis);
	free(family.differences);
	return err;
}
