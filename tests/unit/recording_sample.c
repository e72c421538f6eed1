/* SPDX-License-Identifier: GPL-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "recording_sample.h"

#define NOBODY 65534

uint64_t sample_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* 0 in one of four, else up to 2^@bits: as skewed as latencies are. */
static uint64_t random_ns(uint64_t *state, unsigned int bits)
{
	uint64_t random = sample_random(state);

	return random & 3 ? (random >> 2) % (1ULL << (1 + (random >> 32) % bits)) : 0;
}

struct ktax_request sample_request(uint64_t *state)
{
	struct ktax_request request = { .batch = 1, .peer_port = 40000 };

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		request.account_ns[i] = i == KTAX_GC ? 0 : random_ns(state, 20);
		request.total_ns += request.account_ns[i];
	}
	request.start_ns = sample_random(state) >> 20;
	request.bytes_in = sample_random(state) % 1000;
	request.bytes_out = sample_random(state) % 100000;
	request.tid_read = 100;
	request.tid_write = 101;
	request.flags = sample_random(state) & 127;
	return request;
}

static uint64_t without(const struct ktax_request *request, uint32_t accounts)
{
	uint64_t rest = request->total_ns;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (accounts & KTAX_ACCOUNT_BIT(i))
			rest -= request->account_ns[i];
	return rest;
}

static void add_accounts(struct sample *sample, struct ktax_joint_cell *cell,
                         const struct ktax_request *request)
{
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		uint64_t ns = request->account_ns[i];

		cell->sum_ns[i] += ns;
		sample->account_ns[i] += ns;
		if (ns)
			sample->aggregate.account[i][ktax_hist_index(ns, KTAX_HIST_MAGNITUDE)]++;
	}
}

/* What the BPF side does with a finished request. */
static void add_request(struct sample *sample, const struct ktax_request *request)
{
	struct ktax_aggregate *aggregate = &sample->aggregate;
	uint64_t total = request->total_ns;
	struct ktax_joint_cell *cell =
		&aggregate->joint[ktax_hist_index(total, KTAX_JOINT_MAGNITUDE)];
	uint64_t tuned = without(request, KTAX_TUNABLE_SET);
	uint64_t bypass = without(request, KTAX_ADDRESSABLE_SET);

	add_accounts(sample, cell, request);
	cell->requests++;
	cell->cpu_samples_user += request->tid_read % 7;
	cell->cpu_samples_kernel++;
	aggregate->requests++;
	aggregate->bytes_in += request->bytes_in;
	aggregate->bytes_out += request->bytes_out;
	if (total > aggregate->max_ns)
		aggregate->max_ns = total;
	aggregate->total[ktax_hist_index(total, KTAX_HIST_MAGNITUDE)]++;
	aggregate->floor_tuned[ktax_hist_index(tuned, KTAX_HIST_MAGNITUDE)]++;
	aggregate->floor_bypass[ktax_hist_index(bypass, KTAX_HIST_MAGNITUDE)]++;
	sample->total_ns += total;
}

void sample_fill(struct sample *sample, uint64_t seed, unsigned int requests)
{
	*sample = (struct sample){ .aggregate = { .batches = seed % 5,
		                                  .batched = 3 * (seed % 5),
		                                  .unbalanced = seed % 2,
		                                  .incomplete = seed % 3,
		                                  .handed_over = seed % 7,
		                                  .retransmitted = seed % 11,
		                                  .loopback = seed % 13 } };
	for (unsigned int i = 0; i < requests; i++) {
		struct ktax_request request = sample_request(&seed);

		add_request(sample, &request);
	}
}

const struct recording_endpoint sample_endpoints[SAMPLE_ENDPOINTS] = {
	{ .name = "10.0.0.1:6379/tcp", .pid = 4242, .comm = "redis-server" },
	{ .name = "[::]:80/tcp", .pid = 77, .comm = "nginx" },
};

struct recording_interval sample_interval(unsigned int i)
{
	return (struct recording_interval){
		.start_realtime_ns = 1700000000000000000 + i * 1000000000ULL,
		.length_ns = 1000000000,
		.attached_ns = 250000000 + i,
		.lost_ring = i,
		.lost_map_full = 2 * i,
		.missed_stamps = 3 * i,
		.clock_errors = 4 * i,
		.reopened = 5 * i,
		.stepped = 6 * i,
		.stepped_ns = 7 * i,
		.probe_ns = 1000000 + i,
		.probe_runs = 3000 + i,
		.self_cpu_ns = 2000000 + i,
	};
}

static int add_endpoint_interval(struct recording_writer *writer, unsigned int i, unsigned int e)
{
	struct sample *sample = malloc(sizeof(*sample));
	const struct recording_arrivals arrivals[RECORDING_ARRIVAL_WINDOWS] = {
		[0] = { 1000, SAMPLE_REQUESTS, 2 * SAMPLE_REQUESTS, 7 },
		[3] = { 100, SAMPLE_REQUESTS, 8 * SAMPLE_REQUESTS, 20 + i },
	};
	struct ktax_request requests[2];
	uint64_t seed = 1000 * i + e;
	int64_t id;
	int error = recording_add_endpoint(writer, &sample_endpoints[e], &id);

	sample_fill(sample, seed, SAMPLE_REQUESTS / (e + 1));
	if (!error)
		error = recording_add_ledger(writer, id, &sample->aggregate);
	if (!error)
		error = recording_add_arrivals(writer, id, arrivals);
	for (size_t r = 0; r < 2; r++)
		requests[r] = sample_request(&seed);
	if (!error)
		error = recording_add_requests(writer, id, requests, 2);
	free(sample);
	return error;
}

int sample_add_interval(struct recording_writer *writer, unsigned int i)
{
	struct recording_interval interval = sample_interval(i);
	int error = recording_begin(writer, &interval);

	for (unsigned int e = 0; e < SAMPLE_ENDPOINTS && !error; e++)
		error = add_endpoint_interval(writer, i, e);
	return error ? error : recording_commit(writer);
}

int sample_write(const char *path, unsigned int first, unsigned int n)
{
	static const struct recording_hook hooks[] = {
		{ "readable", "kernel_rx", "tp_btf/sk_data_ready", "", 1000, 10 },
		{ "wire_rx", "nic_rx", "", "no hardware timestamps", 0, 0 },
	};
	struct recording_writer *writer;
	int error = recording_create(path, false, &writer);

	if (error)
		return error;
	error = recording_set_meta(writer, "hostname", "web-1");
	if (!error)
		error = recording_set_hooks(writer, hooks, 2);
	for (unsigned int i = first; i < first + n && !error; i++)
		error = sample_add_interval(writer, i);
	if (!error)
		return recording_finish(writer);
	recording_abandon(writer);
	return error;
}

/* ---- Files ----------------------------------------------------------------------------------- */

int sample_enter_folder(void **state)
{
	const char *base = getenv("TMPDIR");
	char *folder;

	if (asprintf(&folder, "%s/ktax-test-XXXXXX", base ? base : "/tmp") < 0)
		return -1;
	/* Others may look in: some tests read as another user. */
	if (!mkdtemp(folder) || chmod(folder, 0755) || chdir(folder))
		return -1;
	*state = folder;
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

int sample_leave_folder(void **state)
{
	int error = chdir("/");

	error |= nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(*state);
	return error;
}

void sample_sql(const char *path, const char *sql)
{
	char *message = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message))
		fail_msg("%s: %s", sql, message);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

unsigned char *sample_load(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "r");
	unsigned char *bytes;
	struct stat status;

	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &status), 0);
	bytes = malloc((size_t)status.st_size + 1);
	assert_non_null(bytes);
	*ret_length = fread(bytes, 1, (size_t)status.st_size, file);
	fclose(file);
	return bytes;
}

void sample_store(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

void sample_copy(const char *from, const char *to)
{
	size_t length;
	unsigned char *bytes = sample_load(from, &length);

	sample_store(to, bytes, length);
	free(bytes);
}

/* ---- Children -------------------------------------------------------------------------------- */

static int run_forked(int (*run)(void), bool unprivileged)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (unprivileged && geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
			_exit(127);
		_exit(run());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int sample_run_unprivileged(int (*run)(void))
{
	return run_forked(run, true);
}

int sample_run_child(int (*run)(void))
{
	return run_forked(run, false);
}
