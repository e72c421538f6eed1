/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Figures and text for people: three significant digits, units that adapt, aligned columns.
 *
 * The format functions return their text by value, so that it can be used in place:
 *
 *	put_right(&terminal, 9, format_ns(&terminal, p99_ns).text);
 */
#ifndef KTAX_UI_FORMAT_H
#define KTAX_UI_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "terminal.h"

struct formatted {
	char text[64];
};

/* "87 ns", "1.23 µs", "45.6 ms", "789 s"; "us" where the locale is not UTF-8. */
struct formatted format_ns(const struct terminal *terminal, uint64_t ns);
/* "1,234,567" */
struct formatted format_count(uint64_t count);
/* Of a share 0..1: "31 %", "3.1 %", "<0.1 %"; "0 %" is exactly nothing. */
struct formatted format_percent(double share);
/* The change to @to from @from: "−23 %", "±0 %" */
struct formatted format_change(const struct terminal *terminal, double gain);
/* "0–50 %" */
struct formatted format_band(const struct terminal *terminal, double from_pct, double to_pct);
/* A bar of up to @cells columns, in eighths of one where the locale is UTF-8. */
struct formatted format_bar(const struct terminal *terminal, double share, int cells);

/* Prints @text padded with blanks to @width columns; too long a text is cut, with an ellipsis. */
void put_left(const struct terminal *terminal, int width, const char *text);
void put_right(const struct terminal *terminal, int width, const char *text);
/* The same without blanks after it, for the last column. */
void put_last(const struct terminal *terminal, int width, const char *text);
/* Prints @text and a newline, breaking lines at blanks before column @width. */
void put_wrapped(FILE *file, const char *text, int column, int indent, int width);

#endif
