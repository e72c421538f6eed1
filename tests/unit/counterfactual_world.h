/* SPDX-License-Identifier: GPL-2.0 */
/* A recording whose requests are all kept, so that what is computed of it can be compared. */
#ifndef KTAX_COUNTERFACTUAL_WORLD_H
#define KTAX_COUNTERFACTUAL_WORLD_H

#include "counterfactual.h"

#define SECOND_NS    1000000000ULL
#define REQUESTS_MAX 400000
#define US(number)   ((uint64_t)(number)*1000)

struct world {
	struct recording recording;
	struct recording_ledger all, *interval; /* the sum, and the one at hand */
	struct recording_hook hooks[KTAX_NACCOUNTS];
	struct findings *findings;
	struct counterfactual *counterfactual;
	struct ktax_request *requests;
	size_t n_requests, n_intervals;
	bool sampled; /* each request is added as a sampled one too */
};

extern const double world_shares[COUNTERFACTUAL_QUANTILES]; /* 0.5 ... */

struct world *world_create(void);
void world_free(struct world *world);
/* One request of the interval at hand. */
void world_add(struct world *world, const uint64_t ns[KTAX_NACCOUNTS]);
#define ADD(world, ...) world_add(world, (const uint64_t[KTAX_NACCOUNTS]){ __VA_ARGS__ })
void world_next_interval(struct world *world);

/* All that there is of it; with 200 replicates. */
const struct counterfactual *world_compute_with(struct world *world,
                                                const struct counterfactual_options *options);
const struct counterfactual *world_compute(struct world *world);

/* The percentile of total - fraction x the accounts of @set, and the gain of one account. */
double world_truth(const struct world *world, unsigned int set, double fraction, double p);
double world_true_gain(const struct world *world, int account, double fraction, double p);

void assert_near(double value, double expected, double tolerance);

extern uint64_t random_state;
double random_share(void);
uint64_t exponential_us(double mean);

#endif
