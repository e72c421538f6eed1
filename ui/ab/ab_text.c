// SPDX-License-Identifier: GPL-2.0
/*
 * The result for people, from the top down: the verdict in a sentence; a table with two lines per
 * path (what it took; what that changes, its interval and a mark for the verdict); the same for
 * paths that never enter the kernel; how it was measured and what to be careful with; the paths.
 */
#include "ab_output.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "format.h"

/* 100 in all. */
#define WIDTH         100
#define PATH_WIDTH    19
#define LEGEND_WIDTH  20
#define LATENCY_WIDTH 18
#define LOSS_WIDTH    10
#define CPU_WIDTH     17
#define NAME_WIDTH    12

static const enum ab_metric columns[] = { AB_P50, AB_P99, AB_P999, AB_LOSS, AB_CPU };

#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

static int column_width(enum ab_metric metric)
{
	return metric == AB_LOSS ? LOSS_WIDTH : metric == AB_CPU ? CPU_WIDTH : LATENCY_WIDTH;
}

static void put_styled(const struct terminal *t, enum style style, const char *text)
{
	fprintf(t->file, "%s%s%s", terminal_style(t, style), text, terminal_style(t, STYLE_PLAIN));
}

/* ---- Verdicts -------------------------------------------------------------------------------- */

static const char *mark(const struct terminal *t, const struct ab_comparison *comparison)
{
	static const char *const marks[] = { "✔", "✘", "≈", "?", "–" };
	static const char *const ascii[] = { "+", "!", "=", "?", "-" };

	return (t->utf8 ? marks : ascii)[comparison->verdict];
}

static enum style verdict_style(enum ab_verdict verdict)
{
	static const enum style styles[] = {
		[AB_BETTER] = STYLE_GOOD,      [AB_WORSE] = STYLE_BAD,
		[AB_EQUIVALENT] = STYLE_PLAIN, [AB_INCONCLUSIVE] = STYLE_WARNING,
		[AB_INVALID] = STYLE_DIM,
	};

	return styles[verdict];
}

static void put_headline(const struct terminal *t, const struct ab_result *result)
{
	static const char *const answers[] = {
		[AB_BETTER] = "APPROVED",         [AB_WORSE] = "NOT APPROVED",
		[AB_EQUIVALENT] = "NOT APPROVED", [AB_INCONCLUSIVE] = "INCONCLUSIVE",
		[AB_INVALID] = "INVALID",
	};
	char text[400];

	snprintf(text, sizeof(text), "%s (exit %d): %s", answers[result->verdict],
	         ab_exit_code(result->verdict), result->reason);
	fputs(terminal_style(t, verdict_style(result->verdict)), t->file);
	put_wrapped(t->file, text, 0, 2, WIDTH);
	fputs(terminal_style(t, STYLE_PLAIN), t->file);
}

/* ---- Cells ----------------------------------------------------------------------------------- */

static struct formatted latency_text(const struct terminal *t, double ns)
{
	if (isnan(ns))
		return (struct formatted){ "n/a" };
	if (isinf(ns))
		return (struct formatted){ "lost" };
	return format_ns(t, (uint64_t)llround(ns));
}

static struct formatted loss_text(double share)
{
	struct formatted text = { "n/a" };

	if (share == 0)
		return (struct formatted){ "0 %" };
	if (share > 0 && share < 0.00001)
		return (struct formatted){ "<0.001 %" };
	if (!isnan(share))
		snprintf(text.text, sizeof(text.text), "%.*f %%",
		         share < 0.01  ? 3
		         : share < 0.1 ? 2
		                       : 1,
		         100 * share);
	return text;
}

/* The responder's and the kernel's, in the unit of the longer one: "2.10 + 7.90 us". */
static struct formatted cpu_text(const struct terminal *t, const struct ab_result *result,
                                 const struct ab_arm *arm)
{
	double most = fmax(arm->responder_cpu_ns, arm->kernel_cpu_ns);
	double unit = most < 999.5 ? 1 : most < 999500 ? 1e3 : 1e6;
	const char *name = unit == 1 ? "ns" : unit == 1e6 ? "ms" : t->utf8 ? "µs" : "us";
	struct formatted text = { "n/a" };

	if (ab_no_cost(result, arm))
		return text;
	snprintf(text.text, sizeof(text.text), "%.3g + %.3g %s", arm->responder_cpu_ns / unit,
	         arm->kernel_cpu_ns / unit, name);
	return text;
}

static struct formatted figure_text(const struct terminal *t, const struct ab_result *result,
                                    const struct ab_arm *arm, enum ab_metric metric)
{
	static const double shares[AB_METRICS] = {
		[AB_P50] = 0.5, [AB_P90] = 0.9, [AB_P99] = 0.99, [AB_P999] = 0.999
	};

	if (metric == AB_LOSS)
		return loss_text(ab_loss(arm));
	if (metric == AB_CPU)
		return cpu_text(t, result, arm);
	if (metric == AB_P999 && !result->floor[metric].judged)
		return t->utf8 ? (struct formatted){ "–" } : (struct formatted){ "-" };
	return latency_text(t, ab_quantile_ns(arm, shares[metric]));
}

/* "-12", "+3", "0"; a whole number of per cent. */
static struct formatted percent_text(const struct terminal *t, double change)
{
	struct formatted text;
	double percent = round(100 * change);
	const char *sign = percent > 0 ? "+" : percent == 0 ? "" : t->utf8 ? "−" : "-";

	snprintf(text.text, sizeof(text.text), "%s%.0f", sign, fabs(percent));
	return text;
}

/* "x2.3": a change of +130 % is easier read so. */
static struct formatted times_text(double change)
{
	struct formatted text;

	if (isinf(change))
		snprintf(text.text, sizeof(text.text), "inf");
	else
		snprintf(text.text, sizeof(text.text), "%.*f", 1 + change < 9.95 ? 1 : 0,
		         1 + change);
	return text;
}

static struct formatted points_text(const struct ab_comparison *c)
{
	struct formatted text = { "0" };

	/* That it changes by nothing at all is usual. */
	if (c->change != 0 || c->low != 0 || c->high != 0)
		snprintf(text.text, sizeof(text.text), "%+.3f", 100 * c->change);
	return text;
}

static struct formatted change_text(const struct terminal *t, const struct ab_comparison *c)
{
	struct formatted text = { "" };

	if (!c->judged)
		return text;
	if (c->metric == AB_LOSS)
		return points_text(c);
	if (c->low == INFINITY)
		return (struct formatted){ "lost" };
	if (c->change >= 1 || (c->change > 0 && c->high >= 1) || isnan(c->change))
		snprintf(text.text, sizeof(text.text), "%s%.16s [%.16s,%.16s]", t->utf8 ? "×" : "x",
		         isnan(c->change) ? "?" : times_text(c->change).text,
		         times_text(c->low).text, times_text(c->high).text);
	else
		snprintf(text.text, sizeof(text.text), "%.16s%% [%.16s,%.16s]",
		         percent_text(t, c->change).text, percent_text(t, c->low).text,
		         isinf(c->high) ? "inf" : percent_text(t, c->high).text);
	return text;
}

static void put_change(const struct terminal *t, const struct ab_comparison *c, int width)
{
	struct formatted cell, text = { "" };

	if (c)
		text = change_text(t, c);
	snprintf(cell.text, sizeof(cell.text), "%.56s%s%s", text.text, text.text[0] ? " " : "",
	         c ? mark(t, c) : "");
	fputs(terminal_style(t, c ? verdict_style(c->verdict) : STYLE_PLAIN), t->file);
	put_right(t, width, cell.text);
	fputs(terminal_style(t, STYLE_PLAIN), t->file);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static void put_header(const struct terminal *t)
{
	fputs(terminal_style(t, STYLE_DIM), t->file);
	put_left(t, PATH_WIDTH, "path");
	for (size_t i = 0; i < N_COLUMNS; i++)
		put_right(t, column_width(columns[i]), ab_metric_title(columns[i]));
	fprintf(t->file, "%s\n", terminal_style(t, STYLE_PLAIN));
}

static void put_figures(const struct terminal *t, const struct ab_result *result,
                        const struct ab_arm *arm)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", arm->type->name, arm->type->polls ? "*" : "");
	fputs(terminal_style(t, STYLE_BOLD), t->file);
	put_left(t, PATH_WIDTH, name);
	fputs(terminal_style(t, STYLE_PLAIN), t->file);
	for (size_t i = 0; i < N_COLUMNS; i++)
		put_right(t, column_width(columns[i]),
		          figure_text(t, result, arm, columns[i]).text);
	fputc('\n', t->file);
}

static void put_changes(const struct terminal *t, const struct ab_result *result, size_t arm)
{
	fputs("  ", t->file);
	fputs(terminal_style(t, verdict_style(result->arm[arm].verdict)), t->file);
	put_left(t, PATH_WIDTH - 2, ab_verdict_name[result->arm[arm].verdict]);
	fputs(terminal_style(t, STYLE_PLAIN), t->file);
	for (size_t i = 0; i < N_COLUMNS; i++)
		put_change(t, ab_find_comparison(result, arm, columns[i]),
		           column_width(columns[i]));
	fputc('\n', t->file);
}

/* The baseline, and the paths that enter the kernel, or do not. */
static void put_table(const struct terminal *t, const struct ab_result *result, bool in_memory)
{
	put_header(t);
	if (!in_memory) {
		put_figures(t, result, &result->arm[0]);
		fputs("  baseline\n", t->file);
	}
	for (size_t i = 1; i < result->n_arms; i++) {
		const struct ab_arm *arm = &result->arm[i];

		if (arm->skipped || arm->type->in_memory != in_memory)
			continue;
		put_figures(t, result, arm);
		if (!in_memory)
			put_changes(t, result, i);
	}
}

static bool any_arm(const struct ab_result *result, bool (*is)(const struct ab_arm *arm))
{
	for (size_t i = 0; i < result->n_arms; i++)
		if (is(&result->arm[i]))
			return true;
	return false;
}

static bool is_in_memory(const struct ab_arm *arm)
{
	return !arm->skipped && arm->type->in_memory;
}

static bool is_polling(const struct ab_arm *arm)
{
	return !arm->skipped && arm->type->polls;
}

static void put_legend(const struct terminal *t, const struct ab_result *result)
{
	fputs(terminal_style(t, STYLE_DIM), t->file);
	fputs(t->utf8 ? "✔ better  ✘ worse  ≈ equivalent  ? inconclusive  – not judged"
	              : "+ better  ! worse  = equivalent  ? inconclusive  - not judged",
	      t->file);
	fprintf(t->file,
	        "\nchanges of the loss in points\nCPU/request: the responder's own + what the "
	        "kernel did for it %s\n",
	        result->link.remote.name[0] ? "in receive interrupts of its host"
	                                    : "on the generator's CPU");
	if (any_arm(result, is_polling))
		fputs("* polls: takes its core whether or not there are requests\n", t->file);
	fputs(terminal_style(t, STYLE_PLAIN), t->file);
}

/* ---- How it was measured --------------------------------------------------------------------- */

/* A list that grows: "p50 2 %, p99 4 %". */
struct list {
	char text[2048];
	const char *separator;
};

static void add(struct list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct list *list, const char *format, ...)
{
	size_t length = strlen(list->text);
	va_list arguments;

	length += (size_t)snprintf(list->text + length, sizeof(list->text) - length, "%s",
	                           length ? list->separator : "");
	if (length >= sizeof(list->text))
		return;
	va_start(arguments, format);
	vsnprintf(list->text + length, sizeof(list->text) - length, format, arguments);
	va_end(arguments);
}

static void put_item(const struct terminal *t, enum style style, const char *name, const char *text)
{
	if (!text[0])
		return;
	fputs("  ", t->file);
	fputs(terminal_style(t, style), t->file);
	put_left(t, NAME_WIDTH, name);
	fputs(terminal_style(t, STYLE_PLAIN), t->file);
	put_wrapped(t->file, text, NAME_WIDTH + 2, NAME_WIDTH + 2, WIDTH);
}

static void put_floors(const struct terminal *t, const struct ab_result *result)
{
	struct list list = { .separator = ", " };
	char text[1024];

	for (size_t i = 0; i < N_COLUMNS; i++) {
		const struct ab_floor *floor = &result->floor[columns[i]];
		const char *title = ab_metric_title(columns[i]);

		if (isnan(floor->floor))
			continue;
		if (isinf(floor->floor))
			add(&list, "%s without bound", title);
		else if (columns[i] == AB_LOSS)
			add(&list, "%s %.3f points", title, 100 * floor->floor);
		else
			add(&list, "%s %.1f %%", title, 100 * floor->floor);
	}
	snprintf(text, sizeof(text),
	         "%.800s: %s against itself, the least change that is not noise",
	         list.text[0] ? list.text : "unknown", result->arm[0].type->name);
	put_item(t, STYLE_PLAIN, "A/A floor", text);
}

static void put_policy(const struct terminal *t, const struct ab_result *result)
{
	const struct policy *policy = &result->policy;
	struct list list = { .separator = "; " };
	const char *metric = ab_metric_title(policy->metric);

	if (isinf(policy->need))
		add(&list, "%s must not be worse", metric);
	else
		add(&list, "%s must be %g %% lower", metric, 100 * policy->need);
	add(&list, "less than %g %% is no change", 100 * policy->margin);
	if (isfinite(policy->loss_limit))
		add(&list, "loss up to +%g points", 100 * policy->loss_limit);
	if (isfinite(policy->cpu_limit))
		add(&list, "CPU/request up to +%g %%", 100 * policy->cpu_limit);
	put_item(t, STYLE_PLAIN, "policy", list.text);
}

static void put_work_in(struct list *list, const struct terminal *t, const struct traffic *traffic)
{
	struct ab_work work = ab_work(traffic);

	if (!work.max_ns)
		return;
	add(list, "work %s each%s%.200s", format_ns(t, work.mean_ns).text,
	    traffic->work_from[0] ? " on average, as in " : "", traffic->work_from);
}

/* Of the packets, and of the requests that are sent: what is not as it was captured. */
static void put_trace(const struct terminal *t, const struct traffic *traffic)
{
	const struct traffic_trace *trace = &traffic->trace;
	struct list list = { .separator = ", " };

	if (!trace->sha256[0])
		return;
	add(&list, "%s of its %s requests in %s packets", format_count(traffic->n_requests).text,
	    format_count(trace->requests).text, format_count(trace->packets).text);
	for (const struct ab_trace_count *row = ab_trace_counts; row->name; row++) {
		uint64_t n = *(const uint64_t *)((const char *)trace + row->offset);

		if (row->title && n)
			add(&list, "%s %s", format_count(n).text, row->title);
	}
	put_item(t, STYLE_PLAIN, "trace", list.text);
}

static void put_design(const struct terminal *t, const struct ab_result *result,
                       const struct traffic *traffic)
{
	struct list list = { .separator = ", " };
	size_t n = traffic->n_requests;

	add(&list, "%zu pairs of blocks of %s requests", result->rounds, format_count(n).text);
	if (n > 1)
		add(&list, "%s/s",
		    format_count((uint64_t)((double)(n - 1) * 1e9 /
		                            (double)(traffic->request[n - 1].at_ns -
		                                     traffic->request[0].at_ns)))
		            .text);
	add(&list, traffic->trace.sha256[0] ? "out of a trace" : "synthetic");
	put_work_in(&list, t, traffic);
	add(&list, "%g %% confidence over all figures (Holm)", 100 * result->confidence);
	add(&list, "seed %llu", (unsigned long long)result->seed);
	put_item(t, STYLE_PLAIN, "design", list.text);
}

static void put_generator(const struct terminal *t, const struct ab_result *result)
{
	struct list list = { .separator = ", " };

	add(&list, "%s", result->wire);
	add(&list, "late by %s (p50)", format_ns(t, result->lateness_p50_ns).text);
	add(&list, "%s (p99)", format_ns(t, result->lateness_p99_ns).text);
	add(&list, "by itself %s (p99), up to %s count",
	    format_ns(t, result->own_lateness_p99_ns).text,
	    format_ns(t, result->lateness_limit_ns).text);
	add(&list, "the run took %.0f s", result->seconds);
	put_item(t, STYLE_PLAIN, "generator", list.text);
}

static void put_remote(const struct terminal *t, const struct ab_result *result)
{
	const struct remote_host *remote = &result->link.remote;
	struct list list = { .separator = ", " };

	if (!remote->name[0])
		return;
	add(&list, "on %s", remote->name);
	add(&list, "CPU %d of %d", remote->cpu, remote->cpus);
	if (remote->cpu_model[0])
		add(&list, "%s", remote->cpu_model);
	add(&list, "Linux %s", remote->kernel);
	put_item(t, STYLE_PLAIN, "responder", list.text);
}

static void put_cautions(const struct terminal *t, const struct ab_result *result)
{
	for (size_t i = 0; i < AB_CAUTIONS; i++)
		put_item(t, STYLE_WARNING, "caution", result->caution[i]);
}

static void put_rejected(const struct terminal *t, const struct ab_result *result)
{
	struct list list = { .separator = "; " };
	bool unequal = false;

	for (size_t i = 0; i < result->n_arms; i++) {
		struct list gates = { .separator = ", " };

		if (result->arm[i].skipped || !ab_rejected(result, i, 0))
			continue;
		for (const struct ab_gate_name *gate = ab_gate_names; gate->name; gate++)
			if (ab_rejected(result, i, gate->gate))
				add(&gates, "%s %zu", gate->title,
				    ab_rejected(result, i, gate->gate));
		add(&list, "%s %zu of %zu blocks (%.200s)%s", result->arm[i].type->name,
		    ab_rejected(result, i, 0), result->rounds, gates.text,
		    result->arm[i].unequal ? ", unlike the baseline: judged with them and without"
		                           : "");
		unequal = unequal || result->arm[i].unequal;
	}
	put_item(t, unequal ? STYLE_WARNING : STYLE_PLAIN, "rejected", list.text);
}

static void put_lost(const struct terminal *t, const struct ab_result *result)
{
	struct list list = { .separator = "; " };

	for (size_t i = 0; i < result->n_arms; i++) {
		const struct ab_lost *lost = &result->arm[i].lost;
		const uint64_t counts[] = { lost->generator, lost->nic, lost->ring, lost->socket,
			                    lost->responder };
		static const char *const places[] = { "by the generator", "on the link",
			                              "in the ring", "in the socket buffer",
			                              "by the responder" };
		struct list parts = { .separator = ", " };

		for (size_t place = 0; place < 5; place++)
			if (counts[place])
				add(&parts, "%s %s", format_count(counts[place]).text,
				    places[place]);
		if (parts.text[0])
			add(&list, "%s: %.200s of %s", result->arm[i].type->name, parts.text,
			    format_count(result->arm[i].requests).text);
	}
	put_item(t, STYLE_PLAIN, "lost", list.text);
}

/* Is there something to say of @c that was not said of its metric? */
static bool is_open(const struct ab_result *result, const struct ab_comparison *c)
{
	return c->why[0] && result->floor[c->metric].judged;
}

/* Adds all that is open for the reason of comparison @first, if none before it has that reason. */
static void add_open(struct list *list, const struct ab_result *result, size_t first)
{
	const char *why = result->comparison[first].why;
	struct list figures = { .separator = ", " };

	for (size_t i = 0; i < result->n_comparisons; i++) {
		const struct ab_comparison *c = &result->comparison[i];

		if (!is_open(result, c) || strcmp(c->why, why))
			continue;
		if (i < first)
			return;
		add(&figures, "%s %s", result->arm[c->arm].type->name, ab_metric_title(c->metric));
	}
	add(list, "%s: %s", figures.text, why);
}

/* What is not judged in any path, and what was not decided in each. */
static void put_doubts(const struct terminal *t, const struct ab_result *result)
{
	struct list unjudged = { .separator = "; " }, open = { .separator = "; " };

	for (size_t i = 0; i < N_COLUMNS; i++) {
		enum ab_metric metric = columns[i];

		if (metric == AB_CPU && result->no_cost_why[0])
			add(&unjudged, "CPU/request: %s", result->no_cost_why);
		else if (!result->floor[metric].judged)
			add(&unjudged, "%s: %s", ab_metric_title(metric),
			    strncmp(result->floor[metric].why, "not judged: ", 12)
			            ? result->floor[metric].why
			            : result->floor[metric].why + 12);
	}
	for (size_t i = 0; i < result->n_comparisons; i++)
		if (is_open(result, &result->comparison[i]))
			add_open(&open, result, i);
	put_item(t, STYLE_PLAIN, "not judged", unjudged.text);
	put_item(t, STYLE_PLAIN, "undecided", open.text);
}

/* ---- Paths ----------------------------------------------------------------------------------- */

static void put_paths(const struct terminal *t, const struct ab_result *result)
{
	fputc('\n', t->file);
	for (size_t i = 0; i < result->n_arms; i++) {
		const struct ab_arm *arm = &result->arm[i];
		const char *summary = ab_summary(result, arm);
		char text[640];

		snprintf(text, sizeof(text), "%s%s%s%s",
		         arm->skipped           ? "skipped: "
		         : arm->type->in_kernel ? "a bound, not a candidate: "
		                                : "",
		         arm->skipped ? arm->why : summary, *arm->how ? "; here: " : "", arm->how);
		fputs("  ", t->file);
		put_styled(t, STYLE_BOLD, arm->type->name);
		fprintf(t->file, "%*s", (int)(LEGEND_WIDTH - 2 - strlen(arm->type->name)), "");
		put_wrapped(t->file, text, LEGEND_WIDTH, LEGEND_WIDTH, WIDTH);
	}
}

void ab_text(const struct terminal *terminal, const struct ab_result *result,
             const struct traffic *traffic)
{
	put_headline(terminal, result);
	fputc('\n', terminal->file);
	put_table(terminal, result, false);
	if (any_arm(result, is_in_memory)) {
		fputs("\nNo kernel on either side, in memory only: not to be compared with the "
		      "table above\n",
		      terminal->file);
		put_table(terminal, result, true);
	}
	put_legend(terminal, result);
	fputc('\n', terminal->file);
	put_floors(terminal, result);
	put_policy(terminal, result);
	put_design(terminal, result, traffic);
	put_trace(terminal, traffic);
	put_generator(terminal, result);
	put_remote(terminal, result);
	put_cautions(terminal, result);
	put_rejected(terminal, result);
	put_lost(terminal, result);
	put_doubts(terminal, result);
	put_paths(terminal, result);
}
