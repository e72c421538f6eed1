// SPDX-License-Identifier: GPL-2.0
/*
 * Intervals: takes what each endpoint's aggregate has grown by, writes it as one transaction, and
 * sums up the run's progress.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "internal.h"

#define NOTHING_SEEN_NS (5 * NSEC_PER_SEC)
#define REQUESTS_MAX    65536 /* sampled rows kept between two intervals */

struct endpoint_state {
	int64_t id; /* in the recording, 0: not registered yet */
	bool seen;  /* had a request */
	struct ktax_aggregate last;
};

int intervals_allocate(struct collector *collector)
{
	uint32_t n = collector->options.max_endpoints;
	int err;

	collector->endpoints = calloc(n, sizeof(*collector->endpoints));
	collector->requests = calloc(REQUESTS_MAX, sizeof(*collector->requests));
	if (!collector->endpoints || !collector->requests)
		return -ENOMEM;
	err = arrivals_create(n, &collector->arrivals);
	if (err)
		return err;
	err = histogram_init(&collector->recent, HISTOGRAM_HIGHEST_DEFAULT_NS,
	                     HISTOGRAM_DIGITS_DEFAULT);
	if (!err)
		err = histogram_init(&collector->step_costs, HISTOGRAM_HIGHEST_DEFAULT_NS,
		                     HISTOGRAM_DIGITS_DEFAULT);
	return err;
}

void intervals_free(struct collector *collector)
{
	histogram_destroy(&collector->recent);
	histogram_destroy(&collector->step_costs);
	arrivals_free(collector->arrivals);
	free(collector->endpoints);
	free(collector->requests);
}

static uint64_t self_cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ULL;
}

void interval_first(struct collector *collector, uint64_t now)
{
	collector->started_ns = collector->interval_started_ns = now;
	collector->interval_started_realtime_ns = clock_ns(CLOCK_REALTIME);
	collector->self_ns = self_cpu_ns();
}

void interval_keep_request(const struct ktax_request *request, void *context)
{
	struct collector *collector = context;

	if (collector->n_requests < REQUESTS_MAX)
		collector->requests[collector->n_requests++] = *request;
	else
		collector->dropped++;
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

static int write_requests(struct collector *collector, uint32_t endpoint,
                          const struct recording_endpoint *who)
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
	return output_requests(collector, who, collector->endpoints[endpoint].id, all, n);
}

/* Milliseconds without a request count too, once the endpoint is in the recording. */
static int write_arrivals(struct collector *collector, uint32_t endpoint)
{
	struct recording_arrivals sums[RECORDING_ARRIVAL_WINDOWS];

	arrivals_take(collector->arrivals, endpoint, sums);
	if (!collector->endpoints[endpoint].id)
		return 0;
	return recording_add_arrivals(collector->writer, collector->endpoints[endpoint].id, sums);
}

static int write_endpoint(struct collector *collector, uint32_t index,
                          const struct recording_endpoint *endpoint)
{
	struct endpoint_state *state = &collector->endpoints[index];
	int err;

	/* Rows of the interval before may have come late. */
	if (!probes_take(collector->probes, index, &state->last, &collector->delta))
		return state->seen ? write_requests(collector, index, endpoint) : 0;
	note_totals(collector, &collector->delta.grown);
	state->seen = true;
	err = output_ledger(collector, endpoint, &state->id, &collector->delta);
	return err ? err : write_requests(collector, index, endpoint);
}

void forget_endpoint_ids(struct collector *collector)
{
	for (uint32_t i = 0; i < collector->options.max_endpoints; i++)
		collector->endpoints[i].id = 0;
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
	interval.stepped = counters->stepped - last.stepped;
	interval.stepped_ns = counters->stepped_ns - last.stepped_ns;
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
	progress->cost_pct = -1;
	if (stats_switch_works(&collector->cost.stats))
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

int interval_write(struct collector *collector, uint64_t now)
{
	struct recording_interval interval = measure_interval(collector, now);
	const struct recording_endpoint *endpoints;
	int err = targets_adopt(collector->targets, collector->probes);
	size_t n = targets_endpoints(collector->targets, &endpoints);

	histogram_reset(&collector->recent);
	collector->progress.interval_requests = 0;
	if (!err)
		err = output_begin(collector, &interval);
	for (size_t i = 0; !err && i < n; i++)
		err = write_endpoint(collector, i, &endpoints[i]);
	for (size_t i = 0; !err && i < n; i++)
		err = write_arrivals(collector, i);
	err = output_end(collector, err);
	collector->n_requests = 0;
	update_progress(collector, &interval, now);
	update_slow(collector);
	collector->interval_started_ns = now;
	collector->interval_started_realtime_ns = clock_ns(CLOCK_REALTIME);
	return err;
}

static int write_step(struct collector *collector)
{
	static const struct {
		const char *key;
		double percentile;
	} values[] = { { "step_ns", 50 }, { "step_low_ns", 2.5 }, { "step_high_ns", 97.5 } };
	int err = 0;

	for (size_t i = 0; collector->step_costs.total && !err && i < 3; i++) {
		char text[24];

		snprintf(text, sizeof(text), "%" PRIu64,
		         histogram_percentile(&collector->step_costs, values[i].percentile));
		err = recording_set_meta(collector->writer, values[i].key, text);
	}
	return err;
}

size_t collect_hooks(struct collector *collector, struct recording_hook rows[HOOK_ROWS_MAX])
{
	struct nic_clocks_summary clocks;

	nic_clocks_summarize(collector->nic_clocks, &clocks);
	return hook_rows(collector->probes, &collector->span_counts, &clocks, rows);
}

int interval_write_hooks(struct collector *collector)
{
	struct recording_hook rows[HOOK_ROWS_MAX];
	int err = output_hooks(collector, rows, collect_hooks(collector, rows));

	return err ? err : write_step(collector);
}
