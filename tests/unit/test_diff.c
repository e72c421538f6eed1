// SPDX-License-Identifier: GPL-2.0
/*
 * analyze/diff: recordings drawn from known distributions. Equal ones must not be told apart more
 * often than stated, known shifts must be found, and intervals must hold the truth.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diff.h"

#define HIGHEST_NS (1ULL << 30)

/* How recordings are drawn: seconds whose medians differ, as an AR(1) process, and requests within
 * that are spread log-normally; some of them wait. */
struct source {
	size_t intervals, requests; /* of an interval */
	double median_ns, spread;   /* of a request's logarithm */
	double drift, memory;       /* standard deviation of a second's, correlation to the next */
	double waits, wait_ns;      /* share, and time, of the account WAIT */
};

static const struct source usual = { 30, 400, 60000, 0.4, 0.05, 0, 0, 0 };

static uint64_t state;

static double uniform(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

/* ---- Ledgers --------------------------------------------------------------------------------- */

static void ledger_clear(struct recording_ledger *ledger)
{
	ledger->requests = ledger->max_ns = 0;
	memset(ledger->joint, 0, sizeof(ledger->joint));
	histogram_reset(&ledger->total);
	histogram_reset(&ledger->account[KTAX_APP]);
	histogram_reset(&ledger->account[KTAX_WAIT]);
}

static struct recording_ledger *ledger_create(void)
{
	struct recording_ledger *ledger = calloc(1, sizeof(*ledger));

	assert_non_null(ledger);
	assert_int_equal(histogram_init(&ledger->total, HIGHEST_NS, 3), 0);
	assert_int_equal(histogram_init(&ledger->floor_tuned, HIGHEST_NS, 3), 0);
	assert_int_equal(histogram_init(&ledger->floor_bypass, HIGHEST_NS, 3), 0);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		assert_int_equal(histogram_init(&ledger->account[i], HIGHEST_NS, 3), 0);
	return ledger;
}

static void ledger_free(struct recording_ledger *ledger)
{
	histogram_destroy(&ledger->total);
	histogram_destroy(&ledger->floor_tuned);
	histogram_destroy(&ledger->floor_bypass);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		histogram_destroy(&ledger->account[i]);
	free(ledger);
}

/* As the kernel counts it, and the recording keeps it: at the middle of its bucket. */
static void record(struct histogram *histogram, uint64_t ns)
{
	uint32_t bucket = ktax_hist_index(ns, KTAX_HIST_MAGNITUDE);
	uint64_t low = ktax_hist_lowest(bucket, KTAX_HIST_MAGNITUDE);
	uint64_t next = ktax_hist_lowest(bucket + 1, KTAX_HIST_MAGNITUDE);

	assert_int_equal(histogram_record(histogram, low + (next - low) / 2, 1), 0);
}

static void add_request(struct recording_ledger *ledger, uint64_t app_ns, uint64_t wait_ns)
{
	uint64_t total = app_ns + wait_ns;
	struct ktax_joint_cell *cell = &ledger->joint[ktax_hist_index(total, KTAX_JOINT_MAGNITUDE)];

	cell->requests++;
	cell->sum_ns[KTAX_APP] += app_ns;
	cell->sum_ns[KTAX_WAIT] += wait_ns;
	record(&ledger->total, total);
	record(&ledger->account[KTAX_APP], app_ns);
	if (wait_ns)
		record(&ledger->account[KTAX_WAIT], wait_ns);
	ledger->requests++;
	ledger->max_ns = total > ledger->max_ns ? total : ledger->max_ns;
}

static void draw_interval(const struct source *source, double level,
                          struct recording_ledger *ledger)
{
	ledger_clear(ledger);
	for (size_t i = 0; i < source->requests; i++) {
		double ns = source->median_ns * exp(level + source->spread * normal());
		bool waits = uniform() < source->waits;

		add_request(ledger, (uint64_t)ns, waits ? (uint64_t)source->wait_ns : 0);
	}
}

static void merge(struct recording_ledger *into, const struct recording_ledger *from)
{
	into->requests += from->requests;
	into->max_ns = from->max_ns > into->max_ns ? from->max_ns : into->max_ns;
	for (size_t c = 0; c < KTAX_JOINT_CELLS; c++) {
		into->joint[c].requests += from->joint[c].requests;
		for (int i = 0; i < KTAX_NACCOUNTS; i++)
			into->joint[c].sum_ns[i] += from->joint[c].sum_ns[i];
	}
	assert_int_equal(histogram_merge(&into->total, &from->total), 0);
	assert_int_equal(histogram_merge(&into->account[KTAX_APP], &from->account[KTAX_APP]), 0);
	assert_int_equal(histogram_merge(&into->account[KTAX_WAIT], &from->account[KTAX_WAIT]), 0);
}

/* A recording: drawn twice from the same seed, since a side needs the whole before its parts. */
struct drawn {
	struct recording_ledger *whole, *interval;
	struct diff_side *side;
};

static void go_through(const struct source *source, struct drawn *drawn, bool adding)
{
	double level = source->drift * normal();
	double fresh = source->drift * sqrt(1 - source->memory * source->memory);

	for (size_t i = 0; i < source->intervals; i++) {
		draw_interval(source, level, drawn->interval);
		if (adding)
			diff_side_add(drawn->side, drawn->interval);
		else
			merge(drawn->whole, drawn->interval);
		level = source->memory * level + fresh * normal();
	}
}

static void draw(const struct source *source, struct drawn *drawn)
{
	uint64_t seed = state;

	diff_side_free(drawn->side);
	ledger_clear(drawn->whole);
	go_through(source, drawn, false);
	assert_int_equal(diff_side_create(drawn->whole, source->intervals, &drawn->side), 0);
	state = seed;
	go_through(source, drawn, true);
}

static void drawn_init(struct drawn *drawn)
{
	*drawn = (struct drawn){ ledger_create(), ledger_create(), NULL };
}

static void drawn_free(struct drawn *drawn)
{
	diff_side_free(drawn->side);
	ledger_free(drawn->whole);
	ledger_free(drawn->interval);
}

/* ---- Rates of verdicts ----------------------------------------------------------------------- */

struct counts {
	double higher, lower, covered; /* shares of the pairs */
};

/* @pairs of recordings, compared at @level of the total; @truth is the ratio that is true. */
static struct counts count_verdicts(const struct source *before, const struct source *after,
                                    enum diff_level level, double confidence, double truth,
                                    size_t pairs)
{
	struct drawn a, b;
	struct counts counts = { 0 };

	drawn_init(&a);
	drawn_init(&b);
	for (size_t i = 0; i < pairs; i++) {
		struct diff_change change;

		draw(before, &a);
		draw(after, &b);
		change = diff_compare(a.side, b.side, DIFF_TOTAL, level, confidence);
		assert_int_not_equal(change.verdict, DIFF_UNKNOWN);
		counts.higher += (change.verdict == DIFF_HIGHER) / (double)pairs;
		counts.lower += (change.verdict == DIFF_LOWER) / (double)pairs;
		counts.covered +=
			(change.ratio.low <= truth - 1 && truth - 1 <= change.ratio.high) /
			(double)pairs;
	}
	drawn_free(&a);
	drawn_free(&b);
	print_message("%s: higher %.3f, lower %.3f, covered %.3f\n", diff_level_name[level],
	              counts.higher, counts.lower, counts.covered);
	return counts;
}

#define PAIRS 150

static void equal_recordings_differ_no_more_often_than_stated(void **unused)
{
	state = 1;
	for (int level = 0; level < DIFF_P999; level++) {
		struct counts counts =
			count_verdicts(&usual, &usual, (enum diff_level)level, 0.95, 1, PAIRS);

		/* 5 %, and 3 standard errors of counting 150. */
		assert_true(counts.higher + counts.lower <= 0.05 + 0.054);
		assert_true(counts.covered >= 0.95 - 0.054);
	}
}

static void so_do_recordings_whose_seconds_are_alike(void **unused)
{
	struct source source = usual;

	source.memory = 0.45;
	source.intervals = 60;
	source.requests = 200;
	state = 2;
	for (int level = DIFF_P50; level < DIFF_P999; level++) {
		struct counts counts =
			count_verdicts(&source, &source, (enum diff_level)level, 0.95, 1, PAIRS);

		/* Blocks of 4 s remember a little: 7 %. */
		assert_true(counts.higher + counts.lower <= 0.07 + 0.063);
	}
}

static void a_known_shift_is_found_and_held(void **unused)
{
	struct source slower = usual;
	struct counts counts;

	slower.median_ns *= 1.15;
	state = 3;
	counts = count_verdicts(&usual, &slower, DIFF_P50, 0.95, 1.15, PAIRS);
	assert_true(counts.higher >= 0.95);
	assert_true(counts.covered >= 0.95 - 0.054);
	counts = count_verdicts(&slower, &usual, DIFF_P99, 0.95, 1 / 1.15, PAIRS);
	assert_true(counts.lower >= 0.8);
	assert_true(counts.covered >= 0.95 - 0.054);
}

/* ---- Single cases ---------------------------------------------------------------------------- */

struct pair {
	struct drawn before, after;
};

static void draw_pair(const struct source *before, const struct source *after, struct pair *pair)
{
	drawn_init(&pair->before);
	drawn_init(&pair->after);
	draw(before, &pair->before);
	draw(after, &pair->after);
}

static void free_pair(struct pair *pair)
{
	drawn_free(&pair->before);
	drawn_free(&pair->after);
}

static struct diff_change compare(struct pair *pair, int row, enum diff_level level)
{
	return diff_compare(pair->before.side, pair->after.side, row, level, 0.95);
}

static void a_gate_needs_the_whole_interval_beyond_its_limit(void **unused)
{
	struct source slower = usual;
	struct diff_change change;
	struct pair pair;

	slower.median_ns *= 1.3;
	state = 4;
	draw_pair(&usual, &slower, &pair);
	change = compare(&pair, DIFF_TOTAL, DIFF_P50);
	assert_int_equal(diff_judge(&change, 0.1), DIFF_GATE_REGRESSED);
	assert_int_equal(diff_judge(&change, 0.6), DIFF_GATE_FINE);
	assert_int_equal(diff_judge(&change, change.change), DIFF_GATE_UNDECIDED);
	free_pair(&pair);
	draw_pair(&slower, &usual, &pair);
	change = compare(&pair, DIFF_TOTAL, DIFF_P50);
	assert_int_equal(diff_judge(&change, 0), DIFF_GATE_FINE);
	free_pair(&pair);
}

static void few_intervals_say_nothing(void **unused)
{
	struct source shorter = usual;
	struct diff_change change;
	struct pair pair;

	shorter.intervals = DIFF_BLOCKS_LEAST - 1;
	draw_pair(&usual, &shorter, &pair);
	change = compare(&pair, DIFF_TOTAL, DIFF_P50);
	assert_int_equal(change.verdict, DIFF_UNKNOWN);
	assert_true(change.has_ratio);
	assert_int_equal(diff_judge(&change, 10), DIFF_GATE_UNDECIDED);
	free_pair(&pair);
}

static void few_requests_say_nothing_of_a_high_percentile(void **unused)
{
	struct pair pair;

	/* 12000 requests: 12 lie beyond p99.9; of 6000 only 6. */
	struct source fewer = usual;

	draw_pair(&usual, &usual, &pair);
	assert_int_not_equal(compare(&pair, DIFF_TOTAL, DIFF_P999).verdict, DIFF_UNKNOWN);
	free_pair(&pair);
	fewer.requests = 200;
	draw_pair(&usual, &fewer, &pair);
	assert_int_equal(compare(&pair, DIFF_TOTAL, DIFF_P999).verdict, DIFF_UNKNOWN);
	assert_int_not_equal(compare(&pair, DIFF_TOTAL, DIFF_P99).verdict, DIFF_UNKNOWN);
	free_pair(&pair);
}

static void an_account_that_was_0_has_a_difference_but_no_ratio(void **unused)
{
	struct source waiting = usual;
	struct diff_change change;
	struct pair pair;

	waiting.waits = 0.5;
	waiting.wait_ns = 50000;
	draw_pair(&usual, &waiting, &pair);
	change = compare(&pair, KTAX_WAIT, DIFF_MEAN);
	assert_int_equal(change.verdict, DIFF_HIGHER);
	assert_false(change.has_ratio);
	assert_true(change.delta.low > 20000 && change.delta.high < 30000);
	change = compare(&pair, KTAX_WAIT, DIFF_P90);
	assert_int_equal(change.verdict, DIFF_HIGHER);
	assert_true(change.delta.low <= 50000 && change.delta.high >= 50000);
	change = compare(&pair, KTAX_APP, DIFF_P50);
	assert_int_equal(change.verdict, DIFF_UNDECIDED);
	free_pair(&pair);
}

static void a_recording_does_not_differ_from_itself(void **unused)
{
	struct pair pair;
	uint64_t seed;

	state = seed = 5;
	drawn_init(&pair.before);
	drawn_init(&pair.after);
	draw(&usual, &pair.before);
	state = seed;
	draw(&usual, &pair.after);
	for (int row = 0; row < DIFF_ROWS; row++)
		for (int level = 0; level < DIFF_LEVELS; level++) {
			struct diff_change change = compare(&pair, row, (enum diff_level)level);

			assert_int_equal(change.verdict, DIFF_UNDECIDED);
			assert_true(change.delta_ns == 0);
		}
	free_pair(&pair);
}

/* A shift within a bucket moves the point by a whole one: that alone is no finding. */
static void a_bucket_s_width_is_no_change(void **unused)
{
	struct source exact = { 30, 2000, 65000, 0, 0, 0, 0, 0 }, shifted = exact;
	struct diff_change change;
	struct pair pair;

	/* 2^16 = 65536 is a border: buckets are 512 ns below, 1024 ns above. */
	shifted.median_ns = 65600;
	draw_pair(&exact, &shifted, &pair);
	change = compare(&pair, DIFF_TOTAL, DIFF_P50);
	assert_true(change.change > 0.005);
	assert_true(change.ratio.high >= 65600.0 / 65000 - 1);
	assert_true(change.ratio.low <= 65600.0 / 65000 - 1);
	free_pair(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_recordings_differ_no_more_often_than_stated),
		cmocka_unit_test(so_do_recordings_whose_seconds_are_alike),
		cmocka_unit_test(a_known_shift_is_found_and_held),
		cmocka_unit_test(a_gate_needs_the_whole_interval_beyond_its_limit),
		cmocka_unit_test(few_intervals_say_nothing),
		cmocka_unit_test(few_requests_say_nothing_of_a_high_percentile),
		cmocka_unit_test(an_account_that_was_0_has_a_difference_but_no_ratio),
		cmocka_unit_test(a_recording_does_not_differ_from_itself),
		cmocka_unit_test(a_bucket_s_width_is_no_change),
	};

	return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
