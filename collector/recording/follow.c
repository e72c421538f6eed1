// SPDX-License-Identifier: GPL-2.0
/*
 * Reading a recording on, some intervals at a time, without holding it open: a reader that stays in
 * a transaction would keep the recorder from committing.
 *
 * Requests are stored in the order of their intervals, so those of the next intervals are the next
 * rows; the first one beyond them ends the query.
 */
#include "reader.h"

#include <errno.h>
#include <stdlib.h>

#include "tail.h"

struct follow {
	sqlite3 *db;
	struct recording_position *position;
	uint64_t first, end; /* intervals that are read, end excluded */
	struct ledger_lookup lookup;
	struct recording_ledger *ledger;
	struct recording_slice **slices; /* by interval - first; NULL: the file lacks it */
	uint64_t last;                   /* highest interval found, 0: none */
};

/* The slice of interval @id, or NULL. */
static struct recording_slice *slice_of(const struct follow *follow, uint64_t id)
{
	return id >= follow->first && id < follow->end ? follow->slices[id - follow->first] : NULL;
}

/* Columns: id, start_realtime_ns, INTERVAL_SUMS. */
static int read_interval(struct row *row, void *context)
{
	struct follow *follow = context;
	struct recording_interval interval = { 0 };
	uint64_t id = row_u64(row);

	row_interval(row, &interval);
	if (row->error || id < follow->first || id >= follow->end)
		return row->error ? row->error : -EBADMSG;
	follow->last = id;
	return recording_slice_create(&interval, &follow->slices[id - follow->first]);
}

/* Columns: interval and endpoint id, name, pid, comm, the ledger. */
static int read_ledger(struct row *row, void *context)
{
	struct follow *follow = context;
	struct recording_endpoint endpoint = { 0 };
	struct recording_slice *slice = slice_of(follow, row_u64(row));
	int error;

	row->n = 2;
	row_endpoint(row, &endpoint);
	if (row->error || !slice)
		return row->error ? row->error : -EBADMSG;
	error = ledger_init(follow->ledger, &endpoint);
	if (error)
		return error;
	error = ledger_lookup_run(&follow->lookup, row, follow->ledger);
	if (!error)
		error = recording_slice_add_ledger(slice, follow->ledger);
	ledger_destroy(follow->ledger);
	return error;
}

#define BEYOND 1 /* a request of a later interval: not an error */

/* Columns: id, interval, then those of row_request(). */
static int read_request(struct row *row, void *context)
{
	struct follow *follow = context;
	struct recording_endpoint endpoint = { 0 };
	struct ktax_request request = { 0 };
	uint64_t id = row_u64(row), interval = row_u64(row);
	struct recording_slice *slice = slice_of(follow, interval);

	if (!row->error && interval >= follow->end)
		return BEYOND;
	row_request(row, &endpoint, &request);
	if (row->error)
		return row->error;
	follow->position->request = id;
	return slice ? recording_slice_add_request(slice, &endpoint, &request) : 0;
}

/* @sql is taken over; its parameters are the intervals' first and end, or the request to go on at.
 */
static int query_range(struct follow *follow, char *sql, uint64_t from, uint64_t end,
                       row_function each)
{
	sqlite3_stmt *statement = NULL;
	int rc, error;

	if (!sql)
		return -ENOMEM;
	rc = sqlite3_prepare_v2(follow->db, sql, -1, &statement, NULL);
	sqlite3_free(sql);
	if (rc)
		return prepare_errno(follow->db, rc);
	sqlite3_bind_int64(statement, 1, (int64_t)from);
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite3_bind_int64(statement, 2, (int64_t)end);
	error = for_each_row(follow->db, statement, each, follow);
	sqlite3_finalize(statement);
	return error;
}

static int read_range(struct follow *follow)
{
	int error = query_range(follow,
	                        interval_query(follow->db,
	                                       "SELECT id, start_realtime_ns%s FROM interval "
	                                       "WHERE id >= ? AND id < ? ORDER BY id"),
	                        follow->first, follow->end, read_interval);

	if (error || !follow->last)
		return error;
	follow->end = follow->last + 1;
	error = ledger_lookup_prepare(&follow->lookup, follow->db);
	if (!error)
		error = query_range(
			follow,
			ledger_query(
				follow->db,
				"SELECT l.interval, e.id, e.name, e.pid, e.comm%s, max_ns, total, "
				"floor_tuned, floor_bypass FROM ledger l JOIN endpoint e "
				"ON e.id = l.endpoint WHERE l.interval >= ? AND l.interval < ? "
				"ORDER BY l.interval, e.id"),
			follow->first, follow->end, read_ledger);
	if (!error)
		error = query_range(
			follow,
			account_query(follow->db, "request",
		                      "SELECT r.id, r.interval, e.id, e.name, e.pid, e.comm, "
		                      "start_ns, total_ns%s" REQUEST_COLUMNS " FROM request r "
		                      "JOIN endpoint e ON e.id = r.endpoint "
		                      "WHERE r.id > ? ORDER BY r.id"),
			follow->position->request, 0, read_request);
	return error == BEYOND ? 0 : error;
}

/* Hands over what was read; what is not taken is freed. */
static int hand_over(struct follow *follow, size_t n, int error,
                     int (*take)(struct recording_slice *slice, void *context), void *context)
{
	for (size_t i = 0; i < n; i++) {
		struct recording_slice *slice = follow->slices[i];

		if (error) {
			recording_slice_free(slice);
		} else if (slice) {
			recording_slice_finish(slice);
			follow->position->interval = follow->first + i;
			error = take(slice, context);
		}
	}
	return error;
}

int recording_read_on(const char *path, struct recording_position *position, size_t n_intervals,
                      int (*take)(struct recording_slice *slice, void *context), void *context)
{
	struct follow follow = { .position = position,
		                 .first = position->interval + 1,
		                 .end = position->interval + 1 + n_intervals };
	int error = reader_open(path, &follow.db);

	if (error)
		return error;
	follow.ledger = malloc(sizeof(*follow.ledger));
	follow.slices = calloc(n_intervals + 1, sizeof(struct recording_slice *));
	error = follow.ledger && follow.slices ? read_range(&follow) : -ENOMEM;
	if (follow.slices)
		error = hand_over(&follow, n_intervals, error, take, context);
	ledger_lookup_finish(&follow.lookup);
	free(follow.ledger);
	free(follow.slices);
	sqlite3_close(follow.db);
	return error;
}
