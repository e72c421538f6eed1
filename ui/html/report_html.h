/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The report as one HTML file: text, tables and plots, nothing to load, nothing to compute. What a
 * section shows are findings of analyze/; a section is a file, and a row of report_html.c's table.
 */
#ifndef KTAX_UI_REPORT_HTML_H
#define KTAX_UI_REPORT_HTML_H

#include <jansson.h>

#include "exemplar.h"
#include "report.h"
#include "timeline.h"

/* Endpoints that get plots of their own; the others a row of a table (-e NAME shows them). */
#define HTML_ENDPOINTS 6

/* What is to be shown. All but @report may be NULL. */
struct html_inputs {
	const struct report *report;
	const json_t *decision; /* a document ktax.decision/1: the banner */
	const json_t *ab;       /* a document ktax.ab/1 */
};

enum { EXEMPLAR_P50, EXEMPLAR_P99, EXEMPLARS };

/* One of the endpoints shown in full. */
struct html_endpoint {
	const struct finding_endpoint *finding;
	const struct timeline_line *line; /* NULL: not known over time */
	struct exemplar exemplar[EXEMPLARS];
};

struct html_model {
	struct html_inputs inputs;
	const struct findings *findings;
	const struct recording *recording;
	struct timeline *timeline; /* may be NULL */
	size_t n_endpoints;
	struct html_endpoint endpoint[HTML_ENDPOINTS];
	size_t n_others; /* endpoints that are shown in the table only */
};

/*
 * Writes the page to the file @path, all of it or nothing. Reads the report's sources again, for
 * single requests and intervals. -ENOMEM, -ENOSPC, -EACCES ... of @path; or errors of
 * recording_read(), with *ret_source set to the source at fault.
 */
int report_html(const char *path, const struct html_inputs *inputs, const char **ret_source);

/*
 * Reads a JSON document whose "schema" is @schema. -EBADMSG: not JSON; -EMEDIUMTYPE: another
 * document; -ENOENT, -EACCES ... The caller's to json_decref().
 */
int html_read_document(const char *path, const char *schema, json_t **ret_document);

#endif
