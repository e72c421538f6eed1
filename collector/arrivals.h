/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How evenly requests arrive: the programs count them by the millisecond in a ring, and this folds
 * the ring into sums over windows of 1 ms to 1 s (struct recording_arrivals).
 *
 * Only milliseconds count that were watched from end to end: a stretch begins with the one after
 * requests are admitted, and ends with the one before they are not. A slot is read when it is
 * ARRIVALS_LAG_NS old, since a request may be noticed only when it is read (light hook set). The
 * windows of a length W begin at multiples of W.
 */
#ifndef KTAX_ARRIVALS_H
#define KTAX_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recording.h"

#define ARRIVALS_LAG_NS 1000000000ULL

/* ---- One endpoint's windows ----------------------------------------------------------------- */

struct arrival_windows {
	struct recording_arrivals sums[RECORDING_ARRIVAL_WINDOWS];
	uint64_t count[RECORDING_ARRIVAL_WINDOWS];   /* in the window at hand */
	uint32_t left_ms[RECORDING_ARRIVAL_WINDOWS]; /* of it */
	bool whole[RECORDING_ARRIVAL_WINDOWS];       /* it was watched from its beginning */
	bool begun;                                  /* the stretch has had a millisecond */
};

/* A new stretch: the windows at hand are incomplete. */
void arrival_windows_restart(struct arrival_windows *windows);
/* Adds the next millisecond of the stretch: number @ms of the clock. */
void arrival_windows_add(struct arrival_windows *windows, uint64_t ms, uint64_t requests);

/* ---- All endpoints --------------------------------------------------------------------------- */

struct probes;
struct arrivals;

/* For endpoints 0..@max_endpoints - 1. -ENOMEM. */
int arrivals_create(uint32_t max_endpoints, struct arrivals **ret_arrivals);
void arrivals_free(struct arrivals *arrivals);
/* Requests are admitted: what arrives from now on counts. Times: CLOCK_MONOTONIC. */
void arrivals_begin(struct arrivals *arrivals, const struct probes *probes);
/*
 * Takes what is old enough. To be called once a second while requests are admitted and the sums are
 * wanted: where it was not, the ring has turned, and a new stretch begins.
 */
void arrivals_tick(struct arrivals *arrivals, const struct probes *probes, uint64_t now_ns);
/* Requests are no longer admitted since @until_ns, and those that had come are counted. */
void arrivals_end(struct arrivals *arrivals, const struct probes *probes, uint64_t until_ns);
/* The sums of @endpoint since the last call. */
void arrivals_take(struct arrivals *arrivals, uint32_t endpoint,
                   struct recording_arrivals ret_sums[RECORDING_ARRIVAL_WINDOWS]);

#endif
