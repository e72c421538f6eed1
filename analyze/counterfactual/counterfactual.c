// SPDX-License-Identifier: GPL-2.0
/*
 * Ceilings, ranking and scaled totals of one endpoint.
 *
 * Everything goes the same way: a figure of the pooled blocks is the estimate, the same figure of
 * blocks drawn at random is a replicate, and the replicates give the interval. All figures of one
 * replicate come from the same draw, so what is compared (floor and total) has seen the same
 * blocks.
 */
#include "counterfactual_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIDENCE_DEFAULT 0.95
#define REPLICATES_DEFAULT 1000
#define REPLICATES_MAX     100000
#define SEED_DEFAULT       0x6b746178

const char *const counterfactual_quantile_name[Q] = { "p50", "p99", "p999" };
const char *const counterfactual_source_name[] = { "ledger", "joint", "request" };

const double counterfactual_share_below[Q] = { 0.5, 0.99, 0.999 };
static const unsigned int one_in_beyond[Q] = { 2, 100, 1000 };

#define share_below counterfactual_share_below

uint64_t counterfactual_requests_needed(enum counterfactual_quantile quantile)
{
	return (uint64_t)COUNTERFACTUAL_BEYOND * one_in_beyond[quantile];
}

/* ---- Ceilings ---------------------------------------------------------------------------------
 */

static void pool_quantiles(const struct joint_pool *pool, enum joint_histogram histogram,
                           double ret_ns[Q])
{
	for (int q = 0; q < Q; q++)
		ret_ns[q] = joint_pool_quantile(pool, histogram, share_below[q]);
}

static void floor_values(const struct finding_floor *floor, double ret_ns[Q])
{
	ret_ns[COUNTERFACTUAL_P50] = (double)floor->p50_ns;
	ret_ns[COUNTERFACTUAL_P99] = (double)floor->p99_ns;
	ret_ns[COUNTERFACTUAL_P999] = (double)floor->p999_ns;
}

/* The estimates are the report's own. */
static void estimate_ceilings(struct counterfactual *counterfactual)
{
	const struct finding_quantiles *found = &counterfactual->endpoint->total;
	const double total[Q] = { (double)found->p50_ns, (double)found->p99_ns,
		                  (double)found->p999_ns };
	double tuned[Q], bypass[Q];

	floor_values(&counterfactual->endpoint->tuned, tuned);
	floor_values(&counterfactual->endpoint->bypass, bypass);
	level_set(&counterfactual->total, total, total);
	level_set(&counterfactual->tuned, tuned, total);
	level_set(&counterfactual->bypass, bypass, total);
}

static void replicate_ceilings(const struct joint_pool *pool, struct replicates *replicates,
                               size_t replicate)
{
	double total[Q], ns[Q];

	pool_quantiles(pool, JOINT_TOTAL, total);
	for (int h = 0; h < JOINT_HISTOGRAMS; h++) {
		pool_quantiles(pool, (enum joint_histogram)h, ns);
		level_replicate(replicates, (size_t)h * LEVEL_FIGURES, replicate, ns, total);
	}
}

static int find_ceilings(struct counterfactual *counterfactual)
{
	const struct counterfactual_options *options = &counterfactual->options;
	struct counterfactual_level *levels[JOINT_HISTOGRAMS] = { &counterfactual->total,
		                                                  &counterfactual->tuned,
		                                                  &counterfactual->bypass };
	struct counterfactual_data *data = counterfactual->data;
	struct replicates replicates;
	struct joint_pool pool;
	int error = joint_pool_create(&data->model, &pool);

	estimate_ceilings(counterfactual);
	if (error || !counterfactual->has_intervals)
		goto out_pool;
	error = replicates_init(&replicates, JOINT_HISTOGRAMS * LEVEL_FIGURES,
	                        options->n_replicates, data->model.n_blocks, options->seed);
	for (size_t r = 0; r < options->n_replicates && !error; r++) {
		replicates_draw(&replicates);
		joint_pool_fill(&data->model, replicates.weights, &pool);
		replicate_ceilings(&pool, &replicates, r);
	}
	for (size_t h = 0; h < JOINT_HISTOGRAMS && !error; h++) {
		level_intervals(&replicates, h * LEVEL_FIGURES, options->confidence, levels[h]);
		level_clamp_gains(levels[h]);
	}
	replicates_free(&replicates);
out_pool:
	joint_pool_destroy(&pool);
	return error;
}

/* ---- Ranking by the joint table ----------------------------------------------------------------
 */

static void pool_without(struct joint_pool *pool, int column, double fraction, double ret_ns[Q])
{
	for (int q = 0; q < Q; q++)
		ret_ns[q] = joint_pool_without(pool, column, fraction, share_below[q]);
}

/* The model's percentiles, rescaled to the report's: gains are the model's. */
static void estimate_removal(struct counterfactual *counterfactual, int account, double fraction,
                             struct counterfactual_removal *removal)
{
	struct joint_pool *pool = &counterfactual->data->pool;
	double total[Q], ns[Q];

	pool_quantiles(pool, JOINT_TOTAL, total);
	pool_without(pool, account, fraction, ns);
	for (int q = 0; q < Q; q++) {
		struct interval *bound = &removal->bound[q];
		double gain = fmax(0, gain_of(ns[q], total[q]));

		removal->source[q] = COUNTERFACTUAL_JOINT;
		removal->joint_gain[q] = gain;
		removal->level.gain[q].value = gain;
		removal->level.ns[q].value = (1 - gain) * counterfactual->total.ns[q].value;
		*bound = joint_pool_gain_bound(pool, account, fraction, share_below[q]);
		bound->low = fmin(bound->low, gain);
		bound->high = fmax(bound->high, gain);
	}
}

size_t present_accounts(const struct counterfactual *counterfactual, int ret[KTAX_NACCOUNTS])
{
	size_t n = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (counterfactual->account[i].present)
			ret[n++] = i;
	return n;
}

static void replicate_ranking(struct joint_pool *pool, const int *accounts, size_t n,
                              struct replicates *replicates, size_t replicate)
{
	double total[Q], ns[Q];

	pool_quantiles(pool, JOINT_TOTAL, total);
	for (size_t i = 0; i < n; i++) {
		pool_without(pool, accounts[i], 1, ns);
		level_replicate(replicates, 2 * i * LEVEL_FIGURES, replicate, ns, total);
		pool_without(pool, accounts[i], 0.5, ns);
		level_replicate(replicates, (2 * i + 1) * LEVEL_FIGURES, replicate, ns, total);
	}
}

static void removal_intervals(struct replicates *replicates, size_t first, double confidence,
                              struct counterfactual_removal *removal)
{
	level_intervals(replicates, first, confidence, &removal->level);
	level_clamp_gains(&removal->level);
}

static int rank_by_joint(struct counterfactual *counterfactual)
{
	const struct counterfactual_options *options = &counterfactual->options;
	struct counterfactual_data *data = counterfactual->data;
	int accounts[KTAX_NACCOUNTS];
	size_t n = present_accounts(counterfactual, accounts);
	struct replicates replicates;
	struct joint_pool pool;
	int error = joint_pool_create(&data->model, &pool);

	for (size_t i = 0; i < n; i++) {
		struct counterfactual_account *account = &counterfactual->account[accounts[i]];

		estimate_removal(counterfactual, accounts[i], 1, &account->vanished);
		estimate_removal(counterfactual, accounts[i], 0.5, &account->halved);
	}
	if (error || !counterfactual->has_intervals)
		goto out_pool;
	error = replicates_init(&replicates, n * 2 * LEVEL_FIGURES, options->n_replicates,
	                        data->model.n_blocks, options->seed);
	for (size_t r = 0; r < options->n_replicates && !error; r++) {
		replicates_draw(&replicates);
		joint_pool_fill(&data->model, replicates.weights, &pool);
		replicate_ranking(&pool, accounts, n, &replicates, r);
	}
	for (size_t i = 0; i < n && !error; i++) {
		struct counterfactual_account *account = &counterfactual->account[accounts[i]];

		removal_intervals(&replicates, 2 * i * LEVEL_FIGURES, options->confidence,
		                  &account->vanished);
		removal_intervals(&replicates, (2 * i + 1) * LEVEL_FIGURES, options->confidence,
		                  &account->halved);
	}
	replicates_free(&replicates);
out_pool:
	joint_pool_destroy(&pool);
	return error;
}

/* ---- A path's efficacy --------------------------------------------------------------------------
 */

/*
 * How much of the way from the total's percentile to the floor's an @efficacy goes, by the joint
 * table: 0 at 0, 1 at 1, never falling.
 */
static double way_to_floor(struct joint_pool *pool, int column, double efficacy, double p)
{
	double from = joint_pool_quantile(pool, JOINT_TOTAL, p);
	double all = from - joint_pool_without(pool, column, 1, p);
	double part = from - joint_pool_without(pool, column, efficacy, p);

	/* A part too small for the table's arithmetic: in proportion. */
	if (all <= from * 1e-6)
		return efficacy;
	return efficacy < 0 ? fmin(0, part / all) : fmin(1, fmax(0, part / all));
}

struct scaling {
	struct joint_pool pool;
	int column;
	enum joint_histogram floor;
};

static void scale(struct scaling *scaling, double efficacy, const double total[Q],
                  const double floor[Q], double ret_ns[Q])
{
	for (int q = 0; q < Q; q++) {
		double way = way_to_floor(&scaling->pool, scaling->column, fmin(1, efficacy),
		                          share_below[q]);

		/* The end points without rounding, and in between nothing that rises. */
		ret_ns[q] = way == 1 ? floor[q] : total[q] - way * (total[q] - floor[q]);
	}
}

static void scale_estimate(const struct counterfactual *counterfactual, struct scaling *scaling,
                           double efficacy, struct counterfactual_level *level)
{
	const struct counterfactual_level *to =
		scaling->floor == JOINT_TUNED ? &counterfactual->tuned : &counterfactual->bypass;
	double total[Q], floor[Q], ns[Q];

	for (int q = 0; q < Q; q++) {
		total[q] = counterfactual->total.ns[q].value;
		floor[q] = to->ns[q].value;
	}
	joint_pool_fill(&counterfactual->data->model, NULL, &scaling->pool);
	scale(scaling, efficacy, total, floor, ns);
	level_set(level, ns, total);
}

static void scale_replicate(struct scaling *scaling, double efficacy, struct replicates *replicates,
                            size_t replicate)
{
	double total[Q], floor[Q], ns[Q];

	pool_quantiles(&scaling->pool, JOINT_TOTAL, total);
	pool_quantiles(&scaling->pool, scaling->floor, floor);
	scale(scaling, efficacy, total, floor, ns);
	level_replicate(replicates, 0, replicate, ns, total);
}

static int scale_intervals(const struct counterfactual *counterfactual, struct scaling *scaling,
                           double efficacy, const double *efficacies, size_t n,
                           struct counterfactual_level *level)
{
	const struct counterfactual_options *options = &counterfactual->options;
	const struct joint_model *model = &counterfactual->data->model;
	size_t n_replicates = n > options->n_replicates ? n : options->n_replicates;
	struct replicates replicates;
	int error = replicates_init(&replicates, LEVEL_FIGURES, n_replicates, model->n_blocks,
	                            options->seed);

	for (size_t r = 0; r < n_replicates && !error; r++) {
		replicates_draw(&replicates);
		joint_pool_fill(model, replicates.weights, &scaling->pool);
		scale_replicate(scaling, n ? efficacies[r % n] : efficacy, &replicates, r);
	}
	if (!error)
		level_intervals(&replicates, 0, options->confidence, level);
	replicates_free(&replicates);
	return error;
}

static bool all_finite(const double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(values[i]))
			return false;
	return true;
}

int counterfactual_scaled(const struct counterfactual *counterfactual,
                          enum counterfactual_part part, double efficacy, const double *replicates,
                          size_t n, struct counterfactual_level *ret_level)
{
	bool tuned = part == COUNTERFACTUAL_TUNABLE;
	struct scaling scaling = {
		.column = tuned ? JOINT_TUNABLE : JOINT_ADDRESSABLE,
		.floor = tuned ? JOINT_TUNED : JOINT_BYPASS,
	};
	struct counterfactual_level level = { 0 };
	int error;

	if (!isfinite(efficacy) || !all_finite(replicates, n) || n > REPLICATES_MAX)
		return -EINVAL;
	error = joint_pool_create(&counterfactual->data->model, &scaling.pool);
	if (!error)
		scale_estimate(counterfactual, &scaling, efficacy, &level);
	if (!error && counterfactual->has_intervals)
		error = scale_intervals(counterfactual, &scaling, efficacy, replicates, n, &level);
	joint_pool_destroy(&scaling.pool);
	if (!error)
		*ret_level = level;
	return error;
}

size_t counterfactual_rank(const struct counterfactual *counterfactual,
                           enum counterfactual_quantile quantile,
                           enum ktax_account ret_order[KTAX_NACCOUNTS])
{
	int accounts[KTAX_NACCOUNTS];
	size_t n = present_accounts(counterfactual, accounts);

	for (size_t i = 0; i < n; i++) {
		const struct counterfactual_account *all = counterfactual->account;
		double gain = all[accounts[i]].vanished.level.gain[quantile].value;
		size_t at = i;

		/* Among equals the order is that in which a request meets them. */
		for (; at > 0; at--) {
			if (all[ret_order[at - 1]].vanished.level.gain[quantile].value >= gain)
				break;
			ret_order[at] = ret_order[at - 1];
		}
		ret_order[at] = (enum ktax_account)accounts[i];
	}
	return n;
}

double counterfactual_least_gain(const struct counterfactual_removal *removal,
                                 enum counterfactual_quantile quantile)
{
	const struct counterfactual_figure *gain = &removal->level.gain[quantile];

	if (!gain->has_interval)
		return 0;
	if (removal->source[quantile] != COUNTERFACTUAL_JOINT)
		return gain->interval.low;
	return fmin(gain->interval.low, removal->bound[quantile].low);
}

/* ---- From data to findings ----------------------------------------------------------------------
 */

static int fill_options(const struct counterfactual_options *from,
                        struct counterfactual_options *options)
{
	if (from)
		*options = *from;
	if (options->confidence == 0)
		options->confidence = CONFIDENCE_DEFAULT;
	if (!options->n_replicates)
		options->n_replicates = REPLICATES_DEFAULT;
	if (!options->seed)
		options->seed = SEED_DEFAULT;
	if (!(options->confidence >= 0.5 && options->confidence <= 0.999))
		return -EINVAL;
	return options->n_replicates <= REPLICATES_MAX ? 0 : -EINVAL;
}

int counterfactual_begin(const struct finding_endpoint *endpoint,
                         const struct counterfactual_options *options,
                         struct counterfactual **ret_counterfactual)
{
	struct counterfactual *counterfactual = calloc(1, sizeof(*counterfactual));
	int error = -ENOMEM;

	if (!counterfactual)
		return -ENOMEM;
	counterfactual->data = calloc(1, sizeof(*counterfactual->data));
	if (counterfactual->data)
		error = fill_options(options, &counterfactual->options);
	if (error) {
		counterfactual_free(counterfactual);
		return error;
	}
	counterfactual->endpoint = endpoint;
	counterfactual->data->blocks.blocks_max = COUNTERFACTUAL_BLOCKS_MAX;
	*ret_counterfactual = counterfactual;
	return 0;
}

void counterfactual_free(struct counterfactual *counterfactual)
{
	if (!counterfactual)
		return;
	if (counterfactual->data) {
		joint_blocks_free(&counterfactual->data->blocks);
		joint_model_destroy(&counterfactual->data->model);
		joint_pool_destroy(&counterfactual->data->pool);
		request_sample_free(&counterfactual->data->sample);
	}
	free(counterfactual->data);
	free(counterfactual);
}

int counterfactual_add_interval(struct counterfactual *counterfactual,
                                const struct recording_ledger *ledger)
{
	if (!ledger->requests)
		return 0;
	counterfactual->requests += ledger->requests;
	return joint_blocks_add(&counterfactual->data->blocks, ledger);
}

int counterfactual_add_sample(struct counterfactual *counterfactual,
                              const struct ktax_request *request)
{
	return request_sample_add(&counterfactual->data->sample, request);
}

/* Where app was split by CPU samples, so is it here; the share is that of all requests. */
static double app_kernel_share(const struct counterfactual *counterfactual)
{
	const struct finding_cpu_split *split = &counterfactual->endpoint->cpu_split;

	return split->made ? split->kernel_share : 0;
}

static void note_extent(struct counterfactual *counterfactual)
{
	const struct joint_blocks *blocks = &counterfactual->data->blocks;

	counterfactual->n_intervals = blocks->n_intervals;
	counterfactual->n_blocks = blocks->n;
	counterfactual->block_intervals = blocks->block_intervals;
	counterfactual->n_samples = counterfactual->data->sample.n;
	counterfactual->has_intervals = blocks->n >= COUNTERFACTUAL_BLOCKS_MIN;
	if (!counterfactual->has_intervals)
		snprintf(counterfactual->why, sizeof(counterfactual->why),
		         "an interval of confidence needs %d intervals with requests, the "
		         "recording has %zu",
		         COUNTERFACTUAL_BLOCKS_MIN, blocks->n_intervals);
	for (int q = 0; q < Q; q++)
		counterfactual->enough[q] =
			counterfactual->requests >=
			counterfactual_requests_needed((enum counterfactual_quantile)q);
}

static void note_presence(struct counterfactual *counterfactual)
{
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		counterfactual->account[i].present = counterfactual->endpoint->account[i].present;
		counterfactual->account[i].why = counterfactual->endpoint->account[i].why;
	}
}

int counterfactual_compute(struct counterfactual *counterfactual)
{
	struct counterfactual_data *data = counterfactual->data;
	double moved = app_kernel_share(counterfactual);
	int error;

	note_presence(counterfactual);
	error = joint_model_create(&data->blocks, moved, &data->model);
	if (!error)
		error = joint_pool_create(&data->model, &data->pool);
	if (!error)
		error = request_sample_finish(&data->sample, moved, COUNTERFACTUAL_BLOCKS_MAX);
	if (error)
		return error;
	note_extent(counterfactual);
	joint_blocks_free(&data->blocks);
	joint_pool_fill(&data->model, NULL, &data->pool);
	error = find_ceilings(counterfactual);
	if (!error)
		error = rank_by_joint(counterfactual);
	return error ? error : rank_by_sample(counterfactual);
}

static int visit_interval(const struct recording_interval *interval,
                          const struct recording_ledger *ledger, void *context)
{
	struct counterfactual *counterfactual = context;

	(void)interval;
	if (strcmp(ledger->endpoint.name, counterfactual->endpoint->ledger->endpoint.name) != 0)
		return 0;
	return counterfactual_add_interval(counterfactual, ledger);
}

static int visit_request(const struct recording_endpoint *endpoint,
                         const struct ktax_request *request, void *context)
{
	struct counterfactual *counterfactual = context;

	if (strcmp(endpoint->name, counterfactual->endpoint->ledger->endpoint.name) != 0)
		return 0;
	return counterfactual_add_sample(counterfactual, request);
}

/* Is what table request holds a random sample? Otherwise says why not. */
static bool find_sampling(const struct recording *recording, struct counterfactual *counterfactual)
{
	const char *sampling = recording_meta(recording, "requests_sampling");
	uint64_t lost = recording->sum.lost_ring, all = 0;
	char *why = counterfactual->sample_why;
	size_t size = sizeof(counterfactual->sample_why);

	for (size_t i = 0; i < recording->n_ledgers; i++)
		all += recording->ledgers[i].requests;
	if (!sampling || strncmp(sampling, "1/", 2) != 0)
		snprintf(why, size, "the recording has no random sample (--requests 1/N)");
	else if (recording->n_sources > 1)
		snprintf(why, size, "several recordings, which may have sampled differently");
	else if (lost * strtoull(sampling + 2, NULL, 10) * 100 > all)
		snprintf(why, size,
		         "%" PRIu64 " sampled requests were lost, more than 1 %% of them", lost);
	return !*why;
}

static int read_sources(const struct recording *recording, struct counterfactual *counterfactual)
{
	bool sampled = find_sampling(recording, counterfactual);
	int error = 0;

	for (size_t i = 0; i < recording->n_sources && !error; i++) {
		const char *path = recording->sources[i];

		error = recording_for_each_interval(path, visit_interval, counterfactual);
		if (!error && sampled)
			error = recording_for_each_request(path, visit_request, counterfactual);
	}
	return error;
}

int counterfactual_create(const struct recording *recording,
                          const struct finding_endpoint *endpoint,
                          const struct counterfactual_options *options,
                          struct counterfactual **ret_counterfactual)
{
	struct counterfactual *counterfactual;
	int error = counterfactual_begin(endpoint, options, &counterfactual);

	if (error)
		return error;
	error = read_sources(recording, counterfactual);
	if (!error)
		error = counterfactual_compute(counterfactual);
	if (error) {
		counterfactual_free(counterfactual);
		return error;
	}
	*ret_counterfactual = counterfactual;
	return 0;
}
