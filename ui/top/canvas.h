/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is drawn on: a grid of characters, each with an ink. Views draw here and know of no
 * terminal; screen.c shows a canvas with ncurses, batch.c prints it, tests compare it as text.
 *
 * Coordinates are (row, column) from 0. What lies outside is cut off. Every character is one column
 * wide; what is not, or is none of the terminal's character set, is drawn as '?'.
 */
#ifndef KTAX_UI_TOP_CANVAS_H
#define KTAX_UI_TOP_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "account.h"
#include "format.h"

enum ink {
	INK_PLAIN,
	INK_BOLD,
	INK_DIM,
	INK_TITLE, /* the line at the top, names of columns */
	INK_WARNING,
	INK_GOOD,
	INK_GROUP,                            /* and the four groups */
	INK_BLOCK = INK_GROUP + KTAX_NGROUPS, /* and the accounts, as a coloured block */
	N_INKS = INK_BLOCK + KTAX_NACCOUNTS,
};

struct cell {
	uint32_t symbol; /* code point */
	uint8_t ink;
	bool selected;
};

struct canvas {
	int height, width;
	struct terminal terminal; /* for format.h: what characters there are */
	struct cell *cells;
};

/* A part of a canvas that a view may draw on. */
struct area {
	struct canvas *canvas;
	int row, height;
};

int canvas_init(struct canvas *canvas, int height, int width, bool utf8);
void canvas_destroy(struct canvas *canvas);
/* Another size; all blank. -ENOMEM leaves it as it was. */
int canvas_resize(struct canvas *canvas, int height, int width);
void canvas_clear(struct canvas *canvas);

void canvas_symbol(struct canvas *canvas, int row, int column, enum ink ink, uint32_t symbol);
/* @text in @width columns, with an ellipsis where it is cut; returns the column behind it. */
int canvas_text(struct canvas *canvas, int row, int column, int width, enum ink ink,
                const char *text);
int canvas_right(struct canvas *canvas, int row, int column, int width, enum ink ink,
                 const char *text);
/* To the end of the row; returns the column behind it. */
int canvas_print(struct canvas *canvas, int row, int column, enum ink ink, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Shows the row as selected. */
void canvas_select(struct canvas *canvas, int row);
/* Gives the row up to its end @ink. */
void canvas_ink_row(struct canvas *canvas, int row, enum ink ink);

/* Columns that @text takes. */
int canvas_columns(const char *text);
/* The row as UTF-8, without blanks at its end; @size at least 4 * width + 1. */
void canvas_row_text(const struct canvas *canvas, int row, char *text, size_t size);
/* The UTF-8 of @symbol; returns its length. */
int canvas_encode(uint32_t symbol, char text[5]);

#endif
