/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of ab_judge share. */
#ifndef KTAX_JUDGE_H
#define KTAX_JUDGE_H

#include "ab.h"

/* Which blocks count: those that passed all gates, or whichever ran. */
enum judge_blocks { JUDGE_VALID, JUDGE_ALL };

bool judge_block_has_run(const struct ab_block *block);
/* A block that ran and passed all gates. */
bool judge_block_is_valid(const struct ab_block *block);
/* Whether a path can be what the policy approves of: one that answers, over a link. */
bool judge_is_candidate(const struct ab_arm *arm);

/* Whether it is compared with the baseline: it ran, and over a link as that did. */
bool judge_compares_arm(const struct ab_arm *arm);
/* The metrics for which there are comparisons. */
bool judge_compares(const struct policy *policy, enum ab_metric metric);
/* What is subtracted, or divided: a share is compared by its difference. */
bool judge_is_difference(enum ab_metric metric);
/* From the scale of the statistics (logarithm or difference) to a change. */
double judge_change(enum ab_metric metric, double effect);
/*
 * The differences, on that scale, of the pairs that count and in which the metric was measured.
 * Returns their number.
 */
size_t judge_pair_up(enum ab_metric metric, enum judge_blocks which, const struct ab_block *a,
                     const struct ab_block *b, size_t rounds, double *ret_differences);

/* Gives the comparisons their intervals and verdicts: holm.c. -ENOMEM. */
int judge_compare(struct ab_result *result, const struct policy *policy);
/* Gives the arms and the whole their verdicts by the policy: decide.c. */
void judge_decide(struct ab_result *result, const struct policy *policy);

#endif
