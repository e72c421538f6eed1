// SPDX-License-Identifier: GPL-2.0
/*
 * The comparison for people: a sentence per endpoint, its total and floors, then the accounts that
 * changed. Figures are "before, after, change [interval]".
 */
#include <math.h>
#include <string.h>

#include "diff_output.h"
#include "format.h"

#define NAME_WIDTH     13
#define LEVEL_WIDTH    7
#define FIGURE_WIDTH   10
#define DELTA_WIDTH    12
#define INTERVAL_WIDTH 24

static void put_style(const struct terminal *t, enum style style)
{
	fputs(terminal_style(t, style), t->file);
}

static enum style verdict_style(enum diff_verdict verdict)
{
	return verdict == DIFF_HIGHER  ? STYLE_BAD
	       : verdict == DIFF_LOWER ? STYLE_GOOD
	                               : STYLE_PLAIN;
}

/* "+1.23 µs", "−45 ns", "no bound" */
static struct formatted format_delta(const struct terminal *t, double ns)
{
	struct formatted formatted, absolute;

	if (isinf(ns))
		return (struct formatted){ "no bound" };
	absolute = format_ns(t, (uint64_t)llround(fabs(ns)));
	snprintf(formatted.text, sizeof(formatted.text), "%s%.40s",
	         llround(ns) == 0 ? ""
	         : ns > 0         ? "+"
	         : t->utf8        ? "−"
	                          : "-",
	         absolute.text);
	return formatted;
}

/* "+12.3 %": three digits at most. */
static struct formatted format_ratio(const struct terminal *t, double change)
{
	struct formatted formatted;

	if (isinf(change))
		return (struct formatted){ "no bound" };
	snprintf(formatted.text, sizeof(formatted.text), "%s%.*f %%",
	         change >= 0 ? "+"
	         : t->utf8   ? "−"
	                     : "-",
	         fabs(change) < 0.1 ? 1 : 0, 100 * fabs(change));
	return formatted;
}

/* "[low, high]" of the ratio where there is one, or else of the difference. */
static struct formatted format_interval(const struct terminal *t, const struct diff_change *change)
{
	struct formatted formatted, low, high;

	if (change->verdict == DIFF_UNKNOWN)
		return (struct formatted){ "too few to say" };
	low = change->has_ratio ? format_ratio(t, change->ratio.low)
	                        : format_delta(t, change->delta.low);
	high = change->has_ratio ? format_ratio(t, change->ratio.high)
	                         : format_delta(t, change->delta.high);
	snprintf(formatted.text, sizeof(formatted.text), "[%.28s, %.28s]", low.text, high.text);
	return formatted;
}

static bool told(const struct diff_change *change)
{
	return change->verdict == DIFF_HIGHER || change->verdict == DIFF_LOWER;
}

static void put_change(const struct terminal *t, const char *row, enum diff_level level,
                       const struct diff_change *change)
{
	fputs("  ", t->file);
	put_left(t, NAME_WIDTH, row);
	put_left(t, LEVEL_WIDTH, diff_level_title(level));
	put_right(t, FIGURE_WIDTH, format_ns(t, (uint64_t)llround(change->before.ns)).text);
	put_right(t, FIGURE_WIDTH, format_ns(t, (uint64_t)llround(change->after.ns)).text);
	put_style(t, verdict_style(change->verdict));
	put_right(t, DELTA_WIDTH, format_delta(t, change->delta_ns).text);
	put_right(t, FIGURE_WIDTH, change->has_ratio ? format_ratio(t, change->change).text : "");
	put_style(t, STYLE_PLAIN);
	fputs("  ", t->file);
	if (told(change)) {
		put_left(t, INTERVAL_WIDTH, format_interval(t, change).text);
		put_style(t, verdict_style(change->verdict));
		fputs(diff_verdict_name[change->verdict], t->file);
	} else {
		put_style(t, STYLE_DIM);
		fputs(format_interval(t, change).text, t->file);
	}
	put_style(t, STYLE_PLAIN);
	fputc('\n', t->file);
}

static void put_titles(const struct terminal *t)
{
	put_style(t, STYLE_DIM);
	fputs("  ", t->file);
	put_left(t, NAME_WIDTH + LEVEL_WIDTH, "");
	put_right(t, FIGURE_WIDTH, "before");
	put_right(t, FIGURE_WIDTH, "after");
	put_right(t, DELTA_WIDTH + FIGURE_WIDTH, "change");
	fputs("  95 % interval\n", t->file);
	put_style(t, STYLE_PLAIN);
}

static void put_row(const struct terminal *t, const struct diff_endpoint *endpoint, int row,
                    bool all)
{
	const char *name = diff_row_title(row);

	if (!endpoint->row[row].present)
		return;
	for (int level = 0; level < DIFF_LEVELS; level++) {
		const struct diff_change *change = &endpoint->row[row].level[level];

		if (!all && !told(change))
			continue;
		put_change(t, name, (enum diff_level)level, change);
		name = "";
	}
}

static bool any_told(const struct diff_row *row)
{
	for (int level = 0; level < DIFF_LEVELS; level++)
		if (told(&row->level[level]))
			return true;
	return false;
}

/* "a, b, c": the accounts that are not shown, or those that could not be compared. */
static void put_names(const struct terminal *t, const struct diff_endpoint *endpoint, bool compared,
                      const char *title)
{
	char names[400] = "";
	size_t length = 0;

	for (int row = 0; row < KTAX_NACCOUNTS && length < sizeof(names); row++) {
		if (endpoint->row[row].present != compared ||
		    (compared && any_told(&endpoint->row[row])))
			continue;
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
		                           length ? ", " : "", diff_row_title(row));
	}
	if (!length)
		return;
	put_style(t, STYLE_DIM);
	fprintf(t->file, "  %s: ", title);
	put_wrapped(t->file, names, terminal_columns(title) + 4, 4, t->width);
	put_style(t, STYLE_PLAIN);
}

static void put_headline(const struct terminal *t, const struct diff_endpoint *endpoint)
{
	const struct diff_change *change = &endpoint->row[DIFF_TOTAL].level[DIFF_P99];
	struct formatted interval = format_interval(t, change);

	put_style(t, STYLE_BOLD);
	fputs(endpoint->before->ledger->endpoint.name, t->file);
	if (endpoint->renamed)
		fprintf(t->file, " (after: %s)", endpoint->after->ledger->endpoint.name);
	put_style(t, STYLE_PLAIN);
	fputs(": p99 ", t->file);
	put_style(t, verdict_style(change->verdict));
	if (change->verdict == DIFF_UNKNOWN)
		fputs("cannot be compared, too few requests or seconds", t->file);
	else if (change->verdict == DIFF_UNDECIDED)
		fprintf(t->file, "did not change as far as these recordings can tell, %s",
		        interval.text);
	else
		fprintf(t->file, "is %s %s", format_ratio(t, change->change).text, interval.text);
	put_style(t, STYLE_PLAIN);
	fputc('\n', t->file);
}

static void put_who(const struct terminal *t, const struct diff_endpoint *endpoint)
{
	put_style(t, STYLE_DIM);
	fprintf(t->file, "  before %s requests in %zu blocks,",
	        format_count(endpoint->before->ledger->requests).text, endpoint->blocks_before);
	fprintf(t->file, " after %s in %zu\n", format_count(endpoint->after->ledger->requests).text,
	        endpoint->blocks_after);
	put_style(t, STYLE_PLAIN);
}

static void put_endpoint(const struct terminal *t, const struct diff_output *output,
                         const struct diff_endpoint *endpoint)
{
	put_headline(t, endpoint);
	put_who(t, endpoint);
	put_titles(t);
	put_row(t, endpoint, DIFF_TOTAL, true);
	for (int row = 0; row < KTAX_NACCOUNTS; row++)
		put_row(t, endpoint, row, output->all);
	put_row(t, endpoint, DIFF_TUNED, output->all);
	put_row(t, endpoint, DIFF_BYPASS, output->all);
	if (!output->all)
		put_names(t, endpoint, true, "no change that can be told");
	put_names(t, endpoint, false, "not compared");
	fputc('\n', t->file);
}

static void put_gate(const struct terminal *t, const struct diff_output *output,
                     const struct diff_endpoint *endpoint)
{
	for (int level = 0; level < DIFF_LEVELS; level++) {
		const struct diff_change *change = &endpoint->gate[level];
		enum diff_gate gate = diff_judge(change, output->limit);

		if (!diff_gated((enum diff_level)level))
			continue;
		put_style(t, gate == DIFF_GATE_REGRESSED   ? STYLE_BAD
		             : gate == DIFF_GATE_UNDECIDED ? STYLE_WARNING
		                                           : STYLE_GOOD);
		put_left(t, 11, diff_gate_name(gate));
		put_style(t, STYLE_PLAIN);
		fprintf(t->file, "%s %s: %s %s\n", endpoint->before->ledger->endpoint.name,
		        diff_level_title((enum diff_level)level),
		        change->has_ratio ? format_ratio(t, change->change).text : "n/a",
		        format_interval(t, change).text);
	}
}

static void put_gates(const struct terminal *t, const struct diff_output *output)
{
	if (!output->gated)
		return;
	fprintf(t->file, "gate: at most %g %% more, 95 %% sure of all %s", 100 * output->limit,
	        "together\n");
	for (size_t i = 0; i < output->diff->n_endpoints; i++)
		put_gate(t, output, &output->diff->endpoint[i]);
	fprintf(t->file, "verdict: %s\n",
	        diff_gate_name(diff_judge_all(output->diff, output->limit)));
}

static void put_others(const struct terminal *t, const struct diff *diff)
{
	if (!diff->n_endpoints)
		fputs("no endpoint is in both recordings\n", t->file);
	if (diff->n_lost)
		fprintf(t->file, "endpoints that are only in the recording before: %zu\n",
		        diff->n_lost);
	if (diff->n_new)
		fprintf(t->file, "endpoints that are only in the recording after: %zu\n",
		        diff->n_new);
}

void diff_text(const struct terminal *terminal, const struct diff_output *output)
{
	const struct diff *diff = output->diff;

	if (diff->caution[0]) {
		put_style(terminal, STYLE_WARNING);
		fputs("! ", terminal->file);
		put_wrapped(terminal->file, diff->caution, 2, 2, terminal->width);
		put_style(terminal, STYLE_PLAIN);
	}
	for (size_t i = 0; i < diff->n_endpoints; i++)
		put_endpoint(terminal, output, &diff->endpoint[i]);
	put_others(terminal, diff);
	put_gates(terminal, output);
}
