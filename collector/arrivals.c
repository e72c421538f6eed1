// SPDX-License-Identifier: GPL-2.0
/*
 * Folding the rings of arrivals. A slot's count only grows, so what a slot holds now less what it
 * held when it was folded last, a turn of the ring ago, is the count of its millisecond.
 */
#include "arrivals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probes.h"

#define SLOT_NS ((uint64_t)KTAX_ARRIVAL_SLOT_NS)
/* Folded in steps of so many, and given up on when more than this is late. */
#define STEP_SLOTS 1000
#define LATE_SLOTS (KTAX_ARRIVAL_SLOTS - 100)

struct arrival_state {
	uint32_t last[KTAX_ARRIVAL_SLOTS]; /* counts of the slots when they were folded */
	struct arrival_windows windows;
};

struct arrivals {
	uint64_t next_ms; /* to be folded; 0: no stretch */
	uint32_t max_endpoints;
	struct arrival_state *endpoints;
};

/* ---- One endpoint's windows ----------------------------------------------------------------- */

static uint32_t window_ms(int window)
{
	return (uint32_t)(recording_arrival_window_ns[window] / SLOT_NS);
}

void arrival_windows_restart(struct arrival_windows *windows)
{
	windows->begun = false;
}

static void begin_stretch(struct arrival_windows *windows, uint64_t ms)
{
	for (int i = 0; i < RECORDING_ARRIVAL_WINDOWS; i++) {
		uint32_t past_ms = (uint32_t)(ms % window_ms(i));

		windows->left_ms[i] = window_ms(i) - past_ms;
		windows->whole[i] = past_ms == 0;
		windows->count[i] = 0;
	}
	windows->begun = true;
}

static void close_window(struct recording_arrivals *sums, uint64_t requests)
{
	sums->windows++;
	sums->requests += requests;
	sums->squares += requests * requests;
	if (requests > sums->peak)
		sums->peak = requests;
}

/* For every endpoint and millisecond: it counts down, since divisions would cost ten times more. */
void arrival_windows_add(struct arrival_windows *windows, uint64_t ms, uint64_t requests)
{
	if (!windows->begun)
		begin_stretch(windows, ms);
	for (int i = 0; i < RECORDING_ARRIVAL_WINDOWS; i++) {
		windows->count[i] += requests;
		if (--windows->left_ms[i])
			continue;
		if (windows->whole[i])
			close_window(&windows->sums[i], windows->count[i]);
		windows->left_ms[i] = window_ms(i);
		windows->whole[i] = true;
		windows->count[i] = 0;
	}
}

/* ---- All endpoints --------------------------------------------------------------------------- */

int arrivals_create(uint32_t max_endpoints, struct arrivals **ret_arrivals)
{
	struct arrivals *arrivals = calloc(1, sizeof(*arrivals));

	if (!arrivals)
		return -ENOMEM;
	arrivals->max_endpoints = max_endpoints;
	arrivals->endpoints = calloc(max_endpoints, sizeof(*arrivals->endpoints));
	if (!arrivals->endpoints) {
		free(arrivals);
		return -ENOMEM;
	}
	*ret_arrivals = arrivals;
	return 0;
}

void arrivals_free(struct arrivals *arrivals)
{
	if (!arrivals)
		return;
	free(arrivals->endpoints);
	free(arrivals);
}

void arrivals_begin(struct arrivals *arrivals, const struct probes *probes)
{
	struct timespec now;

	for (uint32_t i = 0; i < arrivals->max_endpoints; i++) {
		struct arrival_state *state = &arrivals->endpoints[i];

		/* What is in the ring is of the stretch before. */
		probes_read_arrivals(probes, i, 0, KTAX_ARRIVAL_SLOTS, state->last);
		arrival_windows_restart(&state->windows);
	}
	/* Now, and not before the slots were read, which takes a while. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	arrivals->next_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / SLOT_NS + 1;
}

/* The @n milliseconds from next_ms on. */
static void fold_endpoint(struct arrivals *arrivals, const struct probes *probes, uint32_t endpoint,
                          uint32_t n)
{
	struct arrival_state *state = &arrivals->endpoints[endpoint];
	uint32_t counts[STEP_SLOTS];

	if (!probes_read_arrivals(probes, endpoint, arrivals->next_ms, n, counts))
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t ms = arrivals->next_ms + i;
		uint32_t *last = &state->last[ms % KTAX_ARRIVAL_SLOTS];

		arrival_windows_add(&state->windows, ms, counts[i] - *last);
		*last = counts[i];
	}
}

static void fold(struct arrivals *arrivals, const struct probes *probes, uint64_t until_ms)
{
	while (arrivals->next_ms < until_ms) {
		uint64_t left = until_ms - arrivals->next_ms;
		uint32_t n = left < STEP_SLOTS ? (uint32_t)left : STEP_SLOTS;

		for (uint32_t i = 0; i < arrivals->max_endpoints; i++)
			fold_endpoint(arrivals, probes, i, n);
		arrivals->next_ms += n;
	}
}

void arrivals_tick(struct arrivals *arrivals, const struct probes *probes, uint64_t now_ns)
{
	uint64_t until_ms = (now_ns - ARRIVALS_LAG_NS) / SLOT_NS;

	if (!arrivals->next_ms || until_ms < arrivals->next_ms + STEP_SLOTS / 2)
		return;
	/* The ring has turned meanwhile: two milliseconds may be in one slot. */
	if (now_ns / SLOT_NS - arrivals->next_ms > LATE_SLOTS)
		arrivals_begin(arrivals, probes);
	else
		fold(arrivals, probes, until_ms);
}

void arrivals_end(struct arrivals *arrivals, const struct probes *probes, uint64_t until_ns)
{
	uint64_t until_ms = until_ns / SLOT_NS;

	if (arrivals->next_ms && until_ms < arrivals->next_ms + LATE_SLOTS)
		fold(arrivals, probes, until_ms);
	arrivals->next_ms = 0;
}

void arrivals_take(struct arrivals *arrivals, uint32_t endpoint,
                   struct recording_arrivals ret_sums[RECORDING_ARRIVAL_WINDOWS])
{
	struct arrival_windows *windows = &arrivals->endpoints[endpoint].windows;

	memcpy(ret_sums, windows->sums, sizeof(windows->sums));
	memset(windows->sums, 0, sizeof(windows->sums));
}
