/* SPDX-License-Identifier: GPL-2.0 */
/* Recordings as they should be; test_recording_damage.c has what can happen to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recording_sample.h"

#define INTERVALS 4

static struct recording *read_one(const char *path)
{
	struct recording *recording;

	assert_int_equal(recording_read(&path, 1, &recording, NULL), 0);
	return recording;
}

static struct recording *read_two(const char *first, const char *second)
{
	const char *paths[] = { first, second };
	struct recording *recording;

	assert_int_equal(recording_read(paths, 2, &recording, NULL), 0);
	return recording;
}

static int error_of(const char *path)
{
	struct recording *recording;
	int error = recording_read(&path, 1, &recording, NULL);

	if (!error)
		recording_free(recording);
	return error;
}

/* The first column of the first row. */
static int64_t sql_number(const char *path, const char *sql)
{
	sqlite3_stmt *statement;
	sqlite3 *db;
	int64_t number;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return number;
}

static void assert_same_histogram(const struct histogram *a, const struct histogram *b)
{
	assert_int_equal(a->total, b->total);
	assert_int_equal(a->max, b->max);
	assert_int_equal(a->length, b->length);
	assert_memory_equal(a->counts, b->counts, a->length * sizeof(*a->counts));
}

static void assert_same_ledger(const struct recording_ledger *a, const struct recording_ledger *b)
{
	assert_string_equal(a->endpoint.name, b->endpoint.name);
	assert_int_equal(a->requests, b->requests);
	assert_int_equal(a->batches, b->batches);
	assert_int_equal(a->batched, b->batched);
	assert_int_equal(a->unbalanced, b->unbalanced);
	assert_int_equal(a->incomplete, b->incomplete);
	assert_int_equal(a->handed_over, b->handed_over);
	assert_int_equal(a->retransmitted, b->retransmitted);
	assert_int_equal(a->loopback, b->loopback);
	assert_int_equal(a->bytes_in, b->bytes_in);
	assert_int_equal(a->bytes_out, b->bytes_out);
	assert_int_equal(a->max_ns, b->max_ns);
	assert_memory_equal(a->joint, b->joint, sizeof(a->joint));
	assert_same_histogram(&a->total, &b->total);
	assert_same_histogram(&a->floor_tuned, &b->floor_tuned);
	assert_same_histogram(&a->floor_bypass, &b->floor_bypass);
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		assert_same_histogram(&a->account[i], &b->account[i]);
}

/* ---- Writing and reading --------------------------------------------------------------------- */

static void test_counters_come_back_as_they_were_written(void **state)
{
	struct sample *sample = malloc(sizeof(*sample));
	const struct recording_ledger *ledger;
	struct recording *recording;

	assert_int_equal(sample_write("x.ktax", 3, 1), 0);
	sample_fill(sample, 3000, SAMPLE_REQUESTS);
	recording = read_one("x.ktax");
	assert_int_equal(recording->n_ledgers, SAMPLE_ENDPOINTS);
	ledger = &recording->ledgers[0];
	assert_string_equal(ledger->endpoint.name, "10.0.0.1:6379/tcp");
	assert_int_equal(ledger->endpoint.pid, 4242);
	assert_string_equal(ledger->endpoint.comm, "redis-server");
	assert_int_equal(ledger->requests, SAMPLE_REQUESTS);
	assert_int_equal(ledger->batches, sample->aggregate.batches);
	assert_int_equal(ledger->batched, sample->aggregate.batched);
	assert_int_equal(ledger->unbalanced, sample->aggregate.unbalanced);
	assert_int_equal(ledger->incomplete, sample->aggregate.incomplete);
	assert_int_equal(ledger->handed_over, sample->aggregate.handed_over);
	assert_int_equal(ledger->retransmitted, sample->aggregate.retransmitted);
	assert_int_equal(ledger->loopback, sample->aggregate.loopback);
	assert_int_equal(ledger->bytes_in, sample->aggregate.bytes_in);
	assert_int_equal(ledger->bytes_out, sample->aggregate.bytes_out);
	assert_int_equal(ledger->max_ns, sample->aggregate.max_ns);
	assert_memory_equal(ledger->joint, sample->aggregate.joint, sizeof(ledger->joint));
	recording_free(recording);
	free(sample);
}

static void test_intervals_add_up_from_the_first_ones_start(void **state)
{
	struct recording *recording;

	assert_int_equal(sample_write("x.ktax", 1, INTERVALS), 0);
	recording = read_one("x.ktax");
	assert_int_equal(recording->n_intervals, INTERVALS);
	assert_int_equal(recording->sum.start_realtime_ns, sample_interval(1).start_realtime_ns);
	assert_int_equal(recording->sum.length_ns, 4000000000);
	assert_int_equal(recording->sum.attached_ns, 1000000010);
	assert_int_equal(recording->sum.lost_ring, 10);
	assert_int_equal(recording->sum.lost_map_full, 20);
	assert_int_equal(recording->sum.missed_stamps, 30);
	assert_int_equal(recording->sum.clock_errors, 40);
	assert_int_equal(recording->sum.reopened, 50);
	assert_int_equal(recording->sum.stepped, 60);
	assert_int_equal(recording->sum.stepped_ns, 70);
	assert_int_equal(recording->sum.probe_ns, 4000010);
	assert_int_equal(recording->sum.probe_runs, 12010);
	assert_int_equal(recording->sum.self_cpu_ns, 8000010);
	recording_free(recording);
}

static void test_meta_and_hooks_come_back(void **state)
{
	struct recording *recording;

	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	recording = read_one("x.ktax");
	assert_string_equal(recording_meta(recording, "hostname"), "web-1");
	assert_string_equal(recording_meta(recording, "schema"), "1");
	assert_string_equal(recording_meta(recording, "complete"), "1");
	assert_non_null(recording_meta(recording, "created"));
	assert_non_null(recording_meta(recording, "boot_time_ns"));
	assert_null(recording_meta(recording, "no such key"));
	assert_true(recording->complete);
	assert_string_equal(recording->sources[0], "x.ktax");
	assert_int_equal(recording->n_hooks, 2);
	assert_string_equal(recording->hooks[0].boundary, "readable");
	assert_string_equal(recording->hooks[0].account, "kernel_rx");
	assert_string_equal(recording->hooks[0].program, "tp_btf/sk_data_ready");
	assert_int_equal(recording->hooks[0].run_ns, 1000);
	assert_int_equal(recording->hooks[0].runs, 10);
	assert_string_equal(recording->hooks[1].why, "no hardware timestamps");
	recording_free(recording);
}

struct request_check {
	size_t n;
	uint64_t last_start_ns;
};

static int check_request(const struct recording_endpoint *endpoint,
                         const struct ktax_request *request, void *context)
{
	struct request_check *check = context;
	uint64_t seed = 2000, sum = 0;

	assert_true(request->start_ns >= check->last_start_ns);
	check->last_start_ns = request->start_ns;
	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		sum += request->account_ns[i];
	assert_int_equal(sum, request->total_ns);
	for (int i = 0; i < 2; i++) {
		struct ktax_request written = sample_request(&seed);

		written.endpoint = 1;
		if (written.start_ns != request->start_ns)
			continue;
		assert_string_equal(endpoint->name, "10.0.0.1:6379/tcp");
		assert_memory_equal(&written, request, sizeof(written));
		check->n++;
	}
	return 0;
}

static void test_sampled_requests_come_back_oldest_first(void **state)
{
	struct request_check check = { 0 };

	assert_int_equal(sample_write("x.ktax", 2, INTERVALS), 0);
	assert_int_equal(recording_for_each_request("x.ktax", check_request, &check), 0);
	assert_int_equal(check.n, 2);
	assert_int_equal(sql_number("x.ktax", "SELECT count(*) FROM request"), 4 * INTERVALS);
}

static int stop_at_third(const struct recording_endpoint *endpoint,
                         const struct ktax_request *request, void *context)
{
	return ++*(int *)context == 3 ? 42 : 0;
}

static void test_a_visit_stops_at_the_first_non_zero_return(void **state)
{
	int visits = 0;

	assert_int_equal(sample_write("x.ktax", 0, 2), 0);
	assert_int_equal(recording_for_each_request("x.ktax", stop_at_third, &visits), 42);
	assert_int_equal(visits, 3);
}

static void test_sums_are_exact_to_the_nanosecond(void **state)
{
	struct sample *sample = malloc(sizeof(*sample));
	uint64_t expected[KTAX_NACCOUNTS] = { 0 }, total = 0, all = 0;
	struct recording *recording;

	assert_int_equal(sample_write("x.ktax", 0, INTERVALS), 0);
	for (unsigned int i = 0; i < INTERVALS; i++) {
		sample_fill(sample, 1000 * i, SAMPLE_REQUESTS);
		total += sample->total_ns;
		for (int a = 0; a < KTAX_NACCOUNTS; a++)
			expected[a] += sample->account_ns[a];
	}
	recording = read_one("x.ktax");
	for (int a = 0; a < KTAX_NACCOUNTS; a++) {
		uint64_t sum = 0;

		for (int c = 0; c < KTAX_JOINT_CELLS; c++)
			sum += recording->ledgers[0].joint[c].sum_ns[a];
		assert_int_equal(sum, expected[a]);
		all += sum;
	}
	assert_int_equal(all, total);
	assert_int_equal(sql_number("x.ktax", "SELECT sum(sum_ns) FROM accounts "
	                                      "WHERE endpoint = '10.0.0.1:6379/tcp'"),
	                 total);
	recording_free(recording);
	free(sample);
}

/* Histograms of one interval whose requests all fall into the bucket of @ns. */
static struct recording *record_bucket(uint64_t ns, unsigned int requests, uint64_t max_ns)
{
	struct ktax_aggregate *delta = calloc(1, sizeof(*delta));
	struct recording_interval interval = sample_interval(0);
	struct recording_writer *writer;
	int64_t id;

	delta->requests = requests;
	delta->max_ns = max_ns;
	delta->total[ktax_hist_index(ns, KTAX_HIST_MAGNITUDE)] = requests;
	delta->floor_bypass[ktax_hist_index(ns, KTAX_HIST_MAGNITUDE)] = requests;
	assert_int_equal(recording_create("bucket.ktax", true, &writer), 0);
	assert_int_equal(recording_add_endpoint(writer, &sample_endpoints[0], &id), 0);
	assert_int_equal(recording_begin(writer, &interval), 0);
	assert_int_equal(recording_add_ledger(writer, id, delta), 0);
	assert_int_equal(recording_commit(writer), 0);
	assert_int_equal(recording_finish(writer), 0);
	free(delta);
	return read_one("bucket.ktax");
}

/* 1 ms lies in the kernel side's bucket 999,424..1,007,615: 8 µs wide, 4 % of 3 digits' bucket. */
#define BUCKET_LOWEST   999424
#define BUCKET_MIDPOINT 1003520

static void test_a_bucket_stands_at_its_midpoint_and_the_slowest_at_its_time(void **state)
{
	struct recording *recording = record_bucket(1000000, 3, 1007000);
	const struct histogram *total = &recording->ledgers[0].total;

	assert_int_equal(ktax_hist_lowest(ktax_hist_index(1000000, KTAX_HIST_MAGNITUDE),
	                                  KTAX_HIST_MAGNITUDE),
	                 BUCKET_LOWEST);
	assert_int_equal(total->total, 3);
	assert_int_equal(total->max, 1007000);
	assert_int_equal(histogram_count_up_to(total, BUCKET_MIDPOINT - 1000), 0);
	assert_int_equal(histogram_count_up_to(total, BUCKET_MIDPOINT), 2);
	/* For the floors, the slowest total is only a bound. */
	assert_int_equal(
		histogram_count_up_to(&recording->ledgers[0].floor_bypass, BUCKET_MIDPOINT), 3);
	recording_free(recording);
}

static void test_no_value_stands_above_the_slowest(void **state)
{
	struct recording *recording = record_bucket(1000000, 3, 1000000);
	const struct recording_ledger *ledger = &recording->ledgers[0];

	assert_int_equal(ledger->total.max, 1000000);
	assert_int_equal(histogram_count_up_to(&ledger->total, 1000000), 3);
	assert_int_equal(histogram_count_up_to(&ledger->floor_bypass, 1000000), 3);
	recording_free(recording);
}

static void test_a_maximum_of_an_earlier_interval_moves_nothing(void **state)
{
	struct recording *recording = record_bucket(1000000, 3, 5000000);

	assert_int_equal(histogram_count_up_to(&recording->ledgers[0].total, BUCKET_MIDPOINT), 3);
	assert_int_equal(recording->ledgers[0].max_ns, 5000000);
	recording_free(recording);
}

static void
test_a_request_longer_than_a_histogram_reaches_is_counted_and_its_time_kept(void **state)
{
	uint64_t last = ktax_hist_lowest(KTAX_HIST_BUCKETS - 1, KTAX_HIST_MAGNITUDE);
	uint64_t two_hours = 7200000000000;
	struct recording *recording = record_bucket(last, 2, two_hours);

	assert_int_equal(recording->ledgers[0].total.total, 2);
	assert_int_equal(recording->ledgers[0].max_ns, two_hours);
	recording_free(recording);
}

/* ---- Merging --------------------------------------------------------------------------------- */

static void test_merging_two_recordings_equals_recording_their_sum(void **state)
{
	struct recording *merged, *whole;

	assert_int_equal(sample_write("a.ktax", 0, 2), 0);
	assert_int_equal(sample_write("b.ktax", 2, 3), 0);
	assert_int_equal(sample_write("whole.ktax", 0, 5), 0);
	merged = read_two("b.ktax", "a.ktax");
	whole = read_one("whole.ktax");
	assert_int_equal(merged->n_sources, 2);
	assert_int_equal(merged->n_intervals, 5);
	assert_memory_equal(&merged->sum, &whole->sum, sizeof(merged->sum));
	assert_int_equal(merged->n_ledgers, whole->n_ledgers);
	for (size_t i = 0; i < whole->n_ledgers; i++)
		assert_same_ledger(&merged->ledgers[i], &whole->ledgers[i]);
	assert_true(merged->same_host);
	assert_true(merged->same_hooks);
	assert_true(merged->complete);
	assert_int_equal(merged->n_hooks, 2);
	assert_int_equal(merged->hooks[0].runs, 20);
	recording_free(merged);
	recording_free(whole);
}

static void test_merging_tells_what_it_mixed(void **state)
{
	struct recording *merged;

	assert_int_equal(sample_write("a.ktax", 0, 1), 0);
	assert_int_equal(sample_write("b.ktax", 1, 1), 0);
	sample_sql("b.ktax", "UPDATE meta SET value = 'web-2' WHERE key = 'hostname';"
	                     "UPDATE meta SET value = '0' WHERE key = 'complete';"
	                     "UPDATE hook SET program = 'fentry/tcp_recvmsg' WHERE runs > 0;"
	                     "UPDATE endpoint SET pid = 1 WHERE id = 1;"
	                     "UPDATE endpoint SET comm = 'caddy' WHERE id = 2");
	merged = read_two("a.ktax", "b.ktax");
	assert_false(merged->same_host);
	assert_false(merged->same_hooks);
	assert_false(merged->complete);
	assert_int_equal(merged->n_hooks, 3);
	assert_string_equal(recording_meta(merged, "hostname"), "web-1");
	assert_int_equal(merged->ledgers[0].endpoint.pid, 0);
	assert_string_equal(merged->ledgers[0].endpoint.comm, "redis-server");
	assert_int_equal(merged->ledgers[1].endpoint.pid, 77);
	assert_string_equal(merged->ledgers[1].endpoint.comm, "");
	recording_free(merged);
}

static void test_ledgers_come_by_number_of_requests(void **state)
{
	struct recording *recording;

	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	sample_sql("x.ktax", "UPDATE ledger SET requests = 1000 WHERE endpoint = 2");
	recording = read_one("x.ktax");
	assert_string_equal(recording->ledgers[0].endpoint.name, "[::]:80/tcp");
	assert_int_equal(recording->ledgers[0].requests, 1000);
	recording_free(recording);
}

static void test_the_recording_at_fault_is_named(void **state)
{
	const char *paths[] = { "x.ktax", "x.ktax", "missing.ktax" };
	struct recording *recording;
	size_t failed = 99;

	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	assert_int_equal(recording_read(paths, 3, &recording, &failed), -ENOENT);
	assert_int_equal(failed, 2);
}

struct interval_sum {
	size_t n;
	uint64_t requests, last_start_ns;
	struct histogram total, copy_rx;
};

static int sum_interval(const struct recording_interval *interval,
                        const struct recording_ledger *ledger, void *context)
{
	struct interval_sum *sum = context;

	assert_true(interval->start_realtime_ns >= sum->last_start_ns);
	sum->last_start_ns = interval->start_realtime_ns;
	sum->n++;
	if (strcmp(ledger->endpoint.name, sample_endpoints[1].name))
		return 0;
	sum->requests += ledger->requests;
	assert_int_equal(ledger->total.max, ledger->max_ns);
	assert_int_equal(histogram_merge(&sum->total, &ledger->total), 0);
	return histogram_merge(&sum->copy_rx, &ledger->account[KTAX_COPY_RX]);
}

static void test_intervals_one_by_one_are_the_whole(void **state)
{
	struct interval_sum sum = { 0 };
	struct recording *recording;

	assert_int_equal(histogram_init(&sum.total, HISTOGRAM_HIGHEST_DEFAULT_NS, 3), 0);
	assert_int_equal(histogram_init(&sum.copy_rx, HISTOGRAM_HIGHEST_DEFAULT_NS, 3), 0);
	assert_int_equal(sample_write("x.ktax", 0, INTERVALS), 0);
	recording = read_one("x.ktax");
	assert_int_equal(recording_for_each_interval("x.ktax", sum_interval, &sum), 0);
	assert_int_equal(sum.n, INTERVALS * SAMPLE_ENDPOINTS);
	assert_int_equal(sum.requests, recording->ledgers[1].requests);
	assert_same_histogram(&sum.total, &recording->ledgers[1].total);
	assert_same_histogram(&sum.copy_rx, &recording->ledgers[1].account[KTAX_COPY_RX]);
	histogram_destroy(&sum.total);
	histogram_destroy(&sum.copy_rx);
	recording_free(recording);
}

/* ---- Schema ---------------------------------------------------------------------------------- */

static void assert_account_columns(const char *table, const char *other_ns_columns)
{
	char *sql = sqlite3_mprintf("SELECT count(*) FROM pragma_table_info(%Q) WHERE name LIKE "
	                            "'%%\\_ns' ESCAPE '\\' AND name NOT IN (%s)",
	                            table, other_ns_columns);

	assert_int_equal(sql_number("x.ktax", sql), KTAX_NACCOUNTS);
	sqlite3_free(sql);
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		sql = sqlite3_mprintf(
			"SELECT count(*) FROM pragma_table_info(%Q) WHERE name = '%s_ns'", table,
			ktax_account_info[i].name);
		if (sql_number("x.ktax", sql) != 1)
			fail_msg("%s has no column %s_ns", table, ktax_account_info[i].name);
		sqlite3_free(sql);
	}
}

static void test_every_account_has_its_column_and_no_column_lacks_its_account(void **state)
{
	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	assert_account_columns("joint", "'lowest_ns'");
	assert_account_columns("request", "'start_ns', 'total_ns'");
	assert_account_columns("cells", "'lowest_ns'");
	assert_account_columns("requests", "'total_ns'");
}

static void test_the_view_accounts_lists_every_account_in_order(void **state)
{
	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		char *sql = sqlite3_mprintf(
			"SELECT count(*) FROM account_sums s WHERE account = '%s' AND position = %d "
			"AND sum_ns = (SELECT sum(%s_ns) FROM joint j WHERE j.endpoint = s.endpoint)",
			ktax_account_info[i].name, i, ktax_account_info[i].name);

		if (sql_number("x.ktax", sql) != SAMPLE_ENDPOINTS)
			fail_msg("view account_sums: %s", ktax_account_info[i].name);
		sqlite3_free(sql);
	}
	assert_int_equal(sql_number("x.ktax", "SELECT count(*) FROM accounts"),
	                 KTAX_NACCOUNTS * SAMPLE_ENDPOINTS);
}

static void test_the_view_requests_names_every_flag(void **state)
{
	static const struct {
		enum ktax_request_flag flag;
		const char *name;
	} flags[] = {
		{ KTAX_REQUEST_BATCH, "batch" },
		{ KTAX_REQUEST_INCOMPLETE, "incomplete" },
		{ KTAX_REQUEST_HANDED_OVER, "handed_over" },
		{ KTAX_REQUEST_ASYNC, "async" },
		{ KTAX_REQUEST_RETRANSMITTED, "retransmitted" },
		{ KTAX_REQUEST_UNBALANCED, "unbalanced" },
		{ KTAX_REQUEST_PARTIAL_READ, "partial_read" },
		{ KTAX_REQUEST_NIC_STAMP, "nic_stamp" },
		{ KTAX_REQUEST_LOOPBACK, "loopback" },
	};

	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		char *sql = sqlite3_mprintf("UPDATE request SET flags = %d", flags[i].flag);

		sample_sql("x.ktax", sql);
		sqlite3_free(sql);
		sql = sqlite3_mprintf("SELECT count(*) FROM requests WHERE flags = %Q",
		                      flags[i].name);
		assert_int_equal(sql_number("x.ktax", sql), 4);
		sqlite3_free(sql);
	}
}

static void test_the_file_carries_its_identity_and_its_documentation(void **state)
{
	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	assert_int_equal(sql_number("x.ktax", "PRAGMA application_id"), RECORDING_APPLICATION_ID);
	assert_int_equal(sql_number("x.ktax", "PRAGMA user_version"), RECORDING_SCHEMA_VERSION);
	assert_int_equal(sql_number("x.ktax", "SELECT count(*) FROM sqlite_schema WHERE name = "
	                                      "'meta' AND sql LIKE '%boot_time_ns%'"),
	                 1);
}

static void test_an_account_that_an_older_ktax_did_not_know_reads_as_zero(void **state)
{
	struct recording *recording;

	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	sample_sql("x.ktax", "DROP VIEW accounts; DROP VIEW endpoints; DROP VIEW account_sums;"
	                     "DROP VIEW cells; DROP VIEW requests;"
	                     "ALTER TABLE joint DROP COLUMN cwnd_ns");
	recording = read_one("x.ktax");
	for (int c = 0; c < KTAX_JOINT_CELLS; c++)
		assert_int_equal(recording->ledgers[0].joint[c].sum_ns[KTAX_CWND], 0);
	assert_int_equal(recording->ledgers[0].requests, SAMPLE_REQUESTS);
	recording_free(recording);
}

static int add_visited(const struct recording_interval *interval,
                       const struct recording_ledger *ledger, void *context)
{
	struct recording_interval *sum = context;

	(void)ledger;
	sum->stepped += interval->stepped;
	sum->reopened += interval->reopened;
	return 0;
}

static void test_a_figure_of_intervals_that_an_older_ktax_did_not_know_reads_as_zero(void **state)
{
	struct recording_interval visited = {};
	struct recording *recording;

	assert_int_equal(sample_write("x.ktax", 1, 2), 0);
	sample_sql("x.ktax", "ALTER TABLE interval DROP COLUMN stepped");
	recording = read_one("x.ktax");
	assert_int_equal(recording->sum.stepped, 0);
	assert_int_equal(recording->sum.stepped_ns, 21);
	assert_int_equal(recording->sum.reopened, 15);
	recording_free(recording);
	assert_int_equal(recording_for_each_interval("x.ktax", add_visited, &visited), 0);
	assert_int_equal(visited.stepped, 0);
	assert_true(visited.reopened >= 15);
}

/* ---- Creating -------------------------------------------------------------------------------- */

static const struct recording_arrivals sample_arrivals[RECORDING_ARRIVAL_WINDOWS] = {
	[0] = { 1000, 2500, 8000, 9 },
	[9] = { 1, 2500, 6250000, 2500 },
};

static void write_arrivals(const char *path, unsigned int n)
{
	struct recording_writer *writer;
	struct sample sample;
	int64_t id;

	sample_fill(&sample, 1, 10);
	assert_int_equal(recording_create(path, true, &writer), 0);
	assert_int_equal(recording_add_endpoint(writer, &sample_endpoints[0], &id), 0);
	for (unsigned int i = 0; i < n; i++) {
		struct recording_interval interval = sample_interval(i);

		assert_int_equal(recording_begin(writer, &interval), 0);
		assert_int_equal(recording_add_ledger(writer, id, &sample.aggregate), 0);
		assert_int_equal(recording_add_arrivals(writer, id, sample_arrivals), 0);
		assert_int_equal(recording_commit(writer), 0);
	}
	assert_int_equal(recording_finish(writer), 0);
}

static void test_arrivals_add_up_and_an_older_ktax_had_none(void **state)
{
	const char *const path = "x.ktax";
	struct recording *recording;

	(void)state;
	write_arrivals(path, 3);
	assert_int_equal(recording_read(&path, 1, &recording, NULL), 0);
	assert_int_equal(recording->ledgers[0].arrivals[0].windows, 3000);
	assert_int_equal(recording->ledgers[0].arrivals[0].squares, 24000);
	assert_int_equal(recording->ledgers[0].arrivals[9].peak, 2500);
	assert_int_equal(recording->ledgers[0].arrivals[5].windows, 0);
	recording_free(recording);
	assert_int_equal(sql_number(path, "SELECT count(*) FROM arrivals"), 6);
	sample_sql(path, "INSERT INTO arrivals VALUES (1, 1, 777, 1, 1, 1, 1)");
	assert_int_equal(recording_read(&path, 1, &recording, NULL), 0);
	assert_int_equal(recording->ledgers[0].arrivals[0].windows, 3000);
	recording_free(recording);
	sample_sql(path, "UPDATE arrivals SET squares = -1");
	assert_int_equal(recording_read(&path, 1, &recording, NULL), -EBADMSG);
	sample_sql(path, "DROP TABLE arrivals");
	assert_int_equal(recording_read(&path, 1, &recording, NULL), 0);
	assert_int_equal(recording->ledgers[0].arrivals[0].windows, 0);
	recording_free(recording);
}

static void test_an_existing_file_is_kept_unless_asked_otherwise(void **state)
{
	struct recording_writer *writer;
	struct recording *recording;

	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	assert_int_equal(recording_create("x.ktax", false, &writer), -EEXIST);
	recording = read_one("x.ktax");
	recording_free(recording);
	assert_int_equal(recording_create("x.ktax", true, &writer), 0);
	assert_int_equal(recording_finish(writer), 0);
	assert_int_equal(error_of("x.ktax"), -ENODATA);
}

static void test_a_recording_in_progress_is_not_overwritten(void **state)
{
	struct recording_writer *first, *second;

	assert_int_equal(recording_create("x.ktax", false, &first), 0);
	assert_int_equal(recording_create("x.ktax", true, &second), -EBUSY);
	assert_int_equal(sample_add_interval(first, 0), 0);
	assert_int_equal(recording_finish(first), 0);
	assert_int_equal(error_of("x.ktax"), 0);
}

static void test_what_is_not_a_file_is_not_replaced_by_one(void **state)
{
	struct recording_writer *writer;

	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(recording_create("folder", true, &writer), -EISDIR);
	assert_int_equal(recording_create("pipe", true, &writer), -EINVAL);
	assert_int_equal(recording_create("missing/x.ktax", true, &writer), -ENOENT);
	assert_int_equal(recording_create("pipe/x.ktax", true, &writer), -ENOTDIR);
}

static int create_in_closed_folder(void)
{
	struct recording_writer *writer;

	return -recording_create("closed/x.ktax", false, &writer);
}

static void test_a_folder_without_permission_gives_eacces(void **state)
{
	assert_int_equal(mkdir("closed", 0555), 0);
	assert_int_equal(sample_run_unprivileged(create_in_closed_folder), EACCES);
}

static void test_a_path_means_a_file_whatever_it_begins_with(void **state)
{
	struct stat status;

	assert_int_equal(sample_write("file:x.ktax?mode=memory", 0, 1), 0);
	assert_int_equal(stat("file:x.ktax?mode=memory", &status), 0);
	assert_int_equal(error_of("file:x.ktax?mode=memory"), 0);
	assert_int_equal(sample_write(":memory:", 0, 1), 0);
	assert_int_equal(error_of(":memory:"), 0);
}

static void test_through_sudo_the_file_belongs_to_the_user(void **state)
{
	struct recording_writer *writer;
	struct stat status;

	if (geteuid() != 0) {
		print_message("SKIP: only root can give files away\n");
		skip();
	}
	setenv("SUDO_UID", "1234", 1);
	setenv("SUDO_GID", "2345", 1);
	assert_int_equal(recording_create("x.ktax", false, &writer), 0);
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	recording_abandon(writer);
	assert_int_equal(stat("x.ktax", &status), 0);
	assert_int_equal(status.st_uid, 1234);
	assert_int_equal(status.st_gid, 2345);
}

/* ---- Errors while writing -------------------------------------------------------------------- */

static void test_calls_out_of_order_are_refused(void **state)
{
	struct recording_interval interval = sample_interval(0);
	struct ktax_aggregate *delta = calloc(1, sizeof(*delta));
	struct recording_endpoint nameless = { 0 };
	struct recording_writer *writer;
	int64_t id;

	assert_int_equal(recording_create("x.ktax", false, &writer), 0);
	assert_int_equal(recording_commit(writer), -EINVAL);
	assert_int_equal(recording_add_ledger(writer, 1, delta), -EINVAL);
	assert_int_equal(recording_add_endpoint(writer, &nameless, &id), -EINVAL);
	assert_int_equal(recording_begin(writer, &interval), 0);
	assert_int_equal(recording_begin(writer, &interval), -EINVAL);
	assert_int_equal(recording_add_ledger(writer, 1, delta), -EINVAL); /* no such endpoint */
	assert_int_equal(recording_finish(writer), 0);
	assert_int_equal(recording_finish(NULL), 0);
	recording_abandon(NULL);
	free(delta);
}

static void test_an_interval_that_failed_leaves_no_trace_and_the_next_one_counts(void **state)
{
	struct sample *sample = malloc(sizeof(*sample));
	struct recording_interval interval = sample_interval(7);
	struct recording_writer *writer;
	struct recording *recording;
	int64_t id;

	sample_fill(sample, 1, 10);
	sample->aggregate.bytes_in = UINT64_MAX;
	assert_int_equal(recording_create("x.ktax", false, &writer), 0);
	assert_int_equal(sample_add_interval(writer, 0), 0);
	assert_int_equal(recording_begin(writer, &interval), 0);
	assert_int_equal(recording_add_endpoint(writer, &sample_endpoints[0], &id), 0);
	assert_int_equal(recording_add_ledger(writer, id, &sample->aggregate), -ERANGE);
	assert_int_equal(sample_add_interval(writer, 1), 0);
	assert_int_equal(recording_finish(writer), 0);
	recording = read_one("x.ktax");
	assert_int_equal(recording->n_intervals, 2);
	assert_int_equal(recording->sum.lost_ring, 1);
	assert_int_equal(recording->ledgers[0].requests, 2 * SAMPLE_REQUESTS);
	assert_int_equal(sql_number("x.ktax", "SELECT max(id) FROM interval"), 2);
	recording_free(recording);
	free(sample);
}

static void test_an_endpoint_keeps_its_id_and_takes_a_new_owner(void **state)
{
	struct recording_endpoint restarted = sample_endpoints[0];
	struct recording_writer *writer;
	int64_t id, again;

	restarted.pid = 9999;
	assert_int_equal(recording_create("x.ktax", false, &writer), 0);
	assert_int_equal(sample_add_interval(writer, 0), 0);
	assert_int_equal(recording_add_endpoint(writer, &sample_endpoints[0], &id), 0);
	assert_int_equal(recording_add_endpoint(writer, &restarted, &again), 0);
	assert_int_equal(id, again);
	assert_int_equal(recording_begin(writer, &(struct recording_interval){ 0 }), 0);
	assert_int_equal(recording_commit(writer), 0);
	assert_int_equal(recording_finish(writer), 0);
	assert_int_equal(sql_number("x.ktax", "SELECT pid FROM endpoint WHERE id = 1"), 9999);
	assert_int_equal(sql_number("x.ktax", "SELECT count(*) FROM endpoint"), 2);
}

static void test_a_file_that_another_keeps_locked_is_busy_and_then_goes_on(void **state)
{
	struct recording_writer *writer;
	sqlite3 *other;

	assert_int_equal(recording_create("x.ktax", false, &writer), 0);
	assert_int_equal(sample_add_interval(writer, 0), 0);
	assert_int_equal(sqlite3_open("x.ktax", &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN; SELECT * FROM meta", NULL, NULL, NULL), 0);
	assert_int_equal(sample_add_interval(writer, 1), -EBUSY);
	sqlite3_close(other);
	assert_int_equal(sample_add_interval(writer, 1), 0);
	assert_int_equal(recording_finish(writer), 0);
	assert_int_equal(sql_number("x.ktax", "SELECT count(*) FROM interval"), 2);
}

static void test_a_file_that_was_deleted_meanwhile_is_stale(void **state)
{
	struct recording_writer *writer;

	assert_int_equal(recording_create("x.ktax", false, &writer), 0);
	assert_int_equal(sample_add_interval(writer, 0), 0);
	assert_int_equal(unlink("x.ktax"), 0);
	assert_int_equal(sample_add_interval(writer, 1), -ESTALE);
	recording_abandon(writer);
}

static void test_a_recording_in_progress_reads_up_to_its_last_interval(void **state)
{
	struct recording_writer *writer;
	struct recording *recording;

	assert_int_equal(recording_create("x.ktax", false, &writer), 0);
	assert_int_equal(error_of("x.ktax"), -ENODATA);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(sample_add_interval(writer, i), 0);
		recording = read_one("x.ktax");
		assert_int_equal(recording->n_intervals, i + 1);
		assert_int_equal(recording->ledgers[0].requests, (i + 1) * SAMPLE_REQUESTS);
		assert_false(recording->complete);
		recording_free(recording);
	}
	assert_int_equal(recording_finish(writer), 0);
}

/* ---- Documentation --------------------------------------------------------------------------- */

/* Runs one command line in a shell; its first line of output must not be empty. */
static void run_example(const char *command)
{
	char line[256] = "";
	FILE *output = popen(command, "r");

	assert_non_null(output);
	if (!fgets(line, sizeof(line), output) || line[0] == '\n')
		fail_msg("no output: %s", command);
	while (fgets(line, sizeof(line), output))
		;
	if (pclose(output))
		fail_msg("failed: %s", command);
}

/* Adds @line to @command and runs it once its quote is closed. Returns 1 for a command run. */
static int take_line(char *command, size_t size, const char *line)
{
	const char *first = strchr(command[0] ? command : line, '\'');

	if (!command[0] && strncmp(line, "sqlite3 ", 8))
		return 0;
	assert_true(strlen(command) + strlen(line) < size);
	strcat(command, line);
	first = strchr(command, '\'');
	if (!first || !strchr(first + 1, '\''))
		return 0;
	run_example(command);
	command[0] = 0;
	return 1;
}

static void test_the_documented_examples_run(void **state)
{
	FILE *document = fopen(KTAX_SOURCE_DIR "/docs/recording.md", "r");
	char line[512], command[4096] = "";
	bool in_code = false;
	int examples = 0;

	assert_non_null(document);
	if (system("command -v sqlite3 >/dev/null")) {
		fclose(document);
		print_message("SKIP: no sqlite3 command\n");
		skip();
	}
	assert_int_equal(sample_write("x.ktax", 0, INTERVALS), 0);
	while (fgets(line, sizeof(line), document)) {
		if (!strncmp(line, "```", 3))
			in_code = !in_code;
		else if (in_code)
			examples += take_line(command, sizeof(command), line);
	}
	fclose(document);
	assert_string_equal(command, "");
	assert_true(examples >= 6);
}

#define TEST(function)                                                                             \
	cmocka_unit_test_setup_teardown(function, sample_enter_folder, sample_leave_folder)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_counters_come_back_as_they_were_written),
		TEST(test_intervals_add_up_from_the_first_ones_start),
		TEST(test_meta_and_hooks_come_back),
		TEST(test_sampled_requests_come_back_oldest_first),
		TEST(test_a_visit_stops_at_the_first_non_zero_return),
		TEST(test_sums_are_exact_to_the_nanosecond),
		TEST(test_a_bucket_stands_at_its_midpoint_and_the_slowest_at_its_time),
		TEST(test_no_value_stands_above_the_slowest),
		TEST(test_a_maximum_of_an_earlier_interval_moves_nothing),
		TEST(test_a_request_longer_than_a_histogram_reaches_is_counted_and_its_time_kept),
		TEST(test_merging_two_recordings_equals_recording_their_sum),
		TEST(test_merging_tells_what_it_mixed),
		TEST(test_ledgers_come_by_number_of_requests),
		TEST(test_the_recording_at_fault_is_named),
		TEST(test_intervals_one_by_one_are_the_whole),
		TEST(test_every_account_has_its_column_and_no_column_lacks_its_account),
		TEST(test_the_view_accounts_lists_every_account_in_order),
		TEST(test_the_view_requests_names_every_flag),
		TEST(test_the_file_carries_its_identity_and_its_documentation),
		TEST(test_an_account_that_an_older_ktax_did_not_know_reads_as_zero),
		TEST(test_a_figure_of_intervals_that_an_older_ktax_did_not_know_reads_as_zero),
		TEST(test_arrivals_add_up_and_an_older_ktax_had_none),
		TEST(test_an_existing_file_is_kept_unless_asked_otherwise),
		TEST(test_a_recording_in_progress_is_not_overwritten),
		TEST(test_what_is_not_a_file_is_not_replaced_by_one),
		TEST(test_a_folder_without_permission_gives_eacces),
		TEST(test_a_path_means_a_file_whatever_it_begins_with),
		TEST(test_through_sudo_the_file_belongs_to_the_user),
		TEST(test_calls_out_of_order_are_refused),
		TEST(test_an_interval_that_failed_leaves_no_trace_and_the_next_one_counts),
		TEST(test_an_endpoint_keeps_its_id_and_takes_a_new_owner),
		TEST(test_a_file_that_another_keeps_locked_is_busy_and_then_goes_on),
		TEST(test_a_file_that_was_deleted_meanwhile_is_stale),
		TEST(test_a_recording_in_progress_reads_up_to_its_last_interval),
		TEST(test_the_documented_examples_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
