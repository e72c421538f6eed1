// SPDX-License-Identifier: GPL-2.0
/* Figures for people. What is aligned is columns, not bytes: "µ" and "█" are more than one byte. */
#include "format.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Longest bar: each column takes up to three bytes of a struct formatted. */
#define BAR_MOST 20

/* Three significant digits of @value < 1000: "1.23", "12.3", "123". */
static int print_digits(char *text, size_t size, double value)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	return snprintf(text, size, "%.*f", decimals, value);
}

struct formatted format_ns(const struct terminal *terminal, uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	struct formatted formatted;
	double value = (double)ns;
	int unit = 0, length;

	/* 999.5 would be printed as 1000. */
	for (; value >= 999.5 && unit < 3; unit++)
		value /= 1000;
	if (!ns)
		return (struct formatted){ "0" };
	if (unit == 0)
		length = snprintf(formatted.text, sizeof(formatted.text), "%" PRIu64, ns);
	else
		length = print_digits(formatted.text, sizeof(formatted.text), value);
	snprintf(formatted.text + length, sizeof(formatted.text) - (size_t)length, " %s",
	         unit == 1 && terminal->utf8 ? "µs" : units[unit]);
	return formatted;
}

struct formatted format_count(uint64_t count)
{
	struct formatted formatted = { 0 };
	char digits[24], *out = formatted.text;
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	return formatted;
}

struct formatted format_percent(double share)
{
	struct formatted formatted;
	double percent = 100 * share;

	if (percent > 0 && percent < 0.05)
		snprintf(formatted.text, sizeof(formatted.text), "<0.1 %%");
	else
		snprintf(formatted.text, sizeof(formatted.text), "%.*f %%",
		         percent > 0 && percent < 9.95 ? 1 : 0, percent);
	return formatted;
}

struct formatted format_change(const struct terminal *terminal, double gain)
{
	const char *sign = gain < 0 ? "+" : terminal->utf8 ? "−" : "-";
	struct formatted formatted, percent = format_percent(fabs(gain));

	if ((percent.text[0] == '0' && percent.text[1] == ' ') || percent.text[0] == '<')
		sign = "";
	snprintf(formatted.text, sizeof(formatted.text), "%s%.32s", sign, percent.text);
	return formatted;
}

struct formatted format_band(const struct terminal *terminal, double from_pct, double to_pct)
{
	struct formatted formatted;

	snprintf(formatted.text, sizeof(formatted.text), "%g%s%g %%", from_pct,
	         terminal->utf8 ? "–" : "-", to_pct);
	return formatted;
}

struct formatted format_bar(const struct terminal *terminal, double share, int cells)
{
	static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
	double length = fmin(fmax(share, 0), 1) * (cells < BAR_MOST ? cells : BAR_MOST);
	struct formatted formatted = { 0 };
	long parts = lround(length * 8);
	char *out = formatted.text;

	if (!terminal->utf8) {
		memset(out, '#', (size_t)lround(length));
		return formatted;
	}
	for (; parts >= 8; parts -= 8)
		out = stpcpy(out, "█");
	stpcpy(out, eighths[parts]);
	return formatted;
}

static void put_blanks(const struct terminal *terminal, int n)
{
	if (n > 0)
		fprintf(terminal->file, "%*s", n, "");
}

/* The first @columns - 1 characters of @text and an ellipsis. */
static void put_cut(const struct terminal *terminal, int columns, const char *text)
{
	const char *end = text;

	for (int n = 1; n < columns; n++)
		for (end++; (*end & 0xc0) == 0x80; end++)
			;
	fprintf(terminal->file, "%.*s%s", (int)(end - text), text, terminal->utf8 ? "…" : "~");
}

void put_last(const struct terminal *terminal, int width, const char *text)
{
	if (terminal_columns(text) > width)
		put_cut(terminal, width, text);
	else
		fputs(text, terminal->file);
}

void put_left(const struct terminal *terminal, int width, const char *text)
{
	put_last(terminal, width, text);
	put_blanks(terminal, width - terminal_columns(text));
}

void put_right(const struct terminal *terminal, int width, const char *text)
{
	put_blanks(terminal, width - terminal_columns(text));
	put_last(terminal, width, text);
}

/* Columns up to the end of the word that @text begins with. */
static int word_columns(const char *text)
{
	size_t length = strcspn(text, " \n");
	int columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += (text[i] & 0xc0) != 0x80;
	return columns;
}

void put_wrapped(FILE *file, const char *text, int column, int indent, int width)
{
	while (*text) {
		size_t length = strcspn(text, " \n");

		column += word_columns(text);
		fprintf(file, "%.*s", (int)length, text);
		text += length;
		if (!*text)
			break;
		if (*text == '\n' || column + 1 + word_columns(text + 1) > width) {
			bool empty = *text == '\n' && text[1] == '\n';

			fprintf(file, "\n%*s", empty ? 0 : indent, "");
			column = indent;
		} else {
			column += fprintf(file, " ");
		}
		text++;
	}
	fputc('\n', file);
}
