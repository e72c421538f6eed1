// SPDX-License-Identifier: GPL-2.0
/*
 * The screen: what is around the view.
 *
 *	0	source, span, number of endpoints
 *	1	all endpoints: requests/s, percentiles
 *	2	the four-way summary, with a bar
 *	3	own cost, losses
 *	4	tabs
 *	5 ...	the view
 *	last	a prompt, a message, or the keys
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "top.h"

#define HEADER_ROWS 5

enum ink group_ink(enum ktax_group group)
{
	return (enum ink)(INK_GROUP + (int)group);
}

struct formatted format_rate(double per_second)
{
	struct formatted formatted, count = format_count((uint64_t)llround(per_second));

	if (per_second >= 100)
		snprintf(formatted.text, sizeof(formatted.text), "%.40s", count.text);
	else
		snprintf(formatted.text, sizeof(formatted.text), "%.3g", per_second);
	return formatted;
}

struct formatted format_span(uint64_t ns)
{
	struct formatted formatted;
	double seconds = (double)ns / 1e9;

	if (ns == TAIL_EVERYTHING)
		return (struct formatted){ "all" };
	if (seconds >= 99.5)
		snprintf(formatted.text, sizeof(formatted.text), "%.0f:%02.0f min",
		         floor(round(seconds) / 60), fmod(round(seconds), 60));
	else
		snprintf(formatted.text, sizeof(formatted.text), "%.3g s", seconds);
	return formatted;
}

/* ---- Header --------------------------------------------------------------------------------- */

static void draw_title(struct top *top, struct canvas *canvas)
{
	const struct model *model = &top->model;
	char source[160], span[80], endpoints[80] = "";

	top->source->ops->describe(top->source, source, sizeof(source));
	/* What it is of, not what it should be of: at the beginning there is less. */
	snprintf(span, sizeof(span), "%s%.20s",
	         model->tail.length_ns == TAIL_EVERYTHING ? "all " : "last ",
	         format_span(model->tail.sum.sum.length_ns).text);
	if (model->filter[0] && model->findings)
		snprintf(endpoints, sizeof(endpoints), "%zu of %zu endpoints", model->n_rows,
		         model->findings->n_endpoints);
	else
		snprintf(endpoints, sizeof(endpoints), "%zu endpoint%s", model->n_rows,
		         model->n_rows == 1 ? "" : "s");
	canvas_ink_row(canvas, 0, INK_TITLE);
	canvas_print(canvas, 0, 0, INK_TITLE, " ktax top  %s%s%s", source,
	             top->paused ? "  PAUSED" : "", top_writing(top) ? "  WRITING" : "");
	canvas_right(canvas, 0,
	             canvas->width - canvas_columns(span) - canvas_columns(endpoints) - 4,
	             canvas_columns(span) + canvas_columns(endpoints) + 3, INK_TITLE, "");
	canvas_print(canvas, 0,
	             canvas->width - canvas_columns(span) - canvas_columns(endpoints) - 4,
	             INK_TITLE, " %s  %s ", span, endpoints);
}

static int put_figure(struct canvas *canvas, int row, int column, const char *name,
                      const char *figure)
{
	column = canvas_print(canvas, row, column, INK_DIM, "%s ", name);
	return canvas_print(canvas, row, column, INK_BOLD, "%s", figure) + 3;
}

static void draw_total(const struct finding_endpoint *all, struct canvas *canvas)
{
	const struct {
		const char *name;
		uint64_t ns;
	} figures[] = { { "p50", all->total.p50_ns },
		        { "p99", all->total.p99_ns },
		        { "p99.9", all->total.p999_ns },
		        { "max", all->total.max_ns } };
	int column =
		canvas_print(canvas, 1, 1, INK_BOLD, "%s", format_rate(all->rate.per_second).text);

	column = canvas_print(canvas, 1, column, INK_DIM, " requests/s") + 3;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		column = put_figure(canvas, 1, column, figures[i].name,
		                    format_ns(&canvas->terminal, figures[i].ns).text);
}

static void draw_groups(const struct finding_endpoint *all, struct canvas *canvas)
{
	static const char *const names[KTAX_NGROUPS] = { "NIC", "kernel", "serialization",
		                                         "application" };
	int column = 1;

	for (int g = 0; g < KTAX_NGROUPS; g++) {
		const struct finding_group *group = &all->group[g];

		column = canvas_print(canvas, 2, column, group_ink((enum ktax_group)g), "%s ",
		                      names[g]);
		column = canvas_print(canvas, 2, column, INK_BOLD, "%s",
		                      group->present ? format_percent(group->part.share).text
		                                     : "n/a") +
		         3;
	}
	for (int g = 0, left = canvas->width - column - 1, room = left; g < KTAX_NGROUPS; g++) {
		int n = g == KTAX_NGROUPS - 1 ? left : (int)lround(all->group[g].part.share * room);

		for (left -= n; n > 0; n--)
			canvas_symbol(canvas, 2, column++, group_ink((enum ktax_group)g),
			              canvas->terminal.utf8 ? 0x2588 : (uint32_t)names[g][0]);
	}
}

static int draw_cost(const struct findings *findings, struct canvas *canvas)
{
	const struct finding_self *self = &findings->self;
	const char *cpus = recording_meta(findings->recording, "cpus");
	int column = canvas_print(canvas, 3, 1, INK_DIM, "own cost ");

	if (self->cpu_share >= 0)
		column = canvas_print(canvas, 3, column, INK_PLAIN, "%s of %s CPUs",
		                      format_percent(self->cpu_share).text, cpus ? cpus : "?");
	else
		column = canvas_print(canvas, 3, column, INK_PLAIN, "unknown");
	if (self->windowed)
		column = canvas_print(canvas, 3, column, INK_PLAIN,
		                      " while attached, %s of the time",
		                      format_percent(self->attached_share).text);
	return column + 3;
}

static void draw_losses(const struct recording *recording, struct canvas *canvas, int column)
{
	const struct recording_interval *sum = &recording->sum;
	const struct {
		uint64_t n;
		const char *what;
	} losses[] = { { sum->lost_map_full, "connections" },
		       { sum->lost_ring, "samples" },
		       { sum->missed_stamps, "stamps" },
		       { sum->clock_errors, "clock errors" },
		       { sum->reopened, "cut" } };
	bool any = false;

	column = canvas_print(canvas, 3, column, INK_DIM, "losses ");
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		if (!losses[i].n)
			continue;
		column = canvas_print(canvas, 3, column, INK_WARNING, "%s%s %s", any ? ", " : "",
		                      format_count(losses[i].n).text, losses[i].what);
		any = true;
	}
	if (!any)
		canvas_print(canvas, 3, column, INK_PLAIN, "none");
}

static void draw_tabs(const struct top *top, struct canvas *canvas)
{
	int column = 0;

	for (int i = 0; i < N_VIEWS; i++) {
		bool current = i == (int)top->view;

		column = canvas_print(canvas, 4, column, current ? INK_TITLE : INK_DIM,
		                      current ? "[%d %s]" : " %d %s ", i + 1, top_views[i]->name);
	}
}

static void draw_header(struct top *top, struct canvas *canvas)
{
	const struct findings *overall = top->model.overall;

	draw_title(top, canvas);
	draw_tabs(top, canvas);
	if (!overall || !overall->recording->n_intervals) {
		canvas_print(canvas, 1, 1, INK_DIM, "waiting for the first interval");
		return;
	}
	if (overall->endpoints[0].ledger->requests) {
		draw_total(&overall->endpoints[0], canvas);
		draw_groups(&overall->endpoints[0], canvas);
	} else {
		canvas_print(canvas, 1, 1, INK_DIM, "%s",
		             overall->recording->sum.attached_ns
		                     ? "no request in this span"
		                     : "the probes were not attached in this span (--budget)");
	}
	draw_losses(overall->recording, canvas, draw_cost(overall, canvas));
}

/* ---- Last row ------------------------------------------------------------------------------- */

static void draw_keys(const struct top *top, struct canvas *canvas, int row)
{
	static const char *const keys[][2] = { { "q", "quit" },   { "h", "help" },
		                               { "Tab", "view" }, { "s", "sort" },
		                               { "/", "filter" }, { "p", "pause" },
		                               { "d", "delay" },  { "+-", "span" },
		                               { "r", "reset" },  { "w", "write" } };
	int column = 1;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		column = canvas_print(canvas, row, column, INK_BOLD, "%s", keys[i][0]);
		column = canvas_print(canvas, row, column, INK_DIM, " %s", keys[i][1]) + 1;
	}
}

static void draw_last_row(const struct top *top, struct canvas *canvas)
{
	static const char *const questions[] = {
		[PROMPT_FILTER] = "Filter by endpoint or process",
		[PROMPT_DELAY] = "Delay between refreshes, e.g. 2 or 500ms",
		[PROMPT_FILE] = "Record to",
	};
	int row = canvas->height - 1;

	if (top->prompt)
		canvas_print(canvas, row, 0, INK_BOLD, "%s: %s%s", questions[top->prompt],
		             top->input, "_");
	else if (top->message[0])
		canvas_print(canvas, row, 0, INK_WARNING, "%s", top->message);
	else
		draw_keys(top, canvas, row);
}

static void draw_too_small(struct canvas *canvas)
{
	canvas_print(canvas, 0, 0, INK_PLAIN, "ktax top needs %d x %d", TOP_WIDTH_LEAST,
	             TOP_HEIGHT_LEAST);
	canvas_print(canvas, 1, 0, INK_PLAIN, "this terminal: %d x %d", canvas->width,
	             canvas->height);
}

void top_draw(struct top *top, struct canvas *canvas)
{
	canvas_clear(canvas);
	if (canvas->width < TOP_WIDTH_LEAST || canvas->height < TOP_HEIGHT_LEAST) {
		draw_too_small(canvas);
		return;
	}
	if (top->help) {
		help_draw(canvas);
		return;
	}
	draw_header(top, canvas);
	top_views[top->view]->draw(
		top, (struct area){ canvas, HEADER_ROWS, canvas->height - HEADER_ROWS - 1 });
	draw_last_row(top, canvas);
}
