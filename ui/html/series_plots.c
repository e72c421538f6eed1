// SPDX-License-Identifier: GPL-2.0
/* Over time: percentiles, rate, and the kernel's share, one plot each on the same time axis. */
#include <math.h>
#include <stdlib.h>

#include "sections.h"

/* Figures of the points of a series, by which a plot is drawn. */
typedef double (*point_figure)(const struct timeline_point *point);

static double p50_of(const struct timeline_point *point)
{
	return point->requests ? (double)point->p50_ns : NAN;
}

static double p99_of(const struct timeline_point *point)
{
	return point->requests ? (double)point->p99_ns : NAN;
}

static double rate_of(const struct timeline_point *point)
{
	return point->per_second >= 0 ? point->per_second : NAN;
}

static double kernel_of(const struct timeline_point *point)
{
	return point->kernel_share >= 0 ? point->kernel_share : NAN;
}

struct over_time {
	const struct timeline *timeline;
	const struct timeline_line *line;
	uint64_t requests;
	struct point *points; /* room for one line */
};

static void put_line(struct plot *plot, const struct over_time *over, point_figure figure,
                     const char *class)
{
	size_t n = over->timeline->n_points;

	/* A step for each slot; the last one ends with the axis. */
	for (size_t i = 0; i < n; i++)
		over->points[i] = (struct point){ (double)over->line->point[i].start_ns / 1e9,
			                          figure(&over->line->point[i]) };
	over->points[n] = (struct point){ plot->x.high, over->points[n - 1].y };
	plot_steps(plot, class, over->points, n + 1);
}

static double highest(const struct over_time *over, point_figure figure)
{
	double high = 0;

	for (size_t i = 0; i < over->timeline->n_points; i++)
		high = fmax(high, figure(&over->line->point[i])); /* fmax() leaves out NAN */
	return high;
}

static double lowest_above_zero(const struct over_time *over, point_figure figure)
{
	double low = INFINITY;

	for (size_t i = 0; i < over->timeline->n_points; i++) {
		double value = figure(&over->line->point[i]);

		if (value > 0)
			low = fmin(low, value);
	}
	return low;
}

static void put_hits(struct plot *plot, const struct over_time *over)
{
	double slot = (double)over->timeline->slot_ns / 1e9;

	for (size_t i = 0; i < over->timeline->n_points; i++) {
		const struct timeline_point *point = &over->line->point[i];
		double start = (double)point->start_ns / 1e9;
		double x0 = scale_place(&plot->x, start), x1 = scale_place(&plot->x, start + slot);

		if (!point->requests)
			plot_hit(plot, x0, x1, "%s: no request recorded", tick_time(start).text);
		else
			plot_hit(plot, x0, x1,
			         "%s\np50 %s, p99 %s\n%s, kernel stack %s\nn = %s requests",
			         tick_time(start).text, html_ns(point->p50_ns).text,
			         html_ns(point->p99_ns).text, html_rate(point->per_second).text,
			         format_percent(point->kernel_share).text,
			         format_count(point->requests).text);
	}
}

static struct plot make_plot(struct html *html, const struct over_time *over, double height)
{
	double seconds = (double)(over->timeline->n_points * over->timeline->slot_ns) / 1e9;

	return (struct plot){ .html = html,
		              .width = 860,
		              .height = height,
		              .left = 66,
		              .right = 16,
		              .top = 28,
		              .bottom = 40,
		              .x = { SCALE_LINEAR, 0, seconds },
		              .class = "wide" };
}

static void put_latency(struct html *html, const struct over_time *over)
{
	static const struct legend_entry entries[] = { { "p99", "p99" }, { "p50", "p50" } };
	struct plot plot = make_plot(html, over, 230);
	double low = lowest_above_zero(over, p50_of), high = highest(over, p99_of);

	plot.label = "p50 and p99 of the requests over time";
	plot.y = high / low > 10 ? (struct scale){ SCALE_LOG, low, high }
	                         : (struct scale){ SCALE_LINEAR, 0, high };
	scale_round(&plot.y);
	legend_put(html, entries, 2);
	plot_begin(&plot);
	plot_y_axis(&plot, tick_ns,
	            plot.y.kind == SCALE_LOG ? "time of a request, log scale"
	                                     : "time of a request");
	plot_x_axis(&plot, tick_time, "since the start of the recording");
	put_line(&plot, over, p99_of, "p99");
	put_line(&plot, over, p50_of, "p50");
	put_hits(&plot, over);
	plot_end(&plot, "p50 and p99 of the requests of each %.3g s; n = %s requests",
	         (double)over->timeline->slot_ns / 1e9, format_count(over->requests).text);
	plot_close(&plot);
}

static void put_figure(struct html *html, const struct over_time *over, point_figure figure,
                       const char *class, const char *label, tick_format format)
{
	struct plot plot = make_plot(html, over, 170);

	plot.label = label;
	plot.y = (struct scale){ SCALE_LINEAR, 0, fmax(highest(over, figure), 1e-3) };
	scale_round(&plot.y);
	plot_begin(&plot);
	plot_y_axis(&plot, format, label);
	plot_x_axis(&plot, tick_time, NULL);
	put_line(&plot, over, figure, class);
	put_hits(&plot, over);
	plot_end(&plot, "%s, of each %.3g s; n = %s requests", label,
	         (double)over->timeline->slot_ns / 1e9, format_count(over->requests).text);
	plot_close(&plot);
}

static void put_table(struct html *html, const struct over_time *over)
{
	html_folded_table_begin(html, "Figures of the three plots",
	                        "from|requests|rate|p50|p99|kernel stack");
	for (size_t i = 0; i < over->timeline->n_points; i++) {
		const struct timeline_point *point = &over->line->point[i];

		html_put(html, "<tr>");
		html_th(html, "%s", tick_time((double)point->start_ns / 1e9).text);
		html_td(html, "%s", format_count(point->requests).text);
		html_td(html, "%s",
		        point->per_second >= 0 ? html_rate(point->per_second).text : "–");
		html_td(html, "%s", point->requests ? html_ns(point->p50_ns).text : "–");
		html_td(html, "%s", point->requests ? html_ns(point->p99_ns).text : "–");
		html_td(html, "%s",
		        point->requests ? format_percent(point->kernel_share).text : "–");
		html_put(html, "</tr>\n");
	}
	html_folded_table_end(html);
}

void section_series(struct html *html, const struct html_model *model,
                    const struct html_endpoint *endpoint)
{
	struct over_time over = { model->timeline, endpoint->line,
		                  endpoint->finding->ledger->requests, NULL };

	if (!over.line)
		return;
	html_element(html, "h3", NULL, "Over time");
	if (over.timeline->n_points < 2) {
		html_element(html, "p", "note", "The recording has one interval only.");
		return;
	}
	over.points = calloc(over.timeline->n_points + 1, sizeof(over.points[0]));
	if (!over.points) {
		html->failed = true;
		return;
	}
	if (model->recording->n_sources > 1)
		html_element(html, "p", "note", "The merged recordings follow each other.");
	put_latency(html, &over);
	put_figure(html, &over, rate_of, "rate", "requests per second, while attached", tick_rate);
	put_figure(html, &over, kernel_of, "kernel-share",
	           "kernel stack’s share of the requests’ time", tick_percent);
	put_table(html, &over);
	free(over.points);
}
