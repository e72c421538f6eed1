// SPDX-License-Identifier: GPL-2.0
/*
 * All arms stay alive for the whole run, each on a link of its own; a block wakes one of them. So
 * what a path needs to start is not in any figure, and drifts of the host meet all arms alike.
 * On the ports of a plan there is one link, and an arm is opened for each of its blocks.
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

#include "arm.h"
#include "core_distance.h"
#include "cores.h"
#include "link.h"
#include "metered.h"
#include "nursery.h"
#include "ports.h"
#include "paired.h"
#include "sentence.h"

#define WARM_UP_BLOCKS 2           /* of each arm, which do not count */
#define TWIN           AB_ARMS_MAX /* index of the baseline's second instance, for A/A */
#define SETTLING_EPOCH 0x8000      /* another one than that of any block nearby */
#define COST_ROUNDS    12 /* with the meter of softirqs: enough to judge all paths at once */
/* Where the time of the run decides. With 20 pairs 95 % intervals stand on ranks 6 and 15. */
#define ROUNDS_LEAST  20
#define ROUNDS_MOST   400
#define PING_NS       50000     /* a guess */
#define BLOCK_EXTRA   1.12      /* what a block takes beside its requests: the rest after it, and */
#define BLOCK_EDGE_NS 4000000   /* starting and stopping it */
#define TURN_NS       250000000 /* opening and closing an arm for it, and its settling block */
#define REBIND_NS     8000000000.0 /* a NIC to user space and back, with its link: a guess */
#define SHORT_BLOCK   2000         /* requests of blocks that are for CPU time, or to warm up */
#define UNPACED_SHARE 0.05 /* of the A/A blocks: more of them, and it has no core of its own */

struct run {
	const struct ab_options *options;
	struct ab_result *result;
	struct arm arm[AB_ARMS_MAX + 1];
	struct ab_arm twin; /* result of arm[TWIN], of no interest */
	struct generator generator;
	struct histogram lateness, own_lateness; /* of the generator, in all blocks that count */
	struct paired_order order;
	struct metered metered;
	uint16_t epoch;
	size_t done, all;
	int home; /* the namespace to come back to */
};

/* Their figures are kept with those of the first rounds. */
static size_t cost_rounds(const struct run *run)
{
	return run->result->rounds < COST_ROUNDS ? run->result->rounds : COST_ROUNDS;
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* ---- Arms --------------------------------------------------------------------------------- */

/* Does the arm have its link for a block only? There is one, and the arms take turns on it. */
static bool takes_turns(const struct run *run, const struct arm *arm)
{
	return run->options->ports && !arm->result->type->in_memory;
}

/* A path that cannot run here is skipped; the baseline has to. */
static int open_one(struct run *run, size_t i, char *why, size_t why_size)
{
	struct ab_arm *result = i == TWIN ? &run->twin : &run->result->arm[i];
	struct arm *arm = &run->arm[i];
	int err = arm_open(arm, result, run->options, run->home, result->why, sizeof(result->why));

	if (err && (i == 0 || i == TWIN || err != -EOPNOTSUPP))
		return sentence(why, why_size, err, "path %s: %s", result->type->name, result->why);
	result->skipped = err;
	if (err || takes_turns(run, arm))
		arm_close(arm);
	return 0;
}

/*
 * The arms that are in memory, or all others with the baseline's twin: A/A compares two processes
 * on two links, as A/B does, since what differs between any two of them is part of the noise.
 */
static int open_arms(struct run *run, bool in_memory, char *why, size_t why_size)
{
	const struct ab_result *result = run->result;
	int err = 0;

	run->twin.type = result->arm[0].type;
	for (size_t i = 0; i < result->n_arms && !err; i++)
		if (result->arm[i].type->in_memory == in_memory)
			err = open_one(run, i, why, why_size);
	return err || in_memory ? err : open_one(run, TWIN, why, why_size);
}

/* ---- What a block adds to its arm ---------------------------------------------------------- */

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

	snprintf(arm->how, sizeof(arm->how), "%s", block->responder.path.how);
	arm->blocks++;
	if (block->gates) {
		arm->rejected++;
		return;
	}
	arm->requests += n;
	arm->sent += block->generator.sent;
	arm->received += block->generator.received;
	count_lost(arm->type, block, n, &arm->lost);
	for (size_t i = 0; i < n; i++) {
		histogram_record(&run->lateness, run->generator.lateness_ns[i], 1);
		histogram_record(&run->own_lateness, run->generator.own_lateness_ns[i], 1);
	}
	for (size_t i = 0; i < n && run->generator.latency_ns[i] != GENERATOR_LOST; i++)
		histogram_record(&arm->latency, run->generator.latency_ns[i], 1);
}

/* ---- Rounds ------------------------------------------------------------------------------- */

/* For its CPU time too. */
static int run_metered_block(struct run *run, struct arm *arm, struct ab_block *block)
{
	struct metered_cost cost;
	int err = metered_run_block(&run->metered, arm, &run->generator, run->epoch, block, &cost);

	if (err || !cost.answers)
		return err;
	arm->result->responder_cpu_ns += cost.responder_ns / cost.answers / cost_rounds(run);
	arm->result->kernel_cpu_ns += cost.kernel_ns / cost.answers / cost_rounds(run);
	return 0;
}

static int fail_arm(const struct arm *arm, int err, char *why, size_t why_size)
{
	const char *cause = err == -EPIPE       ? "its responder has ended"
	                    : err == -ETIMEDOUT ? "its responder does not answer"
	                                        : strerror(-err);

	return sentence(why, why_size, err, "path %s failed while it was measured: %s",
	                arm->result->type->name, cause);
}

/* Also of the arms whose turn may come much later. */
static int check_responders(const struct run *run, char *why, size_t why_size)
{
	for (size_t i = 0; i < run->result->n_arms; i++)
		if (run->arm[i].result && !run->arm[i].result->skipped &&
		    !takes_turns(run, &run->arm[i]) && responder_is_gone(&run->arm[i].responder))
			return fail_arm(&run->arm[i], -EPIPE, why, why_size);
	return 0;
}

/*
 * Opens the arm for its turn. What it takes to start is to be in no figure: it settles in a block
 * that does not count.
 */
static int begin_turn(struct run *run, struct arm *arm, char *why, size_t why_size)
{
	struct ab_block unused;
	int err = arm_open(arm, arm->result, run->options, run->home, why, why_size);

	if (err)
		return err;
	err = arm_run_block(arm, &run->generator, run->epoch ^ SETTLING_EPOCH, &unused);
	return err ? fail_arm(arm, err, why, why_size) : 0;
}

static int run_block(struct run *run, struct arm *arm, struct ab_block *block, char *why,
                     size_t why_size)
{
	int err = run->metered.on ? run_metered_block(run, arm, block)
	                          : arm_run_block(arm, &run->generator, run->epoch, block);

	return err ? fail_arm(arm, err, why, why_size) : 0;
}

/* If a port has vanished, that is the reason, whatever came of it. */
static int run_turn(struct run *run, struct arm *arm, struct ab_block *block, char *why,
                    size_t why_size)
{
	int err = begin_turn(run, arm, why, why_size), gone;

	if (!err)
		err = run_block(run, arm, block, why, why_size);
	arm_close(arm);
	gone = ports_settle(run->options->ports, why, why_size);
	return gone == -ENODEV || (gone && !err) ? gone : err;
}

/*
 * One block of each of @n arms, in random order, all with the same bytes. @counts: they are added
 * to their arms' sums.
 */
static int run_round(struct run *run, const unsigned int *arms, size_t n, struct ab_block *blocks,
                     bool counts, char *why, size_t why_size)
{
	unsigned int order[AB_ARMS_MAX];
	int gone = check_responders(run, why, why_size);

	if (gone)
		return gone;
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
		err = takes_turns(run, arm) ? run_turn(run, arm, &blocks[order[i]], why, why_size)
		                            : run_block(run, arm, &blocks[order[i]], why, why_size);
		if (err)
			return err;
		if (counts)
			add_block(run, arm->result, &blocks[order[i]]);
		run->done++;
	}
	return 0;
}

/* Of those in memory, or of the others. */
static size_t live_arms(const struct run *run, bool in_memory, unsigned int *arms)
{
	const struct ab_result *result = run->result;
	size_t n = 0;

	for (size_t i = 0; i < result->n_arms; i++)
		if (!result->arm[i].skipped && result->arm[i].type->in_memory == in_memory)
			arms[n++] = i;
	return n;
}

/* Means settle sooner than quantiles. */
static void set_block(struct run *run, bool is_short)
{
	size_t all = run->options->traffic->n_requests;

	run->generator.n_requests = is_short && all > SHORT_BLOCK ? SHORT_BLOCK : all;
}

static const unsigned int same_arms[] = { 0, TWIN };

static int warm_up(struct run *run, const unsigned int *arms, size_t n, bool compared, char *why,
                   size_t why_size)
{
	struct ab_block blocks[AB_ARMS_MAX];
	int err = 0;

	set_block(run, true);
	for (size_t i = 0; i < WARM_UP_BLOCKS && !err; i++) {
		err = run_round(run, arms, n, blocks, false, why, why_size);
		if (!err && compared)
			err = run_round(run, &same_arms[1], 1, blocks, false, why, why_size);
	}
	set_block(run, false);
	return err;
}

static int run_same(struct run *run, char *why, size_t why_size)
{
	struct ab_result *result = run->result;
	struct ab_block blocks[2];
	int err = 0;

	for (size_t i = 0; i < result->rounds && !err; i++) {
		err = run_round(run, same_arms, 2, blocks, false, why, why_size);
		for (size_t j = 0; j < 2 && !err; j++)
			result->same[j * result->rounds + i] = blocks[j];
	}
	return err;
}

static size_t unpaced(const struct ab_block *blocks, size_t n)
{
	size_t late = 0;

	for (size_t i = 0; i < n; i++)
		late += blocks[i].generator.own_late_p99_ns > AB_LATENESS_PACED_NS;
	return late;
}

bool ab_is_paced(const struct ab_block *blocks, size_t n)
{
	return n >= 2 * ROUNDS_LEAST && (double)unpaced(blocks, n) <= UNPACED_SHARE * (double)n;
}

/* By the A/A blocks, so before any other path has been seen. */
static void choose_lateness_limit(struct run *run)
{
	struct ab_result *result = run->result;
	struct ab_block *same = result->same;
	size_t n = 2 * result->rounds;

	if (!ab_is_paced(same, n)) {
		snprintf(result->caution[2], sizeof(result->caution[2]),
		         "%s: in %zu of %zu A/A blocks it was late by more than %d us by itself "
		         "(p99), and up to %d us count; with one, use --lateness 1us",
		         result->rounds < ROUNDS_LEAST
		                 ? "whether the generator has a core of its own takes more rounds"
		                 : "the generator has no core of its own",
		         unpaced(same, n), n, AB_LATENESS_PACED_NS / 1000,
		         AB_LATENESS_MOST_NS / 1000);
		return;
	}
	run->generator.lateness_limit_ns = AB_LATENESS_PACED_NS;
	for (size_t i = 0; i < n; i++)
		if (same[i].generator.own_late_p99_ns > AB_LATENESS_PACED_NS)
			same[i].gates |= AB_GATE_LATENESS;
}

static int run_different(struct run *run, const unsigned int *arms, size_t n, char *why,
                         size_t why_size)
{
	struct ab_result *result = run->result;
	struct ab_block blocks[AB_ARMS_MAX];
	int err = 0;

	for (size_t i = 0; i < result->rounds && !err; i++) {
		err = run_round(run, arms, n, blocks, true, why, why_size);
		for (size_t j = 0; j < n && !err; j++)
			result->block[arms[j] * result->rounds + i] = blocks[j];
	}
	return err;
}

/* Of these arms, into @figures: [arm * rounds + round]. */
static int meter_rounds(struct run *run, const unsigned int *arms, size_t n,
                        struct ab_block *const *figures, char *why, size_t why_size)
{
	struct ab_block blocks[AB_ARMS_MAX];
	int err = 0;

	for (size_t i = 0; i < cost_rounds(run) && !err; i++) {
		err = run_round(run, arms, n, blocks, false, why, why_size);
		for (size_t j = 0; j < n && !err; j++)
			figures[j][i].metric[AB_CPU] = blocks[j].metric[AB_CPU];
	}
	return err;
}

static struct remote *remote_of(const struct ab_options *options)
{
	return options->ports ? options->ports->remote : NULL;
}

/*
 * Rounds that measure CPU time only. Its figures stand with those of the first rounds: what is
 * paired comes from one round. Where the meter cannot attach, CPU time is not known.
 */
static int run_cost_rounds(struct run *run, const unsigned int *arms, size_t n, bool compared,
                           char *why, size_t why_size)
{
	struct ab_result *result = run->result;
	struct ab_block *const same[] = { result->same, result->same + result->rounds };
	struct ab_block *different[AB_ARMS_MAX];
	int err = metered_start(&run->metered, run->options, remote_of(run->options),
	                        result->no_cost_why, sizeof(result->no_cost_why));

	if (err == -EPIPE || err == -ETIMEDOUT) /* the other host is gone */
		return sentence(why, why_size, err, "%s", result->no_cost_why);
	if (err)
		return 0;
	set_block(run, true);
	for (size_t i = 0; i < n; i++)
		different[i] = result->block + arms[i] * result->rounds;
	if (compared) {
		err = meter_rounds(run, same_arms, 2, same, why, why_size);
		result->arm[0].responder_cpu_ns = result->arm[0].kernel_cpu_ns = 0;
	}
	if (!err)
		err = meter_rounds(run, arms, n, different, why, why_size);
	metered_stop(&run->metered);
	return err;
}

/* Those in memory are compared with nothing, and need no twin. */
static int run_rounds(struct run *run, bool in_memory, char *why, size_t why_size)
{
	unsigned int arms[AB_ARMS_MAX];
	size_t n = live_arms(run, in_memory, arms);
	int err;

	if (!n)
		return 0;
	err = warm_up(run, arms, n, !in_memory, why, why_size);
	if (!err && !in_memory)
		err = run_same(run, why, why_size);
	if (!err && !in_memory && !run->options->lateness_limit_ns)
		choose_lateness_limit(run);
	if (!err)
		err = run_different(run, arms, n, why, why_size);
	return err ? err : run_cost_rounds(run, arms, n, !in_memory, why, why_size);
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

static double block_ns(const struct ab_options *options, size_t n_requests)
{
	double share = (double)n_requests / (double)options->traffic->n_requests;
	double traffic_ns = options->ping_pong ? (double)options->traffic->n_requests * PING_NS
	                                       : (double)traffic_duration_ns(options->traffic);

	return BLOCK_EXTRA * share * traffic_ns + BLOCK_EDGE_NS +
	       (options->ports ? TURN_NS + BLOCK_EXTRA * traffic_ns : 0);
}

/* Those in memory are opened later, and may be skipped then. */
static size_t arms_in_all(const struct ab_result *result)
{
	size_t n = 0;

	for (size_t i = 0; i < result->n_arms; i++)
		n += !result->arm[i].skipped;
	return n;
}

/* Of the arms that take the NIC from the kernel, in a round; and to give it back. */
static double rebind_ns(const struct ab_result *result)
{
	double ns = 0;

	for (size_t i = 0; i < result->n_arms; i++)
		if (!result->arm[i].skipped && result->arm[i].type->takes_nic)
			ns += REBIND_NS;
	return ns;
}

/* As many as there is time for, beside those of CPU time. It depends on nothing but the options. */
static size_t rounds_within(const struct ab_options *options, const struct ab_result *result)
{
	size_t all = options->traffic->n_requests, n = arms_in_all(result) + 2;
	double cost_ns = (double)((COST_ROUNDS + WARM_UP_BLOCKS) * n) *
	                 (block_ns(options, all < SHORT_BLOCK ? all : SHORT_BLOCK) +
	                  rebind_ns(result) / (double)n);
	double round_ns = (double)n * block_ns(options, all) + rebind_ns(result);
	double rounds = ((double)options->time_ns - cost_ns) / round_ns;

	return rounds < ROUNDS_LEAST ? ROUNDS_LEAST : rounds > ROUNDS_MOST ? ROUNDS_MOST : rounds;
}

static int allocate_blocks(struct run *run)
{
	struct ab_result *result = run->result;
	const struct ab_options *options = run->options;

	result->rounds = options->rounds ? options->rounds : rounds_within(options, result);
	result->block = calloc(result->n_arms * result->rounds, sizeof(*result->block));
	result->same = calloc(2 * result->rounds, sizeof(*result->same));
	return result->block && result->same ? 0 : -ENOMEM;
}

static int allocate_histograms(struct ab_result *result)
{
	for (size_t i = 0; i < result->n_arms; i++)
		if (histogram_init(&result->arm[i].latency, HISTOGRAM_HIGHEST_DEFAULT_NS,
		                   HISTOGRAM_DIGITS_DEFAULT))
			return -ENOMEM;
	return 0;
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

static size_t blocks_in_all(const struct run *run)
{
	size_t rounds = run->result->rounds + cost_rounds(run);

	return (WARM_UP_BLOCKS + rounds) * arms_in_all(run->result) + WARM_UP_BLOCKS + 2 * rounds;
}

/*
 * Those in memory last: with them DPDK starts in this process, and what is forked from it then
 * cannot start a DPDK of its own.
 */
static int run_arms(struct run *run, char *why, size_t why_size)
{
	int err = open_arms(run, false, why, why_size);

	if (!err && allocate_blocks(run))
		err = sentence(why, why_size, -ENOMEM, "out of memory");
	run->all = blocks_in_all(run);
	if (!err)
		err = run_rounds(run, false, why, why_size);
	if (!err)
		err = open_arms(run, true, why, why_size);
	return err ? err : run_rounds(run, true, why, why_size);
}

/* The kernel's paths have lost what somebody has tuned, from before the first block on. */
static void complain_of_rebinding(struct run *run)
{
	const struct ab_result *result = run->result;

	for (size_t i = 0; i < result->n_arms; i++)
		if (result->arm[i].type->takes_nic && !result->arm[i].skipped)
			snprintf(run->result->caution[3], sizeof(run->result->caution[3]),
			         "%s takes the responder's NIC from the kernel and gives it back: "
			         "the other paths run with its driver's defaults (coalescing, "
			         "rings, offloads, CPUs of interrupts)",
			         result->arm[i].type->name);
}

static int run_all(struct run *run, char *why, size_t why_size)
{
	const struct ab_options *options = run->options;
	struct ab_result *result = run->result;
	int err = generator_init(&run->generator, options->wire, options->traffic);

	if (!err)
		err = histogram_init(&run->lateness, HISTOGRAM_HIGHEST_DEFAULT_NS,
		                     HISTOGRAM_DIGITS_DEFAULT);
	if (!err)
		err = histogram_init(&run->own_lateness, HISTOGRAM_HIGHEST_DEFAULT_NS,
		                     HISTOGRAM_DIGITS_DEFAULT);
	if (err)
		return sentence(why, why_size, err, "out of memory");
	run->generator.ping_pong = options->ping_pong;
	run->generator.stop = options->interrupted;
	run->generator.lateness_limit_ns =
		options->lateness_limit_ns ? options->lateness_limit_ns : AB_LATENESS_MOST_NS;
	err = pin(options->generator_cpu, why, why_size);
	if (!err && !remote_of(options))
		result->core_distance_start_ns = core_distance_ns(options->responder_cpu);
	if (!err)
		err = run_arms(run, why, why_size);
	for (size_t i = 0; i < result->n_arms; i++)
		arm_close(&run->arm[i]);
	arm_close(&run->arm[TWIN]);
	if (!err && !remote_of(options))
		result->core_distance_end_ns = core_distance_ns(options->responder_cpu);
	cores_complain_of_distance(result->core_distance_start_ns, result->core_distance_end_ns,
	                           result->caution[1], sizeof(result->caution[1]));
	complain_of_rebinding(run);
	result->lateness_p50_ns = histogram_percentile(&run->lateness, 50);
	result->lateness_p99_ns = histogram_percentile(&run->lateness, 99);
	result->own_lateness_p99_ns = histogram_percentile(&run->own_lateness, 99);
	result->lateness_limit_ns = run->generator.lateness_limit_ns;
	histogram_destroy(&run->lateness);
	histogram_destroy(&run->own_lateness);
	generator_free(&run->generator);
	return err;
}

/* Of two hosts, nothing is known of how far their CPUs are from each other. */
static void complain_of_cores(struct ab_result *result, const struct ab_options *options)
{
	const size_t size = sizeof(result->caution[0]);

	if (!remote_of(options)) {
		cores_complain(options->generator_cpu, options->responder_cpu, result->caution[0],
		               size);
		return;
	}
	cores_complain_of_one(options->generator_cpu, "generator", result->caution[0], size);
	snprintf(result->caution[1], size, "%s", result->link.remote.caution);
}

struct ab_link ab_link_of(const struct ab_options *options)
{
	struct ab_link link = { .own = !options->ports };

	snprintf(link.driver, sizeof(link.driver), "%s",
	         options->ports ? options->ports->responder.driver : "veth");
	if (remote_of(options))
		link.remote = *remote_host(remote_of(options));
	return link;
}

int ab_run(const struct ab_options *options, struct ab_result *ret, char *why, size_t why_size)
{
	struct run *run = calloc(1, sizeof(*run));
	uint64_t start_ns = monotonic_ns();
	cpu_set_t affinity;
	int err;

	*ret = (struct ab_result){ .seed = options->seed,
		                   .confidence = options->confidence,
		                   .tcp = options->tcp,
		                   .wire = options->wire->name,
		                   .link = ab_link_of(options) };
	if (!run)
		return sentence(why, why_size, -ENOMEM, "out of memory");
	*run = (struct run){ .options = options, .result = ret, .home = link_here() };
	sched_getaffinity(0, sizeof(affinity), &affinity);
	complain_of_cores(ret, options);
	paired_order_init(&run->order, options->seed);
	err = name_arms(ret, options, why, why_size);
	if (!err)
		err = allocate_histograms(ret);
	if (!err && options->wire->starts_dpdk)
		err = nursery_start(why, why_size);
	if (!err)
		err = run_all(run, why, why_size);
	nursery_stop();
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
