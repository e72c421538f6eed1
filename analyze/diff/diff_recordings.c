// SPDX-License-Identifier: GPL-2.0
/* Two recordings, endpoint by endpoint: which belong together, and what speaks against it. */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

/* From this ratio on, rates are not the same load. */
#define RATE_DIFFERS 1.1

#define GATED_LEVELS 3

/* ---- Which endpoints belong together --------------------------------------------------------- */

static bool wanted(const struct finding_endpoint *endpoint, const char *only)
{
	return endpoint->ledger->requests &&
	       (!only || strstr(endpoint->ledger->endpoint.name, only));
}

static const struct finding_endpoint *find_by_name(const struct findings *findings,
                                                   const char *name)
{
	for (size_t i = 0; i < findings->n_endpoints; i++)
		if (findings->endpoints[i].ledger->requests &&
		    !strcmp(findings->endpoints[i].ledger->endpoint.name, name))
			return &findings->endpoints[i];
	return NULL;
}

static size_t count_wanted(const struct findings *findings, const char *only,
                           const struct finding_endpoint **ret_last)
{
	size_t n = 0;

	for (size_t i = 0; i < findings->n_endpoints; i++)
		if (wanted(&findings->endpoints[i], only)) {
			*ret_last = &findings->endpoints[i];
			n++;
		}
	return n;
}

static int match_endpoints(struct diff *diff, const char *only)
{
	const struct finding_endpoint *last_before = NULL, *last_after = NULL, *other;
	size_t n_before = count_wanted(diff->before, only, &last_before);
	size_t n_after = count_wanted(diff->after, only, &last_after);

	diff->endpoint = calloc(n_before + 1, sizeof(diff->endpoint[0]));
	if (!diff->endpoint)
		return -ENOMEM;
	for (size_t i = 0; i < diff->before->n_endpoints; i++) {
		const struct finding_endpoint *before = &diff->before->endpoints[i];

		other = find_by_name(diff->after, before->ledger->endpoint.name);
		if (!wanted(before, only) || !other)
			continue;
		diff->endpoint[diff->n_endpoints++] =
			(struct diff_endpoint){ .before = before, .after = other };
	}
	/* A server that took another port: nothing else it could be compared with. */
	if (!diff->n_endpoints && n_before == 1 && n_after == 1)
		diff->endpoint[diff->n_endpoints++] = (struct diff_endpoint){ .before = last_before,
			                                                      .after = last_after,
			                                                      .renamed = true };
	diff->n_lost = n_before - diff->n_endpoints;
	diff->n_new = n_after > diff->n_endpoints ? n_after - diff->n_endpoints : 0;
	return 0;
}

/* ---- Going through a recording --------------------------------------------------------------- */

struct visit {
	const struct diff *diff;
	bool after;
	struct diff_side **sides; /* by endpoint of the diff */
};

static const struct finding_endpoint *end_of(const struct visit *visit, size_t i)
{
	return visit->after ? visit->diff->endpoint[i].after : visit->diff->endpoint[i].before;
}

static int add_interval(const struct recording_interval *interval,
                        const struct recording_ledger *ledger, void *context)
{
	const struct visit *visit = context;

	for (size_t i = 0; i < visit->diff->n_endpoints; i++)
		if (!strcmp(end_of(visit, i)->ledger->endpoint.name, ledger->endpoint.name))
			diff_side_add(visit->sides[i], ledger);
	return 0;
}

static int read_sides(const struct visit *visit, const char **ret_source)
{
	const struct findings *findings = visit->after ? visit->diff->after : visit->diff->before;
	const struct recording *recording = findings->recording;
	int error = 0;

	for (size_t i = 0; i < visit->diff->n_endpoints && !error; i++)
		error = diff_side_create(end_of(visit, i)->ledger, recording->n_intervals,
		                         &visit->sides[i]);
	for (size_t i = 0; i < recording->n_sources && !error; i++) {
		error = recording_for_each_interval(recording->sources[i], add_interval,
		                                    (void *)visit);
		if (error)
			*ret_source = recording->sources[i];
	}
	return error;
}

/* ---- Comparing ------------------------------------------------------------------------------- */

/* app_kernel is a sampled part of app: both are compared as what was measured, in app. */
static const char *absence(const struct diff_endpoint *endpoint, int row)
{
	bool before, after;

	if (row >= KTAX_NACCOUNTS)
		return NULL;
	before = endpoint->before->account[row].present;
	after = endpoint->after->account[row].present;
	if (row == KTAX_APP_KERNEL && (!endpoint->before->account[row].has_quantiles ||
	                               !endpoint->after->account[row].has_quantiles))
		return "sampled, and part of app here";
	return before && after ? NULL
	       : before        ? "not seen after"
	       : after         ? "not seen before"
	                       : "not seen in either recording";
}

static void compare(struct diff *diff, struct diff_endpoint *endpoint, struct diff_side *before,
                    struct diff_side *after)
{
	endpoint->blocks_before = diff_side_blocks(before);
	endpoint->blocks_after = diff_side_blocks(after);
	for (int r = 0; r < DIFF_ROWS; r++) {
		struct diff_row *row = &endpoint->row[r];

		row->why = absence(endpoint, r);
		row->present = !row->why;
		for (int level = 0; level < DIFF_LEVELS && row->present; level++)
			row->level[level] = diff_compare(before, after, r, (enum diff_level)level,
			                                 diff->confidence);
	}
	for (int level = 0; level < DIFF_LEVELS; level++)
		endpoint->gate[level] = diff_compare(before, after, DIFF_TOTAL,
		                                     (enum diff_level)level, diff->gate_confidence);
}

static int compare_all(struct diff *diff, const char **ret_source)
{
	struct diff_side **before = calloc(diff->n_endpoints + 1, sizeof(before[0]));
	struct diff_side **after = calloc(diff->n_endpoints + 1, sizeof(after[0]));
	int error = before && after ? 0 : -ENOMEM;

	if (!error)
		error = read_sides(&(struct visit){ diff, false, before }, ret_source);
	if (!error)
		error = read_sides(&(struct visit){ diff, true, after }, ret_source);
	for (size_t i = 0; i < diff->n_endpoints && !error; i++)
		compare(diff, &diff->endpoint[i], before[i], after[i]);
	for (size_t i = 0; i < diff->n_endpoints; i++) {
		if (before)
			diff_side_free(before[i]);
		if (after)
			diff_side_free(after[i]);
	}
	free(before);
	free(after);
	return error;
}

/* ---- What speaks against comparing ----------------------------------------------------------- */

static void say(struct diff *diff, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct diff *diff, const char *format, ...)
{
	size_t length = strlen(diff->caution);
	va_list arguments;

	if (length && length < sizeof(diff->caution) - 3)
		length += (size_t)sprintf(diff->caution + length, "; ");
	va_start(arguments, format);
	vsnprintf(diff->caution + length, sizeof(diff->caution) - length, format, arguments);
	va_end(arguments);
}

static void say_facts(struct diff *diff)
{
	static const char *const facts[][2] = {
		{ "hostname", "hosts" },       { "kernel", "kernels" },   { "cpu_model", "CPUs" },
		{ "cpus", "numbers of CPUs" }, { "detail", "hook sets" }, { "role", "roles" }
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		const char *before = recording_meta(diff->before->recording, facts[i][0]);
		const char *after = recording_meta(diff->after->recording, facts[i][0]);

		if (before && after && strcmp(before, after) != 0)
			say(diff, "different %s (%.40s, %.40s)", facts[i][1], before, after);
	}
}

static void say_rates(struct diff *diff)
{
	for (size_t i = 0; i < diff->n_endpoints; i++) {
		double before = diff->endpoint[i].before->rate.per_second;
		double after = diff->endpoint[i].after->rate.per_second;

		if (fmax(before, after) > RATE_DIFFERS * fmin(before, after))
			say(diff, "different load on %.60s (%.0f/s, %.0f/s)",
			    diff->endpoint[i].before->ledger->endpoint.name, before, after);
	}
}

static void say_unfinished(struct diff *diff)
{
	if (!diff->before->recording->complete)
		say(diff, "the recording before is not finished");
	if (!diff->after->recording->complete)
		say(diff, "the recording after is not finished");
}

int diff_create(const struct findings *before, const struct findings *after, const char *only,
                double confidence, struct diff **ret_diff, const char **ret_source)
{
	struct diff *diff = calloc(1, sizeof(*diff));
	int error;

	if (!diff)
		return -ENOMEM;
	diff->before = before;
	diff->after = after;
	diff->confidence = diff->gate_confidence = confidence;
	error = match_endpoints(diff, only);
	if (!error && diff->n_endpoints)
		diff->gate_confidence =
			1 - (1 - confidence) / (GATED_LEVELS * (double)diff->n_endpoints);
	if (!error)
		error = compare_all(diff, ret_source);
	if (error) {
		diff_free(diff);
		return error;
	}
	say_unfinished(diff);
	say_facts(diff);
	say_rates(diff);
	*ret_diff = diff;
	return 0;
}

void diff_free(struct diff *diff)
{
	if (!diff)
		return;
	free(diff->endpoint);
	free(diff);
}
