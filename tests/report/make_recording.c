// SPDX-License-Identifier: GPL-2.0
/*
 * make_recording KIND FILE: recordings with known contents, for the tests of `ktax report`.
 *
 *	full      10 s, one endpoint, 12,000 requests a second: every kind of account, CPU samples
 *	two       the same and a second endpoint, with losses, batches, imbalance; not finished
 *	windows   attached for 100 ms of every second, and in one of the ten seconds not at all
 *	few       42 requests in one second, too few CPU samples
 *	light     a recording in which only three accounts were fed
 *	quiet     an interval in which nothing answered a request
 *	sampled   as full, and a sample of its requests
 *	hostile   names that would be markup, were they not escaped
 *	again     as full, with other random numbers
 *	slower    as again, every wakeup takes three times as long
 *	many      100 s, 10 million requests
 *
 * Requests are drawn from fixed distributions with a fixed seed: every run writes the same.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording.h"

#define SECOND_NS 1000000000ULL

struct kind {
	const char *name;
	uint64_t attached_ns;                      /* of a second */
	unsigned int seconds, endpoints, requests; /* requests a second of the first endpoint */
	bool troubled, light, sampled, hostile;
	unsigned int seed, wakeups; /* of the random numbers; factor; 0: as it is */
	unsigned int copies;        /* each request stands for so many; 0: one */
};

static const struct kind kinds[] = {
	{ "full", SECOND_NS, 10, 1, 12000, false, false },
	{ "two", SECOND_NS, 10, 2, 12000, true, false },
	{ "windows", SECOND_NS / 10, 10, 1, 1200, false, false },
	{ "few", SECOND_NS, 1, 1, 42, false, false },
	{ "light", SECOND_NS, 2, 1, 2000, false, true },
	{ "quiet", SECOND_NS, 1, 0, 0, false, false },
	{ "sampled", SECOND_NS, 10, 1, 12000, .sampled = true },
	{ "hostile", SECOND_NS, 2, 1, 2000, .hostile = true },
	{ "again", SECOND_NS, 30, 1, 12000, .seed = 1 },
	{ "slower", SECOND_NS, 30, 1, 12000, .seed = 2, .wakeups = 3 },
	{ "many", SECOND_NS, 100, 2, 6700, .sampled = true, .copies = 10 },
};

static const struct recording_endpoint endpoints[] = {
	{ "10.0.0.1:8080/tcp", 4711, "python3" },
	{ "[::]:6379/tcp", 815, "redis-server" },
};

#define MARKUP "</title></style><script>document.title='owned'</script><img src=x onerror=alert(1)>"

static const struct recording_endpoint hostile_endpoint = {
	"'\"><script>document.title='owned'</script>/tcp", 666, "<script>x()"
};

static const struct recording_hook full_hooks[] = {
	{ "rx_irq", "nic_rx", "", "lo has no interrupt and no driver", 0, 0 },
	{ "rx_stack", "kernel_rx", "tp_btf/tcp_probe", "", 310000, 1000 },
	{ "readable", "wakeup", "tp_btf/sk_data_ready", "", 200000, 1000 },
	{ "busy", "app_queue", "tp_btf/sched_switch", "", 0, 0 },
	{ "copy", "copy_rx", "tp_btf/skb_copy_datagram_iovec", "", 0, 0 },
	{ "run", "app", "tp_btf/sched_switch", "", 0, 0 },
	{ "sample", "app_kernel", "perf_event/cpu-clock", "", 0, 0 },
	{ "call", "serialize", "uprobe/libjansson.so.4:json_dumpb", "3 of 5 functions", 0, 0 },
	{ "call", "tls", "", "the process maps no TLS library", 0, 0 },
	{ "pause", "gc", "usdt/libpython3.11.so.1.0:gc__start", "", 0, 0 },
	{ "hop", "hop", "tp_btf/tcp_sendmsg_locked", "", 0, 0 },
	{ "block", "lock", "tp_btf/sched_switch", "", 0, 0 },
	{ "block", "io", "tp_btf/sched_switch", "", 0, 0 },
	{ "block", "wait", "tp_btf/sched_switch", "", 0, 0 },
	{ "preempt", "preempt", "tp_btf/sched_switch", "", 0, 0 },
	{ "send", "kernel_tx", "tp_btf/tcp_sendmsg_locked", "", 0, 0 },
	{ "queued", "qdisc", "tp_btf/net_dev_queue", "", 0, 0 },
	{ "queued", "cwnd", "tp_btf/net_dev_queue", "", 0, 0 },
	{ "xmit", "nic_tx", "", "lo has no interrupt and no driver", 0, 0 },
};

static const struct recording_hook light_hooks[] = {
	{ "copy", "wakeup", "tp_btf/skb_copy_datagram_iovec", "", 0, 0 },
	{ "run", "app", "tp_btf/tcp_sendmsg_locked", "", 0, 0 },
	{ "send", "kernel_tx", "tp_btf/net_dev_start_xmit", "includes qdisc", 0, 0 },
	{ "sample", "app_kernel", "", "CPU samples were not asked for", 0, 0 },
};

/* Uniform in 0..1; Knuth's linear congruential generator. */
static uint64_t state = 12345;

static double random_share(void)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)(state >> 11) / 9007199254740992.0;
}

static uint64_t exponential(double mean_ns)
{
	return (uint64_t)(-log(1 - random_share()) * mean_ns);
}

/* An exponential time in a @share of the requests, 0 in the others. */
static uint64_t sometimes(double share, double mean_ns)
{
	return random_share() < share ? exponential(mean_ns) : 0;
}

static void draw_request(const struct kind *kind, struct ktax_request *request)
{
	__u64 *ns = request->account_ns;

	memset(request, 0, sizeof(*request));
	ns[KTAX_WAKEUP] = exponential(6000) * (kind->wakeups ? kind->wakeups : 1);
	ns[KTAX_APP] = 21000 + exponential(16000);
	ns[KTAX_KERNEL_TX] = 5200 + exponential(800);
	ns[KTAX_UNKNOWN] = exponential(120);
	if (!kind->light) {
		ns[KTAX_KERNEL_RX] = 1200 + exponential(900);
		ns[KTAX_COPY_RX] = 600 + exponential(200);
		ns[KTAX_APP_QUEUE] = sometimes(0.2, 20000);
		ns[KTAX_SERIALIZE] = 2000 + exponential(1500);
		ns[KTAX_QDISC] = sometimes(0.1, 9000);
		ns[KTAX_PREEMPT] = sometimes(0.05, 50000);
		ns[KTAX_GC] = random_share() < 0.012 ? 400000 + exponential(500000) : 0;
		ns[KTAX_HOP] = random_share() < 0.3 ? 20000 + exponential(30000) : 0;
	}
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		request->total_ns += ns[i];
	request->batch = 1;
	request->tid_read = request->tid_write = 4711;
}

static void add_floor(uint32_t *buckets, const struct ktax_request *request, unsigned int removed)
{
	uint64_t floor_ns = request->total_ns;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (removed & KTAX_ACCOUNT_BIT(i))
			floor_ns -= request->account_ns[i];
	buckets[ktax_hist_index(floor_ns, KTAX_HIST_MAGNITUDE)]++;
}

static void add_sample(const struct kind *kind, struct ktax_joint_cell *cell)
{
	if (kind->light || random_share() > 0.02)
		return;
	if (random_share() < 0.3)
		cell->cpu_samples_kernel++;
	else
		cell->cpu_samples_user++;
}

static void add_request(const struct kind *kind, struct ktax_aggregate *aggregate,
                        const struct ktax_request *request)
{
	uint64_t total_ns = request->total_ns;
	struct ktax_joint_cell *cell =
		&aggregate->joint[ktax_hist_index(total_ns, KTAX_JOINT_MAGNITUDE)];

	aggregate->requests++;
	aggregate->bytes_in += 40;
	aggregate->bytes_out += 120;
	if (total_ns > aggregate->max_ns)
		aggregate->max_ns = total_ns;
	aggregate->total[ktax_hist_index(total_ns, KTAX_HIST_MAGNITUDE)]++;
	add_floor(aggregate->floor_tuned, request, KTAX_TUNABLE_SET);
	add_floor(aggregate->floor_bypass, request, KTAX_ADDRESSABLE_SET);
	cell->requests++;
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		uint64_t ns = request->account_ns[i];

		cell->sum_ns[i] += ns;
		if (ns)
			aggregate->account[i][ktax_hist_index(ns, KTAX_HIST_MAGNITUDE)]++;
	}
	add_sample(kind, cell);
}

/* Sums and counts of @copies requests alike. */
static void multiply(struct ktax_aggregate *aggregate, unsigned int copies)
{
	aggregate->requests *= copies;
	for (size_t c = 0; c < KTAX_JOINT_CELLS; c++) {
		aggregate->joint[c].requests *= copies;
		for (int i = 0; i < KTAX_NACCOUNTS; i++)
			aggregate->joint[c].sum_ns[i] *= copies;
	}
	for (size_t b = 0; b < KTAX_HIST_BUCKETS; b++) {
		aggregate->total[b] *= copies;
		aggregate->floor_tuned[b] *= copies;
		aggregate->floor_bypass[b] *= copies;
		for (int i = 0; i < KTAX_NACCOUNTS; i++)
			aggregate->account[i][b] *= copies;
	}
}

#define SAMPLED_EACH 300 /* one request in so many */

static int add_endpoint(const struct kind *kind, struct recording_writer *writer, unsigned int e,
                        int64_t id)
{
	static struct ktax_aggregate aggregate;
	/* Now and then a request more or less: rates have a spread. */
	unsigned int n = kind->requests / (e + 1) + (unsigned int)(8 * random_share());
	struct ktax_request request = { 0 }, samples[100];
	size_t n_samples = 0;
	int error;

	memset(&aggregate, 0, sizeof(aggregate));
	for (unsigned int i = 0; i < n; i++) {
		draw_request(kind, &request);
		add_request(kind, &aggregate, &request);
		if (kind->sampled && i % SAMPLED_EACH == 0 && n_samples < 100)
			samples[n_samples++] = request;
	}
	if (kind->copies)
		multiply(&aggregate, kind->copies);
	if (kind->troubled) {
		aggregate.batches = 10;
		aggregate.batched = 160;
		aggregate.unbalanced = e;
		aggregate.incomplete = 3;
		aggregate.handed_over = 7;
	}
	request.start_ns = 1000000;
	request.flags = KTAX_REQUEST_HANDED_OVER | KTAX_REQUEST_ASYNC;
	error = recording_add_ledger(writer, id, &aggregate);
	if (!error && n_samples)
		error = recording_add_requests(writer, id, samples, n_samples);
	return error ? error : recording_add_requests(writer, id, &request, kind->troubled);
}

static int add_second(const struct kind *kind, struct recording_writer *writer, unsigned int second,
                      const int64_t *ids)
{
	bool attached = kind->attached_ns == SECOND_NS || second != 4;
	uint64_t attached_ns = attached ? kind->attached_ns : 0;
	struct recording_interval interval = {
		.start_realtime_ns = 1795219200 * SECOND_NS + second * SECOND_NS,
		.length_ns = SECOND_NS,
		.attached_ns = attached_ns,
		.probe_ns = attached_ns / 200,
		.probe_runs = 1000,
		.self_cpu_ns = attached_ns / 500,
		.lost_map_full = kind->troubled ? second : 0,
		.lost_ring = kind->troubled ? 3 : 0,
	};
	int error = recording_begin(writer, &interval);

	for (unsigned int e = 0; e < kind->endpoints && attached && !error; e++)
		error = add_endpoint(kind, writer, e, ids[e]);
	return error ? error : recording_commit(writer);
}

static int set_facts(const struct kind *kind, struct recording_writer *writer)
{
	const struct recording_hook *hooks = kind->light ? light_hooks : full_hooks;
	size_t n = kind->light ? sizeof(light_hooks) : sizeof(full_hooks);
	const char *const facts[][2] = { { "hostname", "web-17" },
		                         { "kernel", "6.12.9" },
		                         { "arch", "x86_64" },
		                         { "cpus", "8" },
		                         { "detail", kind->light ? "light" : "full" },
		                         { "budget_pct", "2" } };
	int error = recording_set_hooks(writer, hooks, n / sizeof(hooks[0]));

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]) && !error; i++)
		error = recording_set_meta(writer, facts[i][0],
		                           kind->hostile && i < 3 ? MARKUP : facts[i][1]);
	if (!error && kind->hostile)
		error = recording_set_meta(writer, "command", "ktax record -- " MARKUP);
	return error;
}

static int write_recording(const struct kind *kind, struct recording_writer *writer)
{
	int64_t ids[2] = { 0 };
	int error = set_facts(kind, writer);

	for (unsigned int e = 0; e < kind->endpoints && !error; e++)
		error = recording_add_endpoint(
			writer, kind->hostile ? &hostile_endpoint : &endpoints[e], &ids[e]);
	for (unsigned int second = 0; second < kind->seconds && !error; second++)
		error = add_second(kind, writer, second, ids);
	return error;
}

static int make(const struct kind *kind, const char *path)
{
	struct recording_writer *writer;
	int error = recording_create(path, true, &writer);

	state += kind->seed;
	if (error)
		return error;
	error = write_recording(kind, writer);
	if (!error && !kind->troubled)
		return recording_finish(writer);
	recording_abandon(writer);
	return error;
}

int main(int argc, char **argv)
{
	int error = -EINVAL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && argc == 3; i++)
		if (!strcmp(argv[1], kinds[i].name))
			error = make(&kinds[i], argv[2]);
	if (error)
		fprintf(stderr, "make_recording: %s\n", strerror(-error));
	return error != 0;
}
