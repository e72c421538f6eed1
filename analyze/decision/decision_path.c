// SPDX-License-Identifier: GPL-2.0
/* What each path would make of the recorded requests, and whether the policy wants that. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision_internal.h"

/* The requests around a percentile, by rank, per mille. */
static const struct {
	unsigned int from, to;
} around[COUNTERFACTUAL_QUANTILES] = {
	[COUNTERFACTUAL_P50] = { 250, 750 },
	[COUNTERFACTUAL_P99] = { 980, 1000 },
	[COUNTERFACTUAL_P999] = { 998, 1000 },
};

/* ---- Predictions ---------------------------------------------------------------------------- */

static struct efficacy_parts parts_around(const struct maker *maker, enum counterfactual_quantile q)
{
	const struct recording_ledger *ledger = maker->in->endpoint->ledger;
	struct efficacy_parts parts = { 0, 0 };
	struct band band;

	band_sum(ledger->joint, band_rank(ledger->requests, around[q].from),
	         around[q].to == 1000 ? ledger->requests
	                              : band_rank(ledger->requests, around[q].to),
	         &band);
	if (!band.requests)
		return parts;
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		double mean = (double)band.sum_ns[i] / (double)band.requests;

		if (KTAX_TUNABLE_SET & KTAX_ACCOUNT_BIT(i))
			parts.tunable_ns += mean;
		else if (KTAX_ADDRESSABLE_SET & KTAX_ACCOUNT_BIT(i))
			parts.rest_ns += mean;
	}
	return parts;
}

static int scale(struct maker *maker, struct decision_path *path, enum counterfactual_quantile q)
{
	const struct efficacy *efficacy = &path->efficacy[q];
	enum counterfactual_part part = path->arm->role == AB_ROLE_TUNED
	                                        ? COUNTERFACTUAL_TUNABLE
	                                        : COUNTERFACTUAL_ADDRESSABLE;
	struct counterfactual_level level;
	int err = counterfactual_scaled(maker->in->counterfactual, part, efficacy->value,
	                                efficacy->replicates, EFFICACY_REPLICATES, &level);

	if (err)
		return err;
	path->known[q] = true;
	path->ns[q] = level.ns[q];
	path->gain[q] = level.gain[q];
	return 0;
}

static int predict_quantile(struct maker *maker, struct decision_path *path,
                            enum counterfactual_quantile q)
{
	struct efficacy_parts parts = parts_around(maker, q);
	struct efficacy *efficacy = &path->efficacy[q];
	const struct decision *out = maker->out;
	double alike = maker->in->policy->likeness;
	int err;

	if (!maker->in->counterfactual->enough[q]) {
		snprintf(path->why[q], sizeof(path->why[q]),
		         "too few requests were recorded for %s", quantile_title(q));
		return 0;
	}
	err = efficacy_measure(maker->in->ab, path->arm, maker->tuned[q], metric_of_quantile(q),
	                       &parts, efficacy);
	if (err)
		return err;
	memcpy(path->why[q], efficacy->why, sizeof(path->why[q]));
	if (!efficacy->known)
		return 0;
	efficacy_widen(efficacy, fmax(1, fmax(out->rate_factor, out->size_factor)), alike);
	return scale(maker, path, q);
}

/* ---- Answers -------------------------------------------------------------------------------- */

static enum decision_answer answer_need(const struct maker *maker, const struct decision_path *path)
{
	const struct policy *policy = maker->in->policy;
	enum counterfactual_quantile q = maker->out->quantile;
	double total = maker->in->counterfactual->total.ns[q].value;
	enum decision_answer answer = DECISION_YES;

	if (isfinite(policy->need))
		answer = answer_at_least(&path->gain[q], policy->need);
	if (policy->need_ns > 0 && total > 0)
		answer = answer_least(answer,
		                      answer_at_least(&path->gain[q], policy->need_ns / total));
	return answer;
}

static void say_need(struct maker *maker, struct decision_path *path)
{
	const struct policy *policy = maker->in->policy;
	enum counterfactual_quantile q = maker->out->quantile;
	const struct counterfactual_figure *gain = &path->gain[q];
	static const char *const judged[] = { "it is less, with its whole interval",
		                              "that is within its interval",
		                              "it is more, with its whole interval" };
	char needed[120] = "";

	if (isfinite(policy->need))
		snprintf(needed, sizeof(needed), "; the policy needs %s: %s",
		         text_share(policy->need).text, judged[answer_need(maker, path)]);
	else if (policy->need_ns > 0)
		snprintf(needed, sizeof(needed), "; the policy needs %s: %s",
		         text_ns(policy->need_ns).text, judged[answer_need(maker, path)]);
	reason_write(&path->reason, text_gain(gain).text,
	             from_ab(maker, "arms[%s].blocks", path->arm->path),
	             "%s: %s would go from %s to %s (%s)%s", path->arm->path, quantile_title(q),
	             text_ns(maker->in->counterfactual->total.ns[q].value).text,
	             text_ns(path->ns[q].value).text, text_gain(gain).text, needed);
}

/* A limit that is not kept, or not certainly, replaces the reason. */
static enum decision_answer judge_limit(struct maker *maker, struct decision_path *path, int metric,
                                        double limit, const char *what)
{
	const struct ab_document_change *change = &path->arm->change[metric];
	enum decision_answer answer = DECISION_MAYBE;
	char figure[64] = "not measured";

	if (isinf(limit))
		return DECISION_YES;
	if (change->present && change->verdict != AB_DOCUMENT_INVALID) {
		answer = change->high <= limit ? DECISION_YES
		         : change->low > limit ? DECISION_NO
		                               : DECISION_MAYBE;
		snprintf(figure, sizeof(figure), "%+.3g %% [%+.3g, %+.3g]", 100 * change->change,
		         100 * change->low, 100 * change->high);
	}
	if (answer < path->answer)
		reason_write(&path->reason, figure,
		             from_ab(maker, "comparisons[%s, %s]", path->arm->path, what),
		             "%s: its %s changes by %s, the policy's limit is %+.3g %%%s",
		             path->arm->path, what, figure, 100 * limit,
		             answer == DECISION_NO ? "" : ": not certainly kept");
	return answer;
}

static enum decision_answer judge_goals(struct maker *maker, struct decision_path *path)
{
	enum decision_answer worst = DECISION_YES;

	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		double goal = maker->in->policy->slo_ns[metric_of_quantile(q)];
		enum decision_answer answer;

		if (isinf(goal))
			continue;
		answer = path->known[q] ? answer_at_most(&path->ns[q], goal) : DECISION_MAYBE;
		if (answer >= worst)
			continue;
		worst = answer;
		if (answer < path->answer)
			reason_write(&path->reason,
			             path->known[q] ? text_ns(path->ns[q].value).text : "unknown",
			             from_policy(maker, "slo"),
			             "%s: with it %s would be %s, the goal is %s: %s",
			             path->arm->path, quantile_title(q),
			             path->known[q] ? text_ns(path->ns[q].value).text : "unknown",
			             text_ns(goal).text,
			             answer == DECISION_NO ? "not met" : "not certainly met");
	}
	return worst;
}

/* Fewer cores than are needed by what they were shown to carry would do: that is a doubt. */
static enum decision_answer judge_cores(struct maker *maker, struct decision_path *path)
{
	const struct economics *economics = &path->economics;
	double limit = maker->in->policy->cores_limit;
	bool doubt = !economics->polling_cores || economics->polling_least <= limit;

	if (isinf(limit) || !path->arm->cores_polling)
		return DECISION_YES;
	if (economics->polling_cores && economics->polling_cores <= limit)
		return DECISION_YES;
	reason_write(&path->reason, "cores", from_policy(maker, "limit, cores"),
	             "%s: it polls %u cores of a host, the policy's limit is %.0f%s",
	             path->arm->path, economics->polling_cores, limit,
	             doubt ? "; one core may carry more than it was shown to" : "");
	if (!doubt)
		return DECISION_NO;
	evidence_ask_sweep(maker);
	return DECISION_MAYBE;
}

static enum decision_answer judge_payback(struct maker *maker, struct decision_path *path)
{
	const struct economics *economics = &path->economics;
	double limit = maker->in->policy->economics.payback;
	bool never = economics->has_yearly && !economics->has_payback;
	char figure[40] = "none";

	if (isnan(limit) || (economics->has_payback && economics->payback_months <= limit))
		return DECISION_YES;
	if (economics->has_payback)
		snprintf(figure, sizeof(figure), "%.3g months", economics->payback_months);
	reason_write(&path->reason, figure, from_policy(maker, "economics, payback"),
	             "%s: its payback is %s%s%.150s, the policy's limit is %g months",
	             path->arm->path, figure, economics->has_payback ? "" : ": ",
	             economics->has_payback ? ""
	             : never                ? economics->payback_why
	                                    : economics->money_why,
	             limit);
	if (economics->payback_least_months <= limit) {
		evidence_ask_sweep(maker);
		return DECISION_MAYBE;
	}
	return economics->has_payback || never ? DECISION_NO : DECISION_MAYBE;
}

static void lower_answer(struct decision_path *path, enum decision_answer answer)
{
	path->answer = answer_least(path->answer, answer);
}

static void judge(struct maker *maker, struct decision_path *path)
{
	const struct policy *policy = maker->in->policy;

	path->limits = DECISION_YES;
	say_need(maker, path);
	path->answer = answer_need(maker, path);
	path->limits = answer_least(path->limits, judge_goals(maker, path));
	lower_answer(path, path->limits);
	path->limits = answer_least(path->limits, judge_limit(maker, path, AB_DOCUMENT_LOSS,
	                                                      policy->loss_limit, "loss"));
	lower_answer(path, path->limits);
	path->limits = answer_least(
		path->limits, judge_limit(maker, path, AB_DOCUMENT_CPU, policy->cpu_limit, "cpu"));
	lower_answer(path, path->limits);
	path->limits = answer_least(path->limits, judge_cores(maker, path));
	lower_answer(path, path->limits);
	path->limits = answer_least(path->limits, judge_payback(maker, path));
	lower_answer(path, path->limits);
}

static void judge_if_known(struct maker *maker, struct decision_path *path)
{
	enum counterfactual_quantile q = maker->out->quantile;

	if (path->arm->unequal) {
		path->answer = path->limits = DECISION_MAYBE;
		reason_write(&path->reason, "unequal", from_ab(maker, "validity.unequal"),
		             "%s: the gates rejected its blocks and the baseline's unequally",
		             path->arm->path);
	} else if (!path->known[q]) {
		path->answer = path->limits = DECISION_MAYBE;
		reason_write(&path->reason, "unknown", from_ab(maker, "arms[%s]", path->arm->path),
		             "%s: %s cannot be predicted: %s", path->arm->path, quantile_title(q),
		             path->why[q]);
	} else {
		judge(maker, path);
	}
}

/* ---- All of them ---------------------------------------------------------------------------- */

static void count_economics(struct maker *maker, struct decision_path *path)
{
	const struct decision_input *in = maker->in;
	enum counterfactual_quantile q = maker->out->quantile;
	double rate = in->endpoint->rate.per_second;
	const struct sweep_document_arm *swept =
		maker->out->sweep_fits ? sweep_document_find(in->sweep, path->arm->path) : NULL;
	const struct economics_load load = {
		.mean_per_second = rate,
		.peak_per_second = fmax(rate, in->peak_per_second),
		.peak_window = in->peak_per_second > 0 ? in->peak_window : NULL,
		.lossless_pps = swept && swept->lossless_pps > 0 ? swept->lossless_pps : 0,
		.lossless_at_least = swept && swept->at_least,
	};
	double gain_ns =
		path->known[q] ? in->counterfactual->total.ns[q].value - path->ns[q].value : NAN;

	economics_compute(&in->policy->economics, in->ab, path->arm, &load, gain_ns,
	                  &path->economics);
}

static bool is_candidate(const struct ab_document_arm *arm)
{
	return !arm->skipped && (arm->role == AB_ROLE_TUNED || arm->role == AB_ROLE_AF_XDP ||
	                         arm->role == AB_ROLE_DPDK);
}

static int predict(struct maker *maker, struct decision_path *path)
{
	int err = 0;

	for (int q = 0; q < COUNTERFACTUAL_QUANTILES && !err; q++)
		err = predict_quantile(maker, path, q);
	if (err)
		return err;
	count_economics(maker, path);
	path->candidate = is_candidate(path->arm);
	judge_if_known(maker, path);
	return 0;
}

int paths_predict(struct maker *maker)
{
	const struct ab_document *ab = maker->in->ab;
	struct decision *out = maker->out;
	int err = 0;

	out->path = calloc(ab->n_arms, sizeof(*out->path));
	if (!out->path)
		return -ENOMEM;
	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++)
		maker->tuned[q] = efficacy_best_tuned(ab, metric_of_quantile(q));
	for (size_t i = 0; i < ab->n_arms && !err; i++) {
		if (i == ab->baseline || ab->arm[i].role == AB_ROLE_BOUND)
			continue;
		out->path[out->n_paths].arm = &ab->arm[i];
		err = predict(maker, &out->path[out->n_paths++]);
	}
	return err;
}
