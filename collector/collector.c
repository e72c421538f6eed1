// SPDX-License-Identifier: GPL-2.0
/*
 * The recorder's loop.
 *
 *	every 50 ms	drain the ring buffer; open or close a window (window.c)
 *	every interval	follow targets and their libraries (span_follower.c), finish idle requests,
 *			write one transaction: what each endpoint's aggregate has grown by
 *			(intervals.c)
 */
#include "collector.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "catalogue.h"
#include "internal.h"
#include "privileges.h"

#define TICK_NS        (50 * NSEC_PER_MSEC)
#define IDLE_NS        (2 * NSEC_PER_SEC) /* a response is over if nothing more left for so long */
#define CHILD_START_NS (10 * NSEC_PER_SEC)

uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
}

int failed(struct collector_failure *failure, int error, const char *subject, const char *doing,
           const char *cause, const char *remedy)
{
	*failure = (struct collector_failure){
		.error = error, .doing = doing, .cause = cause, .remedy = remedy
	};
	snprintf(failure->subject, sizeof(failure->subject), "%s", subject ? subject : "");
	return error;
}

void note(const struct collector *collector, const char *text)
{
	if (collector->options.note)
		collector->options.note(text);
}

/* ---- Opening and closing ------------------------------------------------------------------ */

int collector_open(const struct collector_options *options, struct collector **ret_collector,
                   struct collector_failure *ret_failure)
{
	struct collector *collector = calloc(1, sizeof(*collector));
	int err;

	if (!collector)
		return failed(ret_failure, -ENOMEM, NULL, "start", NULL, NULL);
	collector->options = *options;
	collector->features = HOST_FEATURES_NONE;
	output_init(&collector->output);
	collector->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	budget_init(&collector->budget, options->budget_pct / 100, WINDOW_NS,
	            clock_ns(CLOCK_MONOTONIC));
	cost_meter_init(&collector->cost, &collector->budget, collector->cpus);
	err = setup(collector, ret_failure);
	if (err) {
		collector_close(collector);
		return err;
	}
	*ret_collector = collector;
	return 0;
}

void collector_close(struct collector *collector)
{
	if (!collector)
		return;
	stats_switch_close(&collector->cost.stats);
	probes_close(collector->probes);
	nic_clocks_close(collector->nic_clocks);
	output_close(collector);
	span_list_free(collector->spans);
	catalogue_free(collector->catalogue);
	host_features_abandon(&collector->features);
	targets_close(collector->targets);
	intervals_free(collector);
	free(collector);
}

/* ---- Running ------------------------------------------------------------------------------ */

/* Endpoints that are not kept apart are said once, and counted. */
static int note_merged(struct collector *collector)
{
	size_t n = targets_merged(collector->targets);
	char text[160];

	if (n == collector->merged_endpoints)
		return 0;
	if (!collector->merged_endpoints) {
		snprintf(
			text, sizeof(text),
			"endpoints beyond the first %u are recorded as one, \"other endpoints\"; see "
			"--max-endpoints",
			collector->options.max_endpoints - 1);
		note(collector, text);
	}
	collector->merged_endpoints = n;
	snprintf(text, sizeof(text), "%zu", n);
	return recording_set_meta(collector->writer, "merged_endpoints", text);
}

/* So are processes whose servers cannot be found. */
static int note_unseen(struct collector *collector)
{
	size_t n = targets_unseen(collector->targets);
	char text[160];

	if (n <= collector->unseen_processes)
		return 0;
	if (!collector->unseen_processes) {
		snprintf(text, sizeof(text),
		         "the network namespaces of %zu processes cannot be looked into: servers "
		         "there are not followed",
		         n);
		note(collector, text);
	}
	collector->unseen_processes = n;
	snprintf(text, sizeof(text), "%zu", n);
	return recording_set_meta(collector->writer, "unseen_processes", text);
}

/* What of the targets is not recorded as it should be. */
static int note_targets(struct collector *collector)
{
	int err = note_merged(collector);

	return err ? err : note_unseen(collector);
}

static int interval_tick(struct collector *collector, uint64_t now,
                         struct collector_failure *failure)
{
	uint32_t in_flight;
	int err = targets_refresh(collector->targets, collector->probes);

	if (err)
		return failed(failure, err, "/proc", "follow the targets", NULL,
		              "what was recorded until now is readable");
	err = follow_spans(collector);
	if (err)
		return failed(failure, err, NULL, "look for functions to probe", NULL, NULL);
	if (collector->attached_since_ns) {
		probes_sweep(collector->probes, IDLE_NS, &in_flight);
		measure_step(collector);
	}
	probes_consume(collector->probes, interval_keep_request, collector);
	err = note_targets(collector);
	if (!err)
		err = interval_write(collector, now);
	if (err)
		return failed(failure, err, collector->options.output, "write the recording", NULL,
		              "what was recorded until now is readable");
	return 0;
}

static bool child_exited(const struct collector *collector)
{
	siginfo_t info = {};

	if (!collector->options.child)
		return false;
	waitid(P_PID, collector->options.child, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid != 0;
}

static bool is_over(struct collector *collector, uint64_t now)
{
	uint64_t duration = collector->options.duration_ns;

	if (duration && now - collector->started_ns >= duration)
		return true;
	if (child_exited(collector))
		return true;
	if (targets_alive(collector->targets))
		return false;
	note(collector, "the target has ended, and so does the recording");
	return true;
}

/* Where no program looks at stamps, nothing is to be told. */
static void follow_nic_clocks(struct collector *collector)
{
	if (probes_use_nic_stamps(collector->probes))
		nic_clocks_tick(collector->nic_clocks, collector->probes,
		                clock_ns(CLOCK_MONOTONIC));
}

static int start(struct collector *collector, struct collector_failure *failure)
{
	int err = window_open(collector, failure);

	if (err)
		return err;
	follow_nic_clocks(collector);
	err = privileges_write_as_owner(collector->options.output);
	if (!err)
		err = privileges_drop(collector->spans &&
		                      probes_spans_need_admin(collector->probes, collector->spans));
	if (err)
		return failed(failure, err, "ktax", "give up its privileges", NULL, NULL);
	interval_first(collector, collector->attached_since_ns);
	collector->continuous = true;
	err = interval_write_hooks(collector);
	if (!err)
		err = note_targets(collector);
	if (err)
		return failed(failure, err, collector->options.output, "write the recording", NULL,
		              NULL);
	if (collector->options.child && write(collector->options.child_go, "g", 1) != 1)
		return failed(failure, -errno, NULL, "start the command", NULL, NULL);
	return 0;
}

/* It loads its libraries in this time. */
static bool child_is_starting(const struct collector *collector, uint64_t now)
{
	return now - collector->started_ns < CHILD_START_NS;
}

/*
 * The libraries of a child that starts do not wait for the end of an interval, nor do sockets of it
 * that the probes did not see begin to listen.
 */
static int follow_child(struct collector *collector, uint64_t now,
                        struct collector_failure *failure)
{
	int err;

	if (!collector->options.child || collector->spans_checked)
		return 0;
	err = targets_refresh(collector->targets, collector->probes);
	if (!err)
		err = follow_spans(collector);
	if (!err && !child_is_starting(collector, now))
		note_unmatched_spans(collector);
	return err ? failed(failure, err, NULL, "follow the command", NULL, NULL) : 0;
}

/* The recording is complete before the probes are detached, which may take seconds. */
static int finish(struct collector *collector, struct collector_failure *failure)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int err;

	if (collector->attached_since_ns)
		window_drain(collector, now);
	probes_consume(collector->probes, interval_keep_request, collector);
	err = targets_adopt(collector->targets, collector->probes);
	if (!err)
		err = note_merged(collector);
	if (!err)
		err = interval_write(collector, now);
	if (!err)
		err = interval_write_hooks(collector);
	if (!err) {
		err = recording_finish(collector->writer);
		collector->writer = NULL;
	}
	return err ? failed(failure, err, collector->options.output, "write the recording", NULL,
	                    "what was recorded until now is readable")
	           : 0;
}

int collector_run(struct collector *collector, const volatile sig_atomic_t *stop,
                  void (*progress)(const struct collector_progress *progress, void *context),
                  void *context, struct collector_failure *ret_failure)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	int err = start(collector, ret_failure);

	while (!err && !*stop) {
		uint64_t now;

		nanosleep(&tick, NULL);
		now = clock_ns(CLOCK_MONOTONIC);
		probes_consume(collector->probes, interval_keep_request, collector);
		if (collector->attached_since_ns)
			cost_meter_tick(&collector->cost, now);
		if (collector->output.to_file) /* nobody else asks for them */
			arrivals_tick(collector->arrivals, collector->probes, now);
		follow_nic_clocks(collector);
		err = window_tick(collector, now, ret_failure);
		if (!err)
			err = follow_child(collector, now, ret_failure);
		now = clock_ns(CLOCK_MONOTONIC); /* attaching takes a while */
		if (!err &&
		    now - collector->interval_started_ns >= collector->options.interval_ns) {
			err = interval_tick(collector, now, ret_failure);
			if (!err && progress)
				progress(&collector->progress, context);
		}
		if (is_over(collector, now))
			break;
	}
	if (!err)
		err = finish(collector, ret_failure);
	if (!err && progress)
		progress(&collector->progress, context);
	return err;
}

/* ---- Describing --------------------------------------------------------------------------- */

void collector_describe(const struct collector *collector,
                        void (*line)(const char *text, void *context), void *context)
{
	struct probes_hook hooks[BOUNDARY_COUNT];
	char text[512];

	probes_hooks(collector->probes, hooks);
	for (int i = 0; i < BOUNDARY_COUNT; i++) {
		const struct hook_candidate *candidate = hooks[i].candidate;

		snprintf(text, sizeof(text), "%-17s %s%s%s", hooks[i].boundary->name,
		         candidate ? hook_family_name[candidate->family] : "not hooked: ",
		         candidate ? "/" : "", candidate ? candidate->target : hooks[i].why);
		line(text, context);
	}
	snprintf(text, sizeof(text), "interrupt time: %s; state in %s; %.1f MB of BPF maps",
	         probes_stolen_source(collector->probes),
	         probes_storage_is_hash(collector->probes) ? "hash maps"
	                                                   : "socket and task storage",
	         probes_memory_bytes(collector->probes) / 1e6);
	line(text, context);
	snprintf(text, sizeof(text), "%.1f MB of them keep %u endpoints apart, and the others",
	         probes_endpoint_bytes() * collector->options.max_endpoints / 1e6,
	         collector->options.max_endpoints - 1);
	line(text, context);
	nic_clocks_describe(collector->nic_clocks, line, context);
	for (size_t i = 0; collector->spans && i < collector->spans->nsites; i++) {
		snprintf(text, sizeof(text), "span %s as %s", collector->spans->sites[i].label,
		         ktax_account_info[collector->spans->sites[i].account].name);
		line(text, context);
	}
	for (size_t i = 0; collector->spans && i < collector->spans->nrefusals; i++) {
		snprintf(text, sizeof(text), "no probe on %s: %s",
		         collector->spans->refusals[i].label, collector->spans->refusals[i].reason);
		line(text, context);
	}
}
