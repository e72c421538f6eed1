/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rows of a recording, checked: every value for its type and range, every sum for overflow. What
 * does not fit is -EBADMSG. SQLite keeps no checksums, so a flipped bit inside of a number shows
 * only where it breaks one of these checks.
 */
#include "reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint64_t row_number(struct row *row, uint64_t highest)
{
	sqlite3_int64 value = sqlite3_column_int64(row->statement, row->n);

	if (sqlite3_column_type(row->statement, row->n++) != SQLITE_INTEGER ||
	    (uint64_t)value > highest) {
		row->error = row->error ? row->error : -EBADMSG;
		return 0;
	}
	return (uint64_t)value;
}

uint64_t row_u64(struct row *row)
{
	return row_number(row, INT64_MAX);
}

/* The text in SQLite's memory, or "" if it is none or longer than @bytes_max. */
static const char *row_text(struct row *row, size_t bytes_max)
{
	int n = row->n++;
	const char *text = NULL;

	if (sqlite3_column_type(row->statement, n) == SQLITE_TEXT)
		text = (const char *)sqlite3_column_text(row->statement, n);
	if (!text || (size_t)sqlite3_column_bytes(row->statement, n) > bytes_max ||
	    strlen(text) != (size_t)sqlite3_column_bytes(row->statement, n)) {
		row->error = row->error ? row->error : -EBADMSG;
		return "";
	}
	return text;
}

void row_string(struct row *row, char *into, size_t size)
{
	strcpy(into, row_text(row, size - 1));
	text_clean(into);
}

char *row_strdup(struct row *row)
{
	char *copy = strdup(row_text(row, VALUE_BYTES_MAX));

	if (copy)
		text_clean(copy);
	else
		row->error = -ENOMEM;
	return copy;
}

static int decode(const void *bytes, int length, struct histogram *ret_histogram)
{
	struct histogram decoded;
	int error = bytes ? histogram_decode(bytes, (size_t)length, &decoded) : -EINVAL;

	if (error)
		return error == -ENOMEM ? error : -EBADMSG;
	/* One layout for all, or they could not be merged. */
	if (decoded.digits != RECORDING_DIGITS || decoded.highest != RECORDING_HIGHEST_NS) {
		histogram_destroy(&decoded);
		return -EBADMSG;
	}
	*ret_histogram = decoded;
	return 0;
}

static void row_histogram(struct row *row, struct histogram *into)
{
	int n = row->n++, error = -EBADMSG;
	struct histogram histogram;

	if (row->error)
		return;
	if (sqlite3_column_type(row->statement, n) == SQLITE_BLOB)
		error = decode(sqlite3_column_blob(row->statement, n),
		               sqlite3_column_bytes(row->statement, n), &histogram);
	if (!error) {
		error = histogram_merge(into, &histogram) ? -EBADMSG : 0;
		histogram_destroy(&histogram);
	}
	row->error = error;
}

/* @sum + the next column. */
static uint64_t row_sum(struct row *row, uint64_t sum)
{
	int error = sum_add(&sum, row_u64(row));

	if (error && !row->error)
		row->error = error;
	return sum;
}

/* ---- What the tables hold --------------------------------------------------------------- */

void row_endpoint(struct row *row, struct recording_endpoint *endpoint)
{
	row_string(row, endpoint->name, sizeof(endpoint->name));
	endpoint->pid = (int32_t)row_number(row, INT32_MAX);
	row_string(row, endpoint->comm, sizeof(endpoint->comm));
}

void row_interval(struct row *row, struct recording_interval *interval)
{
	interval->start_realtime_ns = row_u64(row);
#define X(member) interval->member = row_u64(row);
	INTERVAL_SUMS(X)
#undef X
}

void row_ledger(struct row *row, struct recording_ledger *ledger)
{
	uint64_t max_ns;

#define X(member) ledger->member = row_sum(row, ledger->member);
	LEDGER_SUMS(X)
#undef X
	max_ns = row_u64(row);
	if (max_ns > ledger->max_ns)
		ledger->max_ns = max_ns;
	row_histogram(row, &ledger->total);
	row_histogram(row, &ledger->floor_tuned);
	row_histogram(row, &ledger->floor_bypass);
}

void row_account(struct row *row, struct recording_ledger *ledger)
{
	int account = ktax_account_by_name(row_text(row, VALUE_BYTES_MAX));

	if (account >= 0)
		row_histogram(row, &ledger->account[account]);
	else
		row->error = -EBADMSG;
}

void row_cell(struct row *row, struct recording_ledger *ledger)
{
	uint64_t lowest_ns = row_number(row, (1ULL << KTAX_VALUE_BITS) - 1);
	uint32_t index = ktax_hist_index(lowest_ns, KTAX_JOINT_MAGNITUDE);
	struct ktax_joint_cell *cell = &ledger->joint[index];

	if (ktax_hist_lowest(index, KTAX_JOINT_MAGNITUDE) != lowest_ns)
		row->error = -EBADMSG;
	cell->requests = row_sum(row, cell->requests);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		cell->sum_ns[i] = row_sum(row, cell->sum_ns[i]);
	cell->cpu_samples_user = row_sum(row, cell->cpu_samples_user);
	cell->cpu_samples_kernel = row_sum(row, cell->cpu_samples_kernel);
}

void row_arrivals(struct row *row, struct recording_ledger *ledger)
{
	uint64_t window_ns = row_u64(row), peak;
	struct recording_arrivals *arrivals;
	int i = 0;

	while (i < RECORDING_ARRIVAL_WINDOWS && recording_arrival_window_ns[i] != window_ns)
		i++;
	if (i == RECORDING_ARRIVAL_WINDOWS) /* of a later ktax */
		return;
	arrivals = &ledger->arrivals[i];
	arrivals->windows = row_sum(row, arrivals->windows);
	arrivals->requests = row_sum(row, arrivals->requests);
	arrivals->squares = row_sum(row, arrivals->squares);
	peak = row_u64(row);
	if (peak > arrivals->peak)
		arrivals->peak = peak;
}

void row_request(struct row *row, struct recording_endpoint *endpoint, struct ktax_request *request)
{
	request->endpoint = (uint32_t)row_number(row, UINT32_MAX);
	row_endpoint(row, endpoint);
	request->start_ns = row_u64(row);
	request->total_ns = row_u64(row);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		request->account_ns[i] = row_u64(row);
#define X(member, highest) request->member = row_number(row, highest);
	REQUEST_MEMBERS(X)
#undef X
}

/* ---- Queries ---------------------------------------------------------------------------- */

int for_each_row(sqlite3 *db, sqlite3_stmt *statement, row_function each, void *context)
{
	int rc;

	while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
		struct row row = { .statement = statement };
		int error = each(&row, context);

		if (!error)
			error = row.error;
		if (error)
			return error;
	}
	return sql_errno(db, rc);
}

int prepare_errno(sqlite3 *db, int rc)
{
	/* A schema that is damaged is SQLITE_CORRUPT, and our statements have no other fault. */
	return rc == SQLITE_ERROR ? -EPROTOTYPE : sql_errno(db, rc);
}

int query(sqlite3 *db, const char *sql, row_function each, void *context)
{
	sqlite3_stmt *statement;
	int rc = sqlite3_prepare_v2(db, sql, -1, &statement, NULL), error;

	if (rc)
		return prepare_errno(db, rc);
	error = for_each_row(db, statement, each, context);
	sqlite3_finalize(statement);
	return error;
}

/* Appends @column, or 0 where @table has none. */
static void append_column(sqlite3_str *text, sqlite3 *db, const char *table, const char *column)
{
	if (sqlite3_table_column_metadata(db, "main", table, column, NULL, NULL, NULL, NULL, NULL))
		sqlite3_str_appendall(text, ", 0");
	else
		sqlite3_str_appendf(text, ", %s", column);
}

/* @format with the columns in @text, which is taken over. */
static char *columns_query(sqlite3_str *text, const char *format)
{
	char *columns = sqlite3_str_finish(text), *sql = NULL;

	if (columns)
		sql = sqlite3_mprintf(format, columns);
	sqlite3_free(columns);
	return sql;
}

char *account_query(sqlite3 *db, const char *table, const char *format)
{
	sqlite3_str *text = sqlite3_str_new(db);

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		char column[32];

		sqlite3_snprintf(sizeof(column), column, "%s_ns", ktax_account_info[i].name);
		append_column(text, db, table, column);
	}
	return columns_query(text, format);
}

char *ledger_query(sqlite3 *db, const char *format)
{
	sqlite3_str *text = sqlite3_str_new(db);

	sqlite3_str_appendall(text, LEDGER_SUMS_FIRST(SQL_COLUMN));
#define X(member) append_column(text, db, "ledger", #member);
	LEDGER_SUMS_LATER(X)
#undef X
	return columns_query(text, format);
}

char *interval_query(sqlite3 *db, const char *format)
{
	sqlite3_str *text = sqlite3_str_new(db);

	sqlite3_str_appendall(text, INTERVAL_SUMS_FIRST(SQL_COLUMN));
#define X(member) append_column(text, db, "interval", #member);
	INTERVAL_SUMS_LATER(X)
#undef X
	return columns_query(text, format);
}
