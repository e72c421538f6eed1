// SPDX-License-Identifier: GPL-2.0
/* SVG, written from left to right; places are printed to a tenth of a unit. */
#include "plot.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

void plot_begin(struct plot *plot)
{
	struct html *html = plot->html;

	plot->x.from = plot->left;
	plot->x.to = plot->width - plot->right;
	plot->y.from = plot->height - plot->bottom;
	plot->y.to = plot->top;
	html_put(html, "<figure class=\"plot %s\"><div class=\"scroll\">", plot->class);
	html_put(html, "<svg viewBox=\"0 0 %g %g\" role=\"img\" tabindex=\"0\" aria-label=\"",
	         plot->width, plot->height);
	html_text(html, "%s", plot->label);
	html_put(html, "\">\n");
}

void plot_end(struct plot *plot, const char *caption, ...)
{
	struct html *html = plot->html;
	va_list arguments;
	char *text;

	html_put(html, "</svg></div>\n<figcaption>");
	va_start(arguments, caption);
	if (vasprintf(&text, caption, arguments) < 0) {
		html->failed = true;
	} else {
		html_escape(html->file, text);
		free(text);
	}
	va_end(arguments);
	html_put(html, "</figcaption>\n");
}

void plot_close(struct plot *plot)
{
	html_put(plot->html, "</figure>\n");
}

/* ---- Axes ----------------------------------------------------------------------------------- */

struct formatted tick_ns(double ns)
{
	static const char *const units[] = { "ns", "µs", "ms", "s" };
	struct formatted formatted;
	int unit = 0;

	for (; ns >= 1000 * (1 - 1e-9) && unit < 3; unit++)
		ns /= 1000;
	if (ns == 0)
		return (struct formatted){ "0" };
	snprintf(formatted.text, sizeof(formatted.text), "%g %s", round(ns * 1000) / 1000,
	         units[unit]);
	return formatted;
}

struct formatted tick_percent(double share)
{
	struct formatted formatted;

	/* + 0: not "-0". */
	snprintf(formatted.text, sizeof(formatted.text), "%g %%", round(share * 1e4) / 100 + 0.0);
	return formatted;
}

struct formatted tick_time(double seconds)
{
	struct formatted formatted;

	if (seconds >= 7200)
		snprintf(formatted.text, sizeof(formatted.text), "%.3g h", seconds / 3600);
	else if (seconds >= 300)
		snprintf(formatted.text, sizeof(formatted.text), "%.3g min", seconds / 60);
	else
		snprintf(formatted.text, sizeof(formatted.text), "%.3g s", seconds);
	return formatted;
}

struct formatted tick_percentile(double above)
{
	struct formatted formatted;

	snprintf(formatted.text, sizeof(formatted.text), "%.10g %%",
	         round((1 - above) * 1e11) / 1e9);
	return formatted;
}

struct formatted tick_rate(double per_second)
{
	struct formatted formatted;

	if (per_second >= 1e6)
		snprintf(formatted.text, sizeof(formatted.text), "%g M/s", per_second / 1e6);
	else if (per_second >= 1e3)
		snprintf(formatted.text, sizeof(formatted.text), "%g k/s", per_second / 1e3);
	else
		snprintf(formatted.text, sizeof(formatted.text), "%g/s", per_second);
	return formatted;
}

struct formatted tick_change(double change)
{
	struct formatted formatted;

	if (fabs(change) < 1e-9)
		return (struct formatted){ "0 %" };
	snprintf(formatted.text, sizeof(formatted.text), "%s%.3g %%", change < 0 ? "−" : "+",
	         100 * fabs(change));
	return formatted;
}

void plot_rule(struct plot *plot, const char *class, double x0, double y0, double x1, double y1)
{
	html_put(plot->html,
	         "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class,
	         x0, y0, x1, y1);
}

static void put_words(struct plot *plot, const char *class, double x, double y, const char *text)
{
	html_put(plot->html, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	html_text(plot->html, "%s", text);
	html_put(plot->html, "</text>\n");
}

void plot_text(struct plot *plot, const char *class, double x, double y, const char *text, ...)
{
	va_list arguments;
	char *words;

	va_start(arguments, text);
	if (vasprintf(&words, text, arguments) < 0) {
		plot->html->failed = true;
	} else {
		put_words(plot, class, x, y, words);
		free(words);
	}
	va_end(arguments);
}

/* About as wide as it will be drawn: 12 units high, digits of 0.58 of that. */
static double width_of(const char *label)
{
	return 7 * (double)terminal_columns(label);
}

/* Labels of ticks that would run into the one before are left out. */
static double put_x_label(struct plot *plot, const struct tick *tick, const char *label,
                          double free_from)
{
	double half = width_of(label) / 2;

	if (tick->minor || tick->place - half < free_from)
		return free_from;
	put_words(plot, "tick middle", tick->place, plot->y.from + 16, label);
	return tick->place + half + 6;
}

void plot_x_axis(struct plot *plot, tick_format format, const char *title)
{
	struct tick ticks[SCALE_TICKS_MAX];
	size_t n = scale_ticks(&plot->x, ticks);
	double bottom = plot->y.from, free_from = 0;

	for (size_t i = 0; i < n; i++) {
		plot_rule(plot, ticks[i].minor ? "grid minor" : "grid", ticks[i].place, plot->y.to,
		          ticks[i].place, bottom);
		free_from = put_x_label(plot, &ticks[i], format(ticks[i].value).text, free_from);
	}
	plot_rule(plot, "axis", plot->x.from, bottom, plot->x.to, bottom);
	if (title)
		put_words(plot, "title end", plot->x.to, bottom + 33, title);
}

void plot_y_axis(struct plot *plot, tick_format format, const char *title)
{
	struct tick ticks[SCALE_TICKS_MAX];
	size_t n = scale_ticks(&plot->y, ticks);
	double free_below = plot->height;

	for (size_t i = 0; i < n; i++) {
		plot_rule(plot, ticks[i].minor ? "grid minor" : "grid", plot->x.from,
		          ticks[i].place, plot->x.to, ticks[i].place);
		if (ticks[i].minor || ticks[i].place > free_below)
			continue;
		free_below = ticks[i].place - 15;
		put_words(plot, "tick end", plot->x.from - 7, ticks[i].place + 4,
		          format(ticks[i].value).text);
	}
	if (title)
		put_words(plot, "title", 4, plot->top - 12, title);
}

/* ---- Marks ---------------------------------------------------------------------------------- */

/* The path of the points, each piece that has no gap begun anew. */
static void put_path(struct plot *plot, const struct point *points, size_t n, bool steps)
{
	bool drawing = false;
	double last_y = 0;

	for (size_t i = 0; i < n; i++) {
		double x = scale_place(&plot->x, points[i].x), y;

		if (isnan(points[i].y)) {
			drawing = false;
			continue;
		}
		y = scale_place(&plot->y, points[i].y);
		if (drawing && steps)
			html_put(plot->html, "L%.1f %.1f", x, last_y);
		html_put(plot->html, "%c%.1f %.1f", drawing ? 'L' : 'M', x, y);
		/* A point alone would not be seen. */
		if (!drawing && (i + 1 == n || isnan(points[i + 1].y)))
			html_put(plot->html, "h1");
		drawing = true;
		last_y = y;
	}
}

static void put_line(struct plot *plot, const char *class, const struct point *points, size_t n,
                     bool steps)
{
	html_put(plot->html, "<path class=\"mark line %s\" d=\"", class);
	put_path(plot, points, n, steps);
	html_put(plot->html, "\"/>\n");
}

void plot_line(struct plot *plot, const char *class, const struct point *points, size_t n)
{
	put_line(plot, class, points, n, false);
}

void plot_steps(struct plot *plot, const char *class, const struct point *points, size_t n)
{
	put_line(plot, class, points, n, true);
}

void plot_area(struct plot *plot, const char *class, const struct point *points, size_t n)
{
	if (!n)
		return;
	html_put(plot->html, "<path class=\"mark area %s\" d=\"M%.1f %.1f", class,
	         scale_place(&plot->x, points[0].x), plot->y.from);
	for (size_t i = 0; i < n; i++)
		html_put(plot->html, "L%.1f %.1f", scale_place(&plot->x, points[i].x),
		         isnan(points[i].y) ? plot->y.from : scale_place(&plot->y, points[i].y));
	html_put(plot->html, "L%.1f %.1fZ\"/>\n", scale_place(&plot->x, points[n - 1].x),
	         plot->y.from);
}

static void put_tip(struct plot *plot, const char *tip, va_list arguments)
{
	char *text;

	if (vasprintf(&text, tip, arguments) < 0) {
		plot->html->failed = true;
		return;
	}
	html_put(plot->html, "<title>");
	html_escape(plot->html->file, text);
	html_put(plot->html, "</title>");
	free(text);
}

void plot_bar(struct plot *plot, const char *class, double x0, double x1, double y, double height,
              const char *tip, ...)
{
	va_list arguments;

	html_put(plot->html,
	         "<rect class=\"mark bar hit %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
	         "height=\"%.1f\">",
	         class, x0, y, fmax(x1 - x0, 0.5), height);
	va_start(arguments, tip);
	put_tip(plot, tip, arguments);
	va_end(arguments);
	html_put(plot->html, "</rect>\n");
}

void plot_hit(struct plot *plot, double x0, double x1, const char *tip, ...)
{
	va_list arguments;

	html_put(plot->html,
	         "<rect class=\"hit\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">", x0,
	         plot->y.to, fmax(x1 - x0, 0.1), plot->y.from - plot->y.to);
	va_start(arguments, tip);
	put_tip(plot, tip, arguments);
	va_end(arguments);
	html_put(plot->html, "</rect>\n");
}

/* ---- Legends -------------------------------------------------------------------------------- */

void legend_put(struct html *html, const struct legend_entry *entries, size_t n)
{
	html_put(html, "<ul class=\"legend\">");
	for (size_t i = 0; i < n; i++) {
		html_put(html,
		         "<li><svg class=\"swatch\" viewBox=\"0 0 12 12\" "
		         "aria-hidden=\"true\"><rect class=\"bar %s\" width=\"12\" "
		         "height=\"12\"/></svg>",
		         entries[i].class);
		html_text(html, "%s", entries[i].name);
		html_put(html, "</li>");
	}
	html_put(html, "</ul>\n");
}
