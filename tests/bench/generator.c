// SPDX-License-Identifier: GPL-2.0
/*
 * generator [ROUNDS] [GENERATOR_CPU RESPONDER_CPU]: how late is the generator of `ktax ab`, by kind
 * of socket and by rate, with constant gaps? Once to a sink, and once with every request answered
 * by the kernel-spin path. Without a socket (a send that does nothing) it is what the host takes
 * from any loop that spins: no generator can be better. All of them take their turn in every round,
 * in an order that rotates, so that what the host does meanwhile meets all alike. And how far is
 * its clock from CLOCK_MONOTONIC?
 *
 * Its own p99 of a block, without the time that the sends before took, is what the validity gate looks
 * at: its median over the rounds is not that of the worst disturbance, as p99 of all requests may be. generator.sh is how to call it.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arm.h"
#include "histogram.h"

#define ROUNDS_MOST 200
#define BLOCK_NS    100000000
#define GRACE_NS    1000000
#define PRIORITY    50
#define REST_US     50000 /* between blocks: else others get their time within one */
#define CLOCK_LOOKS 100   /* per block, for the narrowest bracket */
#define WHY_SIZE    256

static const double rates_pps[] = { 10e3, 50e3, 100e3 };

#define RATES (sizeof(rates_pps) / sizeof(rates_pps[0]))

struct combination {
	const struct wire_type *wire;
	const struct traffic *traffic;
	double rate_pps;
	bool answered;
	struct generator generator;
	struct arm arm; /* answered, else only its link and wire are used */
	struct ab_arm result;
	struct ab_options options;
	struct histogram lateness;
	uint64_t p99_ns[ROUNDS_MOST], own_p99_ns[ROUNDS_MOST];
	uint64_t requests, not_sent, lost;
};

static int cpus[2] = { 0, 1 }; /* generator, responder */
static struct tsc tsc;         /* as the generator calibrates it, at the start */
static double clock_worst_ns, clock_last_ns;

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "generator: %s: %s\n", what, why);
	exit(2);
}

/* ---- No socket ---------------------------------------------------------------------------- */

static int none_open(const struct wire_config *config, struct wire **ret_wire, char *why,
                     size_t why_size)
{
	*ret_wire = NULL;
	return 0;
}

static int none_send(struct wire *wire, const uint8_t *frame, size_t size)
{
	return 0;
}

static int none_receive(struct wire *wire, unsigned int most,
                        void (*visit)(void *context, const struct frame_mark *mark), void *context)
{
	return 0;
}

static uint64_t none_drops(struct wire *wire)
{
	return 0;
}

static void none_close(struct wire *wire)
{
}

static const struct wire_type wire_none = { .name = "none",
	                                    .open = none_open,
	                                    .send = none_send,
	                                    .receive = none_receive,
	                                    .drops = none_drops,
	                                    .close = none_close };

/* ---- One combination ---------------------------------------------------------------------- */

/*
 * To an address that the sink's end does not have: the kernel drops it there at once. (What it has
 * no route for would cost a route each, and RCU's work of 100 us now and then.)
 */
static void open_sink(struct combination *combination, int home)
{
	struct frame_flow flow = combination->traffic->flow[0];
	struct wire_config config = { .flow = &flow, .n_flows = 1 };
	struct arm *arm = &combination->arm;
	char why[WHY_SIZE] = "";

	flow.server.mac[5] ^= 1;
	if (link_make(&arm->link, &flow, 0, why, sizeof(why)))
		die("link", why);
	link_enter(arm->link.generator_ns);
	config.interface = arm->link.generator_interface;
	if (combination->wire->open(&config, &arm->wire, why, sizeof(why)))
		die(combination->wire->name, why);
	link_enter(home);
}

static void open_combination(struct combination *combination, int home)
{
	char why[WHY_SIZE] = "";

	combination->result.type = path_by_name("kernel-spin");
	combination->options = (struct ab_options){ .traffic = combination->traffic,
		                                    .wire = combination->wire,
		                                    .generator_cpu = cpus[0],
		                                    .responder_cpu = cpus[1] };
	if (generator_init(&combination->generator, combination->wire, combination->traffic) ||
	    histogram_init(&combination->lateness, HISTOGRAM_HIGHEST_DEFAULT_NS,
	                   HISTOGRAM_DIGITS_DEFAULT))
		die("memory", strerror(ENOMEM));
	if (!combination->answered)
		open_sink(combination, home);
	else if (arm_open(&combination->arm, &combination->result, &combination->options, home, why,
	                  sizeof(why)))
		die(combination->wire->name, why);
}

static void set_priority(int priority)
{
	struct sched_param parameter = { .sched_priority = priority };

	sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &parameter);
}

static void run_block(struct combination *combination, uint16_t epoch, size_t round)
{
	struct generator *generator = &combination->generator;
	struct ab_block block = {};
	int err;

	if (combination->answered) {
		err = arm_run_block(&combination->arm, generator, epoch, &block);
	} else {
		set_priority(PRIORITY);
		err = generator_run(generator, combination->arm.wire, epoch, GRACE_NS,
		                    &block.generator);
		set_priority(0);
	}
	if (err)
		die(combination->wire->name, strerror(-err));
	for (size_t i = 0; i < generator->n_requests; i++)
		histogram_record(&combination->lateness, generator->lateness_ns[i], 1);
	combination->p99_ns[round] = block.generator.late_p99_ns;
	combination->own_p99_ns[round] = block.generator.own_late_p99_ns;
	combination->requests += generator->n_requests;
	combination->not_sent += block.generator.not_sent;
	if (combination->answered)
		combination->lost += block.generator.sent - block.generator.received;
}

/* ---- The clock ---------------------------------------------------------------------------- */

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* How far the generator's clock is ahead of CLOCK_MONOTONIC, by the narrowest of some brackets. */
static void look_at_clock(void)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < CLOCK_LOOKS; i++) {
		uint64_t before = monotonic_ns(), mine = tsc_now_ns(&tsc), after = monotonic_ns();

		if (after - before >= least)
			continue;
		least = after - before;
		clock_last_ns = (double)(int64_t)(mine - before) - least / 2.0;
	}
	if (fabs(clock_last_ns) > fabs(clock_worst_ns))
		clock_worst_ns = clock_last_ns;
}

/* ---- All of them -------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print(struct combination *combination, size_t rounds)
{
	const struct histogram *lateness = &combination->lateness;

	qsort(combination->p99_ns, rounds, sizeof(*combination->p99_ns), compare);
	qsort(combination->own_p99_ns, rounds, sizeof(*combination->own_p99_ns), compare);
	printf("%-10s %-9s %8.0f %8" PRIu64 " %9" PRIu64 " %9" PRIu64 " %8" PRIu64 " %9" PRIu64
	       " %9" PRIu64 " %9.4f%% %9.4f%%\n",
	       combination->wire->name, combination->answered ? "answered" : "sink",
	       combination->rate_pps, histogram_percentile(lateness, 50),
	       combination->p99_ns[rounds / 2], combination->own_p99_ns[rounds / 2],
	       histogram_percentile(lateness, 99), histogram_percentile(lateness, 99.9),
	       histogram_percentile(lateness, 100),
	       100.0 * combination->not_sent / combination->requests,
	       100.0 * combination->lost / combination->requests);
}

static void make_traffic(struct traffic *traffic, double rate_pps)
{
	const struct traffic_shape shape = { .n_requests = rate_pps * BLOCK_NS / 1e9,
		                             .rate_pps = rate_pps,
		                             .gaps = TRAFFIC_CONSTANT,
		                             .n_flows = 16,
		                             .seed = 1 };
	int err = traffic_synthesize(traffic, &shape);

	if (err)
		die("traffic", strerror(-err));
}

/* A kind without send is one that this ktax was built without. */
static size_t make_combinations(struct combination *combination, struct traffic *traffic)
{
	size_t n = 0;

	for (size_t rate = 0; rate < RATES; rate++) {
		make_traffic(&traffic[rate], rates_pps[rate]);
		combination[n++] = (struct combination){ .wire = &wire_none,
			                                 .traffic = &traffic[rate],
			                                 .rate_pps = rates_pps[rate] };
		for (const struct wire_type *const *wire = wire_types; *wire; wire++)
			for (int answered = 0; answered < 2 && (*wire)->send; answered++)
				combination[n++] =
					(struct combination){ .wire = *wire,
					                      .traffic = &traffic[rate],
					                      .rate_pps = rates_pps[rate],
					                      .answered = answered };
	}
	return n;
}

static void close_combination(struct combination *combination)
{
	if (combination->answered) {
		arm_close(&combination->arm);
	} else {
		combination->wire->close(combination->arm.wire);
		link_close(&combination->arm.link);
	}
	generator_free(&combination->generator);
	histogram_destroy(&combination->lateness);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("CPU of the generator", strerror(errno));
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 11, n;
	static struct combination combination[RATES * 2 * 8];
	static struct traffic traffic[RATES];
	int home = link_here();
	uint64_t start_ns;

	if (!rounds || rounds > ROUNDS_MOST || (argc != 1 && argc != 2 && argc != 4)) {
		fprintf(stderr, "usage: generator [ROUNDS] [GENERATOR_CPU RESPONDER_CPU]\n");
		return 1;
	}
	for (int i = 2; i < argc; i++)
		cpus[i - 2] = atoi(argv[i]);
	pin(cpus[0]);
	n = make_combinations(combination, traffic);
	for (size_t i = 0; i < n; i++)
		open_combination(&combination[i], home);
	tsc_calibrate(&tsc);
	start_ns = monotonic_ns();
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < n; i++) {
			run_block(&combination[(i + round) % n], round * n + i + 1, round);
			look_at_clock();
			usleep(REST_US);
		}
	printf("Lateness of the generator in ns, constant gaps, %zu blocks of %.1f s each\n\n"
	       "%-10s %-9s %8s %8s %9s %9s %8s %9s %9s %10s %10s\n",
	       rounds, BLOCK_NS / 1e9, "socket", "", "per s", "p50", "p99/block", "own", "p99",
	       "p99.9", "max", "not sent", "lost");
	for (size_t i = 0; i < n; i++)
		print(&combination[i], rounds);
	if (tsc.ns_per_tick)
		printf("\nIts clock (TSC) against CLOCK_MONOTONIC: %.0f ns at most in %.0f s, "
		       "%.2f ppm at the end\n",
		       clock_worst_ns, (monotonic_ns() - start_ns) / 1e9,
		       1e6 * clock_last_ns / (double)(monotonic_ns() - start_ns));
	else
		printf("\nIts clock is CLOCK_MONOTONIC: the TSC is not reliable here\n");
	for (size_t i = 0; i < n; i++)
		close_combination(&combination[i]);
	for (size_t rate = 0; rate < RATES; rate++)
		traffic_free(&traffic[rate]);
	close(home);
	return 0;
}
