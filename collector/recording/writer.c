/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writing a recording, so that whatever the recorder dies of, finished intervals are readable.
 *
 * Journal. A recording is nearly append-only: SQLite's rollback journal then holds the few old
 * pages that a commit changes (the header, the last leaf of each table), while WAL would write
 * every page twice and leave the newest intervals in a second file, which copying the recording
 * forgets and an unprivileged reader cannot index. Hence journal_mode=DELETE: between commits the
 * one file is all there is. synchronous=NORMAL: two fsync()s a commit. A killed process loses
 * nothing by it, a power cut at worst the file system's last moments.
 *
 * Staging. Between begin and commit everything goes to temporary tables in memory, and commit moves
 * them to the file at once: the journal exists (a kill would leave one that needs rescue.c, a
 * reader would wait) for the move only, not for the much longer encoding of histograms.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How long to wait for other processes that are reading the file. */
#define BUSY_TIMEOUT_MS 5000

#define NS_PER_S 1000000000LL

enum statement {
	SET_META,
	ADD_HOOK,
	ADD_ENDPOINT,
	STAGE_INTERVAL,
	STAGE_LEDGER,
	STAGE_ACCOUNT,
	STAGE_JOINT,
	STAGE_ARRIVALS,
	STAGE_REQUEST,
	N_STATEMENTS
};

static const char *const statement_sql[N_STATEMENTS] = {
	[SET_META] = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
	[ADD_HOOK] = "INSERT INTO hook (boundary, account, program, why, run_ns, runs) "
		     "VALUES (?, ?, ?, ?, ?, ?)",
	[ADD_ENDPOINT] = "INSERT OR REPLACE INTO endpoint (id, name, pid, comm) "
			 "VALUES (?, ?, ?, ?)",
	[STAGE_INTERVAL] = "INSERT INTO staged_interval "
			   "(id, start_realtime_ns" INTERVAL_COLUMNS ") "
			   "VALUES (?, ?" INTERVAL_PARAMETERS ")",
	[STAGE_LEDGER] = "INSERT INTO staged_ledger (interval, endpoint" LEDGER_COLUMNS
			 ", max_ns, total, floor_tuned, floor_bypass) "
			 "VALUES (?, ?" LEDGER_PARAMETERS ", ?, ?, ?, ?)",
	[STAGE_ACCOUNT] = "INSERT INTO staged_account_histogram "
			  "(interval, endpoint, account, histogram) VALUES (?, ?, ?, ?)",
	[STAGE_JOINT] =
		"INSERT INTO staged_joint (interval, endpoint, lowest_ns, requests" ACCOUNT_COLUMNS
		", cpu_samples_user, cpu_samples_kernel) "
		"VALUES (?, ?, ?, ?" ACCOUNT_PARAMETERS ", ?, ?)",
	[STAGE_ARRIVALS] = "INSERT INTO staged_arrivals "
			   "(interval, endpoint, window_ns, windows, requests, squares, peak) "
			   "VALUES (?, ?, ?, ?, ?, ?, ?)",
	[STAGE_REQUEST] =
		"INSERT INTO staged_request (interval, endpoint, start_ns, total_ns" ACCOUNT_COLUMNS
			REQUEST_COLUMNS ") "
		"VALUES (?, ?, ?, ?" ACCOUNT_PARAMETERS REQUEST_PARAMETERS ")",
};

#define STAGED_TABLES(X) X(interval) X(ledger) X(account_histogram) X(joint) X(arrivals) X(request)

struct writer_endpoint {
	struct recording_endpoint endpoint;
	bool stored; /* as it stands here, by a committed transaction */
};

struct recording_writer {
	sqlite3 *db;
	int lock_fd;
	sqlite3_stmt *statements[N_STATEMENTS];
	struct histogram scratch;
	struct writer_endpoint *endpoints; /* id: index + 1 */
	size_t n_endpoints;
	int64_t interval; /* id of the last one committed */
	bool in_interval;
};

/* ---- Statements -------------------------------------------------------------------------- */

/* Binds a statement's parameters from left to right. The first error stays. */
struct binder {
	sqlite3 *db;
	sqlite3_stmt *statement;
	int n;
	int error;
};

static struct binder bind_start(struct recording_writer *writer, enum statement which)
{
	return (struct binder){ .db = writer->db, .statement = writer->statements[which] };
}

static void bind_check(struct binder *binder, int rc)
{
	if (!binder->error)
		binder->error = sql_errno(binder->db, rc);
}

static void bind_u64(struct binder *binder, uint64_t value)
{
	if (value > INT64_MAX && !binder->error)
		binder->error = -ERANGE;
	bind_check(binder, sqlite3_bind_int64(binder->statement, ++binder->n, (int64_t)value));
}

static void bind_text(struct binder *binder, const char *text)
{
	bind_check(binder,
	           sqlite3_bind_text(binder->statement, ++binder->n, text, -1, SQLITE_TRANSIENT));
}

static void bind_histogram(struct binder *binder, const struct histogram *histogram)
{
	uint8_t *bytes;
	size_t length;
	int error = histogram_encode_compressed(histogram, &bytes, &length);

	if (error) {
		binder->error = binder->error ? binder->error : error;
		return;
	}
	bind_check(binder,
	           sqlite3_bind_blob64(binder->statement, ++binder->n, bytes, length, free));
}

static void bind_accounts(struct binder *binder, const __u64 account_ns[KTAX_NACCOUNTS])
{
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		bind_u64(binder, account_ns[i]);
}

/* Runs the statement if all could be bound, and makes it ready for the next use. */
static int bind_run(struct binder *binder)
{
	if (!binder->error) {
		int rc = sqlite3_step(binder->statement);

		binder->error = sql_errno(binder->db, rc);
	}
	sqlite3_reset(binder->statement);
	sqlite3_clear_bindings(binder->statement);
	return binder->error;
}

static int prepare_statements(struct recording_writer *writer)
{
	int rc = SQLITE_OK;

	for (int i = 0; i < N_STATEMENTS && !rc; i++)
		rc = sqlite3_prepare_v3(writer->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
		                        &writer->statements[i], NULL);
	return sql_errno(writer->db, rc);
}

/* ---- Creation ---------------------------------------------------------------------------- */

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int set_meta_number(struct recording_writer *writer, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)value);
	return recording_set_meta(writer, key, text);
}

static int set_first_meta(struct recording_writer *writer)
{
	char created[32];
	time_t now = time(NULL);
	struct tm utc;
	int error;

	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	error = recording_set_meta(writer, "created", created);
	if (!error)
		error = recording_set_meta(writer, "ktax_version", KTAX_VERSION);
	if (!error)
		error = recording_set_meta(writer, "complete", "0");
	if (!error)
		error = set_meta_number(writer, "schema", RECORDING_SCHEMA_VERSION);
	if (!error)
		error = set_meta_number(writer, "boot_time_ns",
		                        clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
	return error;
}

/* @path NULL: in memory. */
static int open_database(struct recording_writer *writer, const char *path)
{
	int error;

	if (path)
		return sql_open(path, SQLITE_OPEN_READWRITE, &writer->db);
	error = sql_errno(NULL, sqlite3_open(":memory:", &writer->db));
	return error ? error : create_schema(writer->db);
}

static int open_writer(struct recording_writer *writer, const char *path)
{
	/* No spilling: a full cache would start the journal before the commit's own writing. */
	static const char settings[] = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = NORMAL;"
				       "PRAGMA temp_store = MEMORY; PRAGMA cache_spill = OFF;"
#define X(table) "CREATE TEMP TABLE staged_" #table " AS SELECT * FROM " #table " WHERE 0;"
		STAGED_TABLES(X)
#undef X
			"BEGIN";
	int error = open_database(writer, path);

	if (error)
		return error;
	sqlite3_busy_timeout(writer->db, BUSY_TIMEOUT_MS);
	error = sql_exec(writer->db, settings);
	if (!error)
		error = prepare_statements(writer);
	if (!error)
		error = set_first_meta(writer);
	return error ? error : sql_exec(writer->db, "COMMIT");
}

static int new_writer(struct recording_writer **ret_writer)
{
	struct recording_writer *writer = calloc(1, sizeof(*writer));
	int error;

	if (!writer)
		return -ENOMEM;
	writer->lock_fd = -1;
	error = histogram_init(&writer->scratch, RECORDING_HIGHEST_NS, RECORDING_DIGITS);
	if (error)
		free(writer);
	else
		*ret_writer = writer;
	return error;
}

int recording_create_in_memory(struct recording_writer **ret_writer)
{
	struct recording_writer *writer;
	int error = new_writer(&writer);

	if (error)
		return error;
	error = open_writer(writer, NULL);
	if (error)
		recording_abandon(writer);
	else
		*ret_writer = writer;
	return error;
}

int recording_create(const char *path, bool overwrite, struct recording_writer **ret_writer)
{
	struct recording_writer *writer;
	int error = new_writer(&writer);

	if (error)
		return error;
	error = create_file(path, overwrite, &writer->lock_fd);
	if (error) {
		recording_abandon(writer);
		return error;
	}
	error = open_writer(writer, path);
	if (error) {
		recording_abandon(writer);
		unlink(path);
		return error;
	}
	*ret_writer = writer;
	return 0;
}

/* ---- Meta, hooks, endpoints -------------------------------------------------------------- */

/* Rolls the interval back if @error; either way it is what the caller returns. */
static int check_interval(struct recording_writer *writer, int error)
{
	if (!error || !writer->in_interval)
		return error;
	writer->in_interval = false;
	/* Some errors make SQLite roll back by itself. */
	if (!sqlite3_get_autocommit(writer->db))
		sql_exec(writer->db, "ROLLBACK");
	return error;
}

int recording_set_meta(struct recording_writer *writer, const char *key, const char *value)
{
	struct binder binder = bind_start(writer, SET_META);

	bind_text(&binder, key);
	bind_text(&binder, value);
	return check_interval(writer, bind_run(&binder));
}

static int add_hook(struct recording_writer *writer, const struct recording_hook *hook)
{
	struct binder binder = bind_start(writer, ADD_HOOK);

	bind_text(&binder, hook->boundary);
	bind_text(&binder, hook->account);
	bind_text(&binder, hook->program);
	bind_text(&binder, hook->why);
	bind_u64(&binder, hook->run_ns);
	bind_u64(&binder, hook->runs);
	return bind_run(&binder);
}

int recording_set_hooks(struct recording_writer *writer, const struct recording_hook *hooks,
                        size_t n_hooks)
{
	/* A savepoint: all or nothing, inside an interval's transaction as well as outside. */
	int error = sql_exec(writer->db, "SAVEPOINT hooks; DELETE FROM hook");

	for (size_t i = 0; i < n_hooks && !error; i++)
		error = add_hook(writer, &hooks[i]);
	if (!error)
		error = sql_exec(writer->db, "RELEASE hooks");
	if (error && !sqlite3_get_autocommit(writer->db))
		sql_exec(writer->db, "ROLLBACK TO hooks; RELEASE hooks");
	return check_interval(writer, error);
}

static struct writer_endpoint *find_endpoint(struct recording_writer *writer, const char *name)
{
	for (size_t i = 0; i < writer->n_endpoints; i++)
		if (!strcmp(writer->endpoints[i].endpoint.name, name))
			return &writer->endpoints[i];
	return NULL;
}

static struct writer_endpoint *append_endpoint(struct recording_writer *writer)
{
	size_t n = writer->n_endpoints;
	struct writer_endpoint *grown = realloc(writer->endpoints, (n + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	writer->endpoints = grown;
	writer->n_endpoints++;
	return &grown[n];
}

/* Endpoints go to the file with the next interval, and so cannot get lost with a failed one. */
int recording_add_endpoint(struct recording_writer *writer,
                           const struct recording_endpoint *endpoint, int64_t *ret_id)
{
	struct writer_endpoint new = { .endpoint = *endpoint }, *entry;

	if (!memchr(endpoint->name, 0, sizeof(endpoint->name)) || !endpoint->name[0] ||
	    endpoint->pid < 0)
		return -EINVAL;
	new.endpoint.comm[sizeof(new.endpoint.comm) - 1] = 0;
	text_clean(new.endpoint.name);
	text_clean(new.endpoint.comm);
	entry = find_endpoint(writer, new.endpoint.name);
	if (!entry)
		entry = append_endpoint(writer);
	if (!entry)
		return -ENOMEM;
	*entry = new;
	*ret_id = entry - writer->endpoints + 1;
	return 0;
}

static int store_endpoints(struct recording_writer *writer)
{
	int error = 0;

	for (size_t i = 0; i < writer->n_endpoints && !error; i++) {
		const struct recording_endpoint *endpoint = &writer->endpoints[i].endpoint;
		struct binder binder = bind_start(writer, ADD_ENDPOINT);

		if (writer->endpoints[i].stored)
			continue;
		bind_u64(&binder, i + 1);
		bind_text(&binder, endpoint->name);
		bind_u64(&binder, (uint64_t)endpoint->pid);
		bind_text(&binder, endpoint->comm);
		error = bind_run(&binder);
	}
	return error;
}

/* ---- Intervals --------------------------------------------------------------------------- */

static bool is_endpoint(const struct recording_writer *writer, int64_t id)
{
	return id > 0 && (uint64_t)id <= writer->n_endpoints;
}

int recording_begin(struct recording_writer *writer, const struct recording_interval *interval)
{
	struct binder binder = bind_start(writer, STAGE_INTERVAL);
	int error;

	if (writer->in_interval)
		return -EINVAL;
	error = sql_exec(writer->db, "BEGIN");
	if (error)
		return error;
	writer->in_interval = true;
	bind_u64(&binder, (uint64_t)writer->interval + 1);
	bind_u64(&binder, interval->start_realtime_ns);
#define X(member) bind_u64(&binder, interval->member);
	INTERVAL_SUMS(X)
#undef X
	return check_interval(writer, bind_run(&binder));
}

/* Binds a kernel-side histogram as a recorded one. */
static void bind_buckets(struct recording_writer *writer, struct binder *binder,
                         const __u32 buckets[KTAX_HIST_BUCKETS], uint64_t max_ns, bool has_max)
{
	int error;

	histogram_reset(&writer->scratch);
	error = histogram_fold(&writer->scratch, buckets, max_ns, has_max);
	if (error && !binder->error)
		binder->error = error;
	bind_histogram(binder, &writer->scratch);
}

static int stage_ledger(struct recording_writer *writer, int64_t endpoint_id,
                        const struct ktax_aggregate *delta)
{
	struct binder binder = bind_start(writer, STAGE_LEDGER);

	bind_u64(&binder, (uint64_t)writer->interval + 1);
	bind_u64(&binder, (uint64_t)endpoint_id);
#define X(member) bind_u64(&binder, delta->member);
	LEDGER_SUMS(X)
#undef X
	bind_u64(&binder, delta->max_ns);
	bind_buckets(writer, &binder, delta->total, delta->max_ns, true);
	bind_buckets(writer, &binder, delta->floor_tuned, delta->max_ns, false);
	bind_buckets(writer, &binder, delta->floor_bypass, delta->max_ns, false);
	return bind_run(&binder);
}

static bool is_all_zero(const __u32 buckets[KTAX_HIST_BUCKETS])
{
	for (uint32_t i = 0; i < KTAX_HIST_BUCKETS; i++)
		if (buckets[i])
			return false;
	return true;
}

static int stage_accounts(struct recording_writer *writer, int64_t endpoint_id,
                          const struct ktax_aggregate *delta)
{
	int error = 0;

	for (int i = 0; i < KTAX_NACCOUNTS && !error; i++) {
		struct binder binder = bind_start(writer, STAGE_ACCOUNT);

		if (is_all_zero(delta->account[i]))
			continue;
		bind_u64(&binder, (uint64_t)writer->interval + 1);
		bind_u64(&binder, (uint64_t)endpoint_id);
		bind_text(&binder, ktax_account_info[i].name);
		bind_buckets(writer, &binder, delta->account[i], delta->max_ns, false);
		error = bind_run(&binder);
	}
	return error;
}

static int stage_cell(struct recording_writer *writer, int64_t endpoint_id, uint32_t index,
                      const struct ktax_joint_cell *cell)
{
	struct binder binder = bind_start(writer, STAGE_JOINT);

	bind_u64(&binder, (uint64_t)writer->interval + 1);
	bind_u64(&binder, (uint64_t)endpoint_id);
	bind_u64(&binder, ktax_hist_lowest(index, KTAX_JOINT_MAGNITUDE));
	bind_u64(&binder, cell->requests);
	bind_accounts(&binder, cell->sum_ns);
	bind_u64(&binder, cell->cpu_samples_user);
	bind_u64(&binder, cell->cpu_samples_kernel);
	return bind_run(&binder);
}

static int stage_joint(struct recording_writer *writer, int64_t endpoint_id,
                       const struct ktax_aggregate *delta)
{
	static const struct ktax_joint_cell empty;
	int error = 0;

	for (uint32_t i = 0; i < KTAX_JOINT_CELLS && !error; i++)
		if (memcmp(&delta->joint[i], &empty, sizeof(empty)))
			error = stage_cell(writer, endpoint_id, i, &delta->joint[i]);
	return error;
}

int recording_add_ledger(struct recording_writer *writer, int64_t endpoint_id,
                         const struct ktax_aggregate *delta)
{
	int error;

	if (!writer->in_interval)
		return -EINVAL;
	error = is_endpoint(writer, endpoint_id) ? 0 : -EINVAL;
	if (!error)
		error = stage_ledger(writer, endpoint_id, delta);
	if (!error)
		error = stage_accounts(writer, endpoint_id, delta);
	if (!error)
		error = stage_joint(writer, endpoint_id, delta);
	return check_interval(writer, error);
}

static int stage_arrivals(struct recording_writer *writer, int64_t endpoint_id, uint64_t window_ns,
                          const struct recording_arrivals *arrivals)
{
	struct binder binder = bind_start(writer, STAGE_ARRIVALS);

	bind_u64(&binder, (uint64_t)writer->interval + 1);
	bind_u64(&binder, (uint64_t)endpoint_id);
	bind_u64(&binder, window_ns);
	bind_u64(&binder, arrivals->windows);
	bind_u64(&binder, arrivals->requests);
	bind_u64(&binder, arrivals->squares);
	bind_u64(&binder, arrivals->peak);
	return bind_run(&binder);
}

int recording_add_arrivals(struct recording_writer *writer, int64_t endpoint_id,
                           const struct recording_arrivals arrivals[RECORDING_ARRIVAL_WINDOWS])
{
	int error;

	if (!writer->in_interval)
		return -EINVAL;
	error = is_endpoint(writer, endpoint_id) ? 0 : -EINVAL;
	for (int i = 0; i < RECORDING_ARRIVAL_WINDOWS && !error; i++)
		if (arrivals[i].windows)
			error = stage_arrivals(writer, endpoint_id, recording_arrival_window_ns[i],
			                       &arrivals[i]);
	return check_interval(writer, error);
}

static int stage_request(struct recording_writer *writer, int64_t endpoint_id,
                         const struct ktax_request *request)
{
	struct binder binder = bind_start(writer, STAGE_REQUEST);

	bind_u64(&binder, (uint64_t)writer->interval + 1);
	bind_u64(&binder, (uint64_t)endpoint_id);
	bind_u64(&binder, request->start_ns);
	bind_u64(&binder, request->total_ns);
	bind_accounts(&binder, request->account_ns);
#define X(member, highest) bind_u64(&binder, request->member);
	REQUEST_MEMBERS(X)
#undef X
	return bind_run(&binder);
}

int recording_add_requests(struct recording_writer *writer, int64_t endpoint_id,
                           const struct ktax_request *requests, size_t n_requests)
{
	int error;

	if (!writer->in_interval)
		return -EINVAL;
	error = is_endpoint(writer, endpoint_id) ? 0 : -EINVAL;
	for (size_t i = 0; i < n_requests && !error; i++)
		error = stage_request(writer, endpoint_id, &requests[i]);
	return check_interval(writer, error);
}

/* Moves what is staged to the file: from here to the end of commit, the journal exists. */
static int store_staged(struct recording_writer *writer)
{
	static const char move[] =
#define X(table)                                                                                   \
	"INSERT INTO " #table " SELECT * FROM staged_" #table ";"                                  \
	"DELETE FROM staged_" #table ";"
		STAGED_TABLES(X)
#undef X
			"COMMIT";
	int error = store_endpoints(writer);

	return error ? error : sql_exec(writer->db, move);
}

int recording_commit(struct recording_writer *writer)
{
	int error;

	if (!writer->in_interval)
		return -EINVAL;
	error = check_interval(writer, store_staged(writer));
	if (error)
		return error;
	writer->in_interval = false;
	writer->interval++;
	for (size_t i = 0; i < writer->n_endpoints; i++)
		writer->endpoints[i].stored = true;
	return 0;
}

void recording_discard(struct recording_writer *writer)
{
	check_interval(writer, -ECANCELED);
}

/* ---- Facts ------------------------------------------------------------------------------- */

int recording_facts(struct recording_writer *writer, struct recording **ret_facts)
{
	return facts_read(writer->db, ret_facts);
}

static bool is_of_file(const char *key)
{
	static const char *const keys[] = { "created", "complete", "boot_time_ns" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

int recording_copy_facts(struct recording_writer *to, struct recording_writer *from)
{
	struct recording *facts;
	int error = recording_facts(from, &facts);

	if (error)
		return error;
	for (size_t i = 0; i < facts->n_meta && !error; i++)
		if (!is_of_file(facts->meta[i].key))
			error = recording_set_meta(to, facts->meta[i].key, facts->meta[i].value);
	if (!error)
		error = recording_set_hooks(to, facts->hooks, facts->n_hooks);
	recording_free(facts);
	return error;
}

/* ---- End --------------------------------------------------------------------------------- */

int recording_finish(struct recording_writer *writer)
{
	int error;

	if (!writer)
		return 0;
	/* An interval that was begun and not committed is not part of the recording. */
	recording_discard(writer);
	error = recording_set_meta(writer, "complete", "1");
	recording_abandon(writer);
	return error;
}

void recording_abandon(struct recording_writer *writer)
{
	if (!writer)
		return;
	for (int i = 0; i < N_STATEMENTS; i++)
		sqlite3_finalize(writer->statements[i]);
	sqlite3_close(writer->db);
	/* Only now: closing any descriptor of a file drops the locks that SQLite has on it. */
	if (writer->lock_fd >= 0)
		close(writer->lock_fd);
	histogram_destroy(&writer->scratch);
	free(writer->endpoints);
	free(writer);
}
