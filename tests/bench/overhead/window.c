// SPDX-License-Identifier: GPL-2.0
/*
 * A window is cut into slices of 5 ms by one thread on the server's CPU. That thread running there
 * means the server is not, so the server's CPU time is exact at both ends. Between two slices it
 * tries how fast its CPU is (speed.h), and the client does so on its own.
 *
 *	    slice 0           slice 1           slice 2
 *	P |-----------| P |-------------| P |-------------| P    P: probe, in no slice
 *	mark 0          mark 1            mark 2            mark 3
 *
 * A slice counts if the probes at both ends were fast on both CPUs and nobody else had the CPUs
 * meanwhile. The window ends when enough of them count, or after three times that long; it has
 * figures if a quarter of what was wanted counts. All of that is blind to what is attached: a probe
 * enters no kernel.
 *
 * Where others use the host, server and client run at real-time priority within the window. It has
 * to be a short one: beyond a second the kernel lets the others in, and the gaps are theirs. In the
 * long windows of the recorder, waiting is judged by the whole window: some of it is the recorder's
 * own doing.
 */
#include "window.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "host.h"
#include "speed.h"

#define SLICE_NS  5000000ULL
#define SETTLE_NS 10000000 /* what waited while others had the CPUs is done */
#define QUIET_MIN 0.25     /* of the slices wanted */
#define EXTEND    3        /* times the slices wanted, at most */

const struct metric_info metric_info[METRIC_COUNT] = {
	[METRIC_RATE] = { "requests_per_s", "requests/s", false },
	[METRIC_SERVER_NS] = { "server_cpu_ns_per_request", "server CPU/request", true },
	[METRIC_BOTH_NS] = { "server_and_client_cpu_ns_per_request", "with client's", true },
	[METRIC_P50_NS] = { "p50_ns", "p50", false },
	[METRIC_P99_NS] = { "p99_ns", "p99", false },
};

struct cut {
	uint64_t ns, requests, client_cpu_ns;
	struct host_thread server, client;
};

struct slice {
	struct cut from, to;
	uint64_t probe_ns; /* of the server's CPU, before the slice */
};

struct measurement {
	const struct window_options *options;
	int server_fd, client_fd;
	struct slice *slices; /* and one more: only its probe counts */
	size_t wanted, room, n;
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000ULL + (uint64_t)time.tv_nsec;
}

static void cut_take(const struct measurement *m, struct cut *cut)
{
	cut->ns = now_ns();
	cut->requests = client_done(m->options->client);
	cut->client_cpu_ns = client_cpu_ns(m->options->client);
	cut->server = host_thread_read(m->server_fd);
	cut->client = host_thread_read(m->client_fd);
}

/* ---- Judging ------------------------------------------------------------------------------ */

static double share(uint64_t from, uint64_t to, const struct slice *slice)
{
	return (double)(to - from) / (double)(slice->to.ns - slice->from.ns);
}

static bool waited(const struct measurement *m, const struct slice *slice)
{
	const struct cut *from = &slice->from, *to = &slice->to;

	return m->options->real_time && (share(from->server.delay_ns, to->server.delay_ns, slice) >
	                                         m->options->disturbed_max ||
	                                 share(from->client.delay_ns, to->client.delay_ns, slice) >
	                                         m->options->disturbed_max);
}

/* Its end's mark has to be there. */
static bool slice_is_quiet(const struct measurement *m, size_t i)
{
	const struct client_mark *marks = client_marks(m->options->client);

	return !speed_is_slow(m->slices[i].probe_ns) && !speed_is_slow(m->slices[i + 1].probe_ns) &&
	       !speed_is_slow(marks[i].probe_ns) && !speed_is_slow(marks[i + 1].probe_ns) &&
	       !waited(m, &m->slices[i]);
}

/* ---- Slices ------------------------------------------------------------------------------- */

static void take_slices(struct measurement *m)
{
	const struct timespec length = { .tv_nsec = SLICE_NS };
	size_t judged = 0, quiet = 0;

	for (m->n = 0;; m->n++) {
		struct slice *slice = &m->slices[m->n];

		client_mark(m->options->client);
		slice->probe_ns = speed_probe_ns();
		cut_take(m, &slice->from);
		for (; judged + 1 < client_marks_done(m->options->client) && judged < m->n;
		     judged++)
			quiet += slice_is_quiet(m, judged);
		if (m->n == m->room || quiet >= m->wanted)
			return;
		nanosleep(&length, NULL);
		cut_take(m, &slice->to);
	}
}

/* ---- Figures ------------------------------------------------------------------------------ */

/* Sums over the slices that count. */
struct sums {
	size_t slices;
	uint64_t ns, requests, server_ns, client_ns;
};

static void sums_add(struct sums *sums, const struct slice *slice)
{
	sums->slices++;
	sums->ns += slice->to.ns - slice->from.ns;
	sums->requests += slice->to.requests - slice->from.requests;
	sums->server_ns += slice->to.server.cpu_ns - slice->from.server.cpu_ns;
	sums->client_ns += slice->to.client_cpu_ns - slice->from.client_cpu_ns;
}

static void add_latencies(const struct measurement *m, size_t i, struct histogram *histogram)
{
	const uint64_t *latencies = client_latencies(m->options->client);
	const struct client_mark *marks = client_marks(m->options->client);

	for (size_t k = marks[i].latencies; k < marks[i + 1].latencies; k++)
		histogram_record(histogram, latencies[k], 1);
}

static void fill_figures(const struct measurement *m, const struct sums *sums,
                         const struct histogram *latencies, struct window *window)
{
	double requests = (double)sums->requests;

	window->quiet = (double)sums->slices / (double)m->n;
	for (int metric = 0; metric < METRIC_COUNT; metric++)
		window->figure[metric] = NAN;
	if (window->rejected || (double)sums->slices < QUIET_MIN * (double)m->wanted ||
	    !sums->requests || !latencies->total)
		return;
	window->figure[METRIC_RATE] = requests * 1e9 / (double)sums->ns;
	window->figure[METRIC_SERVER_NS] = (double)sums->server_ns / requests;
	window->figure[METRIC_BOTH_NS] = (double)(sums->server_ns + sums->client_ns) / requests;
	window->figure[METRIC_P50_NS] = (double)histogram_percentile(latencies, 50);
	window->figure[METRIC_P99_NS] = (double)histogram_percentile(latencies, 99);
}

static int evaluate(const struct measurement *m, struct window *window)
{
	struct histogram latencies;
	struct sums sums = { 0 };
	int err =
		histogram_init(&latencies, HISTOGRAM_HIGHEST_DEFAULT_NS, HISTOGRAM_DIGITS_DEFAULT);

	if (err)
		return err;
	for (size_t i = 0; i < m->n; i++)
		if (slice_is_quiet(m, i)) {
			sums_add(&sums, &m->slices[i]);
			add_latencies(m, i, &latencies);
		}
	fill_figures(m, &sums, &latencies, window);
	histogram_destroy(&latencies);
	return 0;
}

/* ---- A window ----------------------------------------------------------------------------- */

static void prioritize(const struct window_options *options, bool on)
{
	if (!options->real_time)
		return;
	/* Where that is not allowed, what is quiet tells what it would have been good for. */
	host_real_time(options->server, on ? 1 : 0);
	host_real_time(client_tid(options->client), on ? 1 : 0);
	host_real_time(0, on ? 2 : 0);
}

static bool any_delay(const struct window *window, double disturbed_max)
{
	return window->server_delay > disturbed_max || window->client_delay > disturbed_max;
}

/* Returns the window's length in seconds. */
static double note_delays(const struct measurement *m, struct window *window)
{
	const struct cut *from = &m->slices[0].from, *to = &m->slices[m->n].from;
	double length = (double)(to->ns - from->ns);

	window->server_delay = (double)(to->server.delay_ns - from->server.delay_ns) / length;
	window->client_delay = (double)(to->client.delay_ns - from->client.delay_ns) / length;
	if (!m->options->real_time && any_delay(window, m->options->disturbed_max))
		window->rejected = true;
	return length / 1e9;
}

static int run(struct measurement *m, struct window *window)
{
	struct client *client = m->options->client;
	uint64_t steal_ns = host_steal_ns(), preempted = host_preempted(m->options->server);
	const struct timespec settle = { .tv_nsec = SETTLE_NS };
	double seconds;
	int err;

	prioritize(m->options, true);
	nanosleep(&settle, NULL);
	err = client_record(client, true);
	if (!err) {
		take_slices(m);
		err = client_record(client, false);
	}
	prioritize(m->options, false);
	if (err)
		return err;
	seconds = note_delays(m, window);
	window->whole_rate =
		(double)(m->slices[m->n].from.requests - m->slices[0].from.requests) / seconds;
	window->steal = (double)(host_steal_ns() - steal_ns) / 1e9 / seconds;
	window->preempted_per_s =
		(double)(host_preempted(m->options->server) - preempted) / seconds;
	return 0;
}

static int measurement_open(struct measurement *m)
{
	m->wanted = m->options->length_ns / SLICE_NS;
	m->room = m->wanted * (m->options->real_time ? EXTEND : 1);
	if (m->room >= CLIENT_MARKS_MAX)
		return -E2BIG;
	m->slices = calloc(m->room + 1, sizeof(*m->slices));
	if (!m->slices)
		return -ENOMEM;
	m->server_fd = host_thread_open(m->options->server);
	m->client_fd = host_thread_open(client_tid(m->options->client));
	return m->server_fd < 0 ? m->server_fd : m->client_fd < 0 ? m->client_fd : 0;
}

static void measurement_close(struct measurement *m)
{
	if (m->server_fd >= 0)
		close(m->server_fd);
	if (m->client_fd >= 0)
		close(m->client_fd);
	free(m->slices);
}

int window_measure(const struct window_options *options, struct window *ret_window)
{
	struct measurement m = { .options = options, .server_fd = -1, .client_fd = -1 };
	struct window window = { 0 };
	int err = measurement_open(&m);

	window.rejected = host_foreign_links(options->recorder) > 0;
	if (!err)
		err = run(&m, &window);
	window.rejected |= host_foreign_links(options->recorder) > 0;
	if (!err)
		err = evaluate(&m, &window);
	measurement_close(&m);
	if (!err)
		*ret_window = window;
	return err;
}
