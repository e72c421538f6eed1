// SPDX-License-Identifier: GPL-2.0
/*
 * The recorder's loop.
 *
 *	every 50 ms	drain the ring buffer; open or close a window
 *	every interval	follow targets and their libraries, finish idle requests, write one
 *			transaction: what each endpoint's aggregate has grown by
 *
 * A window that closes (and the recording's end) first stops admitting requests and then waits for
 * those in flight, so that long requests are not missing because they are long; what is still open
 * after DRAIN_NS is dropped and counted.
 *
 * The programs' own cost is measured by the kernel's BPF statistics. These cost two clock readings
 * a run themselves, so they are on for the first second and then for a tenth of a second in two.
 */
#include "collector.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "budget.h"
#include "catalogue.h"
#include "hook_rows.h"
#include "host.h"
#include "privileges.h"
#include "probes.h"
#include "recording.h"
#include "spans.h"
#include "stats_switch.h"

#define NSEC_PER_SEC    1000000000ULL
#define NSEC_PER_MSEC   1000000ULL
#define TICK_NS         (50 * NSEC_PER_MSEC)
#define IDLE_NS         (2 * NSEC_PER_SEC) /* a response is over if nothing more left for so long */
#define SETTLE_NS       (20 * NSEC_PER_MSEC) /* the same while draining */
#define DRAIN_NS        (500 * NSEC_PER_MSEC)
#define WINDOW_NS       (250 * NSEC_PER_MSEC)
#define STATS_FIRST_NS  NSEC_PER_SEC
#define STATS_NS        (100 * NSEC_PER_MSEC)
#define STATS_EVERY_NS  (2 * NSEC_PER_SEC)
#define SAMPLE_HZ       499 /* user/kernel sampling; a prime, to stay out of step with ticks */
#define RING_BYTES      (4 << 20)
#define NOTHING_SEEN_NS (5 * NSEC_PER_SEC)
#define DISPATCH_NS     60 /* what a firing costs beyond its program's run time (docs/overhead.md) */
#define CHILD_START_NS  (10 * NSEC_PER_SEC)
#define REQUESTS_MAX    65536 /* sampled rows kept between two intervals */

struct endpoint_state {
	int64_t id; /* in the recording, 0: not registered yet */
	struct ktax_aggregate last;
};

/* Measurement of the programs' run time. */
struct cost_meter {
	struct stats_switch stats;
	bool on;
	uint64_t since_ns, run_ns, runs;
	double ns_per_ns; /* run time per attached ns, last measured; < 0: not yet */
	double runs_per_ns;
};

struct collector {
	struct collector_options options;
	struct targets *targets;
	struct probes *probes;
	struct catalogue *catalogue;
	struct span_list *spans;
	uint64_t spans_generation;
	struct hook_rows_spans span_counts;
	bool spans_noted;   /* that some could not be attached */
	bool spans_checked; /* that each --span has found something */
	struct recording_writer *writer;
	struct endpoint_state *endpoints;
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
	struct ktax_aggregate delta;
	struct histogram recent; /* totals of the last interval */
	struct collector_progress progress;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
}

static int failed(struct collector_failure *failure, int error, const char *subject,
                  const char *doing, const char *cause, const char *remedy)
{
	*failure = (struct collector_failure){
		.error = error, .doing = doing, .cause = cause, .remedy = remedy
	};
	snprintf(failure->subject, sizeof(failure->subject), "%s", subject ? subject : "");
	return error;
}

static void note(const struct collector *collector, const char *text)
{
	if (collector->options.note)
		collector->options.note(text);
}

/* ---- Opening ------------------------------------------------------------------------------ */

static int check_privileges(struct collector_failure *failure)
{
	static char cause[200];
	char capabilities[160];

	if (!privileges_missing(capabilities, sizeof(capabilities)))
		return 0;
	snprintf(cause, sizeof(cause), "it lacks %s", capabilities);
	return failed(failure, -EPERM, NULL, "attach probes", cause,
	              "run it as root (sudo ktax record ...), or give it these");
}

static void open_stats(struct collector *collector)
{
	if (stats_switch_open(&collector->cost.stats) && collector->options.budget_pct > 0)
		note(collector, "what the probes cost cannot be measured without CAP_SYS_ADMIN: "
		                "they stay attached, whatever --budget says");
}

static int open_targets(struct collector *collector, struct collector_failure *failure)
{
	const struct collector_options *options = &collector->options;
	char subject[64] = "";
	int err = targets_open(&options->targets, options->max_endpoints, &collector->targets,
	                       subject);

	if (err == -ESRCH)
		return failed(failure, err, subject, "record it", "there is no such process",
		              "look its pid up in ps, or give --comm or --port");
	if (err == -ENOENT)
		return failed(failure, err, subject, "record it", "not a readable cgroup directory",
		              "give the path of a directory that holds cgroup.procs");
	if (!err)
		err = targets_refresh(collector->targets, NULL);
	if (err == -ENOENT)
		return failed(failure, -EOPNOTSUPP, "kernel", "look for listening sockets",
		              "it has no sock_diag", "load the module tcp_diag (CONFIG_INET_DIAG)");
	if (err)
		return failed(failure, err, "/proc", "look for targets", NULL, NULL);
	return 0;
}

static int probes_failure(struct collector_failure *failure, int err,
                          const struct hook_boundary *missing)
{
	static char cause[160];

	if (missing) {
		snprintf(cause, sizeof(cause),
		         "no way to hook \"%s\" works on this kernel (account %s)", missing->name,
		         ktax_account_info[missing->account].name);
		return failed(failure, -EOPNOTSUPP, "kernel", "follow requests", cause,
		              "use a kernel built with CONFIG_KPROBES and CONFIG_FUNCTION_TRACER");
	}
	if (err == -EOPNOTSUPP)
		return failed(failure, err, "/sys/kernel/btf/vmlinux", "read the kernel's types",
		              "the kernel has no BTF",
		              "use a kernel built with CONFIG_DEBUG_INFO_BTF");
	return failed(failure, err, "BPF programs", "load them", NULL,
	              "run it with -vv to see the verifier's message");
}

static int open_probes(struct collector *collector, struct collector_failure *failure)
{
	const struct collector_options *options = &collector->options;
	struct target_links links = targets_links(collector->targets);
	struct probes_options probes = {
		.family = options->family,
		.light = options->light,
		.max_connections = options->max_connections,
		.max_endpoints = options->max_endpoints,
		.ring_bytes = RING_BYTES,
		.sample_hz = options->light ? 0 : SAMPLE_HZ,
		.qdisc = links.qdisc,
		.nic = links.nic,
		.task_filter = targets_are_processes(collector->targets),
		.framing = !options->no_framing,
		.log = options->log,
	};
	const struct hook_boundary *missing = NULL;
	int err;

	err = probes_open(&probes, &collector->probes, &missing);
	if (err)
		return probes_failure(failure, err, missing);
	probes_sample(collector->probes, options->sample_every, UINT64_MAX);
	err = targets_refresh(collector->targets, collector->probes);
	return err ? failed(failure, err, "BPF maps", "hand over the targets", NULL, NULL) : 0;
}

static int open_catalogue(struct collector *collector, struct collector_failure *failure)
{
	static char cause[CATALOGUE_MESSAGE_SIZE + PATH_MAX];
	char message[CATALOGUE_MESSAGE_SIZE] = "";
	const struct collector_options *options = &collector->options;
	const char *dir = options->catalogue;
	int err = 0;

	if (options->light)
		return 0; /* spans cost more than all else in it */
	if (!options->no_catalogue)
		err = catalogue_load(options->catalogue, &collector->catalogue, message,
		                     sizeof(message));
	for (size_t i = 0; !err && i < options->n_spans; i++)
		err = catalogue_add_span(&collector->catalogue, options->spans[i], message,
		                         sizeof(message));
	if (!err)
		return 0;
	if (dir && strncmp(message, dir, strlen(dir))) /* "FILE:LINE: ...", below it */
		snprintf(cause, sizeof(cause), "%s/%s", dir, message);
	else
		snprintf(cause, sizeof(cause), "%s", message);
	return failed(failure, err, NULL, "read the catalogue of functions", cause,
	              "correct it, or give --catalogue none");
}

static int refresh_spans(struct collector *collector);
static void note_unmatched_spans(struct collector *collector);

static int find_spans(struct collector *collector, struct collector_failure *failure)
{
	int err = refresh_spans(collector);

	collector->spans_generation = targets_generation(collector->targets);
	if (!err && !collector->options.child)
		note_unmatched_spans(collector);
	return err ? failed(failure, err, NULL, "look for functions to probe", NULL, NULL) : 0;
}

static int create_recording(struct collector *collector, struct collector_failure *failure)
{
	const struct collector_options *options = &collector->options;
	int err = recording_create(options->output, options->overwrite, &collector->writer);

	if (err == -EEXIST)
		return failed(failure, err, options->output, "create the recording",
		              "the file exists", "choose another with -o, or overwrite it with -f");
	if (err == -EBUSY)
		return failed(failure, err, options->output, "create the recording",
		              "another ktax is writing it", "choose another with -o");
	if (err == -EINVAL)
		return failed(failure, err, options->output, "create the recording",
		              "it is a device, pipe or socket", "name a file with -o");
	if (err == -EACCES || err == -EPERM) /* of the file, not of what ktax is about */
		return failed(failure, -EIO, options->output, "create the recording",
		              "its directory or the file is not writable",
		              "choose another with -o");
	if (err)
		return failed(failure, err, options->output, "create the recording", NULL, NULL);
	return 0;
}

static int write_meta(struct collector *collector)
{
	const struct collector_options *options = &collector->options;
	struct recording_writer *writer = collector->writer;
	char text[64];
	int err = host_record(writer);

	if (!err && options->command_line)
		err = recording_set_meta(writer, "command", options->command_line);
	if (!err)
		err = recording_set_meta(writer, "role", "server");
	if (!err)
		err = recording_set_meta(writer, "detail", options->light ? "light" : "full");
	if (!err)
		err = recording_set_meta(writer, "hooks", hook_family_name[options->family]);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)options->interval_ns);
	if (!err)
		err = recording_set_meta(writer, "interval_ns", text);
	snprintf(text, sizeof(text), "%g", options->budget_pct);
	if (!err && options->budget_pct > 0)
		err = recording_set_meta(writer, "budget_pct", text);
	snprintf(text, sizeof(text), "none");
	if (options->sample_every)
		snprintf(text, sizeof(text), "1/%u", options->sample_every);
	else if (options->slow_pct > 0)
		snprintf(text, sizeof(text), "slow %g", options->slow_pct);
	if (!err)
		err = recording_set_meta(writer, "requests_sampling", text);
	return err;
}

static int allocate(struct collector *collector)
{
	uint32_t n = collector->options.max_endpoints;

	collector->endpoints = calloc(n, sizeof(*collector->endpoints));
	collector->requests = calloc(REQUESTS_MAX, sizeof(*collector->requests));
	if (!collector->endpoints || !collector->requests)
		return -ENOMEM;
	return histogram_init(&collector->recent, HISTOGRAM_HIGHEST_DEFAULT_NS,
	                      HISTOGRAM_DIGITS_DEFAULT);
}

int collector_open(const struct collector_options *options, struct collector **ret_collector,
                   struct collector_failure *ret_failure)
{
	struct collector *collector = calloc(1, sizeof(*collector));
	int err;

	if (!collector)
		return failed(ret_failure, -ENOMEM, NULL, "start", NULL, NULL);
	collector->options = *options;
	collector->options.max_endpoints++;
	collector->cost.stats = STATS_SWITCH_NONE;
	collector->cost.ns_per_ns = -1;
	collector->cpus = sysconf(_SC_NPROCESSORS_ONLN);
	budget_init(&collector->budget, options->budget_pct / 100, WINDOW_NS,
	            clock_ns(CLOCK_MONOTONIC));
	err = allocate(collector);
	if (err)
		failed(ret_failure, err, NULL, "start", NULL, NULL);
	if (!err)
		err = check_privileges(ret_failure);
	if (!err)
		open_stats(collector);
	if (!err)
		err = open_targets(collector, ret_failure);
	if (!err)
		err = open_catalogue(collector, ret_failure);
	if (!err)
		err = open_probes(collector, ret_failure);
	if (!err)
		err = find_spans(collector, ret_failure);
	if (!err)
		err = create_recording(collector, ret_failure);
	if (!err) {
		err = write_meta(collector);
		if (err)
			failed(ret_failure, err, options->output, "write the recording", NULL,
			       NULL);
	}
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
	recording_abandon(collector->writer);
	span_list_free(collector->spans);
	catalogue_free(collector->catalogue);
	targets_close(collector->targets);
	histogram_destroy(&collector->recent);
	free(collector->endpoints);
	free(collector->requests);
	free(collector);
}

/* ---- Spans -------------------------------------------------------------------------------- */

static void count_annotations(struct hook_rows_spans *counts, const struct span_usdt *usdt)
{
	for (size_t i = 0; i < usdt->nannotations; i++)
		counts->annotated[usdt->annotations[i].account] += usdt->annotations[i].begins;
}

static void count_spans(struct collector *collector)
{
	struct hook_rows_spans *counts = &collector->span_counts;

	memset(counts, 0, sizeof(*counts));
	for (size_t i = 0; i < collector->spans->nsites; i++) {
		const struct span_site *site = &collector->spans->sites[i];

		counts->attached[site->account]++;
		counts->single_stepped += site->single_stepped || site->exit_single_stepped;
	}
	for (size_t i = 0; i < collector->spans->nusdt; i++)
		count_annotations(counts, &collector->spans->usdt[i]);
}

static void attach_spans(struct collector *collector)
{
	int err = 0;

	if (collector->spans)
		err = probes_attach_spans(collector->probes, collector->spans);
	if (!err || collector->spans_noted)
		return;
	collector->spans_noted = true;
	note(collector, err == -EACCES || err == -EPERM
	                        ? "some functions or annotations could not be probed without "
	                          "CAP_SYS_ADMIN: their time counts as app"
	                        : "some functions or annotations could not be probed: their time "
	                          "counts as app; see -vv");
}

/* Is @label ("user:encode") what the --span with the pattern @symbol has found? */
static bool label_matches(const char *label, const char *symbol)
{
	return !strncmp(label, "user:", 5) && !fnmatch(symbol, label + 5, 0);
}

/* Why @span, LIBRARY:SYMBOL[=ACCOUNT], gets no probe; NULL: it has one. */
static const char *span_refused(const struct span_list *list, const char *span)
{
	const char *colon = strchr(span, ':');
	char symbol[128];

	if (!colon)
		return NULL;
	snprintf(symbol, sizeof(symbol), "%.*s", (int)strcspn(colon + 1, "="), colon + 1);
	for (size_t i = 0; list && i < list->nsites; i++)
		if (label_matches(list->sites[i].label, symbol))
			return NULL;
	for (size_t i = 0; list && i < list->nrefusals; i++)
		if (label_matches(list->refusals[i].label, symbol))
			return list->refusals[i].reason;
	return "no target has mapped such a function so far";
}

/* Once, when there is something to look into. */
static void note_unmatched_spans(struct collector *collector)
{
	const struct collector_options *options = &collector->options;
	char text[512];

	collector->spans_checked = true;
	for (size_t i = 0; i < options->n_spans; i++) {
		const char *why = span_refused(collector->spans, options->spans[i]);

		if (!why)
			continue;
		snprintf(text, sizeof(text), "--span %s: %s", options->spans[i], why);
		note(collector, text);
	}
}

/* Looks for functions in what the targets have mapped; attaches if that has changed. */
static int refresh_spans(struct collector *collector)
{
	struct span_changes changes = {};
	struct span_list *found = NULL;
	const pid_t *pids;
	size_t n = targets_pids(collector->targets, &pids);
	bool changed;

	if (!collector->catalogue || !n)
		return 0;
	if (spans_find(pids, n, collector->catalogue, &found))
		return 0; /* the processes are gone, or not ours to look into */
	if (spans_compare(collector->spans, found, &changes)) {
		span_list_free(found);
		return -ENOMEM;
	}
	changed =
		changes.nadded || changes.nremoved || changes.nusdt_added || changes.nusdt_removed;
	span_changes_release(&changes);
	if (changed)
		probes_detach_spans(collector->probes);
	span_list_free(collector->spans);
	collector->spans = found;
	count_spans(collector);
	if (changed && collector->attached_since_ns)
		attach_spans(collector);
	return 0;
}

/* New processes, and libraries that were loaded or a program that was executed since. */
static int follow_spans(struct collector *collector)
{
	uint64_t generation = targets_generation(collector->targets);
	const pid_t *pids;
	size_t n = targets_pids(collector->targets, &pids);

	if (generation == collector->spans_generation && collector->spans &&
	    spans_outdated(pids, n, collector->spans) <= 0)
		return 0;
	collector->spans_generation = generation;
	return refresh_spans(collector);
}

/* ---- Cost --------------------------------------------------------------------------------- */

static void meter_start(struct collector *collector, uint64_t now)
{
	struct cost_meter *meter = &collector->cost;

	if (meter->on || stats_switch_set(&meter->stats, true))
		return;
	meter->on = true;
	meter->since_ns = now;
	probes_cost(collector->probes, &meter->run_ns, &meter->runs);
}

static void meter_stop(struct collector *collector, uint64_t now)
{
	struct cost_meter *meter = &collector->cost;
	uint64_t run_ns, runs, elapsed = now - meter->since_ns;

	if (!meter->on)
		return;
	stats_switch_set(&meter->stats, false);
	meter->on = false;
	if (elapsed < NSEC_PER_MSEC)
		return;
	probes_cost(collector->probes, &run_ns, &runs);
	runs -= meter->runs;
	run_ns += runs * DISPATCH_NS - meter->run_ns;
	meter->ns_per_ns = (double)run_ns / elapsed;
	meter->runs_per_ns = (double)runs / elapsed;
	budget_measured(&collector->budget, run_ns, elapsed, collector->cpus);
}

/* Statistics are on for the first second attached, and for a tenth of a second every two. */
static void meter_tick(struct collector *collector, uint64_t now)
{
	struct cost_meter *meter = &collector->cost;
	uint64_t length = meter->ns_per_ns < 0 ? STATS_FIRST_NS : STATS_NS;

	if (!collector->attached_since_ns)
		return;
	if (meter->on && now - meter->since_ns >= length)
		meter_stop(collector, now);
	else if (!meter->on && (meter->ns_per_ns < 0 || now - meter->since_ns >= STATS_EVERY_NS))
		meter_start(collector, now);
}

/* ---- Windows ------------------------------------------------------------------------------ */

static int attach(struct collector *collector, struct collector_failure *failure)
{
	const char *program = "";
	int err;

	attach_spans(collector);
	err = probes_attach(collector->probes, &program);
	if (err)
		return failed(failure, err, program, "attach the program", NULL, NULL);
	collector->attached_since_ns = clock_ns(CLOCK_MONOTONIC);
	collector->window_ends_ns = collector->attached_since_ns + WINDOW_NS;
	meter_tick(collector, collector->attached_since_ns);
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

/* Stops to follow requests at @now; those in flight are waited for. */
static void stop_following(struct collector *collector, uint64_t now)
{
	meter_stop(collector, now);
	drain(collector, DRAIN_NS);
	collector->attached_ns += now - collector->attached_since_ns;
	collector->attached_since_ns = 0;
}

static void close_window(struct collector *collector, uint64_t now)
{
	stop_following(collector, now);
	probes_detach(collector->probes);
	probes_detach_spans(collector->probes);
	collector->gap_ends_ns = clock_ns(CLOCK_MONOTONIC) + budget_gap_ns(&collector->budget);
}

static int window_tick(struct collector *collector, uint64_t now, struct collector_failure *failure)
{
	collector->continuous = budget_continuous(&collector->budget, collector->continuous);
	if (collector->attached_since_ns) {
		bool measured = collector->cost.ns_per_ns >= 0;

		if (measured && !collector->continuous && now >= collector->window_ends_ns)
			close_window(collector, now);
		return 0;
	}
	return now >= collector->gap_ends_ns ? attach(collector, failure) : 0;
}

/* ---- Intervals ---------------------------------------------------------------------------- */

static void keep_request(const struct ktax_request *request, void *context)
{
	struct collector *collector = context;

	if (collector->n_requests < REQUESTS_MAX)
		collector->requests[collector->n_requests++] = *request;
	else
		collector->dropped++;
}

/* What the endpoint's aggregate has grown by since the last call. */
static void take_delta(struct collector *collector, uint32_t endpoint, struct ktax_aggregate *delta)
{
	struct ktax_aggregate *last = &collector->endpoints[endpoint].last;
	static struct ktax_aggregate now;

	probes_read(collector->probes, endpoint, &now);
	*delta = now;
	ktax_aggregate_subtract(delta, last);
	*last = now;
}

static void note_totals(struct collector *collector, const struct ktax_aggregate *delta)
{
	for (uint32_t i = 0; i < KTAX_HIST_BUCKETS; i++)
		if (delta->total[i])
			histogram_record(&collector->recent,
			                 ktax_hist_lowest(i, KTAX_HIST_MAGNITUDE) / 2 +
			                         ktax_hist_lowest(i + 1, KTAX_HIST_MAGNITUDE) / 2,
			                 delta->total[i]);
	collector->progress.requests += delta->requests;
	collector->progress.interval_requests += delta->requests;
	collector->progress.unbalanced += delta->unbalanced;
}

static int write_requests(struct collector *collector, uint32_t endpoint)
{
	struct ktax_request *all = collector->requests;
	size_t n = 0;

	/* Those of this endpoint to the front, in their order. */
	for (size_t i = 0; i < collector->n_requests; i++) {
		struct ktax_request request = all[i];

		if (request.endpoint != endpoint)
			continue;
		memmove(&all[n + 1], &all[n], (i - n) * sizeof(request));
		all[n++] = request;
	}
	if (!n)
		return 0;
	return recording_add_requests(collector->writer, collector->endpoints[endpoint].id, all, n);
}

static int write_endpoint(struct collector *collector, uint32_t index,
                          const struct recording_endpoint *endpoint)
{
	struct endpoint_state *state = &collector->endpoints[index];
	int err = 0;

	take_delta(collector, index, &collector->delta);
	if (!collector->delta.requests) /* rows of the interval before may have come late */
		return state->id ? write_requests(collector, index) : 0;
	note_totals(collector, &collector->delta);
	if (!state->id)
		err = recording_add_endpoint(collector->writer, endpoint, &state->id);
	if (!err)
		err = recording_add_ledger(collector->writer, state->id, &collector->delta);
	if (!err)
		err = write_requests(collector, index);
	return err;
}

static uint64_t self_cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ULL;
}

static struct recording_interval measure_interval(struct collector *collector, uint64_t now)
{
	const struct ktax_counters last = collector->counters;
	struct ktax_counters *counters = &collector->counters;
	struct recording_interval interval = {
		.start_realtime_ns = collector->interval_started_realtime_ns,
		.length_ns = now - collector->interval_started_ns,
		.attached_ns = collector->attached_ns,
	};
	uint64_t self = self_cpu_ns();

	if (collector->attached_since_ns) {
		interval.attached_ns += now - collector->attached_since_ns;
		collector->attached_since_ns = now;
	}
	probes_read_counters(collector->probes, counters);
	interval.lost_ring = counters->ring_full - last.ring_full;
	interval.lost_map_full = counters->map_full - last.map_full;
	interval.missed_stamps = counters->missed_stamps - last.missed_stamps;
	interval.clock_errors = counters->clock_errors - last.clock_errors;
	interval.reopened = counters->reopened - last.reopened + collector->dropped;
	interval.self_cpu_ns = self - collector->self_ns;
	if (collector->cost.ns_per_ns > 0) {
		interval.probe_ns = collector->cost.ns_per_ns * interval.attached_ns;
		interval.probe_runs = collector->cost.runs_per_ns * interval.attached_ns;
	}
	collector->self_ns = self;
	collector->attached_ns = collector->dropped = 0;
	return interval;
}

static void update_progress(struct collector *collector, const struct recording_interval *interval,
                            uint64_t now)
{
	struct collector_progress *progress = &collector->progress;
	const struct ktax_counters *counters = &collector->counters;
	const struct recording_endpoint *endpoints;

	collector->all_attached_ns += interval->attached_ns;
	collector->all_probe_ns += interval->probe_ns;
	collector->all_self_ns += interval->self_cpu_ns;
	progress->elapsed_ns = now - collector->started_ns;
	progress->rate = interval->attached_ns ? (double)progress->interval_requests *
	                                                 NSEC_PER_SEC / interval->attached_ns
	                                       : 0;
	progress->p50_ns = histogram_percentile(&collector->recent, 50);
	progress->p99_ns = histogram_percentile(&collector->recent, 99);
	progress->lost = counters->ring_full + counters->map_full + counters->clock_errors +
	                 counters->reopened;
	progress->cost_pct = 100.0 * (collector->all_probe_ns + collector->all_self_ns) /
	                     ((double)progress->elapsed_ns * collector->cpus);
	progress->attached_share = (double)interval->attached_ns / interval->length_ns;
	progress->endpoints = targets_endpoints(collector->targets, &endpoints);
	progress->nothing_seen = !progress->requests && progress->elapsed_ns >= NOTHING_SEEN_NS;
}

/* --slow: the threshold is the percentile of the last interval. */
static void update_slow(struct collector *collector)
{
	if (collector->options.slow_pct > 0 && collector->recent.total >= 100)
		probes_sample(
			collector->probes, collector->options.sample_every,
			histogram_percentile(&collector->recent, collector->options.slow_pct));
}

static int write_interval(struct collector *collector, uint64_t now)
{
	struct recording_interval interval = measure_interval(collector, now);
	const struct recording_endpoint *endpoints;
	size_t n = targets_endpoints(collector->targets, &endpoints);
	int err;

	histogram_reset(&collector->recent);
	collector->progress.interval_requests = 0;
	err = recording_begin(collector->writer, &interval);
	for (size_t i = 0; !err && i < n; i++)
		err = write_endpoint(collector, i, &endpoints[i]);
	if (!err)
		err = recording_commit(collector->writer);
	collector->n_requests = 0;
	update_progress(collector, &interval, now);
	update_slow(collector);
	collector->interval_started_ns = now;
	collector->interval_started_realtime_ns = clock_ns(CLOCK_REALTIME);
	return err;
}

static int write_hooks(struct collector *collector)
{
	struct recording_hook rows[HOOK_ROWS_MAX];
	size_t n = hook_rows(collector->probes, &collector->span_counts, rows);

	return recording_set_hooks(collector->writer, rows, n);
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
	if (collector->attached_since_ns)
		probes_sweep(collector->probes, IDLE_NS, &in_flight);
	probes_consume(collector->probes, keep_request, collector);
	err = write_interval(collector, now);
	if (err)
		return failed(failure, err, collector->options.output, "write the recording", NULL,
		              "what was recorded until now is readable");
	return 0;
}

/* ---- Running ------------------------------------------------------------------------------ */

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

static int start(struct collector *collector, struct collector_failure *failure)
{
	int err = attach(collector, failure);

	if (err)
		return err;
	err = privileges_drop(collector->spans &&
	                      probes_spans_need_admin(collector->probes, collector->spans));
	if (err)
		return failed(failure, err, "ktax", "give up its privileges", NULL, NULL);
	collector->started_ns = collector->interval_started_ns = collector->attached_since_ns;
	collector->interval_started_realtime_ns = clock_ns(CLOCK_REALTIME);
	collector->continuous = true;
	collector->self_ns = self_cpu_ns();
	err = write_hooks(collector);
	if (err)
		return failed(failure, err, collector->options.output, "write the recording", NULL,
		              NULL);
	if (collector->options.child && write(collector->options.child_go, "g", 1) != 1)
		return failed(failure, -errno, NULL, "start the command", NULL, NULL);
	return 0;
}

/* Until the child listens, and for a second at least; it may never do. */
static bool child_is_starting(const struct collector *collector, uint64_t now)
{
	return now - collector->started_ns < CHILD_START_NS;
}

/* The sockets and libraries of a child that starts do not wait for the end of an interval. */
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
		stop_following(collector, now);
	probes_consume(collector->probes, keep_request, collector);
	err = write_interval(collector, now);
	if (!err)
		err = write_hooks(collector);
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
		probes_consume(collector->probes, keep_request, collector);
		meter_tick(collector, now);
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
