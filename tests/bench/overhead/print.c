// SPDX-License-Identifier: GPL-2.0
#include "result.h"

#include <math.h>

/* A change in its unit: "-12.3 %" or "+890 ns". */
struct text {
	char text[32];
};

static struct text change_text(enum metric metric, double change)
{
	struct text text;

	if (metric_info[metric].is_difference)
		snprintf(text.text, sizeof(text.text), "%+.0f ns", change);
	else
		snprintf(text.text, sizeof(text.text), "%+.1f %%", 100 * change);
	return text;
}

static struct text interval_text(enum metric metric, const struct paired_effect *effect)
{
	bool ns = metric_info[metric].is_difference;
	double unit = ns ? 1 : 100;
	struct text text;

	snprintf(text.text, sizeof(text.text), ns ? "[%+.0f, %+.0f]" : "[%+.1f, %+.1f]",
	         unit * series_change(metric, effect->low),
	         unit * series_change(metric, effect->high));
	return text;
}

static struct text floor_text(enum metric metric, const struct series *series)
{
	const struct paired_effect *same = &series->arm[ARM_OFF].effect[metric];
	struct text text = { "-" };

	if (same->n)
		text = change_text(metric, series_change(metric, paired_floor(same)));
	return text;
}

static void print_effect(const struct series *series, enum arm arm, enum metric metric, FILE *file)
{
	const struct series_arm *state = &series->arm[arm];
	const struct paired_effect *effect = &state->effect[metric];

	if (!effect->n)
		fprintf(file, "    %-20s too few undisturbed pairs (%zu)\n",
		        metric_info[metric].title, state->n[metric]);
	else
		fprintf(file, "    %-20s %9s  %-18s %3zu  %9s\n", metric_info[metric].title,
		        change_text(metric, series_change(metric, effect->median)).text,
		        interval_text(metric, effect).text, effect->n,
		        floor_text(metric, series).text);
}

static void print_arm(const struct series *series, enum arm arm, FILE *file)
{
	const struct series_arm *state = &series->arm[arm];

	fprintf(file,
	        "  %s: %zu pairs tried; its windows were quiet for %.0f %%, the server "
	        "waited %.1f %%, was preempted %.0f times/s, steal %.1f %%\n",
	        arm_info[arm].title, state->tried, 100 * state->quiet, 100 * state->delay,
	        state->preempted_per_s, 100 * state->steal);
	for (int metric = 0; metric < METRIC_COUNT; metric++)
		if (series->has[metric])
			print_effect(series, arm, metric, file);
}

static void print_baseline(const struct series *series, FILE *file)
{
	fprintf(file, "  without probes:");
	for (int metric = 0; metric < METRIC_COUNT; metric++)
		if (series->has[metric])
			fprintf(file, "%s %.0f%s %s", metric ? "," : "", series->baseline[metric],
			        metric == METRIC_RATE ? "" : " ns", metric_info[metric].title);
	fprintf(file, "\n    %-20s %9s  %-18s %3s  %9s\n", "metric", "change", "95 % interval", "n",
	        "A/A floor");
}

static void print_breakdown(const char *arm, const struct breakdown *breakdown, FILE *file)
{
	if (!breakdown->n)
		return;
	fprintf(file,
	        "  %s, by program, without what calling it takes; counting costs too:\n"
	        "    %-28s %13s %8s %11s\n",
	        arm, "program", "runs/request", "ns/run", "ns/request");
	for (size_t i = 0; i < breakdown->n; i++) {
		const struct program_cost *program = &breakdown->program[i];

		fprintf(file, "    %-28s %13.2f %8.0f %11.0f\n", program->program,
		        program->runs_per_request, program->ns_per_run,
		        program->runs_per_request * program->ns_per_run);
	}
	fprintf(file, "    %-28s %13s %8s %11.0f\n", "all", "", "", breakdown->ns_per_request);
}

static void print_goals(const struct result *result, FILE *file)
{
	fprintf(file, "\nGoals\n");
	for (size_t i = 0; i < n_goals; i++) {
		const struct goal *goal = &goals[i];
		const struct series *series = &result->series[goal->load];
		const struct paired_effect *effect = &series->arm[goal->arm].effect[goal->metric];

		if (!series->title)
			continue;
		fprintf(file, "  %-30s %-16s %-18s %s %-9s", series->title,
		        arm_info[goal->arm].title, metric_info[goal->metric].title,
		        goal->is_minimum ? ">=" : "<=",
		        change_text(goal->metric, goal->limit).text);
		if (effect->n)
			fprintf(file, " %s %s",
			        change_text(goal->metric,
			                    series_change(goal->metric, effect->median))
			                .text,
			        interval_text(goal->metric, effect).text);
		fprintf(file, ": %s\n", goal_verdict(goal, result));
	}
}

void result_print(const struct result *result, FILE *file)
{
	fprintf(file,
	        "Median change of paired windows of %g s, %zu pairs, with its 95 %% interval;\n"
	        "A/A floor: what the same comparison finds between nothing and nothing.\n",
	        result->seconds_per_window, result->pairs);
	for (int load = 0; load < LOAD_COUNT; load++) {
		const struct series *series = &result->series[load];

		if (!series->title)
			continue;
		fprintf(file, "\n%s\n", series->title);
		print_baseline(series, file);
		for (int arm = 0; arm < ARM_COUNT; arm++)
			if (series->used[arm])
				print_arm(series, arm, file);
		print_breakdown(arm_info[ARM_FULL].title, &result->full[load], file);
		print_breakdown(arm_info[ARM_LIGHT].title, &result->light[load], file);
	}
	print_goals(result, file);
}
