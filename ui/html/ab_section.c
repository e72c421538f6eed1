// SPDX-License-Identifier: GPL-2.0
/*
 * The result of an A/B run (ktax.ab/1): differences to the baseline with their intervals and the
 * A/A floor, each path's percentiles, losses and CPU time.
 *
 * Where the document has the percentiles of the single blocks, the ratio of each pair is a small
 * dot behind the interval.
 */
#include <math.h>
#include <string.h>

#include "ab_section.h"

#define ROW_HEIGHT 26

const char *const document_metrics[AB_METRICS] = { "p50", "p90", "p99", "p999", "loss", "cpu" };

const char *document_metric(const char *metric)
{
	return !strcmp(metric, "p999") ? "p99.9" : metric;
}

/* ---- An interval out of JSON ---------------------------------------------------------------- */

struct ends document_ends(const json_t *object)
{
	const json_t *array = json_object_get(object, "ci");
	const json_t *low = json_array_get(array, 0), *high = json_array_get(array, 1);

	return (struct ends){ json_array_size(array) == 2,
		              json_is_number(low) ? json_number_value(low) : -INFINITY,
		              json_is_number(high) ? json_number_value(high) : INFINITY };
}

struct formatted document_end(double end)
{
	return isinf(end) ? (struct formatted){ "no bound" } : tick_change(end);
}

/* "−12.3 % [−15 %, −9.8 %]" */
static struct formatted change_text(const json_t *comparison)
{
	double change = document_number(comparison, "change");
	struct ends ends = document_ends(comparison);
	struct formatted text;

	if (isnan(change))
		return (struct formatted){ "not known" };
	if (!ends.known)
		return tick_change(change);
	snprintf(text.text, sizeof(text.text), "%.18s [%.18s, %.18s]", tick_change(change).text,
	         document_end(ends.low).text, document_end(ends.high).text);
	return text;
}

/* ---- Differences ---------------------------------------------------------------------------- */

/* Changes of a metric over all paths, on one axis. */
struct changes {
	const json_t *ab;
	const char *metric;
	size_t n;
	double low, high, floor; /* floor NAN: unknown */
};

static void include(struct changes *changes, double value)
{
	if (!isfinite(value))
		return;
	changes->low = fmin(changes->low, value);
	changes->high = fmax(changes->high, value);
}

static bool is_of(const struct changes *changes, const json_t *comparison)
{
	return !strcmp(document_text(comparison, "metric", ""), changes->metric);
}

static struct changes find_changes(const json_t *ab, const char *metric)
{
	const json_t *floor = json_object_get(json_object_get(ab, "aa"), metric), *comparison;
	bool loss = !strcmp(metric, "loss");
	struct changes changes = { ab,
		                   metric,
		                   0,
		                   loss ? -0.0002 : -0.02,
		                   loss ? 0.0002 : 0.02,
		                   document_number(floor, "floor") };
	size_t i;

	json_array_foreach(json_object_get(ab, "comparisons"), i, comparison) {
		struct ends ends = document_ends(comparison);

		if (!is_of(&changes, comparison))
			continue;
		changes.n++;
		include(&changes, document_number(comparison, "change"));
		if (ends.known) {
			include(&changes, ends.low);
			include(&changes, ends.high);
		}
	}
	include(&changes, changes.floor);
	return changes;
}

static const char *verdict_class(const json_t *comparison)
{
	const char *verdict = document_text(comparison, "verdict", "");

	return !strcmp(verdict, "better")  ? "better"
	       : !strcmp(verdict, "worse") ? "worse"
	                                   : "neither";
}

static const json_t *arm_called(const json_t *ab, const char *path)
{
	const json_t *arm;
	size_t i;

	json_array_foreach(json_object_get(ab, "arms"), i, arm)
		if (!strcmp(document_text(arm, "path", ""), path))
			return arm;
	return NULL;
}

/* Percentiles of the blocks of a path, by round; NULL where the document has none. */
static const json_t *blocks_of(const json_t *ab, const char *path, const char *metric)
{
	char key[16];

	snprintf(key, sizeof(key), "%.10s_ns", metric);
	return json_object_get(json_object_get(arm_called(ab, path), "blocks"), key);
}

/* A dot per round in which both paths have a figure: the ratio of the two blocks. */
static void put_blocks(struct plot *plot, const json_t *ab, const json_t *comparison,
                       const char *class, double y)
{
	const char *metric = document_text(comparison, "metric", "");
	const json_t *base = blocks_of(ab, document_text(comparison, "baseline", ""), metric);
	const json_t *blocks = blocks_of(ab, document_text(comparison, "path", ""), metric), *block;
	size_t i;

	json_array_foreach(blocks, i, block) {
		double from = json_number_value(json_array_get(base, i));
		double to = json_number_value(block);

		if (from > 0 && to > 0)
			html_put(plot->html,
			         "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"2\"/>\n",
			         class, scale_place(&plot->x, to / from - 1),
			         y + ROW_HEIGHT / 2.0 + (double)(i % 5) * 3 - 6);
	}
}

static void put_change(struct plot *plot, const json_t *ab, const json_t *comparison, double y)
{
	double change = document_number(comparison, "change"), middle = y + ROW_HEIGHT / 2.0;
	const char *class = verdict_class(comparison);
	struct ends ends = document_ends(comparison);

	plot_text(plot, "label end", plot->x.from - 10, middle + 4, "%s",
	          document_text(comparison, "path", "?"));
	put_blocks(plot, ab, comparison, class, y);
	if (ends.known)
		html_put(plot->html, "<path class=\"mark span %s\" d=\"M%.1f %.1fH%.1f\"/>\n",
		         class, scale_place(&plot->x, ends.low), middle,
		         scale_place(&plot->x, ends.high));
	if (!isnan(change))
		html_put(plot->html,
		         "<circle class=\"mark bar %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", class,
		         scale_place(&plot->x, change), middle);
	plot_text(plot, "tick", plot->x.to + 8, middle + 4, "%s",
	          document_text(comparison, "verdict", ""));
	html_put(plot->html,
	         "<rect class=\"hit\" x=\"0\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"><title>", y,
	         plot->width, ROW_HEIGHT);
	html_text(plot->html, "%s against %s\n%s: %s\nn = %.0f pairs",
	          document_text(comparison, "path", "?"),
	          document_text(comparison, "baseline", "?"),
	          document_metric(document_text(comparison, "metric", "?")),
	          change_text(comparison).text, document_number(comparison, "n"));
	html_put(plot->html, "</title></rect>\n");
}

/* What equal arms differ by: a change within says nothing. */
static void put_floor_band(struct plot *plot, const struct changes *changes)
{
	double from, to;

	if (!(changes->floor > 0) || !isfinite(changes->floor))
		return;
	/* As a ratio: an increase by it, and the decrease that makes up for it. Loss is no ratio.
	 */
	from = strcmp(changes->metric, "loss") ? 1 / (1 + changes->floor) - 1 : -changes->floor;
	from = scale_place(&plot->x, from);
	to = scale_place(&plot->x, changes->floor);
	html_put(
		plot->html,
		"<rect class=\"floor-band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
		from, plot->y.to, to - from, plot->y.from - plot->y.to);
}

static void put_changes(struct html *html, const struct changes *changes)
{
	struct plot plot = { .html = html,
		             .width = 860,
		             .height = 66 + ROW_HEIGHT * (double)changes->n,
		             .left = 150,
		             .right = 100,
		             .top = 24,
		             .bottom = 42,
		             .x = { SCALE_LINEAR, changes->low, changes->high },
		             .y = { SCALE_LINEAR, 0, 1 },
		             .label = "Change of each path against the baseline, with its interval",
		             .class = "wide" };
	const json_t *comparison;
	double y = plot.top, zero;
	size_t i;

	scale_round(&plot.x);
	plot_begin(&plot);
	plot_text(&plot, "strong", 4, 14, "%s", document_metric(changes->metric));
	plot_x_axis(&plot, tick_change, "change against the baseline");
	put_floor_band(&plot, changes);
	zero = scale_place(&plot.x, 0);
	plot_rule(&plot, "zero", zero, plot.top, zero, plot.y.from);
	json_array_foreach(json_object_get(changes->ab, "comparisons"), i, comparison)
		if (is_of(changes, comparison)) {
			put_change(&plot, changes->ab, comparison, y);
			y += ROW_HEIGHT;
		}
	plot_end(
		&plot,
		"Median over pairs of blocks and its interval, pairs as small dots where the result "
		"has them; %s. n = %.0f pairs of blocks",
		isnan(changes->floor) ? "the A/A floor is not known"
				      : "grey: what equal arms differ by (A/A floor)",
		document_number(json_object_get(changes->ab, "design"), "pairs"));
	plot_close(&plot);
}

/* ---- The section ---------------------------------------------------------------------------- */

static void put_comparison(struct html *html, const json_t *comparison)
{
	html_put(html, "<tr>");
	html_th(html, "%s", document_text(comparison, "path", "?"));
	html_td_words(html, "%s", document_metric(document_text(comparison, "metric", "?")));
	html_td(html, "%s", change_text(comparison).text);
	html_td(html, "%.0f", fmax(0, document_number(comparison, "n")));
	html_td_words(html, "%s", document_text(comparison, "verdict", ""));
	html_td_words(html, "%s", document_text(comparison, "why", ""));
	html_put(html, "</tr>\n");
}

static void put_comparisons(struct html *html, const json_t *ab)
{
	const json_t *comparison;
	size_t i;

	html_folded_table_begin(html, "All differences to the baseline",
	                        "path|<metric|change [interval]|pairs|<verdict|<");
	json_array_foreach(json_object_get(ab, "comparisons"), i, comparison)
		put_comparison(html, comparison);
	html_folded_table_end(html);
}

static void put_design(struct html *html, const json_t *ab)
{
	const json_t *design = json_object_get(ab, "design"), *host = json_object_get(ab, "host");
	const json_t *traffic = json_object_get(ab, "traffic");

	html_element(
		html, "p", "note",
		"Measured on %s, Linux %s: %.0f pairs of blocks of %.0f requests each, in random "
		"order, %s traffic over %.0f flows; %g %% confidence of all verdicts together.",
		document_text(host, "hostname", "an unknown host"),
		document_text(host, "kernel", "unknown"), document_number(design, "pairs"),
		document_number(design, "block_requests"),
		document_text(traffic, "source", "unknown"), document_number(traffic, "flows"),
		100 * document_number(design, "confidence"));
}

void section_ab(struct html *html, const struct html_model *model)
{
	const json_t *ab = model->inputs.ab;

	html_element(html, "p", "lead", "%s: %s.", document_text(ab, "verdict", "no verdict"),
	             document_text(ab, "reason", "no reason is given"));
	put_design(html, ab);
	html_element(html, "h3", NULL, "Differences to the baseline");
	for (size_t m = 0; m < AB_METRICS; m++) {
		struct changes changes = find_changes(ab, document_metrics[m]);

		if (changes.n)
			put_changes(html, &changes);
	}
	put_comparisons(html, ab);
	html_element(html, "h3", NULL, "Paths");
	put_ab_arms(html, ab);
	put_ab_floors(html, ab);
}
