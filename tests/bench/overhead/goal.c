// SPDX-License-Identifier: GPL-2.0
#include "result.h"

const struct goal goals[] = {
	{ LOAD_REDIS_50, ARM_FULL, METRIC_SERVER_NS, 900, false },
	{ LOAD_REDIS_50, ARM_LIGHT, METRIC_SERVER_NS, 400, false },
	{ LOAD_REDIS_50, ARM_LIGHT, METRIC_RATE, -0.02, true },
	{ LOAD_REDIS_50, ARM_FULL_UNMATCHED, METRIC_SERVER_NS, 100, false },
	{ LOAD_REDIS_50, ARM_LIGHT_UNMATCHED, METRIC_SERVER_NS, 100, false },
	{ LOAD_REDIS_RECORDER, ARM_RECORDER, METRIC_RATE, -0.01, true },
	{ LOAD_NGINX, ARM_FULL, METRIC_P99_NS, 0.03, false },
	{ LOAD_NGINX, ARM_LIGHT, METRIC_P99_NS, 0.03, false },
};

const size_t n_goals = sizeof(goals) / sizeof(goals[0]);

const char *goal_verdict(const struct goal *goal, const struct result *result)
{
	const struct paired_effect *effect =
		&result->series[goal->load].arm[goal->arm].effect[goal->metric];
	double low = series_change(goal->metric, effect->low);
	double high = series_change(goal->metric, effect->high);

	if (!effect->n)
		return "open";
	if (goal->is_minimum)
		return low >= goal->limit ? "met" : high < goal->limit ? "missed" : "open";
	return high <= goal->limit ? "met" : low > goal->limit ? "missed" : "open";
}
