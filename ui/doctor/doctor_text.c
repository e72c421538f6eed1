// SPDX-License-Identifier: GPL-2.0
/*
 * The doctor's findings for people: whether each path can run and what is to be done for it; then
 * the rows by group, what they want and the command below. Commands stand on a line of their own,
 * unbroken, to be copied. What is fine is counted, and shown with --all.
 */
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "format.h"

#define STATUS_WIDTH 10
#define CHECK_WIDTH  17
#define INDENT       (STATUS_WIDTH + CHECK_WIDTH)

static void put_styled(const struct terminal *t, enum style style, const char *text)
{
	fprintf(t->file, "%s%s%s", terminal_style(t, style), text, terminal_style(t, STYLE_PLAIN));
}

static size_t count(const struct readiness *readiness, unsigned concerns,
                    enum readiness_status status)
{
	size_t n = 0;

	for (size_t i = 0; i < readiness->n; i++)
		n += readiness->rows[i].concerns & concerns && readiness->rows[i].status == status;
	return n;
}

/* ---- At a glance ----------------------------------------------------------------------------- */

static const char *concern_title(int concern)
{
	static const char *const titles[READINESS_NCONCERNS] = { "tuned kernel", "AF_XDP", "DPDK",
		                                                 "ktax record" };

	return titles[concern];
}

static void put_host(const struct terminal *t, const struct readiness *readiness)
{
	put_styled(t, STYLE_BOLD, readiness->hostname[0] ? readiness->hostname : "this host");
	fprintf(t->file, ", Linux %s, ", readiness->kernel[0] ? readiness->kernel : "unknown");
	if (!readiness->interface[0])
		fputs("no default route: name an interface with --iface\n", t->file);
	else
		fprintf(t->file, "interface %s%s%s%s\n", readiness->interface,
		        readiness->driver[0] ? ", driver " : "", readiness->driver,
		        readiness->default_route
		                ? " (it has the default route; --iface names another)"
		                : "");
}

static void put_first_block(const struct terminal *t, const struct readiness *readiness,
                            unsigned concern)
{
	for (size_t i = 0; i < readiness->n; i++) {
		const struct readiness_row *row = &readiness->rows[i];

		if (!(row->blocks & concern))
			continue;
		fprintf(t->file, "%s: ", row->check);
		put_wrapped(t->file, row->found, 35 + terminal_columns(row->check), 16, t->width);
		return;
	}
}

static void put_counts(const struct terminal *t, const struct readiness *readiness,
                       unsigned concern)
{
	static const char *const words[] = { "fine", "warnings", "failures", "unknown" };
	static const enum readiness_status order[] = { READINESS_FAIL, READINESS_WARN,
		                                       READINESS_UNKNOWN, READINESS_OK };
	const char *separator = "";

	for (size_t i = 0; i < READINESS_NSTATUS; i++) {
		size_t n = count(readiness, concern, order[i]);
		const char *word = words[order[i]];
		bool plural = order[i] == READINESS_WARN || order[i] == READINESS_FAIL;

		if (!n)
			continue;
		fprintf(t->file, "%s%zu %.*s", separator, n,
		        (int)(strlen(word) - (plural && n == 1)), word);
		separator = ", ";
	}
	fputc('\n', t->file);
}

static void put_overview(const struct terminal *t, const struct readiness *readiness,
                         unsigned asked)
{
	for (int i = 0; i < READINESS_NCONCERNS; i++) {
		unsigned concern = 1U << i;

		if (!(asked & concern))
			continue;
		fputs("  ", t->file);
		put_left(t, 14, concern_title(i));
		if (readiness_blocked(readiness, concern)) {
			put_styled(t, STYLE_BAD, "cannot run here");
			fputs("  ", t->file);
			put_first_block(t, readiness, concern);
		} else {
			put_counts(t, readiness, concern);
		}
	}
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static enum style status_style(enum readiness_status status)
{
	static const enum style styles[READINESS_NSTATUS] = {
		[READINESS_OK] = STYLE_GOOD,
		[READINESS_WARN] = STYLE_WARNING,
		[READINESS_FAIL] = STYLE_BAD,
		[READINESS_UNKNOWN] = STYLE_DIM,
	};

	return styles[status];
}

static void put_detail(const struct terminal *t, const char *title, const char *text)
{
	if (!text[0])
		return;
	fprintf(t->file, "%*s%s%s ", INDENT, "", terminal_style(t, STYLE_DIM), title);
	put_wrapped(t->file, text, INDENT + (int)strlen(title) + 1, INDENT, t->width);
	fputs(terminal_style(t, STYLE_PLAIN), t->file);
}

static bool is_to_do(const struct readiness_row *row)
{
	return row->status == READINESS_WARN || row->status == READINESS_FAIL;
}

static void put_row(const struct terminal *t, const struct readiness_row *row, bool all)
{
	fputs("  ", t->file);
	fputs(terminal_style(t, status_style(row->status)), t->file);
	put_left(t, STATUS_WIDTH - 2, readiness_status_name[row->status]);
	fputs(terminal_style(t, STYLE_PLAIN), t->file);
	put_left(t, CHECK_WIDTH, row->check);
	put_wrapped(t->file, row->found, INDENT, INDENT, t->width);
	if (is_to_do(row) || all)
		put_detail(t, "want", row->want);
	if (all) {
		put_detail(t, "why", row->why);
		put_detail(t, "source", row->source);
	}
	if (is_to_do(row) && row->fix[0])
		fprintf(t->file, "%*s%s%s%s\n", INDENT, "", terminal_style(t, STYLE_BOLD), row->fix,
		        terminal_style(t, STYLE_PLAIN));
}

static void put_rows(const struct terminal *t, const struct readiness *readiness, bool all)
{
	const char *group = "";

	for (size_t i = 0; i < readiness->n; i++) {
		const struct readiness_row *row = &readiness->rows[i];

		if (row->status == READINESS_OK && !all)
			continue;
		if (strcmp(group, row->group) != 0) {
			fputc('\n', t->file);
			put_styled(t, STYLE_BOLD, row->group);
			fputc('\n', t->file);
			group = row->group;
		}
		put_row(t, row, all);
	}
}

void doctor_text(const struct terminal *t, const struct readiness *readiness, unsigned asked,
                 bool all)
{
	size_t fine = count(readiness, READINESS_ALL, READINESS_OK);

	put_host(t, readiness);
	put_overview(t, readiness, asked);
	put_rows(t, readiness, all);
	if (fine && !all)
		fprintf(t->file, "\n%zu more are fine; --all shows them, and why each is checked\n",
		        fine);
}
