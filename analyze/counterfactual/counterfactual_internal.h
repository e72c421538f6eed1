/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the counterfactual share, and nobody else sees. */
#ifndef KTAX_COUNTERFACTUAL_INTERNAL_H
#define KTAX_COUNTERFACTUAL_INTERNAL_H

#include "bootstrap.h"
#include "counterfactual.h"
#include "joint_model.h"
#include "request_sample.h"

#define Q COUNTERFACTUAL_QUANTILES

struct counterfactual_data {
	struct joint_blocks blocks;
	struct joint_model model;
	struct joint_pool pool; /* all blocks, each once */
	struct request_sample sample;
	bool sampled; /* the recording has a random sample */
};

/* replicates.c: figures of blocks drawn at random */

/* One figure in all draws: values[figure][replicate]. */
struct replicates {
	size_t n, n_figures;
	double *values, *weights; /* weights: of the draw at hand */
	struct bootstrap bootstrap;
};

#define LEVEL_FIGURES (2 * (size_t)Q) /* of a level: percentiles, gains */

/* To be freed also where this fails. -ENOMEM. */
int replicates_init(struct replicates *replicates, size_t n_figures, size_t n, size_t n_blocks,
                    uint64_t seed);
void replicates_free(struct replicates *replicates);
/* Draws; the result is in .weights. */
void replicates_draw(struct replicates *replicates);

/* 1 - ns / total, 0 where there is no total. */
double gain_of(double ns, double total_ns);
void level_set(struct counterfactual_level *level, const double ns[Q], const double total[Q]);
/* Notes a level's figures, from number @first on. */
void level_replicate(struct replicates *replicates, size_t first, size_t replicate,
                     const double ns[Q], const double total[Q]);
/* Intervals of a level whose figures are from @first on. Sorts these. */
void level_intervals(struct replicates *replicates, size_t first, double confidence,
                     struct counterfactual_level *level);
/* For what cannot make requests slower: gains are within 0..1. */
void level_clamp_gains(struct counterfactual_level *level);

/* counterfactual.c */

/* Accounts that are present; their number. */
size_t present_accounts(const struct counterfactual *counterfactual, int ret[KTAX_NACCOUNTS]);

/* counterfactual_sample.c */

/* Where the sample is large enough, the ranking becomes that of the sample. */
int rank_by_sample(struct counterfactual *counterfactual);

#endif
