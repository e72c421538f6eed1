/* SPDX-License-Identifier: GPL-2.0 */
/* What a run has found, and its two forms: a table and a JSON document. */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hooks.h"
#include "series.h"

enum load {
	LOAD_REDIS_50,
	LOAD_REDIS_1,
	LOAD_NGINX,
	LOAD_REDIS_RECORDER, /* as the first, in windows of seconds, for the recorder */
	LOAD_COUNT
};

/* One program, from the kernel's BPF statistics: its own time, without what calling it takes. */
struct program_cost {
	const char *boundary, *program;
	double runs_per_request, ns_per_run;
};

struct breakdown {
	double ns_per_request;
	size_t n;
	struct program_cost program[BOUNDARY_COUNT];
};

struct result {
	double seconds_per_window;
	size_t pairs;
	uint64_t seed;
	struct series series[LOAD_COUNT];
	struct breakdown full[LOAD_COUNT], light[LOAD_COUNT];
};

/* What a change must not exceed. */
struct goal {
	enum load load;
	enum arm arm;
	enum metric metric;
	double limit;    /* ns, or ratio - 1 */
	bool is_minimum; /* the change must not be below it */
};

extern const struct goal goals[];
extern const size_t n_goals;

/* "met", "missed", or "open" where the interval holds the limit or there is none. */
const char *goal_verdict(const struct goal *goal, const struct result *result);

void result_print(const struct result *result, FILE *file);
/* -errno */
int result_write_json(const struct result *result, const char *path);

#endif
