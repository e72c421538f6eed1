// SPDX-License-Identifier: GPL-2.0
/* Dispersion, peaks and the time of day, out of counts per window. */
#include "predictability.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SECOND_NS  1000000000ULL
#define DAY_NS     (86400 * SECOND_NS)
#define HOUR_NS    (3600 * SECOND_NS)
#define NORMAL_975 1.959963984540054

const char *const predictability_kind_name[] = { "unknown", "steady", "poisson", "bursty" };

/* Variance with n - 1 over the mean; n >= 2, mean > 0. */
static double dispersion_of(const struct recording_arrivals *arrivals)
{
	double n = (double)arrivals->windows, sum = (double)arrivals->requests;
	double variance = ((double)arrivals->squares - sum * sum / n) / (n - 1);

	return fmax(0, variance) / (sum / n);
}

/*
 * The chi-squared value k x @dispersion with k degrees of freedom as a normal deviate, by its cube
 * root (Wilson and Hilferty 1931).
 */
static double dispersion_deviate(double dispersion, double k)
{
	return (cbrt(dispersion) - (1 - 2 / (9 * k))) / sqrt(2 / (9 * k));
}

static enum predictability_kind find_kind(const struct recording_arrivals *arrivals,
                                          double dispersion)
{
	double deviate;

	if (arrivals->windows < PREDICTABILITY_WINDOWS_MIN ||
	    arrivals->requests < PREDICTABILITY_ARRIVALS_MIN)
		return PREDICTABILITY_UNKNOWN;
	deviate = dispersion_deviate(dispersion, (double)arrivals->windows - 1);
	if (deviate > NORMAL_975 && dispersion > 1 + PREDICTABILITY_MARGIN)
		return PREDICTABILITY_BURSTY;
	if (deviate < -NORMAL_975 && dispersion < 1 - PREDICTABILITY_MARGIN)
		return PREDICTABILITY_STEADY;
	return PREDICTABILITY_POISSON;
}

static struct predictability_window find_window(const struct recording_arrivals *arrivals,
                                                uint64_t window_ns)
{
	struct predictability_window window = { .window_ns = window_ns, .n = arrivals->windows };
	double seconds = (double)window_ns / 1e9;

	if (!arrivals->windows || !arrivals->requests)
		return window;
	window.mean_per_second = (double)arrivals->requests / (double)arrivals->windows / seconds;
	window.peak_per_second = (double)arrivals->peak / seconds;
	window.peak_to_mean = window.peak_per_second / window.mean_per_second;
	if (arrivals->windows > 1)
		window.dispersion = dispersion_of(arrivals);
	window.kind = find_kind(arrivals, window.dispersion);
	return window;
}

/* Least squares through (log window, log dispersion) of the windows that are judged. */
static void find_growth(struct predictability *found)
{
	double n = 0, x = 0, y = 0, xx = 0, xy = 0;

	for (int i = 0; i < PREDICTABILITY_WINDOWS; i++) {
		const struct predictability_window *window = &found->window[i];
		double log_window = log((double)window->window_ns);

		if (window->kind == PREDICTABILITY_UNKNOWN || window->dispersion <= 0)
			continue;
		n++;
		x += log_window;
		y += log(window->dispersion);
		xx += log_window * log_window;
		xy += log_window * log(window->dispersion);
	}
	found->has_growth = n >= 3;
	if (!found->has_growth)
		return;
	found->growth = (n * xy - x * y) / (n * xx - x * x);
	found->hurst = (found->growth + 1) / 2;
}

static const struct predictability_window *longest_judged(const struct predictability *found)
{
	for (int i = PREDICTABILITY_WINDOWS - 1; i >= 0; i--)
		if (found->window[i].kind != PREDICTABILITY_UNKNOWN)
			return &found->window[i];
	return NULL;
}

/* The shortest window from which on every judged one is bursty. */
static const struct predictability_window *first_bursty(const struct predictability *found)
{
	const struct predictability_window *first = NULL;

	for (int i = PREDICTABILITY_WINDOWS - 1; i >= 0; i--) {
		if (found->window[i].kind == PREDICTABILITY_BURSTY)
			first = &found->window[i];
		else if (found->window[i].kind != PREDICTABILITY_UNKNOWN)
			break;
	}
	return first;
}

static bool any_of(const struct predictability *found, enum predictability_kind kind)
{
	for (int i = 0; i < PREDICTABILITY_WINDOWS; i++)
		if (found->window[i].kind == kind)
			return true;
	return false;
}

/* "0.31", "4.5", "764" */
static int dispersion_digits(double dispersion)
{
	return dispersion < 0.995 ? 2 : dispersion < 9.95 ? 1 : 0;
}

static const char *calm_sentence(const struct predictability *found)
{
	if (any_of(found, PREDICTABILITY_BURSTY))
		return "bursts in short windows even out in longer ones";
	if (any_of(found, PREDICTABILITY_POISSON))
		return "no burstier than independent (Poisson) arrivals";
	return "steadier than independent (Poisson) arrivals";
}

static void write_sentence(struct predictability *found)
{
	const struct predictability_window *longest = longest_judged(found);
	const struct predictability_window *bursty = first_bursty(found);
	size_t size = sizeof(found->sentence);

	if (!longest) {
		snprintf(found->sentence, size,
		         "too few arrivals were watched to judge their spread");
		return;
	}
	found->bursty_from_ns = bursty ? bursty->window_ns : 0;
	if (!bursty)
		snprintf(found->sentence, size, "%s (index of dispersion %.*f at %" PRIu64 " ms)",
		         calm_sentence(found), dispersion_digits(longest->dispersion),
		         longest->dispersion, longest->window_ns / 1000000);
	else
		snprintf(found->sentence, size,
		         "bursty in windows of %" PRIu64 " ms and above: peak %.1f times the mean "
		         "there, index of dispersion %.*f at %" PRIu64 " ms",
		         bursty->window_ns / 1000000, bursty->peak_to_mean,
		         dispersion_digits(longest->dispersion), longest->dispersion,
		         longest->window_ns / 1000000);
}

static void no_diurnal(struct predictability *found, double seconds)
{
	snprintf(found->diurnal.why, sizeof(found->diurnal.why),
	         "the time of day takes a recording of %d days or more, this one has %.3g h",
	         PREDICTABILITY_DAYS_MIN, seconds / 3600);
}

void predictability_create(const struct recording_arrivals arrivals[PREDICTABILITY_WINDOWS],
                           struct predictability *ret_predictability)
{
	struct predictability found = { 0 };

	for (int i = 0; i < PREDICTABILITY_WINDOWS; i++) {
		found.window[i] = find_window(&arrivals[i], recording_arrival_window_ns[i]);
		found.present |= arrivals[i].requests > 0;
		if (found.mean_per_second == 0)
			found.mean_per_second = found.window[i].mean_per_second;
	}
	if (found.present) {
		find_growth(&found);
		write_sentence(&found);
	} else {
		snprintf(found.why, sizeof(found.why),
		         "the recording has no arrivals per millisecond (it is of an earlier ktax, "
		         "or shorter than two seconds)");
	}
	no_diurnal(&found, 0);
	*ret_predictability = found;
}

/* ---- Single arrivals ---------------------------------------------------------------------------
 */

static void close_windows(struct recording_arrivals *arrivals, uint64_t number, uint64_t in_last)
{
	/* Those in between were empty. */
	arrivals->windows += number;
	arrivals->requests += in_last;
	arrivals->squares += in_last * in_last;
	if (in_last > arrivals->peak)
		arrivals->peak = in_last;
}

/* Of one length. The window of the last arrival is not complete, and is left out. */
static struct recording_arrivals count_windows(const uint64_t *times_ns, size_t n,
                                               uint64_t window_ns)
{
	struct recording_arrivals arrivals = { 0 };
	uint64_t window = 0, in_window = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t at = (times_ns[i] - times_ns[0]) / window_ns;

		if (at != window) {
			close_windows(&arrivals, at - window, in_window);
			in_window = 0;
		}
		window = at;
		in_window++;
	}
	return arrivals;
}

int predictability_count(const uint64_t *times_ns, size_t n,
                         struct recording_arrivals ret_arrivals[PREDICTABILITY_WINDOWS])
{
	for (size_t i = 1; i < n; i++)
		if (times_ns[i] < times_ns[i - 1])
			return -EINVAL;
	for (int i = 0; i < PREDICTABILITY_WINDOWS; i++)
		ret_arrivals[i] = count_windows(times_ns, n, recording_arrival_window_ns[i]);
	return 0;
}

/* ---- The time of day ---------------------------------------------------------------------------
 */

void predictability_add_interval(struct predictability *predictability,
                                 const struct recording_interval *interval, uint64_t requests)
{
	struct predictability_diurnal *diurnal = &predictability->diurnal;
	uint64_t start = interval->start_realtime_ns;
	unsigned int hour = start % DAY_NS / HOUR_NS;

	if (!diurnal->first_ns || start < diurnal->first_ns)
		diurnal->first_ns = start;
	if (start + interval->length_ns > diurnal->last_ns)
		diurnal->last_ns = start + interval->length_ns;
	diurnal->requests[hour] += (double)requests;
	diurnal->seconds[hour] += (double)interval->attached_ns / 1e9;
}

void predictability_add_times(struct predictability *predictability, const uint64_t *times_ns,
                              size_t n)
{
	size_t i = 0;

	if (!n)
		return;
	/* Hours without any count too. */
	for (uint64_t hour = times_ns[0] / HOUR_NS; hour <= times_ns[n - 1] / HOUR_NS; hour++) {
		uint64_t start = hour * HOUR_NS, end = start + HOUR_NS, first = i;
		struct recording_interval interval;

		start = start < times_ns[0] ? times_ns[0] : start;
		end = end > times_ns[n - 1] ? times_ns[n - 1] : end;
		while (i < n && times_ns[i] / HOUR_NS == hour)
			i++;
		interval = (struct recording_interval){ .start_realtime_ns = start,
			                                .length_ns = end - start,
			                                .attached_ns = end - start };
		predictability_add_interval(predictability, &interval, i - first);
	}
}

void predictability_end_intervals(struct predictability *predictability)
{
	struct predictability_diurnal *diurnal = &predictability->diurnal;
	double requests = 0, seconds = 0;

	no_diurnal(predictability, (double)(diurnal->last_ns - diurnal->first_ns) / 1e9);
	if (diurnal->last_ns - diurnal->first_ns < PREDICTABILITY_DAYS_MIN * DAY_NS)
		return;
	for (unsigned int hour = 0; hour < 24; hour++) {
		if (diurnal->seconds[hour] > 0)
			diurnal->per_second[hour] =
				diurnal->requests[hour] / diurnal->seconds[hour];
		if (diurnal->per_second[hour] > diurnal->per_second[diurnal->peak_hour])
			diurnal->peak_hour = hour;
		requests += diurnal->requests[hour];
		seconds += diurnal->seconds[hour];
	}
	diurnal->present = requests > 0 && seconds > 0;
	if (diurnal->present)
		diurnal->peak_to_mean =
			diurnal->per_second[diurnal->peak_hour] * seconds / requests;
}

unsigned int predictability_cores(const struct predictability *predictability, uint64_t window_ns,
                                  double per_core_per_second)
{
	for (int i = 0; i < PREDICTABILITY_WINDOWS; i++) {
		const struct predictability_window *window = &predictability->window[i];

		if (window->window_ns != window_ns || !window->n || !(per_core_per_second > 0) ||
		    window->peak_per_second / per_core_per_second > 1e6)
			continue;
		return (unsigned int)ceil(window->peak_per_second / per_core_per_second);
	}
	return 0;
}
