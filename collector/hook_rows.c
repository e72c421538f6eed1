// SPDX-License-Identifier: GPL-2.0
/*
 * Accounts are fed in three ways: at a boundary (one row each, from the hook table), by the running
 * thread's state as the scheduler hook sees it, and by spans. The first two come from the table of
 * boundaries, plus "derived" below.
 */
#include "hook_rows.h"

#include <stdio.h>
#include <string.h>

/* Accounts that a boundary's hook feeds besides its own. */
static const struct {
	enum ktax_account account;
	enum hook_boundary_id boundary;
	const char *misses;
} derived[] = {
	{ KTAX_LOCK, BOUNDARY_TASK_SWITCH, "" }, { KTAX_IO, BOUNDARY_TASK_SWITCH, "" },
	{ KTAX_WAIT, BOUNDARY_TASK_SWITCH, "" }, { KTAX_PREEMPT, BOUNDARY_TASK_SWITCH, "" },
	{ KTAX_CWND, BOUNDARY_TX_DRIVER, "" },
};

static struct recording_hook *row_add(struct recording_hook *rows, size_t *n, const char *boundary,
                                      enum ktax_account account)
{
	struct recording_hook *row = &rows[(*n)++];

	memset(row, 0, sizeof(*row));
	snprintf(row->boundary, sizeof(row->boundary), "%s", boundary);
	if (account < KTAX_NACCOUNTS)
		snprintf(row->account, sizeof(row->account), "%s", ktax_account_info[account].name);
	return row;
}

static void row_fill(struct recording_hook *row, const struct probes_hook *hook)
{
	if (hook->candidate) {
		snprintf(row->program, sizeof(row->program), "%s/%s",
		         hook_family_name[hook->candidate->family], hook->candidate->target);
		snprintf(row->why, sizeof(row->why), "%s",
		         hook->candidate->misses ? hook->candidate->misses : "");
		row->run_ns = hook->run_ns;
		row->runs = hook->runs;
	} else {
		snprintf(row->why, sizeof(row->why), "%s", hook->why ? hook->why : "");
	}
}

/* nic_rx without the packet's link to its socket, and the like: n/a although a hook is there. */
static void boundary_rows(const struct probes_hook *hooks, struct recording_hook *rows, size_t *n)
{
	for (int i = 0; i < BOUNDARY_COUNT; i++) {
		const struct hook_boundary *boundary = &hook_boundaries[i];

		if (!hooks[i].candidate && boundary->need != NEED_ALWAYS &&
		    boundary->need != NEED_QDISC && i != BOUNDARY_TX_DONE)
			continue;
		row_fill(row_add(rows, n, boundary->name, boundary->account), &hooks[i]);
	}
	for (size_t i = 0; i < sizeof(derived) / sizeof(derived[0]); i++) {
		struct recording_hook *row = row_add(
			rows, n, hook_boundaries[derived[i].boundary].name, derived[i].account);

		row_fill(row, &hooks[derived[i].boundary]);
		row->run_ns = row->runs = 0; /* counted once */
	}
}

static void function_row(struct recording_hook *row, const struct hook_rows_spans *spans,
                         enum ktax_account account)
{
	snprintf(row->program, sizeof(row->program), "uprobe/%zu functions",
	         spans->attached[account]);
	if (spans->single_stepped)
		snprintf(row->why, sizeof(row->why),
		         "%zu of all probed functions are single-stepped (~10 us a call)",
		         spans->single_stepped);
}

/* Why nothing feeds @account. */
static const char *span_absent(enum ktax_account account)
{
	if (account == KTAX_HOP)
		return "no target is annotated with it; downstream connections are not followed: "
		       "see wait";
	return "no target is annotated with it or has mapped such a function of the catalogue "
	       "(see --span)";
}

/* An account can be fed by functions and by annotations; some need neither. */
static void span_rows(const struct hook_rows_spans *spans, struct recording_hook *rows, size_t *n)
{
	static const bool needs_span[KTAX_NACCOUNTS] = {
		[KTAX_SERIALIZE] = true, [KTAX_TLS] = true, [KTAX_GC] = true, [KTAX_HOP] = true
	};

	for (enum ktax_account account = 0; account < KTAX_NACCOUNTS; account++) {
		struct recording_hook *row;

		if (spans->attached[account])
			function_row(row_add(rows, n, "span", account), spans, account);
		if (spans->annotated[account]) {
			row = row_add(rows, n, "span", account);
			snprintf(row->program, sizeof(row->program), "usdt/ktax:span_begin (%s)",
			         ktax_account_info[account].name);
		}
		if (!needs_span[account] || spans->attached[account] || spans->annotated[account])
			continue;
		row = row_add(rows, n, "span", account);
		snprintf(row->why, sizeof(row->why), "%s", span_absent(account));
	}
}

size_t hook_rows(const struct probes *probes, const struct hook_rows_spans *spans,
                 struct recording_hook rows[HOOK_ROWS_MAX])
{
	struct probes_hook hooks[BOUNDARY_COUNT];
	struct recording_hook *row;
	size_t n = 0;

	probes_hooks(probes, hooks);
	boundary_rows(hooks, rows, &n);
	span_rows(spans, rows, &n);
	row = row_add(rows, &n, "cpu_sample", KTAX_APP_KERNEL);
	snprintf(row->program, sizeof(row->program), "perf_event/cpu-clock");
	snprintf(row->why, sizeof(row->why), "sampled share of CPU time: no syscall is traced");
	return n;
}
