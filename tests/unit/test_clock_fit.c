// SPDX-License-Identifier: GPL-2.0
/* A NIC's clock against CLOCK_MONOTONIC: brackets, the line, steps, and stamps converted by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock_fit.h"

#define SECOND  1000000000LL
#define QUARTER (SECOND / 4)
#define EPOCH   (1700000037LL * SECOND) /* of the simulated clock */
#define START   (86400LL * SECOND)      /* CLOCK_MONOTONIC at the first reading */

/* A clock that runs @fast_ppb fast, and whose readings are off by up to @noise_ns. */
struct simulated {
	int64_t offset_ns, fast_ppb, noise_ns, error_ns;
	unsigned random;
};

static int64_t shows(const struct simulated *clock, int64_t monotonic)
{
	int64_t since = monotonic - START;

	return EPOCH + clock->offset_ns + since +
	       (int64_t)((__int128)since * clock->fast_ppb / SECOND);
}

static int64_t noise(struct simulated *clock)
{
	clock->random = clock->random * 1103515245 + 12345;
	if (!clock->noise_ns)
		return 0;
	return (int64_t)(clock->random >> 8) % (2 * clock->noise_ns + 1) - clock->noise_ns;
}

static void read_at(struct simulated *clock, struct clock_fit *fit, int64_t monotonic)
{
	struct clock_reading reading = { .clock_ns = shows(clock, monotonic),
		                         .reference_ns = monotonic + noise(clock),
		                         .error_ns = clock->error_ns };

	clock_fit_add(fit, &reading);
}

/* Readings every quarter of a second from @from on; returns the time of the last one. */
static int64_t read_often(struct simulated *clock, struct clock_fit *fit, int64_t from, int n)
{
	for (int i = 0; i < n; i++)
		read_at(clock, fit, from + i * QUARTER);
	return from + (n - 1) * QUARTER;
}

/* What arrived at @monotonic and is handed up 20 us later is converted to within @error_ns. */
static void converts(const struct simulated *clock, const struct ktax_clock_line *line,
                     int64_t monotonic, int64_t error_ns)
{
	uint64_t arrival = ktax_nic_arrival(line, shows(clock, monotonic), monotonic + 20000);

	assert_true(arrival > 0);
	assert_true(llabs((int64_t)arrival - monotonic) <= error_ns);
}

static void test_the_narrowest_bracket_is_taken(void **state)
{
	const struct clock_bracket brackets[] = {
		{ 1000, 70, 9000 }, { 20000, 90, 20101 }, { 30000, 95, 29000 }, { 40000, 99, 40600 }
	};
	struct clock_reading reading;

	assert_int_equal(clock_narrowest(brackets, 4, &reading), 0);
	assert_int_equal(reading.clock_ns, 90);
	assert_int_equal(reading.reference_ns, 20050);
	assert_int_equal(reading.error_ns, 51); /* it holds both ends */
	assert_int_equal(clock_narrowest(&brackets[2], 1, &reading), -EINVAL);
	assert_int_equal(clock_narrowest(brackets, 0, &reading), -EINVAL);
}

static void test_realtime_is_taken_out(void **state)
{
	/* CLOCK_REALTIME is 1700000000 s ahead, known to 30 ns. */
	const struct clock_reading offset = { 1700000005LL * SECOND, 5 * SECOND, 30 };
	struct clock_reading reading = { 42, 1700000007LL * SECOND + 8, 400 };

	clock_reading_to_monotonic(&reading, &offset);
	assert_int_equal(reading.clock_ns, 42);
	assert_int_equal(reading.reference_ns, 7 * SECOND + 8);
	assert_int_equal(reading.error_ns, 430);
}

static void test_a_step_of_realtime_is_noticed(void **state)
{
	const struct clock_reading before = { 1000 * SECOND, 5 * SECOND, 30 };
	struct clock_reading after = { 1001 * SECOND + 50, 6 * SECOND, 25 };

	assert_false(clock_offsets_differ(&before, &after));
	after.clock_ns += 10;
	assert_true(clock_offsets_differ(&before, &after));
	after.clock_ns = 1000 * SECOND;
	assert_true(clock_offsets_differ(&before, &after));
}

static void test_one_reading_is_not_enough(void **state)
{
	struct simulated clock = {};
	struct clock_fit fit = {};
	struct ktax_clock_line line;
	int64_t error;

	assert_int_equal(clock_fit_line(&fit, SECOND, &line, &error), -EAGAIN);
	read_at(&clock, &fit, START);
	assert_int_equal(clock_fit_line(&fit, SECOND, &line, &error), -EAGAIN);
}

static void test_offset_and_drift_are_found(void **state)
{
	static const int64_t fast[] = { 0, 1, 200000, -200000, 40000000, -40000000 };

	for (size_t i = 0; i < sizeof(fast) / sizeof(fast[0]); i++) {
		struct simulated clock = { .fast_ppb = fast[i] };
		struct clock_fit fit = {};
		struct ktax_clock_line line;
		int64_t error, last = read_often(&clock, &fit, START, 5);

		assert_int_equal(clock_fit_line(&fit, SECOND, &line, &error), 0);
		assert_true(error <= 2);
		converts(&clock, &line, last, 2);
		converts(&clock, &line, last + SECOND - 100000, 4);
		converts(&clock, &line, START + 1000, 4); /* within the readings too */
		assert_int_equal(fit.steps, 0);
	}
}

static void test_the_error_bound_holds_with_noisy_readings(void **state)
{
	struct simulated clock = { .fast_ppb = -37000, .noise_ns = 700, .error_ns = 700 };

	for (unsigned seed = 0; seed < 200; seed++) {
		struct clock_fit fit = {};

		clock.random = seed;
		for (int n = 0; n < 40; n++) {
			struct ktax_clock_line line;
			int64_t error, last = START + n * QUARTER;

			read_at(&clock, &fit, last);
			if (clock_fit_line(&fit, SECOND, &line, &error))
				continue;
			converts(&clock, &line, last, error);
			converts(&clock, &line, last + SECOND - 30000, error);
			if (n >= CLOCK_FIT_READINGS)
				assert_true(error < 10 * clock.error_ns);
		}
		assert_int_equal(fit.steps, 0);
	}
}

static void test_a_servo_at_work_is_followed(void **state)
{
	struct simulated clock = { .error_ns = 300 };
	struct clock_fit fit = {};
	int64_t now = START;

	/* ptp4l changes the rate by 5 ppm four times a second. */
	for (int i = 0; i < 80; i++, now += QUARTER) {
		struct ktax_clock_line line;
		int64_t error, change = i % 2 ? 5000 : -4000;

		read_at(&clock, &fit, now);
		if (!clock_fit_line(&fit, SECOND, &line, &error))
			converts(&clock, &line, now, error);
		/* From here on at another rate, without a step. */
		clock.offset_ns -= (int64_t)((__int128)(now - START) * change / SECOND);
		clock.fast_ppb += change;
	}
	assert_int_equal(fit.steps, 0);
}

static void step_by(int64_t step_ns)
{
	struct simulated clock = { .fast_ppb = 20000, .error_ns = 500 };
	struct clock_fit fit = {};
	struct ktax_clock_line line;
	int64_t error, last = read_often(&clock, &fit, START, 6);

	clock.offset_ns += step_ns;
	last += QUARTER;
	read_at(&clock, &fit, last);
	assert_int_equal(fit.steps, 1);
	assert_int_equal(clock_fit_line(&fit, SECOND, &line, &error), -EAGAIN);
	read_at(&clock, &fit, last + QUARTER);
	assert_int_equal(clock_fit_line(&fit, SECOND, &line, &error), 0);
	assert_int_equal(fit.steps, 1);
	converts(&clock, &line, last + QUARTER, error);
	/* What came before the step was stamped by another course of the clock. */
	assert_int_equal(line.from_ns, last);
	assert_int_equal(ktax_nic_arrival(&line, shows(&clock, last - 1000), last + QUARTER), 0);
}

static void test_a_stepped_clock_is_not_used_until_read_again(void **state)
{
	step_by(100000);
	step_by(-100000);
	step_by(37 * SECOND);
	step_by(-37 * SECOND);
	step_by(-1700000000LL * SECOND);
	step_by(INT64_MAX / 2);
}

static void test_a_clock_that_stands_still_or_runs_wild_is_not_used(void **state)
{
	struct simulated clock = { .fast_ppb = 100000000 }; /* 10 % fast */
	struct clock_reading reading = { EPOCH, START, 100 };
	struct clock_fit fit = {};
	struct ktax_clock_line line;
	int64_t error;

	read_often(&clock, &fit, START, 10);
	assert_int_equal(clock_fit_line(&fit, SECOND, &line, &error), -EAGAIN);
	memset(&fit, 0, sizeof(fit));
	for (int i = 0; i < 10; i++, reading.reference_ns += QUARTER)
		clock_fit_add(&fit, &reading);
	assert_int_equal(clock_fit_line(&fit, SECOND, &line, &error), -EAGAIN);
}

static void test_after_a_long_gap_it_begins_anew(void **state)
{
	struct simulated clock = {};
	struct clock_fit fit = {};
	struct ktax_clock_line line;
	int64_t error, last = read_often(&clock, &fit, START, 4);

	read_at(&clock, &fit, last + 60 * SECOND);
	assert_int_equal(clock_fit_line(&fit, SECOND, &line, &error), -EAGAIN);
}

static void test_a_stamp_that_cannot_be_right_is_refused(void **state)
{
	struct simulated clock = {};
	struct clock_fit fit = {};
	struct ktax_clock_line line;
	int64_t error, last = read_often(&clock, &fit, START, 8);
	const uint64_t now = last + 1000;

	assert_int_equal(clock_fit_line(&fit, SECOND, &line, &error), 0);
	assert_int_equal(ktax_nic_arrival(&line, shows(&clock, now), now), now);
	assert_int_equal(ktax_nic_arrival(&line, shows(&clock, now) + 1, now), 0);
	assert_int_equal(ktax_nic_arrival(&line, shows(&clock, now - SECOND), now), now - SECOND);
	assert_int_equal(ktax_nic_arrival(&line, shows(&clock, now - SECOND) - 1, now), 0);
	assert_int_equal(ktax_nic_arrival(&line, shows(&clock, START - 1), START + 10), 0);
	/* Handed up when the line does not hold any more. */
	assert_true(ktax_nic_arrival(&line, shows(&clock, last + SECOND), last + SECOND));
	assert_int_equal(ktax_nic_arrival(&line, shows(&clock, last + SECOND), last + SECOND + 1),
	                 0);
	/* No stamp, a time of another clock, a pointer. */
	assert_int_equal(ktax_nic_arrival(&line, 0, now), 0);
	assert_int_equal(ktax_nic_arrival(&line, now, now), 0);
	assert_int_equal(ktax_nic_arrival(&line, (int64_t)0xffff888012345678ULL, now), 0);
	assert_int_equal(ktax_nic_arrival(&line, INT64_MAX, now), 0);
	assert_int_equal(ktax_nic_arrival(&line, INT64_MIN, now), 0);
}

static void test_no_line_converts_nothing(void **state)
{
	const struct ktax_clock_line none = {};

	assert_int_equal(ktax_nic_arrival(&none, EPOCH, START), 0);
	assert_int_equal(ktax_nic_arrival(&none, START, START), 0);
	assert_int_equal(ktax_nic_arrival(&none, 0, START), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_narrowest_bracket_is_taken),
		cmocka_unit_test(test_realtime_is_taken_out),
		cmocka_unit_test(test_a_step_of_realtime_is_noticed),
		cmocka_unit_test(test_one_reading_is_not_enough),
		cmocka_unit_test(test_offset_and_drift_are_found),
		cmocka_unit_test(test_the_error_bound_holds_with_noisy_readings),
		cmocka_unit_test(test_a_servo_at_work_is_followed),
		cmocka_unit_test(test_a_stepped_clock_is_not_used_until_read_again),
		cmocka_unit_test(test_a_clock_that_stands_still_or_runs_wild_is_not_used),
		cmocka_unit_test(test_after_a_long_gap_it_begins_anew),
		cmocka_unit_test(test_a_stamp_that_cannot_be_right_is_refused),
		cmocka_unit_test(test_no_line_converts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
