/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the requests' percentiles would be if a part of their time were not there.
 *
 * Three questions, answered from one recording, for one endpoint:
 *
 * - ceilings: total, tuned floor, bypass floor: p50, p99, p99.9 and the gain, 1 - floor / total.
 *   Each comes from its own histogram, to which every request added itself.
 * - ranking: the same if one account vanished, or halved.
 * - prediction: the same if a path removed the share e of every request's addressable part.
 *
 * A counterfactual leaves out what a server that queues would gain besides: its answer holds per
 * request and to first order.
 *
 * Intervals. The block is the recording's interval (1 s), or as many neighbours as leave at most
 * COUNTERFACTUAL_BLOCKS_MAX of them. Blocks are drawn with replacement, in runs of n^(1/3)
 * neighbours since these are alike (circular block bootstrap: Politis and Romano 1992; length of
 * the runs: Hall, Horowitz and Jing 1995), pooled, and the percentile taken; the interval is the
 * expanded percentile interval, which corrects for few runs by Student's t (Hesterberg 2015, The
 * American Statistician 69:4, section 5.3). Fewer than COUNTERFACTUAL_BLOCKS_MIN: no interval. Ends
 * are widened by half a bucket of the histograms (0.8 %). The seed is fixed: the same recording
 * gives the same interval.
 *
 * Ranking, without sampled requests. The joint table has, per cell of the total (6 %), the sum of
 * each account; how it is spread over the cell's requests is not known. Each is taken to have spent
 * the cell's share: T becomes T (1 - e share). So removing more never raises a percentile. What
 * percentiles the same table allows for other spreads is computed too: .bound is sharp but for the
 * width of a bucket of the total. Where the recording has a random sample of requests (--requests
 * 1/N, no more than 1 % of them lost) that is large enough for the percentile, the estimate comes
 * from these, request by request, and needs no bound.
 */
#ifndef KTAX_COUNTERFACTUAL_H
#define KTAX_COUNTERFACTUAL_H

#include "ledger.h"

#define COUNTERFACTUAL_BLOCKS_MIN 6
#define COUNTERFACTUAL_BLOCKS_MAX 128
/* A percentile is asked for where so many requests lie beyond it, as in `ktax ab`. */
#define COUNTERFACTUAL_BEYOND 10

enum counterfactual_quantile {
	COUNTERFACTUAL_P50,
	COUNTERFACTUAL_P99,
	COUNTERFACTUAL_P999,
	COUNTERFACTUAL_QUANTILES
};

extern const char *const counterfactual_quantile_name[COUNTERFACTUAL_QUANTILES]; /* "p50" ... */
extern const double counterfactual_share_below[COUNTERFACTUAL_QUANTILES];        /* 0.5 ... */

/* Requests that @quantile needs: 20, 1000, 10000. */
uint64_t counterfactual_requests_needed(enum counterfactual_quantile quantile);

struct counterfactual_figure {
	double value;
	bool has_interval;
	struct interval interval;
};

/* The percentiles of one distribution, and what they are less than the total's. */
struct counterfactual_level {
	struct counterfactual_figure ns[COUNTERFACTUAL_QUANTILES];
	struct counterfactual_figure gain[COUNTERFACTUAL_QUANTILES]; /* 1 - ns / total; below 1 */
};

enum counterfactual_source {
	COUNTERFACTUAL_HISTOGRAM, /* every request, at its own value */
	COUNTERFACTUAL_JOINT,     /* every request, at its cell's share of the account */
	COUNTERFACTUAL_SAMPLE,    /* sampled requests, at their own values */
};

extern const char *const counterfactual_source_name[]; /* table: "ledger", "joint", "request" */

/* Without an account. */
struct counterfactual_removal {
	struct counterfactual_level level;
	enum counterfactual_source source[COUNTERFACTUAL_QUANTILES];
	/* Gains that the joint table allows, whatever the spread within its cells. */
	struct interval bound[COUNTERFACTUAL_QUANTILES];
	/* Where the source is the sample: the joint table's estimate of the gain, as a check. */
	double joint_gain[COUNTERFACTUAL_QUANTILES];
};

struct counterfactual_account {
	bool present;    /* false: no hook saw it, n/a; nothing else means anything */
	const char *why; /* where absent */
	struct counterfactual_removal vanished, halved;
};

struct counterfactual_options {
	double confidence;   /* of intervals, 0.5..0.999; 0: 0.95 */
	size_t n_replicates; /* of the bootstrap; 0: 1000 */
	uint64_t seed;       /* 0: a fixed one */
};

struct counterfactual_data;

struct counterfactual {
	const struct finding_endpoint *endpoint;
	struct counterfactual_options options; /* with the defaults filled in */
	uint64_t requests;
	bool enough[COUNTERFACTUAL_QUANTILES]; /* requests for the percentile: else do not use it */
	size_t n_intervals;                    /* in which the endpoint answered requests */
	size_t n_blocks, block_intervals;      /* blocks, and how many intervals make one */
	bool has_intervals;
	char why[160];        /* there are none */
	uint64_t n_samples;   /* sampled requests that were used */
	char sample_why[160]; /* sampled requests were not used, or "" */
	struct counterfactual_level total, tuned, bypass;
	struct counterfactual_account account[KTAX_NACCOUNTS];
	struct counterfactual_data *data;
};

/*
 * Computes all of the above for @endpoint, which is one of the findings of @recording; both must
 * outlive the result. Reads the recording's files again, for their intervals and sampled requests.
 * @options may be NULL. -ENOMEM; -EINVAL: an option is out of range; -ENODATA: no request; errors
 * of recording_read().
 */
int counterfactual_create(const struct recording *recording,
                          const struct finding_endpoint *endpoint,
                          const struct counterfactual_options *options,
                          struct counterfactual **ret_counterfactual);
/* Accepts NULL. */
void counterfactual_free(struct counterfactual *counterfactual);

/*
 * The same in steps, for data that is no file: begin, add each interval and sampled request in the
 * order of time, compute. Samples are a random share of all requests.
 */
int counterfactual_begin(const struct finding_endpoint *endpoint,
                         const struct counterfactual_options *options,
                         struct counterfactual **ret_counterfactual);
int counterfactual_add_interval(struct counterfactual *counterfactual,
                                const struct recording_ledger *ledger);
/* A request with start_ns; those of one second make a block. */
int counterfactual_add_sample(struct counterfactual *counterfactual,
                              const struct ktax_request *request);
int counterfactual_compute(struct counterfactual *counterfactual);

/* Accounts that are present, by the gain at @quantile if they vanish, highest first. Their number.
 */
size_t counterfactual_rank(const struct counterfactual *counterfactual,
                           enum counterfactual_quantile quantile,
                           enum ktax_account ret_order[KTAX_NACCOUNTS]);

/*
 * What is gained at least: the lower end of the interval or, where the joint table leaves less, of
 * the bound. 0 where there is no interval. What a verdict may rest on.
 */
double counterfactual_least_gain(const struct counterfactual_removal *removal,
                                 enum counterfactual_quantile quantile);

/* What a path addresses: the part between the total and one of the floors. */
enum counterfactual_part { COUNTERFACTUAL_TUNABLE, COUNTERFACTUAL_ADDRESSABLE };

/*
 * Percentiles of total - efficacy x part, per request. @efficacy: 0 nothing is gained, 1 all of the
 * part (more counts as 1), negative: the path is slower. The end points are exact: 0 gives the
 * total's percentiles, 1 the floor's. In between the path from one to the other has the shape that
 * the joint table gives (T (1 - e share), as in the ranking), stretched to end at the floor; it
 * never rises with the efficacy.
 *
 * @replicates: @n efficacies drawn from what the A/B leaves open (its resampled blocks), in random
 * order. Each is joined with a draw of the recording's blocks, so the interval holds both doubts.
 * With n = 0 the efficacy is taken as known. No interval where the recording has too few blocks.
 * -EINVAL: an efficacy is not finite; -ENOMEM.
 */
int counterfactual_scaled(const struct counterfactual *counterfactual,
                          enum counterfactual_part part, double efficacy, const double *replicates,
                          size_t n, struct counterfactual_level *ret_level);

#endif
