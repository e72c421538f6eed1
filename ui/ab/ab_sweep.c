// SPDX-License-Identifier: GPL-2.0
#include "ab_sweep.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "ab_output.h"
#include "format.h"
#include "ports.h"

#define PATH_COLUMNS 20
#define RATE_COLUMNS 12
#define LOAD_COLUMNS 9

/* ---- Text --------------------------------------------------------------------------------- */

/* With ">=" where the generator could not tell more. */
static struct formatted rate_text(const struct sweep_arm *arm)
{
	struct formatted text = { .text = ">= " };
	struct formatted digits = format_count(arm->lossless_pps);
	size_t start = arm->generator_limited ? strlen(text.text) : 0;

	snprintf(text.text + start, sizeof(text.text) - start, "%.32s", digits.text);
	return text;
}

static struct formatted latency_text(const struct terminal *terminal, double ns)
{
	if (isnan(ns))
		return (struct formatted){ "n/a" };
	if (isinf(ns))
		return (struct formatted){ "lost" };
	return format_ns(terminal, ns);
}

static void print_heading(const struct sweep_result *result, const struct terminal *terminal)
{
	put_left(terminal, PATH_COLUMNS, "path");
	put_right(terminal, RATE_COLUMNS, "lossless/s");
	for (size_t i = 0; i < SWEEP_LOADS; i++)
		put_right(terminal, LOAD_COLUMNS,
		          format_percent(result->arm[0].point[i].load).text);
	putc('\n', terminal->file);
}

/* One row; the last point before the knee is bold. */
static void print_latencies(const struct terminal *terminal, const struct sweep_arm *arm,
                            const char *name, const char *rate, bool p99)
{
	put_left(terminal, PATH_COLUMNS, name);
	put_right(terminal, RATE_COLUMNS, rate);
	for (size_t i = 0; i < SWEEP_LOADS; i++) {
		const struct sweep_point *point = &arm->point[i];

		if (i == arm->knee)
			fputs(terminal_style(terminal, STYLE_BOLD), terminal->file);
		put_right(terminal, LOAD_COLUMNS,
		          latency_text(terminal, p99 ? point->p99_ns : point->p50_ns).text);
		if (i == arm->knee)
			fputs(terminal_style(terminal, STYLE_PLAIN), terminal->file);
	}
	putc('\n', terminal->file);
}

static void print_arm(const struct terminal *terminal, const struct sweep_arm *arm)
{
	if (!arm->lossless_pps) {
		put_left(terminal, PATH_COLUMNS, arm->type->name);
		fprintf(terminal->file, "loses requests at the lowest rate too\n");
		return;
	}
	print_latencies(terminal, arm, arm->type->name, rate_text(arm).text, false);
	print_latencies(terminal, arm, "", "p99", true);
	if (arm->knee == SWEEP_LOADS)
		fprintf(terminal->file, "%*sknee unknown: nothing to compare with at %s\n",
		        PATH_COLUMNS + 1, "", format_percent(arm->point[0].load).text);
	else
		fprintf(terminal->file, "%*sknee at %s of it, %s/s\n", PATH_COLUMNS + 1, "",
		        format_percent(arm->point[arm->knee].load).text,
		        format_count(arm->point[arm->knee].rate_pps).text);
}

/* "CPU taken by the hypervisor, no response": what has rejected blocks of the point. */
static const char *gates_text(const struct sweep_point *point, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (const struct ab_gate_name *gate = ab_gate_names; gate->name; gate++)
		if (point->gates & gate->gate && length < size)
			length += (size_t)snprintf(text + length, size - length, "%s%s",
			                           length ? ", " : "", gate->title);
	return text;
}

/* Why the points without a figure have none. */
static void print_unmeasured(const struct terminal *terminal, const struct sweep_arm *arm)
{
	char gates[128];

	for (size_t i = 0; i < SWEEP_LOADS && arm->lossless_pps && !arm->skipped; i++)
		if (!arm->point[i].blocks)
			fprintf(terminal->file, "%s at %s: none of %zu blocks was valid (%s).\n",
			        arm->type->name, format_percent(arm->point[i].load).text,
			        arm->point[i].rejected,
			        gates_text(&arm->point[i], gates, sizeof(gates)));
}

void ab_sweep_print(const struct sweep_result *result, const struct terminal *terminal)
{
	fprintf(terminal->file,
	        "Highest rate without loss, and p50 and p99 at shares of it. The knee: above it, p99 is\n"
	        "more than twice that of the lowest load. Trials are of a quarter of a second.\n\n");
	print_heading(result, terminal);
	for (size_t i = 0; i < result->n_arms; i++)
		if (!result->arm[i].skipped)
			print_arm(terminal, &result->arm[i]);
	putc('\n', terminal->file);
	for (size_t i = 0; i < result->n_arms; i++)
		if (result->arm[i].generator_limited && !result->arm[i].skipped)
			fprintf(terminal->file,
			        "%s: at a higher rate the generator (%s) was too slow to tell.\n",
			        result->arm[i].type->name, result->wire);
	for (size_t i = 0; i < result->n_arms; i++)
		print_unmeasured(terminal, &result->arm[i]);
	for (size_t i = 0; i < result->n_arms; i++)
		if (result->arm[i].skipped)
			fprintf(terminal->file, "%s skipped: %s\n", result->arm[i].type->name,
			        result->arm[i].why);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static const char *why_null(const struct sweep_point *point)
{
	if (!point->blocks)
		return "no block was valid";
	if (isinf(point->p50_ns))
		return "p50_ns, p99_ns: lost";
	return isinf(point->p99_ns) ? "p99_ns: lost" : "";
}

static json_t *gates_json(const struct sweep_point *point)
{
	json_t *names = json_array();

	for (const struct ab_gate_name *gate = ab_gate_names; gate->name; gate++)
		if (point->gates & gate->gate)
			json_array_append_new(names, json_string(gate->name));
	return names;
}

static json_t *latency(double ns)
{
	return isfinite(ns) ? json_integer(llround(ns)) : json_null();
}

static json_t *point_json(const struct sweep_point *point)
{
	return json_pack("{s:f, s:f, s:o, s:o, s:s, s:f, s:I, s:I, s:o}", "load", point->load,
	                 "rate_pps", point->rate_pps, "p50_ns", latency(point->p50_ns), "p99_ns",
	                 latency(point->p99_ns), "why", why_null(point), "loss", point->loss,
	                 "blocks", (json_int_t)point->blocks, "rejected",
	                 (json_int_t)point->rejected, "rejected_by", gates_json(point));
}

/* null without a lossless rate, or where the lowest load has no figure. */
static json_t *knee_json(const struct sweep_arm *arm)
{
	if (!arm->lossless_pps || arm->knee == SWEEP_LOADS)
		return json_null();
	return json_real(arm->point[arm->knee].rate_pps);
}

static json_t *arm_json(const struct sweep_arm *arm)
{
	json_t *points = json_array();

	if (arm->skipped)
		return json_pack("{s:s, s:b, s:s, s:n, s:b, s:i, s:n, s:o}", "path",
		                 arm->type->name, "skipped", true, "why", arm->why, "lossless_pps",
		                 "generator_limited", false, "trials", 0, "knee_pps", "points",
		                 points);
	for (size_t i = 0; i < SWEEP_LOADS && arm->lossless_pps; i++)
		json_array_append_new(points, point_json(&arm->point[i]));
	return json_pack(
		"{s:s, s:b, s:s, s:o, s:b, s:I, s:o, s:o}", "path", arm->type->name, "skipped",
		false, "why", arm->lossless_pps ? "" : "it loses requests at the lowest rate too",
		"lossless_pps", arm->lossless_pps ? json_real(arm->lossless_pps) : json_null(),
		"generator_limited", arm->generator_limited, "trials", (json_int_t)arm->trials,
		"knee_pps", knee_json(arm), "points", points);
}

int ab_sweep_write_json(const struct sweep_result *result, const struct ab_options *options,
                        FILE *file)
{
	json_t *arms = json_array(), *all;
	struct ab_link link;
	int err;

	for (size_t i = 0; i < result->n_arms; i++)
		if (json_array_append_new(arms, arm_json(&result->arm[i]))) {
			json_decref(arms);
			return -ENOMEM;
		}
	all = json_pack("{s:s, s:s, s:s, s:s, s:f, s:o}", "schema", "ktax.sweep/1", "ktax_version",
	                KTAX_VERSION, "protocol", options->tcp ? "tcp" : "udp", "generator",
	                result->wire, "seconds", result->seconds, "arms", arms);
	if (!all)
		return -ENOMEM;
	link = ab_link_of(options);
	err = ab_json_set_run(all, options->traffic, &link);
	if (err) {
		json_decref(all);
		return err;
	}
	err = json_dumpf(all, file, JSON_INDENT(2)) || putc('\n', file) == EOF ? -EIO : 0;
	json_decref(all);
	return err;
}
