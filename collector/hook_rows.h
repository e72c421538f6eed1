/* SPDX-License-Identifier: GPL-2.0 */
/* The recording's hook table: which program fed which account, and why others are absent. */
#ifndef KTAX_HOOK_ROWS_H
#define KTAX_HOOK_ROWS_H

#include "nic_clocks.h"
#include "probes.h"
#include "recording.h"

#define HOOK_ROWS_MAX (BOUNDARY_COUNT + 3 * KTAX_NACCOUNTS + 3)

/* What is known of spans when the rows are made. */
struct hook_rows_spans {
	size_t attached[KTAX_NACCOUNTS]; /* probed functions by account */
	size_t single_stepped;
	uint64_t step_ns;                 /* what that costs; 0: not measured */
	size_t annotated[KTAX_NACCOUNTS]; /* probed begins of annotations by account */
};

/* Fills @rows; returns their number. */
size_t hook_rows(const struct probes *probes, const struct hook_rows_spans *spans,
                 const struct nic_clocks_summary *clocks,
                 struct recording_hook rows[HOOK_ROWS_MAX]);

#endif
