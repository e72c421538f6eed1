/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Comparing a NIC's clock with CLOCK_MONOTONIC: readings of both, and the line through the last of
 * them. Pure. All times are ns.
 */
#ifndef KTAX_CLOCK_FIT_H
#define KTAX_CLOCK_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nic_clock.h"

/* One clock read between two readings of another. */
struct clock_bracket {
	int64_t before_ns, clock_ns, after_ns;
};

/* A clock showed clock_ns when the other showed reference_ns, give or take error_ns. */
struct clock_reading {
	int64_t clock_ns, reference_ns, error_ns;
};

#define CLOCK_FIT_READINGS 8

/* The last readings since the clock was stepped. All zero: none. */
struct clock_fit {
	struct clock_reading reading[CLOCK_FIT_READINGS]; /* in their order */
	size_t n;
	int64_t since_ns; /* reference_ns of the first one, which may be gone */
	unsigned steps;
};

/*
 * The middle of the narrowest bracket, and half its width, rounded up, as the error. -EINVAL: there
 * is none that ends after it begins.
 */
int clock_narrowest(const struct clock_bracket *brackets, size_t n, struct clock_reading *ret);

/*
 * @reading is against CLOCK_REALTIME, @offset is CLOCK_REALTIME against CLOCK_MONOTONIC: makes
 * @reading one against CLOCK_MONOTONIC.
 */
void clock_reading_to_monotonic(struct clock_reading *reading, const struct clock_reading *offset);
/* Whether two readings of two clocks of the same rate contradict each other: one was stepped. */
bool clock_offsets_differ(const struct clock_reading *a, const struct clock_reading *b);

/*
 * Takes a reading. Those before are dropped if they cannot be of the same course of the clock: it
 * was stepped, or its rate was changed by more than the servo of a clock in use does.
 */
void clock_fit_add(struct clock_fit *fit, const struct clock_reading *reading);

/*
 * The line for @valid_ns from the last reading on, and by how much it may be off within that time.
 * -EAGAIN: it takes two readings. Least squares; the error is the largest distance of a reading
 * from the line with that reading's own error, and as far as the slope may lead astray.
 */
int clock_fit_line(const struct clock_fit *fit, int64_t valid_ns, struct ktax_clock_line *ret,
                   int64_t *ret_error_ns);

#endif
