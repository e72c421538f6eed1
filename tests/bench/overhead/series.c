// SPDX-License-Identifier: GPL-2.0
#include "series.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "host.h"

#define QUIET_PATIENCE 50 /* times 0.1 s */

/* Figures of the windows without probes, for the baseline. */
struct baseline {
	double figure[METRIC_COUNT][ARM_COUNT * PAIRS_MAX];
	size_t n[METRIC_COUNT];
};

static double difference(enum metric metric, const struct window *off, const struct window *on)
{
	double a = off->figure[metric], b = on->figure[metric];

	return metric_info[metric].is_difference ? b - a : paired_log_ratio(a, b);
}

double series_change(enum metric metric, double d)
{
	return metric_info[metric].is_difference ? d : paired_change(d);
}

static void keep_baseline(struct baseline *baseline, const struct window *window)
{
	const size_t room = sizeof(baseline->figure[0]) / sizeof(baseline->figure[0][0]);

	for (int metric = 0; metric < METRIC_COUNT; metric++)
		if (!isnan(window->figure[metric]) && baseline->n[metric] < room)
			baseline->figure[metric][baseline->n[metric]++] = window->figure[metric];
}

static void update_mean(double *mean, double value, size_t n)
{
	*mean += (value - *mean) / (double)n;
}

static void keep_pair(struct series_arm *arm, const struct window *off, const struct window *on)
{
	size_t n = ++arm->tried;

	update_mean(&arm->quiet, on->quiet, n);
	update_mean(&arm->delay, on->server_delay, n);
	update_mean(&arm->steal, on->steal, n);
	update_mean(&arm->preempted_per_s, on->preempted_per_s, n);
	for (int metric = 0; metric < METRIC_COUNT; metric++) {
		double d = difference(metric, off, on);

		if (!isnan(d) && arm->n[metric] < PAIRS_MAX)
			arm->difference[metric][arm->n[metric]++] = d;
	}
}

/*
 * Somebody else's recorder is a disturbance that lasts: rather than measure windows that will be
 * rejected, waits a while for it to go.
 */
static void wait_for_quiet(void)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	for (int i = 0; i < QUIET_PATIENCE && host_foreign_links(0); i++)
		nanosleep(&pause, NULL);
}

static int measure(const struct series_options *options, enum arm arm, struct window *ret_window)
{
	struct window_options window = options->window;
	int err = arms_switch(options->arms, arm);

	window.recorder = arms_recorder(options->arms);
	return err ? err : window_measure(&window, ret_window);
}

/* One pair, off and @arm, in random order. */
static int run_pair(struct series *series, const struct series_options *options, enum arm arm,
                    struct baseline *baseline)
{
	bool arm_first = paired_order_draw(options->order, 2);
	struct window first, second, *off, *on;
	int err;

	if (options->patient)
		wait_for_quiet();
	err = measure(options, arm_first ? arm : ARM_OFF, &first);

	if (!err)
		err = measure(options, arm_first ? ARM_OFF : arm, &second);
	if (err)
		return err;
	on = arm_first ? &first : &second;
	off = arm_first ? &second : &first;
	keep_pair(&series->arm[arm], off, on);
	keep_baseline(baseline, off);
	return 0;
}

/* Pairs that have every figure of the series. */
static size_t complete_pairs(const struct series *series, enum arm arm)
{
	size_t least = SIZE_MAX;

	for (int metric = 0; metric < METRIC_COUNT; metric++)
		if (series->has[metric] && series->arm[arm].n[metric] < least)
			least = series->arm[arm].n[metric];
	return least;
}

static bool arm_is_done(const struct series *series, enum arm arm,
                        const struct series_options *options)
{
	return !series->used[arm] || complete_pairs(series, arm) >= options->pairs ||
	       series->arm[arm].tried >= options->tries;
}

/* A pair for every arm that still lacks some; *ret_done: none did. */
static int run_round(struct series *series, const struct series_options *options,
                     struct baseline *baseline, bool *ret_done)
{
	unsigned int order[ARM_COUNT], n = 0;
	int err = 0;

	for (unsigned int arm = 0; arm < ARM_COUNT; arm++)
		if (!arm_is_done(series, arm, options))
			order[n++] = arm;
	paired_order_shuffle(options->order, order, n);
	for (unsigned int i = 0; !err && i < n; i++)
		err = run_pair(series, options, order[i], baseline);
	*ret_done = !n;
	return err;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void conclude(struct series *series, struct baseline *baseline)
{
	for (int metric = 0; metric < METRIC_COUNT; metric++) {
		size_t n = baseline->n[metric];

		qsort(baseline->figure[metric], n, sizeof(double), compare);
		series->baseline[metric] = n ? baseline->figure[metric][n / 2] : NAN;
		for (int arm = 0; arm < ARM_COUNT; arm++) {
			struct series_arm *state = &series->arm[arm];

			paired_effect(state->difference[metric], state->n[metric], CONFIDENCE,
			              &state->effect[metric]);
		}
	}
}

static void tell(const struct series *series, const struct series_options *options)
{
	char text[160];
	int length = snprintf(text, sizeof(text), "%s:", series->title);

	for (int arm = 0; arm < ARM_COUNT; arm++)
		if (series->used[arm] && length < (int)sizeof(text))
			length += snprintf(text + length, sizeof(text) - (size_t)length,
			                   "  %s %zu/%zu", arm_info[arm].name,
			                   complete_pairs(series, arm), options->pairs);
	options->progress(text);
}

int series_run(struct series *series, const struct series_options *options)
{
	struct baseline *baseline = calloc(1, sizeof(*baseline));
	bool done = false;
	int err = 0;

	if (!baseline)
		return -ENOMEM;
	while (!err && !done) {
		err = run_round(series, options, baseline, &done);
		tell(series, options);
	}
	if (!err)
		err = arms_switch(options->arms, ARM_OFF);
	conclude(series, baseline);
	free(baseline);
	return err;
}
