/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Work per request as a recording has it, so that a gain is measured against the time that a real
 * service takes.
 */
#ifndef KTAX_WORK_H
#define KTAX_WORK_H

#include "histogram.h"
#include "traffic.h"

#define WORK_HISTOGRAMS_MAX 16

/* What @requests requests took, in several accounts: those that a histogram lacks took 0 there. */
struct work_times {
	const struct histogram *histogram[WORK_HISTOGRAMS_MAX]; /* ns */
	size_t n;
	uint64_t requests;
};

/*
 * Draws the work of every request of @traffic: one rank per request, and the sum of what the
 * accounts have at that rank. So each account has its distribution, the mean of the sum is exact,
 * and a request that is slow in one is slow in all: how accounts go together is not recorded.
 * Ranks are evenly spread (request i of n has one of the n-quantiles) and in random order: also a
 * short block has the recording's tail. Nothing is longer than 4.29 s. -EINVAL: no requests, or
 * more values than requests; -ENOMEM.
 */
int traffic_draw_work(struct traffic *traffic, const struct work_times *times, uint64_t seed);

#endif
