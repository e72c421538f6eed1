/* SPDX-License-Identifier: GPL-2.0 */
/* The renderers of `ktax report`: findings in, text out. */
#ifndef KTAX_UI_REPORT_H
#define KTAX_UI_REPORT_H

#include "ledger.h"
#include "terminal.h"

/* What is to be shown: all endpoints, or those whose name is or contains @only. */
struct report {
	const struct findings *findings;
	const char *only;
};

/* Why what the probes took is not known. */
#define REPORT_NOT_MEASURED "not measured (it takes CAP_SYS_ADMIN, and a second)"

bool report_shows(const struct report *report, const char *endpoint_name);

/* For people, at least 100 columns wide. */
void report_text(const struct terminal *terminal, const struct report *report);
/* JSON, schema "ktax.report/1" (docs/report.schema.json). -ENOMEM. */
int report_json(FILE *file, const struct report *report);
/* One DIRECTORY/ENDPOINT.hlog each, a note for each on stderr. On failure *ret_path is at fault. */
int report_hlog(const char *directory, const struct report *report, char ret_path[4096]);
/* The sampled requests of all sources as tab-separated values under a line of names. */
int report_requests(FILE *file, const struct report *report, const char **ret_path);

#endif
