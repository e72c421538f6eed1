/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading recordings into one: each file's tables are read from top to bottom (meta, hooks,
 * endpoints, intervals, then ledgers with their histograms and joint tables) and added to what the
 * files before it gave. The key is the endpoint's name.
 */
#include "reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* Far above what ktax writes, far below what would take the host down. */
#define ENDPOINTS_MAX 4096
#define HOOKS_MAX     1024
#define META_MAX      1024

/* An endpoint of one file, and which of the merged ledgers has its requests. */
struct source_endpoint {
	int64_t id;
	struct recording_endpoint endpoint;
	ssize_t ledger; /* index, -1: no requests so far */
};

/* One file while it is read. */
struct source {
	sqlite3 *db;
	struct recording *recording;
	struct source_endpoint *endpoints; /* by id */
	size_t n_endpoints;
	struct recording_hook *hooks;
	size_t n_hooks;
	struct recording_meta *meta;
	size_t n_meta;
	size_t n_intervals;
};

/* Room for one more element of @size bytes behind @n: NULL if there are @max or no memory. */
static void *grow(void *array, size_t n, size_t size, size_t max, int *ret_error)
{
	void *grown = NULL;

	*ret_error = n >= max ? -EBADMSG : -ENOMEM;
	if (n < max)
		grown = reallocarray(array, n + 1, size);
	if (grown)
		*ret_error = 0;
	return grown;
}

static int read_meta(struct row *row, void *context)
{
	struct source *source = context;
	struct recording_meta *grown;
	int error;

	grown = grow(source->meta, source->n_meta, sizeof(*grown), META_MAX, &error);
	if (!grown)
		return error;
	source->meta = grown;
	grown += source->n_meta++;
	grown->key = row_strdup(row);
	grown->value = row_strdup(row);
	return 0;
}

static int read_hook(struct row *row, void *context)
{
	struct source *source = context;
	struct recording_hook *grown;
	int error;

	grown = grow(source->hooks, source->n_hooks, sizeof(*grown), HOOKS_MAX, &error);
	if (!grown)
		return error;
	source->hooks = grown;
	grown += source->n_hooks++;
	row_string(row, grown->boundary, sizeof(grown->boundary));
	row_string(row, grown->account, sizeof(grown->account));
	row_string(row, grown->program, sizeof(grown->program));
	row_string(row, grown->why, sizeof(grown->why));
	grown->run_ns = row_u64(row);
	grown->runs = row_u64(row);
	return 0;
}

static int read_endpoint(struct row *row, void *context)
{
	struct source *source = context;
	struct source_endpoint *grown;
	int error;

	grown = grow(source->endpoints, source->n_endpoints, sizeof(*grown), ENDPOINTS_MAX, &error);
	if (!grown)
		return error;
	source->endpoints = grown;
	grown += source->n_endpoints++;
	grown->id = sqlite3_column_int64(row->statement, row->n++);
	grown->ledger = -1;
	row_endpoint(row, &grown->endpoint);
	return 0;
}

static int read_interval(struct row *row, void *context)
{
	struct source *source = context;
	struct recording *recording = source->recording;
	struct recording_interval interval, *sum = &recording->sum;

	row_interval(row, &interval);
	if (row->error)
		return row->error;
	if (!recording->n_intervals || interval.start_realtime_ns < sum->start_realtime_ns)
		sum->start_realtime_ns = interval.start_realtime_ns;
	recording->n_intervals++;
	source->n_intervals++;
	return interval_add(sum, &interval);
}

static int compare_id(const void *key, const void *element)
{
	int64_t id = *(const int64_t *)key;
	const struct source_endpoint *entry = element;

	return id < entry->id ? -1 : id > entry->id;
}

static struct source_endpoint *row_source_endpoint(struct row *row, const struct source *source)
{
	int64_t id = sqlite3_column_int64(row->statement, row->n++);
	struct source_endpoint *entry = NULL;

	if (source->n_endpoints)
		entry = bsearch(&id, source->endpoints, source->n_endpoints, sizeof(*entry),
		                compare_id);
	if (!entry && !row->error)
		row->error = -EBADMSG;
	return entry;
}

/* What differs between the files merged is not known of the whole. */
static void merge_endpoint(struct recording_endpoint *into, const struct recording_endpoint *from)
{
	if (into->pid != from->pid)
		into->pid = 0;
	if (strcmp(into->comm, from->comm))
		into->comm[0] = 0;
}

static ssize_t find_ledger(const struct recording *recording, const char *name)
{
	for (size_t i = 0; i < recording->n_ledgers; i++)
		if (!strcmp(recording->ledgers[i].endpoint.name, name))
			return (ssize_t)i;
	return -1;
}

/* Gives the file's endpoint its ledger, if need be a new one. */
static int assign_ledger(struct recording *recording, struct source_endpoint *entry)
{
	struct recording_ledger *grown;
	ssize_t found = find_ledger(recording, entry->endpoint.name);
	int error;

	if (found >= 0) {
		merge_endpoint(&recording->ledgers[found].endpoint, &entry->endpoint);
		entry->ledger = found;
		return 0;
	}
	grown = grow(recording->ledgers, recording->n_ledgers, sizeof(*grown), ENDPOINTS_MAX,
	             &error);
	if (!grown)
		return error;
	recording->ledgers = grown;
	error = ledger_init(&grown[recording->n_ledgers], &entry->endpoint);
	if (!error)
		entry->ledger = (ssize_t)recording->n_ledgers++;
	return error;
}

static int read_ledger(struct row *row, void *context)
{
	struct source *source = context;
	struct source_endpoint *entry = row_source_endpoint(row, source);
	int error = row->error;

	if (!error && entry->ledger < 0)
		error = assign_ledger(source->recording, entry);
	if (!error)
		row_ledger(row, &source->recording->ledgers[entry->ledger]);
	return error;
}

/* The ledger that the row's endpoint has by now, or NULL. */
static struct recording_ledger *row_known_ledger(struct row *row, const struct source *source)
{
	const struct source_endpoint *entry = row_source_endpoint(row, source);

	if (entry && entry->ledger >= 0)
		return &source->recording->ledgers[entry->ledger];
	row->error = -EBADMSG;
	return NULL;
}

static int read_account(struct row *row, void *context)
{
	struct recording_ledger *ledger = row_known_ledger(row, context);

	if (ledger)
		row_account(row, ledger);
	return row->error;
}

static int read_cell(struct row *row, void *context)
{
	struct recording_ledger *ledger = row_known_ledger(row, context);

	if (ledger)
		row_cell(row, ledger);
	return row->error;
}

/* An endpoint without a ledger has answered nothing: its arrivals say nothing either. */
static int read_arrivals_row(struct row *row, void *context)
{
	const struct source *source = context;
	const struct source_endpoint *entry = row_source_endpoint(row, source);

	if (entry && entry->ledger >= 0)
		row_arrivals(row, &source->recording->ledgers[entry->ledger]);
	return row->error;
}

/* @sql is taken over. */
static int read_table(struct source *source, char *sql, row_function each)
{
	int error = sql ? query(source->db, sql, each, source) : -ENOMEM;

	sqlite3_free(sql);
	return error;
}

static int read_intervals(struct source *source)
{
	return read_table(source,
	                  interval_query(source->db, "SELECT start_realtime_ns%s FROM interval"),
	                  read_interval);
}

static int read_ledgers(struct source *source)
{
	return read_table(source,
	                  ledger_query(source->db, "SELECT endpoint%s, max_ns, total, floor_tuned, "
	                                           "floor_bypass FROM ledger"),
	                  read_ledger);
}

static int read_joint(struct source *source)
{
	return read_table(source,
	                  account_query(source->db, "joint",
	                                "SELECT endpoint, lowest_ns, requests%s, cpu_samples_user, "
	                                "cpu_samples_kernel FROM joint"),
	                  read_cell);
}

static int read_row_count(struct row *row, void *context)
{
	*(uint64_t *)context = row_u64(row);
	return row->error;
}

/* A table that recordings of an earlier ktax lack. */
static int read_arrivals(struct source *source)
{
	uint64_t tables = 0;
	int error = query(source->db,
	                  "SELECT count(*) FROM sqlite_schema "
	                  "WHERE type = 'table' AND name = 'arrivals' AND rootpage > 0",
	                  read_row_count, &tables);

	if (error || !tables)
		return error;
	return query(source->db,
	             "SELECT endpoint, window_ns, windows, requests, squares, peak FROM arrivals",
	             read_arrivals_row, source);
}

struct table {
	const char *sql;
	row_function each;
};

static int query_tables(struct source *source, const struct table *tables, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && !error; i++)
		error = query(source->db, tables[i].sql, tables[i].each, source);
	return error;
}

/* What holds for all of the file. */
static int read_facts(struct source *source)
{
	static const struct table tables[] = {
		{ "SELECT key, value FROM meta ORDER BY key", read_meta },
		{ "SELECT boundary, account, program, why, run_ns, runs FROM hook ORDER BY rowid",
		  read_hook },
	};
	int error = query_tables(source, tables, sizeof(tables) / sizeof(tables[0]));

	if (!error)
		error = read_intervals(source);
	return error;
}

static int read_tables(struct source *source)
{
	static const struct table tables[] = {
		{ "SELECT id, name, pid, comm FROM endpoint ORDER BY id", read_endpoint },
	};
	int error = read_facts(source);

	if (!error)
		error = query_tables(source, tables, sizeof(tables) / sizeof(tables[0]));
	if (!error)
		error = read_ledgers(source);
	if (!error)
		error = query(source->db,
		              "SELECT endpoint, account, histogram FROM account_histogram",
		              read_account, source);
	if (!error)
		error = read_joint(source);
	if (!error)
		error = read_arrivals(source);
	if (!error && !source->n_intervals)
		error = -ENODATA;
	return error;
}

static const char *find_meta(const struct recording_meta *meta, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(meta[i].key, key))
			return meta[i].value;
	return NULL;
}

static bool same_meta(const struct source *source, const char *key)
{
	const char *first = recording_meta(source->recording, key);
	const char *value = find_meta(source->meta, source->n_meta, key);

	return first && value ? !strcmp(first, value) : first == value;
}

static void free_meta(struct recording_meta *meta, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(meta[i].key);
		free(meta[i].value);
	}
	free(meta);
}

/* The first file's meta is the recording's; others only tell whether they are of the same host. */
static void merge_meta(struct source *source)
{
	static const char *const host_keys[] = { "hostname", "kernel", "cpu_model", "cpus" };
	struct recording *recording = source->recording;
	const char *complete = find_meta(source->meta, source->n_meta, "complete");

	recording->complete &= complete && !strcmp(complete, "1");
	if (!recording->meta) {
		recording->meta = source->meta;
		recording->n_meta = source->n_meta;
		source->meta = NULL;
		source->n_meta = 0;
		return;
	}
	for (size_t i = 0; i < sizeof(host_keys) / sizeof(host_keys[0]); i++)
		recording->same_host &= same_meta(source, host_keys[i]);
}

static struct recording_hook *find_hook(struct recording_hook *hooks, size_t n,
                                        const struct recording_hook *like)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(hooks[i].boundary, like->boundary) &&
		    !strcmp(hooks[i].account, like->account) &&
		    !strcmp(hooks[i].program, like->program))
			return &hooks[i];
	return NULL;
}

static int merge_hook(struct recording *recording, const struct recording_hook *hook)
{
	struct recording_hook *into = find_hook(recording->hooks, recording->n_hooks, hook);
	struct recording_hook *grown;
	int error;

	if (into) {
		error = sum_add(&into->run_ns, hook->run_ns);
		if (!into->why[0])
			strcpy(into->why, hook->why);
		return error ? error : sum_add(&into->runs, hook->runs);
	}
	grown = grow(recording->hooks, recording->n_hooks, sizeof(*grown), SIZE_MAX, &error);
	if (!grown)
		return error;
	recording->hooks = grown;
	grown[recording->n_hooks++] = *hook;
	return 0;
}

static bool has_all_hooks(struct recording_hook *in, size_t n, const struct recording_hook *of,
                          size_t n_of)
{
	for (size_t i = 0; i < n_of; i++)
		if (!find_hook(in, n, &of[i]))
			return false;
	return true;
}

static int merge_hooks(struct source *source)
{
	struct recording *recording = source->recording;
	int error = 0;

	/* n_sources counts the files before this one. */
	if (recording->n_sources &&
	    (!has_all_hooks(recording->hooks, recording->n_hooks, source->hooks, source->n_hooks) ||
	     !has_all_hooks(source->hooks, source->n_hooks, recording->hooks, recording->n_hooks)))
		recording->same_hooks = false;
	for (size_t i = 0; i < source->n_hooks && !error; i++)
		error = merge_hook(recording, &source->hooks[i]);
	return error;
}

static void close_source(struct source *source)
{
	sqlite3_close(source->db);
	free(source->endpoints);
	free(source->hooks);
	free_meta(source->meta, source->n_meta);
}

static int read_source(struct recording *recording, const char *path,
                       int (*read)(struct source *source))
{
	struct source source = { .recording = recording };
	int error = reader_open(path, &source.db);

	if (!error)
		error = read(&source);
	if (!error)
		error = merge_hooks(&source);
	if (!error) {
		merge_meta(&source);
		recording->sources[recording->n_sources] = strdup(path);
		error = recording->sources[recording->n_sources] ? 0 : -ENOMEM;
	}
	if (!error)
		recording->n_sources++;
	close_source(&source);
	return error;
}

static int by_requests(const void *a, const void *b)
{
	const struct recording_ledger *left = a, *right = b;

	if (left->requests != right->requests)
		return left->requests > right->requests ? -1 : 1;
	return strcmp(left->endpoint.name, right->endpoint.name);
}

static struct recording *new_recording(size_t n_paths)
{
	struct recording *recording = calloc(1, sizeof(*recording));

	if (!recording)
		return NULL;
	recording->complete = recording->same_hooks = recording->same_host = true;
	recording->sources = calloc(n_paths + 1, sizeof(*recording->sources));
	if (recording->sources)
		return recording;
	free(recording);
	return NULL;
}

int facts_read(sqlite3 *db, struct recording **ret_recording)
{
	struct recording *recording = new_recording(0);
	struct source source = { .db = db, .recording = recording };
	int error = recording ? read_facts(&source) : -ENOMEM;

	if (!error)
		error = merge_hooks(&source);
	if (!error)
		merge_meta(&source);
	source.db = NULL;
	close_source(&source);
	if (error)
		recording_free(recording);
	else
		*ret_recording = recording;
	return error;
}

int recording_read_facts(const char *path, struct recording **ret_recording)
{
	struct recording *recording = new_recording(1);
	int error = recording ? read_source(recording, path, read_facts) : -ENOMEM;

	if (error)
		recording_free(recording);
	else
		*ret_recording = recording;
	return error;
}

int recording_read(const char *const *paths, size_t n_paths, struct recording **ret_recording,
                   size_t *ret_failed)
{
	struct recording *recording = new_recording(n_paths);
	size_t i = 0;
	int error = -ENOMEM;

	if (recording) {
		error = n_paths ? 0 : -ENODATA;
		while (i < n_paths && !(error = read_source(recording, paths[i], read_tables)))
			i++;
	}
	if (error) {
		recording_free(recording);
		if (ret_failed)
			*ret_failed = i;
		return error;
	}
	for (i = 0; i < recording->n_ledgers; i++)
		ledger_restore_max(&recording->ledgers[i]);
	if (recording->n_ledgers)
		qsort(recording->ledgers, recording->n_ledgers, sizeof(*recording->ledgers),
		      by_requests);
	*ret_recording = recording;
	return 0;
}

void recording_free(struct recording *recording)
{
	if (!recording)
		return;
	for (size_t i = 0; i < recording->n_sources; i++)
		free(recording->sources[i]);
	for (size_t i = 0; i < recording->n_ledgers; i++)
		ledger_destroy(&recording->ledgers[i]);
	free_meta(recording->meta, recording->n_meta);
	free(recording->sources);
	free(recording->hooks);
	free(recording->ledgers);
	free(recording);
}

const char *recording_meta(const struct recording *recording, const char *key)
{
	return find_meta(recording->meta, recording->n_meta, key);
}
