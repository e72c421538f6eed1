/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plots as inline SVG: frame, axes, lines, bars, and hits: areas without a colour whose <title> is
 * what hovering, or the arrow keys once the plot has the focus, tell (page.js).
 *
 * Colours are classes of page.css: "total", "tuned", "bypass", "p50", "nic" ..., "a-NAME" of an
 * account.
 */
#ifndef KTAX_UI_PLOT_H
#define KTAX_UI_PLOT_H

#include "html.h"
#include "scale.h"

struct plot {
	struct html *html;
	double width, height;            /* of the whole, in units of the view box */
	double left, right, top, bottom; /* margins around the area that is drawn in */
	struct scale x, y;               /* .from and .to are set by plot_begin() */
	const char *label;               /* what it shows, for those who cannot see it; text */
	const char *class;               /* "wide", "small" */
};

/* <figure> and <svg>; the figure's caption is written at the end. */
void plot_begin(struct plot *plot);
/* Its caption: units and n. The figure stays open for a table, until plot_close(). */
void plot_end(struct plot *plot, const char *caption, ...) __attribute__((format(printf, 2, 3)));
void plot_close(struct plot *plot);

/* Labels of ticks are made by @format. */
typedef struct formatted (*tick_format)(double value);
void plot_x_axis(struct plot *plot, tick_format format, const char *title);
void plot_y_axis(struct plot *plot, tick_format format, const char *title);

/* Tick labels: nanoseconds, shares, seconds of time, percentiles (of the share above), rates. */
struct formatted tick_ns(double ns);
struct formatted tick_percent(double share);
struct formatted tick_time(double seconds);
struct formatted tick_percentile(double above);
struct formatted tick_rate(double per_second);
struct formatted tick_change(double change);

struct point {
	double x, y; /* figures, not places; y NAN: the line is interrupted */
};

void plot_line(struct plot *plot, const char *class, const struct point *points, size_t n);
/* The same as steps: a figure holds from its x up to the next. */
void plot_steps(struct plot *plot, const char *class, const struct point *points, size_t n);
void plot_area(struct plot *plot, const char *class, const struct point *points, size_t n);
/* A bar between the places @x0 and @x1, with a tooltip. */
void plot_bar(struct plot *plot, const char *class, double x0, double x1, double y, double height,
              const char *tip, ...) __attribute__((format(printf, 7, 8)));
/* An area from the place @x0 to @x1, as high as the plot, that tells @tip. */
void plot_hit(struct plot *plot, double x0, double x1, const char *tip, ...)
	__attribute__((format(printf, 4, 5)));
void plot_text(struct plot *plot, const char *class, double x, double y, const char *text, ...)
	__attribute__((format(printf, 5, 6)));
void plot_rule(struct plot *plot, const char *class, double x0, double y0, double x1, double y1);

/* <ul class="legend">: a swatch of each class and its name. */
struct legend_entry {
	const char *class, *name;
};

void legend_put(struct html *html, const struct legend_entry *entries, size_t n);

#endif
