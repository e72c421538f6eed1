/* SPDX-License-Identifier: GPL-2.0 */
/* What the files that make up the recorder share, and nobody else sees: the state of a run. */
#ifndef KTAX_COLLECTOR_INTERNAL_H
#define KTAX_COLLECTOR_INTERNAL_H

#include <time.h>

#include "arrivals.h"
#include "budget.h"
#include "collector.h"
#include "cost_meter.h"
#include "hook_rows.h"
#include "host_features.h"
#include "nic_clocks.h"
#include "output.h"
#include "probes.h"
#include "recording.h"
#include "spans.h"

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define WINDOW_NS     (250 * NSEC_PER_MSEC)

struct endpoint_state;

struct collector {
	struct collector_options options; /* .max_endpoints holds "other endpoints" too */
	struct targets *targets;
	struct probes *probes;
	struct nic_clocks *nic_clocks;
	struct catalogue *catalogue;
	struct span_list *spans;
	uint64_t spans_generation;
	uint64_t spans_mapped;     /* maps_fingerprint() when it was looked at last */
	unsigned int spans_unread; /* intervals in which it was the same */
	struct hook_rows_spans span_counts;
	bool spans_noted;                /* that some could not be attached */
	bool spans_checked;              /* that each --span has found something */
	bool step_failed;                /* what single-stepping costs cannot be measured */
	struct histogram step_costs;     /* that, once per interval */
	struct recording_writer *writer; /* of the file, or of facts in memory: output.h */
	struct output output;
	struct host_features features; /* while they are read */
	size_t unseen_processes; /* most at once: in namespaces that could not be looked into */
	size_t merged_endpoints; /* that have no aggregates of their own, so far */
	struct endpoint_state *endpoints; /* by the index of the aggregates */
	struct arrivals *arrivals;
	struct ktax_counters counters; /* at the last interval */
	struct budget budget;
	struct cost_meter cost;
	unsigned cpus;
	uint64_t started_ns, interval_started_ns, interval_started_realtime_ns;
	uint64_t attached_since_ns; /* 0: detached */
	uint64_t attached_ns;       /* in this interval, without the running stretch */
	uint64_t all_attached_ns, all_probe_ns, all_self_ns, self_ns;
	uint64_t window_ends_ns, gap_ends_ns;
	bool continuous;
	struct ktax_request *requests; /* sampled in this interval */
	size_t n_requests;
	uint64_t dropped; /* in flight at a detach */
	struct aggregate_delta delta;
	struct histogram recent; /* totals of the last interval */
	struct collector_progress progress;
};

/* collector.c */

uint64_t clock_ns(clockid_t clock);
/* Fills *failure; returns @error. @subject is copied, the other texts are not. */
int failed(struct collector_failure *failure, int error, const char *subject, const char *doing,
           const char *cause, const char *remedy);
/* Tells the user, if somebody listens. */
void note(const struct collector *collector, const char *text);

/* setup.c */

/* Checks privileges, finds the targets, loads the probes, creates the recording. */
int setup(struct collector *collector, struct collector_failure *failure);

/* span_follower.c */

/* Looks for functions in what the targets have mapped; attaches if that has changed. */
int refresh_spans(struct collector *collector);
/* The same where there are new processes, libraries that were loaded, programs executed since. */
int follow_spans(struct collector *collector);
void attach_spans(struct collector *collector);
/* Measures what single-stepping costs now, where functions are single-stepped. */
void measure_step(struct collector *collector);
/* Says which --span has found nothing. Once, when there is something to look into. */
void note_unmatched_spans(struct collector *collector);

/* window.c */

/* Attaches everything. */
int window_open(struct collector *collector, struct collector_failure *failure);
/* Opens or closes a window if it is time to. */
int window_tick(struct collector *collector, uint64_t now, struct collector_failure *failure);
/* Stops to follow requests at @now; those in flight are waited for. The probes stay attached. */
void window_drain(struct collector *collector, uint64_t now);

/* intervals.c */

int intervals_allocate(struct collector *collector);
void intervals_free(struct collector *collector);
/* The first interval begins at @now. */
void interval_first(struct collector *collector, uint64_t now);
/* Takes one sampled request; @context: the collector. */
void interval_keep_request(const struct ktax_request *request, void *context);
/* Writes the interval that ends at @now, and begins the next. -errno. */
int interval_write(struct collector *collector, uint64_t now);
/* Writes how the boundaries are hooked now. */
int interval_write_hooks(struct collector *collector);
/* How they are. */
size_t collect_hooks(struct collector *collector, struct recording_hook rows[HOOK_ROWS_MAX]);
/* Another file: endpoints have to be registered in it. */
void forget_endpoint_ids(struct collector *collector);

#endif
