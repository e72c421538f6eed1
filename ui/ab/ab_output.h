/* SPDX-License-Identifier: GPL-2.0 */
/* What `ktax ab` shows of a result: the table on stdout, and the files that were asked for. */
#ifndef KTAX_UI_AB_OUTPUT_H
#define KTAX_UI_AB_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "ab.h"
#include "terminal.h"

struct ab_output {
	const char *json, *junit, *hlog; /* files, a directory; NULL: not wanted */
	enum color_when color;
};

/* Prints it all; returns the exit code of the verdict, or of what could not be written. */
int ab_output(const struct ab_result *result, const struct traffic *traffic,
              const struct ab_output *output);

/* ---- Its parts ---- */

/* A table for people, 100 columns wide. */
void ab_text(const struct terminal *terminal, const struct ab_result *result,
             const struct traffic *traffic);
/*
 * JSON, schema "ktax.ab/1" (docs/ab.schema.json). @hlog: the directory of the interval logs, or
 * NULL. -ENOMEM.
 */
int ab_json(FILE *file, const struct ab_result *result, const struct traffic *traffic,
            const char *hlog);
/*
 * Where, when and with what traffic it ran: "created", "host", "link" and "traffic" of @object, as
 * in ktax.ab/1. -ENOMEM.
 */
int ab_json_set_run(json_t *object, const struct traffic *traffic, const struct ab_link *link);
/* JUnit XML: a suite per path and one for the policy. */
void ab_junit(FILE *file, const struct ab_result *result);
/* DIRECTORY/PATH.hlog for each path. On failure *ret_path is at fault. -errno. */
int ab_hlog(const char *directory, const struct ab_result *result, char ret_path[4096]);

/* ---- What they share ---- */

/* Exit code of a verdict by the policy. */
int ab_exit_code(enum ab_verdict verdict);
/* "p99.9", "CPU/request" */
const char *ab_metric_title(enum ab_metric metric);
/*
 * The latency that @share of an arm's requests do not exceed; INFINITY if that one was lost, NAN if
 * there were no requests.
 */
double ab_quantile_ns(const struct ab_arm *arm, double share);
/* Of all requests; NAN if there were none. */
double ab_loss(const struct ab_arm *arm);
/* What the arm's path is, over the protocol of the run; may be "". */
const char *ab_summary(const struct ab_result *result, const struct ab_arm *arm);
/* Why the arm's CPU time is not known, or NULL. */
const char *ab_no_cost(const struct ab_result *result, const struct ab_arm *arm);
/* Blocks of an arm that did not pass @gate; 0: any of them. */
size_t ab_rejected(const struct ab_result *result, size_t arm, unsigned int gate);

struct ab_gate_name {
	enum ab_gate gate;
	const char *name;  /* in JSON */
	const char *title; /* for people */
};

/* What the responder does for the requests of a block. */
struct ab_work {
	uint64_t mean_ns, max_ns;
};

struct ab_work ab_work(const struct traffic *traffic);

/* A count of struct traffic_trace: what was not taken as it is. */
struct ab_trace_count {
	const char *name;  /* in JSON */
	const char *title; /* for people, after the number; NULL: not worth a word */
	size_t offset;
};

/* All of them; the name is NULL at the end. */
extern const struct ab_trace_count ab_trace_counts[];

/* All gates; the name is NULL at the end. */
extern const struct ab_gate_name ab_gate_names[];

#endif
