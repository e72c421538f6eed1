// SPDX-License-Identifier: GPL-2.0
/*
 * What does recording cost? Run by tests/bench/overhead.sh, which starts the servers.
 *
 *	main       options, the plan: which load with which arms
 *	 series    pairs of windows in random order, and what follows from them
 *	  arm      attaches and detaches
 *	  window   one stretch of traffic: its figures, and whether it was disturbed
 *	   client  the load: one thread that runs on between the windows
 *	   host    what the kernel counts
 *	 breakdown which program runs how often, for how long
 *	 result    table (print.c), document (json.c), goals (goal.c)
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "breakdown.h"
#include "host.h"
#include "result.h"
#include "speed.h"

#define REDIS_REQUEST    "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n"
#define HTTP_REQUEST     "GET /file HTTP/1.1\r\nHost: bench\r\n\r\n"
#define RECORDER_PAIRS   6
#define RECORDER_SECONDS 8
#define WARM_UP_US       300000
#define MAXIMUM_TRIES    10

struct server {
	uint16_t port;
	pid_t pid;
};

struct bench {
	struct server redis, nginx;
	const char *ktax, *recording, *json;
	int server_cpu, client_cpu;
	double seconds, recorder_seconds, disturbed_max;
	size_t pairs, recorder_pairs;
	bool patient;
	uint64_t seed;
	const char *only; /* name of one load */
	struct paired_order order;
	struct arms *arms;
};

static int fail(const char *doing, int err)
{
	fprintf(stderr, "overhead: cannot %s: %s.\n", doing, strerror(-err));
	return 2;
}

static void show_progress(const char *text)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s", text);
}

/* ---- The plan ----------------------------------------------------------------------------- */

#define ARMS_MATCHED (1u << ARM_OFF | 1u << ARM_FULL | 1u << ARM_LIGHT)
#define ARMS_ALL     (ARMS_MATCHED | 1u << ARM_FULL_UNMATCHED | 1u << ARM_LIGHT_UNMATCHED)

static const struct plan {
	const char *name, *title, *request;
	bool of_nginx;
	unsigned int connections;
	bool open_loop, breakdown;
	unsigned int arms, metrics; /* bit sets */
} plans[LOAD_COUNT] = {
	[LOAD_REDIS_50] = { "redis-50", "Redis, 50 connections", REDIS_REQUEST, false, 50, false,
	                    true, ARMS_ALL, ~0u },
	[LOAD_REDIS_1] = { "redis-1", "Redis, 1 connection", REDIS_REQUEST, false, 1, false, true,
	                   ARMS_MATCHED, ~0u },
	/* An open loop's rate is given, and its client spins. */
	[LOAD_NGINX] = { "nginx", "nginx at half its maximum", HTTP_REQUEST, true, 50, true, true,
	                 ARMS_MATCHED,
	                 1u << METRIC_SERVER_NS | 1u << METRIC_P50_NS | 1u << METRIC_P99_NS },
	[LOAD_REDIS_RECORDER] = { "redis-50-default", "Redis, 50 connections, default",
	                          REDIS_REQUEST, false, 50, false, false, 1u << ARM_RECORDER, ~0u },
};

static const struct server *plan_server(const struct bench *bench, enum load load)
{
	return plans[load].of_nginx ? &bench->nginx : &bench->redis;
}

static int start_client(const struct bench *bench, enum load load, double rate,
                        struct client **ret_client)
{
	const struct client_options options = {
		.request = plans[load].request,
		.port = plan_server(bench, load)->port,
		.connections = plans[load].connections,
		.rate = rate,
		.cpu = bench->client_cpu,
		.seed = bench->seed,
	};
	int err = client_start(&options, ret_client);

	if (!err)
		usleep(WARM_UP_US);
	return err;
}

/* The rate of the closed loop, which keeps the server busy. */
static int find_maximum(const struct bench *bench, enum load load, double *ret_rate)
{
	struct window_options options = { .server = plan_server(bench, load)->pid,
		                          .length_ns = (uint64_t)(bench->seconds * 1e9),
		                          .real_time = true };
	struct window window;
	double rate = 0;
	int err = start_client(bench, load, 0, &options.client);

	if (err)
		return err;
	for (int i = 0; !err && i < MAXIMUM_TRIES; i++) {
		err = window_measure(&options, &window);
		if (!err && window.whole_rate > rate)
			rate = window.whole_rate;
	}
	client_stop(options.client);
	if (!err)
		*ret_rate = rate;
	return err;
}

static void series_init(struct series *series, enum load load)
{
	series->name = plans[load].name;
	series->title = plans[load].title;
	for (unsigned int arm = 0; arm < ARM_COUNT; arm++)
		series->used[arm] = plans[load].arms & 1u << arm;
	for (unsigned int metric = 0; metric < METRIC_COUNT; metric++)
		series->has[metric] = plans[load].metrics & 1u << metric;
}

static int measure_load(struct bench *bench, enum load load, struct client *client,
                        struct result *result)
{
	bool recorder = load == LOAD_REDIS_RECORDER;
	double seconds = recorder ? bench->recorder_seconds : bench->seconds;
	const struct series_options options = {
		.window = { .client = client,
		            .server = plan_server(bench, load)->pid,
		            .length_ns = (uint64_t)(seconds * 1e9),
		            .real_time = !recorder,
		            .disturbed_max = bench->disturbed_max },
		.arms = bench->arms,
		.pairs = recorder ? bench->recorder_pairs : bench->pairs,
		.tries = recorder ? bench->recorder_pairs * 3 / 2 : bench->pairs * 3,
		.patient = bench->patient,
		.order = &bench->order,
		.progress = show_progress,
	};
	int err = series_run(&result->series[load], &options);

	if (!err && plans[load].breakdown)
		err = breakdown_measure(bench->arms, ARM_FULL, &options.window,
		                        &result->full[load]);
	if (!err && plans[load].breakdown)
		err = breakdown_measure(bench->arms, ARM_LIGHT, &options.window,
		                        &result->light[load]);
	return err;
}

static int run_load(struct bench *bench, enum load load, struct result *result)
{
	struct series *series = &result->series[load];
	struct client *client;
	int err = 0;

	series_init(series, load);
	if (plans[load].open_loop)
		err = find_maximum(bench, load, &series->open_rate);
	series->open_rate /= 2;
	if (!err)
		err = start_client(bench, load, series->open_rate, &client);
	if (err)
		return err;
	err = measure_load(bench, load, client, result);
	client_stop(client);
	return err;
}

/* ---- Options ------------------------------------------------------------------------------ */

static int parse_server(const char *text, struct server *server)
{
	unsigned int port, pid;

	if (sscanf(text, "%u:%u", &port, &pid) != 2 || !port || port > 65535 || !pid)
		return -EINVAL;
	*server = (struct server){ .port = (uint16_t)port, .pid = (pid_t)pid };
	return 0;
}

/* For a look whether all of it works, not at figures. */
static void make_short(struct bench *bench)
{
	bench->pairs = bench->recorder_pairs = 1;
	bench->disturbed_max = 1;
	bench->patient = false;
	speed_set_limit(1000);
	bench->seconds = 0.1;
	bench->recorder_seconds = 0.5;
}

static int parse_option(struct bench *bench, int option)
{
	switch (option) {
	case 'r':
		return parse_server(optarg, &bench->redis);
	case 'n':
		return parse_server(optarg, &bench->nginx);
	case 'k':
		bench->ktax = optarg;
		return 0;
	case 'o':
		bench->recording = optarg;
		return 0;
	case 'j':
		bench->json = optarg;
		return 0;
	case 'p':
		bench->pairs = strtoul(optarg, NULL, 10);
		return bench->pairs && bench->pairs <= PAIRS_MAX / 2 ? 0 : -EINVAL;
	case 's':
		bench->seconds = strtod(optarg, NULL);
		return bench->seconds >= 0.05 && bench->seconds <= 10 ? 0 : -EINVAL;
	case 'l':
		bench->only = optarg;
		return 0;
	case 'w':
		speed_set_limit(strtod(optarg, NULL));
		return 0;
	case 'd':
		bench->disturbed_max = strtod(optarg, NULL) / 100;
		return 0;
	case 'e':
		bench->seed = strtoull(optarg, NULL, 0);
		return 0;
	case 'm':
		make_short(bench);
		return 0;
	default:
		return -EINVAL;
	}
}

static int parse(struct bench *bench, int argc, char **argv)
{
	static const struct option options[] = {
		{ "redis", required_argument, NULL, 'r' },
		{ "nginx", required_argument, NULL, 'n' },
		{ "ktax", required_argument, NULL, 'k' },
		{ "recording", required_argument, NULL, 'o' },
		{ "json", required_argument, NULL, 'j' },
		{ "pairs", required_argument, NULL, 'p' },
		{ "seconds-per-window", required_argument, NULL, 's' },
		{ "load", required_argument, NULL, 'l' },
		{ "slow", required_argument, NULL, 'w' },
		{ "disturbed", required_argument, NULL, 'd' },
		{ "seed", required_argument, NULL, 'e' },
		{ "smoke", no_argument, NULL, 'm' },
		{ 0 },
	};
	int option, err = 0;

	while (!err && (option = getopt_long(argc, argv, "", options, NULL)) != -1)
		err = parse_option(bench, option);
	if (err || !bench->redis.pid || !bench->nginx.pid || !bench->ktax || !bench->recording)
		return -EINVAL;
	return 0;
}

/* ---- Running ------------------------------------------------------------------------------ */

static int run(struct bench *bench, struct result *result)
{
	uint16_t ports[] = { bench->redis.port, bench->nginx.port };
	const struct arms_options options = {
		.ports = ports, .n_ports = 2, .ktax = bench->ktax, .recording = bench->recording
	};
	const char *doing = NULL;
	int err = arms_open(&options, &bench->arms, &doing);

	if (err)
		return fail(doing, err);
	err = host_pin(bench->server_cpu);
	speed_calibrate();
	for (int load = 0; !err && load < LOAD_COUNT; load++) {
		doing = plans[load].title;
		if (!bench->only || !strcmp(bench->only, plans[load].name))
			err = run_load(bench, load, result);
	}
	arms_close(bench->arms);
	show_progress("");
	if (err) {
		fprintf(stderr, "overhead: %s: %s.\n", doing, strerror(-err));
		return 2;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct bench bench = {
		.server_cpu = 1,
		.client_cpu = 0,
		.seconds = 0.3,
		.recorder_seconds = RECORDER_SECONDS,
		.pairs = 20,
		.recorder_pairs = RECORDER_PAIRS,
		.patient = true,
		.disturbed_max = 0.05,
		.seed = 1,
	};
	static struct result result;
	int err;

	if (parse(&bench, argc, argv)) {
		fprintf(stderr, "usage: see tests/bench/overhead.sh --help\n");
		return 1;
	}
	paired_order_init(&bench.order, bench.seed);
	err = run(&bench, &result);
	if (err)
		return err;
	result.seconds_per_window = bench.seconds;
	result.pairs = bench.pairs;
	result.seed = bench.seed;
	result_print(&result, stdout);
	err = bench.json ? result_write_json(&result, bench.json) : 0;
	return err ? fail("write the JSON document", err) : 0;
}
