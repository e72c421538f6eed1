// SPDX-License-Identifier: GPL-2.0
/*
 * agreement [ROUNDS] [GENERATOR_CPU RESPONDER_CPU]: does `ktax ab` measure what others measure?
 * Round trips of 64 bytes, one at a time, in one run, where all take their turn in every round:
 *
 *	sockperf ping-pong against sockperf	a kernel path against ktax's responder, the client
 *						being a kernel socket for both (wire_socket.h)
 *	testpmd in 5tswap			the DPDK paths, ktax's generator driving both
 *
 * A server that spins is stopped (SIGSTOP) while others have their turn. All run at the priority
 * that ktax gives to its own in a block. agreement.sh is how to call it.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arm.h"
#include "wire_socket.h"

#define ROUNDS_MOST   200
#define REQUESTS      20000
#define PAYLOAD       64
#define PRIORITY      50
#define GRACE_NS      20000000
#define SOCKPERF_PORT 7001
#define START_TRIES   150 /* until a server answers */
#define START_WAIT_US 100000
#define ARGUMENTS     32
#define WHY_SIZE      256

enum kind { KTAX, SOCKPERF, TESTPMD };

struct contender {
	const char *name; /* as the table has it */
	enum kind kind;
	const char *path;             /* ktax: of the responder; testpmd: its kind of device */
	const struct wire_type *wire; /* ktax, testpmd */
	bool spins;                   /* sockperf: the server */
	const char *reference;        /* what it is compared with, NULL: it is one itself */
	bool skipped;
	char why[WHY_SIZE];
	struct arm arm; /* testpmd: its link and wire only */
	struct ab_arm result;
	struct ab_options options;
	struct generator generator;
	pid_t server;
	double p50_ns[ROUNDS_MOST], p99_ns[ROUNDS_MOST];
};

static struct contender contenders[] = {
	{ "sockperf --nonblocked", SOCKPERF, .spins = true },
	{ "kernel-spin, UDP socket", KTAX, "kernel-spin", &wire_socket,
	  .reference = "sockperf --nonblocked" },
	{ "kernel-spin, AF_PACKET", KTAX, "kernel-spin", &wire_packet,
	  .reference = "sockperf --nonblocked" },
	{ "kernel-spin, AF_XDP", KTAX, "kernel-spin", &wire_af_xdp,
	  .reference = "sockperf --nonblocked" },
	{ "sockperf, server sleeps", SOCKPERF },
	{ "kernel-blocking, UDP socket", KTAX, "kernel-blocking", &wire_socket,
	  .reference = "sockperf, server sleeps" },
	{ "testpmd, net_af_packet", TESTPMD, "net_af_packet0,iface=%s,qdisc_bypass=1",
	  &wire_packet },
	{ "dpdk-af_packet", KTAX, "dpdk-af_packet", &wire_packet,
	  .reference = "testpmd, net_af_packet" },
	{ "testpmd, net_af_xdp", TESTPMD, "net_af_xdp0,iface=%s", &wire_packet },
	{ "dpdk-af_xdp", KTAX, "dpdk-af_xdp", &wire_packet, .reference = "testpmd, net_af_xdp" },
};

#define CONTENDERS (sizeof(contenders) / sizeof(contenders[0]))

static struct traffic traffic;
static struct link *sockets; /* where sockperf runs: the link of the first UDP socket */
static int cpus[2] = { 0, 1 };
static int home;

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "agreement: %s: %s\n", what, why);
	exit(2);
}

static int skip(struct contender *contender, const char *why)
{
	contender->skipped = true;
	snprintf(contender->why, sizeof(contender->why), "%s", why);
	return -1;
}

/* ---- Other programs ----------------------------------------------------------------------- */

/*
 * Starts a program in the namespace @ns. @command: its command line, words between blanks. Its
 * standard input stays open.
 */
static pid_t start(const char *command, int ns, int output)
{
	char line[1024], *words[ARGUMENTS], *rest = line, *word;
	static int input[2] = { -1, -1 };
	size_t n = 0;
	pid_t pid;

	if (input[0] < 0 && pipe2(input, O_CLOEXEC))
		die("pipe", strerror(errno));
	snprintf(line, sizeof(line), "%s", command);
	while ((word = strsep(&rest, " ")) && n < ARGUMENTS - 1)
		words[n++] = word;
	words[n] = NULL;
	pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(input[0], STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	if (link_enter(ns))
		_exit(126);
	execvp(words[0], words);
	_exit(127);
}

static int no_output(void)
{
	static int null = -1;

	if (null < 0)
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
	return null;
}

static void end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

/* ---- sockperf ----------------------------------------------------------------------------- */

/* Where it has a percentile of the round trip in us, as ns; NAN. */
static double percentile_ns(const char *output, const char *percentile)
{
	const char *at = strstr(output, percentile);

	at = at ? strchr(at, '=') : NULL;
	return at ? strtod(at + 1, NULL) * 1000 : NAN;
}

static void run_sockperf(struct contender *contender, size_t round)
{
	char command[512], output[8192] = "", ip[INET_ADDRSTRLEN];
	FILE *file = tmpfile();
	pid_t client;

	if (!file)
		die("temporary file", strerror(errno));
	inet_ntop(AF_INET, traffic_test_flow.server.ip, ip, sizeof(ip));
	snprintf(command, sizeof(command), "chrt -f %d taskset -c %d sockperf server -i %s -p %d%s",
	         PRIORITY, cpus[1], ip, SOCKPERF_PORT, contender->spins ? " --nonblocked" : "");
	contender->server = start(command, sockets->responder_ns, no_output());
	usleep(200000);
	snprintf(
		command, sizeof(command),
		"chrt -f %d taskset -c %d sockperf ping-pong --nonblocked --full-rtt -i %s -p %d -m %d -t 1",
		PRIORITY, cpus[0], ip, SOCKPERF_PORT, PAYLOAD);
	client = start(command, sockets->generator_ns, fileno(file));
	waitpid(client, NULL, 0);
	end(&contender->server);
	rewind(file);
	output[fread(output, 1, sizeof(output) - 1, file)] = '\0';
	fclose(file);
	contender->p50_ns[round] = percentile_ns(output, "percentile 50.0");
	contender->p99_ns[round] = percentile_ns(output, "percentile 99.0");
}

/* ---- ktax's generator --------------------------------------------------------------------- */

static void set_priority(int priority)
{
	struct sched_param parameter = { .sched_priority = priority };

	sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &parameter);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int compare_ns(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int open_ktax(struct contender *contender)
{
	char why[WHY_SIZE] = "";

	contender->result.type = path_by_name(contender->path);
	if (!contender->result.type)
		return skip(contender, "there is no such path");
	contender->options = (struct ab_options){ .traffic = &traffic,
		                                  .wire = contender->wire,
		                                  .generator_cpu = cpus[0],
		                                  .responder_cpu = cpus[1] };
	if (arm_open(&contender->arm, &contender->result, &contender->options, home, why,
	             sizeof(why)))
		return skip(contender, why);
	if (contender->wire == &wire_socket && !sockets)
		sockets = &contender->arm.link;
	return 0;
}

static void run_ktax(struct contender *contender, uint16_t epoch, size_t round)
{
	struct ab_block block;
	int err = arm_run_block(&contender->arm, &contender->generator, epoch, &block);

	if (err)
		die(contender->name, strerror(-err));
	contender->p50_ns[round] = block.metric[AB_P50];
	contender->p99_ns[round] = block.metric[AB_P99];
}

/* ---- testpmd ------------------------------------------------------------------------------ */

static int ping_testpmd(struct contender *contender, uint16_t epoch, size_t n_requests,
                        struct generator_counts *ret_counts)
{
	struct generator *generator = &contender->generator;
	int err;

	generator->n_requests = n_requests;
	set_priority(PRIORITY);
	err = generator_run(generator, contender->arm.wire, epoch, GRACE_NS, ret_counts);
	set_priority(0);
	return err;
}

/* All threads of a process, once it has started: DPDK waits for things by spinning until then. */
static void raise_priority(pid_t pid)
{
	struct sched_param parameter = { .sched_priority = PRIORITY };
	char path[64];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)))
		if (atoi(entry->d_name))
			sched_setscheduler(atoi(entry->d_name), SCHED_FIFO, &parameter);
	if (tasks)
		closedir(tasks);
}

/* Its first thread only waits for the end of its input, on the generator's CPU. */
static int open_testpmd(struct contender *contender)
{
	struct arm *arm = &contender->arm;
	struct wire_config config = { .flow = traffic.flow, .n_flows = traffic.n_flows };
	struct generator_counts counts = {};
	char why[WHY_SIZE] = "", device[128], command[512];

	if (link_make(&arm->link, &traffic.flow[0], 0, why, sizeof(why)))
		return skip(contender, why);
	link_enter(arm->link.generator_ns);
	config.interface = arm->link.generator_interface;
	if (contender->wire->open(&config, &arm->wire, why, sizeof(why))) {
		link_enter(home);
		return skip(contender, why);
	}
	link_enter(home);
	snprintf(device, sizeof(device), contender->path, arm->link.responder_interface);
	snprintf(
		command, sizeof(command),
		"taskset -c %d,%d dpdk-testpmd --lcores 0@%d,1@%d --no-pci --no-huge -m 256 --no-shconf "
		"--no-telemetry --iova-mode=va --vdev %s -- --forward-mode=5tswap --nb-cores=1 "
		"--port-topology=loop --total-num-mbufs=16384",
		cpus[0], cpus[1], cpus[0], cpus[1], device);
	contender->server = start(command, arm->link.responder_ns, no_output());
	for (int i = 0; i < START_TRIES && !counts.received; i++) {
		usleep(START_WAIT_US);
		if (waitpid(contender->server, NULL, WNOHANG) == contender->server ||
		    ping_testpmd(contender, 60000 + i, 1, &counts))
			break;
	}
	if (!counts.received) {
		end(&contender->server);
		return skip(contender, "dpdk-testpmd does not answer");
	}
	raise_priority(contender->server);
	kill(contender->server, SIGSTOP);
	return 0;
}

static void run_testpmd(struct contender *contender, uint16_t epoch, size_t round)
{
	uint64_t *latency = contender->generator.latency_ns;
	struct generator_counts counts;
	int err;

	kill(contender->server, SIGCONT);
	err = ping_testpmd(contender, epoch, REQUESTS, &counts);
	kill(contender->server, SIGSTOP);
	if (err)
		die(contender->name, strerror(-err));
	qsort(latency, REQUESTS, sizeof(*latency), compare_ns);
	contender->p50_ns[round] = latency[REQUESTS / 2];
	contender->p99_ns[round] = latency[REQUESTS - 1 - REQUESTS / 100];
}

/* ---- All of them -------------------------------------------------------------------------- */

static void open_contender(struct contender *contender)
{
	if (contender->kind == SOCKPERF)
		return;
	if (generator_init(&contender->generator, contender->wire, &traffic))
		die("memory", strerror(ENOMEM));
	contender->generator.ping_pong = true;
	if (contender->kind == KTAX)
		open_ktax(contender);
	else
		open_testpmd(contender);
}

static void run_contender(struct contender *contender, uint16_t epoch, size_t round)
{
	if (contender->skipped)
		return;
	if (contender->kind == SOCKPERF)
		run_sockperf(contender, round);
	else if (contender->kind == KTAX)
		run_ktax(contender, epoch, round);
	else
		run_testpmd(contender, epoch, round);
}

static void close_contender(struct contender *contender)
{
	end(&contender->server);
	if (contender->kind == KTAX) {
		arm_close(&contender->arm);
	} else if (contender->kind == TESTPMD) {
		if (contender->arm.wire)
			contender->wire->close(contender->arm.wire);
		link_close(&contender->arm.link);
	}
	generator_free(&contender->generator);
}

static double median(const double *values, size_t n)
{
	double sorted[ROUNDS_MOST];

	memcpy(sorted, values, n * sizeof(*values));
	qsort(sorted, n, sizeof(*sorted), compare);
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static const struct contender *find(const char *name)
{
	for (size_t i = 0; name && i < CONTENDERS; i++)
		if (!strcmp(contenders[i].name, name))
			return &contenders[i];
	return NULL;
}

/* The ratio of p50 to the reference's of the same round: median, and the two ends. */
static void print(const struct contender *contender, size_t rounds)
{
	const struct contender *reference = find(contender->reference);
	double ratio[ROUNDS_MOST], low = INFINITY, high = 0;

	if (contender->skipped) {
		printf("%-28s skipped: %s\n", contender->name, contender->why);
		return;
	}
	printf("%-28s %8.2f %8.2f", contender->name, median(contender->p50_ns, rounds) / 1e3,
	       median(contender->p99_ns, rounds) / 1e3);
	for (size_t i = 0; reference && i < rounds; i++) {
		ratio[i] = contender->p50_ns[i] / reference->p50_ns[i];
		low = fmin(low, ratio[i]);
		high = fmax(high, ratio[i]);
	}
	if (reference && !reference->skipped)
		printf("   %.3f (%.3f to %.3f) of %s", median(ratio, rounds), low, high,
		       reference->name);
	putchar('\n');
}

static void prepare(void)
{
	const struct traffic_shape shape = { .n_requests = REQUESTS,
		                             .rate_pps = 10000,
		                             .gaps = TRAFFIC_CONSTANT,
		                             .n_flows = 1,
		                             .size = { { PAYLOAD, 1 } },
		                             .n_sizes = 1,
		                             .seed = 1 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[0], &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("CPU of the generator", strerror(errno));
	if (traffic_synthesize(&traffic, &shape))
		die("memory", strerror(ENOMEM));
	home = link_here();
	for (size_t i = 0; i < CONTENDERS; i++)
		open_contender(&contenders[i]);
	if (!sockets)
		die("kernel-spin", contenders[1].why);
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 7;

	if (!rounds || rounds > ROUNDS_MOST || (argc != 1 && argc != 2 && argc != 4)) {
		fprintf(stderr, "usage: agreement [ROUNDS] [GENERATOR_CPU RESPONDER_CPU]\n");
		return 1;
	}
	for (int i = 2; i < argc; i++)
		cpus[i - 2] = atoi(argv[i]);
	prepare();
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < CONTENDERS; i++)
			run_contender(&contenders[(i + round) % CONTENDERS],
			              round * CONTENDERS + i + 1, round);
	printf("Round trips of %d bytes, one at a time, us: medians of %zu rounds\n\n"
	       "%-28s %8s %8s   p50 by round\n",
	       PAYLOAD, rounds, "", "p50", "p99");
	for (size_t i = 0; i < CONTENDERS; i++)
		print(&contenders[i], rounds);
	for (size_t i = 0; i < CONTENDERS; i++)
		close_contender(&contenders[i]);
	traffic_free(&traffic);
	close(home);
	return 0;
}
