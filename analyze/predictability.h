/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is the rate of arrivals steady enough to size polling cores for? Counts per window of 1 ms to 1
 * s.
 *
 * Index of dispersion: variance / mean of the counts per window. 1 for a Poisson process at any
 * window, 0 for a metronome, above 1: bursts. Where it grows with the window, bursts come in bursts
 * (for a self-similar process as window^(2H - 1): Leland et al. 1994). Whether it is above 1 by
 * more than chance is Fisher's dispersion test: (n - 1) x index is chi-squared with n - 1 degrees
 * of freedom if arrivals are Poisson.
 *
 * Poll mode is sized for the peak, not for the mean: cores = peak rate / what one core carries.
 */
#ifndef KTAX_PREDICTABILITY_H
#define KTAX_PREDICTABILITY_H

#include "ledger.h"

#define PREDICTABILITY_WINDOWS     10
#define PREDICTABILITY_WINDOWS_MIN 10 /* below, a window length is not judged */

/* 1, 2, 5, 10, 20, 50, 100, 200, 500 ms, 1 s. */
extern const uint64_t predictability_window_ns[PREDICTABILITY_WINDOWS];

/* Sums over the complete windows of one length; those of two recordings add up. */
struct predictability_sums {
	uint64_t windows, arrivals, squares, peak;
};

enum predictability_kind {
	PREDICTABILITY_UNKNOWN, /* too few windows */
	PREDICTABILITY_STEADY,  /* less spread than Poisson arrivals have */
	PREDICTABILITY_POISSON, /* not told from it */
	PREDICTABILITY_BURSTY,
};

struct predictability_window {
	uint64_t window_ns, n; /* n: complete windows */
	enum predictability_kind kind;
	double mean_per_second, peak_per_second, peak_to_mean;
	double dispersion;
};

struct predictability {
	bool present;  /* there is any complete window with arrivals */
	char why[160]; /* there is none */
	struct predictability_window window[PREDICTABILITY_WINDOWS];
	double mean_per_second; /* of the shortest window's sums */
	/* Slope of log dispersion over log window, and (slope + 1) / 2; from >= 3 window lengths.
	 */
	bool has_growth;
	double growth, hurst;
	uint64_t bursty_from_ns; /* shortest window from which on all known are bursty, 0: none */
	char sentence[200];      /* "bursty at 10 ms and above (index of dispersion 35 at 1 s)" */
	char diurnal_why[160];   /* why nothing is said of the time of day */
};

void predictability_create(const struct predictability_sums sums[PREDICTABILITY_WINDOWS],
                           struct predictability *ret_predictability);
/*
 * The same sums from single arrivals, e.g. of a capture: @times_ns in ascending order. Windows are
 * aligned to the first arrival. -EINVAL: not ascending.
 */
int predictability_count(const uint64_t *times_ns, size_t n,
                         struct predictability_sums ret_sums[PREDICTABILITY_WINDOWS]);
/*
 * Cores that carry the peak of windows of @window_ns if one carries @per_core_per_second (from the
 * A/B's sweep). 0: not known.
 */
unsigned int predictability_cores(const struct predictability *predictability, uint64_t window_ns,
                                  double per_core_per_second);

#endif
