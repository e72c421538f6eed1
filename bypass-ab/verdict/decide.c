// SPDX-License-Identifier: GPL-2.0
/*
 * What the policy makes of the comparisons. A path is approved (AB_BETTER) if the whole interval of
 * the metric that decides is beyond what is needed, and it keeps the limits. Whatever is not known
 * well enough to approve or to refuse is inconclusive.
 *
 * The run is approved if any path is. What answers without a process (xdp) is compared as a bound,
 * and what takes no link (in memory) is not compared at all: neither could be deployed, so they
 * decide nothing.
 */
#include "judge.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum limit { LIMIT_KEPT, LIMIT_UNKNOWN, LIMIT_BROKEN };

struct decision {
	const struct ab_result *result;
	const struct policy *policy;
	struct ab_arm *arm;
	size_t index; /* of the arm */
};

static void say(const struct decision *decision, enum ab_verdict verdict, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void say(const struct decision *decision, enum ab_verdict verdict, const char *format, ...)
{
	struct ab_arm *arm = decision->arm;
	va_list arguments;
	int length = snprintf(arm->reason, sizeof(arm->reason), "%s: ", arm->type->name);

	arm->verdict = verdict;
	va_start(arguments, format);
	vsnprintf(arm->reason + length, sizeof(arm->reason) - (size_t)length, format, arguments);
	va_end(arguments);
}

struct phrase {
	char text[96];
};

/* "p99.9" for people. */
static const char *metric_title(enum ab_metric metric)
{
	static const char *const titles[AB_METRICS] = {
		[AB_P50] = "p50",    [AB_P90] = "p90",   [AB_P99] = "p99",
		[AB_P999] = "p99.9", [AB_LOSS] = "loss", [AB_CPU] = "CPU time per request",
	};

	return titles[metric];
}

/* "38 % lower [-41, -35]", "0.2 points more [0.1, 0.3]" */
static struct phrase describe(const struct ab_comparison *c)
{
	bool points = judge_is_difference(c->metric);
	double size = 100 * fabs(c->change);
	int digits = points ? 3 : size < 9.95 ? 1 : 0;
	struct phrase phrase;

	snprintf(phrase.text, sizeof(phrase.text), "%.*f %s %s [%+.*f, %+.*f]", digits, size,
	         points ? "points" : "%",
	         points ? (c->change < 0 ? "less" : "more") : (c->change < 0 ? "lower" : "higher"),
	         digits, 100 * c->low, digits, 100 * c->high);
	return phrase;
}

/* ---- Limits --------------------------------------------------------------------------------- */

/* The mean over the pairs that ran and failed no gate but @forgiven; NAN: there are none. */
static double mean_excess(const struct decision *decision, unsigned int forgiven)
{
	const struct ab_result *result = decision->result;
	const struct ab_block *a = result->block, *b = a + decision->index * result->rounds;
	double sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < result->rounds; i++) {
		if (!judge_block_has_run(&a[i]) || !judge_block_has_run(&b[i]) ||
		    (a[i].gates | b[i].gates) & ~forgiven)
			continue;
		sum += b[i].metric[AB_LOSS] - a[i].metric[AB_LOSS];
		n++;
	}
	return n ? sum / (double)n : NAN;
}

/*
 * How much more was lost over all pairs: a median does not see what few blocks lose. A block without
 * a single response is rejected, and is loss all the same; so may be what else was rejected, where
 * that was unequal.
 */
static double excess_loss(const struct decision *decision)
{
	double excess = fmax(mean_excess(decision, 0), mean_excess(decision, AB_GATE_SILENT));

	return decision->arm->unequal ? fmax(excess, mean_excess(decision, ~0U)) : excess;
}

static enum limit check_limit(const struct decision *decision, enum ab_metric metric, double limit)
{
	const struct ab_comparison *c =
		ab_find_comparison(decision->result, decision->index, metric);
	const struct ab_floor *floor = &decision->result->floor[metric];

	if (isinf(limit))
		return LIMIT_KEPT;
	if (!c || !c->judged)
		return LIMIT_UNKNOWN;
	if (c->low > fmax(limit, decision->arm->unequal ? floor->of_all : floor->floor))
		return LIMIT_BROKEN;
	if (metric == AB_LOSS && !(excess_loss(decision) <= limit))
		return LIMIT_UNKNOWN;
	return c->high <= limit ? LIMIT_KEPT : LIMIT_UNKNOWN;
}

static bool say_broken(const struct decision *decision, enum ab_metric metric, double limit)
{
	const struct ab_comparison *c =
		ab_find_comparison(decision->result, decision->index, metric);

	if (check_limit(decision, metric, limit) != LIMIT_BROKEN)
		return false;
	say(decision, AB_WORSE, "%s is %s, the policy's limit is %g %s", metric_title(metric),
	    describe(c).text, 100 * limit, metric == AB_LOSS ? "points" : "%");
	return true;
}

static bool say_unknown(const struct decision *decision, enum ab_metric metric, double limit)
{
	if (check_limit(decision, metric, limit) != LIMIT_UNKNOWN)
		return false;
	if (metric == AB_LOSS && excess_loss(decision) > limit)
		say(decision, AB_INCONCLUSIVE,
		    "it lost %.3f points more of all requests than the baseline, in too few blocks "
		    "to blame it; the policy's limit is %g points",
		    100 * excess_loss(decision), 100 * limit);
	else
		say(decision, AB_INCONCLUSIVE,
		    "it is not certain that %s keeps the policy's limit of %g %s",
		    metric_title(metric), 100 * limit, metric == AB_LOSS ? "points" : "%");
	return true;
}

/* ---- The gain ------------------------------------------------------------------------------- */

/* Of a metric that is better: is it enough? */
static void decide_gain(const struct decision *decision, const struct ab_comparison *c)
{
	double need = decision->policy->need;
	const char *metric = metric_title(c->metric);

	if (c->high < -need || isinf(need))
		say(decision, AB_BETTER, "%s is %s than with %s", metric, describe(c).text,
		    decision->result->arm[0].type->name);
	else if (c->low > -need)
		say(decision, AB_EQUIVALENT, "%s is %s: better, but the policy needs %g %%", metric,
		    describe(c).text, 100 * need);
	else
		say(decision, AB_INCONCLUSIVE,
		    "%s is %s: it may or may not be the %g %% that the policy needs", metric,
		    describe(c).text, 100 * need);
}

static void decide_metric(const struct decision *decision, const struct ab_comparison *c)
{
	const char *metric = metric_title(c->metric);

	switch (c->verdict) {
	case AB_BETTER:
		decide_gain(decision, c);
		break;
	case AB_WORSE:
		say(decision, AB_WORSE, "%s is %s than with %s", metric, describe(c).text,
		    decision->result->arm[0].type->name);
		break;
	case AB_EQUIVALENT:
		/* Where nothing is needed, being no worse is enough. */
		say(decision, isinf(decision->policy->need) ? AB_BETTER : AB_EQUIVALENT,
		    "%s does not differ by %g %% or more [%+.1f, %+.1f]", metric,
		    100 * decision->policy->margin, 100 * c->low, 100 * c->high);
		break;
	case AB_INCONCLUSIVE:
		say(decision, AB_INCONCLUSIVE, "%s is %s: %s", metric, describe(c).text, c->why);
		break;
	case AB_INVALID:
		say(decision, AB_INVALID, "%s: %s", metric, c->why);
		break;
	}
}

static void decide_arm(const struct decision *decision)
{
	const struct policy *policy = decision->policy;
	const struct ab_comparison *c = ab_find_comparison(decision->result, decision->index,
	                                                   (enum ab_metric)policy->metric);

	if (!c)
		say(decision, AB_INVALID, "not compared: it takes no link, as the baseline does");
	else if (say_broken(decision, AB_LOSS, policy->loss_limit) ||
	         say_broken(decision, AB_CPU, policy->cpu_limit))
		return;
	else
		decide_metric(decision, c);
	if (decision->arm->verdict == AB_BETTER &&
	    !say_unknown(decision, AB_LOSS, policy->loss_limit))
		say_unknown(decision, AB_CPU, policy->cpu_limit);
}

/* ---- The run -------------------------------------------------------------------------------- */

/* Which of two paths' verdicts is that of the run: the first here. */
static int precedence(enum ab_verdict verdict)
{
	static const int order[] = {
		[AB_BETTER] = 0,     [AB_INCONCLUSIVE] = 1, [AB_INVALID] = 2,
		[AB_EQUIVALENT] = 3, [AB_WORSE] = 4,
	};

	return order[verdict];
}

/* Among equal verdicts, the lower metric; what is not known comes last. */
static bool goes_first(const struct ab_result *result, const struct policy *policy, size_t a,
                       size_t b)
{
	const struct ab_comparison *x = ab_find_comparison(result, a, policy->metric);
	const struct ab_comparison *y = ab_find_comparison(result, b, policy->metric);
	int order = precedence(result->arm[a].verdict) - precedence(result->arm[b].verdict);

	if (order)
		return order < 0;
	return x && (!y || x->change < y->change || (!isnan(x->change) && isnan(y->change)));
}

static void decide_run(struct ab_result *result, const struct policy *policy)
{
	result->decisive = 0;
	for (size_t i = 1; i < result->n_arms; i++)
		if (judge_is_candidate(&result->arm[i]) &&
		    (!result->decisive || goes_first(result, policy, i, result->decisive)))
			result->decisive = i;
	result->verdict = AB_INVALID;
	if (!result->decisive) {
		snprintf(result->reason, sizeof(result->reason),
		         "no path ran that could replace the baseline");
		return;
	}
	result->verdict = result->arm[result->decisive].verdict;
	memcpy(result->reason, result->arm[result->decisive].reason, sizeof(result->reason));
}

void judge_decide(struct ab_result *result, const struct policy *policy)
{
	for (size_t i = 1; i < result->n_arms; i++) {
		struct decision decision = { result, policy, &result->arm[i], i };

		if (!result->arm[i].skipped)
			decide_arm(&decision);
	}
	decide_run(result, policy);
}
