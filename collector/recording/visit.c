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

static int visit_request(struct row *row, void *context)
{
	const struct request_visit *visit = context;
	struct recording_endpoint endpoint = { 0 };
	struct ktax_request request = { 0 };

	row_request(row, &endpoint, &request);
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

struct interval_visit {
	int (*visit)(const struct recording_interval *interval,
	             const struct recording_ledger *ledger, void *context);
	void *context;
	struct ledger_lookup lookup;
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

static int run_lookup(sqlite3_stmt *lookup, sqlite3_stmt *row, row_function each,
                      struct recording_ledger *ledger)
{
	int error;

	sqlite3_bind_value(lookup, 1, sqlite3_column_value(row, 0));
	sqlite3_bind_value(lookup, 2, sqlite3_column_value(row, 1));
	error = for_each_row(sqlite3_db_handle(lookup), lookup, each, ledger);
	sqlite3_reset(lookup);
	return error;
}

int ledger_lookup_run(const struct ledger_lookup *lookup, struct row *row,
                      struct recording_ledger *ledger)
{
	int error;

	row_ledger(row, ledger);
	error = row->error;
	if (!error)
		error = run_lookup(lookup->accounts, row->statement, visit_account, ledger);
	if (!error)
		error = run_lookup(lookup->cells, row->statement, visit_cell, ledger);
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
	error = ledger_lookup_run(&visit->lookup, row, visit->ledger);
	if (!error)
		error = visit->visit(&interval, visit->ledger, visit->context);
	ledger_destroy(visit->ledger);
	return error;
}

int ledger_lookup_prepare(struct ledger_lookup *lookup, sqlite3 *db)
{
	char *sql = account_query(db, "joint",
	                          "SELECT lowest_ns, requests%s, cpu_samples_user, "
	                          "cpu_samples_kernel FROM joint "
	                          "WHERE interval = ? AND endpoint = ?");
	int rc;

	if (!sql)
		return -ENOMEM;
	rc = sqlite3_prepare_v2(db, sql, -1, &lookup->cells, NULL);
	sqlite3_free(sql);
	if (!rc)
		rc = sqlite3_prepare_v2(db,
		                        "SELECT account, histogram FROM account_histogram "
		                        "WHERE interval = ? AND endpoint = ?",
		                        -1, &lookup->accounts, NULL);
	return prepare_errno(db, rc);
}

void ledger_lookup_finish(struct ledger_lookup *lookup)
{
	sqlite3_finalize(lookup->accounts);
	sqlite3_finalize(lookup->cells);
}

static int visit_intervals(struct interval_visit *visit, sqlite3 *db)
{
	char *intervals = interval_query(
		db, "SELECT i.id, e.id, e.name, e.pid, e.comm, i.start_realtime_ns%s%%s, max_ns, "
		    "total, floor_tuned, floor_bypass FROM interval i "
		    "JOIN ledger l ON l.interval = i.id "
		    "JOIN endpoint e ON e.id = l.endpoint ORDER BY i.id, e.id");
	char *sql = intervals ? ledger_query(db, intervals) : NULL;
	int error = sql ? ledger_lookup_prepare(&visit->lookup, db) : -ENOMEM;

	if (!error)
		error = query(db, sql, visit_interval, visit);
	sqlite3_free(sql);
	sqlite3_free(intervals);
	ledger_lookup_finish(&visit->lookup);
	return error;
}

int recording_for_each_interval(const char *path,
                                int (*visit)(const struct recording_interval *interval,
                                             const struct recording_ledger *ledger, void *context),
                                void *context)
{
	struct interval_visit with = { .visit = visit, .context = context };
	sqlite3 *db;
	int error = reader_open(path, &db);

	if (error)
		return error;
	with.ledger = malloc(sizeof(*with.ledger));
	error = with.ledger ? visit_intervals(&with, db) : -ENOMEM;
	free(with.ledger);
	sqlite3_close(db);
	return error;
}
