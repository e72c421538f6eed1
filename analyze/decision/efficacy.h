/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Efficacy: which part of the time that the kernel takes from a request a path removed, as the A/B
 * measured it.
 *
 * The A/B sees round trips, R = G + K + W: generator and wire, the kernel on the responder's side,
 * the work. Of these a path can only remove from K, which is not known. So there are two figures,
 * and the truth lies between them if the recorded requests are treated as those of the A/B are:
 *
 * - share: what a path takes off the round trip (less the work, where that is fixed), as a share of
 *   all of it: 1 - R_path / R_kernel. Never more than its share of K, whatever G is.
 * - time: what it takes off in ns, as a part of the recording's addressable ns, at most 1. This is
 *   all of it where the recorded requests spend less in the kernel than the A/B's.
 *
 * The estimate is the smaller of the two, the interval holds both with their doubts. So whatever is
 * approved is so by the smaller one, and whatever is refused by the larger one. Where the A/B's
 * work was drawn from a recording, what of a round trip is work is not known: then there is only the
 * time.
 *
 * Most of what a spinning path gains, it gains by not sleeping, and a recording whose thread rarely
 * sleeps has little of that to give. So the tunable part of a request (nic_rx, wakeup, nic_tx) is
 * taken to shrink as the best tuned kernel of the A/B showed, and the rest as the path did on top
 * of that kernel:
 *
 *	e_tunable = by R_kernel -> R_tuned, but no more than by R_kernel -> R_path
 *	e_rest    = by R_tuned -> R_path, 0 if the path is not faster than that kernel
 *	e         = (tunable x e_tunable + rest x e_rest) / (tunable + rest)
 *
 * Both figures are made so, and neither falls if the path gets faster. For each percentile the
 * A/B's own is used, and the requests around it in the recording: what helps the median need not
 * help the slowest. Where packets or rates of the two differ, the interval grows (efficacy_widen).
 *
 * The unit is the A/B's block: rounds in which all of the arms have a valid block are drawn with
 * replacement, the effect of a draw is the median over its rounds, as in `ktax ab`.
 */
#ifndef KTAX_EFFICACY_H
#define KTAX_EFFICACY_H

#include <stdbool.h>
#include <stddef.h>

#include "ab_document.h"

#define EFFICACY_REPLICATES 999
#define EFFICACY_ROUNDS_MIN 6 /* as in `ktax ab`: fewer have no interval at 95 % */

/* What requests around the percentile spend in accounts that tuning, and only bypass, address. */
struct efficacy_parts {
	double tunable_ns, rest_ns;
};

struct efficacy {
	bool known;
	char why[160];            /* it is not */
	double value;             /* of the part that is scaled: 1 all of it, negative: slower */
	double by_share, by_time; /* of which it is the smaller one */
	double saved_ns;          /* what the path took off a round trip of the A/B */
	double baseline_ns;       /* that round trip, without the path */
	size_t n_rounds;
	double replicates[EFFICACY_REPLICATES];
};

/*
 * Of @arm, for the percentile @metric. @tuned: the best tuned kernel of the same A/B, or NULL; if
 * it is @arm itself (or that is another tuned kernel) the part that is scaled is the tunable one,
 * else all that is addressable. -ENOMEM.
 */
int efficacy_measure(const struct ab_document *document, const struct ab_document_arm *arm,
                     const struct ab_document_arm *tuned, enum policy_metric metric,
                     const struct efficacy_parts *parts, struct efficacy *ret);

/*
 * The tuned kernel with the lowest figure of @metric, by the median over rounds; NULL: none was
 * measured.
 */
const struct ab_document_arm *efficacy_best_tuned(const struct ab_document *document,
                                                  enum policy_metric metric);

/*
 * The A/B's traffic differs from the recording's by @factor (>= 1), of which @alike is none: the
 * interval then also holds efficacies that are nearer to 0 and to 1 by the share 1 - alike /
 * factor. The estimate stays.
 */
void efficacy_widen(struct efficacy *efficacy, double factor, double alike);

#endif
