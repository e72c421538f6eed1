// SPDX-License-Identifier: GPL-2.0
#include "readiness.h"

#include <string.h>

const char *const readiness_status_name[READINESS_NSTATUS] = { "ok", "warn", "fail", "unknown" };
const char *const readiness_concern_name[READINESS_NCONCERNS] = { "tuning", "af_xdp", "dpdk",
	                                                          "attribution" };

const struct readiness_row *readiness_find(const struct readiness *readiness, const char *check)
{
	for (size_t i = 0; i < readiness->n; i++)
		if (!strcmp(readiness->rows[i].check, check))
			return &readiness->rows[i];
	return NULL;
}

static bool is_to_fix(const struct readiness_row *row)
{
	return (row->status == READINESS_WARN || row->status == READINESS_FAIL) && row->fix[0];
}

const struct readiness_row *readiness_next_fix(const struct readiness *readiness, unsigned concerns,
                                               const struct readiness_row *after)
{
	const struct readiness_row *end = readiness->rows + readiness->n;

	for (const struct readiness_row *row = after ? after + 1 : readiness->rows; row < end;
	     row++)
		if (row->concerns & concerns && is_to_fix(row))
			return row;
	return NULL;
}

unsigned readiness_blocked(const struct readiness *readiness, unsigned concerns)
{
	unsigned blocked = 0;

	for (size_t i = 0; i < readiness->n; i++)
		blocked |= readiness->rows[i].blocks;
	return blocked & concerns;
}
