// SPDX-License-Identifier: GPL-2.0
/* Replicates of figures, and the intervals that they give. */
#include "counterfactual_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Half a bucket of the kernel side's histograms, as a share of the value. */
#define HALF_BUCKET (1.0 / (1 << KTAX_HIST_MAGNITUDE))

int replicates_init(struct replicates *replicates, size_t n_figures, size_t n, size_t n_blocks,
                    uint64_t seed)
{
	*replicates = (struct replicates){ .n = n, .n_figures = n_figures };
	replicates->values = calloc(n_figures * n, sizeof(*replicates->values));
	replicates->weights = calloc(n_blocks, sizeof(*replicates->weights));
	bootstrap_init(&replicates->bootstrap, n_blocks, seed);
	return replicates->values && replicates->weights ? 0 : -ENOMEM;
}

void replicates_free(struct replicates *replicates)
{
	free(replicates->values);
	free(replicates->weights);
}

void replicates_draw(struct replicates *replicates)
{
	bootstrap_draw(&replicates->bootstrap, replicates->weights);
}

static void replicates_set(struct replicates *replicates, size_t figure, size_t replicate,
                           double value)
{
	replicates->values[figure * replicates->n + replicate] = value;
}

/* The interval of @figure, widened by @resolution at both ends and to hold the estimate. */
static void set_interval(struct replicates *replicates, size_t index, double confidence,
                         double resolution, struct counterfactual_figure *figure)
{
	struct interval interval = bootstrap_interval(&replicates->bootstrap,
	                                              replicates->values + index * replicates->n,
	                                              replicates->n, confidence);

	figure->interval.low = fmin(interval.low - resolution, figure->value);
	figure->interval.high = fmax(interval.high + resolution, figure->value);
	figure->has_interval = true;
}

double gain_of(double ns, double total_ns)
{
	return total_ns > 0 ? 1 - ns / total_ns : 0;
}

void level_set(struct counterfactual_level *level, const double ns[Q], const double total[Q])
{
	for (int q = 0; q < Q; q++) {
		level->ns[q].value = ns[q];
		level->gain[q].value = gain_of(ns[q], total[q]);
	}
}

void level_replicate(struct replicates *replicates, size_t first, size_t replicate,
                     const double ns[Q], const double total[Q])
{
	for (int q = 0; q < Q; q++) {
		replicates_set(replicates, first + (size_t)q, replicate, ns[q]);
		replicates_set(replicates, first + Q + (size_t)q, replicate,
		               gain_of(ns[q], total[q]));
	}
}

void level_intervals(struct replicates *replicates, size_t first, double confidence,
                     struct counterfactual_level *level)
{
	for (size_t q = 0; q < Q; q++) {
		struct counterfactual_figure *ns = &level->ns[q], *gain = &level->gain[q];
		double remains = 1 - gain->value;

		set_interval(replicates, first + q, confidence, HALF_BUCKET * ns->value, ns);
		ns->interval.low = fmax(0, ns->interval.low);
		set_interval(replicates, first + Q + q, confidence, HALF_BUCKET * remains, gain);
	}
}

void level_clamp_gains(struct counterfactual_level *level)
{
	for (int q = 0; q < Q; q++) {
		level->gain[q].interval.low = fmax(0, level->gain[q].interval.low);
		level->gain[q].interval.high = fmin(1, level->gain[q].interval.high);
	}
}
