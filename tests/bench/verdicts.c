// SPDX-License-Identifier: GPL-2.0
/*
 * How often is a verdict of ktax ab wrong, and how often does it miss? Each run compares a path
 * with
 *
 *	equal    itself: better or worse in any figure is false
 *	tail     itself, waiting in 2 % of the requests so that the p99 is 30 % up
 *	median   itself, waiting in every request so that the p50 is 15 % up
 *
 * The waits are chosen by short runs before: a request that waits delays those behind it, so that
 * the quantile does not follow from the wait alone. As the host changes, so does what a wait makes
 * of a quantile: each run's are those of the run before, moved by what that one missed the wanted
 * change by. The paths are this program's own, in a table of its own, so that nothing of this is
 * in ktax.
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

/* To choose a wait. */
#define SEARCH_RUNS   6
#define SEARCH_ROUNDS 15

#define TAIL_WANTED   0.3  /* of the p99 */
#define MEDIAN_WANTED 0.15 /* of the p50 */
#define STEP_MOST     1.5  /* from one run's wait to the next: one disturbed run is not the host */
#define RUN_NS        150000000000 /* as ktax ab takes by itself */

enum arm { EQUAL = 1, TAIL, MEDIAN };

static uint64_t tail_wait_ns, median_wait_ns; /* inherited by the responders */
static const struct path_type *plain;         /* that all are compared with */

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
		err = plain->send(path, &messages[i], 1);
	}
	return err;
}

static int send_later(struct path *path, const struct path_message *messages, unsigned int n)
{
	int err = 0;

	for (unsigned int i = 0; i < n && !err; i++) {
		spin(median_wait_ns);
		err = plain->send(path, &messages[i], 1);
	}
	return err;
}

static struct path_type equal, tail, median;

const struct path_type *const path_types[] = {
	&path_kernel, &path_kernel_awake, &path_kernel_spin, &equal, &tail, &median, NULL
};

const struct path_type *path_by_name(const char *name)
{
	for (size_t i = 0; path_types[i]; i++)
		if (!strcmp(path_types[i]->name, name))
			return path_types[i];
	return NULL;
}

static void make_paths(const struct path_type *of)
{
	plain = of;
	equal = tail = median = *plain;
	equal.name = "equal";
	tail.name = "tail";
	tail.send = send_with_tail;
	median.name = "median";
	median.send = send_later;
}

/* ---- Runs ------------------------------------------------------------------------------------ */

/* What was injected came out as, over all runs. */
struct realised {
	double least, most, sum;
	unsigned int n;
};

struct tally {
	unsigned int runs, wrong, tail_found, median_found;
	struct realised tail, median;
};

static int run(const struct traffic *traffic, const struct wire_type *wire, size_t rounds,
               uint64_t seed, const char *const *paths, struct ab_result *result)
{
	struct ab_options options = {
		.baseline = plain->name,
		.paths = paths,
		.traffic = traffic,
		.policy = &policy_default,
		.rounds = rounds,
		.time_ns = RUN_NS,
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

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/*
 * The median over rounds of an arm's figure, over the baseline's of the same round if @arm is not
 * the baseline, whether or not the blocks passed the gates. NAN: no round has both.
 */
static double median_of(const struct ab_result *result, size_t arm, enum ab_metric metric)
{
	double *values = calloc(result->rounds, sizeof(*values)), middle;
	size_t n = 0;

	for (size_t i = 0; values && i < result->rounds; i++) {
		double baseline = arm ? result->block[i].metric[metric] : 1;
		double value = result->block[arm * result->rounds + i].metric[metric] / baseline;

		if (isfinite(value))
			values[n++] = value;
	}
	if (n)
		qsort(values, n, sizeof(values[0]), compare);
	middle = n ? values[n / 2] : NAN;
	free(values);
	return middle;
}

/* The shortest wait, to 2 % of @most_ns, that changes the path's @metric by more than @wanted. */
static int search_wait(const struct traffic *traffic, const struct wire_type *wire,
                       const char *path, enum ab_metric metric, double wanted, double most_ns,
                       uint64_t *wait_ns)
{
	const char *const paths[] = { path, NULL };
	double low = 0, high = most_ns, change = NAN, found = NAN;
	struct ab_result result;
	int err = 0;

	for (unsigned int i = 0; i < SEARCH_RUNS && !err; i++) {
		*wait_ns = (uint64_t)((low + high) / 2);
		err = run(traffic, wire, SEARCH_ROUNDS, i, paths, &result);
		if (!err) {
			change = median_of(&result, 1, metric) - 1;
			found = change > wanted ? change : found;
			*(change > wanted ? &high : &low) = (double)*wait_ns;
		}
		ab_result_free(&result);
	}
	*wait_ns = (uint64_t)high;
	printf("%s: waits of %.1f us, %s %+.0f %%\n", path, high / 1e3, ab_metric_name[metric],
	       100 * found);
	return err;
}

static int choose_waits(const struct traffic *traffic, const struct wire_type *wire)
{
	static const char *const paths[] = { "equal", NULL };
	struct ab_result result;
	int err = run(traffic, wire, SEARCH_ROUNDS, 0, paths, &result);
	double p50 = err ? NAN : median_of(&result, 0, AB_P50);
	double p99 = err ? NAN : median_of(&result, 0, AB_P99);

	ab_result_free(&result);
	if (err || isnan(p50) || isnan(p99))
		return err ? err : -ENODATA;
	printf("%s: p50 %.1f us, p99 %.1f us\n", plain->name, p50 / 1e3, p99 / 1e3);
	err = search_wait(traffic, wire, "tail", AB_P99, TAIL_WANTED, 2 * p99, &tail_wait_ns);
	return err ? err
	           : search_wait(traffic, wire, "median", AB_P50, MEDIAN_WANTED, 0.4 * p50,
	                         &median_wait_ns);
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

static void print_change(const struct ab_result *result, enum arm arm, const char *title,
                         enum ab_metric metric)
{
	const struct ab_comparison *comparison = ab_find_comparison(result, arm, metric);

	if (comparison)
		printf("; %s %+.0f %% [%+.0f, %+.0f] of %zu %s", title, 100 * comparison->change,
		       100 * comparison->low, 100 * comparison->high, comparison->n,
		       ab_verdict_name[comparison->verdict]);
}

/* Notes what the wait came out as, and moves it for the next run. */
static void follow(const struct ab_result *result, enum arm arm, enum ab_metric metric,
                   double wanted, uint64_t *wait_ns, struct realised *realised)
{
	double change = median_of(result, arm, metric) - 1;
	double missed_ns = (wanted - change) * median_of(result, 0, metric), wait;

	if (isnan(missed_ns))
		return;
	realised->n++;
	realised->least = fmin(realised->least, change);
	realised->most = fmax(realised->most, change);
	realised->sum += change;
	wait = (double)*wait_ns;
	*wait_ns = (uint64_t)fmin(STEP_MOST * wait, fmax(wait / STEP_MOST, wait + missed_ns));
}

static void count(const struct ab_result *result, struct tally *tally)
{
	bool wrong = is_wrong(result);

	tally->runs++;
	tally->wrong += wrong;
	tally->tail_found += verdict(result, TAIL, AB_P99) == AB_WORSE;
	tally->median_found += verdict(result, MEDIAN, AB_P50) == AB_WORSE;
	printf("%3u", tally->runs);
	print_change(result, EQUAL, "equal p50", AB_P50);
	print_change(result, EQUAL, "p99", AB_P99);
	print_change(result, TAIL, "tail p99", AB_P99);
	print_change(result, MEDIAN, "median p50", AB_P50);
	printf("%s; waits %.1f, %.1f us", wrong ? "; WRONG" : "", (double)tail_wait_ns / 1e3,
	       (double)median_wait_ns / 1e3);
	printf("; floors %.0f %%, %.0f %%\n", 100 * result->floor[AB_P50].floor,
	       100 * result->floor[AB_P99].floor);
	fflush(stdout);
}

/* @waits: "TAIL_US,MEDIAN_US", or "" to choose them; "none": nothing waits, nothing is to be found.
 */
static int set_waits(const struct traffic *traffic, const struct wire_type *wire, const char *waits)
{
	double tail_us, median_us;

	if (!*waits)
		return choose_waits(traffic, wire);
	if (!strcmp(waits, "none"))
		return 0;
	if (sscanf(waits, "%lf,%lf", &tail_us, &median_us) != 2)
		return -EINVAL;
	tail_wait_ns = (uint64_t)(1000 * tail_us);
	median_wait_ns = (uint64_t)(1000 * median_us);
	return 0;
}

static int run_all(const struct traffic *traffic, unsigned int runs, size_t rounds, uint64_t seed,
                   const char *waits, struct tally *tally)
{
	static const char *const all[] = { "equal", "tail", "median", NULL };
	static const char *const same[] = { "equal", NULL };
	const struct wire_type *wire;
	struct ab_result result;
	char why[512];
	int err = wire_choose(&traffic->flow[0], NULL, &wire, why, sizeof(why));

	if (err) {
		fprintf(stderr, "verdicts: %s\n", why);
		return err;
	}
	err = set_waits(traffic, wire, waits);
	tally->tail = tally->median = (struct realised){ .least = INFINITY, .most = -INFINITY };
	for (unsigned int i = 1; i <= runs && !err; i++) {
		err = run(traffic, wire, rounds, seed + i, strcmp(waits, "none") ? all : same,
		          &result);
		if (!err)
			count(&result, tally);
		if (!err && result.n_arms > MEDIAN) {
			follow(&result, TAIL, AB_P99, TAIL_WANTED, &tail_wait_ns, &tally->tail);
			follow(&result, MEDIAN, AB_P50, MEDIAN_WANTED, &median_wait_ns,
			       &tally->median);
		}
		ab_result_free(&result);
	}
	return err;
}

static void print_found(const char *metric, double wanted, unsigned int found,
                        const struct realised *realised)
{
	if (realised->n)
		printf("%s %+.0f %% (came out as %+.0f to %+.0f, %+.0f on average) found in %u\n",
		       metric, 100 * wanted, 100 * realised->least, 100 * realised->most,
		       100 * realised->sum / realised->n, found);
}

static void print_tally(const struct tally *tally)
{
	printf("\n%u runs: a false verdict between equal arms in %u\n", tally->runs, tally->wrong);
	print_found("p99", TAIL_WANTED, tally->tail_found, &tally->tail);
	print_found("p50", MEDIAN_WANTED, tally->median_found, &tally->median);
}

int main(int argc, char **argv)
{
	struct traffic_shape shape = { .gaps = TRAFFIC_POISSON, .burst = 8, .n_flows = 16 };
	struct tally tally = { 0 };
	struct traffic traffic;
	int err;

	if (argc != 8 || !path_by_name(argv[7])) {
		fprintf(stderr, "usage: verdicts RUNS ROUNDS REQUESTS RATE SEED WAITS PATH\n");
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
	setvbuf(stdout, NULL, _IOLBF, 0);
	make_paths(path_by_name(argv[7]));
	err = run_all(&traffic, (unsigned int)strtoul(argv[1], NULL, 10),
	              strtoul(argv[2], NULL, 10), shape.seed, argv[6], &tally);
	traffic_free(&traffic);
	print_tally(&tally);
	return err ? 2 : 0;
}
