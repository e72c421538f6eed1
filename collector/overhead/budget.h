/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The budget: for which share of the time may the probes be attached?
 *
 * A hook's cost is paid by whoever fires it, mostly before its program does anything, so cost is
 * controlled by time attached and by nothing else. While attached, probes use the share c of the
 * host's CPU time. If c <= budget they stay attached; otherwise they are attached in windows of a
 * fixed length, whose share of the time is budget / c and whose gaps are random, so that no
 * periodic behaviour of the target can hide between them.
 */
#ifndef KTAX_BUDGET_H
#define KTAX_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget {
	double share;       /* allowed share of the host's CPU time, 0..1; 0: no limit */
	double cost;        /* share while attached, smoothed; 0: not measured yet */
	uint64_t window_ns; /* length of a window */
	uint64_t random;    /* state of the generator */
};

void budget_init(struct budget *budget, double share, uint64_t window_ns, uint64_t seed);

/*
 * The probes used @used_ns of CPU time while attached for @attached_ns on a host with @cpus CPUs.
 * Short or empty measurements (below 1 ms) are left out.
 */
void budget_measured(struct budget *budget, uint64_t used_ns, uint64_t attached_ns, unsigned cpus);

/* Whether to stay attached all the time. Leaves that only with a margin: no flapping. */
bool budget_continuous(const struct budget *budget, bool is_continuous);

/* Length of the next gap between two windows: exponentially distributed, at most 50 windows' mean.
 */
uint64_t budget_gap_ns(struct budget *budget);

#endif
