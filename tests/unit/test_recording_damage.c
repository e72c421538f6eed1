/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What can happen to a recording: its recorder is killed, its disk is full, its bytes are damaged,
 * it was never one, or somebody made it up to do harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recording_sample.h"

#define KILLS     40
#define BIT_FLIPS 400
#define INTERVALS 3

/* In children: reports where it failed, since assertions belong to the parent. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                    \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int read_intervals(const char *path, size_t *ret_intervals, uint64_t *ret_requests)
{
	struct recording *recording;
	int error = recording_read(&path, 1, &recording, NULL);

	if (error)
		return error;
	*ret_intervals = recording->n_intervals;
	*ret_requests = recording->n_ledgers ? recording->ledgers[0].requests : 0;
	recording_free(recording);
	return 0;
}

static int error_of(const char *path)
{
	uint64_t requests;
	size_t intervals;

	return read_intervals(path, &intervals, &requests);
}

static size_t count_files(const char *folder)
{
	DIR *entries = opendir(folder);
	size_t n = 0;

	assert_non_null(entries);
	while (readdir(entries))
		n++;
	closedir(entries);
	return n - 2; /* . and .. */
}

/* ---- Killed recorders ------------------------------------------------------------------------ */

/* Records until it is killed; says after each commit how many intervals there are. */
static void record_forever(const char *path, int report)
{
	struct recording_writer *writer;
	int error = recording_create(path, true, &writer);

	for (uint32_t i = 0; !error; i++) {
		error = sample_add_interval(writer, i);
		if (!error && write(report, &i, sizeof(i)) != sizeof(i))
			error = -errno;
	}
	_exit(1);
}

/* How many intervals the recorder said it had committed when it was killed. */
static size_t record_and_kill(const char *path, uint64_t after_us)
{
	int report[2], status;
	size_t committed = 0;
	uint32_t last;
	pid_t pid;

	assert_int_equal(pipe(report), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(report[0]);
		record_forever(path, report[1]);
	}
	close(report[1]);
	usleep((useconds_t)after_us);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(report[0], &last, sizeof(last)) == sizeof(last))
		committed = last + 1;
	close(report[0]);
	return committed;
}

static void test_kill_9_at_any_moment_leaves_every_finished_interval(void **state)
{
	size_t hot_journals = 0, with_intervals = 0;
	uint64_t seed = 9;

	for (int i = 0; i < KILLS; i++) {
		size_t intervals = 0, committed;
		uint64_t requests = 0;
		int error;

		unlink("x.ktax");
		unlink("x.ktax-journal");
		committed = record_and_kill("x.ktax", sample_random(&seed) % 200000);
		hot_journals += access("x.ktax-journal", F_OK) == 0;
		with_intervals += committed > 0;
		error = read_intervals("x.ktax", &intervals, &requests);
		if (!committed && (error == -ENOENT || error == -ENODATA))
			continue;
		assert_int_equal(error, 0);
		/* One more may have been committed without a chance to say so. */
		assert_in_range(intervals, committed, committed + 1);
		assert_int_equal(requests, intervals * SAMPLE_REQUESTS);
	}
	print_message("%d kills: %zu with finished intervals, %zu within a commit\n", KILLS,
	              with_intervals, hot_journals);
	assert_true(with_intervals >= KILLS / 4);
}

/*
 * Dies as late within a commit as can be: pages of the file are overwritten, and the old ones are
 * in the journal only. A tiny cache makes SQLite write before the commit.
 */
static int die_within_commit(void)
{
	sqlite3 *db;

	CHECK(sqlite3_open("x.ktax", &db) == SQLITE_OK);
	CHECK(!sqlite3_exec(db,
	                    "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;"
	                    "UPDATE ledger SET requests = requests + 1, total = x'00';"
	                    "UPDATE interval SET start_realtime_ns = -1;"
	                    "UPDATE joint SET requests = requests + 1, app_ns = -5;"
	                    "DELETE FROM account_histogram",
	                    NULL, NULL, NULL));
	kill(getpid(), SIGKILL);
	return 1;
}

/* x.ktax with a hot journal beside it, and whole.ktax as it was before. */
static void make_hot(void)
{
	assert_int_equal(sample_write("x.ktax", 0, INTERVALS), 0);
	sample_copy("x.ktax", "whole.ktax");
	assert_int_equal(sample_run_child(die_within_commit), 128 + SIGKILL);
	assert_int_equal(access("x.ktax-journal", F_OK), 0);
}

static void assert_same_file(const char *a, const char *b, bool same)
{
	size_t a_length, b_length;
	unsigned char *a_bytes = sample_load(a, &a_length), *b_bytes = sample_load(b, &b_length);

	assert_int_equal(a_length == b_length && !memcmp(a_bytes, b_bytes, a_length), same);
	free(a_bytes);
	free(b_bytes);
}

static int read_hot(void)
{
	uint64_t requests;
	size_t intervals;

	CHECK(read_intervals("closed/x.ktax", &intervals, &requests) == 0);
	CHECK(intervals == INTERVALS);
	CHECK(requests == INTERVALS * SAMPLE_REQUESTS);
	return 0;
}

static void test_a_hot_journal_needs_no_permission_to_write_and_nothing_is_changed(void **state)
{
	make_hot();
	/* The commit had begun to overwrite: without the journal, the file is not what it was. */
	assert_same_file("x.ktax", "whole.ktax", false);
	assert_int_equal(mkdir("closed", 0755), 0);
	assert_int_equal(mkdir("tmp", 0755), 0);
	assert_int_equal(chmod("tmp", 0777), 0);
	sample_copy("x.ktax", "closed/x.ktax");
	sample_copy("x.ktax-journal", "closed/x.ktax-journal");
	assert_int_equal(chmod("closed", 0555), 0);
	setenv("TMPDIR", "tmp", 1);
	assert_int_equal(sample_run_unprivileged(read_hot), 0);
	assert_int_equal(sample_run_child(read_hot), 0);
	unsetenv("TMPDIR");
	assert_int_equal(chmod("closed", 0755), 0);
	assert_same_file("x.ktax", "closed/x.ktax", true);
	assert_same_file("x.ktax-journal", "closed/x.ktax-journal", true);
	assert_int_equal(count_files("tmp"), 0);
}

static void test_a_hot_journal_is_rolled_back_by_sqlite_itself(void **state)
{
	make_hot();
	sample_sql("x.ktax", "SELECT count(*) FROM meta");
	assert_int_equal(access("x.ktax-journal", F_OK), -1);
	assert_int_equal(error_of("x.ktax"), 0);
}

static void test_without_its_journal_a_recording_never_passes_for_whole(void **state)
{
	make_hot();
	unlink("x.ktax-journal");
	assert_int_equal(error_of("x.ktax"), -EBADMSG);
}

/* Appends what SQLite takes for the name of a further journal, to be deleted after the rollback. */
static void append_super_journal(const char *journal, const char *victim)
{
	static const unsigned char magic[] = { 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };
	size_t length = strlen(victim);
	unsigned char numbers[12] = { 0 };
	uint32_t sum = 0;
	FILE *file = fopen(journal, "a");

	for (size_t i = 0; i < length; i++)
		sum += (unsigned char)victim[i];
	numbers[2] = 4; /* any page number */
	numbers[7] = (unsigned char)length;
	numbers[10] = (unsigned char)(sum >> 8);
	numbers[11] = (unsigned char)sum;
	assert_non_null(file);
	fwrite(numbers, 1, 4, file);
	fwrite(victim, 1, length, file);
	fwrite(numbers + 4, 1, 8, file);
	fwrite(magic, 1, sizeof(magic), file);
	assert_int_equal(fclose(file), 0);
}

static void test_a_journal_cannot_have_other_files_deleted(void **state)
{
	char victim[128];

	make_hot();
	assert_true(strlen(*state) + 8 < sizeof(victim));
	snprintf(victim, sizeof(victim), "%s/victim", (const char *)*state);
	sample_store(victim, "precious", 9);
	append_super_journal("x.ktax-journal", victim);
	assert_int_equal(error_of("x.ktax"), -EBADMSG);
	assert_int_equal(access(victim, F_OK), 0);
}

static void test_a_journal_left_by_an_older_file_does_no_harm_to_a_new_one(void **state)
{
	make_hot();
	unlink("x.ktax");
	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	assert_int_equal(access("x.ktax-journal", F_OK), -1);
	assert_int_equal(error_of("x.ktax"), 0);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

static int ignore_request(const struct recording_endpoint *endpoint,
                          const struct ktax_request *request, void *context)
{
	return 0;
}

static int ignore_interval(const struct recording_interval *interval,
                           const struct recording_ledger *ledger, void *context)
{
	return 0;
}

static bool is_documented(int error)
{
	return error == -EMEDIUMTYPE || error == -EPROTO || error == -EPROTOTYPE ||
	       error == -EBADMSG || error == -ENODATA;
}

/* Whatever is in the file: an answer, of no more intervals than there were, or a documented error.
 */
static int assert_survives(const char *path, size_t intervals_max)
{
	uint64_t requests;
	size_t intervals = 0;
	int error = read_intervals(path, &intervals, &requests), other;

	if (error && !is_documented(error))
		fail_msg("undocumented error %d", error);
	assert_true(intervals <= intervals_max);
	other = recording_for_each_request(path, ignore_request, NULL);
	assert_true(!other || is_documented(other));
	other = recording_for_each_interval(path, ignore_interval, NULL);
	assert_true(!other || is_documented(other));
	return error;
}

static void test_a_truncated_recording_is_damaged_or_none_at_any_length(void **state)
{
	unsigned char *bytes;
	uint64_t seed = 11;
	size_t length;

	assert_int_equal(sample_write("whole.ktax", 0, INTERVALS), 0);
	bytes = sample_load("whole.ktax", &length);
	for (size_t cut = 0; cut < length; cut += 1 + sample_random(&seed) % 700) {
		int error;

		sample_store("x.ktax", bytes, cut);
		error = assert_survives("x.ktax", INTERVALS);
		assert_true(error == -EBADMSG || (cut < 512 && error == -EMEDIUMTYPE));
	}
	for (size_t page = 4096; page < length; page += 4096) {
		sample_store("x.ktax", bytes, page);
		assert_int_equal(assert_survives("x.ktax", INTERVALS), -EBADMSG);
	}
	sample_store("x.ktax", bytes, length);
	assert_int_equal(assert_survives("x.ktax", INTERVALS), 0);
	free(bytes);
}

static void test_flipped_bits_never_crash_the_reader(void **state)
{
	size_t length, errors = 0;
	unsigned char *bytes;
	uint64_t seed = 12;

	assert_int_equal(sample_write("whole.ktax", 0, 2), 0);
	bytes = sample_load("whole.ktax", &length);
	for (int i = 0; i < BIT_FLIPS; i++) {
		/* Every second one where it hurts: in the header and the schema. */
		size_t at = sample_random(&seed) % (i & 1 ? length : 8192);
		unsigned char bit = (unsigned char)(1 << (sample_random(&seed) & 7));

		bytes[at] ^= bit;
		sample_store("x.ktax", bytes, length);
		errors += assert_survives("x.ktax", 2) != 0;
		bytes[at] ^= bit;
	}
	print_message("%d bits flipped: %zu noticed\n", BIT_FLIPS, errors);
	assert_true(errors > 0);
	free(bytes);
}

static void test_overwritten_pages_never_crash_the_reader(void **state)
{
	unsigned char *bytes, saved[4096];
	uint64_t seed = 13;
	size_t length;

	assert_int_equal(sample_write("whole.ktax", 0, 2), 0);
	bytes = sample_load("whole.ktax", &length);
	for (size_t page = 0; page < length; page += sizeof(saved)) {
		memcpy(saved, bytes + page, sizeof(saved));
		for (size_t i = 0; i < sizeof(saved); i++)
			bytes[page + i] = (unsigned char)sample_random(&seed);
		sample_store("x.ktax", bytes, length);
		assert_survives("x.ktax", 2);
		memcpy(bytes + page, saved, sizeof(saved));
	}
	free(bytes);
}

/* ---- Not what it says ------------------------------------------------------------------------ */

static int read_closed(void)
{
	return -error_of("closed.ktax");
}

static void test_a_file_that_may_not_be_read_gives_eacces(void **state)
{
	assert_int_equal(sample_write("closed.ktax", 0, 1), 0);
	assert_int_equal(chmod("closed.ktax", 0), 0);
	assert_int_equal(sample_run_unprivileged(read_closed), EACCES);
}

static void test_what_is_not_a_recording_is_told_from_a_damaged_one(void **state)
{
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	sample_store("empty", "", 0);
	sample_store("text", "GET / HTTP/1.1\r\n", 16);
	sample_sql("foreign.db", "CREATE TABLE meta (key, value)");
	assert_int_equal(error_of("missing"), -ENOENT);
	assert_int_equal(error_of("folder"), -EISDIR);
	assert_int_equal(error_of("pipe"), -EMEDIUMTYPE);
	assert_int_equal(error_of("empty"), -EMEDIUMTYPE);
	assert_int_equal(error_of("text"), -EMEDIUMTYPE);
	assert_int_equal(error_of("foreign.db"), -EMEDIUMTYPE);
}

static void test_a_newer_schema_is_refused_as_such(void **state)
{
	assert_int_equal(sample_write("x.ktax", 0, 1), 0);
	sample_sql("x.ktax", "PRAGMA user_version = 2; DROP TABLE ledger");
	assert_int_equal(error_of("x.ktax"), -EPROTO);
	sample_sql("x.ktax", "PRAGMA user_version = 0");
	assert_int_equal(error_of("x.ktax"), -EBADMSG);
}

static void test_a_recording_without_an_interval_has_no_data(void **state)
{
	assert_int_equal(sample_write("x.ktax", 0, 0), 0);
	assert_int_equal(error_of("x.ktax"), -ENODATA);
	assert_int_equal(recording_for_each_interval("x.ktax", ignore_interval, NULL), 0);
}

/* Each is done to a good recording; what the reader then says is -EBADMSG. */
static const char *const forgeries[] = {
	"UPDATE ledger SET requests = -1",
	"UPDATE ledger SET requests = 1.5",
	"UPDATE ledger SET bytes_in = 'many'",
	"UPDATE ledger SET bytes_out = 9223372036854775807",
	"UPDATE ledger SET endpoint = endpoint + 100",
	"UPDATE ledger SET total = zeroblob(100)",
	"UPDATE ledger SET total = x''",
	"UPDATE ledger SET total = 'text'",
	"UPDATE ledger SET total = zeroblob(2000000)",
	"UPDATE ledger SET floor_bypass = x'1c849314ffffffff789c'",
	"UPDATE ledger SET floor_tuned = x'1c849314000000087fffffff7fffffff'",
	/* A histogram, but of two digits: it cannot be merged. */
	"UPDATE ledger SET total = x'1c84931300000001000000000000000200000000000000010000034630b8a000"
	"3ff000000000000002'",
	"UPDATE account_histogram SET account = 'magic' WHERE account = 'app'",
	"UPDATE account_histogram SET account = x'00' WHERE account = 'app'",
	"UPDATE account_histogram SET endpoint = endpoint + 77 WHERE account = 'app'",
	"UPDATE joint SET app_ns = -1",
	"UPDATE joint SET app_ns = 9223372036854775807",
	"UPDATE joint SET lowest_ns = lowest_ns + 1 WHERE lowest_ns > 100",
	"UPDATE joint SET lowest_ns = 9223372036854775807 - lowest_ns",
	"UPDATE joint SET endpoint = -endpoint",
	"UPDATE interval SET length_ns = -1",
	"UPDATE interval SET probe_ns = 9223372036854775807",
	"UPDATE endpoint SET name = printf('%.*c', 96, 'x') WHERE id = 1",
	"UPDATE endpoint SET name = 'a' || char(0) || 'b' WHERE id = 1",
	"UPDATE endpoint SET name = x'61' WHERE id = 1",
	"UPDATE endpoint SET comm = '0123456789abcdef'",
	"UPDATE endpoint SET pid = 4294967296",
	"UPDATE hook SET why = printf('%.*c', 160, 'x')",
	"UPDATE hook SET runs = NULL",
	"UPDATE meta SET value = printf('%.*c', 2000000, 'x') WHERE key = 'hostname'",
	/* More of them than any host has. */
	"WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
	"INSERT INTO endpoint SELECT i, 'e' || i, 0, '' FROM n",
	"WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
	"INSERT INTO meta SELECT 'k' || i, '' FROM n",
	"WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
	"INSERT INTO hook SELECT 'b' || i, '', '', '', 0, 0 FROM n",
};

/* Likewise; what the reader says is -EPROTOTYPE. */
static const char *const other_schemas[] = {
	"DROP TABLE joint",
	"DROP TABLE request",
	"ALTER TABLE ledger RENAME COLUMN requests TO visits",
	"ALTER TABLE interval DROP COLUMN reopened",
	"ALTER TABLE joint RENAME COLUMN cpu_samples_user TO samples",
	/* Tables that compute without end when they are read. */
	"DROP TABLE meta; CREATE VIEW meta AS WITH RECURSIVE n (key) AS (SELECT 1 UNION ALL "
	"SELECT key + 1 FROM n) SELECT key, key AS value FROM n",
	"DROP TABLE hook; CREATE VIRTUAL TABLE hook USING fts5 (boundary, account, program, why, "
	"run_ns, runs)",
};

/* Takes the checks of the schema off, so that any value can be put in. */
static const char allow_anything[] =
	"PRAGMA writable_schema = ON; PRAGMA foreign_keys = OFF;"
	"UPDATE sqlite_schema SET sql = replace(sql, ' NOT NULL', '') WHERE type = 'table' AND "
	"sql NOT LIKE '%WITHOUT ROWID%'";

static void test_every_forged_value_is_noticed(void **state)
{
	assert_int_equal(sample_write("good.ktax", 0, INTERVALS), 0);
	sample_sql("good.ktax", "DROP VIEW accounts; DROP VIEW endpoints; DROP VIEW account_sums;"
	                        "DROP VIEW cells; DROP VIEW requests; DROP VIEW intervals");
	sample_sql("good.ktax", allow_anything);
	assert_int_equal(error_of("good.ktax"), 0);
	for (size_t i = 0; i < sizeof(forgeries) / sizeof(forgeries[0]); i++) {
		sample_copy("good.ktax", "x.ktax");
		sample_sql("x.ktax", forgeries[i]);
		if (assert_survives("x.ktax", INTERVALS) != -EBADMSG)
			fail_msg("not noticed: %s", forgeries[i]);
	}
	for (size_t i = 0; i < sizeof(other_schemas) / sizeof(other_schemas[0]); i++) {
		sample_copy("good.ktax", "x.ktax");
		sample_sql("x.ktax", other_schemas[i]);
		if (assert_survives("x.ktax", INTERVALS) != -EPROTOTYPE)
			fail_msg("not told from damage: %s", other_schemas[i]);
	}
}

static void test_forged_requests_are_noticed(void **state)
{
	static const char *const requests[] = {
		"UPDATE request SET app_ns = -1",
		"UPDATE request SET total_ns = 'long'",
		"UPDATE request SET tid_read = 4294967296",
		"UPDATE request SET peer_port = 65536",
	};

	assert_int_equal(sample_write("good.ktax", 0, 1), 0);
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		sample_copy("good.ktax", "x.ktax");
		sample_sql("x.ktax", requests[i]);
		assert_int_equal(recording_for_each_request("x.ktax", ignore_request, NULL),
		                 -EBADMSG);
	}
}

static void test_texts_come_without_control_characters(void **state)
{
	const char *path = "x.ktax";
	struct recording *recording;

	assert_int_equal(sample_write(path, 0, 1), 0);
	sample_sql(path, "UPDATE endpoint SET name = char(27) || '[2J' WHERE id = 1;"
	                 "UPDATE hook SET why = 'a' || char(10) || 'b';"
	                 "UPDATE meta SET value = 'x' || char(127) WHERE key = 'hostname'");
	assert_int_equal(recording_read(&path, 1, &recording, NULL), 0);
	assert_string_equal(recording->ledgers[0].endpoint.name, "?[2J");
	assert_string_equal(recording->hooks[0].why, "a?b");
	assert_string_equal(recording_meta(recording, "hostname"), "x?");
	recording_free(recording);
}

/* ---- Full disk ------------------------------------------------------------------------------- */

/* A small file system of our own, gone with this process. 0, or -errno where that is not allowed.
 */
static int mount_small_disk(const char *options)
{
	if (unshare(CLONE_NEWNS))
		return -errno;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	if (mkdir("disk", 0700) || mount("tmpfs", "disk", "tmpfs", 0, options))
		return -errno;
	return chdir("disk") ? -errno : 0;
}

#define NOT_PERMITTED 77

static int fill_disk(void)
{
	struct recording_writer *writer;
	uint64_t requests = 0;
	size_t intervals = 0;
	unsigned int i = 0;
	int error;

	if (mount_small_disk("size=512k"))
		return NOT_PERMITTED;
	sample_store("ballast", fill_disk, 4096);
	CHECK(recording_create("x.ktax", false, &writer) == 0);
	do
		error = sample_add_interval(writer, i++);
	while (!error);
	CHECK(error == -ENOSPC);
	CHECK(i > 2);
	CHECK(read_intervals("x.ktax", &intervals, &requests) == 0);
	CHECK(intervals == i - 1);
	CHECK(requests == intervals * SAMPLE_REQUESTS);
	/* Once there is room again, the same writer goes on. */
	CHECK(mount("tmpfs", ".", "tmpfs", MS_REMOUNT, "size=1m") == 0);
	CHECK(sample_add_interval(writer, i) == 0);
	CHECK(recording_finish(writer) == 0);
	CHECK(read_intervals("x.ktax", &intervals, &requests) == 0);
	CHECK(intervals == i);
	return 0;
}

static int create_on_full_disk(void)
{
	struct recording_writer *writer;

	if (mount_small_disk("size=16k"))
		return NOT_PERMITTED;
	CHECK(recording_create("x.ktax", false, &writer) == -ENOSPC);
	CHECK(count_files(".") == 0);
	return 0;
}

static int create_on_read_only_disk(void)
{
	struct recording_writer *writer;

	if (mount_small_disk("size=1m"))
		return NOT_PERMITTED;
	CHECK(sample_write("x.ktax", 0, 2) == 0);
	CHECK(mount("tmpfs", ".", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) == 0);
	CHECK(recording_create("y.ktax", false, &writer) == -EROFS);
	CHECK(error_of("x.ktax") == 0);
	return 0;
}

static void assert_on_small_disk(int (*run)(void))
{
	int result = sample_run_child(run);

	if (result == NOT_PERMITTED) {
		print_message("SKIP: may not mount a tmpfs\n");
		skip();
	}
	assert_int_equal(result, 0);
}

static void test_a_full_disk_keeps_earlier_intervals_and_the_writer_can_go_on(void **state)
{
	assert_on_small_disk(fill_disk);
}

static void test_creating_on_a_full_disk_leaves_nothing_behind(void **state)
{
	assert_on_small_disk(create_on_full_disk);
}

static void test_a_read_only_disk_is_read_and_not_written(void **state)
{
	assert_on_small_disk(create_on_read_only_disk);
}

#define TEST(function)                                                                             \
	cmocka_unit_test_setup_teardown(function, sample_enter_folder, sample_leave_folder)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_kill_9_at_any_moment_leaves_every_finished_interval),
		TEST(test_a_hot_journal_needs_no_permission_to_write_and_nothing_is_changed),
		TEST(test_a_hot_journal_is_rolled_back_by_sqlite_itself),
		TEST(test_without_its_journal_a_recording_never_passes_for_whole),
		TEST(test_a_journal_cannot_have_other_files_deleted),
		TEST(test_a_journal_left_by_an_older_file_does_no_harm_to_a_new_one),
		TEST(test_a_truncated_recording_is_damaged_or_none_at_any_length),
		TEST(test_flipped_bits_never_crash_the_reader),
		TEST(test_overwritten_pages_never_crash_the_reader),
		TEST(test_a_file_that_may_not_be_read_gives_eacces),
		TEST(test_what_is_not_a_recording_is_told_from_a_damaged_one),
		TEST(test_a_newer_schema_is_refused_as_such),
		TEST(test_a_recording_without_an_interval_has_no_data),
		TEST(test_every_forged_value_is_noticed),
		TEST(test_forged_requests_are_noticed),
		TEST(test_texts_come_without_control_characters),
		TEST(test_a_full_disk_keeps_earlier_intervals_and_the_writer_can_go_on),
		TEST(test_creating_on_a_full_disk_leaves_nothing_behind),
		TEST(test_a_read_only_disk_is_read_and_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
