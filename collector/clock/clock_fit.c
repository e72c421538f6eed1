// SPDX-License-Identifier: GPL-2.0
/*
 * Differences from the last reading are fitted, not times: a clock's times have 61 bits, their
 * differences within some seconds few enough for a double.
 */
#include "clock_fit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX     ((double)KTAX_NIC_RATE_MAX / (1LL << KTAX_NIC_RATE_SHIFT))
#define SERVO_CHANGE 50e-6 /* of the rate, between two readings */

int clock_narrowest(const struct clock_bracket *brackets, size_t n, struct clock_reading *ret)
{
	const struct clock_bracket *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct clock_bracket *bracket = &brackets[i];

		if (bracket->after_ns < bracket->before_ns)
			continue;
		if (!best ||
		    bracket->after_ns - bracket->before_ns < best->after_ns - best->before_ns)
			best = bracket;
	}
	if (!best)
		return -EINVAL;
	ret->clock_ns = best->clock_ns;
	ret->reference_ns = best->before_ns + (best->after_ns - best->before_ns) / 2;
	ret->error_ns = (best->after_ns - best->before_ns + 1) / 2;
	return 0;
}

void clock_reading_to_monotonic(struct clock_reading *reading, const struct clock_reading *offset)
{
	reading->reference_ns -= offset->clock_ns - offset->reference_ns;
	reading->error_ns += offset->error_ns;
}

bool clock_offsets_differ(const struct clock_reading *a, const struct clock_reading *b)
{
	int64_t change = (b->clock_ns - b->reference_ns) - (a->clock_ns - a->reference_ns);

	return llabs(change) > a->error_ns + b->error_ns;
}

/* How much longer than the clock's own time the reference's was, from the last reading to @reading.
 */
static double excess(const struct clock_fit *fit, const struct clock_reading *reading)
{
	const struct clock_reading *last = &fit->reading[fit->n - 1];

	return (double)((reading->reference_ns - last->reference_ns) -
	                (reading->clock_ns - last->clock_ns));
}

static double elapsed(const struct clock_fit *fit, const struct clock_reading *reading)
{
	return (double)(reading->clock_ns - fit->reading[fit->n - 1].clock_ns);
}

struct line {
	double slope, at_last; /* excess per ns of the clock; excess at the last reading */
	double error;          /* at the readings */
	double slope_error;
};

static void fit_line(const struct clock_fit *fit, struct line *line)
{
	double mean_x = 0, mean_y = 0, xx = 0, xy = 0;

	for (size_t i = 0; i < fit->n; i++) {
		mean_x += elapsed(fit, &fit->reading[i]) / fit->n;
		mean_y += excess(fit, &fit->reading[i]) / fit->n;
	}
	for (size_t i = 0; i < fit->n; i++) {
		double x = elapsed(fit, &fit->reading[i]) - mean_x;

		xx += x * x;
		xy += x * (excess(fit, &fit->reading[i]) - mean_y);
	}
	line->slope = xy / xx;
	line->at_last = mean_y - line->slope * mean_x;
	line->error = 0;
	for (size_t i = 0; i < fit->n; i++) {
		double x = elapsed(fit, &fit->reading[i]), y = excess(fit, &fit->reading[i]);
		double error = fabs(y - line->at_last - line->slope * x) + fit->reading[i].error_ns;

		line->error = fmax(line->error, error);
	}
	line->slope_error = 2 * line->error / -elapsed(fit, &fit->reading[0]);
}

/* Is @reading what the readings so far led to expect? */
static bool is_expected(const struct clock_fit *fit, const struct clock_reading *reading)
{
	const struct clock_reading *last = &fit->reading[fit->n - 1];
	int64_t passed = reading->clock_ns - last->clock_ns;
	double expected = 0, tolerance;
	struct line line;

	if (passed <= 0 || passed > KTAX_NIC_REACH_NS ||
	    reading->reference_ns <= last->reference_ns)
		return false;
	if (fit->n < 2) {
		tolerance = RATE_MAX * passed;
	} else {
		fit_line(fit, &line);
		expected = line.at_last + line.slope * passed;
		tolerance = line.error + (line.slope_error + SERVO_CHANGE) * passed;
	}
	return fabs(excess(fit, reading) - expected) <= tolerance + reading->error_ns;
}

void clock_fit_add(struct clock_fit *fit, const struct clock_reading *reading)
{
	if (fit->n && !is_expected(fit, reading)) {
		fit->n = 0;
		fit->steps++;
	}
	if (!fit->n)
		fit->since_ns = reading->reference_ns;
	if (fit->n == CLOCK_FIT_READINGS)
		memmove(&fit->reading[0], &fit->reading[1], --fit->n * sizeof(fit->reading[0]));
	fit->reading[fit->n++] = *reading;
}

int clock_fit_line(const struct clock_fit *fit, int64_t valid_ns, struct ktax_clock_line *ret,
                   int64_t *ret_error_ns)
{
	const struct clock_reading *last;
	struct line line;

	if (fit->n < 2)
		return -EAGAIN;
	last = &fit->reading[fit->n - 1];
	fit_line(fit, &line);
	*ret = (struct ktax_clock_line){
		.nic_ns = last->clock_ns,
		.monotonic_ns = last->reference_ns + llround(line.at_last),
		.rate = llround(line.slope * (1LL << KTAX_NIC_RATE_SHIFT)),
		.from_ns = fit->since_ns,
		.until_ns = last->reference_ns + valid_ns,
	};
	*ret_error_ns = llround(ceil(line.error + line.slope_error * valid_ns));
	return 0;
}
