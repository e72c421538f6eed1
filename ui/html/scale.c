// SPDX-License-Identifier: GPL-2.0
/* Ticks at 1, 2 and 5 times powers of ten: at even steps of a linear axis, on a log axis where
 * there is room for them. */
#include "scale.h"

#include <math.h>

/* Steps of a linear axis: at least this many. */
#define LINEAR_STEPS 4

/* Positions on which the axis is linear. */
static double project(enum scale_kind kind, double value)
{
	switch (kind) {
	case SCALE_LOG:
		return log10(value);
	case SCALE_NINES:
		return -log10(value);
	default:
		return value;
	}
}

double scale_place(const struct scale *scale, double value)
{
	double low = project(scale->kind, scale->low), high = project(scale->kind, scale->high);
	double share;

	if (scale->kind != SCALE_LINEAR && value <= 0)
		return scale->kind == SCALE_LOG ? scale->from : scale->to;
	share = high > low ? (project(scale->kind, value) - low) / (high - low) : 0;
	return scale->from + fmin(fmax(share, 0), 1) * (scale->to - scale->from);
}

/* 1, 2 or 5 times a power of ten: the largest that is at most @value, or the least above. */
static double round_to_nice(double value, bool up)
{
	static const double nice[] = { 1, 2, 5, 10 };
	double power = pow(10, floor(log10(value) + 1e-9)), found = power;

	for (int i = 0; i < 4; i++) {
		if (up && nice[i] * power >= value * (1 - 1e-9))
			return nice[i] * power;
		if (!up && nice[i] * power <= value * (1 + 1e-9))
			found = nice[i] * power;
	}
	return found;
}

void scale_round(struct scale *scale)
{
	if (scale->kind == SCALE_LINEAR) {
		double step = round_to_nice((scale->high - scale->low) / LINEAR_STEPS, false);

		if (scale->high <= scale->low)
			return;
		scale->low = floor(scale->low / step + 1e-9) * step;
		scale->high = ceil(scale->high / step - 1e-9) * step;
	} else if (scale->kind == SCALE_LOG) {
		scale->low = round_to_nice(scale->low, false);
		scale->high = round_to_nice(scale->high, true);
		if (scale->high <= scale->low)
			scale->high = scale->low * 10;
	}
}

static size_t add_tick(const struct scale *scale, double value, bool minor, struct tick *ticks,
                       size_t n)
{
	if (n == SCALE_TICKS_MAX)
		return n;
	ticks[n] = (struct tick){ value, scale_place(scale, value), minor };
	return n + 1;
}

static size_t linear_ticks(const struct scale *scale, struct tick *ticks)
{
	double step, value;
	size_t n = 0;

	if (!(scale->high > scale->low))
		return add_tick(scale, scale->low, false, ticks, 0);
	step = round_to_nice((scale->high - scale->low) / LINEAR_STEPS, false);
	value = ceil(scale->low / step - 1e-9);
	for (; value * step <= scale->high + step * 1e-9 && n < SCALE_TICKS_MAX; value++)
		n = add_tick(scale, value * step + 0.0, false, ticks, n); /* + 0: not -0 */
	return n;
}

/* Over more than 3 decades only powers of ten get a label. */
static size_t log_ticks(const struct scale *scale, struct tick *ticks)
{
	static const double steps[] = { 1, 2, 5 };
	double decades = log10(scale->high / scale->low);
	size_t n = 0;

	for (int e = (int)floor(log10(scale->low) - 1e-9); e <= 18; e++)
		for (int i = 0; i < (decades > 6 ? 1 : 3); i++) {
			double value = steps[i] * pow(10, e);

			if (value > scale->high * (1 + 1e-9))
				return n;
			if (value >= scale->low * (1 - 1e-9))
				n = add_tick(scale, value, i && decades > 2.4, ticks, n);
		}
	return n;
}

/* The quartile that people ask for, and every nine. */
static size_t nines_ticks(const struct scale *scale, struct tick *ticks)
{
	static const double first[] = { 1, 0.5, 0.25 };
	size_t n = 0;

	for (int i = 0; i < 3; i++)
		if (first[i] >= scale->high && first[i] <= scale->low)
			n = add_tick(scale, first[i], first[i] == 0.25, ticks, n);
	for (double above = 0.1; above >= scale->high * (1 - 1e-9); above /= 10)
		n = add_tick(scale, above, false, ticks, n);
	return n;
}

size_t scale_ticks(const struct scale *scale, struct tick ticks[SCALE_TICKS_MAX])
{
	switch (scale->kind) {
	case SCALE_LOG:
		return log_ticks(scale, ticks);
	case SCALE_NINES:
		return nines_ticks(scale, ticks);
	default:
		return linear_ticks(scale, ticks);
	}
}
