// SPDX-License-Identifier: GPL-2.0
/* Escaping, and the few elements that every section writes. */
#include "html.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct terminal as_utf8 = { .utf8 = true };

/* ---- Text ----------------------------------------------------------------------------------- */

/*
 * Length of the UTF-8 character at @text, 0 where it is none: truncated, overlong, a surrogate,
 * or above U+10FFFF (Unicode 15, table 3-7).
 */
static size_t character_length(const unsigned char *text)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length = text[0] < 0x80                      ? 1
	                : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
	                : text[0] >= 0xe0 && text[0] < 0xf0 ? 3
	                : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
	                                                    : 0;

	if (length < 2)
		return length;
	low = text[0] == 0xe0 ? 0xa0 : text[0] == 0xf0 ? 0x90 : low;
	high = text[0] == 0xed ? 0x9f : text[0] == 0xf4 ? 0x8f : high;
	if (text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static bool is_control(unsigned char byte)
{
	return (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
}

static const char *entity(unsigned char byte)
{
	switch (byte) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void html_escape(FILE *file, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at) {
		size_t length = character_length(at);
		const char *named = entity(*at);

		if (at[0] == ' ' && at[1] == '%')
			fputs("&#160;", file); /* not broken: "98 %" */
		else if (named)
			fputs(named, file);
		else if (!length || is_control(*at))
			fputs("\xef\xbf\xbd", file);
		else
			fwrite(at, 1, length, file);
		at += length ? length : 1;
	}
}

static void put_text(struct html *html, const char *format, va_list arguments)
{
	char *text;

	if (vasprintf(&text, format, arguments) < 0) {
		html->failed = true;
		return;
	}
	html_escape(html->file, text);
	free(text);
}

void html_put(struct html *html, const char *markup, ...)
{
	va_list arguments;

	va_start(arguments, markup);
	vfprintf(html->file, markup, arguments);
	va_end(arguments);
}

void html_text(struct html *html, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put_text(html, format, arguments);
	va_end(arguments);
}

static void open_element(struct html *html, const char *tag, const char *class)
{
	if (class)
		html_put(html, "<%s class=\"%s\">", tag, class);
	else
		html_put(html, "<%s>", tag);
}

void html_element(struct html *html, const char *tag, const char *class, const char *format, ...)
{
	va_list arguments;

	open_element(html, tag, class);
	va_start(arguments, format);
	put_text(html, format, arguments);
	va_end(arguments);
	html_put(html, "</%s>\n", tag);
}

/* ---- Figures -------------------------------------------------------------------------------- */

struct formatted html_ns(uint64_t ns)
{
	return format_ns(&as_utf8, ns);
}

struct formatted html_exact_ns(uint64_t ns)
{
	struct formatted formatted = format_count(ns);

	strcat(formatted.text, " ns");
	return formatted;
}

struct formatted html_change(double gain)
{
	return format_change(&as_utf8, gain);
}

struct formatted html_rate(double per_second)
{
	struct formatted formatted, count = format_count((uint64_t)llround(fmax(0, per_second)));

	if (per_second >= 100)
		snprintf(formatted.text, sizeof(formatted.text), "%.40s/s", count.text);
	else
		snprintf(formatted.text, sizeof(formatted.text), "%.3g/s", per_second);
	return formatted;
}

/* ---- Tables --------------------------------------------------------------------------------- */

void html_th(struct html *html, const char *format, ...)
{
	va_list arguments;

	html_put(html, "<th scope=\"row\">");
	va_start(arguments, format);
	put_text(html, format, arguments);
	va_end(arguments);
	html_put(html, "</th>");
}

void html_td(struct html *html, const char *format, ...)
{
	va_list arguments;

	html_put(html, "<td>");
	va_start(arguments, format);
	put_text(html, format, arguments);
	va_end(arguments);
	html_put(html, "</td>");
}

void html_td_words(struct html *html, const char *format, ...)
{
	va_list arguments;

	html_put(html, "<td class=\"words\">");
	va_start(arguments, format);
	put_text(html, format, arguments);
	va_end(arguments);
	html_put(html, "</td>");
}

static void put_titles(struct html *html, const char *titles)
{
	html_put(html, "<thead><tr>");
	while (*titles) {
		bool words = *titles == '<';
		int length;

		titles += words;
		length = (int)strcspn(titles, "|");
		html_put(html, "<th scope=\"col\"%s>", words ? " class=\"words\"" : "");
		html_text(html, "%.*s", length, titles);
		html_put(html, "</th>");
		titles += length + (titles[length] == '|');
	}
	html_put(html, "</tr></thead>\n<tbody>\n");
}

void html_table_begin(struct html *html, const char *caption, const char *titles)
{
	html_put(html, "<div class=\"scroll\" tabindex=\"0\"><table>\n");
	html_element(html, "caption", NULL, "%s", caption);
	put_titles(html, titles);
}

void html_table_end(struct html *html)
{
	html_put(html, "</tbody></table></div>\n");
}

void html_folded_table_begin(struct html *html, const char *caption, const char *titles)
{
	html_put(html, "<details><summary>");
	html_text(html, "%s", caption);
	html_put(html, "</summary><div class=\"scroll\" tabindex=\"0\"><table>\n");
	put_titles(html, titles);
}

void html_folded_table_end(struct html *html)
{
	html_table_end(html);
	html_put(html, "</details>\n");
}
