// SPDX-License-Identifier: GPL-2.0
/*
 * Accounts are fed in three ways: at a boundary (one row each, from the hook table), by the running
 * thread's state as the scheduler hook sees it, and by spans. The first two come from the table of
 * boundaries, plus "derived" below.
 *
 * The light hook set has a table of its own: what its few hooks read of the kernel's notes feeds
 * several accounts each, and much of what the full set tells apart is in another account.
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

/* What feeds an account in the light set, and what is in it besides; BOUNDARY_COUNT: nothing. */
static const struct {
	enum ktax_account account;
	enum hook_boundary_id boundary;
	const char *why;
} light_accounts[] = {
	{ KTAX_NIC_RX, BOUNDARY_COUNT,
	  "the light set sees a request when TCP gets it, not its NIC or link" },
	{ KTAX_KERNEL_RX, BOUNDARY_COUNT,
	  "the light set sees a request when TCP gets it, not IP and netfilter before" },
	{ KTAX_WAKEUP, BOUNDARY_READ_BEGIN,
	  "holds what a woken thread does up to its read; several packets in one request: from "
	  "the last before the first read" },
	{ KTAX_APP_QUEUE, BOUNDARY_READ_BEGIN,
	  "busy or woken is inferred from the thread's time off CPU" },
	{ KTAX_COPY_RX, BOUNDARY_READ_BEGIN,
	  "TCP's clock after the copy; in app where a packet or an ACK moved it since" },
	{ KTAX_APP, BOUNDARY_SEND_BEGIN,
	  "holds app_kernel, interrupts, spans, and what is left of the thread's previous socket "
	  "call" },
	{ KTAX_APP_KERNEL, BOUNDARY_COUNT, "in app" },
	{ KTAX_SERIALIZE, BOUNDARY_COUNT, "the light set has no spans: in app" },
	{ KTAX_TLS, BOUNDARY_COUNT, "the light set has no spans: in app" },
	{ KTAX_GC, BOUNDARY_COUNT, "the light set has no spans: in app and wait" },
	{ KTAX_HOP, BOUNDARY_COUNT, "lock, io and hop are in wait" },
	{ KTAX_LOCK, BOUNDARY_SEND_BEGIN,
	  "the way to another thread that answers, with its sleeps; other locks are in wait" },
	{ KTAX_IO, BOUNDARY_COUNT, "lock, io and hop are in wait" },
	{ KTAX_WAIT, BOUNDARY_SEND_BEGIN, "holds lock, io and hop" },
	{ KTAX_PREEMPT, BOUNDARY_SEND_BEGIN,
	  "the run queue only: interrupt and steal time counts for whoever it hits" },
	{ KTAX_KERNEL_TX, BOUNDARY_SEND_BEGIN,
	  "up to TCP's stamp of the last segment (to 1 us where TCP paces or has sent an ACK since): "
	  "IP and the device are not seen" },
	{ KTAX_QDISC, BOUNDARY_COUNT, "requests end when TCP writes their last segment" },
	{ KTAX_CWND, BOUNDARY_SEND_BEGIN,
	  "responses that could not be sent at once: with their kernel_tx" },
	{ KTAX_NIC_TX, BOUNDARY_COUNT, "requests end when TCP writes their last segment" },
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

static size_t light_rows(const struct probes_hook *hooks, struct recording_hook *rows)
{
	bool counted[BOUNDARY_COUNT] = {};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(light_accounts) / sizeof(light_accounts[0]); i++) {
		enum hook_boundary_id boundary = light_accounts[i].boundary;
		bool fed = boundary < BOUNDARY_COUNT;
		struct recording_hook *row =
			row_add(rows, &n, fed ? hook_boundaries[boundary].name : "none",
		                light_accounts[i].account);

		if (fed)
			row_fill(row, &hooks[boundary]);
		if (fed && counted[boundary])
			row->run_ns = row->runs = 0;
		if (fed)
			counted[boundary] = true;
		snprintf(row->why, sizeof(row->why), "%s", light_accounts[i].why);
	}
	row_fill(row_add(rows, &n, hook_boundaries[BOUNDARY_CONNECTION_STATE].name, KTAX_NACCOUNTS),
	         &hooks[BOUNDARY_CONNECTION_STATE]);
	return n;
}

static void function_row(struct recording_hook *row, const struct hook_rows_spans *spans,
                         enum ktax_account account)
{
	snprintf(row->program, sizeof(row->program), "uprobe/%zu functions",
	         spans->attached[account]);
	if (spans->single_stepped && spans->step_ns)
		snprintf(
			row->why, sizeof(row->why),
			"%zu of all probed functions are single-stepped (%.1f us a probe, moved to "
			"unknown)",
			spans->single_stepped, (double)spans->step_ns / 1e3);
	else if (spans->single_stepped)
		snprintf(row->why, sizeof(row->why),
		         "%zu of all probed functions are single-stepped, which could not be "
		         "measured and is part of the accounts",
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

/*
 * What nic_rx begins at where NICs stamp packets. The runs of these rows are requests: those that
 * begin at the stamp, and those that begin at the interrupt.
 */
static void nic_rows(const struct probes *probes, const struct nic_clocks_summary *clocks,
                     struct recording_hook *rows, size_t *n)
{
	struct ktax_counters counters;
	struct recording_hook *row;

	if (!clocks->why[0])
		return;
	row = row_add(rows, n, RECORDING_NIC_STAMP, KTAX_NIC_RX);
	snprintf(row->program, sizeof(row->program), "%s", clocks->program);
	snprintf(row->why, sizeof(row->why), "%s", clocks->why);
	if (!probes_use_nic_stamps(probes))
		return;
	probes_read_counters(probes, &counters);
	row->runs = counters.nic_stamped;
	row_add(rows, n, RECORDING_NIC_UNSTAMPED, KTAX_NIC_RX)->runs = counters.nic_unstamped;
	row_add(rows, n, RECORDING_NIC_REFUSED, KTAX_NIC_RX)->runs = counters.nic_refused;
}

size_t hook_rows(const struct probes *probes, const struct hook_rows_spans *spans,
                 const struct nic_clocks_summary *clocks, struct recording_hook rows[HOOK_ROWS_MAX])
{
	struct probes_hook hooks[BOUNDARY_COUNT];
	struct recording_hook *row;
	size_t n = 0;

	probes_hooks(probes, hooks);
	if (probes_are_light(probes))
		return light_rows(hooks, rows);
	boundary_rows(hooks, rows, &n);
	nic_rows(probes, clocks, rows, &n);
	span_rows(spans, rows, &n);
	row = row_add(rows, &n, "cpu_sample", KTAX_APP_KERNEL);
	snprintf(row->program, sizeof(row->program), "perf_event/cpu-clock");
	snprintf(row->why, sizeof(row->why), "sampled share of CPU time: no syscall is traced");
	return n;
}
