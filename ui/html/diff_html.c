// SPDX-License-Identifier: GPL-2.0
/*
 * The comparison of two recordings as a page: per endpoint the changes of the total as a plot of
 * intervals, both percentile curves, and every account at the mean, p50 and p99.
 */
#include "diff_output.h"

#include <errno.h>
#include <math.h>

#include "page.h"
#include "plot.h"
#include "quantile.h"

#define ROW_HEIGHT 26

/* ---- Figures --------------------------------------------------------------------------------- */

static const char *verdict_class(enum diff_verdict verdict)
{
	return verdict == DIFF_HIGHER ? "worse" : verdict == DIFF_LOWER ? "better" : "neither";
}

static const char *text_class(enum diff_verdict verdict)
{
	return verdict == DIFF_HIGHER ? "bad-text" : verdict == DIFF_LOWER ? "good-text" : "dim";
}

static struct formatted delta_text(double ns)
{
	struct formatted formatted;

	if (isinf(ns))
		return (struct formatted){ "no bound" };
	snprintf(formatted.text, sizeof(formatted.text), "%s%.40s",
	         llround(ns) == 0 ? ""
	         : ns > 0         ? "+"
	                          : "−",
	         html_ns((uint64_t)llround(fabs(ns))).text);
	return formatted;
}

static struct formatted ratio_text(double change)
{
	struct formatted formatted;

	if (isinf(change))
		return (struct formatted){ "no bound" };
	snprintf(formatted.text, sizeof(formatted.text), "%s%.1f %%",
	         fabs(change) < 0.0005 ? ""
	         : change > 0          ? "+"
	                               : "−",
	         100 * fabs(change));
	return formatted;
}

/* "[−1 %, +3 %]", in ns where there is no ratio. */
static struct formatted interval_text(const struct diff_change *change)
{
	struct formatted formatted, low, high;

	if (change->verdict == DIFF_UNKNOWN)
		return (struct formatted){ "too few to say" };
	low = change->has_ratio ? ratio_text(change->ratio.low) : delta_text(change->delta.low);
	high = change->has_ratio ? ratio_text(change->ratio.high) : delta_text(change->delta.high);
	snprintf(formatted.text, sizeof(formatted.text), "[%.28s, %.28s]", low.text, high.text);
	return formatted;
}

static struct formatted figure_text(const struct diff_figure *figure)
{
	return html_ns((uint64_t)llround(figure->ns));
}

/* ---- The total's changes, as a plot ---------------------------------------------------------- */

static struct scale find_x(const struct diff_row *row)
{
	struct scale x = { SCALE_LINEAR, -0.02, 0.02 };

	for (int level = 0; level < DIFF_LEVELS; level++) {
		const struct diff_change *change = &row->level[level];

		if (!change->has_ratio || change->verdict == DIFF_UNKNOWN)
			continue;
		x.low = fmin(x.low, change->ratio.low);
		/* An end without bound is drawn up to the edge. */
		x.high = fmax(x.high,
		              isinf(change->ratio.high) ? change->change : change->ratio.high);
	}
	scale_round(&x);
	return x;
}

static void put_change(struct plot *plot, const struct diff_change *change, enum diff_level level,
                       double y)
{
	const char *class = verdict_class(change->verdict);
	double middle = y + ROW_HEIGHT / 2.0;

	plot_text(plot, "label end", plot->x.from - 10, middle + 4, "%s", diff_level_title(level));
	plot_text(plot, "tick", plot->x.to + 8, middle + 4, "%s",
	          diff_verdict_name[change->verdict]);
	if (change->has_ratio && change->verdict != DIFF_UNKNOWN)
		html_put(plot->html, "<path class=\"mark span %s\" d=\"M%.1f %.1fH%.1f\"/>\n",
		         class, scale_place(&plot->x, change->ratio.low), middle,
		         scale_place(&plot->x, change->ratio.high));
	if (change->has_ratio)
		html_put(plot->html,
		         "<circle class=\"mark bar %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", class,
		         scale_place(&plot->x, change->change), middle);
	html_put(plot->html,
	         "<rect class=\"hit\" x=\"0\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"><title>", y,
	         plot->width, ROW_HEIGHT);
	html_text(plot->html, "%s: %s before", diff_level_title(level),
	          figure_text(&change->before).text);
	html_text(plot->html, ", %s after\n%s %s", figure_text(&change->after).text,
	          change->has_ratio ? ratio_text(change->change).text : "",
	          interval_text(change).text);
	html_put(plot->html, "</title></rect>\n");
}

static void put_changes(struct html *html, const struct diff_endpoint *endpoint)
{
	const struct diff_row *row = &endpoint->row[DIFF_TOTAL];
	struct plot plot = {
		.html = html,
		.width = 860,
		.height = 52 + ROW_HEIGHT * DIFF_LEVELS,
		.left = 80,
		.right = 100,
		.top = 8,
		.bottom = 42,
		.x = find_x(row),
		.y = { SCALE_LINEAR, 0, 1 },
		.label = "Change of the total at the mean and at percentiles, with 95 % "
			 "intervals",
		.class = "wide"
	};
	double zero;

	plot_begin(&plot);
	plot_x_axis(&plot, tick_change, "change of the time of a request");
	zero = scale_place(&plot.x, 0);
	plot_rule(&plot, "zero", zero, plot.top, zero, plot.y.from);
	for (int level = 0; level < DIFF_LEVELS; level++)
		put_change(&plot, &row->level[level], (enum diff_level)level,
		           plot.top + ROW_HEIGHT * level);
	plot_end(
		&plot,
		"Change from before to after and its 95 %% interval over blocks of seconds; n = %s "
		"requests in %zu blocks, and %s in %zu",
		format_count(endpoint->before->ledger->requests).text, endpoint->blocks_before,
		format_count(endpoint->after->ledger->requests).text, endpoint->blocks_after);
	plot_close(&plot);
}

/* ---- Both distributions ---------------------------------------------------------------------- */

static void find_curve(const struct finding_endpoint *endpoint, struct quantile_curve *curve)
{
	const struct recording_ledger *ledger = endpoint->ledger;

	quantile_curve_of(&ledger->total, ledger->requests, ledger->max_ns, curve);
}

static void put_curve(struct plot *plot, const struct quantile_curve *curve, const char *class)
{
	struct point points[CURVE_POINTS_MAX];

	for (size_t i = 0; i < curve->n; i++)
		points[i] = (struct point){ curve->point[i].above, (double)curve->point[i].ns };
	plot_line(plot, class, points, curve->n);
}

static void put_curve_hits(struct plot *plot, const struct quantile_curve *before,
                           const struct quantile_curve *after)
{
	size_t n = before->n < after->n ? before->n : after->n;

	/* The last points are at 1 / n of each, not at the same share. */
	for (size_t i = 0; i + 1 < n; i++) {
		double from = scale_place(&plot->x, before->point[i].above);
		double to = scale_place(&plot->x, before->point[i + 1].above);

		plot_hit(plot, from, to,
		         "%.6g %% of the requests\nbefore: at most %s\nafter: at most %s",
		         100 * (1 - before->point[i].above), html_ns(before->point[i].ns).text,
		         html_ns(after->point[i].ns).text);
	}
}

static void put_curves(struct html *html, const struct diff_endpoint *endpoint)
{
	static const struct legend_entry entries[] = { { "p50", "before" }, { "p99", "after" } };
	struct quantile_curve before, after;
	struct plot plot = { .html = html,
		             .width = 860,
		             .height = 320,
		             .left = 66,
		             .right = 36,
		             .top = 28,
		             .bottom = 44,
		             .label = "Time of a request by percentile, before and after",
		             .class = "wide" };

	find_curve(endpoint->before, &before);
	find_curve(endpoint->after, &after);
	plot.x = (struct scale){ SCALE_NINES, 1,
		                 fmin(before.point[before.n - 1].above,
		                      after.point[after.n - 1].above) };
	plot.y = (struct scale){
		SCALE_LOG, fmax(1, fmin((double)before.point[0].ns, (double)after.point[0].ns)),
		fmax((double)before.point[before.n - 1].ns, (double)after.point[after.n - 1].ns)
	};
	scale_round(&plot.y);
	legend_put(html, entries, 2);
	plot_begin(&plot);
	plot_y_axis(&plot, tick_ns, "time of a request, log scale");
	plot_x_axis(&plot, tick_percentile, "percentile");
	put_curve(&plot, &before, entries[0].class);
	put_curve(&plot, &after, entries[1].class);
	put_curve_hits(&plot, &before, &after);
	plot_end(&plot, "All requests of both recordings; n = %s before and %s after",
	         format_count(endpoint->before->ledger->requests).text,
	         format_count(endpoint->after->ledger->requests).text);
	plot_close(&plot);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static void put_figures(struct html *html, const struct diff_change *change)
{
	html_td(html, "%s", figure_text(&change->before).text);
	html_td(html, "%s", figure_text(&change->after).text);
	html_put(html, "<td><span class=\"%s\">", text_class(change->verdict));
	html_text(html, "%s", delta_text(change->delta_ns).text);
	html_put(html, "</span></td>");
	html_td(html, "%s", change->has_ratio ? ratio_text(change->change).text : "–");
	html_td(html, "%s", interval_text(change).text);
	html_td_words(html, "%s", diff_verdict_name[change->verdict]);
}

static void put_row(struct html *html, const struct diff_row *row, const char *name)
{
	if (!row->present) {
		html_put(html, "<tr class=\"absent\">");
		html_th(html, "%s", name);
		html_put(
			html,
			"<td class=\"words\">n/a</td><td></td><td></td><td></td><td></td><td></td>");
		html_td_words(html, "%s", row->why);
		html_put(html, "</tr>\n");
		return;
	}
	for (int level = 0; level < DIFF_LEVELS; level++) {
		html_put(html, "<tr>");
		html_th(html, "%s", level ? "" : name);
		html_td_words(html, "%s", diff_level_title((enum diff_level)level));
		put_figures(html, &row->level[level]);
		html_put(html, "</tr>\n");
	}
}

static bool any_told(const struct diff_row *row)
{
	for (int level = 0; level < DIFF_LEVELS; level++)
		if (row->level[level].verdict == DIFF_HIGHER ||
		    row->level[level].verdict == DIFF_LOWER)
			return true;
	return false;
}

static const char titles[] = "part|<at|before|after|change||95 % interval|<";

static void put_tables(struct html *html, const struct diff_endpoint *endpoint)
{
	static const int whole[] = { DIFF_TOTAL, DIFF_TUNED, DIFF_BYPASS };

	html_table_begin(html, "The total, and what would remain without the kernel", titles);
	for (int i = 0; i < 3; i++)
		put_row(html, &endpoint->row[whole[i]], diff_row_title(whole[i]));
	html_table_end(html);
	html_table_begin(html, "Accounts that changed", titles);
	for (int row = 0; row < KTAX_NACCOUNTS; row++)
		if (any_told(&endpoint->row[row]))
			put_row(html, &endpoint->row[row], diff_row_title(row));
	html_table_end(html);
	html_folded_table_begin(html, "Accounts without a change that can be told, or not compared",
	                        titles);
	for (int row = 0; row < KTAX_NACCOUNTS; row++)
		if (!any_told(&endpoint->row[row]))
			put_row(html, &endpoint->row[row], diff_row_title(row));
	html_folded_table_end(html);
}

/* ---- The page -------------------------------------------------------------------------------- */

static void put_endpoint(struct html *html, const struct diff_endpoint *endpoint, size_t i)
{
	html_put(html, "<section aria-labelledby=\"e%zu\">\n<h2 id=\"e%zu\">", i, i);
	html_text(html, "%s", endpoint->before->ledger->endpoint.name);
	if (endpoint->renamed)
		html_text(html, " (after: %s)", endpoint->after->ledger->endpoint.name);
	html_put(html, "</h2>\n");
	html_element(html, "h3", NULL, "Change of the total");
	put_changes(html, endpoint);
	put_curves(html, endpoint);
	put_tables(html, endpoint);
	html_put(html, "</section>\n");
}

static void put_gated(struct html *html, const struct diff_endpoint *endpoint, double limit)
{
	for (int level = 0; level < DIFF_LEVELS; level++) {
		const struct diff_change *change = &endpoint->gate[level];

		if (!diff_gated((enum diff_level)level))
			continue;
		html_element(html, "li", NULL, "%s: %s %s: %s %s",
		             diff_gate_name(diff_judge(change, limit)),
		             endpoint->before->ledger->endpoint.name,
		             diff_level_title((enum diff_level)level),
		             change->has_ratio ? ratio_text(change->change).text : "n/a",
		             interval_text(change).text);
	}
}

static void put_gate(struct html *html, const struct diff_output *output)
{
	static const char *const classes[] = { [DIFF_GATE_FINE] = "good",
		                               [DIFF_GATE_REGRESSED] = "bad",
		                               [DIFF_GATE_UNDECIDED] = "warn" };
	static const char *const words[] = {
		[DIFF_GATE_FINE] = "No regression",
		[DIFF_GATE_REGRESSED] = "Regression",
		[DIFF_GATE_UNDECIDED] = "These recordings cannot tell",
	};
	enum diff_gate gate = diff_judge_all(output->diff, output->limit);

	if (!output->gated)
		return;
	html_put(html,
	         "<section class=\"verdict %s\" aria-labelledby=\"verdict\">\n"
	         "<h2 id=\"verdict\">%s</h2>\n",
	         classes[gate], words[gate]);
	html_element(html, "p", NULL,
	             "Allowed are %g %% more at p50, p90 and p99 of the total; intervals are 95 %% "
	             "sure of all together.",
	             100 * output->limit);
	html_put(html, "<ul>\n");
	for (size_t i = 0; i < output->diff->n_endpoints; i++)
		put_gated(html, &output->diff->endpoint[i], output->limit);
	html_put(html, "</ul>\n</section>\n");
}

static void put_header(struct html *html, const struct diff_output *output)
{
	const struct diff *diff = output->diff;

	html_put(html, "<header class=\"page\">\n");
	html_element(html, "h1", NULL, "What changed");
	html_element(html, "p", "dim", "From %s to %s", output->before, output->after);
	put_gate(html, output);
	if (diff->caution[0])
		html_element(html, "p", "caution", "Caution: %s.", diff->caution);
	html_element(html, "p", "note",
	             "Only what its 95 %% interval tells from 0 is coloured. An interval is about "
	             "these two recordings: two runs of an unchanged service may differ by more.");
	if (diff->n_lost || diff->n_new)
		html_element(
			html, "p", "note",
			"Endpoints that are only in the recording before: %zu; only in the one "
			"after: %zu.",
			diff->n_lost, diff->n_new);
	html_put(html, "</header>\n");
}

int diff_html(const char *path, const struct diff_output *output)
{
	const struct diff *diff = output->diff;
	struct page_file page;
	struct html html = { 0 };
	int error = page_open(&page);

	if (error)
		return error;
	html.file = page.file;
	page_begin(&html, "ktax diff");
	put_header(&html, output);
	html_put(&html, "<main id=\"main\">\n");
	if (!diff->n_endpoints)
		html_element(&html, "p", "lead", "No endpoint is in both recordings.");
	for (size_t i = 0; i < diff->n_endpoints; i++)
		put_endpoint(&html, &diff->endpoint[i], i);
	html_put(&html, "</main>\n");
	page_end(&html);
	return page_save(&page, path, html.failed ? -ENOMEM : 0);
}
