// SPDX-License-Identifier: GPL-2.0
/*
 * Windows: the stretches of time that the probes are attached.
 *
 * A window that closes (and the recording's end) first stops admitting requests and then waits for
 * those in flight, so that long requests are not missing because they are long; what is still open
 * after DRAIN_NS is dropped and counted.
 */
#include <time.h>

#include "internal.h"

#define SETTLE_NS (20 * NSEC_PER_MSEC) /* while draining, a response is over after so long */
#define DRAIN_NS  (500 * NSEC_PER_MSEC)

int window_open(struct collector *collector, struct collector_failure *failure)
{
	const char *program = "";
	int err;

	attach_spans(collector);
	err = probes_attach(collector->probes, &program);
	if (err)
		return failed(failure, err, program, "attach the program", NULL, NULL);
	collector->attached_since_ns = clock_ns(CLOCK_MONOTONIC);
	collector->window_ends_ns = collector->attached_since_ns + WINDOW_NS;
	arrivals_begin(collector->arrivals, collector->probes);
	cost_meter_tick(&collector->cost, collector->attached_since_ns);
	return 0;
}

/* Waits for the requests in flight; @patience_ns at most. */
static void drain(struct collector *collector, uint64_t patience_ns)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + patience_ns;
	const struct timespec pause = { .tv_nsec = 5 * NSEC_PER_MSEC };
	uint32_t in_flight = 0;

	probes_admit(collector->probes, false);
	do {
		nanosleep(&pause, NULL);
		if (probes_sweep(collector->probes, SETTLE_NS, &in_flight))
			return;
	} while (in_flight && clock_ns(CLOCK_MONOTONIC) < end);
	collector->dropped += in_flight;
}

void window_drain(struct collector *collector, uint64_t now)
{
	cost_meter_stop(&collector->cost, now);
	drain(collector, DRAIN_NS);
	arrivals_end(collector->arrivals, collector->probes, now);
	collector->attached_ns += now - collector->attached_since_ns;
	collector->attached_since_ns = 0;
}

static void close_window(struct collector *collector, uint64_t now)
{
	window_drain(collector, now);
	probes_detach(collector->probes);
	probes_detach_spans(collector->probes);
	collector->gap_ends_ns = clock_ns(CLOCK_MONOTONIC) + budget_gap_ns(&collector->budget);
}

int window_tick(struct collector *collector, uint64_t now, struct collector_failure *failure)
{
	collector->continuous = budget_continuous(&collector->budget, collector->continuous);
	if (collector->attached_since_ns) {
		if (cost_meter_measured(&collector->cost) && !collector->continuous &&
		    now >= collector->window_ends_ns)
			close_window(collector, now);
		return 0;
	}
	return now >= collector->gap_ends_ns ? window_open(collector, failure) : 0;
}
