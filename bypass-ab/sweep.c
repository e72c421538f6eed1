// SPDX-License-Identifier: GPL-2.0
#include "sweep.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arm.h"
#include "nursery.h"
#include "ports.h"
#include "sentence.h"
#include "sort.h"

#define LOWEST_PPS    1000
#define HIGHEST_PPS   4e6
#define RESOLUTION    1.03 /* ratio of the last two rates */
#define TRIAL_SECONDS 0.25
#define TRIAL_LEAST   2000 /* requests */
#define TRIAL_REPEATS 2    /* of one that has lost */
#define POINT_BLOCKS  3
#define POINT_TRIES   12   /* for so many valid ones */
#define LATE_LIMIT    0.01 /* the generator has fallen behind by this share of the trial */
#define BACKLOG_LIMIT 0.03 /* of the trial is not answered at its end: the queue grows */
#define KNEE_RATIO    2

static const double loads[SWEEP_LOADS] = { 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 1 };

struct sweep {
	const struct ab_options *options;
	struct arm arm;
	struct generator generator;
	double own_pps; /* rate of the traffic as it stands */
	uint16_t epoch;
	int home;
};

enum outcome { CLEAN, LOSSY, TOO_SLOW };

/* Sets the generator to @rate_pps, with as many requests as a trial has. */
static void set_rate(struct sweep *sweep, double rate_pps)
{
	struct generator *generator = &sweep->generator;
	size_t wanted = rate_pps * TRIAL_SECONDS, all = sweep->options->traffic->n_requests;

	if (wanted < TRIAL_LEAST)
		wanted = TRIAL_LEAST;
	generator->n_requests = wanted < all ? wanted : all;
	generator->stretch = sweep->own_pps / rate_pps;
}

/* What was not sent over TCP, the responder has left no room for. */
static enum outcome judge(const struct sweep *sweep, double rate_pps, const struct ab_block *block)
{
	const struct generator_counts *counts = &block->generator;
	size_t n = sweep->generator.n_requests;
	uint64_t limit_ns = n / rate_pps * 1e9 * LATE_LIMIT;

	if (counts->late_p50_ns > limit_ns)
		return TOO_SLOW;
	if (counts->not_sent || counts->wire_drops)
		return sweep->options->wire->reliable ? LOSSY : TOO_SLOW;
	return counts->backlog > BACKLOG_LIMIT * n || counts->received < n ? LOSSY : CLEAN;
}

/* What is still on its way over TCP would come before the next trial: on new connections it goes.
 */
static int renew(struct sweep *sweep)
{
	struct ab_arm *result = sweep->arm.result;
	char why[256];

	arm_close(&sweep->arm);
	return arm_open(&sweep->arm, result, sweep->options, sweep->home, why, sizeof(why));
}

/* One block at @rate_pps; a negative errno, or an enum outcome. */
static int try_block(struct sweep *sweep, double rate_pps, struct ab_block *block)
{
	enum outcome outcome;
	int err;

	set_rate(sweep, rate_pps);
	err = arm_run_block(&sweep->arm, &sweep->generator, ++sweep->epoch, block);
	if (err)
		return err;
	outcome = judge(sweep, rate_pps, block);
	if (outcome != CLEAN && sweep->options->tcp)
		err = renew(sweep);
	return err ? err : (int)outcome;
}

/* A trial: what was lost once must be lost again to count, and so with being late. */
static int try_rate(struct sweep *sweep, struct sweep_arm *result, double rate_pps)
{
	struct ab_block block;
	int outcome = LOSSY;

	for (int i = 0; i <= TRIAL_REPEATS && outcome > CLEAN; i++) {
		outcome = try_block(sweep, rate_pps, &block);
		result->trials++;
	}
	return outcome;
}

static int find_highest(struct sweep *sweep, struct sweep_arm *result)
{
	double low = LOWEST_PPS, high = HIGHEST_PPS;
	int outcome = try_rate(sweep, result, low);

	if (outcome != CLEAN)
		return outcome < 0 ? outcome : 0;
	while (high / low > RESOLUTION) {
		double middle = sqrt(low * high);

		outcome = try_rate(sweep, result, middle);
		if (outcome < 0)
			return outcome;
		if (outcome == CLEAN)
			low = middle;
		else
			high = middle;
		if (outcome != CLEAN)
			result->generator_limited = outcome == TOO_SLOW;
	}
	result->lossless_pps = low;
	return 0;
}

static double median(double *values, size_t n)
{
	if (!n)
		return NAN;
	sort_reals(values, n);
	return values[n / 2];
}

/* Does the block count? A late generator shows in its rate, which has been judged. */
static bool is_valid(enum outcome outcome, const struct ab_block *block, struct sweep_point *point)
{
	unsigned int gates = outcome == TOO_SLOW ? AB_GATE_LATENESS
	                                         : block->gates & ~(unsigned int)AB_GATE_LATENESS;

	point->gates |= gates;
	point->rejected += gates != 0;
	return !gates;
}

static int measure_point(struct sweep *sweep, double load, double rate_pps,
                         struct sweep_point *point)
{
	double p50[POINT_BLOCKS], p99[POINT_BLOCKS], lost = 0, requests = 0;

	*point = (struct sweep_point){ .load = load, .rate_pps = rate_pps };
	for (int i = 0; i < POINT_TRIES && point->blocks < POINT_BLOCKS; i++) {
		struct ab_block block;
		int outcome = try_block(sweep, rate_pps, &block);

		if (outcome < 0)
			return outcome;
		requests += sweep->generator.n_requests;
		lost += sweep->generator.n_requests - block.generator.received;
		if (!is_valid(outcome, &block, point))
			continue;
		p50[point->blocks] = block.metric[AB_P50];
		p99[point->blocks++] = block.metric[AB_P99];
	}
	point->p50_ns = median(p50, point->blocks);
	point->p99_ns = median(p99, point->blocks);
	point->loss = lost / requests;
	return 0;
}

static size_t find_knee(const struct sweep_arm *arm)
{
	size_t knee = 0;

	if (!isfinite(arm->point[0].p99_ns))
		return SWEEP_LOADS;
	for (size_t i = 1; i < SWEEP_LOADS; i++) {
		if (isnan(arm->point[i].p99_ns))
			continue;
		if (arm->point[i].p99_ns > KNEE_RATIO * arm->point[0].p99_ns)
			break;
		knee = i;
	}
	return knee;
}

static int sweep_arm(struct sweep *sweep, struct sweep_arm *result)
{
	int err = find_highest(sweep, result);

	for (size_t i = 0; i < SWEEP_LOADS && !err && result->lossless_pps; i++)
		err = measure_point(sweep, loads[i], loads[i] * result->lossless_pps,
		                    &result->point[i]);
	result->knee = find_knee(result);
	return err;
}

/* If it has, or its host, that is the reason, whatever came of it. */
static bool port_has_vanished(const struct sweep *sweep, char *why, size_t why_size)
{
	char found[256];
	int err;

	if (!sweep->options->ports)
		return false;
	err = ports_check(sweep->options->ports, found, sizeof(found));
	if (!err || err == -ENOLINK)
		return false;
	sentence(why, why_size, 0, "%s", found);
	return true;
}

/* Each path alone: the others' processes are not there. */
static int sweep_path(struct sweep *sweep, struct sweep_arm *result, bool must_run, char *why,
                      size_t why_size)
{
	struct ab_arm unused = { .type = result->type };
	int err = arm_open(&sweep->arm, &unused, sweep->options, sweep->home, result->why,
	                   sizeof(result->why));

	if (!err) {
		err = sweep_arm(sweep, result);
		if (err)
			sentence(result->why, sizeof(result->why), err, "it failed: %s",
			         strerror(-err));
	} else if (err == -EOPNOTSUPP && !must_run) {
		result->skipped = true;
		err = 0;
	}
	arm_close(&sweep->arm);
	if (!err)
		return 0;
	sentence(why, why_size, err, "path %s: %s", result->type->name, result->why);
	return port_has_vanished(sweep, why, why_size) ? -ENODEV : err;
}

static double rate_of(const struct traffic *traffic)
{
	return (traffic->n_requests - 1) / (traffic_duration_ns(traffic) / 1e9);
}

static int name_arms(const struct ab_options *options, struct sweep_result *ret, char *why,
                     size_t why_size)
{
	const char *name = options->baseline;

	for (size_t i = 0; name && ret->n_arms < AB_ARMS_MAX; name = options->paths[i++]) {
		const struct path_type *type = path_by_name(name);

		if (!type)
			return sentence(why, why_size, -EINVAL, "there is no path '%s'", name);
		ret->arm[ret->n_arms++].type = type;
	}
	return 0;
}

/* Those in memory, or the others; *done counts them. */
static int sweep_some(struct sweep *sweep, struct sweep_result *ret, bool in_memory, size_t *done,
                      char *why, size_t why_size)
{
	const struct ab_options *options = sweep->options;
	int err = 0;

	for (size_t i = 0; i < ret->n_arms && !err; i++) {
		const struct path_type *type = ret->arm[i].type;

		if (type->in_memory != in_memory)
			continue;
		if (options->progress &&
		    !options->progress(options->context, (*done)++, ret->n_arms, type->name))
			return sentence(why, why_size, -EINTR, "interrupted");
		err = sweep_path(sweep, &ret->arm[i], i == 0, why, why_size);
	}
	return err;
}

/* Those in memory last: what is forked after them cannot start a DPDK of its own (ab.c). */
static int sweep_all(struct sweep *sweep, struct sweep_result *ret, char *why, size_t why_size)
{
	size_t done = 0;
	int err = sweep_some(sweep, ret, false, &done, why, why_size);

	return err ? err : sweep_some(sweep, ret, true, &done, why, why_size);
}

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int sweep_run(const struct ab_options *options, struct sweep_result *ret, char *why,
              size_t why_size)
{
	struct sweep sweep = { .options = options, .own_pps = rate_of(options->traffic) };
	double start = now_seconds();
	cpu_set_t before, own;
	int err;

	*ret = (struct sweep_result){ .wire = options->wire->name,
		                      .lowest_pps = LOWEST_PPS,
		                      .highest_pps = HIGHEST_PPS };
	sched_getaffinity(0, sizeof(before), &before);
	CPU_ZERO(&own);
	CPU_SET(options->generator_cpu, &own);
	err = name_arms(options, ret, why, why_size);
	if (err)
		return err;
	if (sched_setaffinity(0, sizeof(own), &own))
		return sentence(why, why_size, -errno, "cannot run the generator on CPU %d: %s",
		                options->generator_cpu, strerror(errno));
	err = generator_init(&sweep.generator, options->wire, options->traffic);
	if (err)
		sentence(why, why_size, err, "out of memory");
	sweep.generator.stop = options->interrupted;
	sweep.home = link_here();
	if (!err && options->wire->starts_dpdk)
		err = nursery_start(why, why_size);
	if (!err)
		err = sweep_all(&sweep, ret, why, why_size);
	nursery_stop();
	generator_free(&sweep.generator);
	close(sweep.home);
	sched_setaffinity(0, sizeof(before), &before);
	ret->seconds = now_seconds() - start;
	return err;
}
