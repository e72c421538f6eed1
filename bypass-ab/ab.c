// SPDX-License-Identifier: GPL-2.0
/*
 * All arms stay alive for the whole run, each on a link of its own; a block wakes one of them. So
 * what a path needs to start is not in any figure, and drifts of the host meet all arms alike.
 */
#include "ab.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "link.h"
#include "paired.h"
#include "sentence.h"
#include "softirq_meter.h"

#define GRACE_NS          50000000 /* what has not come back by then is lost */
#define LATENESS_LIMIT_NS 20000    /* p99 of the generator */
#define WAIT_LIMIT        0.05     /* of the block, for the CPU */
#define STEAL_LIMIT       0.05
#define WARM_UP_BLOCKS    2 /* of each arm, which do not count */
#define COST_ROUNDS       6 /* with the meter of softirqs: as few as give an interval */
#define FIFO_PRIORITY     50

const char *const ab_metric_name[AB_METRICS] = {
	[AB_P50] = "p50",   [AB_P90] = "p90",   [AB_P99] = "p99",
	[AB_P999] = "p999", [AB_LOSS] = "loss", [AB_CPU] = "cpu",
};

/* An arm under way. */
struct arm {
	struct ab_arm *result;
	struct link link;
	struct wire *wire;
	struct responder responder;
};

struct run {
	const struct ab_options *options;
	struct ab_result *result;
	struct arm arm[AB_ARMS_MAX];
	struct generator generator;
	struct paired_order order;
	struct softirq_meter *meter; /* attached, or NULL */
	uint16_t epoch;
	size_t done, all;
	int home; /* the namespace to come back to */
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* ---- Arms --------------------------------------------------------------------------------- */

static int open_wire(struct run *run, struct arm *arm, char *why, size_t why_size)
{
	int err = link_enter(arm->link.generator_ns);

	if (err)
		return sentence(why, why_size, err, "cannot enter the link's namespace: %s",
		                strerror(-err));
	err = run->generator.type->open(arm->link.generator_interface,
	                                run->options->traffic->flow[0].server.port, &arm->wire, why,
	                                why_size);
	link_enter(run->home);
	return err;
}

static int open_arm(struct run *run, struct arm *arm, char *why, size_t why_size)
{
	const struct traffic *traffic = run->options->traffic;
	const struct path_type *type = arm->result->type;
	struct path_config config = { .port = traffic->flow[0].server.port,
		                      .local = traffic->flow[0].server,
		                      .max_size = FRAME_MAX };
	int err = link_make(&arm->link, &traffic->flow[0], type->raw, why, why_size);

	if (err)
		return err;
	snprintf(config.interface, sizeof(config.interface), "%s", arm->link.responder_interface);
	err = open_wire(run, arm, why, why_size);
	if (err)
		return err;
	return responder_start(&arm->responder, type, &config, arm->link.responder_ns,
	                       run->options->responder_cpu, traffic, why, why_size);
}

static void close_arm(struct run *run, struct arm *arm)
{
	if (!arm->result)
		return;
	responder_stop(&arm->responder);
	if (arm->wire)
		run->generator.type->close(arm->wire);
	link_close(&arm->link);
	arm->wire = NULL;
}

/* A path that cannot run here is skipped; the baseline has to. */
static int open_arms(struct run *run, char *why, size_t why_size)
{
	struct ab_result *result = run->result;

	for (size_t i = 0; i < result->n_arms; i++) {
		struct arm *arm = &run->arm[i];
		int err;

		arm->result = &result->arm[i];
		arm->link = (struct link){ .generator_ns = -1, .responder_ns = -1 };
		err = open_arm(run, arm, arm->result->why, sizeof(arm->result->why));
		if (err && (i == 0 || err != -EOPNOTSUPP))
			return sentence(why, why_size, err, "path %s: %s", arm->result->type->name,
			                arm->result->why);
		if (err) {
			arm->result->skipped = true;
			close_arm(run, arm);
		}
	}
	return 0;
}

/* ---- A block ------------------------------------------------------------------------------ */

/* Both polling sides would otherwise share their CPUs with whatever else wants to run. */
static void set_priority(pid_t pid, bool high)
{
	struct sched_param parameter = { .sched_priority = high ? FIFO_PRIORITY : 0 };

	sched_setscheduler(pid, high ? SCHED_FIFO : SCHED_OTHER, &parameter);
}

/* Time that the hypervisor took, of all CPUs, in ns (counted in ticks). */
static uint64_t steal_ns(void)
{
	FILE *file = fopen("/proc/stat", "re");
	unsigned long long steal = 0;

	if (file && fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &steal) != 1)
		steal = 0;
	if (file)
		fclose(file);
	return steal * (1000000000ULL / sysconf(_SC_CLK_TCK));
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The smallest latency that is not exceeded by @share of all; +INFINITY if that one was lost. */
static double quantile(const uint64_t *sorted, size_t n, double share)
{
	size_t rank = ceil(share * n);
	uint64_t value = sorted[rank ? rank - 1 : 0];

	return value == GENERATOR_LOST ? INFINITY : value;
}

static void count_block(struct run *run, struct ab_block *block)
{
	uint64_t *latency = run->generator.latency_ns;
	size_t n = run->options->traffic->n_requests;

	qsort(latency, n, sizeof(*latency), compare);
	block->metric[AB_P50] = quantile(latency, n, 0.5);
	block->metric[AB_P90] = quantile(latency, n, 0.9);
	block->metric[AB_P99] = quantile(latency, n, 0.99);
	block->metric[AB_P999] = n >= 1000 ? quantile(latency, n, 0.999) : NAN;
	block->metric[AB_LOSS] = 1 - (double)block->generator.received / n;
	block->metric[AB_CPU] = NAN;
}

/* What the block does not pass; @in_kernel: nobody but the kernel has answered. */
static unsigned int gates_failed(const struct ab_block *block, bool in_kernel)
{
	double duration = block->generator.duration_ns;
	unsigned int gates = 0;

	if (block->generator.late_p99_ns > LATENESS_LIMIT_NS)
		gates |= AB_GATE_LATENESS;
	if (block->steal_ns > STEAL_LIMIT * duration)
		gates |= AB_GATE_STEAL;
	if (block->generator.wait_ns > WAIT_LIMIT * duration ||
	    (!in_kernel && block->responder.wait_ns > WAIT_LIMIT * duration))
		gates |= AB_GATE_PREEMPTED;
	if (!block->generator.received)
		gates |= AB_GATE_SILENT;
	return gates;
}

/*
 * CPU time per answer of a block that was metered: the process' own, without what it did for the
 * generator's side in softirqs, and the kernel's for it on the generator's CPU.
 */
static void count_cost(struct run *run, struct ab_arm *arm, struct ab_block *block,
                       const struct softirq_time *within, const struct softirq_time *sending)
{
	double answers =
		arm->type->in_kernel ? block->generator.received : block->responder.answered;
	uint64_t own = block->responder.cpu_ns;

	if (!answers)
		return;
	own -= within->within_ns < own ? within->within_ns : own;
	block->kernel_ns = sending->within_ns + sending->outside_ns;
	block->metric[AB_CPU] = (own + block->kernel_ns) / answers;
	arm->responder_cpu_ns += own / answers / COST_ROUNDS;
	arm->kernel_cpu_ns += block->kernel_ns / answers / COST_ROUNDS;
}

static struct softirq_time softirq_since(struct run *run, int cpu,
                                         const struct softirq_time *before)
{
	struct softirq_time now = softirq_meter_read(run->meter, cpu);

	return (struct softirq_time){ now.within_ns - before->within_ns,
		                      now.outside_ns - before->outside_ns };
}

/* At most *@left of @count, which it takes off there. */
static uint64_t take(uint64_t *left, uint64_t count)
{
	if (count > *left)
		count = *left;
	*left -= count;
	return count;
}

/*
 * Where the requests of a block were lost. Counters may hold more than that (stale frames are
 * dropped too), never less; what no counter claims was lost where nobody counts: on the link.
 */
static void count_lost(const struct path_type *type, const struct ab_block *block,
                       uint64_t requests, struct ab_lost *lost)
{
	const struct generator_counts *generator = &block->generator;
	const struct responder_counts *responder = &block->responder;
	uint64_t left = requests - generator->received, full;

	lost->generator += take(&left, generator->not_sent);
	full = take(&left, responder->path.ring_drops);
	*(type->raw ? &lost->ring : &lost->socket) += full;
	lost->responder += take(&left, responder->received - responder->answered +
	                                       responder->path.send_failures);
	lost->generator += take(&left, generator->wire_drops);
	lost->nic += left;
}

/* Adds the block to the sums of its arm, if it is valid. */
static void add_block(struct run *run, struct ab_arm *arm, const struct ab_block *block)
{
	size_t n = run->options->traffic->n_requests;

	arm->blocks++;
	if (block->gates) {
		arm->rejected++;
		return;
	}
	arm->requests += n;
	arm->sent += block->generator.sent;
	arm->received += block->generator.received;
	count_lost(arm->type, block, n, &arm->lost);
	for (size_t i = 0; i < n && run->generator.latency_ns[i] != GENERATOR_LOST; i++)
		histogram_record(&arm->latency, run->generator.latency_ns[i], 1);
}

static int run_block(struct run *run, struct arm *arm, uint16_t epoch, struct ab_block *block)
{
	uint64_t steal_before = steal_ns();
	int err = responder_begin(&arm->responder, epoch), end_err;

	*block = (struct ab_block){};
	if (err)
		return err;
	set_priority(arm->responder.pid, true);
	set_priority(0, true);
	err = generator_run(&run->generator, arm->wire, epoch, GRACE_NS, &block->generator);
	set_priority(0, false);
	set_priority(arm->responder.pid, false);
	end_err = responder_end(&arm->responder, &block->responder);
	if (err || end_err)
		return err ? err : end_err;
	block->steal_ns = steal_ns() - steal_before;
	count_block(run, block);
	block->gates = gates_failed(block, arm->result->type->in_kernel);
	return 0;
}

/* ---- Rounds ------------------------------------------------------------------------------- */

/* As run_block, with the meter attached. */
static int run_metered_block(struct run *run, struct arm *arm, uint16_t epoch,
                             struct ab_block *block)
{
	const struct ab_options *options = run->options;
	struct softirq_time within, sending;
	int err;

	softirq_meter_set_process(run->meter, arm->responder.pid);
	within = softirq_meter_read(run->meter, options->responder_cpu);
	sending = softirq_meter_read(run->meter, options->generator_cpu);
	err = run_block(run, arm, epoch, block);
	if (err)
		return err;
	within = softirq_since(run, options->responder_cpu, &within);
	sending = softirq_since(run, options->generator_cpu, &sending);
	count_cost(run, arm->result, block, &within, &sending);
	return 0;
}

/*
 * One block of each of @n arms, in random order, all with the same bytes. @counts: they are added
 * to their arms' sums.
 */
static int run_round(struct run *run, const unsigned int *arms, size_t n, struct ab_block *blocks,
                     bool counts, char *why, size_t why_size)
{
	unsigned int order[AB_ARMS_MAX];

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	paired_order_shuffle(&run->order, order, n);
	run->epoch++;
	for (size_t i = 0; i < n; i++) {
		struct arm *arm = &run->arm[arms[order[i]]];
		const char *name = arm->result->type->name;
		int err;

		if (run->options->progress &&
		    !run->options->progress(run->options->context, run->done, run->all, name))
			return sentence(why, why_size, -EINTR, "interrupted");
		/* The same arm twice in a round must not take the other's late frames for its own.
		 */
		run->epoch += n > 1 && arms[0] == arms[1] ? 1 : 0;
		if (run->meter)
			err = run_metered_block(run, arm, run->epoch, &blocks[order[i]]);
		else
			err = run_block(run, arm, run->epoch, &blocks[order[i]]);
		if (!err && counts)
			add_block(run, arm->result, &blocks[order[i]]);
		if (err)
			return sentence(why, why_size, err,
			                "path %s failed while it was measured: %s", name,
			                strerror(-err));
		run->done++;
	}
	return 0;
}

static size_t live_arms(const struct run *run, unsigned int *arms)
{
	size_t n = 0;

	for (size_t i = 0; i < run->result->n_arms; i++)
		if (!run->result->arm[i].skipped)
			arms[n++] = i;
	return n;
}

/*
 * Rounds that measure CPU time only. Its figures stand with those of the first rounds: what is
 * paired comes from one round. Where the meter cannot attach, CPU time is not known.
 */
static int run_cost_rounds(struct run *run, const unsigned int *arms, size_t n, char *why,
                           size_t why_size)
{
	const unsigned int same[] = { 0, 0 };
	struct ab_result *result = run->result;
	struct ab_block blocks[AB_ARMS_MAX];
	int err = 0;

	if (softirq_meter_start(&run->meter, result->no_cost_why, sizeof(result->no_cost_why)))
		return 0;
	for (size_t i = 0; i < COST_ROUNDS && !err; i++) {
		err = run_round(run, same, 2, blocks, false, why, why_size);
		for (size_t j = 0; j < 2 && !err; j++)
			result->same[j * result->rounds + i].metric[AB_CPU] =
				blocks[j].metric[AB_CPU];
	}
	result->arm[0].responder_cpu_ns = result->arm[0].kernel_cpu_ns = 0;
	for (size_t i = 0; i < COST_ROUNDS && !err; i++) {
		err = run_round(run, arms, n, blocks, false, why, why_size);
		for (size_t j = 0; j < n && !err; j++)
			result->block[arms[j] * result->rounds + i].metric[AB_CPU] =
				blocks[j].metric[AB_CPU];
	}
	softirq_meter_stop(run->meter);
	run->meter = NULL;
	return err;
}

static int run_rounds(struct run *run, char *why, size_t why_size)
{
	struct ab_result *result = run->result;
	const unsigned int same[] = { 0, 0 };
	unsigned int arms[AB_ARMS_MAX];
	size_t n = live_arms(run, arms), rounds = result->rounds;
	struct ab_block blocks[AB_ARMS_MAX];
	int err = 0;

	run->all = (WARM_UP_BLOCKS + rounds + COST_ROUNDS) * n + 2 * (rounds + COST_ROUNDS);
	for (size_t i = 0; i < WARM_UP_BLOCKS && !err; i++)
		err = run_round(run, arms, n, blocks, false, why, why_size);
	for (size_t i = 0; i < rounds && !err; i++) {
		err = run_round(run, same, 2, blocks, false, why, why_size);
		for (size_t j = 0; j < 2 && !err; j++)
			result->same[j * rounds + i] = blocks[j];
	}
	for (size_t i = 0; i < rounds && !err; i++) {
		err = run_round(run, arms, n, blocks, true, why, why_size);
		for (size_t j = 0; j < n && !err; j++)
			result->block[arms[j] * rounds + i] = blocks[j];
	}
	return err ? err : run_cost_rounds(run, arms, n, why, why_size);
}

/* ---- The run ------------------------------------------------------------------------------ */

static int name_arms(struct ab_result *result, const struct ab_options *options, char *why,
                     size_t why_size)
{
	const char *name = options->baseline;

	for (size_t i = 0; name; name = options->paths[i++]) {
		const struct path_type *type = path_by_name(name);

		if (!type)
			return sentence(why, why_size, -EINVAL, "there is no path '%s'", name);
		if (result->n_arms == AB_ARMS_MAX)
			return sentence(why, why_size, -E2BIG, "more than %d paths", AB_ARMS_MAX);
		result->arm[result->n_arms++].type = type;
	}
	return 0;
}

static int allocate(struct ab_result *result, const struct ab_options *options)
{
	result->rounds = options->rounds;
	result->block = calloc(result->n_arms * result->rounds, sizeof(*result->block));
	result->same = calloc(2 * result->rounds, sizeof(*result->same));
	for (size_t i = 0; i < result->n_arms; i++)
		if (histogram_init(&result->arm[i].latency, HISTOGRAM_HIGHEST_DEFAULT_NS,
		                   HISTOGRAM_DIGITS_DEFAULT))
			return -ENOMEM;
	return result->block && result->same ? 0 : -ENOMEM;
}

static int pin(int cpu, char *why, size_t why_size)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return sentence(why, why_size, -errno, "cannot run the generator on CPU %d: %s",
		                cpu, strerror(errno));
	return 0;
}

static int run_all(struct run *run, char *why, size_t why_size)
{
	const struct ab_options *options = run->options;
	struct ab_result *result = run->result;
	int err = generator_init(&run->generator, options->wire, options->traffic);

	if (err)
		return sentence(why, why_size, err, "out of memory");
	run->generator.ping_pong = options->ping_pong;
	err = pin(options->generator_cpu, why, why_size);
	if (!err)
		err = open_arms(run, why, why_size);
	if (!err)
		err = run_rounds(run, why, why_size);
	for (size_t i = 0; i < result->n_arms; i++)
		close_arm(run, &run->arm[i]);
	generator_free(&run->generator);
	return err;
}

int ab_run(const struct ab_options *options, struct ab_result *ret, char *why, size_t why_size)
{
	struct run *run = calloc(1, sizeof(*run));
	uint64_t start_ns = monotonic_ns();
	cpu_set_t affinity;
	int err;

	*ret = (struct ab_result){ .seed = options->seed,
		                   .confidence = options->confidence,
		                   .wire = options->wire->name };
	if (!run)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	*run = (struct run){ .options = options, .result = ret, .home = link_here() };
	sched_getaffinity(0, sizeof(affinity), &affinity);
	paired_order_init(&run->order, options->seed);
	err = name_arms(ret, options, why, why_size);
	if (!err)
		err = allocate(ret, options);
	if (!err)
		err = run_all(run, why, why_size);
	sched_setaffinity(0, sizeof(affinity), &affinity);
	close(run->home);
	free(run);
	ret->seconds = (monotonic_ns() - start_ns) / 1e9;
	if (!err)
		err = ab_judge(ret, options->policy);
	return err;
}

void ab_result_free(struct ab_result *result)
{
	for (size_t i = 0; i < result->n_arms; i++)
		histogram_destroy(&result->arm[i].latency);
	free(result->block);
	free(result->same);
	free(result->comparison);
	*result = (struct ab_result){};
}
