// SPDX-License-Identifier: GPL-2.0
/*
 * make_joint_recording KIND FILE: ten seconds of requests whose slow ones are made of other things
 * than the fast ones, so that shares and percentiles of single accounts mislead.
 *
 *	fast_kernel   kernel 80 of 100 us on the fast 95 %, 5 of 1000 us on the slow 5 %
 *	slow_kernel   kernel 5 of 100 us on the fast 95 %, 900 of 1000 us on the slow 5 %
 *	rare_gc       a pause of 3 ms in 2 %, which is 1 in 4 of all ns; the kernel is all the rest
 *	mixture       of the slow 10 %, half are all GC and half all application, at the same total
 *	sampled       the same, each request also as a sampled one
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "recording.h"

#define SECOND_NS 1000000000ULL
#define SECONDS   10
#define RATE      2000U

struct part {
	unsigned int per_mille; /* of the requests */
	uint64_t us[KTAX_NACCOUNTS];
};

struct kind {
	const char *name;
	bool sampled;
	struct part parts[4]; /* per_mille 0 ends them */
};

static const struct kind kinds[] = {
	{ "fast_kernel",
	  false,
	  { { 950, { [KTAX_KERNEL_TX] = 80, [KTAX_APP] = 20 } },
	    { 50, { [KTAX_KERNEL_TX] = 5, [KTAX_APP] = 995 } } } },
	{ "slow_kernel",
	  false,
	  { { 950, { [KTAX_KERNEL_TX] = 5, [KTAX_APP] = 95 } },
	    { 50, { [KTAX_KERNEL_TX] = 900, [KTAX_APP] = 100 } } } },
	{ "rare_gc",
	  false,
	  { { 980, { [KTAX_WAKEUP] = 60, [KTAX_KERNEL_RX] = 60, [KTAX_KERNEL_TX] = 60 } },
	    { 20, { [KTAX_WAKEUP] = 60, [KTAX_GC] = 3000, [KTAX_KERNEL_TX] = 60 } } } },
	{ "mixture",
	  false,
	  { { 900, { [KTAX_APP] = 50 } },
	    { 50, { [KTAX_APP] = 50, [KTAX_GC] = 950 } },
	    { 50, { [KTAX_APP] = 1000 } } } },
	{ "sampled",
	  true,
	  { { 900, { [KTAX_APP] = 50 } },
	    { 50, { [KTAX_APP] = 50, [KTAX_GC] = 950 } },
	    { 50, { [KTAX_APP] = 1000 } } } },
};

static void add_floor(uint32_t *buckets, const struct ktax_request *request, unsigned int removed)
{
	uint64_t floor_ns = request->total_ns;

	for (int i = 0; i < KTAX_NACCOUNTS; i++)
		if (removed & KTAX_ACCOUNT_BIT(i))
			floor_ns -= request->account_ns[i];
	buckets[ktax_hist_index(floor_ns, KTAX_HIST_MAGNITUDE)]++;
}

static void add_request(struct ktax_aggregate *aggregate, const struct ktax_request *request)
{
	uint64_t total_ns = request->total_ns;
	struct ktax_joint_cell *cell =
		&aggregate->joint[ktax_hist_index(total_ns, KTAX_JOINT_MAGNITUDE)];

	aggregate->requests++;
	aggregate->bytes_in += 40;
	aggregate->bytes_out += 40;
	if (total_ns > aggregate->max_ns)
		aggregate->max_ns = total_ns;
	aggregate->total[ktax_hist_index(total_ns, KTAX_HIST_MAGNITUDE)]++;
	add_floor(aggregate->floor_tuned, request, KTAX_TUNABLE_SET);
	add_floor(aggregate->floor_bypass, request, KTAX_ADDRESSABLE_SET);
	cell->requests++;
	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		uint64_t ns = request->account_ns[i];

		cell->sum_ns[i] += ns;
		if (ns)
			aggregate->account[i][ktax_hist_index(ns, KTAX_HIST_MAGNITUDE)]++;
	}
}

static struct ktax_request make_request(const struct part *part, uint64_t start_ns)
{
	struct ktax_request request = { .start_ns = start_ns, .batch = 1 };

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		request.account_ns[i] = part->us[i] * 1000;
		request.total_ns += request.account_ns[i];
	}
	return request;
}

static int add_second(const struct kind *kind, struct recording_writer *writer, unsigned int second,
                      int64_t id)
{
	static struct ktax_request requests[RATE + 1];
	static struct ktax_aggregate aggregate;
	struct recording_interval interval = {
		.start_realtime_ns = ((uint64_t)time(NULL) - SECONDS + second) * SECOND_NS,
		.length_ns = SECOND_NS,
		.attached_ns = SECOND_NS,
	};
	size_t n = 0;
	int error;

	memset(&aggregate, 0, sizeof(aggregate));
	for (const struct part *part = kind->parts; part->per_mille; part++)
		for (unsigned int i = 0; i < RATE * part->per_mille / 1000; i++) {
			requests[n] = make_request(part, (second + 1) * SECOND_NS + n);
			add_request(&aggregate, &requests[n++]);
		}
	error = recording_begin(writer, &interval);
	if (!error)
		error = recording_add_ledger(writer, id, &aggregate);
	if (!error && kind->sampled)
		error = recording_add_requests(writer, id, requests, n);
	return error ? error : recording_commit(writer);
}

/* All accounts were seen: a ceiling that lacks one would be none. */
static int set_hooks(struct recording_writer *writer)
{
	struct recording_hook hooks[KTAX_NACCOUNTS] = { 0 };

	for (int i = 0; i < KTAX_NACCOUNTS; i++) {
		strcpy(hooks[i].boundary, "made_up");
		strcpy(hooks[i].account, ktax_account_info[i].name);
		strcpy(hooks[i].program, "tp_btf/made_up");
	}
	return recording_set_hooks(writer, hooks, KTAX_NACCOUNTS);
}

static int write_recording(const struct kind *kind, struct recording_writer *writer)
{
	static const struct recording_endpoint endpoint = { "127.0.0.1:8080/tcp", 4711, "server" };
	const char *const facts[][2] = { { "hostname", "box" },    { "kernel", "6.1.0" },
		                         { "cpu_model", "A CPU" }, { "cpus", "8" },
		                         { "nics", "none" },       { "requests_sampling", "1/1" } };
	int64_t id;
	int error = recording_add_endpoint(writer, &endpoint, &id);

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]) - !kind->sampled && !error; i++)
		error = recording_set_meta(writer, facts[i][0], facts[i][1]);
	if (!error)
		error = set_hooks(writer);
	for (unsigned int second = 0; second < SECONDS && !error; second++)
		error = add_second(kind, writer, second, id);
	return error;
}

static int make(const struct kind *kind, const char *path)
{
	struct recording_writer *writer;
	int error = recording_create(path, true, &writer);

	if (error)
		return error;
	error = write_recording(kind, writer);
	if (!error)
		return recording_finish(writer);
	recording_abandon(writer);
	return error;
}

int main(int argc, char **argv)
{
	int error = -EINVAL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && argc == 3; i++)
		if (!strcmp(argv[1], kinds[i].name))
			error = make(&kinds[i], argv[2]);
	if (error)
		fprintf(stderr, "make_joint_recording: %s\n", strerror(-error));
	return error != 0;
}
