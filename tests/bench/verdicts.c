// SPDX-License-Identifier: GPL-2.0
/*
 * How often is a verdict of ktax ab wrong, and how often does it miss? Each run compares a path
 *with
 *
 *	equal    itself: better or worse in any figure is false
 *	tail     itself, waiting in 2 % of the requests so that the p99 is 30 % up
 *	median   itself, waiting in every request so that the p50 is 15 % up
 *
 * The waits are chosen from a first run's p50 and p99. The paths are this program's own: it has its
 * own table of them, so that nothing of this is in ktax.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ab.h"
#include "kernel.h"
#include "wire.h"

enum arm { EQUAL = 1, TAIL, MEDIAN };

static uint64_t tail_wait_ns, median_wait_ns; /* inherited by the responders */

/* ---- Paths ----------------------------------------------------------------------------------- */

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void spin(uint64_t ns)
{
	uint64_t until = monotonic_ns() + ns;

	while (monotonic_ns() < until)
		;
}

/* Every 50th by a hash of its number, so that they come as irregularly as the rest. */
static bool is_slow(const struct path_message *message)
{
	const struct frame_mark *mark = frame_payload_mark(message->payload, message->size);

	return mark && (frame_mark_id(mark) * 2654435761u >> 8) % 50 == 0;
}

static int send_with_tail(struct path *path, const struct path_message *messages, unsigned int n)
{
	int err = 0;

	for (unsigned int i = 0; i < n && !err; i++) {
		if (is_slow(&messages[i]))
			spin(tail_wait_ns);
		err = path_kernel_spin.send(path, &messages[i], 1);
	}
	return err;
}

static int send_later(struct path *path, const struct path_message *messages, unsigned int n)
{
	int err = 0;

	for (unsigned int i = 0; i < n && !err; i++) {
		spin(median_wait_ns);
		err = path_kernel_spin.send(path, &messages[i], 1);
	}
	return err;
}

static struct path_type equal, tail, median;

const struct path_type *const path_types[] = { &path_kernel_spin, &equal, &tail, &median, NULL };

const struct path_type *path_by_name(const char *name)
{
	for (size_t i = 0; path_types[i]; i++)
		if (!strcmp(path_types[i]->name, name))
			return path_types[i];
	return NULL;
}

static void make_paths(void)
{
	equal = tail = median = path_kernel_spin;
	equal.name = "equal";
	tail.name = "tail";
	tail.send = send_with_tail;
	median.name = "median";
	median.send = send_later;
}

/* ---- Runs ------------------------------------------------------------------------------------ */

struct tally {
	unsigned int runs, wrong, tail_found, median_found;
};

static int run(const struct traffic *traffic, const struct wire_type *wire, size_t rounds,
               uint64_t seed, const char *const *paths, struct ab_result *result)
{
	struct ab_options options = {
		.baseline = "kernel-spin",
		.paths = paths,
		.traffic = traffic,
		.policy = &policy_default,
		.rounds = rounds,
		.confidence = policy_default.confidence,
		.seed = seed,
		.wire = wire,
		.generator_cpu = 0,
		.responder_cpu = 1,
	};
	char why[512];
	int err = ab_run(&options, result, why, sizeof(why));

	if (err)
		fprintf(stderr, "verdicts: %s\n", why);
	return err;
}

static double median_of(const struct ab_result *result, enum ab_metric metric)
{
	double values[256];
	size_t n = 0;

	for (size_t i = 0; i < result->rounds && n < 256; i++)
		if (!result->block[i].gates && isfinite(result->block[i].metric[metric]))
			values[n++] = result->block[i].metric[metric];
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j && values[j] < values[j - 1]; j--) {
			double value = values[j];

			values[j] = values[j - 1];
			values[j - 1] = value;
		}
	return n ? values[n / 2] : NAN;
}

/*
 * Half of the slow 2 % are to be above 1.3 p99, so that this is the new p99: the others are around
 * the p50.
 */
static int choose_waits(const struct ab_result *result)
{
	double p50 = median_of(result, AB_P50), p99 = median_of(result, AB_P99);

	if (isnan(p50) || isnan(p99))
		return -ENODATA;
	tail_wait_ns = (uint64_t)(1.3 * p99 - p50);
	median_wait_ns = (uint64_t)(0.15 * p50);
	printf("p50 %.1f us, p99 %.1f us: waits of %.1f us in 2 %%, of %.1f us in all requests\n",
	       p50 / 1e3, p99 / 1e3, (double)tail_wait_ns / 1e3, (double)median_wait_ns / 1e3);
	return 0;
}

static enum ab_verdict verdict(const struct ab_result *result, enum arm arm, enum ab_metric metric)
{
	const struct ab_comparison *comparison = ab_find_comparison(result, arm, metric);

	return comparison ? comparison->verdict : AB_INVALID;
}

static bool is_wrong(const struct ab_result *result)
{
	for (int m = 0; m < AB_METRICS; m++)
		if (verdict(result, EQUAL, m) == AB_BETTER || verdict(result, EQUAL, m) == AB_WORSE)
			return true;
	return false;
}

static void count(const struct ab_result *result, struct tally *tally)
{
	bool wrong = is_wrong(result);

	tally->runs++;
	tally->wrong += wrong;
	tally->tail_found += verdict(result, TAIL, AB_P99) == AB_WORSE;
	tally->median_found += verdict(result, MEDIAN, AB_P50) == AB_WORSE;
	printf("%3u  equal %-12s %-12s%s", tally->runs,
	       ab_verdict_name[verdict(result, EQUAL, AB_P50)],
	       ab_verdict_name[verdict(result, EQUAL, AB_P99)], wrong ? " WRONG" : "");
	printf("  tail p99 %+.0f %% %s", 100 * ab_find_comparison(result, TAIL, AB_P99)->change,
	       ab_verdict_name[verdict(result, TAIL, AB_P99)]);
	printf("  median p50 %+.0f %% %s", 100 * ab_find_comparison(result, MEDIAN, AB_P50)->change,
	       ab_verdict_name[verdict(result, MEDIAN, AB_P50)]);
	printf("  floors %.0f %%, %.0f %%\n", 100 * result->floor[AB_P50].floor,
	       100 * result->floor[AB_P99].floor);
	fflush(stdout);
}

static int run_all(const struct traffic *traffic, unsigned int runs, size_t rounds, uint64_t seed,
                   struct tally *tally)
{
	static const char *const first[] = { "equal", NULL };
	static const char *const all[] = { "equal", "tail", "median", NULL };
	const struct wire_type *wire;
	struct ab_result result;
	char why[512];
	int err = wire_choose(&traffic->flow[0], &wire, why, sizeof(why));

	if (err) {
		fprintf(stderr, "verdicts: %s\n", why);
		return err;
	}
	err = run(traffic, wire, rounds, seed, first, &result);
	if (!err)
		err = choose_waits(&result);
	ab_result_free(&result);
	for (unsigned int i = 1; i <= runs && !err; i++) {
		err = run(traffic, wire, rounds, seed + i, all, &result);
		if (!err)
			count(&result, tally);
		ab_result_free(&result);
	}
	return err;
}

int main(int argc, char **argv)
{
	struct traffic_shape shape = { .gaps = TRAFFIC_POISSON, .burst = 8, .n_flows = 16 };
	struct tally tally = { 0 };
	struct traffic traffic;
	double n;
	int err;

	if (argc != 6) {
		fprintf(stderr, "usage: verdicts RUNS ROUNDS REQUESTS RATE SEED\n");
		return 1;
	}
	shape.n_requests = strtoul(argv[3], NULL, 10);
	shape.rate_pps = strtod(argv[4], NULL);
	shape.seed = strtoull(argv[5], NULL, 10);
	err = traffic_synthesize(&traffic, &shape);
	if (err) {
		fprintf(stderr, "verdicts: cannot make the traffic: %s\n", strerror(-err));
		return 1;
	}
	make_paths();
	err = run_all(&traffic, (unsigned int)strtoul(argv[1], NULL, 10),
	              strtoul(argv[2], NULL, 10), shape.seed, &tally);
	traffic_free(&traffic);
	n = tally.runs;
	if (tally.runs)
		printf("\n%u runs: false verdict between equal arms %.0f %%; found: p99 +30 %% in "
		       "%.0f %%, p50 +15 %% in %.0f %%\n",
		       tally.runs, 100 * tally.wrong / n, 100 * tally.tail_found / n,
		       100 * tally.median_found / n);
	return err ? 2 : 0;
}
