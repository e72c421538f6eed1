// SPDX-License-Identifier: GPL-2.0
/*
 * The latency distribution of the selected endpoint: time over percentile, both logarithmic, so
 * that each 9 more takes the same room. The total, and below it what would remain without the
 * kernel.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "chart.h"
#include "curve.h"
#include "top.h"

#define AXIS      9    /* columns of the times at the left */
#define DOTS_MOST 2048 /* of a curve, across */

struct scale {
	double low, high; /* log10 of ns */
	double nines;     /* of the right end: 3 is p99.9 */
};

/* As many nines as there are requests to tell them. */
static struct scale find_scale(const struct recording_ledger *ledger)
{
	struct scale scale = { .nines = fmin(fmax(log10((double)ledger->requests), 1), 5) };
	uint64_t low = curve_at(ledger, CURVE_BYPASS, 1 - 1e-9);

	scale.low = floor(log10(fmax((double)low, 1)));
	scale.high = ceil(log10(fmax((double)ledger->max_ns, 10)));
	if (scale.high <= scale.low)
		scale.high = scale.low + 1;
	return scale;
}

/* The share of requests that are slower, at @x of @across from the left. */
static double above_at(const struct scale *scale, int x, int across)
{
	return pow(10, -scale->nines * x / (across > 1 ? across - 1 : 1));
}

static int height_of(const struct scale *scale, uint64_t ns, int up)
{
	double share = (log10(fmax((double)ns, 1)) - scale->low) / (scale->high - scale->low);

	return (int)lround(fmin(fmax(share, 0), 1) * (up - 1));
}

/* Dots between one column's and the next make it a line. */
static void draw_curve(const struct plot *plot, const struct recording_ledger *ledger,
                       const struct scale *scale, enum curve curve, enum ink ink, char mark)
{
	int across = plot_dots_across(plot), up = plot_dots_up(plot), last = -1;
	double above[DOTS_MOST];
	uint64_t ns[DOTS_MOST];

	if (across > DOTS_MOST)
		across = DOTS_MOST;
	for (int x = 0; x < across; x++)
		above[x] = above_at(scale, x, plot_dots_across(plot));
	curve_at_each(ledger, curve, above, across > 0 ? (size_t)across : 0, ns);
	for (int x = 0; x < across; x++) {
		int y = height_of(scale, ns[x], up);

		for (int between = last < 0 ? y : last + 1; between < y; between++)
			plot_dot(plot, x, between, ink, mark);
		plot_dot(plot, x, y, ink, mark);
		last = y;
	}
}

static void draw_times(const struct plot *plot, const struct scale *scale)
{
	for (int decade = (int)scale->low; decade <= (int)scale->high; decade++) {
		uint64_t ns = (uint64_t)llround(pow(10, decade));
		int up = plot_dots_up(plot);
		int row = plot->row + (plot->height - 1) -
		          height_of(scale, ns, up) * plot->height / up;

		canvas_right(plot->canvas, row, 0, AXIS - 2, INK_DIM,
		             format_ns(&plot->canvas->terminal, ns).text);
		canvas_symbol(plot->canvas, row, AXIS - 1, INK_DIM, '+');
	}
}

static void draw_percentiles(const struct plot *plot, const struct scale *scale, int row)
{
	static const char *const names[] = { "0", "p90", "p99", "p99.9", "p99.99", "p99.999" };

	for (int i = 0; i <= (int)scale->nines; i++) {
		int column = plot->column + (int)lround((plot->width - 1) * i / scale->nines);
		int width = (int)strlen(names[i]);

		if (column + width > plot->column + plot->width)
			column = plot->column + plot->width - width;
		canvas_text(plot->canvas, row, column, width, INK_DIM, names[i]);
	}
}

static void draw_axes(const struct plot *plot)
{
	bool utf8 = plot->canvas->terminal.utf8;

	for (int row = plot->row; row < plot->row + plot->height; row++)
		canvas_symbol(plot->canvas, row, AXIS - 1, INK_DIM, utf8 ? 0x2502 : '|');
	for (int column = plot->column; column < plot->column + plot->width; column++)
		canvas_symbol(plot->canvas, plot->row + plot->height, column, INK_DIM,
		              utf8 ? 0x2500 : '-');
}

/* In the upper left corner: no curve is there. */
static void draw_legend(const struct finding_endpoint *endpoint, const struct plot *plot)
{
	const struct terminal *t = &plot->canvas->terminal;
	const struct {
		const char *name, *mark;
		uint64_t p50_ns, p99_ns;
		enum ink ink;
	} curves[] = { { "total", "*", endpoint->total.p50_ns, endpoint->total.p99_ns, INK_BOLD },
		       { "without the kernel", ".", endpoint->bypass.p50_ns,
		         endpoint->bypass.p99_ns, INK_GOOD } };

	for (int i = 0; i < 2; i++)
		canvas_print(plot->canvas, plot->row + i, plot->column + 2, curves[i].ink,
		             "%s %s: p50 %s, p99 %s", t->utf8 ? "━" : curves[i].mark,
		             curves[i].name, format_ns(t, curves[i].p50_ns).text,
		             format_ns(t, curves[i].p99_ns).text);
}

static void draw(struct top *top, struct area area)
{
	const struct finding_endpoint *endpoint = model_selected(&top->model);
	struct plot plot = { area.canvas, area.row + 1, AXIS, area.height - 3,
		             area.canvas->width - AXIS - 1 };
	struct scale scale;

	if (!endpoint || !endpoint->ledger->requests) {
		canvas_print(area.canvas, area.row + 1, 1, INK_DIM, "%s%sno request in this span",
		             endpoint ? endpoint->ledger->endpoint.name : "", endpoint ? ": " : "");
		return;
	}
	scale = find_scale(endpoint->ledger);
	canvas_print(area.canvas, area.row, 1, INK_BOLD, "%s", endpoint->ledger->endpoint.name);
	draw_axes(&plot);
	draw_times(&plot, &scale);
	draw_percentiles(&plot, &scale, plot.row + plot.height + 1);
	draw_curve(&plot, endpoint->ledger, &scale, CURVE_BYPASS, INK_GOOD, '.');
	draw_curve(&plot, endpoint->ledger, &scale, CURVE_TOTAL, INK_BOLD, '*');
	draw_legend(endpoint, &plot);
}

const struct view view_distribution = {
	.name = "Distribution",
	.option = "distribution",
	.draw = draw,
};
