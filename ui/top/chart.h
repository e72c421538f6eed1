/* SPDX-License-Identifier: GPL-2.0 */
/* Charts made of characters, in UTF-8 and in ASCII. */
#ifndef KTAX_UI_TOP_CHART_H
#define KTAX_UI_TOP_CHART_H

#include "canvas.h"

/*
 * A line of columns, @values from left to right, as high as their share of @most. A value below 0
 * is not known and left blank.
 */
void chart_spark(struct canvas *canvas, int row, int column, enum ink ink, const double *values,
                 int n, double most);

/* A bar of up to @width columns, @share of it filled. */
void chart_bar(struct canvas *canvas, int row, int column, int width, enum ink ink, double share);

/* The letter that stands for an account in stacked bars. */
char chart_letter(int account);
/*
 * A bar of @width columns, cut into the accounts in proportion, each as its letter. All that is not
 * 0 adds up to @width columns, exactly: columns go to the largest remainders.
 */
void chart_stack(struct canvas *canvas, int row, int column, int width,
                 const double amounts[KTAX_NACCOUNTS]);

/* A plot of dots, 2 by 4 to a character in UTF-8 (braille), one in ASCII. */
struct plot {
	struct canvas *canvas;
	int row, column, height, width; /* in characters */
};

int plot_dots_across(const struct plot *plot);
int plot_dots_up(const struct plot *plot);
/* Sets dot (@x, @y), y from the bottom; ASCII draws @mark. */
void plot_dot(const struct plot *plot, int x, int y, enum ink ink, char mark);

#endif
