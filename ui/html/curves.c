// SPDX-License-Identifier: GPL-2.0
/* Percentile plots of the total and of the two floors, one over the other. */
#include <math.h>

#include "quantile.h"
#include "sections.h"

#define LINES 3

static const struct {
	const char *class, *name;
} lines[LINES] = { { "total", "as measured" },
	           { "tuned", "with a tuned kernel" },
	           { "bypass", "with bypass: without the kernel’s part" } };

struct curves {
	struct quantile_curve line[LINES];
};

static void find_curves(const struct recording_ledger *ledger, struct curves *curves)
{
	quantile_curve_of(&ledger->total, ledger->requests, ledger->max_ns, &curves->line[0]);
	quantile_curve_of(&ledger->floor_tuned, ledger->requests, ledger->max_ns, &curves->line[1]);
	quantile_curve_of(&ledger->floor_bypass, ledger->requests, ledger->max_ns,
	                  &curves->line[2]);
}

/* Logarithmic where the figures span more than a factor of ten. */
static struct scale find_y(const struct curves *curves)
{
	double low = INFINITY, high = 1;

	for (int l = 0; l < LINES; l++)
		for (size_t i = 0; i < curves->line[l].n; i++) {
			double ns = (double)curves->line[l].point[i].ns;

			low = ns > 0 ? fmin(low, ns) : low;
			high = fmax(high, ns);
		}
	if (low > high)
		low = 1;
	if (high / low > 10)
		return (struct scale){ SCALE_LOG, low, high };
	return (struct scale){ SCALE_LINEAR, 0, high };
}

static void put_curve(struct plot *plot, const struct quantile_curve *curve, const char *class)
{
	struct point points[CURVE_POINTS_MAX];

	for (size_t i = 0; i < curve->n; i++)
		points[i] = (struct point){ curve->point[i].above, (double)curve->point[i].ns };
	plot_line(plot, class, points, curve->n);
}

static void put_hits(struct plot *plot, const struct curves *curves)
{
	const struct quantile_curve *total = &curves->line[0];

	for (size_t i = 0; i < total->n; i++) {
		double above = total->point[i].above;
		double x = scale_place(&plot->x, above), half = 0.5;

		if (total->n > 1)
			half = (plot->x.to - plot->x.from) / (double)(total->n - 1) / 2;
		plot_hit(
			plot, fmax(x - half, plot->x.from), fmin(x + half, plot->x.to),
			"%s of the requests\nas measured: at most %s\ntuned kernel: %s\nbypass: %s",
			percentile_text(above).text, html_ns(total->point[i].ns).text,
			html_ns(curves->line[1].point[i].ns).text,
			html_ns(curves->line[2].point[i].ns).text);
	}
}

static void put_floor(struct html *html, const char *name, const struct finding_floor *floor)
{
	html_put(html, "<tr>");
	html_th(html, "%s", name);
	html_td(html, "%s", html_ns(floor->p50_ns).text);
	html_td(html, "%s", html_change(floor->gain_p50).text);
	html_td(html, "%s", html_ns(floor->p99_ns).text);
	html_td(html, "%s", html_change(floor->gain_p99).text);
	html_td(html, "%s", html_ns(floor->p999_ns).text);
	html_td(html, "%s", html_change(floor->gain_p999).text);
	html_put(html, "</tr>\n");
}

static void put_table(struct html *html, const struct finding_endpoint *finding)
{
	const struct finding_quantiles *total = &finding->total;

	html_table_begin(html, "What would remain of a request", "|p50||p99||p99.9|");
	html_put(html, "<tr>");
	html_th(html, "as measured");
	html_td(html, "%s", html_ns(total->p50_ns).text);
	html_put(html, "<td></td>");
	html_td(html, "%s", html_ns(total->p99_ns).text);
	html_put(html, "<td></td>");
	html_td(html, "%s", html_ns(total->p999_ns).text);
	html_put(html, "<td></td></tr>\n");
	put_floor(html, "with a tuned kernel", &finding->tuned);
	put_floor(html, "with bypass", &finding->bypass);
	html_table_end(html);
}

static void put_plot(struct html *html, const struct finding_endpoint *finding,
                     const struct curves *curves)
{
	const struct quantile_curve *total = &curves->line[0];
	struct plot plot = { .html = html,
		             .width = 860,
		             .height = 340,
		             .left = 66,
		             .right = 36,
		             .top = 28,
		             .bottom = 44,
		             .x = { SCALE_NINES, 1, total->point[total->n - 1].above },
		             .y = find_y(curves),
		             .label = "Time of a request by percentile: as measured, with a tuned "
		                      "kernel, with bypass",
		             .class = "wide" };
	struct legend_entry entries[LINES];

	for (int l = 0; l < LINES; l++)
		entries[l] = (struct legend_entry){ lines[l].class, lines[l].name };
	legend_put(html, entries, LINES);
	scale_round(&plot.y);
	plot_begin(&plot);
	plot_y_axis(&plot, tick_ns,
	            plot.y.kind == SCALE_LOG ? "time of a request, log scale"
	                                     : "time of a request");
	plot_x_axis(&plot, tick_percentile, "percentile");
	for (int l = LINES - 1; l >= 0; l--)
		put_curve(&plot, &curves->line[l], lines[l].class);
	put_hits(&plot, curves);
	plot_end(&plot,
	         "Each line is a distribution of its own, request by request; buckets of 1.6 %%. "
	         "n = %s requests",
	         format_count(finding->ledger->requests).text);
	plot_close(&plot);
}

void section_curves(struct html *html, const struct html_model *model,
                    const struct html_endpoint *endpoint)
{
	struct curves curves;

	html_element(html, "h3", NULL, "Percentiles, and what would remain without the kernel");
	find_curves(endpoint->finding->ledger, &curves);
	if (curves.line[0].n)
		put_plot(html, endpoint->finding, &curves);
	put_table(html, endpoint->finding);
	html_element(
		html, "p", "note",
		"Request by request and to first order: the path that replaces the kernel takes "
		"time too, which ktax ab measures, and a server that queues gains more than the "
		"time that is removed.");
}
