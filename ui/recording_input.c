// SPDX-License-Identifier: GPL-2.0
#include "recording_input.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

/* The schema version of a recording that is too new: SQLite's user_version, in its header. */
static uint32_t read_schema_version(const char *path)
{
	FILE *file = fopen(path, "rbe");
	uint8_t bytes[4] = { 0 };

	if (!file)
		return 0;
	if (fseek(file, 60, SEEK_SET) != 0 || fread(bytes, sizeof(bytes), 1, file) != 1)
		memset(bytes, 0, sizeof(bytes));
	fclose(file);
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

int recording_refuse(const char *path, int error)
{
	struct failure failure = { .error = error, .subject = path };
	char cause[96];

	if (error == -EPROTO) {
		snprintf(cause, sizeof(cause),
		         "written by a newer ktax (schema %u, this one reads up to %d)",
		         read_schema_version(path), RECORDING_SCHEMA_VERSION);
		failure.cause = cause;
	}
	return error_print(&failure);
}

static int add_window(const struct recording_interval *interval,
                      const struct recording_ledger *ledger, void *context)
{
	findings_add_interval(context, interval, ledger);
	return 0;
}

/* Only windows make rates uncertain, so only then all intervals are read a second time. */
int recording_find_rates(struct findings *findings)
{
	const struct recording *recording = findings->recording;

	if (!findings->self.windowed)
		return 0;
	for (size_t i = 0; i < recording->n_sources; i++) {
		int error =
			recording_for_each_interval(recording->sources[i], add_window, findings);

		if (error)
			return error;
	}
	findings_end_intervals(findings);
	return 0;
}
