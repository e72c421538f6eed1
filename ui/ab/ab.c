// SPDX-License-Identifier: GPL-2.0
/* `ktax ab`: the same traffic over several paths, and what each changes. */
#include "ab.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ab_host.h"
#include "ab_output.h"
#include "ab_plan.h"
#include "ab_responder.h"
#include "ab_sweep.h"
#include "ab_traffic.h"
#include "commands.h"
#include "cores.h"
#include "error.h"
#include "policy.h"
#include "terminal.h"

#define PLAN_TEXTS      64
#define PATHS_MAX       (AB_ARMS_MAX - 1)
#define BLOCK_DEFAULT   1000 /* requests: of short blocks, what disturbs the host spoils fewer */
#define TIME_DEFAULT_NS 150000000000 /* with what is done before and after it: 3 min */
#define LONG_SECONDS    600          /* of a run, from which on it is said before */
#define SWEEP_REQUESTS  100000       /* of a trial, at most */
#define ROUNDS_LEAST    6            /* a 95 % interval needs as many */
#define ROUNDS_MOST     10000

enum {
	OPTION_BASELINE = AB_TRAFFIC_END,
	OPTION_PATHS,
	OPTION_PING_PONG,
	OPTION_TCP,
	OPTION_REQUESTS,
	OPTION_ROUNDS,
	OPTION_TIME,
	OPTION_SWEEP,
	OPTION_POLICY,
	OPTION_SEED,
	OPTION_CPUS,
	OPTION_PLAN,
	OPTION_RESPONDER,
	OPTION_I_KNOW,
	OPTION_CLEANUP,
	OPTION_LATENESS,
	OPTION_GENERATOR,
	OPTION_JSON,
	OPTION_JUNIT,
	OPTION_HLOG,
	OPTION_COLOR,
	OPTION_NO_COLOR,
};

static const struct option_row ab_options_table[] = {
	{ .help = "Paths:" },
	{ OPTION_BASELINE, "baseline", "PATH", "compare with this path (kernel)" },
	{ OPTION_PATHS, "paths", "PATH,...", "compare these (all that can run here)" },
	{ .help = "Traffic:" },
	{ AB_TRAFFIC_RATE, "rate", "PPS", "requests per second (20000)" },
	{ AB_TRAFFIC_GAPS, "gaps", "poisson|constant|bursts", "time between requests (poisson)" },
	{ AB_TRAFFIC_FLOWS, "flows", "N", "as many flows, each a port of its own (16)" },
	{ AB_TRAFFIC_SIZE, "size", "BYTES[:WEIGHT],...",
	  "payload of a request and of its response; 64:7,512:4,1400:1 is a mix of sizes (64)" },
	{ AB_TRAFFIC_TRACE, "trace", "FILE",
	  "instead of these four: the requests of a capture (see ktax capture), as they came" },
	{ AB_TRAFFIC_TRACE_PORT, "trace-port", "PORT", "the server's UDP port in it (7000)" },
	{ AB_TRAFFIC_SPEED, "speed", "FACTOR", "gaps so many times as short as in it (1)" },
	{ AB_TRAFFIC_PART, "part", "N", "which block of it: 0 is the first (0)" },
	{ AB_TRAFFIC_WORK, "work", "TIME|FILE",
	  "what the responder does for each request (0): a time, or as a recording has it" },
	{ OPTION_TCP, "tcp", NULL,
	  "over TCP: requests and responses as records, a connection per flow (256 at most)" },
	{ OPTION_PING_PONG, "ping-pong", NULL,
	  "send the next request when the last one has been answered, not on a schedule" },
	{ .help = "Design:" },
	{ OPTION_REQUESTS, "requests", "N", "requests per block (1000, which is the least)" },
	{ OPTION_ROUNDS, "rounds", "N", "blocks of each path (6 at least; as --time allows)" },
	{ OPTION_TIME, "time", "TIME", "20 rounds or more, as many as take about TIME (150s)" },
	{ OPTION_SWEEP, "sweep", NULL,
	  "find the highest rate without loss of each path, and its latency against load" },
	{ OPTION_POLICY, "policy", "FILE", "what a gain must be (see samples/policy.ini)" },
	{ OPTION_SEED, "seed", "N", "of all that is random (from the clock; it is printed)" },
	{ OPTION_CPUS, "cpus", "G,R", "CPU of the generator and of the responder (the first two)" },
	{ OPTION_LATENESS, "lateness", "TIME",
	  "p99 of how late the generator may be by itself in a block that counts (1us; without a "
	  "core of its own 50us)" },
	{ OPTION_GENERATOR, "generator", "AF_XDP|AF_PACKET|DPDK",
	  "how the generator sends, for all paths (what costs the least here)" },
	{ .help = "Host:" },
	{ OPTION_PLAN, "plan", "FILE",
	  "run on ports that FILE names, of this host or of two (see samples/ab.ini)" },
	{ OPTION_RESPONDER, "responder", NULL,
	  "answer for the ktax of another host, whose plan has started this one" },
	{ OPTION_I_KNOW, "i-know", NULL,
	  "use a port even if it carries the default route or this ssh session" },
	{ OPTION_CLEANUP, "cleanup", NULL, "restore what a run has left that was killed, and end" },
	{ .help = "Output:" },
	{ OPTION_JSON, "json", "FILE", "write JSON (ktax.ab/1), - for standard output" },
	{ OPTION_JUNIT, "junit", "FILE", "write JUnit XML" },
	{ OPTION_HLOG, "hlog", "DIR", "write an HdrHistogram interval log per path into DIR" },
	{ OPTION_COLOR, "color", "auto|always|never", "colours: by default on a terminal only" },
	{ OPTION_NO_COLOR, "no-color", NULL, "the same as --color never" },
	{ 0 },
};

struct arguments {
	struct ab_traffic traffic;
	size_t block_requests;
	struct ab_options ab;
	struct policy policy;
	const char *policy_file, *json, *junit, *hlog;
	const char *path[PATHS_MAX + 1];
	char *paths_text;
	enum color_when color;
	bool sweep, cleanup, responder, i_know;
	const char *plan_file;
	struct plan plan;
	char *plan_text[PLAN_TEXTS]; /* values of the plan that are kept */
	size_t n_plan_texts;
};

/* ---- The command line --------------------------------------------------------------------- */

static int parse_paths(struct arguments *arguments, const char *text)
{
	size_t n = 0;

	free(arguments->paths_text);
	arguments->paths_text = strdup(text);
	if (!arguments->paths_text)
		return -ENOMEM;
	for (char *rest = arguments->paths_text, *name; (name = strsep(&rest, ","));) {
		if (!path_by_name(name) || n == PATHS_MAX)
			return -EINVAL;
		arguments->path[n++] = name;
	}
	arguments->path[n] = NULL;
	return 0;
}

static int parse_cpus(const char *text, struct ab_options *ab)
{
	char rest;

	if (sscanf(text, "%d,%d%c", &ab->generator_cpu, &ab->responder_cpu, &rest) != 2)
		return -EINVAL;
	return cores_may_use(ab->generator_cpu) && cores_may_use(ab->responder_cpu) &&
	                       ab->generator_cpu != ab->responder_cpu
	               ? 0
	               : -ERANGE;
}

/* What the value of @option should have been, NULL if it is fine. */
static const char *take_design(struct arguments *arguments, int option, const char *value)
{
	struct ab_options *ab = &arguments->ab;
	uint64_t number = 0;

	switch (option) {
	case OPTION_BASELINE:
		ab->baseline = value;
		return path_by_name(value) ? NULL : "a path: see 'ktax help ab'";
	case OPTION_PATHS:
		return parse_paths(arguments, value) ? "paths, separated by commas" : NULL;
	case OPTION_REQUESTS:
		if (option_integer(value, 1000, 10000000, &number))
			return "a number, 1000 to 10000000";
		arguments->block_requests = number;
		return NULL;
	case OPTION_ROUNDS:
		if (option_integer(value, ROUNDS_LEAST, ROUNDS_MOST, &number))
			return "a number, 6 to 10000";
		ab->rounds = number;
		return NULL;
	case OPTION_TIME:
		if (option_duration(value, &ab->time_ns))
			return "a length of time, such as 150s or 10m";
		ab->rounds = 0;
		return NULL;
	case OPTION_SEED:
		return option_integer(value, 0, UINT64_MAX, &ab->seed) ? "a whole number" : NULL;
	case OPTION_LATENESS:
		if (option_duration(value, &ab->lateness_limit_ns) || !ab->lateness_limit_ns)
			return "a length of time, such as 1us";
		return NULL;
	case OPTION_GENERATOR:
		ab->wire = wire_by_name(value);
		return ab->wire ? NULL : "AF_XDP, AF_PACKET or DPDK";
	case OPTION_CPUS:
		return parse_cpus(value, ab) ? "two CPUs that it may run on, as in 0,1" : NULL;
	}
	return option < AB_TRAFFIC_END ? ab_traffic_take(&arguments->traffic, option, value) : NULL;
}

/* What stands for itself on the command line, or in a plan as "yes" (@on) or "no". */
static bool *flag_of(struct arguments *arguments, int option)
{
	switch (option) {
	case OPTION_PING_PONG:
		return &arguments->ab.ping_pong;
	case OPTION_TCP:
		return &arguments->ab.tcp;
	case OPTION_SWEEP:
		return &arguments->sweep;
	case OPTION_CLEANUP:
		return &arguments->cleanup;
	case OPTION_RESPONDER:
		return &arguments->responder;
	case OPTION_I_KNOW:
		return &arguments->i_know;
	}
	return NULL;
}

static const char *take(struct arguments *arguments, int option, const char *value)
{
	bool *flag = flag_of(arguments, option);

	if (flag) {
		*flag = true;
		return NULL;
	}
	switch (option) {
	case OPTION_PLAN:
		break; /* it was read before all options */
	case OPTION_POLICY:
		arguments->policy_file = value;
		break;
	case OPTION_JSON:
		arguments->json = value;
		break;
	case OPTION_JUNIT:
		arguments->junit = value;
		break;
	case OPTION_HLOG:
		arguments->hlog = value;
		break;
	case OPTION_COLOR:
		return terminal_parse_when(value, &arguments->color) ? "auto, always or never"
		                                                     : NULL;
	case OPTION_NO_COLOR:
		arguments->color = COLOR_NEVER;
		break;
	default:
		return take_design(arguments, option, value);
	}
	return NULL;
}

/* A key of [traffic] or [design]: struct plan_settings. */
static const char *take_from_plan(void *context, const char *section, const char *name,
                                  const char *value)
{
	const struct option_row *row = ab_plan_option(ab_options_table, section, name);
	struct arguments *arguments = context;
	char *kept;

	if (!row)
		return plan_unknown_key;
	if (!row->argument)
		return ab_plan_flag(value, flag_of(arguments, row->id)) ? "yes or no" : NULL;
	if (arguments->n_plan_texts == PLAN_TEXTS || !(kept = strdup(value)))
		return "less memory";
	arguments->plan_text[arguments->n_plan_texts++] = kept;
	return take(arguments, row->id, kept);
}

/* Is the responder on another host? */
static bool is_remote(const struct arguments *arguments)
{
	return arguments->plan.responder.remote[0];
}

/* -1, or the exit code. */
static int read_plan(struct arguments *arguments)
{
	const struct plan_settings settings = { take_from_plan, arguments };
	char why[512];
	int err = plan_read(&arguments->plan, arguments->plan_file, &settings, why, sizeof(why));

	if (err == -EINVAL)
		return error_usage("ab", "%s", why);
	if (err)
		return error_print(&(struct failure){ .error = err, .cause = why });
	arguments->ab.generator_cpu = arguments->plan.generator.cpu;
	if (!is_remote(arguments))
		arguments->ab.responder_cpu = arguments->plan.responder.cpu;
	return -1;
}

/* The plan is read first, wherever it is named: options go before what it says. */
static int parse_plan(int argc, char **argv, struct arguments *arguments)
{
	struct options options;
	int option;

	options_begin(&options, &command_ab, argc, argv);
	while ((option = options_next(&options)) > 0)
		if (option == OPTION_PLAN)
			arguments->plan_file = options.value;
	if (option < 0)
		return options.exit_code;
	return arguments->plan_file ? read_plan(arguments) : -1;
}

/* -1 to go on, or the exit code. */
static int check_baseline(const struct arguments *arguments)
{
	const char *name = arguments->ab.baseline;

	if (arguments->sweep || !path_by_name(name)->in_memory)
		return -1;
	return error_usage("ab",
	                   "%s takes no link, so that nothing is compared with it: it is no "
	                   "baseline",
	                   name);
}

/* What --tcp does not go with: -1 to go on, or the exit code. */
static int check_tcp(struct arguments *arguments)
{
	struct ab_options *ab = &arguments->ab;

	if (!ab->tcp)
		return -1;
	if (ab->wire)
		return error_usage("ab",
		                   "--generator is for UDP: over TCP it is the kernel's sockets");
	if (!arguments->traffic.trace.path && arguments->traffic.shape.n_flows > WIRE_TCP_FLOWS)
		return error_usage("ab", "--tcp takes %d flows at most", WIRE_TCP_FLOWS);
	ab->wire = &wire_tcp;
	return -1;
}

/* -1 to go on, or the exit code. */
static int parse(int argc, char **argv, struct arguments *arguments)
{
	struct options options;
	int option, exit_code = parse_plan(argc, argv, arguments);

	if (exit_code >= 0)
		return exit_code;
	options_begin(&options, &command_ab, argc, argv);
	while ((option = options_next(&options)) > 0) {
		const char *expected = take(arguments, option, options.value);

		if (expected)
			return options_bad_value(&options, expected);
	}
	if (options.n_operands)
		return error_usage("ab", "unexpected argument '%s'", options.operands[0]);
	if (is_remote(arguments) && arguments->ab.responder_cpu >= 0)
		return error_usage("ab", "--cpus is of this host: the plan names the CPUs of two");
	exit_code = check_baseline(arguments);
	if (exit_code < 0)
		exit_code = ab_traffic_check(&arguments->traffic);
	return exit_code >= 0 ? exit_code : check_tcp(arguments);
}

/* Has it the operations for it? */
static bool speaks(const struct path_type *type, bool tcp)
{
	return tcp ? type->stream != NULL : type->open != NULL;
}

/* All paths but the baseline, where none is named. */
static void default_paths(struct arguments *arguments)
{
	size_t n = 0;

	if (arguments->path[0])
		return;
	for (const struct path_type *const *type = path_types; *type && n < PATHS_MAX; type++)
		if (strcmp((*type)->name, arguments->ab.baseline) && !(*type)->in_memory &&
		    speaks(*type, arguments->ab.tcp))
			arguments->path[n++] = (*type)->name;
}

/* ---- The run ------------------------------------------------------------------------------ */

static bool show_progress(void *context, size_t done, size_t all, const char *path)
{
	const uint64_t *start_ns = context;
	struct timespec now;
	double seconds;

	if (!isatty(STDERR_FILENO))
		return !ab_interrupted;
	clock_gettime(CLOCK_MONOTONIC, &now);
	seconds = (now.tv_sec * 1000000000ULL + now.tv_nsec - *start_ns) / 1e9;
	fprintf(stderr, "\r\033[K%zu of %zu blocks, %s, %.0f s to go", done, all, path,
	        done ? seconds / done * (all - done) : NAN);
	return !ab_interrupted;
}

static bool show_sweep_progress(void *context, size_t done, size_t all, const char *path)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[Kpath %zu of %zu, %s", done + 1, all, path);
	return !ab_interrupted;
}

static void clear_progress(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

/* What ended an interrupted run first may be a child that the signal has ended. */
static int fail(int err, const char *why)
{
	if (ab_interrupted)
		return error_print(&(struct failure){ .error = -EINTR,
		                                      .cause = "interrupted: there is no result" });
	return error_print(&(struct failure){ .error = err, .cause = why });
}

static int run(struct arguments *arguments, struct ab_result *result)
{
	struct timespec now;
	uint64_t start_ns;
	char why[512];
	int err;

	clock_gettime(CLOCK_MONOTONIC, &now);
	start_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	arguments->ab.progress = show_progress;
	arguments->ab.context = &start_ns;
	err = ab_run(&arguments->ab, result, why, sizeof(why));
	clear_progress();
	return err ? fail(err, why) : -1;
}

/* --json FILE, "-" for standard output. */
static FILE *open_json(const char *path)
{
	return strcmp(path, "-") ? fopen(path, "we") : stdout;
}

static int write_sweep(const struct arguments *arguments, const struct sweep_result *result)
{
	struct terminal terminal = terminal_init(stdout, arguments->color);
	FILE *file;
	int err;

	if (!arguments->json || strcmp(arguments->json, "-"))
		ab_sweep_print(result, &terminal);
	if (!arguments->json)
		return KTAX_EXIT_FINE;
	file = open_json(arguments->json);
	err = file ? ab_sweep_write_json(result, &arguments->ab, file) : -errno;
	if (file && file != stdout && fclose(file) && !err)
		err = -errno;
	if (!err)
		return KTAX_EXIT_FINE;
	return error_print(&(struct failure){
		.error = err, .subject = arguments->json, .doing = "write the JSON" });
}

static int run_sweep(struct arguments *arguments)
{
	struct sweep_result *result = calloc(1, sizeof(*result));
	char why[512];
	int err;

	if (!result)
		return error_print(&(struct failure){ .error = -ENOMEM });
	arguments->ab.progress = show_sweep_progress;
	err = sweep_run(&arguments->ab, result, why, sizeof(why));
	clear_progress();
	if (err)
		err = fail(err, why);
	else
		err = write_sweep(arguments, result);
	free(result);
	return err;
}

/* 0, or the exit code. */
static int choose_wire(struct ab_options *ab)
{
	char why[512];
	int err = 0;

	if (!ab->wire)
		err = wire_choose(&ab->traffic->flow[0], ab->ports, &ab->wire, why, sizeof(why));
	return err ? fail(err, why) : 0;
}

static int run_arms(struct arguments *arguments, struct ab_result *result)
{
	int exit_code = choose_wire(&arguments->ab);

	if (exit_code)
		return exit_code;
	if (arguments->sweep)
		return run_sweep(arguments);
	exit_code = run(arguments, result);
	if (exit_code >= 0)
		return exit_code;
	return ab_output(result, arguments->ab.traffic,
	                 &(struct ab_output){
				 .json = arguments->json,
				 .junit = arguments->junit,
				 .hlog = arguments->hlog,
				 .color = arguments->color,
			 });
}

/* On the ports of the plan. */
static int run_planned(struct arguments *arguments, struct traffic *traffic,
                       struct journal *journal, struct ab_result *result)
{
	struct ports ports;
	char why[512];
	int exit_code, err = ab_plan_prepare(&arguments->plan, journal, arguments->i_know,
	                                     arguments->ab.tcp, &ports, traffic, why, sizeof(why));

	arguments->ab.ports = &ports;
	exit_code = err ? fail(err, why) : run_arms(arguments, result);
	err = ab_plan_close(&ports, why, sizeof(why));
	arguments->ab.ports = NULL;
	return err ? error_print(&(struct failure){ .error = err, .cause = why }) : exit_code;
}

/* Of a trace that is slow, say. */
static void complain_of_time(const struct arguments *arguments)
{
	const struct ab_options *ab = &arguments->ab;
	double seconds = (double)traffic_duration_ns(ab->traffic) / 1e9;
	size_t arms = 3; /* the baseline, twice more to compare it with itself */

	for (size_t i = 0; arguments->path[i]; i++)
		arms++;
	seconds *= (double)(arms * (ab->rounds ? ab->rounds : 20));
	if (!arguments->sweep && !ab->ping_pong && seconds > LONG_SECONDS)
		error_note("this run takes %.0f min or more: a block of this traffic takes %.0f s",
		           ceil(seconds / 60), (double)traffic_duration_ns(ab->traffic) / 1e9);
}

static int run_traffic(struct arguments *arguments, struct journal *journal,
                       struct ab_result *result)
{
	struct traffic traffic;
	int exit_code = ab_traffic_make(
		&arguments->traffic, arguments->sweep ? SWEEP_REQUESTS : arguments->block_requests,
		arguments->ab.seed, &traffic);

	if (exit_code >= 0)
		return exit_code;
	arguments->ab.traffic = &traffic;
	complain_of_time(arguments);
	if (arguments->plan_file)
		exit_code = run_planned(arguments, &traffic, journal, result);
	else
		exit_code = run_arms(arguments, result);
	traffic_free(&traffic);
	return exit_code;
}

/* -1, or the exit code. */
static int choose_cpus(struct ab_options *ab, bool remote)
{
	char text[256];

	if (remote && ab->generator_cpu < 0) {
		ab->generator_cpu = cores_pick_one();
	} else if (ab->generator_cpu < 0) {
		int err = cores_pick(&ab->generator_cpu, &ab->responder_cpu, text, sizeof(text));

		if (err)
			return error_print(&(struct failure){ .error = err, .cause = text });
	}
	if (remote ? cores_complain_of_one(ab->generator_cpu, "generator", text, sizeof(text))
	           : cores_complain(ab->generator_cpu, ab->responder_cpu, text, sizeof(text)))
		error_note("%s", text);
	return -1;
}

static int run_on_host(struct arguments *arguments, struct ab_result *result)
{
	struct journal *journal;
	int exit_code = ab_host_take(&journal);

	if (exit_code >= 0)
		return exit_code;
	exit_code = choose_cpus(&arguments->ab, is_remote(arguments));
	if (exit_code < 0)
		exit_code = run_traffic(arguments, journal, result);
	return ab_host_restore(journal, exit_code);
}

static int ab_main(int argc, char **argv)
{
	struct arguments arguments = {
		.traffic = ab_traffic_default,
		.block_requests = BLOCK_DEFAULT,
		.ab = { .baseline = "kernel",
		        .time_ns = TIME_DEFAULT_NS,
		        .seed = time(NULL),
		        .generator_cpu = -1,
		        .responder_cpu = -1,
		        .interrupted = &ab_interrupted },
		.policy = policy_default,
	};
	struct ab_result result = {};
	char why[512];
	int exit_code;

	exit_code = parse(argc, argv, &arguments);
	if (exit_code >= 0)
		goto out;
	if (arguments.cleanup) {
		exit_code = ab_host_cleanup();
		goto out;
	}
	if (arguments.responder) {
		exit_code = ab_responder();
		goto out;
	}
	default_paths(&arguments);
	arguments.ab.paths = arguments.path;
	if (arguments.policy_file &&
	    policy_read(&arguments.policy, arguments.policy_file, why, sizeof(why))) {
		exit_code = error_usage("ab", "%s", why);
		goto out;
	}
	arguments.ab.policy = &arguments.policy;
	arguments.ab.confidence = arguments.policy.confidence;
	exit_code = run_on_host(&arguments, &result);
out:
	ab_result_free(&result);
	free(arguments.paths_text);
	for (size_t i = 0; i < arguments.n_plan_texts; i++)
		free(arguments.plan_text[i]);
	return exit_code;
}

const struct command command_ab = {
	.name = "ab",
	.run = ab_main,
	.summary = "compare kernel sockets, AF_XDP and DPDK on the same traffic",
	.description =
		"Sends the same requests, byte by byte and on the same schedule, to a responder "
		"over each path, in blocks in random order, and reports what each path changes "
		"against the baseline: p50, p99, loss and CPU time, with confidence intervals. "
		"Before that the baseline is compared with itself, which gives the noise floor: "
		"the least change that this host can tell.\n\n"
		"Paths of the kernel: kernel (sleeps in epoll_wait), kernel-awake (the same, while "
		"no CPU goes to an idle state), kernel-blocking, kernel-spin, kernel-busypoll, "
		"kernel-irqsuspend, io_uring, io_uring-spin, io_uring-busypoll. That bypass it: "
		"af_xdp, af_xdp-poll, af_xdp-busypoll, dpdk; with --tcp af_xdp-lwip, dpdk-lwip. "
		"That only stand for a bypass: dpdk-af_packet, dpdk-af_xdp, dpdk-packet-lwip, "
		"dpdk-xdp-lwip. Bounds: xdp (answers in the driver's hook), dpdk-pair (no kernel "
		"on either side).\n\n"
		"It runs on links of its own (network namespaces joined by veth pairs), which "
		"are gone when it ends, however it ends. One run at a time: two would disturb each "
		"other's figures.\n\n"
		"With --plan it runs on two ports that are cabled to each other; each "
		"path is opened for each of its blocks then. What it changes of them is "
		"journalled before, and restored at the end, or by the next run or --cleanup "
		"after kill -9. The responder's port may be another host's: the plan's remote is "
		"a command, such as ssh root@server ktax, that runs the ktax there.",
	.options = ab_options_table,
	.examples = "ktax ab\n"
		    "ktax ab --paths af_xdp,dpdk --policy samples/policy.ini --json ab.json\n"
		    "ktax ab --trace md.pcap --work redis.ktax\n"
		    "ktax ab --plan samples/ab.ini\n",
};
