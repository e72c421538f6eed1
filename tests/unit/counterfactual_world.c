// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "counterfactual_world.h"

const double world_shares[COUNTERFACTUAL_QUANTILES] = { 0.5, 0.99, 0.999 };

/* ---- A recording whose requests are all kept --------------------------------------------------
 */

static void ledger_open(struct recording_ledger *ledger)
{
	memset(ledger, 0, sizeof(*ledger));
	strcpy(ledger->endpoint.name, "10.0.0.1:80/tcp");
	assert_int_equal(histogram_init(&ledger->total, 1ULL << 62, 3), 0);
	assert_int_equal(histogram_init(&ledger->floor_tuned, 1ULL << 62, 3), 0);
	assert_int_equal(histogram_init(&ledger->floor_bypass, 1ULL << 62, 3), 0);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		assert_int_equal(histogram_init(&ledger->account[i], 1ULL << 30, 3), 0);
}

static void ledger_close(struct recording_ledger *ledger)
{
	histogram_destroy(&ledger->total);
	histogram_destroy(&ledger->floor_tuned);
	histogram_destroy(&ledger->floor_bypass);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		histogram_destroy(&ledger->account[i]);
}

struct world *world_create(void)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->requests = calloc(REQUESTS_MAX, sizeof(*world->requests));
	world->interval = calloc(1, sizeof(*world->interval));
	assert_non_null(world->requests);
	assert_non_null(world->interval);
	ledger_open(&world->all);
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		if (i == KTAX_TLS)
			continue;
		strcpy(world->hooks[world->recording.n_hooks].account, ktax_account_info[i].name);
		strcpy(world->hooks[world->recording.n_hooks++].program, "tp_btf/test");
	}
	world->recording.n_sources = world->recording.n_ledgers = 1;
	world->recording.ledgers = &world->all;
	world->recording.hooks = world->hooks;
	world->recording.n_intervals = 1;
	world->recording.sum.attached_ns = SECOND_NS;
	return world;
}

void world_free(struct world *world)
{
	counterfactual_free(world->counterfactual);
	findings_free(world->findings);
	ledger_close(&world->all);
	free(world->interval);
	free(world->requests);
	free(world);
}

static uint64_t without(const struct ktax_request *request, unsigned int set)
{
	uint64_t ns = 0;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		ns += set & KTAX_ACCOUNT_BIT(i) ? 0 : request->account_ns[i];
	return ns;
}

/* At the midpoint of the bucket in which the kernel side would have counted it. */
static void count(struct histogram *histogram, uint64_t value)
{
	uint32_t bucket = ktax_hist_index(value, KTAX_HIST_MAGNITUDE);
	uint64_t low = ktax_hist_lowest(bucket, KTAX_HIST_MAGNITUDE);
	uint64_t high = ktax_hist_lowest(bucket + 1, KTAX_HIST_MAGNITUDE);

	assert_int_equal(histogram_record(histogram, low + (high - low) / 2, 1), 0);
}

static void ledger_add(struct recording_ledger *ledger, const struct ktax_request *request)
{
	struct ktax_joint_cell *cell =
		&ledger->joint[ktax_hist_index(request->total_ns, KTAX_JOINT_MAGNITUDE)];

	ledger->requests++;
	if (request->total_ns > ledger->max_ns)
		ledger->max_ns = request->total_ns;
	count(&ledger->total, request->total_ns);
	count(&ledger->floor_tuned, without(request, KTAX_TUNABLE_SET));
	count(&ledger->floor_bypass, without(request, KTAX_ADDRESSABLE_SET));
	cell->requests++;
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		cell->sum_ns[i] += request->account_ns[i];
}

/* One request of the interval at hand. */
void world_add(struct world *world, const uint64_t ns[KTAX_NACCOUNTS])
{
	struct ktax_request *request = &world->requests[world->n_requests++];

	assert_true(world->n_requests <= REQUESTS_MAX);
	memcpy(request->account_ns, ns, sizeof(request->account_ns));
	request->total_ns = without(request, 0);
	request->start_ns = world->n_intervals * SECOND_NS + world->n_requests;
	ledger_add(&world->all, request);
}

void world_next_interval(struct world *world)
{
	world->n_intervals++;
}

static void feed_interval(struct world *world, size_t interval)
{
	ledger_open(world->interval);
	for (size_t i = 0; i < world->n_requests; i++) {
		const struct ktax_request *request = &world->requests[i];

		if (request->start_ns / SECOND_NS != interval)
			continue;
		ledger_add(world->interval, request);
		if (world->sampled)
			assert_int_equal(counterfactual_add_sample(world->counterfactual, request),
			                 0);
	}
	assert_int_equal(counterfactual_add_interval(world->counterfactual, world->interval), 0);
	ledger_close(world->interval);
}

const struct counterfactual *world_compute_with(struct world *world,
                                                const struct counterfactual_options *options)
{
	assert_int_equal(findings_create(&world->recording, &world->findings), 0);
	assert_int_equal(counterfactual_begin(&world->findings->endpoints[0], options,
	                                      &world->counterfactual),
	                 0);
	for (size_t i = 0; i < world->n_intervals; i++)
		feed_interval(world, i);
	assert_int_equal(counterfactual_compute(world->counterfactual), 0);
	return world->counterfactual;
}

const struct counterfactual *world_compute(struct world *world)
{
	const struct counterfactual_options options = { .n_replicates = 200 };

	return world_compute_with(world, &options);
}

/* ---- The truth ---------------------------------------------------------------------------------
 */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The percentile of total - fraction x the accounts of @set. */
double world_truth(const struct world *world, unsigned int set, double fraction, double p)
{
	double *values = calloc(world->n_requests, sizeof(*values)), value;
	size_t rank = (size_t)ceil(p * (double)world->n_requests);

	assert_non_null(values);
	for (size_t i = 0; i < world->n_requests; i++) {
		const struct ktax_request *request = &world->requests[i];

		values[i] = (double)request->total_ns -
		            fraction * (double)(request->total_ns - without(request, set));
	}
	qsort(values, world->n_requests, sizeof(*values), by_value);
	value = values[rank - 1];
	free(values);
	return value;
}

double world_true_gain(const struct world *world, int account, double fraction, double p)
{
	return 1 - world_truth(world, KTAX_ACCOUNT_BIT(account), fraction, p) /
	                   world_truth(world, 0, 0, p);
}

void assert_near(double value, double expected, double tolerance)
{
	if (fabs(value - expected) > tolerance)
		fail_msg("%g is not within %g of %g", value, tolerance, expected);
}

uint64_t random_state = 1;

double random_share(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(random_state >> 11) / 9007199254740992.0;
}

uint64_t exponential_us(double mean)
{
	return (uint64_t)(-log(1 - random_share()) * mean * 1000);
}
