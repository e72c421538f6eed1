/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside of reading: opening a recording that nobody vouches for, and taking its rows.
 */
#ifndef KTAX_RECORDING_READER_H
#define KTAX_RECORDING_READER_H

#include "internal.h"

/* The longest text or blob that a recording may hold: far above what ktax writes. */
#define VALUE_BYTES_MAX (1 << 20)

/* open.c */

/*
 * Opens @path read-only and begins the transaction that everything is read in: of a recording in
 * progress one sees the state after its last commit. Errors as of recording_read().
 */
int reader_open(const char *path, sqlite3 **ret_db);

/* row.c */

/* Takes a row's columns from left to right. The first error stays. */
struct row {
	sqlite3_stmt *statement;
	int n;
	int error;
};

/* Called for each row of a query; row->error counts as its error. */
typedef int (*row_function)(struct row *row, void *context);

/*
 * The negative errno for the result @rc of preparing one of our statements: where the schema could
 * be read but does not have what the statement names, -EPROTOTYPE.
 */
int prepare_errno(sqlite3 *db, int rc);
int query(sqlite3 *db, const char *sql, row_function each, void *context);
int for_each_row(sqlite3 *db, sqlite3_stmt *statement, row_function each, void *context);
/*
 * SQL text: @format with its one %s replaced by the account columns of @table, each after a comma.
 * An account that the recording's ktax did not know reads as 0. To be freed by sqlite3_free().
 */
char *account_query(sqlite3 *db, const char *table, const char *format);
/* The same with the columns of table interval after start_realtime_ns; later ones may lack. */
char *interval_query(sqlite3 *db, const char *format);
/* The same with LEDGER_SUMS. */
char *ledger_query(sqlite3 *db, const char *format);

/* An integer in 0..@highest, or in 0..INT64_MAX. */
uint64_t row_number(struct row *row, uint64_t highest);
uint64_t row_u64(struct row *row);
/* Text without control characters, of at most @size - 1 bytes, or as a copy (NULL: no memory). */
void row_string(struct row *row, char *into, size_t size);
char *row_strdup(struct row *row);
/* Columns name, pid, comm. */
void row_endpoint(struct row *row, struct recording_endpoint *endpoint);
/* Columns start_realtime_ns, INTERVAL_SUMS. */
void row_interval(struct row *row, struct recording_interval *interval);
/* Columns LEDGER_SUMS, max_ns, total, floor_tuned, floor_bypass: added to @ledger. */
void row_ledger(struct row *row, struct recording_ledger *ledger);
/* Columns account, histogram: added to @ledger. */
void row_account(struct row *row, struct recording_ledger *ledger);
/* Columns lowest_ns, requests, the accounts, the CPU samples: added to @ledger. */
void row_cell(struct row *row, struct recording_ledger *ledger);
/* Columns window_ns, windows, requests, squares, peak: added to @ledger; other lengths are skipped.
 */
void row_arrivals(struct row *row, struct recording_ledger *ledger);
/* Columns: id and endpoint, start_ns, total_ns, the accounts, REQUEST_MEMBERS. */
void row_request(struct row *row, struct recording_endpoint *endpoint,
                 struct ktax_request *request);

/* visit.c */

/* What belongs to an interval of an endpoint is looked up by these statements. */
struct ledger_lookup {
	sqlite3_stmt *accounts, *cells; /* parameters: interval, endpoint */
};

int ledger_lookup_prepare(struct ledger_lookup *lookup, sqlite3 *db);
void ledger_lookup_finish(struct ledger_lookup *lookup);
/* All of the ledger that @row goes on with; its first two columns are interval and endpoint. */
int ledger_lookup_run(const struct ledger_lookup *lookup, struct row *row,
                      struct recording_ledger *ledger);

#endif
