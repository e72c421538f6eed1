/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Axes: from figures to places on the paper, and which figures deserve a tick.
 */
#ifndef KTAX_UI_SCALE_H
#define KTAX_UI_SCALE_H

#include <stdbool.h>
#include <stddef.h>

enum scale_kind {
	SCALE_LINEAR,
	SCALE_LOG,
	SCALE_NINES, /* of the share above, 1 - p: 1, 0.1, 0.01 ... at even distances */
};

struct scale {
	enum scale_kind kind;
	double low,
		high; /* of the figures; SCALE_NINES: the share above at either end, 1 > high > 0 */
	double from, to; /* their places; from > to for an axis that points upwards */
};

#define SCALE_TICKS_MAX 24

struct tick {
	double value, place;
	bool minor; /* without a label */
};

/* Where @value lies; what lies outside of low .. high is put at its end. */
double scale_place(const struct scale *scale, double value);
/* Ticks in rising order of place; their number. */
size_t scale_ticks(const struct scale *scale, struct tick ticks[SCALE_TICKS_MAX]);

/* Widens low .. high outwards to figures that are round: 1, 2, 5 times a power of ten. */
void scale_round(struct scale *scale);

#endif
