// SPDX-License-Identifier: GPL-2.0
#include "result.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <sys/utsname.h>
#include <unistd.h>

/* JSON has no infinity and no NAN. */
static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *effect_json(const struct series *series, enum arm arm, enum metric metric)
{
	const struct paired_effect *effect = &series->arm[arm].effect[metric];
	const struct paired_effect *same = &series->arm[ARM_OFF].effect[metric];

	if (!effect->n)
		return json_null();
	return json_pack("{s:s, s:o, s:[o, o], s:i, s:o}", "unit",
	                 metric_info[metric].is_difference ? "ns" : "ratio - 1", "change",
	                 number(series_change(metric, effect->median)), "ci",
	                 number(series_change(metric, effect->low)),
	                 number(series_change(metric, effect->high)), "n", (int)effect->n, "floor",
	                 same->n ? number(series_change(metric, paired_floor(same))) : json_null());
}

static json_t *arm_json(const struct series *series, enum arm arm)
{
	const struct series_arm *state = &series->arm[arm];
	json_t *metrics = json_object();

	for (int metric = 0; metric < METRIC_COUNT; metric++)
		if (series->has[metric])
			json_object_set_new(metrics, metric_info[metric].name,
			                    effect_json(series, arm, metric));
	return json_pack("{s:s, s:i, s:f, s:f, s:f, s:f, s:o}", "arm", arm_info[arm].name,
	                 "pairs_tried", (int)state->tried, "quiet", state->quiet,
	                 "server_run_delay", state->delay, "server_preempted_per_s",
	                 state->preempted_per_s, "steal", state->steal, "metrics", metrics);
}

static json_t *breakdown_json(const struct breakdown *breakdown)
{
	json_t *array = json_array();

	for (size_t i = 0; i < breakdown->n; i++) {
		const struct program_cost *program = &breakdown->program[i];

		json_array_append_new(array,
		                      json_pack("{s:s, s:s, s:f, s:f}", "boundary",
		                                program->boundary, "program", program->program,
		                                "runs_per_request", program->runs_per_request,
		                                "ns_per_run", program->ns_per_run));
	}
	return array;
}

static json_t *load_json(const struct result *result, enum load load)
{
	const struct series *series = &result->series[load];
	json_t *baseline = json_object(), *arms = json_array();

	for (int metric = 0; metric < METRIC_COUNT; metric++)
		if (series->has[metric])
			json_object_set_new(baseline, metric_info[metric].name,
			                    number(series->baseline[metric]));
	for (int arm = 0; arm < ARM_COUNT; arm++)
		if (series->used[arm])
			json_array_append_new(arms, arm_json(series, arm));
	return json_pack("{s:s, s:f, s:o, s:o, s:{s:o, s:o}}", "load", series->name,
	                 "offered_per_s", series->open_rate, "baseline", baseline, "arms", arms,
	                 "programs", arm_info[ARM_FULL].name, breakdown_json(&result->full[load]),
	                 arm_info[ARM_LIGHT].name, breakdown_json(&result->light[load]));
}

static json_t *goals_json(const struct result *result)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n_goals; i++)
		if (result->series[goals[i].load].name)
			json_array_append_new(
				array, json_pack("{s:s, s:s, s:s, s:f, s:s}", "load",
			                         result->series[goals[i].load].name, "arm",
			                         arm_info[goals[i].arm].name, "metric",
			                         metric_info[goals[i].metric].name,
			                         goals[i].is_minimum ? "at_least" : "at_most",
			                         goals[i].limit, "verdict",
			                         goal_verdict(&goals[i], result)));
	return array;
}

static json_t *host_json(void)
{
	struct utsname name;

	uname(&name);
	return json_pack("{s:s, s:s, s:i}", "kernel", name.release, "machine", name.machine, "cpus",
	                 (int)sysconf(_SC_NPROCESSORS_ONLN));
}

int result_write_json(const struct result *result, const char *path)
{
	json_t *loads = json_array(), *root;
	int err;

	for (int load = 0; load < LOAD_COUNT; load++)
		if (result->series[load].name)
			json_array_append_new(loads, load_json(result, load));
	root = json_pack("{s:s, s:o, s:{s:i, s:f, s:f, s:I}, s:o, s:o}", "schema",
	                 "ktax.bench.overhead/1", "host", host_json(), "design", "pairs",
	                 (int)result->pairs, "seconds_per_window", result->seconds_per_window,
	                 "confidence", CONFIDENCE, "order_seed", (json_int_t)result->seed, "loads",
	                 loads, "goals", goals_json(result));
	if (!root)
		return -ENOMEM;
	err = json_dump_file(root, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) ? -EIO : 0;
	json_decref(root);
	return err;
}
