// SPDX-License-Identifier: GPL-2.0
/* Ceilings, ranking and scaled totals, against requests that are all known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bootstrap.h"
#include "counterfactual_world.h"

#define RESOLUTION 0.017 /* a bucket of the kernel side's histograms */

/* A service of which little is regular; what it does depends on the seed. */
static void fill_random(struct world *world, uint64_t seed, size_t intervals, size_t each)
{
	random_state = seed;
	for (size_t i = 0; i < intervals; i++) {
		double load = 0.7 + 0.6 * random_share();

		for (size_t r = 0; r < each; r++) {
			uint64_t ns[KTAX_NACCOUNTS] = { 0 };

			ns[KTAX_KERNEL_RX] = exponential_us(3);
			ns[KTAX_WAKEUP] = exponential_us(6 * load);
			ns[KTAX_APP] = US(10) + exponential_us(20 * load);
			ns[KTAX_KERNEL_TX] = exponential_us(random_share() < 0.1 ? 100 : 5);
			ns[KTAX_GC] = random_share() < 0.02 * load ? US(400) : 0;
			ns[KTAX_HOP] = random_share() < 0.2 ? exponential_us(150) : 0;
			ns[KTAX_UNKNOWN] = exponential_us(0.1);
			world_add(world, ns);
		}
		world_next_interval(world);
	}
}

/* ---- Where marginal reasoning is wrong
 * ----------------------------------------------------------- */

/* Kernel 80 of 100 us on the fast, 5 of 1000 us on the slow 5 %: p99 has nothing to gain. */
static void fast_kernel(struct world *world)
{
	for (size_t i = 0; i < 10; i++, world_next_interval(world))
		for (size_t r = 0; r < 2000; r++) {
			if (r % 20)
				ADD(world, [KTAX_KERNEL_TX] = US(80), [KTAX_APP] = US(20));
			else
				ADD(world, [KTAX_KERNEL_TX] = US(5), [KTAX_APP] = US(995));
		}
}

/* And the reverse: 5 of 100 us on the fast, 900 of 1000 us on the slow. */
static void slow_kernel(struct world *world)
{
	for (size_t i = 0; i < 10; i++, world_next_interval(world))
		for (size_t r = 0; r < 2000; r++) {
			if (r % 20)
				ADD(world, [KTAX_KERNEL_TX] = US(5), [KTAX_APP] = US(95));
			else
				ADD(world, [KTAX_KERNEL_TX] = US(900), [KTAX_APP] = US(100));
		}
}

static void test_kernel_time_of_fast_requests(void **state)
{
	struct world *world = world_create();
	const struct counterfactual *cf;
	const struct counterfactual_account *kernel, *app;

	(void)state;
	fast_kernel(world);
	cf = world_compute(world);
	kernel = &cf->account[KTAX_KERNEL_TX];
	app = &cf->account[KTAX_APP];
	/* By the mean, the kernel is half of all time. */
	assert_near(world->findings->endpoints[0].addressable.share, 0.53, 0.02);
	assert_near(cf->bypass.gain[COUNTERFACTUAL_P50].value, 0.8, RESOLUTION);
	assert_near(cf->bypass.gain[COUNTERFACTUAL_P99].value, 0.005, RESOLUTION);
	assert_near(kernel->vanished.level.gain[COUNTERFACTUAL_P50].value, 0.8, RESOLUTION);
	assert_near(kernel->vanished.level.gain[COUNTERFACTUAL_P99].value, 0.005, RESOLUTION);
	assert_near(app->vanished.level.gain[COUNTERFACTUAL_P99].value, 0.92, RESOLUTION);
	assert_true(kernel->vanished.bound[COUNTERFACTUAL_P99].high < 0.05);
	world_free(world);
}

static void test_kernel_time_of_slow_requests(void **state)
{
	enum ktax_account order[KTAX_NACCOUNTS];
	struct world *world = world_create();
	const struct counterfactual *cf;

	(void)state;
	slow_kernel(world);
	cf = world_compute(world);
	assert_near(world->findings->endpoints[0].addressable.share, 0.34, 0.02);
	assert_near(cf->bypass.gain[COUNTERFACTUAL_P50].value, 0.05, RESOLUTION);
	assert_near(cf->bypass.gain[COUNTERFACTUAL_P99].value, 0.9, RESOLUTION);
	assert_near(cf->account[KTAX_KERNEL_TX].vanished.level.gain[COUNTERFACTUAL_P99].value,
	            world_true_gain(world, KTAX_KERNEL_TX, 1, 0.99), RESOLUTION);
	/* All but tls, which has no hook, and app_kernel, which has no CPU samples. */
	assert_int_equal(counterfactual_rank(cf, COUNTERFACTUAL_P99, order), KTAX_NACCOUNTS - 2);
	assert_int_equal(order[0], KTAX_KERNEL_TX);
	counterfactual_rank(cf, COUNTERFACTUAL_P50, order);
	assert_int_equal(order[0], KTAX_APP);
	world_free(world);
}

/* The slow requests' kernel time, at an efficacy between: not what lies between the percentiles. */
static void test_scaled_follows_the_requests(void **state)
{
	struct world *world = world_create();
	struct counterfactual_level level;
	const struct counterfactual *cf;

	(void)state;
	slow_kernel(world);
	cf = world_compute(world);
	for (double efficacy = 0; efficacy <= 1; efficacy += 0.1) {
		double expected = world_truth(world, KTAX_ADDRESSABLE_SET, efficacy, 0.99);

		assert_int_equal(counterfactual_scaled(cf, COUNTERFACTUAL_ADDRESSABLE, efficacy,
		                                       NULL, 0, &level),
		                 0);
		assert_near(level.ns[COUNTERFACTUAL_P99].value, expected,
		            2 * RESOLUTION * expected);
	}
	world_free(world);
}

/* ---- Properties
 * ---------------------------------------------------------------------------------- */

static void check_removal(const struct world *world, int i)
{
	const struct counterfactual_account *account = &world->counterfactual->account[i];

	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		double vanished = account->vanished.level.gain[q].value;
		double halved = account->halved.level.gain[q].value;
		const struct interval *bound = &account->vanished.bound[q];
		double expected = world_true_gain(world, i, 1, world_shares[q]);

		assert_true(halved >= 0);
		assert_true(vanished >= halved);
		assert_true(vanished <= 1);
		assert_true(account->vanished.level.ns[q].value <=
		            account->halved.level.ns[q].value);
		assert_true(expected >= bound->low - RESOLUTION);
		assert_true(expected <= bound->high + RESOLUTION);
		expected = world_true_gain(world, i, 0.5, world_shares[q]);
		bound = &account->halved.bound[q];
		assert_true(expected >= bound->low - RESOLUTION);
		assert_true(expected <= bound->high + RESOLUTION);
	}
}

static void check_intervals(const struct counterfactual_level *level)
{
	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		assert_true(level->ns[q].has_interval);
		assert_true(level->ns[q].interval.low <= level->ns[q].value);
		assert_true(level->ns[q].interval.high >= level->ns[q].value);
		assert_true(level->gain[q].interval.low <= level->gain[q].value);
		assert_true(level->gain[q].interval.high >= level->gain[q].value);
	}
}

static void test_ranking_properties(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct world *world = world_create();
		const struct counterfactual *cf;

		fill_random(world, seed, 8, 1500);
		cf = world_compute(world);
		for (int i = 0; i < KTAX_NACCOUNTS; i++) {
			if (!cf->account[i].present)
				continue;
			check_removal(world, i);
			check_intervals(&cf->account[i].vanished.level);
			check_intervals(&cf->account[i].halved.level);
		}
		world_free(world);
	}
}

static void check_ceiling(const struct world *world, const struct counterfactual_level *level,
                          unsigned int set)
{
	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		double expected = world_truth(world, set, 1, world_shares[q]);

		assert_near(level->ns[q].value, expected, RESOLUTION * expected);
	}
	check_intervals(level);
}

static void test_ceilings_are_those_of_the_requests(void **state)
{
	struct world *world = world_create();
	const struct counterfactual *cf;

	(void)state;
	fill_random(world, 42, 10, 2000);
	cf = world_compute(world);
	check_ceiling(world, &cf->total, 0);
	check_ceiling(world, &cf->tuned, KTAX_TUNABLE_SET);
	check_ceiling(world, &cf->bypass, KTAX_ADDRESSABLE_SET);
	for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
		assert_true(cf->bypass.ns[q].value <= cf->tuned.ns[q].value);
		assert_true(cf->tuned.ns[q].value <= cf->total.ns[q].value);
		assert_true(cf->bypass.gain[q].interval.low >= 0);
	}
	world_free(world);
}

static void check_scaled(const struct counterfactual *cf, enum counterfactual_part part,
                         const struct counterfactual_level *floor)
{
	double last[COUNTERFACTUAL_QUANTILES] = { INFINITY, INFINITY, INFINITY };
	struct counterfactual_level level;

	for (int step = -4; step <= 24; step++) {
		assert_int_equal(counterfactual_scaled(cf, part, step / 20.0, NULL, 0, &level), 0);
		for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
			assert_true(level.ns[q].value <= last[q]);
			if (step == 0)
				assert_true(level.ns[q].value == cf->total.ns[q].value);
			if (step >= 20)
				assert_true(level.ns[q].value == floor->ns[q].value);
			last[q] = level.ns[q].value;
		}
		check_intervals(&level);
	}
}

static void test_scaled_is_monotone_and_ends_at_the_floor(void **state)
{
	(void)state;
	for (uint64_t seed = 7; seed <= 9; seed++) {
		struct world *world = world_create();
		const struct counterfactual_options options = { .n_replicates = 50 };
		const struct counterfactual *cf;

		fill_random(world, seed, 8, 1000);
		cf = world_compute_with(world, &options);
		check_scaled(cf, COUNTERFACTUAL_ADDRESSABLE, &cf->bypass);
		check_scaled(cf, COUNTERFACTUAL_TUNABLE, &cf->tuned);
		world_free(world);
	}
}

/* Whatever the joint distribution is, within some per cent. */
static void test_scaled_is_near_the_truth(void **state)
{
	(void)state;
	for (uint64_t seed = 20; seed <= 23; seed++) {
		const struct counterfactual_options options = { .n_replicates = 10 };
		struct world *world = world_create();
		const struct counterfactual *cf;

		fill_random(world, seed, 8, 2000);
		cf = world_compute_with(world, &options);
		for (double efficacy = 0.25; efficacy < 1; efficacy += 0.25) {
			struct counterfactual_level level;

			assert_int_equal(counterfactual_scaled(cf, COUNTERFACTUAL_ADDRESSABLE,
			                                       efficacy, NULL, 0, &level),
			                 0);
			for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++) {
				double expected = world_truth(world, KTAX_ADDRESSABLE_SET, efficacy,
				                              world_shares[q]);

				assert_near(level.ns[q].value, expected, 0.04 * expected);
			}
		}
		world_free(world);
	}
}

static double width(const struct counterfactual_figure *figure)
{
	return figure->interval.high - figure->interval.low;
}

static void test_scaled_carries_the_doubt_of_the_efficacy(void **state)
{
	struct world *world = world_create();
	struct counterfactual_level known, doubtful;
	const struct counterfactual *cf;
	double efficacies[100];

	(void)state;
	slow_kernel(world);
	cf = world_compute(world);
	for (int i = 0; i < 100; i++)
		efficacies[i] = 0.3 + 0.4 * random_share();
	assert_int_equal(
		counterfactual_scaled(cf, COUNTERFACTUAL_ADDRESSABLE, 0.5, NULL, 0, &known), 0);
	assert_int_equal(counterfactual_scaled(cf, COUNTERFACTUAL_ADDRESSABLE, 0.5, efficacies, 100,
	                                       &doubtful),
	                 0);
	assert_near(known.ns[COUNTERFACTUAL_P99].value, doubtful.ns[COUNTERFACTUAL_P99].value, 0);
	assert_true(width(&doubtful.ns[COUNTERFACTUAL_P99]) >
	            5 * width(&known.ns[COUNTERFACTUAL_P99]));
	assert_near(doubtful.ns[COUNTERFACTUAL_P99].interval.low, 370000, 40000);
	assert_near(doubtful.ns[COUNTERFACTUAL_P99].interval.high, 730000, 40000);
	efficacies[3] = NAN;
	assert_int_equal(counterfactual_scaled(cf, COUNTERFACTUAL_ADDRESSABLE, 0.5, efficacies, 100,
	                                       &doubtful),
	                 -EINVAL);
	world_free(world);
}

/* ---- What is absent, and what is too little
 * --------------------------------------------------------- */

static void test_absent_accounts(void **state)
{
	enum ktax_account order[KTAX_NACCOUNTS];
	struct world *world = world_create();
	const struct counterfactual *cf;
	size_t n;

	(void)state;
	fill_random(world, 3, 6, 100);
	cf = world_compute(world);
	assert_false(cf->account[KTAX_TLS].present);
	assert_true(strlen(cf->account[KTAX_TLS].why) > 0);
	n = counterfactual_rank(cf, COUNTERFACTUAL_P99, order);
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(order[i], KTAX_TLS);
	/* Present but never seen: nothing to gain, and not absent. */
	assert_true(cf->account[KTAX_IO].present);
	assert_true(cf->account[KTAX_IO].vanished.level.gain[COUNTERFACTUAL_P99].value == 0);
	world_free(world);
}

static void test_too_few_intervals(void **state)
{
	struct world *world = world_create();
	struct counterfactual_level level;
	const struct counterfactual *cf;

	(void)state;
	fill_random(world, 3, 5, 1000);
	cf = world_compute(world);
	assert_false(cf->has_intervals);
	assert_non_null(strstr(cf->why, "needs 6 intervals"));
	assert_non_null(strstr(cf->why, "has 5"));
	assert_false(cf->bypass.gain[COUNTERFACTUAL_P50].has_interval);
	assert_false(cf->account[KTAX_GC].vanished.level.gain[COUNTERFACTUAL_P50].has_interval);
	assert_int_equal(
		counterfactual_scaled(cf, COUNTERFACTUAL_ADDRESSABLE, 0.5, NULL, 0, &level), 0);
	assert_false(level.ns[COUNTERFACTUAL_P50].has_interval);
	world_free(world);
}

static void test_requests_needed(void **state)
{
	struct world *world = world_create();
	const struct counterfactual *cf;

	(void)state;
	assert_int_equal(counterfactual_requests_needed(COUNTERFACTUAL_P50), 20);
	assert_int_equal(counterfactual_requests_needed(COUNTERFACTUAL_P99), 1000);
	assert_int_equal(counterfactual_requests_needed(COUNTERFACTUAL_P999), 10000);
	fill_random(world, 3, 10, 999);
	cf = world_compute(world);
	assert_int_equal(cf->requests, 9990);
	assert_true(cf->enough[COUNTERFACTUAL_P99]);
	assert_false(cf->enough[COUNTERFACTUAL_P999]);
	world_free(world);
}

static void test_no_requests(void **state)
{
	struct world *world = world_create();

	(void)state;
	assert_int_equal(findings_create(&world->recording, &world->findings), 0);
	assert_int_equal(
		counterfactual_begin(&world->findings->endpoints[0], NULL, &world->counterfactual),
		0);
	assert_int_equal(counterfactual_compute(world->counterfactual), -ENODATA);
	world_free(world);
}

static void test_many_intervals_become_fewer_blocks(void **state)
{
	const struct counterfactual_options options = { .n_replicates = 20 };
	struct world *world = world_create();
	const struct counterfactual *cf;

	(void)state;
	fill_random(world, 3, 300, 20);
	cf = world_compute_with(world, &options);
	assert_int_equal(cf->n_intervals, 300);
	assert_int_equal(cf->block_intervals, 4);
	assert_int_equal(cf->n_blocks, 75);
	assert_int_equal(cf->requests, 6000);
	check_ceiling(world, &cf->bypass, KTAX_ADDRESSABLE_SET);
	world_free(world);
}

/* ---- Sampled requests
 * ------------------------------------------------------------------------------- */

/* Requests of about one total, of which half are all GC: the joint table cannot tell, they can. */
static void fill_mixture(struct world *world)
{
	for (size_t i = 0; i < 12; i++, world_next_interval(world))
		for (size_t r = 0; r < 1000; r++) {
			if (r % 10)
				ADD(world, [KTAX_APP] = US(50));
			else if (r % 20)
				ADD(world, [KTAX_APP] = US(50), [KTAX_GC] = US(950));
			else
				ADD(world, [KTAX_APP] = US(1000));
		}
}

static void test_sampled_requests_decide_what_the_joint_table_leaves_open(void **state)
{
	const int q = COUNTERFACTUAL_P99;
	struct world *world = world_create();
	const struct counterfactual_removal *gc;

	(void)state;
	fill_mixture(world);
	gc = &world_compute(world)->account[KTAX_GC].vanished;
	assert_int_equal(gc->source[q], COUNTERFACTUAL_JOINT);
	assert_near(gc->level.gain[q].value, 0.475, RESOLUTION);
	assert_near(gc->bound[q].low, 0, RESOLUTION);
	assert_true(gc->bound[q].high > 0.5);
	/* Nothing may rest on it. */
	assert_near(counterfactual_least_gain(gc, q), 0, RESOLUTION);
	world_free(world);

	world = world_create();
	world->sampled = true;
	fill_mixture(world);
	gc = &world_compute(world)->account[KTAX_GC].vanished;
	assert_int_equal(gc->source[q], COUNTERFACTUAL_SAMPLE);
	assert_near(gc->level.gain[q].value, world_true_gain(world, KTAX_GC, 1, 0.99), 0.001);
	assert_true(gc->level.gain[q].has_interval);
	assert_near(gc->joint_gain[q], 0.475, RESOLUTION);
	assert_true(counterfactual_least_gain(gc, q) == gc->level.gain[q].interval.low);
	world_free(world);
}

static void test_ranking_by_sample_is_exact(void **state)
{
	struct world *world = world_create();
	const struct counterfactual *cf;

	(void)state;
	world->sampled = true;
	fill_random(world, 17, 10, 1200);
	cf = world_compute(world);
	assert_int_equal(cf->n_samples, 12000);
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		if (!cf->account[i].present)
			continue;
		check_removal(world, i);
		for (int q = 0; q < COUNTERFACTUAL_QUANTILES; q++)
			assert_near(cf->account[i].vanished.level.gain[q].value,
			            world_true_gain(world, i, 1, world_shares[q]), 1e-9);
	}
	world_free(world);
}

/* ---- Bootstrap
 * -------------------------------------------------------------------------------------- */

static void test_student(void **state)
{
	(void)state;
	assert_near(student_quantile(0.975, 1), 12.7062, 1e-3);
	assert_near(student_quantile(0.975, 2), 4.30265, 1e-4);
	assert_near(student_quantile(0.975, 5), 2.57058, 1e-4);
	assert_near(student_quantile(0.95, 10), 1.81246, 1e-4);
	assert_near(student_quantile(0.995, 30), 2.75000, 1e-4);
	assert_near(student_quantile(0.975, 100000), 1.95998, 1e-3);
}

static void test_draws(void **state)
{
	struct bootstrap bootstrap;
	double weights[30], sum[30] = { 0 };

	(void)state;
	bootstrap_init(&bootstrap, 30, 5);
	assert_int_equal(bootstrap.run_length, 3);
	for (int i = 0; i < 3000; i++) {
		double all = 0;

		bootstrap_draw(&bootstrap, weights);
		for (int b = 0; b < 30; b++) {
			all += weights[b];
			sum[b] += weights[b];
		}
		assert_true(all == 30);
	}
	/* Each block is as likely as any other: 3000 times, give or take. */
	for (int b = 0; b < 30; b++)
		assert_near(sum[b], 3000, 400);
}

/* Blocks whose level drifts: how often the interval of p99 holds the truth. */
static double coverage(size_t n_blocks, double correlation, int trials)
{
	const struct counterfactual_options options = { .n_replicates = 400 };
	double truth_p99 = 0;
	int held = 0;

	for (int trial = -1; trial < trials; trial++) {
		struct world *world = world_create();
		const struct counterfactual_figure *figure;
		/* The first one is the truth: many independent blocks. */
		size_t n = trial < 0 ? 200 : n_blocks;
		double level = 0;

		for (size_t i = 0; i < n; i++, world_next_interval(world)) {
			double innovation =
				sqrt(-2 * log(1 - random_share())) * cos(2 * M_PI * random_share());
			double keep = trial < 0 || !i ? 0 : correlation;

			level = keep * level + sqrt(1 - keep * keep) * innovation;
			for (int r = 0; r < (trial < 0 ? 1500 : 300); r++)
				ADD(world, [KTAX_APP] =
				                   US(20) + exponential_us(50 * exp(0.15 * level)));
		}
		figure = trial < 0 ? NULL
		                   : &world_compute_with(world, &options)
		                              ->total.ns[COUNTERFACTUAL_P99];
		if (trial < 0)
			truth_p99 = world_truth(world, 0, 0, 0.99);
		else
			held += figure->interval.low <= truth_p99 &&
			        figure->interval.high >= truth_p99;
		world_free(world);
	}
	return (double)held / trials;
}

static void test_intervals_hold_the_truth(void **state)
{
	(void)state;
	random_state = 99;
	/* Nominal 95 %; of 60 trials 50 or fewer would be a rare accident (0.06 %). */
	assert_true(coverage(10, 0, 60) > 50.0 / 60);
	assert_true(coverage(30, 0.3, 60) > 50.0 / 60);
}

static void test_the_same_data_give_the_same_interval(void **state)
{
	struct interval first = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world *world = world_create();
		const struct counterfactual_figure *figure;

		fill_random(world, 3, 8, 500);
		figure = &world_compute(world)->bypass.gain[COUNTERFACTUAL_P99];
		if (i)
			assert_memory_equal(&figure->interval, &first, sizeof(first));
		first = figure->interval;
		world_free(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_time_of_fast_requests),
		cmocka_unit_test(test_kernel_time_of_slow_requests),
		cmocka_unit_test(test_scaled_follows_the_requests),
		cmocka_unit_test(test_ranking_properties),
		cmocka_unit_test(test_ceilings_are_those_of_the_requests),
		cmocka_unit_test(test_scaled_is_monotone_and_ends_at_the_floor),
		cmocka_unit_test(test_scaled_is_near_the_truth),
		cmocka_unit_test(test_scaled_carries_the_doubt_of_the_efficacy),
		cmocka_unit_test(test_absent_accounts),
		cmocka_unit_test(test_too_few_intervals),
		cmocka_unit_test(test_requests_needed),
		cmocka_unit_test(test_no_requests),
		cmocka_unit_test(test_many_intervals_become_fewer_blocks),
		cmocka_unit_test(test_sampled_requests_decide_what_the_joint_table_leaves_open),
		cmocka_unit_test(test_ranking_by_sample_is_exact),
		cmocka_unit_test(test_student),
		cmocka_unit_test(test_draws),
		cmocka_unit_test(test_intervals_hold_the_truth),
		cmocka_unit_test(test_the_same_data_give_the_same_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
