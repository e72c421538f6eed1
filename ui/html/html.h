/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writing HTML. Two ways in, and which one to take is the whole of its safety:
 *
 *	html_put()   markup and numbers of ours, as they are; never a string from outside
 *	html_text()  everything else: between tags and within the quotes of an attribute it is text
 *
 * Names of processes, endpoints, paths and hosts, and all texts out of JSON documents come from
 * outside. A formatted figure may hold a '<' ("<0.1 %"), so it goes through html_text() too.
 */
#ifndef KTAX_UI_HTML_H
#define KTAX_UI_HTML_H

#include "format.h"

struct html {
	FILE *file;
	bool failed; /* out of memory; a failed write shows in ferror(file) */
};

void html_put(struct html *html, const char *markup, ...) __attribute__((format(printf, 2, 3)));
/* What is not UTF-8, and control characters, become U+FFFD. */
void html_text(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One string, of any length, without formatting it first. */
void html_escape(FILE *file, const char *text);

/* <tag class="class">text</tag>; @class may be NULL. */
void html_element(struct html *html, const char *tag, const char *class, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Figures as UTF-8, whatever the locale. */
struct formatted html_ns(uint64_t ns);
/* "12,345 ns": every digit, for tooltips. */
struct formatted html_exact_ns(uint64_t ns);
/* "−23 %", of a gain 0..1. */
struct formatted html_change(double gain);
struct formatted html_rate(double per_second);

/* Table cells of a row: html_th() names the row, html_td() is a right-aligned figure. */
void html_th(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));
void html_td(struct html *html, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A left-aligned cell of words. */
void html_td_words(struct html *html, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * <table> with a caption (read out, and shown) and a row of @titles, separated by '|'; one that
 * begins with '<' heads a column of words. html_table_end() closes it.
 */
void html_table_begin(struct html *html, const char *caption, const char *titles);
void html_table_end(struct html *html);
/* The same folded away below @caption, as tables of a plot's figures are. */
void html_folded_table_begin(struct html *html, const char *caption, const char *titles);
void html_folded_table_end(struct html *html);

#endif
