// SPDX-License-Identifier: GPL-2.0
/*
 * The comparison as JSON, schema "ktax.diff/1" (docs/diff.schema.json). As in report_json.c, a
 * failed allocation is noted once, at the end.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>

#include "diff_output.h"
#include "json_text.h"

#define REAL_DIGITS 9

struct writer {
	bool failed;
};

static void set(struct writer *writer, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) < 0)
		writer->failed = true;
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* An end without bound is null. */
static json_t *interval(struct interval interval)
{
	return json_pack("[o, o]", number(interval.low), number(interval.high));
}

static json_t *whole_ns(double ns)
{
	return isfinite(ns) ? json_integer((json_int_t)llround(ns)) : json_null();
}

static json_t *json_change(struct writer *writer, const struct diff_change *change)
{
	bool known = change->verdict != DIFF_UNKNOWN;
	json_t *object = json_object();

	set(writer, object, "before_ns", whole_ns(change->before.ns));
	set(writer, object, "after_ns", whole_ns(change->after.ns));
	set(writer, object, "delta_ns", whole_ns(change->delta_ns));
	set(writer, object, "delta_ci_ns",
	    known ? json_pack("[o, o]", whole_ns(change->delta.low), whole_ns(change->delta.high))
	          : json_null());
	set(writer, object, "change", change->has_ratio ? number(change->change) : json_null());
	set(writer, object, "ci",
	    known && change->has_ratio ? interval(change->ratio) : json_null());
	set(writer, object, "verdict", json_string(diff_verdict_name[change->verdict]));
	if (!known)
		set(writer, object, "why",
		    json_string("too few requests beyond it, or too few seconds"));
	else if (!change->has_ratio)
		set(writer, object, "why", json_string("change: a figure is 0"));
	return object;
}

static json_t *json_row(struct writer *writer, const struct diff_row *row)
{
	json_t *object = json_object();

	for (int level = 0; level < DIFF_LEVELS; level++)
		set(writer, object, diff_level_name[level],
		    row->present ? json_change(writer, &row->level[level]) : json_null());
	if (!row->present)
		set(writer, object, "why", json_string(row->why));
	return object;
}

static json_t *json_side(struct writer *writer, const struct finding_endpoint *endpoint,
                         size_t blocks)
{
	json_t *object = json_object();

	set(writer, object, "endpoint", json_text(endpoint->ledger->endpoint.name));
	set(writer, object, "comm", json_text(endpoint->ledger->endpoint.comm));
	set(writer, object, "requests", json_integer((json_int_t)endpoint->ledger->requests));
	set(writer, object, "per_second", number(endpoint->rate.per_second));
	set(writer, object, "blocks", json_integer((json_int_t)blocks));
	return object;
}

static json_t *json_endpoint(struct writer *writer, const struct diff_endpoint *endpoint)
{
	json_t *object = json_object(), *accounts = json_object(), *floors = json_object();

	set(writer, object, "endpoint", json_text(endpoint->before->ledger->endpoint.name));
	set(writer, object, "before", json_side(writer, endpoint->before, endpoint->blocks_before));
	set(writer, object, "after", json_side(writer, endpoint->after, endpoint->blocks_after));
	set(writer, object, "total", json_row(writer, &endpoint->row[DIFF_TOTAL]));
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		set(writer, accounts, diff_row_name(i), json_row(writer, &endpoint->row[i]));
	set(writer, object, "accounts", accounts);
	set(writer, floors, "tuned", json_row(writer, &endpoint->row[DIFF_TUNED]));
	set(writer, floors, "bypass", json_row(writer, &endpoint->row[DIFF_BYPASS]));
	set(writer, object, "floor", floors);
	return object;
}

static json_t *json_gate_figure(struct writer *writer, const struct diff_output *output,
                                const struct diff_endpoint *endpoint, enum diff_level level)
{
	const struct diff_change *change = &endpoint->gate[level];
	json_t *object = json_change(writer, change);

	set(writer, object, "endpoint", json_text(endpoint->before->ledger->endpoint.name));
	set(writer, object, "level", json_string(diff_level_name[level]));
	set(writer, object, "verdict",
	    json_string(diff_gate_name(diff_judge(change, output->limit))));
	return object;
}

static json_t *json_gate(struct writer *writer, const struct diff_output *output)
{
	const struct diff *diff = output->diff;
	json_t *object = json_object(), *figures = json_array();

	for (size_t i = 0; i < diff->n_endpoints; i++)
		for (int level = 0; level < DIFF_LEVELS; level++)
			if (diff_gated((enum diff_level)level) &&
			    json_array_append_new(
				    figures, json_gate_figure(writer, output, &diff->endpoint[i],
			                                      (enum diff_level)level)) < 0)
				writer->failed = true;
	set(writer, object, "limit", json_real(output->limit));
	set(writer, object, "confidence_each", json_real(diff->gate_confidence));
	set(writer, object, "verdict",
	    json_string(diff_gate_name(diff_judge_all(diff, output->limit))));
	set(writer, object, "figures", figures);
	return object;
}

int diff_json(FILE *file, const struct diff_output *output, int exit_code)
{
	const struct diff *diff = output->diff;
	json_t *object = json_object(), *endpoints = json_array();
	struct writer writer = { 0 };
	int error;

	for (size_t i = 0; i < diff->n_endpoints; i++)
		if (json_array_append_new(endpoints, json_endpoint(&writer, &diff->endpoint[i])) <
		    0)
			writer.failed = true;
	set(&writer, object, "schema", json_string("ktax.diff/1"));
	set(&writer, object, "ktax_version", json_string(KTAX_VERSION));
	set(&writer, object, "before", json_text(output->before));
	set(&writer, object, "after", json_text(output->after));
	set(&writer, object, "confidence", json_real(diff->confidence));
	set(&writer, object, "caution", json_text(diff->caution));
	set(&writer, object, "endpoints", endpoints);
	set(&writer, object, "only_before", json_integer((json_int_t)diff->n_lost));
	set(&writer, object, "only_after", json_integer((json_int_t)diff->n_new));
	set(&writer, object, "gate", output->gated ? json_gate(&writer, output) : json_null());
	set(&writer, object, "exit", json_integer(exit_code));
	error = writer.failed || !object ? -ENOMEM : 0;
	if (!error)
		json_dumpf(object, file, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS));
	json_decref(object);
	fputc('\n', file);
	return error;
}
