/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Is the rate of arrivals steady enough to size polling cores for? Counts per window of 1 ms to 1
 * s.
 *
 * Index of dispersion: variance / mean of the counts per window. 1 for a Poisson process at any
 * window, 0 for a metronome, above 1: bursts. Where it grows with the window, bursts come in bursts
 * (for a self-similar process as window^(2H - 1): Leland et al. 1994). That it is not 1 by chance
 * is Fisher's dispersion test: (n - 1) x index is chi-squared with n - 1 degrees of freedom if
 * arrivals are Poisson. With many windows that finds what does not matter, so it also has to be
 * beyond 1 by PREDICTABILITY_MARGIN.
 *
 * Poll mode is sized for the peak, not for the mean: cores = peak rate / what one core carries.
 */
#ifndef KTAX_PREDICTABILITY_H
#define KTAX_PREDICTABILITY_H

#include "recording.h"

#define PREDICTABILITY_WINDOWS RECORDING_ARRIVAL_WINDOWS
/* Below so many windows, or arrivals in them, a length of window is not judged. */
#define PREDICTABILITY_WINDOWS_MIN  10
#define PREDICTABILITY_ARRIVALS_MIN 30
#define PREDICTABILITY_MARGIN       0.2
#define PREDICTABILITY_DAYS_MIN     2

enum predictability_kind {
	PREDICTABILITY_UNKNOWN, /* too few windows */
	PREDICTABILITY_STEADY,  /* less spread than Poisson arrivals have */
	PREDICTABILITY_POISSON, /* much as these */
	PREDICTABILITY_BURSTY,
};

extern const char *const predictability_kind_name[]; /* "unknown", "steady", "poisson", "bursty" */

struct predictability_window {
	uint64_t window_ns, n; /* n: complete windows; 0: nothing else means anything */
	enum predictability_kind kind;
	double mean_per_second, peak_per_second, peak_to_mean;
	double dispersion;
};

/* By the hour of the day, UTC. */
struct predictability_diurnal {
	bool present;
	char why[160]; /* it is absent */
	unsigned int peak_hour;
	double per_second[24], peak_to_mean; /* means of the hours; the highest to that of all */
	uint64_t first_ns, last_ns;          /* CLOCK_REALTIME */
	double requests[24], seconds[24];
};

struct predictability {
	bool present;  /* arrivals were counted */
	char why[160]; /* they were not */
	struct predictability_window window[PREDICTABILITY_WINDOWS];
	double mean_per_second; /* by the shortest windows */
	/* Slope of log dispersion over log window, and (slope + 1) / 2; from 3 lengths on. */
	bool has_growth;
	double growth, hurst;
	uint64_t bursty_from_ns; /* shortest window from which on all known are bursty, 0: none */
	char sentence[200];      /* "bursty in windows of 10 ms and above: ..."; "" where absent */
	struct predictability_diurnal diurnal;
};

/* From the sums of an endpoint; those of several may be added up for a host. */
void predictability_create(const struct recording_arrivals arrivals[PREDICTABILITY_WINDOWS],
                           struct predictability *ret_predictability);
/*
 * The same sums from single arrivals, e.g. the packets of a capture: @times_ns in ascending order.
 * Windows begin at the first arrival. -EINVAL: not ascending.
 */
int predictability_count(const uint64_t *times_ns, size_t n,
                         struct recording_arrivals ret_arrivals[PREDICTABILITY_WINDOWS]);

/* For the time of day: each interval with the endpoint's requests in it, then the end. */
void predictability_add_interval(struct predictability *predictability,
                                 const struct recording_interval *interval, uint64_t requests);
/* Instead of intervals: of single arrivals, @times_ns in ascending order, since the epoch. */
void predictability_add_times(struct predictability *predictability, const uint64_t *times_ns,
                              size_t n);
void predictability_end_intervals(struct predictability *predictability);

/*
 * Cores that carry the peak of windows of @window_ns if one carries @per_core_per_second (from the
 * A/B's sweep). 0: not known.
 */
unsigned int predictability_cores(const struct predictability *predictability, uint64_t window_ns,
                                  double per_core_per_second);

#endif
