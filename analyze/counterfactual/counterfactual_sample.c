// SPDX-License-Identifier: GPL-2.0
/*
 * The ranking by sampled requests: exact for each of them, and so without a bound, but of a part of
 * the requests only. Blocks are the seconds in which the requests began.
 */
#include "counterfactual_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

static bool has_intervals(const struct counterfactual *counterfactual)
{
	return counterfactual->data->sample.n_blocks >= COUNTERFACTUAL_BLOCKS_MIN;
}

static bool is_enough(const struct counterfactual *counterfactual, int q)
{
	return counterfactual->data->sample.n >=
	       counterfactual_requests_needed((enum counterfactual_quantile)q);
}

/* Puts what the sample gives in the place of what the joint table gave. */
static void take_over(const struct counterfactual *counterfactual,
                      const struct counterfactual_level *level,
                      struct counterfactual_removal *removal)
{
	for (int q = 0; q < Q; q++) {
		struct counterfactual_figure *ns = &removal->level.ns[q];
		double total = counterfactual->total.ns[q].value;

		if (!is_enough(counterfactual, q))
			continue;
		removal->source[q] = COUNTERFACTUAL_SAMPLE;
		removal->level.gain[q] = level->gain[q];
		*ns = level->ns[q];
		/* From the sample's own total to that of all requests. */
		ns->value = (1 - level->gain[q].value) * total;
		ns->interval.low = fmin(ns->interval.low, ns->value);
		ns->interval.high = fmax(ns->interval.high, ns->value);
	}
}

static int replicate_values(const struct counterfactual *counterfactual,
                            const struct sample_values *values, const struct sample_values *totals,
                            struct counterfactual_level *level)
{
	const struct counterfactual_options *options = &counterfactual->options;
	struct replicates replicates;
	double ns[Q], total[Q];
	int error = replicates_init(&replicates, LEVEL_FIGURES, options->n_replicates,
	                            counterfactual->data->sample.n_blocks, options->seed);

	/* The seed is the same for all: account by account, the draws are alike. */
	for (size_t r = 0; r < options->n_replicates && !error; r++) {
		replicates_draw(&replicates);
		sample_values_quantiles(totals, replicates.weights, counterfactual_share_below, Q,
		                        total);
		sample_values_quantiles(values, replicates.weights, counterfactual_share_below, Q,
		                        ns);
		level_replicate(&replicates, 0, r, ns, total);
	}
	if (!error) {
		level_intervals(&replicates, 0, options->confidence, level);
		level_clamp_gains(level);
	}
	replicates_free(&replicates);
	return error;
}

static int rank_removal(const struct counterfactual *counterfactual,
                        const struct sample_values *totals, int account, double fraction,
                        struct counterfactual_removal *removal)
{
	struct counterfactual_level level = { 0 };
	struct sample_values values;
	double ns[Q], total[Q];
	int error = sample_values_create(&counterfactual->data->sample, account, fraction, &values);

	if (error)
		return error;
	sample_values_quantiles(totals, NULL, counterfactual_share_below, Q, total);
	sample_values_quantiles(&values, NULL, counterfactual_share_below, Q, ns);
	level_set(&level, ns, total);
	if (has_intervals(counterfactual))
		error = replicate_values(counterfactual, &values, totals, &level);
	if (!error)
		take_over(counterfactual, &level, removal);
	sample_values_free(&values);
	return error;
}

int rank_by_sample(struct counterfactual *counterfactual)
{
	struct sample_values totals;
	int accounts[KTAX_NACCOUNTS], error;
	size_t n = present_accounts(counterfactual, accounts);

	if (!is_enough(counterfactual, COUNTERFACTUAL_P50))
		return 0;
	error = sample_values_create(&counterfactual->data->sample, 0, 0, &totals);
	if (error)
		return error;
	for (size_t i = 0; i < n && !error; i++) {
		struct counterfactual_account *account = &counterfactual->account[accounts[i]];

		error = rank_removal(counterfactual, &totals, accounts[i], 1, &account->vanished);
		if (!error)
			error = rank_removal(counterfactual, &totals, accounts[i], 0.5,
			                     &account->halved);
	}
	sample_values_free(&totals);
	return error;
}
