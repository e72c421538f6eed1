/* SPDX-License-Identifier: GPL-2.0 */
/* A series: one kind of load, and the paired comparison of every arm with none under it. */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arm.h"
#include "paired.h"
#include "window.h"

#define PAIRS_MAX  1000
#define CONFIDENCE 0.95

struct series_arm {
	size_t tried;                               /* pairs */
	size_t n[METRIC_COUNT];                     /* of them have that figure in both windows */
	double difference[METRIC_COUNT][PAIRS_MAX]; /* of logarithms, or in ns */
	struct paired_effect effect[METRIC_COUNT];  /* n = 0: too few such pairs */
	/* Means over the windows with this arm. */
	double quiet, delay, steal, preempted_per_s;
};

struct series {
	const char *name, *title;
	bool has[METRIC_COUNT];
	double baseline[METRIC_COUNT]; /* median of the windows without probes */
	double open_rate;              /* requests per second offered, 0: closed loop */
	bool used[ARM_COUNT];
	struct series_arm arm[ARM_COUNT];
};

struct series_options {
	struct window_options window;
	struct arms *arms;
	size_t pairs, tries; /* wanted with every figure, and to be tried at most */
	bool patient;        /* waits a while for others to detach their probes */
	struct paired_order *order;
	void (*progress)(const char *text);
};

/*
 * Measures pairs for every arm in series->used, in random order, and the two windows of a pair in
 * random order, until options->pairs of them have every figure or options->tries were tried.
 * -errno.
 */
int series_run(struct series *series, const struct series_options *options);

/* An effect as a change of the figure: ratio - 1, or ns. */
double series_change(enum metric metric, double difference);

#endif
