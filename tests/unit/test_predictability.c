// SPDX-License-Identifier: GPL-2.0
/* How evenly requests arrive: folding the counts per millisecond, and what is said of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arrivals.h"
#include "predictability.h"

#define MS      1000000ULL
#define HOUR_NS (3600 * 1000 * MS)
#define TIMES   200000

static void assert_near(double value, double expected, double tolerance)
{
	if (fabs(value - expected) > tolerance)
		fail_msg("%g is not within %g of %g", value, tolerance, expected);
}

static uint64_t random_state = 1;

static double random_share(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(random_state >> 11) / 9007199254740992.0;
}

/* Arrivals at @per_second, Poisson; @on_ms of every @period_ms only (and so many more then). */
static void fill_times(uint64_t *times_ns, size_t n, double per_second, double on_ms,
                       double period_ms)
{
	double at = 0; /* in the time that is on */

	random_state = 7;
	for (size_t i = 0; i < n; i++) {
		at += -log(1 - random_share()) * 1e3 / per_second * on_ms / period_ms;
		times_ns[i] = (uint64_t)((floor(at / on_ms) * period_ms + fmod(at, on_ms)) * 1e6);
	}
}

static struct predictability of_times(const uint64_t *times_ns, size_t n)
{
	struct recording_arrivals arrivals[PREDICTABILITY_WINDOWS];
	struct predictability found;

	assert_int_equal(predictability_count(times_ns, n, arrivals), 0);
	predictability_create(arrivals, &found);
	return found;
}

static void test_poisson_arrivals(void **state)
{
	uint64_t *times_ns = calloc(TIMES, sizeof(*times_ns));
	struct predictability found;

	(void)state;
	assert_non_null(times_ns);
	fill_times(times_ns, TIMES, 5000, 1, 1);
	found = of_times(times_ns, TIMES);
	assert_true(found.present);
	for (int i = 0; i < PREDICTABILITY_WINDOWS; i++) {
		assert_int_equal(found.window[i].kind, PREDICTABILITY_POISSON);
		assert_near(found.window[i].mean_per_second, 5000, 200);
	}
	assert_near(found.window[0].dispersion, 1, 0.02);
	assert_near(found.growth, 0, 0.1);
	assert_near(found.hurst, 0.5, 0.05);
	assert_int_equal(found.bursty_from_ns, 0);
	assert_string_equal(strtok(found.sentence, "("), "no burstier than independent ");
	free(times_ns);
}

static void test_a_metronome_is_steady(void **state)
{
	uint64_t *times_ns = calloc(TIMES, sizeof(*times_ns));
	struct predictability found;

	(void)state;
	assert_non_null(times_ns);
	for (size_t i = 0; i < TIMES; i++)
		times_ns[i] = i * 100000;
	found = of_times(times_ns, TIMES);
	for (int i = 0; i < PREDICTABILITY_WINDOWS; i++) {
		assert_int_equal(found.window[i].kind, PREDICTABILITY_STEADY);
		assert_near(found.window[i].peak_to_mean, 1, 1e-9);
	}
	assert_non_null(strstr(found.sentence, "steadier"));
	free(times_ns);
}

/* 5 ms of every 50 ms: the peak is ten times the mean, up to the length of a burst. */
static void test_bursts(void **state)
{
	uint64_t *times_ns = calloc(TIMES, sizeof(*times_ns));
	struct predictability found;

	(void)state;
	assert_non_null(times_ns);
	fill_times(times_ns, TIMES, 5000, 5, 50);
	found = of_times(times_ns, TIMES);
	assert_int_equal(found.window[0].kind, PREDICTABILITY_BURSTY);
	assert_int_equal(found.window[2].window_ns, 5 * MS);
	assert_near(found.window[2].peak_to_mean, 10, 2.5);
	/* Mean 25 in 5 ms; 250 or none: variance 25^2 x 9. */
	assert_near(found.window[2].dispersion, 25 * 9, 30);
	/* In whole periods nothing is left of it. */
	assert_int_equal(found.window[6].window_ns, 100 * MS);
	assert_int_equal(found.window[6].kind, PREDICTABILITY_POISSON);
	assert_int_equal(found.bursty_from_ns, 0);
	assert_non_null(strstr(found.sentence, "even out"));
	free(times_ns);
}

/* A second of every ten: bursty at every length that is known. */
static void test_long_bursts_stay(void **state)
{
	uint64_t *times_ns = calloc(TIMES, sizeof(*times_ns));
	struct predictability found;

	(void)state;
	assert_non_null(times_ns);
	fill_times(times_ns, TIMES, 2000, 1000, 10000);
	found = of_times(times_ns, TIMES);
	assert_int_equal(found.bursty_from_ns, 1 * MS);
	assert_true(found.has_growth);
	assert_true(found.hurst > 0.9);
	assert_non_null(strstr(found.sentence, "bursty in windows of 1 ms and above"));
	/* 20,000 in the peak second, 2000 in the mean one. */
	assert_int_equal(predictability_cores(&found, 1000 * MS, 5500), 4);
	assert_int_equal(predictability_cores(&found, 1000 * MS, 0), 0);
	assert_int_equal(predictability_cores(&found, 7 * MS, 5500), 0);
	free(times_ns);
}

static void test_times_must_ascend(void **state)
{
	const uint64_t times_ns[] = { 5, 4 };
	struct recording_arrivals arrivals[PREDICTABILITY_WINDOWS];

	(void)state;
	assert_int_equal(predictability_count(times_ns, 2, arrivals), -EINVAL);
	assert_int_equal(predictability_count(NULL, 0, arrivals), 0);
	assert_int_equal(arrivals[0].windows, 0);
}

static void test_nothing_counted_is_absent(void **state)
{
	const struct recording_arrivals none[PREDICTABILITY_WINDOWS] = { { 0 } };
	struct recording_arrivals few[PREDICTABILITY_WINDOWS] = { { 0 } };
	struct predictability found;

	(void)state;
	predictability_create(none, &found);
	assert_false(found.present);
	assert_true(strlen(found.why) > 0);
	assert_string_equal(found.sentence, "");
	few[9] = (struct recording_arrivals){ 4, 4000, 4000010, 1002 };
	predictability_create(few, &found);
	assert_true(found.present);
	assert_int_equal(found.window[9].kind, PREDICTABILITY_UNKNOWN);
	assert_non_null(strstr(found.sentence, "too few"));
}

static void test_the_time_of_day_takes_days(void **state)
{
	const struct recording_arrivals none[PREDICTABILITY_WINDOWS] = { { 0 } };
	struct predictability found;

	(void)state;
	for (unsigned int hours = 10; hours <= 72; hours += 62) {
		predictability_create(none, &found);
		for (unsigned int i = 0; i < hours; i++) {
			const struct recording_interval interval = {
				.start_realtime_ns = (20000ULL * 24 + i) * HOUR_NS,
				.length_ns = HOUR_NS,
				.attached_ns = HOUR_NS / 4,
			};

			predictability_add_interval(&found, &interval,
			                            i % 24 == 15 ? 9000000 : 900000);
		}
		predictability_end_intervals(&found);
		assert_int_equal(found.diurnal.present, hours == 72);
	}
	assert_int_equal(found.diurnal.peak_hour, 15);
	assert_near(found.diurnal.per_second[15], 10000, 1);
	assert_near(found.diurnal.peak_to_mean, 10 / (33.0 / 24), 0.01);
	predictability_create(none, &found);
	assert_non_null(strstr(found.diurnal.why, "2 days"));
}

/* ---- The recorder's side ----------------------------------------------------------------------
 */

/* What the fold of single milliseconds gives, against all windows counted at once. */
static void test_folded_milliseconds_equal_windows_counted_at_once(void **state)
{
	static uint64_t count[5000];
	const uint64_t first = 1234567; /* not a multiple of any length */
	struct arrival_windows windows = { 0 };

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		count[i] = (uint64_t)(10 * random_share() * random_share());
		arrival_windows_add(&windows, first + i, count[i]);
	}
	for (int w = 0; w < RECORDING_ARRIVAL_WINDOWS; w++) {
		uint64_t length = recording_arrival_window_ns[w] / MS;
		struct recording_arrivals expected = { 0 };

		for (uint64_t at = (length - first % length) % length; at + length <= 5000;
		     at += length) {
			uint64_t sum = 0;

			for (uint64_t i = at; i < at + length; i++)
				sum += count[i];
			expected.windows++;
			expected.requests += sum;
			expected.squares += sum * sum;
			expected.peak = sum > expected.peak ? sum : expected.peak;
		}
		assert_memory_equal(&windows.sums[w], &expected, sizeof(expected));
	}
}

static void test_a_window_that_was_interrupted_does_not_count(void **state)
{
	struct arrival_windows windows = { 0 };

	(void)state;
	for (uint64_t ms = 100; ms < 109; ms++)
		arrival_windows_add(&windows, ms, 1);
	arrival_windows_restart(&windows);
	for (uint64_t ms = 203; ms < 225; ms++)
		arrival_windows_add(&windows, ms, 1);
	assert_int_equal(windows.sums[0].windows, 9 + 22);
	assert_int_equal(recording_arrival_window_ns[3], 10 * MS);
	/* 100..109 lacks its end, 200..209 its beginning. */
	assert_int_equal(windows.sums[3].windows, 1);
	assert_int_equal(windows.sums[3].requests, 10);
	assert_int_equal(windows.sums[5].windows, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_poisson_arrivals),
		cmocka_unit_test(test_a_metronome_is_steady),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_long_bursts_stay),
		cmocka_unit_test(test_times_must_ascend),
		cmocka_unit_test(test_nothing_counted_is_absent),
		cmocka_unit_test(test_the_time_of_day_takes_days),
		cmocka_unit_test(test_folded_milliseconds_equal_windows_counted_at_once),
		cmocka_unit_test(test_a_window_that_was_interrupted_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
