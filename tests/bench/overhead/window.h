/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One window: the figures of a short stretch of traffic, of those slices of it that nobody
 * disturbed.
 */
#ifndef BENCH_WINDOW_H
#define BENCH_WINDOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client.h"

enum metric {
	METRIC_RATE,      /* requests per second */
	METRIC_SERVER_NS, /* the server's CPU time per request */
	METRIC_BOTH_NS,   /* server's and client's: a packet's way up is paid by its sender here */
	METRIC_P50_NS,
	METRIC_P99_NS,
	METRIC_COUNT
};

struct metric_info {
	const char *name, *title;
	bool is_difference; /* compared by difference in ns, not by ratio */
};

extern const struct metric_info metric_info[METRIC_COUNT];

struct window {
	double figure[METRIC_COUNT];       /* NAN: too little of the window was undisturbed */
	double whole_rate;                 /* requests per second of all of it, quiet or not */
	double quiet;                      /* share of the slices */
	double server_delay, client_delay; /* shares of the window waited for their CPU */
	double steal, preempted_per_s;
	bool rejected; /* hooks of others, or a long window that waited too much: no figures */
};

struct window_options {
	struct client *client;
	pid_t server;
	pid_t recorder;       /* a child that records, 0: none */
	uint64_t length_ns;   /* undisturbed; up to three times that is spent */
	bool real_time;       /* server and client run before everybody else on their CPUs */
	double disturbed_max; /* share of a slice (real time) or window waited for a CPU */
};

/* Measures; the caller is pinned to the server's CPU. -errno. */
int window_measure(const struct window_options *options, struct window *ret_window);

#endif
