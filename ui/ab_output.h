/* SPDX-License-Identifier: GPL-2.0 */
/* What `ktax ab` shows of a result: the table on stdout, and the files that were asked for. */
#ifndef KTAX_UI_AB_OUTPUT_H
#define KTAX_UI_AB_OUTPUT_H

#include <stdbool.h>

#include "ab.h"
#include "terminal.h"

struct ab_output {
	const char *json, *junit, *hlog; /* files, a directory; NULL: not wanted */
	enum color_when color;
};

/* Prints it all; returns the exit code of the verdict, or of what could not be written. */
int ab_output(const struct ab_result *result, const struct traffic *traffic,
              const struct ab_output *output);

#endif
