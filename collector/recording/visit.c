/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Going through one recording: its sampled requests, or its intervals, one at a time.
 */
#include "reader.h"

#include <errno.h>
#include <stdlib.h>

struct request_visit {
	int (*visit)(const struct recording_endpoint *endpoint, const struct ktax_request *request,
	             void *context);
	void *context;
};

/* Columns: id and endpoint, start_ns, total_ns, the accounts, REQUEST_MEMBERS. */
static int visit_request(struct row *row, void *context)
{
	const struct request_visit *visit = context;
	struct recording_endpoint endpoint = { 0 };
	struct ktax_request request = { 0 };

	request.endpoint = (uint32_t)row_number(row, UINT32_MAX);
	row_endpoint(row, &endpoint);
	request.start_ns = row_u64(row);
	request.total_ns = row_u64(row);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		request.account_ns[i] = row_u64(row);
#define X(member, highest) request.member = row_number(row, highest);
	REQUEST_MEMBERS(X)
#undef X
	return row->error ? row->error : visit->visit(&endpoint, &request, visit->context);
}

int recording_for_each_request(const char *path,
                               int (*visit)(const struct recording_endpoint *endpoint,
                                            const struct ktax_request *request, void *context),
                               void *context)
{
	struct request_visit with = { visit, context };
	sqlite3 *db;
	char *sql;
	int error = reader_open(path, &db);

	if (error)
		return error;
	sql = account_query(
		db, "request",
		"SELECT e.id, e.name, e.pid, e.comm, start_ns, total_ns%s" REQUEST_COLUMNS
		" FROM request r "
		"JOIN endpoint e ON e.id = r.endpoint ORDER BY start_ns, r.id");
	error = sql ? query(db, sql, visit_request, &with) : -ENOMEM;
	sqlite3_free(sql);
	sqlite3_close(db);
	return error;
}

/* Goes through intervals and endpoints; what belongs to each is looked up by these statements. */
struct interval_visit {
	int (*visit)(const struct recording_interval *interval,
	             const struct recording_ledger *ledger, void *context);
	void *context;
	sqlite3 *db;
	sqlite3_stmt *accounts, *cells;  /* parameters: interval, endpoint */
	struct recording_ledger *ledger; /* the one at hand: too large for the stack */
};

static int visit_account(struct row *row, void *context)
{
	row_account(row, context);
	return row->error;
}

static int visit_cell(struct row *row, void *context)
{
	row_cell(row, context);
	return row->error;
}

static int run_lookup(struct interval_visit *visit, sqlite3_stmt *lookup, sqlite3_stmt *row,
                      row_function each, struct recording_ledger *ledger)
{
	int error;

	sqlite3_bind_value(lookup, 1, sqlite3_column_value(row, 0));
	sqlite3_bind_value(lookup, 2, sqlite3_column_value(row, 1));
	error = for_each_row(visit->db, lookup, each, ledger);
	sqlite3_reset(lookup);
	return error;
}

/* All of the ledger that the row begins. */
static int complete_ledger(struct interval_visit *visit, struct row *row,
                           struct recording_ledger *ledger)
{
	int error;

	row_ledger(row, ledger);
	error = row->error;
	if (!error)
		error = run_lookup(visit, visit->accounts, row->statement, visit_account, ledger);
	if (!error)
		error = run_lookup(visit, visit->cells, row->statement, visit_cell, ledger);
	ledger_restore_max(ledger);
	return error;
}

/* Columns: interval and endpoint id, name, pid, comm, the interval, the ledger. */
static int visit_interval(struct row *row, void *context)
{
	struct interval_visit *visit = context;
	struct recording_endpoint endpoint = { 0 };
	struct recording_interval interval = { 0 };
	int error;

	row->n = 2;
	row_endpoint(row, &endpoint);
	row_interval(row, &interval);
	if (row->error)
		return row->error;
	error = ledger_init(visit->ledger, &endpoint);
	if (error)
		return error;
	error = complete_ledger(visit, row, visit->ledger);
	if (!error)
		error = visit->visit(&interval, visit->ledger, visit->context);
	ledger_destroy(visit->ledger);
	return error;
}

static int prepare_lookups(struct interval_visit *visit)
{
	char *sql = account_query(visit->db, "joint",
	                          "SELECT lowest_ns, requests%s, cpu_samples_user, "
	                          "cpu_samples_kernel FROM joint "
	                          "WHERE interval = ? AND endpoint = ?");
	int rc;

	if (!sql)
		return -ENOMEM;
	rc = sqlite3_prepare_v2(visit->db, sql, -1, &visit->cells, NULL);
	sqlite3_free(sql);
	if (!rc)
		rc = sqlite3_prepare_v2(visit->db,
		                        "SELECT account, histogram FROM account_histogram "
		                        "WHERE interval = ? AND endpoint = ?",
		                        -1, &visit->accounts, NULL);
	return prepare_errno(visit->db, rc);
}

static int visit_intervals(struct interval_visit *visit)
{
	char *sql = interval_query(
		visit->db,
		"SELECT i.id, e.id, e.name, e.pid, e.comm, i.start_realtime_ns%s" LEDGER_COLUMNS
		", max_ns, total, floor_tuned, floor_bypass "
		"FROM interval i JOIN ledger l ON l.interval = i.id "
		"JOIN endpoint e ON e.id = l.endpoint ORDER BY i.id, e.id");
	int error = sql ? prepare_lookups(visit) : -ENOMEM;

	if (!error)
		error = query(visit->db, sql, visit_interval, visit);
	sqlite3_free(sql);
	sqlite3_finalize(visit->accounts);
	sqlite3_finalize(visit->cells);
	return error;
}

int recording_for_each_interval(const char *path,
                                int (*visit)(const struct recording_interval *interval,
                                             const struct recording_ledger *ledger, void *context),
                                void *context)
{
	struct interval_visit with = { .visit = visit, .context = context };
	int error = reader_open(path, &with.db);

	if (error)
		return error;
	with.ledger = malloc(sizeof(*with.ledger));
	error = with.ledger ? visit_intervals(&with) : -ENOMEM;
	free(with.ledger);
	sqlite3_close(with.db);
	return error;
}
