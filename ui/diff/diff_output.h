/* SPDX-License-Identifier: GPL-2.0 */
/* What `ktax diff` shows: the same findings as text, JSON and HTML. */
#ifndef KTAX_UI_DIFF_OUTPUT_H
#define KTAX_UI_DIFF_OUTPUT_H

#include "diff.h"
#include "terminal.h"

struct diff_output {
	const struct diff *diff;
	const char *before, *after; /* paths, as given */
	bool gated;                 /* a limit was given */
	double limit;               /* 0.05: 5 % more */
	bool all;                   /* text: changes that the interval does not tell from 0, too */
};

/* "p99.9" */
const char *diff_level_title(enum diff_level level);
/* "wakeup", "with bypass" */
const char *diff_row_title(int row);
/* What the gate says of one figure: "regressed", ... */
const char *diff_gate_name(enum diff_gate gate);

void diff_text(const struct terminal *terminal, const struct diff_output *output);
/* JSON, schema "ktax.diff/1" (docs/diff.schema.json). -ENOMEM. */
int diff_json(FILE *file, const struct diff_output *output, int exit_code);
/* One self-contained page; errors as of fopen() and fwrite(), -ENOMEM. */
int diff_html(const char *path, const struct diff_output *output);

#endif
