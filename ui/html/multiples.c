// SPDX-License-Identifier: GPL-2.0
/* Small multiples: the distribution of each account, all on the same axes. */
#include <math.h>

#include "quantile.h"
#include "sections.h"

/* All plots share the axes, so that heights can be compared. */
struct frame {
	double low_ns, high_ns, least_above;
};

static bool plotted(const struct finding_account *account)
{
	return account_shown(account) && account->has_quantiles;
}

static struct frame find_frame(const struct finding_endpoint *finding)
{
	const struct recording_ledger *ledger = finding->ledger;
	struct frame frame = { INFINITY, 10, 1 };

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		const struct histogram *histogram = &ledger->account[i];

		if (!plotted(&finding->account[i]) || !histogram->total)
			continue;
		frame.low_ns = fmin(frame.low_ns, fmax(10, (double)histogram->min));
		frame.high_ns = fmax(frame.high_ns, (double)histogram->max);
	}
	frame.low_ns = fmin(frame.low_ns, frame.high_ns / 10);
	frame.least_above = 1 / (double)ledger->requests;
	return frame;
}

static size_t find_points(const struct quantile_curve *curve, struct point *points)
{
	size_t n = 0;

	/* Every second point, the last among them: the plot is small. */
	for (size_t i = curve->n % 2 ? 0 : 1; i < curve->n; i += 2) {
		double ns = (double)curve->point[i].ns;

		points[n++] = (struct point){ curve->point[i].above, ns > 0 ? ns : NAN };
	}
	return n;
}

static void put_hits(struct plot *plot, const struct quantile_curve *curve)
{
	double half = (plot->x.to - plot->x.from) / (double)(curve->n + 1) * 2.5;

	for (size_t i = 0; i < curve->n; i += 5) {
		double x = scale_place(&plot->x, curve->point[i].above);

		plot_hit(plot, fmax(x - half, plot->x.from), fmin(x + half, plot->x.to),
		         "%s of the requests: at most %s",
		         percentile_text(curve->point[i].above).text,
		         html_ns(curve->point[i].ns).text);
	}
}

static void put_multiple(struct html *html, const struct finding_endpoint *finding,
                         const struct frame *frame, int i)
{
	const struct recording_ledger *ledger = finding->ledger;
	struct plot plot = { .html = html,
		             .width = 240,
		             .height = 150,
		             .left = 50,
		             .right = 14,
		             .top = 26,
		             .bottom = 20,
		             .x = { SCALE_NINES, 1, frame->least_above },
		             .y = { SCALE_LOG, frame->low_ns, frame->high_ns },
		             .label = ktax_account_info[i].span,
		             .class = "small" };
	struct point points[CURVE_POINTS_MAX];
	struct quantile_curve curve;

	quantile_curve_of(&ledger->account[i], ledger->requests, ledger->max_ns, &curve);
	scale_round(&plot.y);
	plot_begin(&plot);
	plot_y_axis(&plot, tick_ns, NULL);
	plot_x_axis(&plot, tick_percentile, NULL);
	plot_text(&plot, "strong", 2, 14, "%s", ktax_account_info[i].name);
	plot_text(&plot, "tick end", plot.width - 2, 14, "p99 %s",
	          html_ns(finding->account[i].p99_ns).text);
	plot_line(&plot, account_class(i).text, points, find_points(&curve, points));
	put_hits(&plot, &curve);
	plot_end(&plot, "%s; not 0 in %s of the requests", ktax_account_info[i].span,
	         format_percent((double)ledger->account[i].total / (double)ledger->requests).text);
	plot_close(&plot);
}

void section_multiples(struct html *html, const struct html_model *model,
                       const struct html_endpoint *endpoint)
{
	const struct finding_endpoint *finding = endpoint->finding;
	struct frame frame = find_frame(finding);

	html_element(html, "h3", NULL, "Each account’s distribution");
	html_put(html, "<p class=\"note\">");
	html_text(html,
	          "Time of a request in the account (log scale) by percentile, over all "
	          "requests; the same axes in all. n = %s requests",
	          format_count(finding->ledger->requests).text);
	html_put(html, "</p>\n<div class=\"multiples\">\n");
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (plotted(&finding->account[i]) && finding->ledger->account[i].total)
			put_multiple(html, finding, &frame, i);
	html_put(html, "</div>\n");
}
