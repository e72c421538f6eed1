/* SPDX-License-Identifier: GPL-2.0 */
/* What the output can show: colours, characters, columns. */
#ifndef KTAX_UI_TERMINAL_H
#define KTAX_UI_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

enum color_when { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

enum style {
	STYLE_PLAIN, /* also ends the style before */
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_NIC,
	STYLE_KERNEL,
	STYLE_SERIALIZATION,
	STYLE_APPLICATION,
	STYLE_WARNING,
	STYLE_GOOD,
	STYLE_BAD,
};

struct terminal {
	FILE *file;
	bool color; /* a terminal, and NO_COLOR unset; or asked for */
	bool utf8;  /* of the locale: setlocale() first */
	int width;  /* columns; 100 where it is not a terminal */
};

struct terminal terminal_init(FILE *file, enum color_when when);
/* "auto", "always" or "never"; -EINVAL. */
int terminal_parse_when(const char *text, enum color_when *ret_when);
/* The escape sequence of @style, "" where there are no colours. */
const char *terminal_style(const struct terminal *terminal, enum style style);
/* Columns that the characters of @text take (UTF-8, all of width 1). */
int terminal_columns(const char *text);

#endif
