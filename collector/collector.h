/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The recorder: finds targets, runs the probes within their budget, writes the recording.
 *
 * A run is collector_open, collector_run, collector_close. A failure says in words what was done to
 * what (struct collector_failure), so that the user interface can make one sentence of it.
 */
#ifndef KTAX_COLLECTOR_H
#define KTAX_COLLECTOR_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "hooks.h"
#include "targets.h"

struct collector;
struct recording;
struct recording_hook;
struct recording_slice;

/*
 * Who looks on while it is recorded. All of it is called in the thread that runs the collector.
 */
struct collector_observer {
	/* Takes @slice over (tail.h). @facts (meta) and @hooks are those known by now. */
	void (*interval)(struct recording_slice *slice, const struct recording *facts,
	                 const struct recording_hook *hooks, size_t n_hooks, void *context);
	/* What collector_write() asked for has begun or ended, or failed by @error. */
	void (*wrote)(const char *path, int error, bool begun, void *context);
	void *context;
};

struct collector_options {
	struct target_spec targets;
	const char *output; /* path of the recording; NULL: none, see .observer */
	struct collector_observer observer;
	bool overwrite;
	uint64_t duration_ns; /* 0: until stopped or the targets are gone */
	uint64_t interval_ns; /* of the recording's rows */
	double budget_pct;    /* of the host's CPU time; 0: no limit, always attached */
	enum hook_family family;
	bool light;            /* the light hook set */
	uint32_t sample_every; /* keep every N-th request, 0: none */
	double slow_pct;       /* keep requests above this percentile, 0: none */
	uint32_t max_connections;
	/* Kept apart; the rest is one more, "other endpoints". 0: as endpoint_room.h says. */
	uint32_t max_endpoints;
	const char *catalogue;    /* directory, NULL: the installed one */
	const char *const *spans; /* LIB:SYMBOL[=ACCOUNT] */
	size_t n_spans;
	bool no_catalogue;
	bool no_framing;          /* do not look into received bytes to count pipelined requests */
	const char *command_line; /* of this process, for the recording */
	const char *readiness;    /* of the host, JSON for the recording; NULL: unknown */
	pid_t child;              /* started for the recording: ends it when it exits; 0: none */
	int child_go; /* is written a byte to, for the child, once probes are attached */
	void (*log)(int level, const char *text);
	void (*note)(const char *text); /* something the user should know; may be NULL */
};

struct collector_failure {
	int error; /* negative errno */
	char subject[256];
	const char *doing;
	const char *cause;  /* in words, instead of the errno; may be NULL */
	const char *remedy; /* may be NULL */
};

/* The state of a run, once per interval. */
struct collector_progress {
	uint64_t elapsed_ns;
	uint64_t requests;          /* so far */
	uint64_t interval_requests; /* in the last interval */
	double rate;                /* requests per second while attached, of the last interval */
	uint64_t p50_ns, p99_ns;    /* of the last interval */
	uint64_t lost;              /* of all kinds, so far */
	uint64_t unbalanced;
	double cost_pct;       /* of the host's CPU time, overall; < 0: cannot be measured */
	double attached_share; /* of the last interval */
	size_t endpoints;
	bool nothing_seen; /* no request for the first five seconds */
};

/* Opens the recording and loads the probes. On failure *ret_failure is filled, nothing is left. */
int collector_open(const struct collector_options *options, struct collector **ret_collector,
                   struct collector_failure *ret_failure);
/*
 * Records until the duration is over, *stop is set or the targets are gone; then the recording is
 * complete. On failure what was recorded stays readable.
 */
int collector_run(struct collector *collector, const volatile sig_atomic_t *stop,
                  void (*progress)(const struct collector_progress *progress, void *context),
                  void *context, struct collector_failure *ret_failure);
void collector_close(struct collector *collector);
/*
 * From the next interval on, writes a recording to @path, which must not exist; NULL: completes the
 * one that is written. For a run without .output; may be called by another thread.
 */
void collector_write(struct collector *collector, const char *path);

/* For --verbose: what is hooked, and memory. */
void collector_describe(const struct collector *collector,
                        void (*line)(const char *text, void *context), void *context);

#endif
