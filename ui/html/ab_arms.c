// SPDX-License-Identifier: GPL-2.0
/* The paths of an A/B run: percentiles, losses, CPU time; and what equal arms differed by. */
#include <math.h>

#include "ab_section.h"

/* Classes of colours: "arm0" ... */
#define ARM_COLOURS 8

/* ---- Percentiles of each path --------------------------------------------------------------- */

static const struct {
	double above;
	const char *key;
} levels[] = { { 0.5, "p50_ns" }, { 0.1, "p90_ns" }, { 0.01, "p99_ns" }, { 0.001, "p999_ns" } };

#define LEVELS (sizeof(levels) / sizeof(levels[0]))

static size_t read_points(const json_t *arm, struct point points[LEVELS])
{
	size_t n = 0;

	for (size_t i = 0; i < LEVELS; i++) {
		double ns = document_number(arm, levels[i].key);

		if (ns > 0)
			points[n++] = (struct point){ levels[i].above, ns };
	}
	return n;
}

static struct scale find_y(const json_t *arms)
{
	struct scale y = { SCALE_LOG, INFINITY, 0 };
	struct point points[LEVELS];
	const json_t *arm;
	size_t i;

	json_array_foreach(arms, i, arm)
		for (size_t n = read_points(arm, points); n-- > 0;) {
			y.low = fmin(y.low, points[n].y);
			y.high = fmax(y.high, points[n].y);
		}
	scale_round(&y);
	return y;
}

static struct formatted arm_class(size_t i)
{
	struct formatted class;

	snprintf(class.text, sizeof(class.text), "arm%zu", i % ARM_COLOURS);
	return class;
}

static void put_curve(struct plot *plot, const json_t *arm, size_t i)
{
	struct point points[LEVELS];
	size_t n = read_points(arm, points);

	plot_line(plot, arm_class(i).text, points, n);
	for (size_t p = 0; p < n; p++)
		html_put(plot->html,
		         "<circle class=\"mark bar %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n",
		         arm_class(i).text, scale_place(&plot->x, points[p].x),
		         scale_place(&plot->y, points[p].y));
}

/* One tip per percentile, with all paths. */
static void put_hit(struct plot *plot, const json_t *arms, size_t level)
{
	double x = scale_place(&plot->x, levels[level].above);
	const json_t *arm;
	size_t i;

	html_put(plot->html,
	         "<rect class=\"hit\" x=\"%.1f\" y=\"%.1f\" width=\"60\" height=\"%.1f\"><title>",
	         x - 30, plot->y.to, plot->y.from - plot->y.to);
	html_text(plot->html, "percentile %s", tick_percentile(levels[level].above).text);
	json_array_foreach(arms, i, arm) {
		double ns = document_number(arm, levels[level].key);

		if (ns > 0)
			html_text(plot->html, "\n%s: %s", document_text(arm, "path", "?"),
			          html_ns((uint64_t)ns).text);
	}
	html_put(plot->html, "</title></rect>\n");
}

static void put_legend(struct html *html, const json_t *arms)
{
	struct legend_entry entries[4 * ARM_COLOURS];
	struct formatted classes[4 * ARM_COLOURS];
	struct point points[LEVELS];
	const json_t *arm;
	size_t i, n = 0;

	json_array_foreach(arms, i, arm) {
		if (!read_points(arm, points) || n == 4 * ARM_COLOURS)
			continue;
		classes[n] = arm_class(i);
		entries[n] =
			(struct legend_entry){ classes[n].text, document_text(arm, "path", "?") };
		n++;
	}
	legend_put(html, entries, n);
}

static void put_curves(struct html *html, const json_t *arms)
{
	struct plot plot = { .html = html,
		             .width = 860,
		             .height = 300,
		             .left = 66,
		             .right = 40,
		             .top = 28,
		             .bottom = 44,
		             .x = { SCALE_NINES, 1, 0.001 },
		             .y = find_y(arms),
		             .label = "Percentiles of the time of a request over each path",
		             .class = "wide" };
	const json_t *arm;
	size_t i;

	if (!(plot.y.high > 0))
		return;
	put_legend(html, arms);
	plot_begin(&plot);
	plot_y_axis(&plot, tick_ns, "time of a request, log scale");
	plot_x_axis(&plot, tick_percentile, "percentile");
	json_array_foreach(arms, i, arm)
		put_curve(&plot, arm, i);
	for (size_t level = 0; level < LEVELS; level++)
		put_hit(&plot, arms, level);
	plot_end(&plot,
	         "p50, p90, p99 and p99.9 of each path over all requests of its valid blocks, "
	         "lost ones included; lines only join them. n: see the table");
	plot_close(&plot);
}

/* ---- Tables --------------------------------------------------------------------------------- */

/* ---- Tables --------------------------------------------------------------------------------- */

static void put_ns(struct html *html, const json_t *object, const char *key)
{
	double ns = document_number(object, key);

	html_td(html, "%s", isnan(ns) ? "–" : html_ns((uint64_t)ns).text);
}

static double sum_of_losses(const json_t *arm)
{
	json_t *lost = json_object_get(arm, "lost"), *count;
	const char *place;
	double sum = 0;

	json_object_foreach(lost, place, count)
		sum += json_number_value(count);
	return sum;
}

static void put_arm(struct html *html, const json_t *arm)
{
	const json_t *cpu = json_object_get(arm, "cpu_ns_per_request");
	double sent = document_number(arm, "sent"), lost = sum_of_losses(arm);
	bool skipped = json_is_true(json_object_get(arm, "skipped"));

	html_put(html, skipped ? "<tr class=\"absent\">" : "<tr>");
	html_th(html, "%s", document_text(arm, "path", "?"));
	put_ns(html, arm, "p50_ns");
	put_ns(html, arm, "p90_ns");
	put_ns(html, arm, "p99_ns");
	put_ns(html, arm, "p999_ns");
	html_td(html, "%s", sent > 0 ? format_count((uint64_t)sent).text : "–");
	if (sent > 0)
		html_td(html, "%s  %s", format_count((uint64_t)lost).text,
		        format_percent(lost / sent).text);
	else
		html_td(html, "–");
	put_ns(html, cpu, "responder");
	put_ns(html, cpu, "kernel");
	html_td(html, "%.0f", fmax(0, document_number(arm, "cores_polling")));
	html_td_words(html, "%s", document_text(arm, skipped ? "why" : "summary", ""));
	html_put(html, "</tr>\n");
}

void put_ab_arms(struct html *html, const json_t *ab)
{
	const json_t *arm;
	size_t i;

	put_curves(html, json_object_get(ab, "arms"));
	html_table_begin(html, "Paths: time of a request, what was lost, CPU time per request",
	                 "path|p50|p90|p99|p99.9|sent|lost|CPU, responder|CPU, kernel|cores "
	                 "polling|<what it is");
	json_array_foreach(json_object_get(ab, "arms"), i, arm)
		put_arm(html, arm);
	html_table_end(html);
}

void put_ab_floors(struct html *html, const json_t *ab)
{
	const json_t *aa = json_object_get(ab, "aa");

	html_table_begin(html, "A/A: the baseline against itself",
	                 "metric|interval of the change|least change that can be told|pairs|<");
	for (size_t m = 0; m < AB_METRICS; m++) {
		const json_t *floor = json_object_get(aa, document_metrics[m]);
		double least = document_number(floor, "floor");
		struct ends ends = document_ends(floor);

		html_put(html, "<tr>");
		html_th(html, "%s", document_metric(document_metrics[m]));
		if (ends.known)
			html_td(html, "[%s, %s]", document_end(ends.low).text,
			        document_end(ends.high).text);
		else
			html_td(html, "–");
		html_td(html, "%s", isnan(least) ? "–" : tick_change(least).text);
		html_td(html, "%.0f", fmax(0, document_number(floor, "n")));
		html_td_words(html, "%s", document_text(floor, "why", ""));
		html_put(html, "</tr>\n");
	}
	html_table_end(html);
}
